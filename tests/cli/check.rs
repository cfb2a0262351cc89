//! What `check` says of several files, for people and for programs.

use std::fs;
use std::path::Path;

use super::files::PLAYBOOK;
use super::*;

const CASES: &str = "apiVersion: dogwatch/v1
kind: Cases
playbook: look
cases:
  - name: nothing is odd
    alert: { name: SomethingOdd }
    expect: { outcome: nothing_to_do }
";

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("playbooks")).unwrap();
    for (name, text) in files {
        fs::write(dir.path().join(name), text).unwrap();
    }
    dir
}

fn checked(dir: &Path, args: &[&str]) -> (i32, String) {
    let said = dogwatch(dir, &[&["check"], args].concat(), &[]);
    (said.code, said.out)
}

#[test]
fn cases_beside_playbooks_are_read_too() {
    let said = |cases: &str| {
        let dir = folder(&[("playbooks/look.yaml", PLAYBOOK), ("playbooks/look.cases.yaml", cases)]);
        let (code, all) = checked(dir.path(), &[]);
        assert_eq!(checked(dir.path(), &["playbooks/look.yaml"]), (code, all.clone()), "alone");
        all
    };
    assert_eq!(said(CASES), "1 playbook without errors; 0 errors, 0 warnings\n");
    insta::assert_snapshot!(said(&CASES.replace("outcome:", "outcom:")), @"
    error[unknown-field]: `outcom` is not known here
     --> playbooks/look.cases.yaml:7:15
      |
    7 |     expect: { outcom: nothing_to_do }
      |               ^^^^^^
      |
      = help: write `outcome`; known here: `outcome`, `no_run`, `runs`, `because`, `changes`, `pages`, `items`, `branches`, `page_says` and `tickets`

    1 playbook without errors; 1 error, 0 warnings
    ");
    let fault = "    faults: [{ job_hang: { job: { kind: Job, namespace: db, name: a } } }]\n    expect";
    insta::assert_snapshot!(said(&CASES.replace("    expect", fault)), @"
    error[unknown-value]: `job_hang` is not known here
     --> playbooks/look.cases.yaml:7:16
      |
    7 |     faults: [{ job_hang: { job: { kind: Job, namespace: db, name: a } } }]
      |                ^^^^^^^^
      |
      = help: write `job_hangs`; known here: `crash_loop`, `never_ready`, `claim_never_grows`, `job_hangs`, `job_fails`, `rebuild_never_ends`, `rebuild_fails`, `switchover_fails`, `unavailable`, `answer_lost`, `conflict` and `forbidden`

    1 playbook without errors; 1 error, 0 warnings
    ");
    insta::assert_snapshot!(said(&CASES.replace("{ name: SomethingOdd }", "[SomethingOdd]")), @"
    error[wrong-type]: fields belong here
     --> playbooks/look.cases.yaml:6:12
      |
    6 |     alert: [SomethingOdd]
      |            ^
      |
      = help: write each as `name: value`, on its own line

    1 playbook without errors; 1 error, 0 warnings
    ");
    let input = CASES.replace("    alert: { name: SomethingOdd }\n", "    set: { names: coredns }\n");
    assert!(said(&input).contains("look.cases.yaml:6:12"), "{}", said(&input));
    assert!(said(&CASES.replace("playbook: look", "playbook: lock")).contains("error[orphan-cases]"));
}

#[test]
fn cases_of_no_playbook_and_playbooks_of_one_name() {
    let dir = folder(&[
        ("playbooks/look.yaml", PLAYBOOK),
        ("playbooks/other.yaml", &format!("# A copy\n{PLAYBOOK}")),
        ("playbooks/lok.cases.yaml", CASES),
    ]);
    let (code, said) = checked(dir.path(), &[]);
    assert_eq!(code, 1);
    insta::assert_snapshot!(said, @"
    error[duplicate-playbook]: another playbook is called `look` too: look (other.yaml:4)
     --> playbooks/look.yaml:3:19
      |
    3 | metadata: { name: look, version: 1.0.0, owner: platform }
      |                   ^^^^
      |
      = help: rename one

    error[duplicate-playbook]: another playbook is called `look` too: look (look.yaml:3)
     --> playbooks/other.yaml:4:19
      |
    4 | metadata: { name: look, version: 1.0.0, owner: platform }
      |                   ^^^^
      |
      = help: rename one

    error[orphan-cases]: there is no playbook `lok.yaml` beside these cases
    --> playbooks/lok.cases.yaml
     = help: call it `look.cases.yaml`

    0 playbooks without errors; 3 errors, 0 warnings
    ");
    let (code, said) = checked(dir.path(), &["playbooks/look.yaml", "playbooks/other.yaml"]);
    assert_eq!(code, 1);
    assert!(said.contains("error[duplicate-playbook]") && said.contains("look (other.yaml:4)"), "{said}");
}

#[test]
fn all_files_are_told_at_once() {
    let dir = folder(&[
        ("playbooks/look.yaml", &PLAYBOOK.replace("severity", "severty")),
        (
            "maintenance.yaml",
            "apiVersion: dogwatch/v1\nkind: Maintenance\nwindows:\n  - name: a\n    reason: x\n    owner: y\n  - { name: a, matchers: [a=b], reason: x, owner: y }\n",
        ),
        ("oncall.yaml", "apiVersion: dogwatch/v1\nkind: OnCal\nmembers: [{ name: ada, email: ada }]\nteams: []\n"),
        (
            "dogwatch.yaml",
            "maintenance: { file: maintenance.yaml }\nengine: { workers: 0 }\nprometheus: { url: nowhere }\n",
        ),
    ]);
    let (code, said) = checked(dir.path(), &["--config", "dogwatch.yaml"]);
    assert_eq!(code, 1);
    insta::assert_snapshot!(said, @"
    error[out-of-range]: 0 workers make no sense
     --> dogwatch.yaml:2:11
      |
    2 | engine: { workers: 0 }
      |           ^^^^^^^
      |
      = help: write 1 to 256

    error[invalid-url]: this is no URL
     --> dogwatch.yaml:3:15
      |
    3 | prometheus: { url: nowhere }
      |               ^^^
      |
      = help: write it from the `http` on: `https://example.com/path`

    error[wrong-document]: `OnCal` is not what an on-call file says here
     --> oncall.yaml:2:7
      |
    2 | kind: OnCal
      |       ^^^^^
      |
      = help: write `OnCall`

    error[invalid-address]: `ada` is no e-mail address
     --> oncall.yaml:3:31
      |
    3 | members: [{ name: ada, email: ada }]
      |                               ^^^
      |
      = help: write one such as `alice@example.org`

    error[no-value]: there is no team
     --> oncall.yaml:4:8
      |
    4 | teams: []
      |        ^
      |
      = help: write at least one: `- name: ...`

    error[invalid-window]: the window `a` covers nothing
     --> maintenance.yaml:4:5
      |
    4 |   - name: a
      |     ^^^^
      |
      = help: write `matchers:` or `targets:`

    error[invalid-window]: the window `a` must have either `from` and `until`, or `every` and `zone`, such as `every: Sunday 02:00-04:00` and `zone: Europe/Berlin`
     --> maintenance.yaml:7:5
      |
    7 |   - { name: a, matchers: [a=b], reason: x, owner: y }
      |     ^

    error[duplicate-name]: there are two windows `a`
     --> maintenance.yaml:7:5
      |
    7 |   - { name: a, matchers: [a=b], reason: x, owner: y }
      |     ^
      |
      = help: give one of them another name

    error[missing-field]: a playbook needs `severity`
     --> playbooks/look.yaml:1:1
      |
    1 | apiVersion: dogwatch/v1
      | ^^^^^^^^^^
      |
      = help: add `severity: S2`

    error[unknown-field]: unknown field `severty` in a playbook
     --> playbooks/look.yaml:5:1
      |
    5 | severty: S2
      | ^^^^^^^
      |
      = help: write `severity` instead

    0 playbooks without errors; 10 errors, 0 warnings
    ");
}

#[test]
fn programs_are_told_the_same() {
    let dir = folder(&[("playbooks/look.yaml", &PLAYBOOK.replace("severity", "severty"))]);
    let format = |format: &str| checked(dir.path(), &["--format", format]);
    let (code, github) = format("github");
    assert_eq!(code, 1);
    insta::assert_snapshot!(github, @"
    ::error file=playbooks/look.yaml,line=1,col=1,endColumn=10,title=missing-field::a playbook needs `severity`; add `severity: S2`
    ::error file=playbooks/look.yaml,line=5,col=1,endColumn=7,title=unknown-field::unknown field `severty` in a playbook; write `severity` instead
    ");
    let (code, json) = format("json");
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((code, &json["errors"], &json["diagnostics"][1]["code"]), (1, &2.into(), &"unknown-field".into()));
    let (code, sarif) = format("sarif");
    let sarif: serde_json::Value = serde_json::from_str(&sarif).unwrap();
    assert_eq!((code, &sarif["version"]), (1, &"2.1.0".into()));
    assert_eq!(sarif["runs"][0]["results"].as_array().map(Vec::len), Some(2));

    let right = folder(&[("playbooks/look.yaml", PLAYBOOK)]);
    assert_eq!(checked(right.path(), &["--format", "github"]), (0, String::new()));
    assert_eq!(dogwatch(right.path(), &["check", "--format", "xml"], &[]).code, 2);
}

/// A file by itself may hand over to those beside it; and the day of its review is told, and fails
/// nothing.
#[test]
fn one_file_is_checked_with_those_it_hands_over_to() {
    let triage = PLAYBOOK
        .replace("name: look", "name: triage, review_by: 2020-01-31")
        .replace("SomethingOdd", "SomethingSick")
        .replace("escalate:", "  - choose:\n      - branch: it is sick\n        when: target.spec.replicas > 1\n        hand_over_to: { playbook: look }\n      - otherwise: nobody knows\n        escalate: it is something else\nescalate:");
    let dir = folder(&[("playbooks/look.yaml", PLAYBOOK), ("playbooks/triage.yaml", &triage)]);
    let (code, told) = checked(dir.path(), &["playbooks/triage.yaml"]);
    assert_eq!(code, 0, "{told}");
    insta::assert_snapshot!(told, @"
    warning[review-due]: `triage` was to be looked at again by 2020-01-31
     --> playbooks/triage.yaml:3:27
      |
    3 | metadata: { name: triage, review_by: 2020-01-31, version: 1.0.0, owner: platform }
      |                           ^^^^^^^^^
      |
      = help: look whether it is still right, and write a later day

    1 playbook without errors; 0 errors, 1 warning
    ");
    let other = triage.replace("{ playbook: look }", "{ playbook: lok }");
    let dir = folder(&[("playbooks/look.yaml", PLAYBOOK), ("playbooks/triage.yaml", &other)]);
    let (code, told) = checked(dir.path(), &["playbooks/triage.yaml"]);
    assert_eq!(code, 1, "{told}");
    assert!(told.contains("there is no playbook `lok`, or something is wrong with it"), "{told}");
}

/// Without a configuration nobody knows what the bot may change; with one it is right, or it is
/// wrong.
#[test]
fn what_a_playbook_may_change_says_the_configuration() {
    let playbook = PLAYBOOK.replace(
        "escalate:",
        "mitigate:\n  - k8s.patch: { field: spec.minReadySeconds, by: 10, max: 60 }\n    verify: { until: target.spec.minReadySeconds > 1, within: 1m }\nescalate:",
    );
    let playbook = playbook.replace("autonomy: observe", "autonomy: approve");
    let config = "server: { insecure_no_auth: true }\n";
    let allowed = format!("{config}actions: {{ patch: [{{ kind: Deployment, field: spec.minReadySeconds }}] }}\n");
    let dir = folder(&[
        ("playbooks/look.yaml", &playbook),
        ("no.yaml", config),
        ("yes.yaml", &allowed),
        ("oncall.yaml", super::files::ONCALL),
    ]);
    let told = |args: &[&str]| {
        let (code, said) = checked(dir.path(), args);
        (code, said.matches("warning[field-not-allowed]").count(), said.matches("error[field-not-allowed]").count())
    };
    assert_eq!(told(&["playbooks"]), (0, 1, 0));
    assert_eq!(told(&["--config", "no.yaml"]), (1, 0, 1));
    assert_eq!(told(&["--config", "yes.yaml"]), (0, 0, 0));
}
