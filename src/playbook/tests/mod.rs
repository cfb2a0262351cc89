//! The language, as those who write it meet it.

mod approvals;
mod branches;
mod deceiving;
mod durations;
mod elements;
mod examples;
mod fields;
mod frozen;
mod hostile;
mod kinds;
mod laws;
mod loops;
mod missing;
mod mistakes;
mod requests;
mod schedules;
mod settings;
mod several_kinds;
mod severities;
mod shipped;
mod watches;

use std::path::Path;
use std::time::Duration;

use super::*;
use crate::action::Action;
use crate::model::{Autonomy, Digest, Phase, Severity};

/// The example of the documentation.
const GOOD: &str = r#"apiVersion: dogwatch/v1
kind: Playbook
metadata: { name: coredns-saturated, version: 1.2.0, owner: platform }
summary: CoreDNS has too little capacity for the cluster's queries
severity: S2
autonomy: auto
page_by: 10m
triggers:
  - alert: CoreDNSLatencyHigh
  - alert: CoreDNSErrorsHigh
    where: alert.labels.rcode == 'SERVFAIL'
target: { kind: Deployment, namespace: kube-system, name: coredns }
inputs:
  max_replicas: { type: integer, default: 10, maximum: 50 }
limits: { runs: 3 per 1h, cooldown: 15m }
diagnose:
  - id: p99
    prometheus.query: { expr: "histogram_quantile(0.99, sum by (le) (rate(coredns_dns_request_duration_seconds_bucket[5m])))" }
  - done_if: p99.value < 0.1
    because: the latency is back to normal
  - require: target.status.?readyReplicas.orValue(0) == target.spec.replicas
    because: pods are missing, and more of them would not help
mitigate:
  - id: scale
    k8s.scale: { by: 50%, max: "{{inputs.max_replicas}}" }
    verify: { query: p99, until: value < 0.1, settle: 6m, within: 12m }
    undo: never
escalate:
  - page: { team: platform, message: "CoreDNS p99 is {{p99.value}}s; {{scale.summary}}" }
"#;

fn parse(text: &str) -> Result<Playbook, Vec<crate::diagnostics::Diagnostic>> {
    Playbook::parse(Path::new("playbooks/coredns.yaml"), text)
}

/// The good playbook with one passage written in another way.
fn with(old: &str, new: &str) -> String {
    assert_eq!(GOOD.matches(old).count(), 1, "`{old}` must be in the example once");
    GOOD.replace(old, new)
}

#[test]
fn the_example_is_a_playbook() {
    let playbook = parse(GOOD).unwrap_or_else(|problems| panic!("{problems:#?}"));
    assert_eq!(playbook.warnings, []);
    assert_eq!(playbook.reference.to_string(), format!("coredns-saturated 1.2.0 ({})", Digest::of(GOOD)));
    assert_eq!((playbook.severity, playbook.autonomy), (Severity::S2, Autonomy::Auto));
    assert_eq!(playbook.page_by, Some(Duration::from_secs(600)));
    assert_eq!(playbook.limits.runs, Some((3, Duration::from_secs(3_600))));
    assert_eq!(playbook.triggers.len(), 2);
    let paths: Vec<String> = playbook.all_steps().map(|step| step.address.to_string()).collect();
    assert_eq!(paths, ["diagnose.p99", "diagnose.2", "diagnose.3", "mitigate.scale", "escalate.1"]);
    let verify = playbook.steps(Phase::Mitigate).next().unwrap().verify.as_ref().unwrap();
    assert_eq!((verify.settle.as_secs(), verify.every.as_secs(), verify.within.as_secs()), (360, 30, 720));
    assert!(matches!(playbook.step_by_id("p99").unwrap().kind, StepKind::Action(Action::Read(_))));
    let StepKind::DoneIf(done) = &playbook.steps(Phase::Diagnose).nth(1).unwrap().kind else {
        panic!("{:?}", playbook.diagnose[1])
    };
    assert_eq!(done.because.as_ref().unwrap().source(), "the latency is back to normal");
    let stored = Playbook::from_store(&playbook.source).unwrap();
    assert_eq!(stored.reference, playbook.reference);
    insta::assert_snapshot!(Playbook::from_store("kind: Playbook").unwrap_err(), @"playbook:1:1: a playbook needs `apiVersion`; add `apiVersion: dogwatch/v1`");
}

/// What only a later version refuses is no mistake of a run that is under way; what nobody can
/// carry out is.
#[test]
fn a_frozen_playbook_is_read_by_the_rules_of_its_time() {
    let refused_since = [
        with("    verify: { query: p99, until: value < 0.1, settle: 6m, within: 12m }\n", ""),
        with("until: value < 0.1", "until: true"),
        with("within: 12m", "within: 5m"),
        with("p99.value < 0.1", "p99.worth < 0.1"),
        with("  - page:", "  - notice:"),
    ];
    for playbook in refused_since {
        assert!(parse(&playbook).is_err(), "{playbook}");
        let frozen = Playbook::from_store(&playbook).unwrap();
        assert_eq!(frozen.all_steps().count(), 5);
    }
    let impossible = [
        with("k8s.scale", "k8s.inflate"),
        with("p99.value < 0.1", "p99.value <"),
        with("within: 12m", "within: long"),
        with("settle: 6m", "settel: 6m"),
        with("undo: never", "undo: later"),
        with(
            "  - done_if: p99.value < 0.1\n    because: the latency is back to normal\n",
            "  - choose:\n      - branch: one\n        when: p99.value <\n        go_on: one\n      - otherwise: two\n        go_on: two\n",
        ),
    ];
    for playbook in impossible {
        assert!(Playbook::from_store(&playbook).is_err(), "{playbook}");
    }
}
