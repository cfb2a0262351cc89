//! What is wrong with branches, and with the names in them.

use insta::assert_snapshot;

use super::{parse, with};

/// What is said of the good playbook with this in the diagnosis.
fn told(steps: &str) -> String {
    let text = with("  - done_if: p99.value < 0.1\n    because: the latency is back to normal\n", steps);
    match parse(&text) {
        Ok(playbook) => playbook.warnings.iter().map(|problem| problem.to_string()).collect::<Vec<_>>().join("\n"),
        Err(problems) => problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
    }
}

const TWO: &str = "  - id: cause
    choose:
      - branch: much
        when: p99.value > 5
        do: [{ set: { found: \"1\" } }]
      - otherwise: little
        do: [{ set: { found: \"2\" } }]
";

/// Two ways, one of them changed.
fn two(old: &str, new: &str) -> String {
    assert_eq!(TWO.matches(old).count(), 1, "`{old}` is there once");
    told(&TWO.replace(old, new))
}

#[test]
fn branches_that_are_right() {
    assert_eq!(told(TWO), "");
    assert_eq!(two("do: [{ set: { found: \"2\" } }]", "go_on: nothing was found"), "");
    assert_eq!(two("do: [{ set: { found: \"2\" } }]", "escalate: what is it"), "");
    assert_snapshot!(told(&format!("{TWO}  - escalate_if: cause.made\n    because: found\n")), @"playbooks/coredns.yaml:26:24: the output of `cause` has no `made`; here are `branch` and `summary`");
    assert_eq!(told(&format!("{TWO}  - escalate_if: found == 1\n    because: \"{{{{cause.branch}}}}\"\n")), "");
}

#[test]
fn roles_that_are_none() {
    let ends = "do: [{ set: { found: \"2\" } }]";
    assert_eq!(two(ends, "escalate: what is it\n        role: storage"), "");
    assert_eq!(
        told("  - require: p99.value < 5\n    because: it is slow\n    role: \"{{inputs.max_replicas}}\"\n"),
        ""
    );
    assert_snapshot!(two(ends, "escalate: what is it\n        role: storrage"), @"playbooks/coredns.yaml:26:15: `storrage` is no role; write `storage` instead");
    assert_snapshot!(two(ends, "go_on: it is well\n        role: storage"), @"playbooks/coredns.yaml:26:15: `role` says who can act where a run escalates, and this does not; put it beside `escalate`, `escalate_if` or `require`, or leave it out");
    assert_snapshot!(told("  - done_if: p99.value < 0.1\n    because: it is well\n    role: storage\n"), @"playbooks/coredns.yaml:21:11: `role` says who can act where a run escalates, and this does not; put it beside `escalate`, `escalate_if` or `require`, or leave it out");
    assert_snapshot!(told("  - set: { found: \"1\" }\n    role: storage\n"), @"playbooks/coredns.yaml:20:11: `role` says who can act where a run escalates, and this does not; put it beside `escalate`, `escalate_if` or `require`, or leave it out");
}

#[test]
fn branches_that_are_none() {
    assert_snapshot!(two("      - otherwise: little\n        do: [{ set: { found: \"2\" } }]\n", ""), @"
    playbooks/coredns.yaml:19:5: a `choose` has 2 to 12 branches, and this one has 1; write `when` at a step where there is one way only
    playbooks/coredns.yaml:21:9: a `choose` says what happens where none of its conditions holds; add `- otherwise: no cause that is known` with `do`, `escalate`, `done` or `go_on`
    ");
    assert_snapshot!(two("otherwise: little", "branch: little"), @"
    playbooks/coredns.yaml:24:9: a `choose` says what happens where none of its conditions holds; add `- otherwise: no cause that is known` with `do`, `escalate`, `done` or `go_on`
    playbooks/coredns.yaml:24:17: the branch has no condition; add `when: ...`, or write `otherwise:` in place of `branch:`
    ");
    assert_snapshot!(two("        when: p99.value > 5\n", ""), @"playbooks/coredns.yaml:21:17: the branch has no condition; add `when: ...`");
    assert_snapshot!(two("when: p99.value > 5", "when: true"), @"playbooks/coredns.yaml:22:15: this condition is always true; make it the `otherwise`");
    assert_snapshot!(two("branch: much", "branch: little"), @"playbooks/coredns.yaml:24:20: two branches are called `little`: the first in line 21; give this one another name");
    assert_snapshot!(two("        do: [{ set: { found: \"1\" } }]\n", ""), @"playbooks/coredns.yaml:21:9: the branch does nothing, and does not say what comes then; add `do`, `escalate: why`, `done: why` or `go_on: why`");
    assert_snapshot!(two("do: [{ set: { found: \"1\" } }]", "do: []"), @"playbooks/coredns.yaml:21:9: the branch does nothing, and does not say what comes then; add `do`, `escalate: why`, `done: why` or `go_on: why`");
    assert_snapshot!(two("do: [{ set: { found: \"1\" } }]", "do: [{ set: { found: \"1\" } }]\n        go_on: it is well"), @"playbooks/coredns.yaml:24:16: a branch that does something goes on by itself, unless it ends; leave `go_on` out");
    assert_snapshot!(two("    choose:", "    timeout: 5m\n    choose:"), @"playbooks/coredns.yaml:20:14: a `choose` has an `id` and its branches; write this at one of the steps within, or at a branch");
    assert_snapshot!(two("branch: much", "brunch: much"), @"
    playbooks/coredns.yaml:21:9: unknown field `brunch` in a branch; write `branch` instead
    playbooks/coredns.yaml:21:9: the branch has no name, by which people are told of it; add `branch: what it means`
    ");
    assert_snapshot!(two("when: p99.value > 5", "when: p99.value >"), @"playbooks/coredns.yaml:23:9: the condition ends too early; close all brackets and quotes");
}

#[test]
fn a_reason_is_missed_where_there_is_none_and_not_where_it_is_wrong() {
    assert_snapshot!(told("  - escalate_if: p99.value > 5\n"), @"playbooks/coredns.yaml:19:5: `escalate_if` needs `because`; add `because: ...`: whoever is called reads it first");
    assert_snapshot!(told("  - escalate_if: p99.value > 5\n    because: \"{{p99.walue}}\"\n"), @"playbooks/coredns.yaml:20:21: the output of `p99` has no `walue`; write `p99.value` instead");
}

#[test]
fn names_of_branches_are_seen_where_each_way_has_them() {
    let then = |old: &str, new: &str| {
        told(&format!("{}  - escalate_if: found == 1\n    because: found\n", TWO.replace(old, new)))
    };
    assert_snapshot!(then("found: \"2\"", "other: \"2\""), @"playbooks/coredns.yaml:26:18: `found` has no value after each of the branches before; move `found` to before the `choose`, or `set` a name in each branch that goes on");
    // A way that ends need not have it.
    assert_eq!(then("do: [{ set: { found: \"2\" } }]", "done: nothing is to be done"), "");
    assert_snapshot!(two("found: \"2\"", "other: found"), @"playbooks/coredns.yaml:25:30: `found` lies in another branch; move `found` to before the `choose`, or `set` a name in each branch that goes on");
    assert_snapshot!(two("found: \"1\"", "found: \"1\", p99: \"3\""), @"playbooks/coredns.yaml:23:35: the id `p99` is used twice: the first time in line 17; give this step another id");
    assert_snapshot!(two("set: { found: \"1\" }", "set: { }"), @"playbooks/coredns.yaml:23:16: `set` gives no name; write `set: { name: a condition or value }`");
}

#[test]
fn what_comes_behind_branches_that_all_end() {
    let ends = TWO
        .replace("do: [{ set: { found: \"1\" } }]", "escalate: much")
        .replace("do: [{ set: { found: \"2\" } }]", "done: little");
    assert_snapshot!(told(&ends), @"playbooks/coredns.yaml:26:5: this step is never reached: each branch of the `choose` before it ends; leave the condition out, or the steps after it");
}

#[test]
fn each_branch_of_the_escalation_pages() {
    let page = "  - page: { team: platform, message: \"CoreDNS p99 is {{p99.value}}s; {{scale.summary}}\" }\n";
    let choose = |otherwise: &str| {
        let text = with(
            page,
            &format!(
                "  - choose:\n      - branch: slow\n        when: p99.value > 1\n        do: [{{ page: {{ message: slow }} }}]\n      - otherwise: unknown\n        do: [{{ {otherwise}: {{ message: unknown }} }}]\n"
            ),
        );
        parse(&text)
            .map(|_| ())
            .map_err(|problems| problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    };
    assert_eq!(choose("page"), Ok(()));
    assert_snapshot!(choose("notice").unwrap_err(), @"playbooks/coredns.yaml:29:5: `escalate` pages nobody for certain: no step is a `page` without `when`; add the step `page: { message: ... }`");
}

#[test]
fn a_name_that_only_some_inner_ways_give_is_not_seen_behind() {
    let inner = |last: &str| {
        let within = format!(
            "do:\n          - choose:\n              - branch: worst\n                when: p99.value > 9\n                do: [{{ set: {{ found: \"1\" }} }}]\n              - otherwise: bad\n                {last}"
        );
        let text = TWO.replace("do: [{ set: { found: \"1\" } }]", &within);
        told(&format!("{text}  - escalate_if: found == 1\n    because: found\n"))
    };
    assert_eq!(inner("do: [{ set: { found: \"3\" } }]"), "");
    assert_eq!(inner("escalate: what is it"), "");
    assert_snapshot!(inner("go_on: nothing"), @"playbooks/coredns.yaml:32:18: `found` has no value after each of the branches before; move `found` to before the `choose`, or `set` a name in each branch that goes on");
    // Where both inner ways end, the branch need not give it.
    let both = "do:\n          - choose:\n              - branch: worst\n                when: p99.value > 9\n                escalate: bad\n              - otherwise: bad\n                done: well";
    let text = TWO.replace("do: [{ set: { found: \"1\" } }]", both);
    assert_eq!(told(&format!("{text}  - escalate_if: found == 1\n    because: found\n")), "");
}

#[test]
fn reasons_and_names_that_are_none() {
    let ends = |end: &str| two("do: [{ set: { found: \"2\" } }]", end);
    assert_snapshot!(ends("escalate: true"), @"playbooks/coredns.yaml:25:19: `true` is no reason; write why, in words: whoever is called reads it first");
    assert_snapshot!(ends("done: yes"), @"playbooks/coredns.yaml:25:15: `yes` is no reason; write why, in words: whoever is called reads it first");
    assert_snapshot!(ends("go_on: ''"), @"playbooks/coredns.yaml:25:16: an empty text is no reason; write why, in words: whoever is called reads it first");
    assert_snapshot!(told("  - escalate_if: p99.value > 5\n    because: ~\n"), @"playbooks/coredns.yaml:20:14: `because` has no value; write one, or leave the key out");
    assert_snapshot!(two("found: \"1\"", "log: \"1\""), @"playbooks/coredns.yaml:23:23: `log` cannot be a name: texts use the word for something else; write `log_found`, or better what it says");
    assert_snapshot!(two("found: \"1\"", "password: \"1\""), @"playbooks/coredns.yaml:23:23: `password` cannot be a name: it reads like that of a secret, whose value would be masked; write what the value says, without the word");
    assert_snapshot!(two("branch: much", "branch: 'password: hunter2hunter2'"), @"playbooks/coredns.yaml:21:17: the name of a branch reads as if it held a secret, which would be masked; write what was found, in a few words");
}
