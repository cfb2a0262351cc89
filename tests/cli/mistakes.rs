//! The mistakes that people make first, each in a file of its own: where, what, and what to write instead.

use std::fs;

use super::*;

/// A playbook without a mistake.
pub const RIGHT: &str = r#"apiVersion: dogwatch/v1
kind: Playbook
metadata: { name: front-slow, version: 1.0.0, owner: web }
summary: the front end answers slowly
severity: S2
autonomy: auto
triggers:
  - alert: FrontSlow
target: { kind: Deployment, namespace: web, name: front }
inputs:
  most: { type: integer, default: 10 }
diagnose:
  - id: p99
    prometheus.query: { expr: "max(rate(http_seconds_sum[5m]))" }
  - done_if: p99.value < 0.1
    because: it is fast again
mitigate:
  - id: scale
    k8s.scale: { by: 50%, max: "{{inputs.most}}" }
    verify: { query: p99, until: value < 0.1, settle: 6m, within: 15m }
escalate:
  - page: { team: web, message: "slow: {{p99.shown}} s" }
"#;

/// What is told of the playbook when this stands in the place of that.
fn told(changes: &[(&str, &str)]) -> Said {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("playbooks")).unwrap();
    let text = changes.iter().fold(RIGHT.to_owned(), |text, (right, wrong)| {
        assert!(text.contains(right), "{right}");
        text.replacen(right, wrong, 1)
    });
    fs::write(dir.path().join("playbooks/front-slow.yaml"), text).unwrap();
    dogwatch(dir.path(), &["check"], &[])
}

#[test]
fn the_playbook_is_right() {
    assert_eq!(told(&[]).out, "1 playbook without errors; 0 errors, 0 warnings\n");
}

#[test]
fn each_mistake_is_told_with_its_place_and_what_to_write_instead() {
    const CONDITION: &str = "done_if: p99.value < 0.1";
    const QUERY: &str = "max(rate(http_seconds_sum[5m]))";
    let mut all = String::new();
    for (mistake, right, wrong) in [
        ("`=~` in a condition", CONDITION, "done_if: target.metadata.name =~ 'front.*'"),
        ("`!~` in a condition", CONDITION, "done_if: target.metadata.name !~ 'front.*'"),
        ("`if:` for `when:`", "  - id: scale\n", "  - id: scale\n    if: p99.value > 1\n"),
        ("`if:` for `where:`", "  - alert: FrontSlow\n", "  - alert: FrontSlow\n    if: alert.labels.a == 'b'\n"),
        ("indented too little", "    because: it", "   because: it"),
        ("indented too far", "    k8s.scale", "     k8s.scale"),
        ("indented as nothing else", "    verify:", "  verify:"),
        ("a hole that is closed by `)`", "{{p99.shown}} s", "{{p99.shown) s"),
        ("a hole that is closed by `}`", "{{p99.shown}} s", "{{p99.shown} s"),
        ("arithmetic in a hole", "{{p99.shown}}", "{{p99.value * 1000}}"),
        ("arithmetic in an argument", "{{inputs.most}}", "{{inputs.most + 2}}"),
        ("a hole in a condition", CONDITION, "done_if: \"{{p99.value}} < 0.1\""),
        ("a misspelt field", "settle:", "setle:"),
        ("a misspelt field of an output", CONDITION, "done_if: p99.valeu < 0.1"),
        ("a misspelt label", "- alert: FrontSlow", "- { alert: FrontSlow, where: \"alert.label.job == 'a'\" }"),
        ("a misspelt label in a text", "name: front }", "name: \"{{alert.lables.deployment}}\" }"),
        ("a number against a text", CONDITION, "done_if: p99.value < '0.1'"),
        ("a text against a number", CONDITION, "done_if: p99.shown < 0.1"),
        ("a label against a number", CONDITION, "done_if: alert.labels.code == 500"),
        ("a regular expression that is none", CONDITION, "done_if: alert.name.matches('a(')"),
        ("a partial", "slow: {{", "slow: {{> footer}} {{"),
        ("a helper that there is not", "{{p99.shown}}", "{{round p99.value}}"),
        ("a block that there is not", "{{p99.shown}}", "{{#iff p99}}{{p99.shown}}{{/iff}}"),
        ("a block that is closed by another", "{{p99.shown}}", "{{#if p99}}{{p99.shown}}{{/fi}}"),
        ("`k8s.scale` on a claim", "kind: Deployment", "kind: PersistentVolumeClaim"),
        ("`k8s.scale` on a node", "kind: Deployment, namespace: web,", "kind: Node,"),
        ("a bracket that is not closed", QUERY, "max(rate(http_seconds_sum[5m])"),
        ("a duration that is none", QUERY, "max(rate(http_seconds_sum[5x]))"),
        ("a rate without a range", QUERY, "max(rate(http_seconds_sum))"),
        ("a function that Prometheus does not have", QUERY, "max(rte(http_seconds_sum[5m]))"),
        ("a pattern for an alert's name", "- alert: FrontSlow", "- alert: Front.*"),
        ("`every` longer than `within`", "within: 15m", "every: 30m, within: 15m"),
        ("`within` shorter than the query's window", "settle: 6m, within: 15m", "within: 3m"),
    ] {
        let said = told(&[(right, wrong)]);
        let is_warning = said.code == 0;
        assert!(said.out.contains(" --> playbooks/front-slow.yaml:"), "{mistake}: {}", said.out);
        assert!(said.out.contains("= help: "), "{mistake}: {}", said.out);
        assert!(said.out.contains(if is_warning { "warning[" } else { "error[" }), "{mistake}: {}", said.out);
        let (found, _) = said.out.rsplit_once("\n\n").unwrap();
        all.push_str(&format!("## {mistake}\n\n{found}\n\n"));
    }
    insta::assert_snapshot!(all);
}

#[test]
fn one_look_shows_five_mistakes() {
    let said = told(&[
        ("severity", "severty"),
        ("[5m]", "[5x]"),
        ("p99.value < 0.1", "p99.valeu < 0.1"),
        ("{{inputs.most}}", "{{inputs.mst}}"),
        ("{{p99.shown}}", "{{p99.shown + 1}}"),
    ]);
    let lines: Vec<&str> = said.out.lines().filter(|line| line.starts_with("error[")).collect();
    insta::assert_snapshot!(lines.join("\n"), @"
    error[missing-field]: a playbook needs `severity`
    error[unknown-field]: unknown field `severty` in a playbook
    error[invalid-query]: `5x` is neither a number nor a duration
    error[unknown-name]: the output of `p99` has no `valeu`
    error[unknown-name]: there is no input `mst`
    error[invalid-template]: a hole computes nothing, and `{{p99.shown + 1}}` would have to
    ");
}
