//! From an alert or a person's request to a playbook, its inputs and its target.

use crate::diagnostics::{Diagnostic, DiagnosticSeverity};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{Catalog, GOOD, Playbook, alert_value, parse, with};
use crate::model::{Alert, AlertStatus, LabelNames};

fn alert(name: &str, labels: &[(&str, &str)]) -> Alert {
    let mut all: BTreeMap<String, String> = labels.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
    all.insert("alertname".into(), name.into());
    Alert {
        given: None,
        in_order: false,
        fingerprint: "0123456789abcdef".into(),
        status: AlertStatus::Firing,
        labels: all,
        annotations: BTreeMap::new(),
        starts_at: "2026-03-01T10:00:00Z".parse().unwrap(),
        ends_at: None,
        generator_url: String::new(),
    }
}

fn given(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect()
}

fn playbook(target: &str, inputs: &str) -> Playbook {
    let text = with("{ kind: Deployment, namespace: kube-system, name: coredns }", target)
        .replace("max_replicas: { type: integer, default: 10, maximum: 50 }", inputs)
        // An action that goes with any target.
        .replace("k8s.scale: { by: 50%, max: \"{{inputs.max_replicas}}\" }", "k8s.create_job: { from_cronjob: a }");
    parse(&text).unwrap_or_else(|problems| panic!("{problems:#?}"))
}

#[test]
fn inputs_come_from_the_person_then_the_alert_then_the_playbook() {
    let book = playbook(
        "{ kind: PersistentVolumeClaim, from: alert }",
        "grow: { type: quantity, default: 10Gi, maximum: 100Gi, label: grow_by }\n  gap: { type: duration, default: 1d }\n  tier: { type: string, label: tier }",
    );
    let full = alert("PVCFull", &[("tier", "gold"), ("grow_by", "20Gi")]);
    let inputs = book.inputs_for(Some(&full), &given(&[("grow", "5Gi")])).unwrap();
    assert_eq!(Value::Object(inputs), json!({ "grow": "5Gi", "gap": "24h", "tier": "gold" }));
    let inputs = book.inputs_for(Some(&full), &given(&[])).unwrap();
    assert_eq!(inputs["grow"], json!("20Gi"));
    let inputs = book.inputs_for(None, &given(&[("tier", "x"), ("namespace", "a"), ("name", "b")])).unwrap();
    assert_eq!(inputs["grow"], json!("10Gi"));

    let told = |alert: Option<&Alert>, pairs: &[(&str, &str)]| {
        let problems = book.inputs_for(alert, &given(pairs)).unwrap_err();
        problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!(told(None, &[("grwo", "1Gi"), ("grow", "1Ti"), ("gap", "soon")]), @r###"
    the playbook coredns-saturated has no input `grwo`; write `grow` instead
    the input `gap`, as it was given, must be a duration: `soon` is no duration; write a number and a unit, such as `90s`, `10m`, `6h`, `1d` or `1h30m`
    the input `grow`, as it was given, is 1Ti, and 100Gi is the most
    the input `tier` has no value; give it as `tier=...`, or let the alert have the label `tier`
    "###);
    insta::assert_snapshot!(told(Some(&alert("PVCFull", &[("tier", "a\nb"), ("grow_by", "lots")])), &[]), @r###"
    the input `grow`, from the alert's label `grow_by`, must be a quantity: `lots` is no quantity; write a number and a unit, such as `500m`, `10Gi` or `1.5G`
    the input `tier`, from the alert's label `tier`, must be a text of 1024 bytes at most, in one line
    "###);
    assert!(
        parse(GOOD).unwrap().inputs_for(None, &given(&[("namespace", "a")])).is_err(),
        "the target is not asked for"
    );
}

#[test]
fn the_target_comes_from_literals_inputs_or_the_alert() {
    let none = serde_json::Map::new();
    let literal = parse(GOOD).unwrap();
    let target = literal.target_for(None, &LabelNames::default(), &none, &given(&[])).unwrap();
    assert_eq!(target.key(), "Deployment/kube-system/coredns");

    let claim = playbook("{ kind: PersistentVolumeClaim, from: alert }", "x: { type: string, default: y }");
    let full = alert("PVCFull", &[("namespace", "pg"), ("persistentvolumeclaim", "data-pg-0")]);
    assert_eq!(
        claim.target_for(Some(&full), &LabelNames::default(), &none, &given(&[])).unwrap().key(),
        "PersistentVolumeClaim/pg/data-pg-0"
    );
    let asked = given(&[("namespace", "pg"), ("name", "data-pg-1")]);
    assert_eq!(
        claim.target_for(None, &LabelNames::default(), &none, &asked).unwrap().key(),
        "PersistentVolumeClaim/pg/data-pg-1"
    );

    let node = playbook("{ kind: Node, from: alert }", "x: { type: string, default: y }");
    assert_eq!(
        node.target_for(Some(&alert("Sick", &[("node", "n1.example")])), &LabelNames::default(), &none, &given(&[]))
            .unwrap()
            .key(),
        "Node//n1.example"
    );

    let other = playbook(
        "{ kind: StatefulSet, from: alert, name: \"{{inputs.x}}-{{alert.labels.shard}}\" }",
        "x: { type: string, default: pg }",
    );
    let inputs = other.inputs_for(None, &given(&[])).unwrap();
    let sick = alert("Sick", &[("namespace", "db"), ("shard", "7")]);
    assert_eq!(
        other.target_for(Some(&sick), &LabelNames::default(), &inputs, &given(&[])).unwrap().key(),
        "StatefulSet/db/pg-7"
    );

    let told = |book: &Playbook, alert: Option<&Alert>, pairs: &[(&str, &str)]| {
        book.target_for(alert, &LabelNames::default(), &none, &given(pairs)).unwrap_err().to_string()
    };
    insta::assert_snapshot!(told(&claim, Some(&alert("PVCFull", &[("namespace", "pg")])), &[]), @"the alert PVCFull has no label `persistentvolumeclaim`, which names the PersistentVolumeClaim");
    insta::assert_snapshot!(told(&claim, None, &[("namespace", "pg")]), @"the PersistentVolumeClaim's name is not known without an alert; give it as `name=...`");
    for evil in ["../../nodes/n1", "a/b", "a?x=y", "A", "", "a b", "{{x}}", "%2e%2e", "a\u{0}b", "-a"] {
        let labels = [("namespace", "pg"), ("persistentvolumeclaim", evil)];
        assert!(
            claim.target_for(Some(&alert("PVCFull", &labels)), &LabelNames::default(), &none, &given(&[])).is_err(),
            "{evil}"
        );
        let labels = [("namespace", evil), ("persistentvolumeclaim", "x")];
        assert!(
            claim.target_for(Some(&alert("PVCFull", &labels)), &LabelNames::default(), &none, &given(&[])).is_err(),
            "{evil}"
        );
        assert!(
            claim
                .target_for(None, &LabelNames::default(), &none, &given(&[("namespace", "pg"), ("name", evil)]))
                .is_err(),
            "{evil}"
        );
    }
    assert!(
        told(&claim, Some(&alert("PVCFull", &[("namespace", "a.b"), ("persistentvolumeclaim", "x")])), &[])
            .contains("namespace")
    );
    insta::assert_snapshot!(told(&other, Some(&sick), &[]), @"the target's name has no value: the template `{{inputs.x}}-{{alert.labels.shard}}` uses `inputs.x`, which has no value here");
}

#[test]
fn an_alert_reads_the_same_everywhere() {
    insta::assert_snapshot!(alert_value(&alert("A", &[("x", "{{y}}")])), @r#"{"annotations":{},"labels":{"alertname":"A","x":"{{y}}"},"name":"A","starts_at":"2026-03-01T10:00:00+00:00"}"#);
}

/// A directory of playbooks.
struct Shelf(tempfile::TempDir);

impl Shelf {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn with(self, file: &str, text: &str) -> Self {
        std::fs::write(self.0.path().join(file), text).unwrap();
        self
    }

    /// A playbook of that name with these triggers.
    fn answers(self, name: &str, triggers: &str) -> Self {
        let text = GOOD
            .replace("coredns-saturated", name)
            .replace("  - alert: CoreDNSLatencyHigh\n  - alert: CoreDNSErrorsHigh\n    where: alert.labels.rcode == 'SERVFAIL'\n", triggers);
        self.with(&format!("{name}.yaml"), &text)
    }

    fn load(&self) -> (Catalog, Vec<Diagnostic>) {
        Catalog::load(self.0.path())
    }
}

fn names(catalog: &Catalog) -> Vec<&str> {
    catalog.iter().map(|playbook| playbook.name.as_str()).collect()
}

fn told(problems: &[Diagnostic]) -> String {
    let line = |problem: &Diagnostic| {
        let file = problem.path.file_name().unwrap_or_default().to_string_lossy();
        format!("{file}:{}:{}: {}", problem.line(), problem.column(), problem.message)
    };
    problems.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_file_that_does_not_load_never_takes_down_the_others() {
    let shelf = Shelf::new()
        .with("good.yaml", GOOD)
        .with("good.cases.yaml", "this: is no playbook")
        .with("readme.md", "nor this")
        .with("old.yml", GOOD)
        .with("broken.yaml", "kind: Playbook\napiVersion: [")
        .with("empty.yaml", "")
        .with(
            "warned.yaml",
            &GOOD
                .replace("coredns-saturated", "warned")
                .replace("settle: 6m", "settle: 1m")
                .replace("CoreDNS", "Other"),
        );
    std::fs::write(shelf.0.path().join("binary.yaml"), [0xff, 0xfe, 0x00]).unwrap();
    std::fs::create_dir(shelf.0.path().join("folder.yaml")).unwrap();
    let (catalog, problems) = shelf.load();
    assert_eq!(names(&catalog), ["coredns-saturated", "warned"]);
    insta::assert_snapshot!(told(&problems), @"
    binary.yaml:0:0: the file cannot be read: it is no text (it is not UTF-8)
    broken.yaml:2:13: `apiVersion` must be a single value, and here is a list
    broken.yaml:2:13: this is no YAML: unclosed bracket '['
    empty.yaml:0:0: the file is empty
    old.yml:0:0: the file is not read: playbooks end in `.yaml`
    warned.yaml:26:55: the query looks back 5m, and is asked 1m after the change: it still sees what was before
    ");
    let good = catalog.get("coredns-saturated").unwrap();
    assert_eq!(catalog.by_digest(&good.reference.digest).unwrap().path, shelf.0.path().join("good.yaml"));
    assert!(catalog.get("broken").is_none());

    let (catalog, problems) = Catalog::load(Path::new("/nowhere/at/all"));
    assert_eq!((catalog.iter().count(), problems.len()), (0, 1));
    assert_eq!(problems[0].path, PathBuf::from("/nowhere/at/all"));
}

#[test]
fn two_playbooks_of_one_name_are_both_refused() {
    let shelf = Shelf::new().with("a.yaml", GOOD).with("b.yaml", GOOD).answers("other", "  - alert: Other\n");
    let (catalog, problems) = shelf.load();
    assert_eq!(names(&catalog), ["other"]);
    assert_eq!(problems.len(), 2);
    assert!(problems.iter().all(|problem| problem.severity == DiagnosticSeverity::Error && problem.line() == 3));
}

#[test]
fn an_alert_finds_its_playbook() {
    let shelf = Shelf::new()
        .answers("always", "  - alert: Slow\n")
        .answers("gold", "  - alert: Slow\n    where: alert.labels.tier == 'gold'\n  - alert: Errors\n")
        .answers("silver", "  - alert: Slow\n    where: alert.labels.?tier.orValue('') in ['gold', 'silver']\n");
    let (catalog, problems) = shelf.load();
    assert_eq!(problems, []);
    let found = |alert: &Alert| {
        let found = catalog.for_alert(alert);
        let problems: Vec<String> = found.undecided.into_iter().chain(found.problems).collect();
        (found.playbook.map(|playbook| playbook.name.clone()).unwrap_or_default(), problems.join("; "))
    };
    assert_eq!(found(&alert("Slow", &[("tier", "silver")])), ("silver".into(), String::new()));
    assert_eq!(found(&alert("Slow", &[("tier", "bronze")])), ("always".into(), String::new()));
    assert_eq!(found(&alert("Errors", &[])), ("gold".into(), String::new()));
    assert_eq!(found(&alert("Unheard", &[])), (String::new(), String::new()));
    let (name, problems) = found(&alert("Slow", &[("tier", "gold")]));
    assert_eq!(name, "gold");
    insta::assert_snapshot!(problems, @"gold and silver each answer it by their `where`, and nobody said which one is meant: write a playbook for the alert that looks what it is, and hands over to one of them");
    let (name, problems) = found(&alert("Slow", &[]));
    assert_eq!(name, "always");
    insta::assert_snapshot!(problems, @"the playbook gold does not answer it: the condition `alert.labels.tier == 'gold'` could not be decided: `alert.labels.tier` is not there (`alert.labels` has `alertname`); write `alert.labels.?tier.orValue(...)` if it may be absent");
}

#[test]
fn an_alert_that_two_playbooks_claim_is_answered_by_neither() {
    let shelf = Shelf::new()
        .answers("one", "  - alert: Slow\n  - alert: Errors\n")
        .answers("two", "  - alert: Slow\n")
        .answers("three", "  - alert: Slow\n    where: alert.labels.tier == 'gold'\n");
    let (catalog, problems) = shelf.load();
    assert_eq!(names(&catalog), ["one", "three", "two"]);
    insta::assert_snapshot!(told(&problems), @"
    one.yaml:9:12: another playbook answers every `Slow` too: two (two.yaml:9)
    two.yaml:9:12: another playbook answers every `Slow` too: one (one.yaml:9)
    ");
    let name = |alert: &Alert| catalog.for_alert(alert).playbook.map(|playbook| playbook.name.clone());
    assert_eq!(name(&alert("Slow", &[("tier", "x")])), None);
    assert_eq!(name(&alert("Slow", &[("tier", "gold")])).as_deref(), Some("three"));
    assert_eq!(name(&alert("Errors", &[])).as_deref(), Some("one"));
}

/// A playbook that hands over to these.
fn hands_over(name: &str, to: &[&str]) -> String {
    let branches: String = to
        .iter()
        .map(|to| format!("      - branch: it is for {to}\n        when: target.spec.replicas > 1\n        hand_over_to: {{ playbook: {to} }}\n"))
        .collect();
    let choose = if to.is_empty() {
        String::new()
    } else {
        format!("diagnose:\n  - choose:\n{branches}      - otherwise: none\n        escalate: nobody knows\n")
    };
    format!(
        "apiVersion: dogwatch/v1\nkind: Playbook\nmetadata: {{ name: {name}, version: 1.0.0, owner: a }}\nsummary: s\nseverity: S3\n\
         autonomy: observe\ntarget: {{ kind: Deployment, namespace: a, name: b }}\n{choose}escalate:\n  - page: {{ message: m }}\n"
    )
}

#[test]
fn hand_overs_lead_somewhere_and_come_to_an_end() {
    let told = |playbooks: &[String]| {
        let shelf = playbooks.iter().fold(Shelf::new(), |shelf, text| {
            let name = text.split("name: ").nth(1).unwrap().split(',').next().unwrap().to_owned();
            shelf.with(&format!("{name}.yaml"), text)
        });
        let (catalog, problems) = shelf.load();
        let problems = problems.iter().map(|problem| {
            format!(
                "{}:{}: {}; {}",
                problem.path.file_name().unwrap().to_string_lossy(),
                problem.line(),
                problem.message,
                problem.remedy.as_deref().unwrap_or_default()
            )
        });
        let problems: Vec<String> = problems.collect();
        format!("{}\nleft: {}", problems.join("\n"), names(&catalog).join(" "))
    };
    insta::assert_snapshot!(told(&[hands_over("a", &["b"]), hands_over("b", &[])]), @"left: a b");
    insta::assert_snapshot!(told(&[hands_over("first", &["secnd"]), hands_over("second", &[]), hands_over("zero", &["first"])]), @"
    first.yaml:12: there is no playbook `secnd`, or something is wrong with it; write `second` instead
    zero.yaml:12: there is no playbook `first`, or something is wrong with it; write the name of one of the playbooks
    left: second
    ");
    insta::assert_snapshot!(told(&[hands_over("a", &["b"]), hands_over("b", &["c"]), hands_over("c", &["a"])]), @"
    a.yaml:12: the hand-overs go round in a circle: `a` -> `b` -> `c` -> `a`; have one of them decide it itself
    b.yaml:12: the hand-overs go round in a circle: `b` -> `c` -> `a` -> `b`; have one of them decide it itself
    c.yaml:12: the hand-overs go round in a circle: `c` -> `a` -> `b` -> `c`; have one of them decide it itself
    left:
    ");
    insta::assert_snapshot!(told(&[hands_over("a", &["a"])]), @"
    a.yaml:12: the hand-overs go round in a circle: `a` -> `a`; have one of them decide it itself
    left:
    ");
    let chain: Vec<String> = ["a", "b", "c", "d"]
        .windows(2)
        .map(|two| hands_over(two[0], &[two[1]]))
        .chain([hands_over("d", &["e"]), hands_over("e", &[])])
        .collect();
    insta::assert_snapshot!(told(&chain), @"
    a.yaml:12: 4 hand over in a row, and 3 is the most: `a` -> `b` -> `c` -> `d` -> `e`; decide more in one playbook
    left: b c d e
    ");
    let other = hands_over("b", &[]).replace("kind: Deployment", "kind: StatefulSet");
    insta::assert_snapshot!(told(&[hands_over("a", &["b"]), other]), @r#"
    a.yaml:12: `b` is about a StatefulSet, and this playbook about a Deployment; add `target: "StatefulSet/namespace/name"`
    left: b
    "#);
    let needs = hands_over("b", &[]).replace("escalate:", "inputs: { size: { type: integer } }\nescalate:");
    insta::assert_snapshot!(told(&[hands_over("a", &["b"]), needs.clone()]), @"
    a.yaml:12: `b` needs the input `size`; add `inputs: { size: ... }`
    left: b
    ");
    let wrong = hands_over("a", &["b"]).replace("{ playbook: b }", "{ playbook: b, inputs: { sise: 3 } }");
    insta::assert_snapshot!(told(&[wrong, needs]), @"
    a.yaml:12: `b` has no input `sise`; write `size` instead
    left: b
    ");
}
