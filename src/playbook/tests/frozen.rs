//! A playbook that was pinned is read by the rules of its time.

use super::{GOOD, parse};
use crate::playbook::Playbook;

/// What was taken before these rules came, and cannot be written now.
#[test]
fn what_only_later_versions_refuse_is_no_mistake_of_a_run_under_way() {
    for (right, wrong) in [
        ("{{scale.summary}}", "{{round p99.value}}"),
        ("{{scale.summary}}", "{{> footer}}"),
        ("p99.value < 0.1\n", "p99.value < '0.1'\n"),
        ("p99.value < 0.1\n", "alert.name.matches('a(')\n"),
        ("[5m]", "[5x]"),
        ("alert: CoreDNSLatencyHigh", "alert: CoreDNS.*"),
        ("kind: Deployment", "kind: DaemonSet"),
        ("settle: 6m, within: 12m", "settle: 6m, every: 20m, within: 12m"),
    ] {
        let text = GOOD.replacen(right, wrong, 1);
        assert_ne!(text, GOOD, "{right}");
        let problems = parse(&text).unwrap_err();
        assert!(problems.iter().any(|problem| problem.is_error()), "{wrong}");
        Playbook::from_store(&text).unwrap_or_else(|problem| panic!("{wrong}: {problem}"));
    }
}
