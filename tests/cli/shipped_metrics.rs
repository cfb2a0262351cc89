//! What the shipped playbooks and rules ask of Prometheus, held to what exporters say:
//! tests/fixtures/exporters.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use dogwatch::action::Action;
use dogwatch::language::AnyArg;
use dogwatch::playbook::{Catalog, StepKind};
use dogwatch::prometheus::all_selectors;
use regex::Regex;
use serde_json::Value;

use super::root;

/// What no fixture can hold: begins of names, and why.
const UNHELD: &[(&str, &str)] = &[
    ("ALERTS", "Prometheus itself makes it of alerts"),
    ("ALERTS_FOR_STATE", "Prometheus itself makes it of alerts"),
    ("barman_", "no Barman was run"),
    ("ccp_", "custom queries of pgMonitor"),
    ("certmanager_", "no cert-manager was run"),
    ("cluster_autoscaler_", "no cluster-autoscaler was run"),
    ("cnpg_", "no CloudNativePG was run"),
    ("container_", "cAdvisor in the kubelet"),
    ("coredns_", "CoreDNS was not built"),
    ("dogwatch_", "tests/real/metrics.rs holds them"),
    ("elasticsearch_", "no Elasticsearch was run"),
    ("fluentbit_", "no Fluent Bit was run"),
    ("grafana_", "no Grafana was run"),
    ("kube_", "kube-state-metrics was not to be had"),
    ("kubelet_", "no kubelet was run"),
    ("pgbackrest_", "pgbackrest_exporter was not to be had"),
    ("prometheus_operator_", "no Prometheus Operator was run"),
    ("reloader_", "no config-reloader of the Prometheus Operator was run"),
    ("scrape_", "Prometheus itself makes it of each scrape"),
    ("ssl_", "ssl_exporter was not to be had"),
    ("traefik_", "no Traefik was run"),
    ("up", "Prometheus itself makes it of each scrape"),
    ("walg_", "no WAL-G was run"),
];

/// What is asked, and is in no fixture: the metric, what of it is not there, and why it is asked.
const KNOWN: &[(&str, &str, &str)] = &[
    ("aggregator_unavailable_apiservice_total", "it", "told once an API was away"),
    ("apiserver_flowcontrol_rejected_requests_total", "it", "told once a request was rejected"),
    ("pg_stat_checkpointer_num_requested_total", "it", "PostgreSQL 17 and later"),
    ("pgbouncer_config_max_client_connections", "it", BY_THE_COMMUNITY),
    ("pgbouncer_databases_paused", "it", BY_THE_COMMUNITY),
    ("pgbouncer_stats_totals_queries_duration_seconds_total", "it", BY_THE_COMMUNITY),
    ("pgbouncer_stats_totals_server_in_transaction_seconds_total", "it", BY_THE_COMMUNITY),
    ("pgbouncer_used_clients", "it", BY_THE_COMMUNITY),
    ("prometheus_target_scrape_pool_target_limit", "it", "not in Prometheus 2.42"),
    ("prometheus_tsdb_retention_limit_seconds", "it", "Prometheus 2.49 and later"),
];

const BY_THE_COMMUNITY: &str = "prometheus-community/pgbouncer_exporter, by its source: it was not to be had";

/// Labels that come with the scrape, or that a site gives its databases: what Prometheus's
/// configuration says.
const OF_THE_SITE: [&str; 9] =
    ["job", "instance", "namespace", "kubernetes_namespace", "pod", "container", "node", "service", "database"];

/// Of each metric the labels, and of each label the values.
type Told = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

/// All that the exporters say.
fn told() -> Told {
    let folder = root().join("tests/fixtures/exporters");
    let mut told = Told::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "prom") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        for (name, matchers) in lines.map(parts) {
            let labels = told.entry(name).or_default();
            for Matcher { label, value, .. } in matchers {
                labels.entry(label).or_default().insert(value);
            }
        }
    }
    told
}

#[derive(Clone)]
struct Matcher {
    label: String,
    operator: String,
    value: String,
}

/// The name and what stands in the braces, of a selector or of an exporter's line.
fn parts(text: &str) -> (String, Vec<Matcher>) {
    static MATCHER: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r#"([A-Za-z_]\w*)\s*(=~|!~|!=|=)\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|`([^`]*)`)"#).unwrap()
    });
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | ':')).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let matchers = MATCHER.captures_iter(rest).map(|found| Matcher {
        label: found[1].to_owned(),
        operator: found[2].to_owned(),
        value: (3..=5).find_map(|at| found.get(at)).map_or("", |value| value.as_str()).replace("\\\\", "\\"),
    });
    (name.to_owned(), matchers.collect())
}

/// The same for each name that `__name__=~"a|b_(c|d)"` says, where none stands before the braces.
fn each_name(text: &str) -> Vec<(String, Vec<Matcher>)> {
    let (name, mut matchers) = parts(text);
    let Some(at) = matchers.iter().position(|matcher| matcher.label == "__name__") else {
        return vec![(name, matchers)];
    };
    let names = alternatives(&matchers.remove(at).value);
    names.into_iter().map(|name| (name, matchers.clone())).collect()
}

/// `a_b_d` and `a_c_d` of `a_(b|c)_d`; one group at most.
fn alternatives(regex: &str) -> Vec<String> {
    let Some((begin, rest)) = regex.split_once('(') else { return regex.split('|').map(str::to_owned).collect() };
    let (group, end) = rest.split_once(')').unwrap_or_else(|| panic!("{regex}: a group is not closed"));
    assert!(!begin.contains('|') && !end.contains(['|', '(']), "{regex}: write it as `a|b`, or as `a_(b|c)_d`");
    group.split('|').map(|middle| format!("{begin}{middle}{end}")).collect()
}

/// In the place of a hole: a value that nobody has.
const HOLE: &str = "h0l3";

/// What each shipped playbook asks, by its name, and each shipped rule.
fn asked() -> Vec<(String, String)> {
    let (catalog, problems) = Catalog::load(&root().join("playbooks"));
    assert!(problems.is_empty(), "{problems:?}");
    let mut asked = Vec::new();
    for playbook in catalog.iter() {
        for step in playbook.all_steps() {
            let StepKind::Action(Action::Read(read)) = &step.kind else { continue };
            let args = read.args();
            let Some((_, expr)) = args.iter().find(|(name, _)| *name == "expr") else { continue };
            let expr: &dyn AnyArg = *expr;
            let text = without_holes(expr.text().unwrap().0);
            asked.push((playbook.name.to_string(), text));
        }
    }
    asked.extend(in_rules(&root().join("deploy/prometheus/rules.yaml")));
    asked
}

fn without_holes(text: &str) -> String {
    static HOLES: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\{\{.*?\}\}").unwrap());
    HOLES.replace_all(text, HOLE).into_owned()
}

fn in_rules(path: &Path) -> Vec<(String, String)> {
    let rules: Value = serde_saphyr::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let groups = rules["groups"].as_array().unwrap().iter();
    groups
        .flat_map(|group| group["rules"].as_array().unwrap())
        .map(|rule| ("rules".to_owned(), rule["expr"].as_str().unwrap().to_owned()))
        .collect()
}

/// What of the selector no exporter says: `it` when that is the metric, `{state}` a label,
/// `{state="x"}` a value.
fn missing(told: &Told, name: &str, matchers: &[Matcher]) -> Vec<String> {
    let Some(labels) = told.get(name) else { return vec!["it".into()] };
    let of_matcher = |matcher: &Matcher| {
        let Matcher { label, operator, value } = matcher;
        let Some(values) = labels.get(label) else {
            return (!OF_THE_SITE.contains(&label.as_str())).then(|| format!("{{{label}}}"));
        };
        // A value that the fixture lacks may be there elsewhere; that one of many is named, it must
        // know.
        let is_said = match operator.as_str() {
            "=" if !value.is_empty() => values.contains(value),
            "=~" => {
                let regex = Regex::new(&format!("^(?:{value})$")).unwrap();
                values.iter().any(|said| regex.is_match(said))
            }
            _ => true,
        };
        (!is_said && !value.contains(HOLE)).then(|| format!("{{{label}{operator}\"{value}\"}}"))
    };
    matchers.iter().filter_map(of_matcher).collect()
}

#[test]
fn each_metric_that_is_asked_is_one_that_an_exporter_tells() {
    let told = told();
    let mut unneeded: BTreeSet<String> = UNHELD.iter().map(|(name, _)| (*name).to_owned()).collect();
    unneeded.extend(KNOWN.iter().map(|(name, what, _)| format!("{name} {what}")));
    let mut wrong = BTreeSet::new();
    for (playbook, expr) in asked() {
        for selector in all_selectors(&expr).unwrap() {
            for (name, matchers) in each_name(&selector.text) {
                // A number of the playbook's.
                if name == HOLE {
                    continue;
                }
                let begins = |(begin, _): &&(&str, &str)| {
                    if begin.ends_with('_') { name.starts_with(begin) } else { name == *begin }
                };
                if let Some((begin, _)) = UNHELD.iter().find(begins) {
                    assert!(!told.contains_key(&name), "{name} is in a fixture: take `{begin}` from the list");
                    unneeded.remove(*begin);
                    continue;
                }
                for what in missing(&told, &name, &matchers) {
                    if !KNOWN.iter().any(|known| (known.0, known.1) == (&*name, &*what)) {
                        wrong.insert(format!("{playbook}: {name} {what}"));
                    }
                    unneeded.remove(&format!("{name} {what}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "no exporter tells:\n{}", wrong.into_iter().collect::<Vec<_>>().join("\n"));
    assert!(unneeded.is_empty(), "nothing asks it any more, or a fixture has it: {unneeded:?}");
}

#[test]
fn a_name_a_label_and_a_value_that_nobody_tells_are_seen() {
    let told = told();
    let of = |text: &str| {
        let (name, matchers) = parts(text);
        missing(&told, &name, &matchers)
    };
    assert_eq!(of("patroni_leader"), ["it"]);
    assert_eq!(of(r#"patroni_primary{scope="h0l3",namespace="a"}"#), [""; 0]);
    assert_eq!(of(r#"patroni_primary{cluster="h0l3"}"#), ["{cluster}"]);
    assert_eq!(of(r#"node_md_disks{state="broken",device=~"md.*"}"#), [r#"{state="broken"}"#]);
    assert_eq!(of(r#"node_md_disks{state!="broken"}"#), [""; 0]);
}
