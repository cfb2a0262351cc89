//! Reads that are repeated, and what is wrong with them.

use std::path::Path;

use insta::assert_snapshot;

use crate::playbook::Playbook;

const SLOW: &str = r#"apiVersion: dogwatch/v1
kind: Playbook
metadata: { name: front-slow, version: 1.0.0, owner: web }
summary: It is slow
severity: S2
autonomy: auto
triggers: [{ alert: FrontSlow }]
target: { kind: Deployment, namespace: web, name: front }
diagnose:
  - id: p99
    prometheus.query: { expr: max(http_seconds) }
    watch: { until: value < 0.1, fail_if: value > 9, every: 30s, within: 5m, for: 1m }
  - done_if: p99.held
    because: it is fast again
mitigate:
  - id: scale
    k8s.scale: { by: 50%, max: 10 }
    verify: { query: p99, until: value < 0.2, within: 10m, for: 2m }
escalate:
  - page: { message: "{{because}} {{p99.shown}}" }
"#;

/// What is said of it with one passage written in another way.
fn with(old: &str, new: &str) -> String {
    assert_eq!(SLOW.matches(old).count(), 1, "`{old}` is there once");
    let problems = match Playbook::parse(Path::new("slow.yaml"), &SLOW.replace(old, new)) {
        Ok(playbook) => playbook.warnings,
        Err(problems) => problems,
    };
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_watch_that_is_right() {
    assert_eq!(with("value > 9", "value > 8"), "");
}

#[test]
fn where_it_has_no_place() {
    assert_snapshot!(with("    verify: {", "    watch: { until: \"true\", within: 5m }\n    verify: {"), @"
    slow.yaml:18:14: `watch` belongs to a step that reads; write `verify`, which looks whether a change helped
    slow.yaml:18:21: `until` is always true, and waits for nothing; write a condition on what is read
    ");
    assert_snapshot!(with("    because: it", "    watch: { until: value < 1, within: 5m }\n    because: it"), @"slow.yaml:14:14: `watch` belongs to a step that reads; leave it out");
    assert_snapshot!(with("  - page:", "  - id: again\n    k8s.pods: {}\n    watch: { until: not_ready == 0, within: 5m }\n  - page:"), @"
    slow.yaml:22:14: `watch` has no place in `escalate`: whoever is called would wait for it; leave it out
    slow.yaml:22:14: nobody asks behind it whether it held: that the time is over is no failure; ask for `again.held`, as in `require: again.held`
    ");
    assert_snapshot!(with("every: 30s", "evry: 30s"), @"slow.yaml:12:54: unknown field `evry` in `watch`; write `every` instead");
    assert_snapshot!(with("    watch:", "    retry: { for: 1m }\n    watch:"), @"slow.yaml:12:14: `retry` has no place beside `watch`, which looks again also when a look fails; leave it out");
}

#[test]
fn its_times() {
    assert_snapshot!(with("every: 30s", "every: 1s"), @"slow.yaml:12:61: it is looked at every 1s, and more often than every 5 s is too much; write `every: 5s` or more");
    assert_snapshot!(with("every: 30s, within: 5m", "every: 5m, within: 5m"), @"slow.yaml:12:61: it is looked at every 5m, and watched for 5m: nobody looks twice; write less than 5m for `every`");
    assert_snapshot!(with("every: 30s, within: 5m", "within: 25h"), @"slow.yaml:12:62: 1d1h is longer than 1d: meanwhile the run holds its object, and no other one may mend it; write `1d` or less");
    assert_snapshot!(with("for: 1m", "for: 5m"), @"slow.yaml:12:83: it has to hold for 5m (`for`), and patience ends after 5m; write less than 5m");
    assert_snapshot!(with("for: 2m", "for: 10m"), @"slow.yaml:18:65: it has to hold for 10m (`for`), and patience ends after 10m; write less than 10m");
}

#[test]
fn what_it_asks_for() {
    assert_snapshot!(with("until: value < 0.1", "until: \"true\""), @"slow.yaml:12:21: `until` is always true, and waits for nothing; write a condition on what is read");
    assert_snapshot!(with("until: value < 0.1", "until: target.spec.replicas > 4"), @"slow.yaml:12:21: `until` asks for nothing that is read here, and would never change; name what it finds: `value`, `shown`, `samples` and `count`");
    assert_snapshot!(with("p99.held", "p99.value < 0.1"), @"slow.yaml:12:14: nobody asks behind it whether it held: that the time is over is no failure; ask for `p99.held`, as in `require: p99.held`");
    assert_snapshot!(with("p99.held", "p99.hold"), @"
    slow.yaml:12:14: nobody asks behind it whether it held: that the time is over is no failure; ask for `p99.held`, as in `require: p99.held`
    slow.yaml:13:18: the output of `p99` has no `hold`; write `p99.held` instead
    ");
}
