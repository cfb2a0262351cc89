//! Times that start a playbook.

use super::*;

fn with_trigger(trigger: &str) -> String {
    with(
        "  - alert: CoreDNSLatencyHigh\n  - alert: CoreDNSErrorsHigh\n    where: alert.labels.rcode == 'SERVFAIL'\n",
        &format!("  - {trigger}\n"),
    )
}

fn wrong(text: &str) -> String {
    let problems = parse(text).unwrap_err();
    problems.iter().map(|problem| problem.render(false)).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_playbook_may_begin_at_a_time_and_by_an_alert() {
    let playbook =
        parse(&with_trigger("schedule: { at: \"01:00\", days: mon-fri, time_zone: Europe/Berlin }")).unwrap();
    assert_eq!(playbook.schedules[0].to_string(), "01:00 mon-fri Europe/Berlin");
    assert!(playbook.triggers.is_empty());
    let both = with_trigger("alert: CoreDNSLatencyHigh\n  - schedule: { cron: \"*/30 8-18 * * *\", time_zone: UTC }");
    let playbook = parse(&both).unwrap();
    assert_eq!((playbook.triggers.len(), playbook.schedules.len()), (1, 1));
}

#[test]
fn a_schedule_that_is_none_says_what_to_write() {
    for (trigger, says) in [
        ("schedule: { at: \"01:00\" }", "add `time_zone: UTC`"),
        ("schedule: { time_zone: UTC }", "`schedule` does not say when"),
        ("schedule: { at: \"1 pm\", time_zone: UTC }", "write it like `01:00`"),
        ("schedule: { at: \"01:00\", days: weekdays, time_zone: UTC }", "write `mon-fri`, `mon, wed` or `daily`"),
        ("schedule: { at: \"01:00\", time_zone: Berlin }", "write one such as `Europe/Berlin`"),
        ("schedule: { cron: \"0 1 * *\", time_zone: UTC }", "cron has five fields"),
        ("schedule: { cron: \"0 1 * * *\", days: mon-fri, time_zone: UTC }", "`days` belongs to `at`"),
        ("schedule: { cron: \"0 1 * * *\", at: \"01:00\", time_zone: UTC }", "both say when"),
        ("{ alert: X, schedule: { at: \"01:00\", time_zone: UTC } }", "make two triggers of it"),
    ] {
        let told = wrong(&with_trigger(trigger));
        assert!(told.contains(says), "{trigger}: {told}");
        assert!(told.contains("playbooks/coredns.yaml:9"), "{trigger}: {told}");
    }
}

#[test]
fn a_planned_run_knows_what_it_is_about() {
    let planned = with_trigger("schedule: { at: \"01:00\", time_zone: UTC }");
    let by_label = planned.replace("namespace: kube-system, name: coredns", "from: alert");
    assert!(
        wrong(&by_label).contains("an alert says the target's `name`, and a planned run has none"),
        "{}",
        wrong(&by_label)
    );
    let by_text = planned.replace("name: coredns }", "name: \"{{alert.labels.deployment}}\" }");
    assert!(wrong(&by_text).contains("an alert says the target's `name`"), "{}", wrong(&by_text));
    let asked = planned.replace("default: 10, maximum", "maximum");
    assert!(wrong(&asked).contains("give `max_replicas` a `default`"), "{}", wrong(&asked));
}
