//! What a site sets of playbooks: what it changes in them, and what it leaves.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use chrono::DateTime;
use proptest::prelude::*;
use serde_json::json;

use super::{GOOD, parse, with};
use crate::cluster::Kinds;
use crate::diagnostics::{Code, Diagnostic, SourceText};
use crate::language::Location;
use crate::model::{Alert, AlertStatus, Autonomy, LabelNames};
use crate::playbook::{Catalog, Playbook, Setting, Settings, SiteSettings, read_folder, read_kinds};

/// A field is told as `field: code: message`.
fn settings(set: &[(&str, bool, SiteSettings)]) -> Arc<Settings> {
    let by_name = set
        .iter()
        .map(|(name, enabled, set)| ((*name).to_owned(), Setting { enabled: *enabled, set: set.clone() }))
        .collect();
    Arc::new(Settings::new(by_name, |field, code, message, remedy| {
        let source = SourceText { path: Path::new("dogwatch.yaml"), text: "playbooks:\n" };
        let message = format!("{field}: {code}: {message}; {remedy}");
        source.error(code, Location { line: 1, column: 1 }, message)
    }))
}

fn catalog(texts: &[(&str, &str)], settings: &Arc<Settings>) -> (Catalog, Vec<String>) {
    let playbooks = texts.iter().map(|(path, text)| Playbook::parse(Path::new(path), text).unwrap()).collect();
    let (catalog, problems) = Catalog::of_set(playbooks, settings);
    (catalog, problems.into_iter().map(|problem| problem.message).collect())
}

/// The one playbook with what is set.
fn set(text: &str, set: SiteSettings) -> Result<Arc<Playbook>, Vec<String>> {
    let playbook = parse(text).unwrap_or_else(|problems| panic!("{problems:#?}"));
    let name = playbook.name.clone();
    let (catalog, problems) = Catalog::of_set(vec![playbook], &settings(&[(&name, true, set)]));
    let messages: Vec<String> = problems.into_iter().map(|problem: Diagnostic| problem.message).collect();
    catalog.get(&name).cloned().ok_or(messages)
}

fn inputs(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn labels(pairs: &[(&str, &[&str])]) -> BTreeMap<String, Vec<String>> {
    pairs
        .iter()
        .map(|(label, names)| ((*label).to_owned(), names.iter().map(|it| (*it).to_owned()).collect()))
        .collect()
}

fn all() -> SiteSettings {
    SiteSettings {
        autonomy: Some(Autonomy::Approve),
        owner: Some("dba".into()),
        inputs: inputs(&[("max_replicas", "20")]),
        labels: labels(&[("rcode", &["response_code"])]),
    }
}

fn alert(name: &str, labels: &[(&str, &str)]) -> Alert {
    let named = [("alertname", name)];
    let labels = labels.iter().chain(&named);
    Alert {
        given: None,
        in_order: false,
        fingerprint: "0011223344556677".into(),
        status: AlertStatus::Firing,
        labels: labels.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        annotations: BTreeMap::new(),
        starts_at: DateTime::UNIX_EPOCH,
        ends_at: None,
        generator_url: String::new(),
    }
}

/// All that a playbook is, but for what a site may set and what tells one content from another.
fn rest(playbook: &Playbook) -> String {
    let Playbook {
        name,
        version,
        summary,
        severity,
        approval,
        review_by,
        page_by,
        triggers,
        schedules,
        target,
        limits,
        diagnose,
        mitigate,
        escalate,
        path,
        warnings,
        // What is set.
        owner: _,
        autonomy: _,
        inputs: _,
        site: _,
        written: _,
        // Of the text.
        reference: _,
        source: _,
        kinds: _,
    } = playbook;
    format!(
        "{name} {version} {summary} {severity} {approval:?} {review_by:?} {page_by:?} {triggers:?} {schedules:?} {target:?} \
         {limits:?} {diagnose:?} {mitigate:?} {escalate:?} {path:?} {warnings:?}"
    )
}

/// What holds of a playbook that a site has set something of.
fn is_set_and_else_the_same(playbook: &Playbook, written: &Playbook, set: &SiteSettings) {
    assert_eq!(rest(playbook), rest(written), "each place is where it was");
    let behind = playbook.source.strip_prefix(&*written.source).expect("the author's text stays as it is, to the byte");
    assert!(behind.trim_start().starts_with("# Set by the site"), "{behind}");
    assert_eq!(playbook.autonomy, set.autonomy.unwrap_or(written.autonomy));
    assert_eq!(&playbook.owner, set.owner.as_ref().unwrap_or(&written.owner));
    assert!(playbook.inputs.keys().eq(written.inputs.keys()));
    for (name, input) in &playbook.inputs {
        let before = &written.inputs[name];
        let default = set.inputs.get(name).map(|text| before.read(text).unwrap());
        assert_eq!(input.default, default.or_else(|| before.default.clone()), "{name}");
        let of = |input: &crate::playbook::Input| {
            (input.kind, input.minimum, input.maximum, input.label.clone(), input.description.clone())
        };
        assert_eq!(of(input), of(before), "{name}");
    }
    assert_ne!(playbook.reference.digest, written.reference.digest);
    // A run reads the same back.
    let frozen = Playbook::from_store_with(&playbook.source, &playbook.kinds).unwrap();
    assert_eq!((&frozen.reference, frozen.autonomy), (&playbook.reference, playbook.autonomy));
    assert_eq!((&frozen.owner, &frozen.site), (&playbook.owner, set));
}

#[test]
fn what_is_set_counts_and_is_told() {
    let written = parse(GOOD).unwrap();
    let playbook = set(GOOD, all()).unwrap();
    is_set_and_else_the_same(&playbook, &written, &all());
    insta::assert_snapshot!(playbook.set_here().join("\n"), @"
    autonomy approve instead of auto
    team dba instead of platform
    max_replicas 20 instead of 10
    label rcode from response_code
    ");
    insta::assert_snapshot!(playbook.source.strip_prefix(GOOD).unwrap(), @r##"
    # Set by the site: `playbooks.settings` of dogwatch.yaml.
    settings: {"autonomy":"approve","owner":"dba","inputs":{"max_replicas":"20"},"labels":{"rcode":["response_code"]}}
    "##);
    assert_eq!(playbook.as_written().reference, written.reference);
    // Nothing is set, and nothing is another.
    let same = set(GOOD, SiteSettings::default()).unwrap();
    assert_eq!((same.reference.clone(), same.set_here()), (written.reference, Vec::<String>::new()));
    // What the file says already is no news.
    let known = SiteSettings { autonomy: Some(Autonomy::Auto), ..SiteSettings::default() };
    assert_eq!(set(GOOD, known).unwrap().set_here(), [] as [String; 0]);
}

/// Of each playbook that is shipped, everything can be set that may be.
#[test]
fn each_shipped_playbook_can_be_set() {
    let kinds = Arc::new(Kinds::new());
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("playbooks");
    read_kinds(&folder, &kinds, &mut Vec::new());
    let mut seen = 0;
    for (path, text) in read_folder(&folder, &mut Vec::new()) {
        let (path, text) = (path.as_path(), text.unwrap());
        let written = Arc::new(Playbook::parse_with(path, &text, &kinds).unwrap());
        let shown = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let defaults = written.inputs.iter().filter_map(|(name, of)| Some((name.clone(), shown(of.default.as_ref()?))));
        let setting = SiteSettings {
            autonomy: Some(Autonomy::Observe),
            owner: Some("dba".into()),
            inputs: defaults.collect(),
            labels: labels(&[("namespace", &["tenant", "namespace"])]),
        };
        let set = settings(&[(&written.name, true, setting.clone())]);
        let (catalog, problems) = Catalog::of_set(vec![Playbook::parse_with(path, &text, &kinds).unwrap()], &set);
        let problems: Vec<_> = problems.iter().filter(|it| it.path == Path::new("dogwatch.yaml")).collect();
        assert!(problems.is_empty(), "{problems:?}");
        // One that hands over is not there without the others.
        if let Some(playbook) = catalog.get(&written.name) {
            is_set_and_else_the_same(playbook, &written, &setting);
            seen += 1;
        }
    }
    assert!(seen > 20, "{seen}");
}

fn autonomies() -> impl Strategy<Value = Option<Autonomy>> {
    let all = [Autonomy::Observe, Autonomy::Suggest, Autonomy::Approve, Autonomy::Auto];
    proptest::option::of(proptest::sample::select(all.to_vec()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is set, and however the author's text ends, all else stays as it is.
    #[test]
    fn an_edit_changes_only_what_it_is_to_change(
        autonomy in autonomies(),
        owner in proptest::option::of("[a-zäß][a-z0-9_.-]{0,20}"),
        replicas in proptest::option::of(-5i64..60),
        names in proptest::option::of(proptest::collection::vec("[a-z_][a-z0-9_\"'{}:#, \\\\]{0,12}", 1..4)),
        end in proptest::sample::select(vec!["", "\n\n", "# the end", "  # the end\n", "\n# é\r\n"]),
    ) {
        let text = format!("{GOOD}{end}");
        let setting = SiteSettings {
            autonomy,
            owner,
            inputs: replicas.map(|it| inputs(&[("max_replicas", &it.to_string())])).unwrap_or_default(),
            labels: names.map(|names| BTreeMap::from([("rcode".to_owned(), names)])).unwrap_or_default(),
        };
        match set(&text, setting.clone()) {
            Ok(playbook) if setting == SiteSettings::default() => prop_assert_eq!(&*playbook.source, text.as_str()),
            Ok(playbook) => is_set_and_else_the_same(&playbook, &parse(&text).unwrap(), &setting),
            Err(wrong) => prop_assert!(replicas.is_some_and(|it| it > 50) && wrong.len() == 1, "{:?}", wrong),
        }
    }
}

#[test]
fn what_stands_where_nothing_can_be_set_says_so() {
    let indented: String = GOOD.lines().map(|line| format!("  {line}\n")).collect();
    for odd in [format!("{GOOD}...\n"), indented] {
        let wrong = set(&odd, all()).unwrap_err();
        assert!(
            wrong.len() == 1 && wrong[0].contains("coredns-saturated: contradiction: nothing can be set"),
            "{wrong:?}"
        );
    }
}

#[test]
fn an_author_sets_nothing_of_a_site() {
    let wrong = parse(&format!("{GOOD}settings: {{ autonomy: observe }}\n")).unwrap_err();
    assert_eq!(
        (wrong.len(), wrong[0].code, wrong[0].line()),
        (1, Code::Misplaced, GOOD.lines().count() as u64 + 1),
        "{wrong:?}"
    );
}

#[test]
fn each_mistake_is_told_with_its_field() {
    let wrong = SiteSettings {
        autonomy: Some(Autonomy::Auto),
        owner: Some("d b a".into()),
        inputs: inputs(&[("max_replica", "5"), ("max_replicas", "51")]),
        labels: labels(&[("rcod", &["x"]), ("rcode", &[])]),
    };
    let told = set(&with("autonomy: auto", "autonomy: suggest"), wrong).unwrap_err();
    insta::assert_snapshot!(told.join("\n"), @"
    coredns-saturated.autonomy: too-much-autonomy: `auto` is more than `coredns-saturated` says, which is `suggest`: a setting can only lower it; write less than `suggest`, or leave it out
    coredns-saturated.inputs.max_replica: unknown-name: `coredns-saturated` has no input `max_replica`; write `max_replicas` instead
    coredns-saturated.inputs.max_replicas: invalid-value: the input `max_replicas` of `coredns-saturated` is 51, and 50 is the most; write 50 or less
    coredns-saturated.team: invalid-name: `d b a` cannot be the name of a team; write the team's name as `oncall.yaml` does
    coredns-saturated.labels.rcod: unknown-name: `coredns-saturated` reads no label `rcod` of its alerts; write `rcode` instead
    coredns-saturated.labels.rcode: no-value: a name to look for is missing; write a list, such as `[rcode]`
    ");
    let nobody = settings(&[("coredns-saturate", false, SiteSettings::default()), ("x", true, all())]);
    let (catalog, told) = catalog(&[("playbooks/dns.yaml", GOOD)], &nobody);
    assert_eq!(catalog.iter().count(), 1);
    insta::assert_snapshot!(told.join("\n"), @"
    coredns-saturate: unknown-name: there is no playbook `coredns-saturate`; write `coredns-saturated` instead
    x: unknown-name: there is no playbook `x`; write the name of a playbook that counts: `dogwatch playbooks` lists them
    ");
}

/// What its `where`, its target, its inputs and its texts read.
#[test]
fn labels_have_other_names_for_one_playbook_alone() {
    let own = with(
        "where: alert.labels.rcode == 'SERVFAIL'",
        "where: alert.labels.rcode == 'SERVFAIL' && 'deployment' in alert.labels",
    )
    .replace("{ kind: Deployment, namespace: kube-system, name: coredns }", "{ kind: Deployment, from: alert }")
    .replace("default: 10, maximum: 50", "default: 10, maximum: 50, label: most");
    let renamed = SiteSettings {
        labels: labels(&[
            ("rcode", &["response_code"]),
            ("deployment", &["app", "deployment"]),
            ("namespace", &["tenant"]),
            ("most", &["limit"]),
        ]),
        ..SiteSettings::default()
    };
    let (catalog, problems) =
        catalog(&[("playbooks/dns.yaml", &own)], &settings(&[("coredns-saturated", true, renamed)]));
    assert_eq!(problems, [] as [String; 0]);
    let odd =
        [("response_code", "SERVFAIL"), ("app", "dns"), ("tenant", "b"), ("namespace", "scraped"), ("limit", "7")];
    let fires = alert("CoreDNSErrorsHigh", &odd);
    let playbook = catalog.for_alert(&fires).playbook.expect("its `where` holds").clone();
    let given = BTreeMap::new();
    let found = playbook.inputs_for(Some(&fires), &given).unwrap();
    assert_eq!(found["max_replicas"], 7);
    // The configuration's own list is for the others.
    let names = LabelNames::with(BTreeMap::from([("deployment".to_owned(), vec!["workload".to_owned()])]));
    let target = playbook.target_for(Some(&fires), &names, &found, &given).unwrap();
    assert_eq!(target.to_string(), "deployment/dns in b");
    let seen = playbook.sees(json!({ "name": "x", "labels": { "app": "dns", "limit": "", "most": "3" } }));
    assert_eq!(seen["labels"], json!({ "app": "dns", "deployment": "dns", "limit": "", "most": "3" }));
    // As it came, where nothing is set.
    let plain = Playbook::parse(Path::new("playbooks/dns.yaml"), &own).unwrap();
    assert!(plain.target_for(Some(&fires), &LabelNames::default(), &found, &given).is_err());
}

const DISABLED: (&str, bool) = ("coredns-saturated", false);

#[test]
fn nothing_finds_one_that_is_disabled() {
    let (name, enabled) = DISABLED;
    let off = settings(&[(name, enabled, SiteSettings::default())]);
    let other = GOOD.replace("coredns-saturated", "coredns-other");
    let fires = alert("CoreDNSLatencyHigh", &[]);
    let (alone, problems) = catalog(&[("playbooks/dns.yaml", GOOD)], &off);
    assert_eq!(problems, [] as [String; 0]);
    assert!(alone.get(name).is_none() && alone.knows(name) && alone.iter().next().is_none());
    let found = alone.for_alert(&fires);
    assert!(found.playbook.is_none());
    insta::assert_snapshot!(found.problems.join("\n"), @"the playbook coredns-saturated would answer it, and is disabled by the configuration (playbooks.settings.coredns-saturated.enabled)");
    assert!(alone.for_alert(&alert("CoreDNSErrorsHigh", &[("rcode", "NXDOMAIN")])).problems.is_empty());
    // What it would have kept out comes in: another one, or the shipped one behind a site's own.
    for beside in ["playbooks/other.yaml", "shipped:/other.yaml"] {
        let (both, problems) = catalog(&[("playbooks/dns.yaml", GOOD), (beside, &other)], &off);
        assert_eq!(problems, [] as [String; 0], "{beside}");
        let found = both.for_alert(&fires);
        assert!(found.problems.is_empty() && found.playbook.unwrap().name == "coredns-other", "{beside}");
    }
    // The name is disabled, and so both of that name are.
    let (none, _) = catalog(&[("playbooks/dns.yaml", GOOD), ("shipped:/dns.yaml", GOOD)], &off);
    assert!(none.for_alert(&fires).playbook.is_none());
}

/// To hand over to one that is disabled is no mistake of the file.
#[test]
fn one_that_hands_over_to_it_is_there() {
    let (name, enabled) = DISABLED;
    let triage = with("name: coredns-saturated", "name: triage").replace("  - alert: CoreDNSLatencyHigh\n", "").replace(
        "  - done_if: p99.value < 0.1\n    because: the latency is back to normal\n",
        "  - choose:\n      - branch: slow\n        when: p99.value > 0.1\n        hand_over_to: { playbook: coredns-saturated }\n      - otherwise: not\n        go_on: it is fast\n",
    );
    let own = with("  - alert: CoreDNSErrorsHigh\n    where: alert.labels.rcode == 'SERVFAIL'\n", "");
    let texts = [("playbooks/dns.yaml", own.as_str()), ("playbooks/triage.yaml", triage.as_str())];
    let (catalog, problems) = catalog(&texts, &settings(&[(name, enabled, SiteSettings::default())]));
    assert_eq!(problems, [] as [String; 0]);
    let triage = catalog.get("triage").expect("it is right by itself");
    assert!(catalog.pins(triage).is_empty());
}

/// What is read again is set again; a file that does not fit any more keeps what it was.
#[test]
fn what_is_read_again_is_set_again() {
    let set = settings(&[("coredns-saturated", true, all())]);
    let (before, _) = catalog(&[("playbooks/dns.yaml", GOOD)], &set);
    let path = Path::new("playbooks/dns.yaml");
    let again = |catalog: &Catalog, text: Option<&str>| {
        let files = text.map(|text| (path, Ok(text))).into_iter();
        catalog.read_again(files, &Arc::default(), |_| Vec::new())
    };
    let told = |problems: &[Diagnostic]| problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");

    let same = again(&before, Some(GOOD));
    assert_eq!((before.changes_to(&same.catalog), told(&same.problems)), (Vec::new(), String::new()));
    let newer = again(&same.catalog, Some(&with("1.2.0", "1.3.0")));
    assert_eq!(same.catalog.changes_to(&newer.catalog), ["~ coredns-saturated 1.2.0→1.3.0"]);
    assert_eq!(newer.catalog.get("coredns-saturated").unwrap().autonomy, Autonomy::Approve);
    let unfit =
        again(&newer.catalog, Some(&with("max_replicas: {", "most: {").replace("inputs.max_replicas", "inputs.most")));
    insta::assert_snapshot!(told(&unfit.problems), @"playbooks/dns.yaml: what dogwatch.yaml sets of it does not fit: line 1: coredns-saturated.inputs.max_replicas: unknown-name: `coredns-saturated` has no input `max_replicas`; its inputs are `most`");
    assert_eq!(unfit.catalog.get("coredns-saturated").unwrap().version, "1.3.0");
    let broken = again(&unfit.catalog, Some(&with("autonomy: auto", "autonomy: aut")));
    assert!(broken.problems.iter().all(|it| it.path == path), "{:?}", broken.problems);
    assert_eq!(broken.catalog.get("coredns-saturated").unwrap().owner, "dba");
    let gone = again(&broken.catalog, None);
    assert!(
        gone.catalog.iter().next().is_none() && told(&gone.problems).contains("there is no playbook"),
        "{:?}",
        gone.problems
    );
    let back = again(&gone.catalog, Some(GOOD));
    assert_eq!(
        back.catalog.get("coredns-saturated").unwrap().reference,
        before.get("coredns-saturated").unwrap().reference
    );
}
