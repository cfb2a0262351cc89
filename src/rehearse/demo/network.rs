//! What the network looks like in the demo: CoreDNS answers, however slowly.

use crate::network::{Answer, Scripted, ScriptedNetwork};

/// The answer to the one question that a shipped playbook asks here.
pub(super) fn network() -> ScriptedNetwork {
    let network = ScriptedNetwork::default();
    let answer = Answer {
        server: ([10, 96, 0, 10], 53).into(),
        code: "NOERROR".into(),
        records: vec!["10.96.0.1".into()],
        ttl: Some(30),
    };
    network.answers_in_turn("dns A kubernetes.default", vec![Scripted::Dns(answer)]);
    network
}
