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
    assert_snapshot!(with("on_error: go_on", "on_error: stop"), @"");
    assert_snapshot!(with("    verify: {", "    on_error: go_on\n    verify: {"), @"");
    assert_snapshot!(with("    because: \"they", "    on_error: go_on\n    because: \"they"), @"");
}

#[test]
fn a_condition_that_takes_it_for_granted() {
    assert_snapshot!(with("!has(pods.error) && pods.crash", "pods.crash"), @"");
    assert_eq!(with("!has(pods.error) && pods.crash", "has(pods.crash_looping) && pods.crash"), "");
    assert_snapshot!(with("has(pods.error) &&", "has(pods.eror) &&"), @"");
}

#[test]
fn a_condition_that_takes_not_knowing_for_an_answer() {
    let default = "pods.?crash_looping.orValue(0) > 0";
    let asked = "!has(pods.error) && pods.crash_looping > 0";
    assert_snapshot!(with(asked, default), @"");
    assert_snapshot!(with("when: target.spec.replicas < 8", &format!("when: {default}")), @"");
    assert_eq!(with(asked, &format!("!has(pods.error) && {default}")), "");
    // There a human waits for whatever is known.
    assert_eq!(with("  - page:", &format!("  - when: {default}\n    page:")), "");
}
