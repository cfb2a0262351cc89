//! `dogwatch test`: what is told of cases that are wrong, and of those that are missing.

use std::fs;

use super::*;

/// A playbook that looks at an answer, and changes something.
pub const PLAYBOOK: &str = r#"apiVersion: dogwatch/v1
kind: Playbook
metadata: { name: front-slow, version: 1.0.0, owner: web }
summary: the front end answers slowly
severity: S2
autonomy: auto
triggers:
  - alert: FrontSlow
    where: alert.labels.namespace == "web"
target: { kind: Deployment, namespace: "{{alert.labels.namespace}}", name: "{{alert.labels.deployment}}" }
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

pub const HEAD: &str = "apiVersion: dogwatch/v1
kind: Cases
playbook: front-slow
objects:
  - apiVersion: apps/v1
    kind: Deployment
    metadata: { namespace: web, name: front }
    spec:
      replicas: 4
      selector: { matchLabels: { app: front } }
      template:
        metadata: { labels: { app: front } }
        spec: { containers: [{ name: front, image: \"registry.example.com/front:1\" }] }
";

pub const FAST: &str = "  - name: a front end that is fast again needs nobody
    alert: { name: FrontSlow, labels: { namespace: web, deployment: front } }
    prometheus: [{ query: http_seconds_sum, answers: [0.02] }]
    expect: { outcome: nothing_to_do }
";

/// A folder with the playbook and these cases.
pub fn folder(cases: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("playbooks")).unwrap();
    fs::write(folder.path().join("playbooks/front-slow.yaml"), PLAYBOOK).unwrap();
    fs::write(folder.path().join("playbooks/front-slow.cases.yaml"), format!("{HEAD}cases:\n{cases}")).unwrap();
    folder
}

fn tested(cases: &str, args: &[&str]) -> Said {
    dogwatch(folder(cases).path(), &[&["test"], args].concat(), &[])
}

/// A folder with the playbook, which files a ticket where it escalates, and these cases.
fn filed(expect: &str) -> Said {
    let case = format!(
        "  - name: nobody measures
    alert: {{ name: FrontSlow, labels: {{ namespace: web, deployment: front }} }}
    prometheus: [{{ query: http_seconds_sum, answers: [null] }}]
    expect: {{ outcome: escalated, pages: [web]{expect} }}
"
    );
    let folder = folder(&case);
    let files = "escalate:\n  - ticket: { title: 'measure {{target.metadata.name}}', text: 'nothing is known of it', team: sre }\n";
    fs::write(folder.path().join("playbooks/front-slow.yaml"), PLAYBOOK.replacen("escalate:\n", files, 1)).unwrap();
    dogwatch(folder.path(), &["test"], &[])
}

#[test]
fn a_case_says_which_tickets_are_filed() {
    let said = filed(", tickets: [{ title: measure front, team: sre, says: nothing is known }]");
    assert!(said.out.contains("1 passed, 0 failed"), "{}", said.out);
    for (expect, wrong) in [
        ("", "expected tickets: 0, and it filed 1: `measure front`"),
        (", tickets: [{ title: a }, { title: b }]", "expected tickets: 2: `a`, `b`, and it filed 1: `measure front`"),
        (", tickets: [{ title: look at front }]", "expected the ticket `look at front`, and it filed `measure front`"),
        (
            ", tickets: [{ title: front, team: web }]",
            "expected the ticket `measure front` with team web, and it is with sre",
        ),
        (", tickets: [{ title: front, says: slow }]", "says `slow`, and it says:\n"),
    ] {
        let said = filed(expect);
        assert!(said.out.contains(wrong) && said.out.contains("0 passed, 1 failed"), "{expect}: {}", said.out);
    }
    let said = filed(", tickets: []");
    assert!(said.out.contains("files a ticket with team sre: measure front"), "its timeline tells it: {}", said.out);
}

#[test]
fn what_no_case_shows_is_told() {
    let said = tested(FAST, &[]);
    insta::assert_snapshot!(said.out, @"
    front-slow 1.0.0
      ok    a front end that is fast again needs nobody (0s)
      not entered  mitigate.scale: it changes something
      not entered  mitigate.scale: its verify proves it
      not entered  mitigate.scale: its verify gives up
      no case      mitigate.scale: its answer is lost (`faults`: `answer_lost`)
      no case      Prometheus has no samples (`answers: [null]`)
    1 of 4 branches entered
    1 passed, 0 failed
    ");
    assert_eq!(said.code, 0);
    assert_eq!(tested(FAST, &["--all-branches"]).code, 1);
    let all = format!(
        "{FAST}  - name: more of them help, and the answer to the change is lost
    alert: &alert {{ name: FrontSlow, labels: {{ namespace: web, deployment: front }} }}
    prometheus: [{{ query: http_seconds_sum, answers: [0.4], once: {{ object: {{ kind: Deployment, namespace: web, name: front }}, \
         field: /status/readyReplicas, reaches: 6, then: 0.02 }} }}]
    faults: [{{ answer_lost: {{ verb: patch }} }}]
    expect: {{ outcome: fixed, changes: [scale deployment/front in web 4 -> 6] }}
  - name: more of them do not help
    alert: *alert
    prometheus: [{{ query: http_seconds_sum, answers: [0.4] }}]
    expect: {{ outcome: escalated, changes: [scale deployment/front in web 4 -> 6], pages: [web] }}
  - name: without samples nobody knows
    alert: *alert
    expect: {{ outcome: escalated, pages: [web] }}
"
    );
    let said = tested(&all, &["--all-branches"]);
    insta::assert_snapshot!(said.out, @"
    front-slow 1.0.0
      ok    a front end that is fast again needs nobody (0s)
      ok    more of them help, and the answer to the change is lost (6m)
      ok    more of them do not help (15m)
      ok    without samples nobody knows (0s)
    4 of 4 branches entered
    4 passed, 0 failed
    ");
    assert_eq!(said.code, 0, "{}", said.err);
}

#[test]
fn a_case_says_that_an_alert_is_not_the_playbooks() {
    let case = |name: &str, namespace: &str, expect: &str| {
        format!(
            "  - name: \"{name} in {namespace}, {expect}\"
    alert: {{ name: {name}, labels: {{ namespace: {namespace}, deployment: front }} }}
    prometheus: [{{ query: http_seconds_sum, answers: [0.02] }}]
    expect: {{ {expect} }}
"
        )
    };
    let cases = [
        case("FrontSlow", "staging", "no_run: true"),
        case("BackSlow", "web", "no_run: true"),
        case("FrontSlow", "web", "no_run: true"),
        case("FrontSlow", "staging", "outcome: fixed"),
    ];
    let said = tested(&cases.concat(), &[]);
    assert_eq!(said.code, 1);
    let told: Vec<&str> = said.out.lines().filter(|line| !line.contains("UTC") && !line.contains("02:0")).collect();
    insta::assert_snapshot!(told.join("\n"), @"
    front-slow 1.0.0
      ok    FrontSlow in staging, no_run: true (0s)
      ok    BackSlow in web, no_run: true (0s)
      FAIL  FrontSlow in web, no_run: true (playbooks/front-slow.cases.yaml:23)
            expected that this alert is not the playbook's, and a run of it was opened (nothing to do: it is fast again)
      FAIL  FrontSlow in staging, outcome: fixed (playbooks/front-slow.cases.yaml:27)
            no run was opened: is FrontSlow one of the playbook's triggers, does its `where` hold, and do the labels name the target? Where it should be so, write `expect: { no_run: true }`
      not entered  mitigate.scale: it changes something
      not entered  mitigate.scale: its verify proves it
      not entered  mitigate.scale: its verify gives up
      no case      mitigate.scale: its answer is lost (`faults`: `answer_lost`)
      no case      Prometheus has no samples (`answers: [null]`)
    1 of 4 branches entered
    2 passed, 2 failed
    ");
}

/// Each is a line of the case, and what stands there instead.
#[test]
fn each_mistake_in_cases_has_its_place_its_code_and_what_to_write_instead() {
    const RIGHT: &str = "  - name: more of them help
    alert: { name: FrontSlow, labels: { namespace: web, deployment: front } }
    without: [Deployment/web/front]
    objects: [{ apiVersion: v1, kind: Pod, metadata: { namespace: web, name: front-1, creationTimestamp: \"${now-2h}\" } }]
    prometheus:
      - { query: http_seconds_sum, answers: [0.4], once: { object: { kind: Pod, namespace: web, name: front-1 }, field: /spec/x, reaches: 6, then: 1 } }
    faults: [{ answer_lost: { verb: patch, kind: Deployment } }]
    during:
      - { after: 3m, approve: nadia }
    expect: { outcome: escalated, pages: [web] }
";
    let mut all = String::new();
    for (mistake, right, wrong) in [
        ("a misspelt field", "prometheus:", "promethues:"),
        ("a misspelt fault", "answer_lost", "anwser_lost"),
        ("a misspelt argument of a fault", "verb: patch, kind:", "verb: patch, knd:"),
        ("a verb that there is not", "verb: patch", "verb: pach"),
        ("an alert that starts nothing", "name: FrontSlow", "name: FrontSlwo"),
        ("a misspelt label", "deployment: front }", "deploymnet: front }"),
        ("a misspelt metric", "query: http_seconds_sum", "query: http_secnds_sum"),
        (
            "no answer",
            "answers: [0.4], once: { object: { kind: Pod, namespace: web, name: front-1 }, field: /spec/x, reaches: 6, then: 1 }",
            "answers: []",
        ),
        ("a field that is no pointer", "/spec/x", "spec.x"),
        ("an amount that is none", "reaches: 6", "reaches: many"),
        ("an object that is not there", "Deployment/web/front]", "Deployment/web/frnt]"),
        ("a manifest without a kind", "kind: Pod, metadata", "metadata"),
        ("a time that is none", "${now-2h}", "${now-2x}"),
        ("nothing that happens", "after: 3m, approve: nadia", "after: 3m"),
        ("both answers at once", "approve: nadia", "approve: nadia, deny: bob"),
        ("an outcome that there is not", "outcome: escalated", "outcome: escalatd"),
        ("no outcome", "outcome: escalated, ", ""),
        ("no run, with an outcome", "outcome: escalated", "no_run: true, outcome: escalated"),
        ("a loop that there is not", "pages: [web]", "pages: [web], items: { restart: { done: [a] } }"),
        ("set beside an alert", "    without:", "    set: { most: 3 }\n    without:"),
        (
            "an input of another type",
            "    alert: { name: FrontSlow, labels: { namespace: web, deployment: front } }",
            "    set: { most: many }",
        ),
        (
            "an input that there is not",
            "    alert: { name: FrontSlow, labels: { namespace: web, deployment: front } }",
            "    set: { mots: 3 }",
        ),
    ] {
        assert!(RIGHT.contains(right), "{right}");
        let said = tested(&RIGHT.replacen(right, wrong, 1), &[]);
        assert_eq!(said.code, 1, "{mistake}: {}", said.out);
        let found = said.out.split_once("cannot be tested: ").unwrap_or_else(|| panic!("{mistake}: {}", said.out)).1;
        let found = found.split_once("\n0 of").unwrap().0;
        assert!(
            found.contains("--> playbooks/front-slow.cases.yaml:") && found.starts_with("error["),
            "{mistake}: {found}"
        );
        all.push_str(&format!("## {mistake}\n\n{}\n\n", found.trim_end()));
    }
    insta::assert_snapshot!(all);
    let right = tested(RIGHT, &[]);
    assert!(!right.out.contains("cannot be tested"), "{}", right.out);
}

#[test]
fn mistakes_in_what_services_answer_are_told() {
    for (answers, told) in [
        ("[]", "nothing is answered to `/health`"),
        ("[{}]", "an answer says nothing"),
        ("[{ fails: refused, status: 200 }]", "a request that fails has no answer"),
        ("[{ json: {}, text: x }]", "a body is `json` or `text`, and not both"),
        ("[{ status: 20 }]", "20 is no status of HTTP"),
        ("[{ fails: banana }]", "`banana`"),
        ("[{ body: x }]", "`body`"),
        ("[{ status: 200 }]", "the playbook `front-slow` asks nothing over HTTP"),
    ] {
        let case =
            FAST.replace("    expect:", &format!("    http: [{{ url: /health, answers: {answers} }}]\n    expect:"));
        let said = tested(&case, &[]);
        assert_eq!(said.code, 1, "{answers}: {}", said.out);
        assert!(
            said.out.contains(told) && said.out.contains("--> playbooks/front-slow.cases.yaml:"),
            "{answers}: {}",
            said.out
        );
    }
    // Of another URL of the same playbook.
    let folder =
        folder(&FAST.replace("    expect:", "    http: [{ url: /haelth, answers: [{ status: 200 }] }]\n    expect:"));
    let asks =
        "diagnose:\n  - id: health\n    http.request: { url: http://front.web.svc:8080/health }\n    on_error: go_on\n";
    let path = folder.path().join("playbooks/front-slow.yaml");
    fs::write(&path, PLAYBOOK.replace("diagnose:\n", asks)).unwrap();
    let said = dogwatch(folder.path(), &["test"], &[]);
    assert!(
        said.out.contains("has `/haelth` in its URL") && said.out.contains("http://front.web.svc:8080/health"),
        "{}",
        said.out
    );
}
