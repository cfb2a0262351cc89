//! What conditions ask of the severity, and what they give.

use super::*;

fn told(condition: &str) -> String {
    let text = with("target.status.?readyReplicas.orValue(0) == target.spec.replicas", condition);
    // A run that was pinned to it is decided as it is.
    Playbook::from_store(&text).unwrap_or_else(|problem| panic!("{condition}: {problem}"));
    let problems = parse(&text).map_or_else(|problems| problems, |playbook| playbook.warnings);
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_word_that_is_no_severity_is_told() {
    assert_eq!(told("incident.severity in ['S1', 'S2']"), "");
    assert_eq!(told("incident.severity == 'S1' || incident.severity != 'S4'"), "");
    insta::assert_snapshot!(told("incident.severity == 'critical'"), @"playbooks/coredns.yaml:21:36: `critical` is no severity: no incident has it; the severities are `S1`, `S2`, `S3` and `S4`");
    insta::assert_snapshot!(told("p99.value > 2 && 's1' != incident.severity"), @"playbooks/coredns.yaml:21:32: `s1` is no severity: no incident has it; write `S1` instead");
    insta::assert_snapshot!(told("incident.severity in ['S1', 'page']"), @"playbooks/coredns.yaml:21:43: `page` is no severity: no incident has it; the severities are `S1`, `S2`, `S3` and `S4`");
}

#[test]
fn an_order_of_severities_reads_the_wrong_way_round() {
    insta::assert_snapshot!(told("incident.severity < 'S3'"), @"playbooks/coredns.yaml:21:23: `<` of a severity reads the wrong way round: S1 is the worst; name those that are meant, as in `incident.severity in ['S1', 'S2']`");
    assert!(told("p99.value > 2 && 'S2' >= incident.severity").contains("`>=` of a severity"));
}

#[test]
fn what_stands_elsewhere_is_wrong_here_too() {
    insta::assert_snapshot!(told("incident.severty == 'S1'"), @"playbooks/coredns.yaml:21:23: `incident` has no field `severty`; write `incident.severity` instead");
    insta::assert_snapshot!(told("incident.severity == 1"), @"playbooks/coredns.yaml:21:32: `incident.severity` is a text, and 1 is a number: `==` of the two has no answer");
}

/// With `{{` nothing can be decided, and nothing could be when it was written.
#[test]
fn a_severity_has_no_holes_and_no_condition_of_its_own() {
    let said = |text: &str| parse(text).unwrap_err().iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    let holes = with("severity: S2", "severity: \"{{alert.labels.severity}}\"");
    insta::assert_snapshot!(said(&holes), @"playbooks/coredns.yaml:5:11: `{{alert.labels.severity}}` is no severity; write one of `S1`, `S2`, `S3` and `S4`");
    let holes = with("p99.value < 0.1\n", "\"'{{incident.severity}}' == 'S1'\"\n");
    assert!(Playbook::from_store(&holes).is_ok(), "in quotes it is a text");
    let holes = with("p99.value < 0.1\n", "\"{{incident.severity}} == 'S1'\"\n");
    insta::assert_snapshot!(said(&holes), @"playbooks/coredns.yaml:19:15: a condition has no holes: names stand in it as they are; write `incident.severity` without the braces");
}

#[test]
fn a_condition_that_gives_no_truth_is_told() {
    insta::assert_snapshot!(told("p99.value"), @"playbooks/coredns.yaml:21:14: `p99.value` is a number, and a condition is true or false; compare it, as in `p99.value > 0`");
    insta::assert_snapshot!(told("incident.severity"), @"playbooks/coredns.yaml:21:14: `incident.severity` is a text, and a condition is true or false; compare it, as in `incident.severity == '...'`");
    insta::assert_snapshot!(told("size(alert.labels)"), @"playbooks/coredns.yaml:21:14: this is a number, and a condition is true or false; compare it with what is meant");
    assert!(told("target.spec.replicas").contains("`target.spec.replicas` is a number"));
    assert_eq!(told("target.spec.?paused.orValue(false)"), "");
    let verify = parse(&with("until: value < 0.1", "until: value")).unwrap_err();
    assert!(verify[0].to_string().contains("`value` is a number, and a condition is true or false"), "{verify:?}");
    let at_the_door = parse(&with("alert.labels.rcode == 'SERVFAIL'", "alert.labels.rcode")).unwrap_err();
    assert!(at_the_door[0].to_string().starts_with("playbooks/coredns.yaml:11:12: `alert.labels.rcode` is a text"));
    // A name for a number is right.
    parse(&with("  - done_if: p99", "  - set: { share: p99.value / 2, bad: incident.severity }\n  - done_if: p99"))
        .unwrap();
}
