//! What is wrong with loops, and with the names in them.

use std::path::Path;

use insta::assert_snapshot;

use crate::model::{Phase, StepAddress};
use crate::playbook::{Block, Playbook, WhenResolved};

const LOOP: &str = r#"apiVersion: dogwatch/v1
kind: Playbook
metadata: { name: jobs-failed, version: 1.0.0, owner: databases }
summary: Many Jobs have failed
severity: S2
autonomy: approve
triggers: [{ alert: JobsFailing }]
target: { kind: Namespace, from: alert }
diagnose:
  - id: jobs
    k8s.list: { kind: Job }
  - set: { failed: "jobs.items.filter(j, j.status.?failed.orValue(0) > 0)" }
mitigate:
  - id: restart_all
    foreach: job in failed
    target: { kind: Job, name: "{{job.metadata.name}}" }
    max: 60
    waves: [1, 2, 4]
    stop_after: 2
    when_resolved: finish
    guard:
      - id: sick
        prometheus.query: { expr: sick }
      - require: sick.value == 0
        because: they would fail as well
    do:
      - done_if: target.status.?succeeded.orValue(0) > 0
        because: it has succeeded meanwhile
      - id: start
        k8s.create_job: {}
        verify: { query: jobs, until: "items.exists(j, j.metadata.name == start.name)", within: 1h }
  - escalate_if: restart_all.left_alone > 0
    because: "{{restart_all.summary}}"
escalate:
  - page: { message: "{{because}} {{#each restart_all.items}}{{key}} {{outcome}} {{because}}{{/each}}" }
"#;

fn parse(text: &str) -> Result<Playbook, String> {
    Playbook::parse(Path::new("jobs.yaml"), text)
        .map_err(|problems| problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
}

/// What is said of it with one passage written in another way.
fn with(old: &str, new: &str) -> String {
    assert_eq!(LOOP.matches(old).count(), 1, "`{old}` is there once");
    match parse(&LOOP.replace(old, new)) {
        Ok(playbook) => playbook.warnings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
        Err(problems) => problems,
    }
}

#[test]
fn a_loop_that_is_right() {
    let playbook = parse(LOOP).unwrap();
    assert_eq!(playbook.warnings, []);
    let [Block::ForEach(each), Block::Step(_)] = playbook.blocks(Phase::Mitigate) else { panic!() };
    assert_eq!(each.address, "mitigate.restart_all".parse::<StepAddress>().unwrap());
    assert_eq!((each.item.as_str(), each.max, each.stop_after), ("job", 60, 2));
    assert_eq!((0..5).map(|n| each.wave(n)).collect::<Vec<_>>(), [1, 2, 4, 4, 4]);
    assert_eq!(each.when_resolved, Some(WhenResolved::Finish));
    assert!(each.changes() && each.guard.len() == 2 && each.blocks.len() == 2);
    let numbers: Vec<String> = playbook.steps(Phase::Mitigate).map(|step| step.address.to_string()).collect();
    assert_eq!(numbers, ["mitigate.sick", "mitigate.3", "mitigate.4", "mitigate.start", "mitigate.6"]);
    assert_eq!(Playbook::from_store(LOOP).unwrap().reference, playbook.reference);
    // What is left out has a value that does no harm.
    assert_eq!(with("    stop_after: 2\n    when_resolved: finish\n", ""), "");
    assert_eq!(with("target: { kind: Job, name: \"{{job.metadata.name}}\" }", "key: job.metadata.name"), "");
    assert_eq!(with("    max: 60", "    within: 6h\n    max: 60"), "");
    assert_eq!(with("    max: 60", "    key: job.metadata.labels.database\n    max: 60"), "");
}

#[test]
fn an_item_is_left_alone_where_there_is_one() {
    let item = "      - id: start\n";
    let leave = "      - leave_if: target.metadata.name == 'x'\n        because: it is the last\n";
    assert_eq!(with(item, &format!("{leave}{item}")), "");
    assert_eq!(
        with(item, &format!("      - leave_if: target.metadata.name == 'x'\n{item}")),
        "jobs.yaml:29:9: `leave_if` needs `because`; add `because: ...`: whoever is called reads it first"
    );
    let nowhere = "`leave_if` leaves an item of a `foreach` alone, and there is none here; write `escalate_if`, or move it into the `do` of a `foreach`";
    assert_eq!(with("  - escalate_if: rest", "  - leave_if: rest"), format!("jobs.yaml:32:5: {nowhere}"));
    let in_guard = with("      - require: sick.value == 0", "      - leave_if: sick.value == 0");
    assert!(in_guard.contains("`leave_if` has no place in a `guard`"), "{in_guard}");
}

#[test]
fn loops_that_are_none() {
    let loops = [
        ("foreach: job in failed", "foreach: failed"),
        ("foreach: job in failed", "foreach: job in"),
        ("foreach: job in failed", "foreach: Job in failed"),
        ("foreach: job in failed", "foreach: job in faild"),
        ("foreach: job in failed", "foreach: job in true"),
        ("  - id: restart_all\n    foreach", "  - foreach"),
        ("    target: { kind: Job, name: \"{{job.metadata.name}}\" }\n", ""),
        ("target: { kind: Job, name: \"{{job.metadata.name}}\" }", "target: { kind: Jobs, name: \"{{job.x}}\" }"),
        ("target: { kind: Job, name: \"{{job.metadata.name}}\" }", "target: { kind: Job, name: one }"),
        ("target: { kind: Job, name: \"{{job.metadata.name}}\" }", "target: { kind: Job, name: \"{{start.name}}\" }"),
        ("max: 60", "max: 501"),
        ("    max: 60\n", ""),
        ("    waves: [1, 2, 4]\n", ""),
        ("[1, 2, 4]", "[2, 4]"),
        ("[1, 2, 4]", "[1, 4, 2]"),
        ("[1, 2, 4]", "[1, 0]"),
        ("[1, 2, 4]", "[]"),
        ("[1, 2, 4]", "4"),
        ("waves:", "wave:"),
        ("stop_after: 2", "stop_after: 11"),
        ("stop_after: 2", "within: 8d"),
        ("stop_after: 2", "within: 0s"),
        ("when_resolved: finish", "when_resolved: maybe"),
        ("    max: 60", "    timeout: 5m\n    max: 60"),
    ];
    let told: Vec<String> = loops.iter().map(|(old, new)| with(old, new)).collect();
    assert_snapshot!(told.join("\n"), @r#"
    jobs.yaml:15:14: a `foreach` says what one of them is called, and the list; write `foreach: job in failed`
    jobs.yaml:16:35: there is nothing called `job` here; write `jobs` instead
    jobs.yaml:15:14: a `foreach` says what one of them is called, and the list; write `foreach: job in failed`
    jobs.yaml:16:35: there is nothing called `job` here; write `jobs` instead
    jobs.yaml:15:14: `Job` cannot be a name: ids are lowercase letters, digits and `_`, and do not begin with a digit; write `job` instead
    jobs.yaml:16:35: there is nothing called `job` here; write `Job` instead
    jobs.yaml:15:21: there is nothing called `faild` here; write `failed` instead
    jobs.yaml:15:14: that is no list; write `foreach: job in failed`
    jobs.yaml:14:5: a `foreach` needs an id: people are told by it what became of the items; add `id: restart_all`
    jobs.yaml:31:18: there is nothing called `restart_all` here; here are `alert`, `failed`, `incident`, `inputs`, `job`, `jobs`, `run`, `sick`, `start` and `target`
    jobs.yaml:32:17: there is nothing called `restart_all` here; here are `alert`, `failed`, `incident`, `inputs`, `job`, `jobs`, `run`, `sick`, `start` and `target`
    jobs.yaml:34:43: there is nothing called `restart_all` here; here are `alert`, `because`, `failed`, `incident`, `inputs`, `job`, `jobs`, `run`, `sick`, `start` and `target`
    jobs.yaml:14:5: nothing tells the items of the `foreach` apart; add `target: { kind: ..., name: "{{item.metadata.name}}" }`, or `key: item.name`
    jobs.yaml:16:21: `Jobs` is no kind that an item can be; write `Job` instead
    jobs.yaml:16:32: each item would be about the same object; name the item's own, as in `"{{job.metadata.name}}"`
    jobs.yaml:16:35: the step `start` runs only after this one; move `start` to before this step
    jobs.yaml:17:10: `max` is a whole number from 1 to 500, and not `501`; write `max: 1`, or more
    jobs.yaml:14:5: a `foreach` needs `max`; add `max: 60`
    jobs.yaml:14:5: the `foreach` changes something, and does not say how many at once; write `waves: [1, 2, 4]`: the last number goes on
    jobs.yaml:18:5: the first wave is one item: when it goes wrong, it is the only one; write `waves: [1, 2, 4]`
    jobs.yaml:18:19: the waves fall, from 4 to 2: what has helped goes on at least as fast; write `waves: [1, 2, 4]`
    jobs.yaml:18:16: `waves` is a whole number from 1 to 500, and not `0`; write `waves: 1`, or more
    jobs.yaml:18:5: the first wave is one item: when it goes wrong, it is the only one; write `waves: [1, 2, 4]`
    jobs.yaml:18:12: `waves` must be a list, and here is a single value; put `- ` before each entry
    jobs.yaml:14:5: the `foreach` changes something, and does not say how many at once; write `waves: [1, 2, 4]`: the last number goes on
    jobs.yaml:18:5: unknown field or action `wave` in a step; write `waves` instead
    jobs.yaml:19:17: `stop_after` is a whole number from 1 to 10, and not `11`; write `stop_after: 1`, or more
    jobs.yaml:19:13: 8d is longer than 7d: what takes a week is no answer to an alert; write `7d` or less
    jobs.yaml:19:13: a duration of nothing means nothing here; leave it out
    jobs.yaml:20:20: `when_resolved` is `finish` or `stop`, and not `maybe`; write `finish`: what was listed is done all the same; or `stop`: the rest is for a human
    jobs.yaml:17:14: a `foreach` has no such field itself; write this at one of the steps within
    "#);
}

#[test]
fn what_has_no_place_in_a_loop() {
    let body = "      - id: start\n        k8s.create_job: {}";
    let again = "      - id: again\n        foreach: other in failed\n        key: other\n        max: 2\n        waves: [1]\n        do: [{ require: other == 1 }]\n";
    let guard = "      - require: sick.value == 0\n        because: they would fail as well";
    let steps = [
        (body, format!("{again}{body}")),
        (
            body,
            body.replace("k8s.create_job: {}", "k8s.scale: { to: 1, max: 2 }")
                .replace("id: start", "id: start\n        timeout: 5m"),
        ),
        (body, format!("      - notice: {{ message: \"{{{{job.metadata.name}}}}\" }}\n{body}")),
        (guard, "      - wait: 5m".to_owned()),
        (guard, "      - require: start.made".to_owned()),
        (guard, "      - require: job.metadata.name == 'x'".to_owned()),
        (guard, "      - require: restart_all.failed == 0".to_owned()),
        (body, format!("      - require: sick.value == 1\n        because: x\n{body}")),
        (body, format!("      - require: restart_all.failed == 0\n        because: x\n{body}")),
        ("restart_all.left_alone > 0", "start.made".to_owned()),
        ("restart_all.left_alone > 0", "job.metadata.name == 'x'".to_owned()),
        ("restart_all.left_alone > 0", "restart_all.left > 0".to_owned()),
        ("{{key}} {{outcome}}", "{{name}}".to_owned()),
        (
            "  - escalate_if: restart_all.left_alone > 0\n    because: \"{{restart_all.summary}}\"",
            "  - atomic:\n      - { id: two, foreach: x in failed, key: x, max: 1, waves: [1], do: [{ wait: 1m }] }"
                .to_owned(),
        ),
        (
            "  - page:",
            "  - { id: two, foreach: x in failed, key: x, max: 1, do: [{ notice: { message: x } }] }\n  - page:"
                .to_owned(),
        ),
        (
            "  - escalate_if: restart_all.left_alone > 0",
            "  - waves: [1]\n    escalate_if: restart_all.left_alone > 0".to_owned(),
        ),
    ];
    let told: Vec<String> = steps.iter().map(|(old, new)| with(old, new)).collect();
    assert_snapshot!(told.join("\n"), @"
    jobs.yaml:29:9: a `foreach` cannot stand in another one; make one list of both before it, with `set`
    jobs.yaml:32:67: the output of `start` has no `name`; here are `from`, `to`, `object`, `via`, `summary` and `made`
    jobs.yaml:29:9: this is told for each item, up to 60 times; tell of all behind the `foreach`, by its `summary`
    jobs.yaml:24:9: `wait` has no place in a `guard`, which only looks, before each wave; write what reads, `set`, `require` and `escalate_if`, or move it into `do`
    jobs.yaml:24:18: the step `start` runs only after this one; move `start` to before this step
    jobs.yaml:24:18: `job` has a value for each item of a `foreach`, and none beside its steps; use the id of the `foreach` behind it, as in `{{restart_all.summary}}`
    jobs.yaml:24:18: the step `restart_all` runs only after this one; move `restart_all` to before this step
    jobs.yaml:29:18: `sick` has a value for each item of a `foreach`, and none beside its steps; use the id of the `foreach` behind it, as in `{{restart_all.summary}}`
    jobs.yaml:29:18: the step `restart_all` runs only after this one; move `restart_all` to before this step
    jobs.yaml:32:18: `start` has a value for each item of a `foreach`, and none beside its steps; use the id of the `foreach` behind it, as in `{{restart_all.summary}}`
    jobs.yaml:32:18: `job` has a value for each item of a `foreach`, and none beside its steps; use the id of the `foreach` behind it, as in `{{restart_all.summary}}`
    jobs.yaml:32:30: the output of `restart_all` has no `left`; write `restart_all.left_alone` instead
    jobs.yaml:35:64: an entry of `restart_all.items` has no `name`; here are `key`, `outcome` and `because`
    jobs.yaml:33:20: an `atomic` group holds steps, and no `foreach`; put a group into the `do` of the `foreach`: one for each item
    jobs.yaml:35:7: a `foreach` has no place in `escalate`: a human is needed already; tell of all in one text, with `{{#each restart_all.items}}{{key}} {{/each}}`
    jobs.yaml:32:5: `waves` belongs to a `foreach`; add `foreach: item in list`, or leave it out
    ");
    // The item of another loop may be called the same, and a step without a target is about the run's.
    let second = "  - escalate_if: restart_all.left_alone > 0";
    let again = format!(
        "  - id: again\n    foreach: job in failed\n    key: job.metadata.name\n    max: 5\n    do: [{{ require: job.metadata.name != 'x' }}]\n{second}"
    );
    assert_eq!(with(second, &again), "");
    let without = LOOP
        .replace("    target: { kind: Job, name: \"{{job.metadata.name}}\" }\n", "    key: job.metadata.name\n")
        .replace("target: { kind: Namespace, from: alert }", "target: { kind: Job, from: alert }")
        .replace("k8s.create_job: {}", "k8s.delete_job: {}");
    assert_snapshot!(parse(&without).unwrap_err(), @r#"jobs.yaml:29:9: `k8s.delete_job` changes the target of the run, which is the same for each item; add `target: { kind: ..., name: "{{item.metadata.name}}" }` to the `foreach`"#);
}
