//! What actions declare is what they are.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::{Edge, Plan, action};
use crate::action::registry::tests::{error, error_in_json};
use crate::action::{Argument, ChangeKind, Declaration, Effect, declarations, names};
use crate::cluster::sim::{Fault, build};
use crate::model::Autonomy;

/// The fields in serde's own words: "unknown field `x`, expected one of `by`, `to`, `max`, `min`".
fn fields_that_are_read(action: &Declaration) -> Vec<String> {
    let error = error_in_json(&format!(r#"{{ "{}": {{ "no_such_argument": 1 }} }}"#, action.name));
    let (_, said) = error.split_once("unknown field `no_such_argument`").unwrap_or_else(|| panic!("{error}"));
    let said = said.lines().next().unwrap();
    said.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn the_arguments_that_are_declared_are_those_that_are_read() {
    for action in declarations() {
        let declared: Vec<&str> = action.arguments.iter().map(|argument| argument.name).collect();
        assert_eq!(fields_that_are_read(action), declared, "{}", action.name);
    }
}

/// The action with its required arguments, and one more.
fn with(action: &Declaration, more: Option<(&str, &str)>) -> String {
    let sample = |argument: &Argument| match argument.of_type {
        "kind" => "Pod",
        "path" => "spec.maxReplicas",
        "number or quantity" => "3",
        "string" if argument.name == "key" => "example.com/x",
        "string" if argument.name == "url" => "http://prometheus:9090/x",
        "statement" => "disk",
        "matchers" => "[namespace=shop]",
        "command" => "[df]",
        "string" => "x",
        "integer" => "3",
        "percentage or integer" | "percentage or size" => "20%",
        "size" => "10Gi",
        "`min` or `max`" => "min",
        "image" => "web:2",
        other => panic!("{}.{}: {other}", action.name, argument.name),
    };
    let required = action.arguments.iter().filter(|argument| argument.required);
    let mut given: Vec<(&str, &str)> = required.map(|argument| (argument.name, sample(argument))).collect();
    given.extend(more);
    if matches!(action.name, "k8s.scale" | "k8s.patch" | "k8s.hpa_set") {
        given.push(("by", "50%"));
    }
    if action.name == "k8s.set_resources" {
        given.push(("memory", "{ by: 25%, max: 1Gi }"));
    }
    let given: Vec<String> = given.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    format!("{}: {{ {} }}", action.name, given.join(", "))
}

#[test]
fn arguments_that_are_not_required_may_be_left_out_and_those_that_are_may_not() {
    for declaration in declarations() {
        action(&with(declaration, None)).unwrap();
        if let Some(required) = declaration.arguments.iter().find(|argument| argument.required) {
            let error = error(&format!("{}: {{}}", declaration.name));
            assert!(error.contains(&format!("missing field `{}`", required.name)), "{}: {error}", declaration.name);
        }
    }
}

#[test]
fn a_default_is_a_value_of_its_argument() {
    let mut tried = 0;
    for declaration in declarations() {
        for argument in declaration.arguments {
            let Some(default) = argument.default else { continue };
            action(&with(declaration, Some((argument.name, default)))).unwrap();
            assert!(!argument.required, "{}.{}", declaration.name, argument.name);
            tried += 1;
        }
    }
    assert!(tried >= 6, "{tried}");
}

#[test]
fn names_are_unique_and_what_is_said_is_said_in_one_way() {
    assert_eq!(names().iter().collect::<BTreeSet<_>>().len(), names().len());
    for Declaration { name, summary, about, errors, repeated, arguments, output, .. } in declarations() {
        assert!(!summary.is_empty() && !summary.contains('\n') && !summary.ends_with('.'), "{name}: {summary}");
        for text in [about, errors, repeated] {
            assert!(text.ends_with('.') && !text.contains("  "), "{name}: {text}");
        }
        let docs = arguments.iter().map(|argument| argument.doc);
        let docs =
            docs.chain(output.iter().flat_map(|field| std::iter::once(field).chain(field.entries)).map(|f| f.doc));
        for doc in docs {
            assert!(!doc.is_empty() && !doc.ends_with('.') && !doc.contains('\n'), "{name}: {doc}");
        }
    }
}

/// What is deleted by these can be made again, or they refuse it.
const DELETE_ALONE: [&str; 3] = ["k8s.delete_job", "k8s.delete_pod", "k8s.evict"];

#[test]
fn what_deletes_is_not_done_alone_unless_nothing_is_lost_by_it() {
    for action in declarations().iter().filter(|action| action.effect == Effect::Mutates(ChangeKind::Delete)) {
        let may_be_alone = DELETE_ALONE.contains(&action.name);
        assert_eq!(action.most_autonomy > Autonomy::Approve, may_be_alone, "{}", action.name);
    }
}

/// A step of each action that finds or changes something, in a world where it does.
fn played() -> Vec<(Edge, Vec<&'static str>)> {
    let cronjob = build::cronjob("databases", "backup", "0 1 * * *");
    let coredns = Edge::about(vec![build::deployment("kube-system", "coredns", 4)]);
    coredns.prometheus.answers_in_turn("up", &[Some(1.0)]);
    let claim =
        Edge::about(vec![build::pvc("databases", "data-db-17", "ssd", "10Gi"), build::storage_class("ssd", true)]);
    let pending = Edge::about(vec![build::pending_pvc("databases", "data-db-17", "fast", "10Gi")]);
    let node = Edge::about(vec![build::node("a"), build::node("b")]);
    let web = build::statefulset("shop", "web", 2);
    let pod = Edge::about(vec![build::owned_by(build::pod("shop", "web-0", "web"), &web), web]);
    let job = Edge::about(vec![build::owned_by(build::job("databases", "backup-29"), &cronjob), cronjob]);
    job.cluster.fault(Fault::JobHangs { job: job.target.clone(), times: 1 });
    vec![
        (super::http::about_web(), vec![super::http::READS, super::http::POINTS_ELSEWHERE]),
        (
            super::network::about_web(),
            vec![
                super::network::ASKED,
                super::network::UNANSWERED,
                super::network::OPEN,
                super::network::CLOSED,
                super::network::SHOWN,
            ],
        ),
        (
            super::rollout::broken(),
            vec!["k8s.rollout_history: {}", "k8s.rollout_undo: { to_revision: 1, from_revision: 2 }"],
        ),
        (super::sql::about_database(), vec![super::sql::DISK, super::sql::END]),
        (super::prometheus::about_database(), vec![super::prometheus::FILLS, super::prometheus::PODS]),
        (super::alertmanager::about_web(), vec![super::alertmanager::ALSO]),
        (super::exec::about_database(), vec![super::exec::DISK, super::exec::BACKUPS]),
        (super::history::about_web(), vec![super::history::BEFORE]),
        (super::owners::argued_about(), vec![super::owners::OF_REPLICAS]),
        (super::diagnosis::of_broken_image(), vec!["k8s.rollout_status: {}", "k8s.images: {}"]),
        (super::diagnosis::of_service(), vec!["k8s.endpoints: {}"]),
        (super::diagnosis::of_full_namespace(), vec!["k8s.quota: {}"]),
        (super::diagnosis::of_measured(), vec!["k8s.top: {}"]),
        (super::restart::about_web(), vec![super::restart::RESTART]),
        (super::delete_pod::about_web(), vec![super::delete_pod::DELETE]),
        (super::suspension::about_backup(), vec![super::suspension::SUSPEND, super::suspension::RESUME]),
        (super::hpa::about_web(), vec![super::hpa::FLOOR]),
        (super::pausing::about_web(), vec![super::pausing::PAUSE, super::pausing::RESUME]),
        (super::image::about_web(), vec![super::image::SET]),
        (super::label::about_web(), vec![super::label::MARK]),
        (super::configmap::about_web(), vec![super::configmap::SET]),
        (super::annotate::about_web(), vec![super::annotate::MARK]),
        (super::certmanager::about_web(), vec![super::certmanager::RENEW]),
        (super::patch::about_web(), vec![super::patch::RAISE]),
        (
            super::resources::about_web(),
            vec!["k8s.set_resources: { container: main, memory: { by: 25%, max: 16Gi }, cpu: { by: 500m, max: 4 } }"],
        ),
        (
            coredns,
            vec![
                "prometheus.query: { expr: up }",
                "k8s.get: { kind: Deployment, name: coredns }",
                "k8s.list: { kind: Pod }",
                "k8s.pods: {}",
                "k8s.scale: { by: 50%, max: 10 }",
            ],
        ),
        (
            claim,
            vec![
                "k8s.claim_owner: {}",
                "k8s.expand_pvc: { by: 20%, max: 500Gi }",
                "k8s.last_change: { field: spec.resources.requests.storage }",
            ],
        ),
        (pending, vec!["k8s.events: {}"]),
        (node, vec!["k8s.cordon: {}", "k8s.uncordon: {}"]),
        (pod, vec!["k8s.logs: {}", "k8s.evict: {}"]),
        (job, vec!["k8s.delete_job: {}", "k8s.create_job: { from_cronjob: backup }"]),
        (super::patroni::behind("running", 2, 4_900_000), vec!["patroni.cluster: {}", "patroni.reinitialize: {}"]),
        (
            super::patroni_leads::whole(),
            vec![
                super::patroni_leads::RESTART,
                super::patroni_leads::SWITCH,
                super::patroni_leads::HISTORY,
                "patroni.pause: {}",
                "patroni.resume: {}",
            ],
        ),
        (super::patroni_leads::headless(), vec!["patroni.failover: {}"]),
    ]
}

#[tokio::test]
async fn each_action_leaves_all_that_it_declares() {
    let mut seen: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for (edge, steps) in played() {
        edge.passes(Duration::from_secs(600));
        for yaml in steps {
            let declaration = action(yaml).unwrap().describe().declaration();
            let output = match declaration.effect {
                Effect::Reads => edge.reads(yaml).await.unwrap(),
                Effect::Mutates(_) => match edge.would(yaml).await.unwrap() {
                    Plan::Unneeded(output) => output,
                    Plan::Do(intent) => edge.makes(yaml, &intent).await.unwrap(),
                },
                Effect::Tells => panic!("{yaml} leaves nothing"),
            };
            edge.passes(Duration::from_secs(60));
            let entries = declaration.output.iter().filter(|field| !field.entries.is_empty());
            let entries = entries.filter_map(|field| output.value.get(field.name)?.as_array()?.first()?.as_object());
            let names = output.value.keys().chain(entries.flat_map(|entry| entry.keys())).cloned();
            seen.entry(declaration.name).or_default().extend(names);
        }
    }
    for declaration in declarations().iter().filter(|declaration| declaration.effect != Effect::Tells) {
        let fields = declaration.output.iter().flat_map(|field| std::iter::once(field).chain(field.entries));
        let declared: BTreeSet<String> = fields.map(|field| field.name.to_owned()).collect();
        assert_eq!(seen.get(declaration.name), Some(&declared), "{}", declaration.name);
    }
}
