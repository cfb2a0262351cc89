//! Who is asked before something is changed: what a playbook may say of it, and what is wrong with
//! that.

use std::path::Path;
use std::time::Duration;

use insta::assert_snapshot;

use crate::model::{Approvers, Phase};
use crate::playbook::{Block, Playbook};

const REBUILD: &str = r#"apiVersion: dogwatch/v1
kind: Playbook
metadata: { name: shop-slow, version: 1.0.0, owner: shop }
summary: The shop is slow
severity: S2
autonomy: auto
approval: { people: 2, question: "Begin with {{p99.value}} s?" }
triggers: [{ alert: ShopSlow }]
target: { kind: Deployment, namespace: shop, name: web }
diagnose:
  - id: p99
    prometheus.query: { expr: shop_latency_seconds }
mitigate:
  - id: up
    approval: { people: 1, of: databases, within: 4h, question: "Scale {{target.metadata.name}}?" }
    k8s.scale: { by: 50%, max: 10 }
    verify: { query: p99, until: value < 0.1, settle: 1m, within: 5m }
  - atomic:
      - k8s.scale: { to: 7, max: 10 }
        approval: { by: [ada, grace], requester: may_not }
      - id: more
        k8s.scale: { to: 8, max: 10 }
        verify: { query: p99, until: value < 0.1, settle: 1m, within: 5m }
escalate:
  - page: { message: "{{because}}" }
"#;

fn parse(old: &str, new: &str) -> Result<Playbook, String> {
    assert!(REBUILD.contains(old), "{old}");
    let text = REBUILD.replacen(old, new, 1);
    Playbook::parse(Path::new("playbooks/shop.yaml"), &text)
        .map_err(|problems| problems.iter().map(|problem| problem.render(false)).collect::<Vec<_>>().join("\n"))
}

fn told(old: &str, new: &str) -> String {
    parse(old, new).err().unwrap_or_else(|| "it is right".to_owned())
}

#[test]
fn who_is_asked_is_read() {
    let playbook = parse("", "").unwrap();
    let all = playbook.approval.as_ref().unwrap();
    // Of two, whoever asked for the run is none, unless that is said.
    assert_eq!((all.people, &all.of, all.within, all.requester_may), (2, &None, None, false));
    assert!(all.question.is_some());
    let [Block::Step(up), Block::Atomic(group)] = playbook.blocks(Phase::Mitigate) else { panic!() };
    let up = up.approval.as_ref().unwrap();
    assert_eq!((up.people, &up.of), (1, &Some(Approvers::Team("databases".into()))));
    assert_eq!((up.within, up.requester_may), (Some(Duration::from_secs(4 * 3_600)), true));
    let first = group[0].approval.as_ref().unwrap();
    assert_eq!(first.of, Some(Approvers::Named(vec!["ada".into(), "grace".into()])));
    assert!(!first.requester_may && group[1].approval.is_none());
    assert_eq!(playbook.approvals().len(), 3);
}

#[test]
fn a_playbook_without_it_is_as_it_was() {
    let rule = "approval: { people: 2, question: \"Begin with {{p99.value}} s?\" }\n";
    assert!(parse(rule, "").unwrap().approval.is_none());
}

#[test]
fn what_is_wrong_with_it_has_its_place() {
    let wrong = [
        told("people: 2", "people: 6"),
        told("people: 2", "people: none"),
        told("within: 4h", "within: 25h"),
        told("within: 4h", "within: 10s"),
        told("of: databases", "of: \"the team\""),
        told("of: databases", "of: databases, by: [ada]"),
        told("by: [ada, grace]", "people: 3, by: [ada, grace]"),
        told("by: [ada, grace]", "by: [ada, ada]"),
        told("requester: may_not", "requester: maybe"),
        told("{{target.metadata.name}}?", "{{more.summary}}?"),
        told("{{p99.value}} s?", "{{up.summary}}?"),
        told("within: 4h", "wthin: 4h"),
    ];
    assert_snapshot!(wrong.join("\n\n"), @r#"
    error[out-of-range]: `people` is a whole number from 1 to 5, and not `6`
     --> playbooks/shop.yaml:7:21
      |
    7 | approval: { people: 6, question: "Begin with {{p99.value}} s?" }
      |                     ^
      |
      = help: write `people: 2`: more are not found at night


    error[out-of-range]: `people` is a whole number from 1 to 5, and not `none`
     --> playbooks/shop.yaml:7:21
      |
    7 | approval: { people: none, question: "Begin with {{p99.value}} s?" }
      |                     ^^^^
      |
      = help: write `people: 2`: more are not found at night


    error[out-of-range]: 1d1h is longer than 1d: after a day, what was shown is no longer what is there
      --> playbooks/shop.yaml:15:51
       |
    15 |     approval: { people: 1, of: databases, within: 25h, question: "Scale {{target.metadata.name}}?" }
       |                                                   ^^^
       |
       = help: write `1d` or less


    error[out-of-range]: a question stays open for 1m to 1d: nobody reads what would be changed in so short a time
      --> playbooks/shop.yaml:15:51
       |
    15 |     approval: { people: 1, of: databases, within: 10s, question: "Scale {{target.metadata.name}}?" }
       |                                                   ^^^
       |
       = help: write `within: 4h`, or leave it out


    error[invalid-name]: `the team` cannot be the name of a team
      --> playbooks/shop.yaml:15:32
       |
    15 |     approval: { people: 1, of: "the team", within: 4h, question: "Scale {{target.metadata.name}}?" }
       |                                ^^^^^^^^^^
       |
       = help: write the team's name as `oncall.yaml` does, or `by: [ada, grace]` for people


    error[contradiction]: `of` and `by` both say whose yes counts
      --> playbooks/shop.yaml:15:43
       |
    15 |     approval: { people: 1, of: databases, by: [ada], within: 4h, question: "Scale {{target.metadata.name}}?" }
       |                                           ^^
       |
       = help: write one of them


    error[contradiction]: 3 must say yes, and only 2 may
      --> playbooks/shop.yaml:20:29
       |
    20 |         approval: { people: 3, by: [ada, grace], requester: may_not }
       |                             ^
       |
       = help: ask fewer, or name more in `by`


    error[duplicate-name]: `ada` is named twice, and counts once
      --> playbooks/shop.yaml:20:31
       |
    20 |         approval: { by: [ada, ada], requester: may_not }
       |                               ^^^
       |
       = help: name them once


    error[unknown-value]: `maybe` is no answer to `requester`
      --> playbooks/shop.yaml:20:50
       |
    20 |         approval: { by: [ada, grace], requester: maybe }
       |                                                  ^^^^^
       |
       = help: write one of `may` and `may_not`


    error[not-yet-known]: the step `more` runs only after this one
      --> playbooks/shop.yaml:15:74
       |
    15 |     approval: { people: 1, of: databases, within: 4h, question: "Scale {{more.summary}}?" }
       |                                                                          ^^^^^^^^^^^^
       |
       = help: move `more` to before this step


    error[not-yet-known]: it is asked before the first change, so `up` has no value here
     --> playbooks/shop.yaml:7:48
      |
    7 | approval: { people: 2, question: "Begin with {{up.summary}}?" }
      |                                                ^^^^^^^^^^
      |
      = help: name what the diagnosis finds, or write `approval` at a step behind it


    error[unknown-field]: unknown field `wthin` in `approval`
      --> playbooks/shop.yaml:15:43
       |
    15 |     approval: { people: 1, of: databases, wthin: 4h, question: "Scale {{target.metadata.name}}?" }
       |                                           ^^^^^
       |
       = help: write `within` instead
    "#);
}

#[test]
fn where_it_has_no_place_is_said_with_where_it_has() {
    let wrong = [
        told("    prometheus.query", "    approval: { people: 1 }\n    prometheus.query"),
        told("      - id: more\n", "      - id: more\n        approval: { people: 1 }\n"),
        told("  - atomic:\n", "  - approval: { people: 1 }\n    atomic:\n"),
    ];
    assert_snapshot!(wrong.join("\n\n"), @"
    error[misplaced]: `approval` belongs to a step that changes something
      --> playbooks/shop.yaml:12:17
       |
    12 |     approval: { people: 1 }
       |                 ^^^^^^
       |
       = help: leave it out


    error[misplaced]: an `atomic` group that has begun is finished without asking
      --> playbooks/shop.yaml:21:9
       |
    21 |       - id: more
       |         ^^
       |
       = help: write `approval` at the first change of the group, or put this step behind the group


    error[misplaced]: an `atomic` group has nothing but its steps
      --> playbooks/shop.yaml:18:17
       |
    18 |   - approval: { people: 1 }
       |                 ^^^^^^
       |
       = help: write this at one of the steps within
    ");
}

const LOOP: &str = r#"apiVersion: dogwatch/v1
kind: Playbook
metadata: { name: jobs-failed, version: 1.0.0, owner: databases }
summary: Many Jobs have failed
severity: S2
autonomy: auto
triggers: [{ alert: JobsFailing }]
target: { kind: Namespace, from: alert }
diagnose:
  - id: jobs
    k8s.list: { kind: Job }
mitigate:
  - id: restart_all
    approval: { of: databases, question: "Start {{jobs.count}} Jobs once more?" }
    foreach: job in jobs.items
    target: { kind: Job, name: "{{job.metadata.name}}" }
    max: 60
    waves: [1, 2, 4]
    do:
      - id: start
        k8s.create_job: {}
        verify: { query: jobs, until: "items.exists(j, j.metadata.name == start.name)", within: 1h }
escalate:
  - page: { message: "{{because}}" }
"#;

#[test]
fn before_a_loop_it_is_one_question_and_within_it_none() {
    let parse = |text: &str| {
        Playbook::parse(Path::new("playbooks/jobs.yaml"), text)
            .map_err(|problems| problems.iter().map(|problem| problem.render(false)).collect::<Vec<_>>().join("\n"))
    };
    let playbook = parse(LOOP).unwrap();
    let [Block::ForEach(each)] = playbook.blocks(Phase::Mitigate) else { panic!() };
    assert_eq!(each.approval.as_ref().unwrap().of, Some(Approvers::Team("databases".into())));
    let within = LOOP.replace("      - id: start\n", "      - id: start\n        approval: { people: 1 }\n");
    let reads = LOOP.replace("k8s.create_job: {}", "k8s.get: { kind: Job, name: a }");
    let reads = reads.lines().filter(|line| !line.contains("verify:")).collect::<Vec<_>>().join("\n");
    let wrong = [parse(&within).unwrap_err(), parse(&reads).unwrap_err()];
    assert_snapshot!(wrong.join("\n\n"), @r#"
    error[misplaced]: within a `foreach`, each item would have a question of its own
      --> playbooks/jobs.yaml:21:21
       |
    21 |         approval: { people: 1 }
       |                     ^^^^^^
       |
       = help: write `approval` beside `foreach`: one question, about exactly the items that there are


    error[misplaced]: `approval` belongs to a `foreach` that changes something
      --> playbooks/jobs.yaml:14:17
       |
    14 |     approval: { of: databases, question: "Start {{jobs.count}} Jobs once more?" }
       |                 ^^
       |
       = help: leave it out
    "#);
}

/// A failover may lose what the old leader alone has: who says yes must know that.
#[test]
fn a_failover_is_asked_of_those_who_know() {
    let deployment = "target: { kind: Deployment, namespace: shop, name: web }";
    let playbook = |approval: &str| {
        let text = REBUILD
            .replace(deployment, "target: { kind: Pod, namespace: shop, name: db-0 }")
            .replace("autonomy: auto\n", "autonomy: approve\n")
            .split("mitigate:\n")
            .next()
            .map(|head| {
                format!(
                    "{head}mitigate:\n  - id: lead\n    patroni.failover: {{}}\n{approval}    verify: {{ query: p99, until: value < 0.1, \
                     settle: 1m, within: 5m }}\nescalate:\n  - page: {{ message: \"{{{{because}}}}\" }}\n"
                )
            });
        let told =
            Playbook::parse(Path::new("playbooks/shop.yaml"), &text.unwrap_or_default()).err().unwrap_or_default();
        told.iter().map(|problem| problem.render(false)).collect::<String>()
    };
    assert_eq!(playbook("    approval: { of: databases }\n"), "");
    assert_eq!(playbook("    approval: { by: [ada] }\n"), "");
    for asks_anybody in ["", "    approval: { within: 4h }\n"] {
        let told = playbook(asks_anybody);
        assert!(told.contains("`patroni.failover` does not say of whom it asks a yes"), "{told}");
        assert!(told.contains("add `approval: { of: TEAM }`"), "{told}");
    }
}
