//! Evidence that may be missing, and conditions that count on it.

use std::path::Path;

use insta::assert_snapshot;

use crate::model::Phase;
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
  - id: pods
    k8s.pods: {}
    on_error: go_on
  - escalate_if: "!has(pods.error) && pods.crash_looping > 0"
    because: "they crash: {{pods.summary}}"
mitigate:
  - id: scale
    when: target.spec.replicas < 8
    k8s.scale: { by: 50%, max: 10 }
    verify: { until: target.status.readyReplicas > 4, within: 10m }
escalate:
  - page: { message: "{{because}} {{#if pods.error}}{{pods.error}}{{else}}{{pods.not_ready}}{{/if}}" }
"#;

fn parse(text: &str) -> Result<Playbook, String> {
    Playbook::parse(Path::new("slow.yaml"), text)
        .map_err(|problems| problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
}

/// What is said of it with one passage written in another way.
fn with(old: &str, new: &str) -> String {
    assert_eq!(SLOW.matches(old).count(), 1, "`{old}` is there once");
    match parse(&SLOW.replace(old, new)) {
        Ok(playbook) => playbook.warnings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
        Err(problems) => problems,
    }
}

#[test]
fn a_read_that_may_fail() {
    let playbook = parse(SLOW).unwrap();
    assert_eq!(playbook.warnings, []);
    assert!(playbook.steps(Phase::Diagnose).next().unwrap().goes_on_without);
}

#[test]
fn where_it_has_no_place() {
    assert_snapshot!(with("on_error: go_on", "on_error: stop"), @"slow.yaml:12:15: `on_error` cannot be `stop`; write `on_error: go_on`, or leave it out: then the run escalates");
    assert_snapshot!(with("    verify: {", "    on_error: go_on\n    verify: {"), @"slow.yaml:19:15: `on_error` belongs to a step that reads: a change is never optional; leave it out");
    assert_snapshot!(with("    because: \"they", "    on_error: go_on\n    because: \"they"), @"slow.yaml:14:15: `on_error` belongs to a step that reads; leave it out");
}

#[test]
fn a_condition_that_takes_it_for_granted() {
    assert_snapshot!(with("!has(pods.error) && pods.crash", "pods.crash"), @"slow.yaml:13:24: `pods.crash_looping` is not there when `pods` fails, which may be (`on_error: go_on`); ask for that first: `!has(pods.error) && ...`");
    assert_eq!(with("!has(pods.error) && pods.crash", "has(pods.crash_looping) && pods.crash"), "");
    assert_snapshot!(with("has(pods.error) &&", "has(pods.eror) &&"), @"
    slow.yaml:13:29: the output of `pods` has no `eror`; write `pods.error` instead
    slow.yaml:13:43: `pods.crash_looping` is not there when `pods` fails, which may be (`on_error: go_on`); ask for that first: `!has(pods.error) && ...`
    ");
}

#[test]
fn a_condition_that_takes_not_knowing_for_an_answer() {
    let default = "pods.?crash_looping.orValue(0) > 0";
    let asked = "!has(pods.error) && pods.crash_looping > 0";
    assert_snapshot!(with(asked, default), @"slow.yaml:13:25: when `pods` fails, `orValue` decides: not knowing would count as an answer; ask for that as well: `has(pods.error)` says that nothing is known");
    assert_snapshot!(with("when: target.spec.replicas < 8", &format!("when: {default}")), @"slow.yaml:17:17: when `pods` fails, `orValue` decides: not knowing would count as an answer; ask for that as well: `has(pods.error)` says that nothing is known");
    assert_eq!(with(asked, &format!("!has(pods.error) && {default}")), "");
    // There a human waits for whatever is known.
    assert_eq!(
        with("  - page:", &format!("  - when: {default}\n    notice: {{ message: they crash }}\n  - page:")),
        ""
    );
}
