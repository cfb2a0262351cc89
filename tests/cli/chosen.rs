//! Cases that say which branch is taken.

use std::fs;

use super::cases::{HEAD, PLAYBOOK, folder};
use super::*;

const CASES: &str = "  - name: slow for a reason that is known
    alert: { name: FrontSlow, labels: { namespace: web, deployment: front } }
    prometheus: [{ query: http_seconds_sum, answers: [0.5] }]
    expect: { outcome: escalated, pages: [web], branches: { cause: it is slow } }
";

/// The playbook with a branch for each cause, both of which end alike.
fn said(word: &str, cases: &str) -> Said {
    let dir = folder("");
    let choose = "  - id: cause
    choose:
      - branch: it does not answer
        when: p99.value > 10.0
        escalate: a person looks
      - branch: it is slow
        when: p99.value > 0.3
        escalate: a person looks
      - otherwise: it is busy
        go_on: it is busy
mitigate:
";
    let playbook = PLAYBOOK.replace("mitigate:\n", choose);
    fs::write(dir.path().join("playbooks/front-slow.yaml"), playbook).unwrap();
    fs::write(dir.path().join("playbooks/front-slow.cases.yaml"), format!("{HEAD}cases:\n{cases}")).unwrap();
    dogwatch(dir.path(), &[word], &[])
}

#[test]
fn the_branch_that_is_taken_is_held_to_the_case() {
    let right = said("test", CASES);
    assert!(right.out.contains("1 passed, 0 failed"), "{}{}", right.out, right.err);
    let wrong = said("test", &CASES.replace("cause: it is slow", "cause: it does not answer"));
    assert!(
        wrong.out.contains("expected that cause is `it does not answer`, and it was `it is slow`"),
        "{}",
        wrong.out
    );
    assert_eq!(wrong.code, 1);
    let never = CASES.replace("[0.5]", "[0.02]").replace("escalated, pages: [web]", "nothing_to_do");
    let never = said("test", &never);
    assert!(never.out.contains("expected that cause is `it is slow`, and the run did not come to it"), "{}", never.out);
}

#[test]
fn a_branch_that_there_is_not_is_told_with_its_place() {
    let branch = said("check", &CASES.replace("cause: it is slow", "cause: it is slwo"));
    insta::assert_snapshot!(branch.out, @"
    error[unknown-name]: no branch of `cause` is called `it is slwo`
      --> playbooks/front-slow.cases.yaml:18:68
       |
    18 |     expect: { outcome: escalated, pages: [web], branches: { cause: it is slwo } }
       |                                                                    ^^
       |
       = help: write `it is slow`

    1 playbook without errors; 1 error, 0 warnings
    ");
    let choose = said("check", &CASES.replace("cause: it is slow", "couse: it is slow"));
    insta::assert_snapshot!(choose.out, @"
    error[unknown-name]: the playbook `front-slow` has no `choose` of the name `couse`
      --> playbooks/front-slow.cases.yaml:18:61
       |
    18 |     expect: { outcome: escalated, pages: [web], branches: { couse: it is slow } }
       |                                                             ^^^^^
       |
       = help: write `cause`

    1 playbook without errors; 1 error, 0 warnings
    ");
    let no_run = said("check", &CASES.replace("outcome: escalated, pages: [web]", "no_run: true"));
    assert!(no_run.out.contains("nothing is run, so that there is no `branches`"), "{}", no_run.out);
}
