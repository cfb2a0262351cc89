//! What every cluster promises. Each check works in a namespace of its own, and knows nothing of what is behind the trait.
//!
//! [`each_cluster_check`] makes a test of each, here on the simulated cluster, and elsewhere on a
//! real API server. A check that is not in its list is dead code, and does not compile.

#![deny(dead_code, reason = "a check that nobody runs holds nobody to anything")]

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use dogwatch::clock::SystemClock;
use dogwatch::cluster::{
    Access, Cluster, ClusterError, Delete, Evict, ExecQuery, Kind, ListQuery, LogQuery, Object, Patch, difference,
};
use dogwatch::model::ObjectKey;
use dogwatch::surroundings::{Lookup, Surroundings};
use serde_json::{Value, json};

/// A cluster under test, and what an administrator does to it.
#[async_trait(?Send)]
pub trait Fixture {
    /// As a user who may do everything.
    fn cluster(&self) -> &dyn Cluster;

    /// The same one.
    fn shared(&self) -> Arc<dyn Cluster>;

    /// As a user who has these rights alone, all of them in that namespace.
    async fn restricted(&self, namespace: &str, granted: Vec<Access>) -> Arc<dyn Cluster>;

    /// A namespace that nobody else has.
    async fn namespace(&self) -> String;

    /// Creates an object.
    async fn apply(&self, object: Value);

    /// Lets some time pass, up to a second.
    async fn wait(&self);
}

/// Makes a test of each check: `each_cluster_check!(path::to::this::module, run)`, where `run` is an async function that
/// takes a check (an async closure with a `&dyn Fixture`).
#[macro_export]
macro_rules! each_cluster_check {
    ($suite:path, $run:path) => {
        $crate::each_cluster_check! { $suite, $run:
            an_object_is_read_as_the_server_has_it
            what_is_listed_is_what_matches
            more_than_the_limit_is_an_error
            a_selector_that_is_none_is_refused
            a_patch_changes_what_it_says
            a_patch_of_something_else_is_a_conflict
            a_patch_without_a_version_goes_over_what_is_there
            a_patch_that_changes_nothing_writes_nothing
            a_patch_takes_away_what_it_says
            a_patch_with_an_unknown_field_is_refused
            what_may_not_change_is_refused
            the_generation_counts_what_is_wanted
            who_changed_a_field_is_known
            who_changed_a_containers_limit_is_known
            scale_has_the_same_preconditions
            a_change_through_scale_is_known_by_its_manager
            a_scaled_deployment_follows
            a_template_that_is_put_back_is_the_latest_revision
            a_status_is_patched_apart
            a_claim_grows_where_its_class_allows_it
            a_claim_does_not_grow_otherwise
            a_claim_without_its_class_says_so
            a_claim_that_names_a_volume_gets_no_other
            an_object_is_created_once
            a_recorded_object_can_be_created_again
            what_cannot_be_created_is_refused
            only_the_object_that_was_meant_is_deleted
            a_job_goes_when_its_pods_are_gone
            a_pod_is_evicted_when_its_budget_allows_it
            two_budgets_allow_no_eviction
            only_the_pod_that_was_meant_is_evicted
            a_log_that_is_not_there_says_so
            a_program_is_run_only_in_what_is_there_and_by_who_may
            a_dry_run_changes_nothing
            rights_are_asked_for_and_enforced
            kinds_that_are_not_known_cannot_be_asked_for
            a_name_leads_nowhere_else
            custom_resources_are_like_any_other
            what_surrounds_an_object_is_looked_up
            the_version_is_told
        }
    };
    ($suite:path, $run:path: $($check:ident)*) => {
        $(
            #[tokio::test]
            async fn $check() {
                use $suite as suite;
                $run(async |world: &dyn suite::Fixture| suite::$check(world).await).await;
            }
        )*
    };
}

const MANAGER: &str = "dogwatch-run-7-change";

fn config_map(namespace: &str, name: &str, labels: Value) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": { "namespace": namespace, "name": name, "labels": labels },
        "data": { "a": "1" },
    })
}

fn deployment(namespace: &str, name: &str, replicas: i64) -> Value {
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": { "namespace": namespace, "name": name },
        "spec": {
            "replicas": replicas,
            "selector": { "matchLabels": { "app": name } },
            "template": {
                "metadata": { "labels": { "app": name } },
                "spec": { "containers": [{ "name": "main", "image": "registry.example/main:1" }] },
            },
        },
    })
}

fn job(namespace: &str, name: &str) -> Value {
    json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": { "namespace": namespace, "name": name, "labels": { "app": "backup" } },
        "spec": { "template": { "spec": {
            "restartPolicy": "Never",
            "containers": [{ "name": "main", "image": "registry.example/main:1" }],
        } } },
    })
}

fn patch(object: &Object, body: Value) -> Patch {
    Patch {
        key: object.key(),
        subresource: None,
        body,
        uid: object.uid().to_owned(),
        resource_version: Some(object.resource_version().to_owned()),
        field_manager: MANAGER.to_owned(),
        dry_run: false,
    }
}

/// Whatever version it has by now: controllers write too.
fn patch_any(object: &Object, body: Value) -> Patch {
    Patch { resource_version: None, ..patch(object, body) }
}

fn scale(object: &Object, replicas: i64) -> Patch {
    Patch { subresource: Some("scale"), ..patch_any(object, json!({ "spec": { "replicas": replicas } })) }
}

fn delete(object: &Object) -> Delete {
    Delete { key: object.key(), uid: object.uid().to_owned(), wait_for_dependents: false, dry_run: false }
}

fn evict(pod: &Object) -> Evict {
    Evict { key: pod.key(), uid: pod.uid().to_owned(), dry_run: false }
}

fn budget(namespace: &str, name: &str, spec: &Value) -> Value {
    json!({
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": { "namespace": namespace, "name": name },
        "spec": { "selector": { "matchLabels": { "app": "web" } }, "minAvailable": spec },
    })
}

async fn get(world: &dyn Fixture, kind: &str, namespace: &str, name: &str) -> Object {
    let key = ObjectKey::new(kind, namespace, name);
    world.cluster().get(&key).await.unwrap().unwrap_or_else(|| panic!("{key} is not there"))
}

async fn apply(world: &dyn Fixture, object: Value) -> Object {
    let key = Object(object.clone()).key();
    world.apply(object).await;
    get(world, &key.kind, &key.namespace, &key.name).await
}

/// Looks until the object is as wanted; panics with what it was last when that takes too long.
async fn eventually(world: &dyn Fixture, key: &ObjectKey, wanted: impl Fn(Option<&Object>) -> bool) -> Option<Object> {
    let mut last = None;
    for _ in 0..240 {
        last = world.cluster().get(key).await.unwrap();
        if wanted(last.as_ref()) {
            return last;
        }
        world.wait().await;
    }
    panic!("waited in vain for {key}: {last:?}");
}

/// Looks until so many objects are there.
async fn eventually_listed(world: &dyn Fixture, query: &ListQuery, wanted: usize) -> Vec<Object> {
    let mut last = Vec::new();
    for _ in 0..240 {
        last = world.cluster().list(query).await.unwrap();
        if last.len() == wanted {
            return last;
        }
        world.wait().await;
    }
    panic!("waited in vain for {wanted} of {query:?}: {last:?}");
}

fn is_conflict<T>(result: &Result<T, ClusterError>) -> bool {
    matches!(result, Err(ClusterError::Conflict { .. }))
}

fn is_refused<T>(result: &Result<T, ClusterError>) -> bool {
    matches!(result, Err(ClusterError::Refused { .. }))
}

pub async fn an_object_is_read_as_the_server_has_it(world: &dyn Fixture) {
    let namespace = world.namespace().await;
    let object = apply(world, config_map(&namespace, "settings", json!({ "app": "x" }))).await;
    assert_eq!((object.kind(), object.text("/apiVersion")), ("ConfigMap", "v1"));
    assert_eq!((object.namespace(), object.name(), object.label("app")), (&*namespace, "settings", Some("x")));
    assert!(!object.uid().is_empty() && !object.resource_version().is_empty());
    assert!(!object.text("/metadata/creationTimestamp").is_empty());
    assert_eq!(object.text("/data/a"), "1");

    let absent = ObjectKey::new("ConfigMap", &*namespace, "other");
    assert_eq!(world.cluster().get(&absent).await, Ok(None));
    let elsewhere = ObjectKey::new("ConfigMap", "no-such-namespace", "settings");
    assert_eq!(world.cluster().get(&elsewhere).await, Ok(None));
    let whole_cluster = get(world, "Namespace", "", &namespace).await;
    assert_eq!((whole_cluster.namespace(), whole_cluster.kind()), ("", "Namespace"));
}

pub async fn what_is_listed_is_what_matches(world: &dyn Fixture) {
    let namespace = world.namespace().await;
    for (name, labels) in [
        ("b", json!({ "app": "pg", "suite": "listing" })),
        ("a", json!({ "app": "pg", "tier": "test", "suite": "listing" })),
        ("c", json!({ "app": "my", "suite": "listing" })),
    ] {
        world.apply(config_map(&namespace, name, labels)).await;
    }
    let list = async |labels: &str, fields: &str| {
        let query = ListQuery {
            kind: "ConfigMap".into(),
            namespace: namespace.clone(),
            labels: labels.into(),
            fields: fields.into(),
            limit: 100,
        };
        let found = world.cluster().list(&query).await.unwrap();
        assert!(
            found.iter().all(|it| it.kind() == "ConfigMap" && it.text("/apiVersion") == "v1" && !it.uid().is_empty())
        );
        found.iter().map(|object| object.name().to_owned()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(list("suite=listing", "").await, "a b c");
    assert_eq!(list("app=pg", "").await, "a b");
    assert_eq!(list("app=pg,tier!=test", "").await, "b");
    assert_eq!(list("app in (pg,my),!tier", "").await, "b c");
    assert_eq!(list("", "metadata.name=c").await, "c");
    assert_eq!(list("app=none", "").await, "");

    let query = |kind: &str, namespace: &str, labels: &str| ListQuery {
        kind: kind.into(),
        namespace: namespace.into(),
        labels: labels.into(),
        fields: String::new(),
        limit: 10_000,
    };
    let everywhere = world.cluster().list(&query("ConfigMap", "", "suite=listing")).await.unwrap();
    assert!(everywhere.iter().filter(|it| it.namespace() == namespace).count() == 3);
    // The same comes page by page.
    let (asked, mut paged, mut next) = (query("ConfigMap", &namespace, "suite=listing"), Vec::new(), None);
    loop {
        let page = world.cluster().list_page(&asked, next.as_deref()).await.unwrap();
        paged.extend(page.objects.iter().map(|object| (object.kind().to_owned(), object.name().to_owned())));
        next = page.next;
        if next.is_none() {
            break;
        }
    }
    paged.sort();
    assert_eq!(paged, ["a", "b", "c"].map(|name| ("ConfigMap".to_owned(), name.to_owned())));
    let unknown = world.cluster().list_page(&query("Nonsense", "", ""), None).await;
    assert!(matches!(unknown, Err(ClusterError::UnknownKind(_))), "{unknown:?}");
    let nowhere = world.cluster().list(&query("ConfigMap", "no-such-namespace", "")).await;
    assert_eq!(nowhere, Ok(vec![]));
    let namespaces = world.cluster().list(&query("Namespace", "", "")).await.unwrap();
    assert!(namespaces.iter().any(|it| it.name() == namespace));
}

pub async fn more_than_the_limit_is_an_error(world: &dyn Fixture) {
    let namespace = world.namespace().await;
    for name in ["a", "b", "c"] {
        world.apply(config_map(&namespace, name, json!({ "app": "many" }))).await;
    }
    let query = |limit| ListQuery {
        kind: "ConfigMap".into(),
        namespace: namespace.clone(),
        labels: "app=many".into(),
        fields: String::new(),
        limit,
    };
    assert_eq!(world.cluster().list(&query(3)).await.unwrap().len(), 3);
    for limit in [0, 1, 2] {
        let error = world.cluster().list(&query(limit)).await.unwrap_err();
        assert!(matches!(&error, ClusterError::TooMany { limit: told, .. } if *told == limit), "{error}");
        assert!(error.to_string().contains("configmaps"), "{error}");
    }
}

pub async fn a_selector_that_is_none_is_refused(world: &dyn Fixture) {
    let namespace = world.namespace().await;
    for (kind, labels, fields) in [
        ("ConfigMap", "a=b=c", ""),
        ("ConfigMap", "a in (b", ""),
        ("ConfigMap", "", "data.a=1"),
        ("Pod", "", "spec.containers=x"),
    ] {
        let query = ListQuery {
            kind: kind.into(),
            namespace: namespace.clone(),
            labels: labels.into(),
            fields: fields.into(),
            limit: 10,
        };
        let answer = world.cluster().list(&query).await;
        assert!(is_refused(&answer), "{labels}{fields}: {answer:?}");
    }
}

pub async fn a_patch_changes_what_it_says(world: &dyn Fixture) {
    let namespace = world.namespace().await;
    let object = apply(world, config_map(&namespace, "settings", json!({ "app": "x", "old": "y" }))).await;
    let change = json!({ "data": { "b": "2" }, "metadata": { "labels": { "old": null, "new": "z" } } });
    let patched = world.cluster().patch(&patch(&object, change)).await.unwrap();
    assert_eq!((patched.text("/data/a"), patched.text("/data/b")), ("1", "2"));
    assert_eq!((patched.label("app"), patched.label("old"), patched.label("new")), (Some("x"), None, Some("z")));
    assert_eq!(patched.uid(), object.uid());
    assert_ne!(patched.resource_version(), object.resource_version());
    assert_eq!(get(world, "ConfigMap", &namespace, "settings").await, patched);
}

pub async fn a_patch_of_something_else_is_a_conflict(world: &dyn Fixture) {
    let namespace = world.namespace().await;
    let first = apply(world, config_map(&namespace, "settings", json!({}))).await;
    let change = json!({ "data": { "b": "2" } });
    let second = world.cluster().patch(&patch(&first, change.clone())).await.unwrap();

    let stale = world.cluster().patch(&patch(&first, json!({ "data": { "b": "3" } }))).await;
    assert!(is_conflict(&stale), "{stale:?}");
    let mut other = patch(&second, json!({ "data": { "b": "3" } }));
    other.uid = "11111111-2222-4333-8444-555555555555".into();
    let wrong_uid = world.cluster().patch(&other).await;
    assert!(is_conflict(&wrong_uid), "{wrong_uid:?}");
    other.resource_version = None;
    let wrong_uid = world.cluster().patch(&other).await;
    assert!(is_conflict(&wrong_uid), "{wrong_uid:?}");
    assert_eq!(get(world, "ConfigMap", &namespace, "settings").await, second);

    other.key.name = "absent".into();
    let absent = world.cluster().patch(&other).await;
    assert!(matches!(&absent, Err(ClusterError::NotFound(what)) if what.contains("configmap/absent")), "{absent:?}");
}

pub async fn a_patch_without_a_version_goes_over_what_is_there(world: &dyn Fixture) {
    let namespace = world.namespace().await;
    let first = apply(world, config_map(&namespace, "settings", json!({}))).await;
    world.cluster().patch(&patch(&first, json!({ "data": { "b": "2" } }))).await.unwrap();
    let patched = world.cluster().patch(&patch_any(&first, json!({ "data": { "c": "3" } }))).await.unwrap();
    assert_eq!(patched.at("/data"), Some(&json!({ "a": "1", "b": "2", "c": "3" })));
}

pub async fn a_patch_that_changes_nothing_writes_nothing(world: &dyn Fixture) {
    let namespace = world.namespace().await;
    let object = apply(world, config_map(&namespace, "settings", json!({}))).await;
    let same = world.cluster().patch(&patch(&object, json!({ "data": { "a": "1" } }))).await.unwrap();
    assert_eq!(same, object);
}

pub async fn a_patch_takes_away_what_it_says(world: &dyn Fixture) {
    let namespace = world.namespace().await;
    let settings = apply(world, config_map(&namespace, "settings", json!({ "app": "x" }))).await;
    let added = world.cluster().patch(&patch(&settings, json!({ "data": { "b": "2" } }))).await.unwrap();
    assert_eq!(added.field_manager(&["data", "b"]).unwrap().name, MANAGER);
    let gone = patch(&added, json!({ "data": { "b": null } }));
    let gone = world.cluster().patch(&Patch { field_manager: "dogwatch-run-7-undo".into(), ..gone }).await.unwrap();
    assert_eq!((gone.at("/data/b"), gone.text("/data/a")), (None, "1"));
    assert_eq!(gone.field_manager(&["data", "b"]), None, "what is gone bears no mark");
}

pub async fn a_patch_with_an_unknown_field_is_refused(world: &dyn Fixture) {
    let namespace = world.namespace().await;
    let object = apply(world, deployment(&namespace, "web", 0)).await;
    for (change, word) in [
        (json!({ "spec": { "replicsa": 3 } }), "replicsa"),
        (json!({ "spec": { "replicas": "3" } }), "string"),
        (json!({ "spec": { "template": { "spec": { "hostNetwrk": true } } } }), "hostNetwrk"),
    ] {
        let answer = world.cluster().patch(&patch_any(&object, change)).await;
        assert!(is_refused(&answer), "{answer:?}");
        let message = answer.unwrap_err().to_string();
        assert!(message.contains(word) && message.len() < 600, "{message}");
    }
}

pub async fn what_may_not_change_is_refused(world: &dyn Fixture) {
    let namespace = world.namespace().await;
    let web = apply(world, deployment(&namespace, "web", 0)).await;
    let backup = apply(world, job(&namespace, "backup")).await;
    let mut set = deployment(&namespace, "pg", 0);
    set["kind"] = "StatefulSet".into();
    set["spec"]["serviceName"] = "pg".into();
    let set = apply(world, set).await;
    for (object, change) in [
        (&web, json!({ "metadata": { "name": "other" } })),
        (&web, json!({ "metadata": { "namespace": "other" } })),
        (&web, json!({ "kind": "Pod" })),
        (&web, json!({ "spec": { "replicas": -1 } })),
        (&web, json!({ "spec": { "selector": { "matchLabels": { "more": "x" } } } })),
        (&set, json!({ "spec": { "serviceName": "other" } })),
        (&set, json!({ "spec": { "podManagementPolicy": "Parallel" } })),
        (&backup, json!({ "spec": { "completions": 5 } })),
        (&backup, json!({ "spec": { "template": { "spec": { "restartPolicy": "OnFailure" } } } })),
    ] {
        let answer = world.cluster().patch(&patch_any(object, change.clone())).await;
        assert!(is_refused(&answer), "{change}: {answer:?}");
    }
    let generation = web.number("/metadata/generation").unwrap();
    let free = json!({ "spec": { "template": { "metadata": { "annotations": { "restarted": "now" } } } } });
    let patched = world.cluster().patch(&patch_any(&web, free)).await.unwrap();
    assert_eq!(patched.number("/metadata/generation"), Some(generation + 1));
    let unseen = json!({ "metadata": { "generation": 99, "labels": { "a": "b" } }, "status": { "replicas": 99 } });
    let patched = world.cluster().patch(&patch_any(&patched, unseen)).await.unwrap();
    assert_eq!(patched.number("/metadata/generation"), Some(generation + 1));
    assert_ne!(patched.number("/status/replicas"), Some(99));
}

/// Of a Deployment an annotation is wanted as well: its controller copies it to its ReplicaSets.
pub async fn the_generation_counts_what_is_wanted(world: &dyn Fixture) {
    let namespace = world.namespace().await;
    let of_kind = |kind: &str, name: &str| {
        let mut workload = deployment(&namespace, name, 0);
        workload["kind"] = kind.into();
        workload
    };
    let mut set = of_kind("StatefulSet", "pg");
    set["spec"]["serviceName"] = "pg".into();
    let mut daemon = of_kind("DaemonSet", "agent");
    daemon["spec"].as_object_mut().unwrap().remove("replicas");
    let label = json!({ "metadata": { "labels": { "example.com/a": "1" } } });
    let annotation = json!({ "metadata": { "annotations": { "example.com/a": "1" } } });
    for (object, is_counted) in [
        (of_kind("Deployment", "web"), true),
        (of_kind("ReplicaSet", "one"), false),
        (set, false),
        (daemon, false),
        (job(&namespace, "backup"), false),
    ] {
        let object = apply(world, object).await;
        let kind = object.kind().to_owned();
        let is = |object: &Object| object.number("/metadata/generation").unwrap();
        let before = is(&object);
        let labelled = world.cluster().patch(&patch_any(&object, label.clone())).await.unwrap();
        assert_eq!(is(&labelled), before, "{kind}: a label");
        let annotated = world.cluster().patch(&patch_any(&object, annotation.clone())).await.unwrap();
        assert_eq!(is(&annotated), before + i64::from(is_counted), "{kind}: an annotation");
        let again = world.cluster().patch(&patch_any(&object, annotation.clone())).await.unwrap();
        assert_eq!(is(&again), is(&annotated), "{kind}: the same annotation");
    }
}

pub async fn who_changed_a_field_is_known(world: &dyn Fixture) {
    let namespace = world.namespace().await;
    let object = apply(world, config_map(&namespace, "settings", json!({ "app": "x" }))).await;
    let created = object.field_manager(&["data", "a"]).expect("somebody created it");
    assert_ne!(created.name, MANAGER);

    let change = json!({ "data": { "a": "2", "b": "3" } });
    let patched = world.cluster().patch(&patch(&object, change)).await.unwrap();
    for field in ["a", "b"] {
        let manager = patched.field_manager(&["data", field]).expect("we changed it");
        assert_eq!(manager.name, MANAGER);
        assert!(manager.at >= created.at && manager.at.is_some());
    }
    let untouched = patched.field_manager(&["metadata", "labels", "app"]);
    assert_eq!(untouched.map(|manager| manager.name), Some(created.name));

    let mut theirs = patch(&patched, json!({ "data": { "b": "4" } }));
    theirs.field_manager = "somebody-else".into();
    let patched = world.cluster().patch(&theirs).await.unwrap();
    let manager = |field| patched.field_manager(&["data", field]).map(|manager| manager.name);
    assert_eq!((manager("a").as_deref(), manager("b").as_deref()), (Some(MANAGER), Some("somebody-else")));
}

pub async fn scale_has_the_same_preconditions(world: &dyn Fixture) {
    let namespace = world.namespace().await;
    let web = apply(world, deployment(&namespace, "web", 0)).await;
    let scaled = world.cluster().patch(&scale(&web, 1)).await.unwrap();
    assert_eq!((scaled.kind(), scaled.name(), scaled.uid()), ("Scale", "web", web.uid()));
    assert_eq!(scaled.number("/spec/replicas"), Some(1));
    assert_ne!(scaled.resource_version(), web.resource_version());
    assert_eq!(get(world, "Deployment", &namespace, "web").await.number("/spec/replicas"), Some(1));

    let stale = Patch { resource_version: Some(web.resource_version().into()), ..scale(&web, 2) };
    let stale = world.cluster().patch(&stale).await;
    assert!(is_conflict(&stale), "{stale:?}");
    let mut other = scale(&web, 2);
    other.uid = "11111111-2222-4333-8444-555555555555".into();
    let other = world.cluster().patch(&other).await;
    assert!(is_conflict(&other), "{other:?}");
    for wrong in [json!({ "spec": { "replicas": -1 } }), json!({ "spec": { "replica": 2 } })] {
        let answer = world.cluster().patch(&Patch { body: wrong, ..scale(&web, 0) }).await;
        assert!(is_refused(&answer), "{answer:?}");
    }
    assert_eq!(get(world, "Deployment", &namespace, "web").await.number("/spec/replicas"), Some(1));

    let settings = apply(world, config_map(&namespace, "settings", json!({}))).await;
    let answer = world.cluster().patch(&scale(&settings, 2)).await;
    assert_eq!(answer, Err(ClusterError::UnknownKind("ConfigMap/scale".into())));
}

pub async fn a_change_through_scale_is_known_by_its_manager(world: &dyn Fixture) {
    let namespace = world.namespace().await;
    for kind in ["Deployment", "StatefulSet"] {
        let mut object = deployment(&namespace, "web", 0);
        object["kind"] = kind.into();
        let object = apply(world, object).await;
        world.cluster().patch(&scale(&object, 1)).await.unwrap();
        let object = get(world, kind, &namespace, "web").await;
        let manager = object.field_manager(&["spec", "replicas"]).expect("we changed it");
        // The API server keeps no time for it.
        assert_eq!((manager.name.as_str(), manager.at), (MANAGER, None));
        let entries = object.at("/metadata/managedFields").and_then(Value::as_array).unwrap();
        let ours = entries.iter().find(|entry| entry["manager"] == MANAGER).unwrap();
        assert_eq!(ours["subresource"], "scale");

        let mut theirs = patch_any(&object, json!({ "spec": { "replicas": 0 } }));
        theirs.field_manager = "somebody-else".into();
        let object = world.cluster().patch(&theirs).await.unwrap();
        let manager = object.field_manager(&["spec", "replicas"]).expect("they changed it");
        assert_eq!(manager.name, "somebody-else");
        assert!(manager.at.is_some());
    }
}

/// What `k8s.rollout_history` and `k8s.rollout_undo` go by: a ReplicaSet for each template, the
/// label that tells them apart, and how they are counted.
pub async fn a_template_that_is_put_back_is_the_latest_revision(world: &dyn Fixture) {
    const REVISION: &str = "deployment.kubernetes.io/revision";
    let namespace = world.namespace().await;
    let web = apply(world, deployment(&namespace, "web", 1)).await;
    let at = |revision: &'static str| {
        move |object: Option<&Object>| object.is_some_and(|it| it.annotation(REVISION) == Some(revision))
    };
    let query = ListQuery {
        kind: "ReplicaSet".into(),
        namespace: namespace.clone(),
        labels: "app=web".into(),
        limit: 10,
        ..ListQuery::default()
    };
    let first = eventually(world, &web.key(), at("1")).await.unwrap();
    let template = first.at("/spec/template").unwrap().clone();
    let container =
        json!({ "name": "main", "image": "registry.example/main:2", "env": [{ "name": "A", "value": "1" }] });
    let changed = json!({ "metadata": { "annotations": { "release": "2" } }, "spec": { "containers": [container] } });
    world.cluster().patch(&patch_any(&web, json!({ "spec": { "template": changed } }))).await.unwrap();
    let second = eventually(world, &web.key(), at("2")).await.unwrap();
    assert_eq!(eventually_listed(world, &query, 2).await.len(), 2);

    let back = difference(second.at("/spec/template").unwrap(), &template);
    let put_back = world.cluster().patch(&patch_any(&web, json!({ "spec": { "template": back } }))).await.unwrap();
    assert_eq!(put_back.at("/spec/template"), Some(&template), "nothing of the second one is left");
    eventually(world, &web.key(), at("3")).await;
    let sets = eventually_listed(world, &query, 2).await;
    let counted = |revision: &str| sets.iter().find(|set| set.annotation(REVISION) == Some(revision)).unwrap();
    assert_eq!(counted("3").annotation("deployment.kubernetes.io/revision-history"), Some("1"));
    assert_eq!(counted("3").text("/spec/template/spec/containers/0/image"), "registry.example/main:1");
    assert_eq!(counted("2").text("/spec/template/spec/containers/0/image"), "registry.example/main:2");
    for set in &sets {
        assert_eq!(set.text("/metadata/ownerReferences/0/uid"), web.uid());
        let hash = set.label("pod-template-hash").unwrap();
        assert_eq!(set.at("/spec/template/metadata/labels/pod-template-hash"), Some(&json!(hash)));
    }
}

/// What tells whose a container's limit is.
pub async fn who_changed_a_containers_limit_is_known(world: &dyn Fixture) {
    let namespace = world.namespace().await;
    let web = apply(world, deployment(&namespace, "web", 1)).await;
    let limits = json!({ "limits": { "memory": "1Gi" } });
    let container = json!({ "name": "main", "image": "registry.example/main:1", "resources": limits });
    let body = json!({ "spec": { "template": { "spec": { "containers": [container] } } } });
    let changed = world.cluster().patch(&patch_any(&web, body)).await.unwrap();
    let path = |name: &'static str| ["spec", "template", "spec", "containers", name, "resources", "limits", "memory"];
    let manager = |name| changed.field_manager(&path(name)).map(|manager| manager.name);
    assert_eq!(manager("k:{\"name\":\"main\"}").as_deref(), Some(MANAGER));
    assert_eq!(manager("k:{\"name\":\"other\"}"), None);
}

pub async fn a_scaled_deployment_follows(world: &dyn Fixture) {
    let namespace = world.namespace().await;
    let web = apply(world, deployment(&namespace, "web", 1)).await;
    let is_ready = |replicas| {
        move |object: Option<&Object>| {
            object.is_some_and(|it| {
                it.number("/status/readyReplicas") == Some(replicas)
                    && it.number("/status/replicas") == Some(replicas)
                    && it.number("/status/observedGeneration") == it.number("/metadata/generation")
            })
        }
    };
    eventually(world, &web.key(), is_ready(1)).await;
    world.cluster().patch(&scale(&web, 3)).await.unwrap();
    eventually(world, &web.key(), is_ready(3)).await;

    let query = ListQuery {
        kind: "Pod".into(),
        namespace: namespace.clone(),
        labels: "app=web".into(),
        fields: "status.phase=Running".into(),
        limit: 10,
    };
    // A pod's phase may lag behind its readiness.
    let pods = eventually_listed(world, &query, 3).await;
    let set = pods[0].text("/metadata/ownerReferences/0/name");
    let set = get(world, "ReplicaSet", &namespace, set).await;
    assert_eq!(set.text("/metadata/ownerReferences/0/uid"), web.uid());
    world.cluster().patch(&scale(&web, 1)).await.unwrap();
    eventually(world, &web.key(), is_ready(1)).await;
}

fn claim(namespace: &str, name: &str, class: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": { "namespace": namespace, "name": name },
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": class,
            "resources": { "requests": { "storage": "1Gi" } },
        },
    })
}

/// A claim that is bound to a volume of its own, and the class of both.
async fn bound_claim(world: &dyn Fixture, namespace: &str, name: &str, is_expandable: bool) -> Object {
    let class = format!("{namespace}-{name}");
    world
        .apply(json!({
            "apiVersion": "storage.k8s.io/v1",
            "kind": "StorageClass",
            "metadata": { "name": class },
            "provisioner": "csi.example.com",
            "volumeBindingMode": "WaitForFirstConsumer",
            "allowVolumeExpansion": is_expandable,
        }))
        .await;
    world
        .apply(json!({
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": { "name": class },
            "spec": {
                "accessModes": ["ReadWriteOnce"],
                "capacity": { "storage": "1Gi" },
                "storageClassName": class,
                "hostPath": { "path": "/tmp" },
                "claimRef": { "namespace": namespace, "name": name },
            },
        }))
        .await;
    let claim = apply(world, claim(namespace, name, &class)).await;
    let is_bound = |claim: Option<&Object>| claim.is_some_and(|claim| claim.text("/status/phase") == "Bound");
    eventually(world, &claim.key(), is_bound).await.unwrap()
}

fn grow(claim: &Object, size: &str) -> Patch {
    patch_any(claim, json!({ "spec": { "resources": { "requests": { "storage": size } } } }))
}

pub async fn a_status_is_patched_apart(world: &dyn Fixture) {
    let namespace = world.namespace().await;
    let claim = bound_claim(world, &namespace, "data", true).await;
    let change = json!({ "status": { "capacity": { "storage": "2Gi" } }, "spec": { "volumeName": "other" } });
    let patched =
        world.cluster().patch(&Patch { subresource: Some("status"), ..patch_any(&claim, change.clone()) }).await;
    let patched = patched.unwrap();
    assert_eq!(patched.kind(), "PersistentVolumeClaim");
    assert_eq!(patched.text("/status/capacity/storage"), "2Gi");
    assert_eq!(patched.at("/spec"), claim.at("/spec"));
    let entries = patched.at("/metadata/managedFields").and_then(Value::as_array).unwrap();
    assert!(entries.iter().any(|entry| entry["manager"] == MANAGER && entry["subresource"] == "status"));

    let mut other = Patch { subresource: Some("status"), ..patch_any(&claim, change) };
    other.uid = "11111111-2222-4333-8444-555555555555".into();
    let other = world.cluster().patch(&other).await;
    assert!(is_conflict(&other), "{other:?}");
}

pub async fn a_claim_grows_where_its_class_allows_it(world: &dyn Fixture) {
    let namespace = world.namespace().await;
    let claim = bound_claim(world, &namespace, "data", true).await;
    assert_eq!(claim.text("/status/capacity/storage"), "1Gi");
    let grown = world.cluster().patch(&grow(&claim, "2Gi")).await.unwrap();
    assert_eq!(grown.text("/spec/resources/requests/storage"), "2Gi");
    assert_eq!(grown.text("/status/capacity/storage"), "1Gi", "that is for the driver to do");
    let manager = grown.field_manager(&["spec", "resources", "requests", "storage"]).expect("we changed it");
    assert_eq!(manager.name, MANAGER);
    assert!(manager.at.is_some());
}

pub async fn a_claim_does_not_grow_otherwise(world: &dyn Fixture) {
    let namespace = world.namespace().await;
    let fixed = bound_claim(world, &namespace, "fixed", false).await;
    let answer = world.cluster().patch(&grow(&fixed, "2Gi")).await;
    assert!(matches!(&answer, Err(ClusterError::Forbidden { .. })), "{answer:?}");
    let growing = bound_claim(world, &namespace, "growing", true).await;
    for (size, why) in [("500Mi", "smaller"), ("lots", "no size")] {
        let answer = world.cluster().patch(&grow(&growing, size)).await;
        assert!(is_refused(&answer), "{why}: {answer:?}");
    }
    let other = patch_any(&growing, json!({ "spec": { "storageClassName": "other" } }));
    let answer = world.cluster().patch(&other).await;
    assert!(is_refused(&answer), "{answer:?}");
    let pending = apply(world, claim(&namespace, "pending", "no-such-class")).await;
    let answer = world.cluster().patch(&grow(&pending, "2Gi")).await;
    assert!(is_refused(&answer), "it is not bound: {answer:?}");
}

pub async fn a_claim_without_its_class_says_so(world: &dyn Fixture) {
    let namespace = world.namespace().await;
    let claim = apply(world, claim(&namespace, "data", "no-such-class")).await;
    let query = ListQuery {
        kind: "Event".into(),
        namespace: namespace.clone(),
        labels: String::new(),
        fields: format!("involvedObject.name=data,involvedObject.uid={},type=Warning", claim.uid()),
        limit: 10,
    };
    let events = eventually_listed(world, &query, 1).await;
    assert_eq!((events[0].kind(), events[0].text("/reason")), ("Event", "ProvisioningFailed"));
    assert_eq!(events[0].text("/message"), "storageclass.storage.k8s.io \"no-such-class\" not found");
    assert_eq!(get(world, "PersistentVolumeClaim", &namespace, "data").await.text("/status/phase"), "Pending");
}

pub async fn a_claim_that_names_a_volume_gets_no_other(world: &dyn Fixture) {
    let namespace = world.namespace().await;
    let bound = bound_claim(world, &namespace, "data", true).await;
    let class = bound.text("/spec/storageClassName");
    let naming = |name: &str, volume: &str| {
        let mut claim = claim(&namespace, name, class);
        claim["spec"]["volumeName"] = json!(volume);
        claim
    };
    apply(world, naming("missing", "no-such-volume")).await;
    let late = apply(world, naming("late", bound.text("/spec/volumeName"))).await;
    let query = ListQuery {
        kind: "Event".into(),
        namespace: namespace.clone(),
        labels: String::new(),
        fields: format!("involvedObject.name=late,involvedObject.uid={},type=Warning", late.uid()),
        limit: 10,
    };
    let events = eventually_listed(world, &query, 1).await;
    let message = format!("volume \"{}\" already bound to a different claim.", bound.text("/spec/volumeName"));
    assert_eq!((events[0].text("/reason"), events[0].text("/message")), ("FailedBinding", message.as_str()));
    for (name, volume) in [("late", bound.text("/spec/volumeName")), ("missing", "no-such-volume")] {
        let claim = get(world, "PersistentVolumeClaim", &namespace, name).await;
        assert_eq!((claim.text("/status/phase"), claim.text("/spec/volumeName")), ("Pending", volume));
    }
}

pub async fn an_object_is_created_once(world: &dyn Fixture) {
    let namespace = world.namespace().await;
    let object = Object(config_map(&namespace, "lock", json!({})));
    let created = world.cluster().create(&object, MANAGER, false).await.unwrap();
    assert_eq!((created.kind(), created.name(), created.text("/data/a")), ("ConfigMap", "lock", "1"));
    assert!(!created.uid().is_empty() && !created.resource_version().is_empty());
    assert_eq!(created.field_manager(&["data", "a"]).map(|manager| manager.name).as_deref(), Some(MANAGER));
    assert_eq!(get(world, "ConfigMap", &namespace, "lock").await, created);
    for dry_run in [false, true] {
        let again = world.cluster().create(&object, MANAGER, dry_run).await;
        assert!(
            matches!(&again, Err(ClusterError::AlreadyExists(what)) if what.contains("configmap/lock")),
            "{again:?}"
        );
    }
}

pub async fn a_recorded_object_can_be_created_again(world: &dyn Fixture) {
    let namespace = world.namespace().await;
    let recorded = apply(world, job(&namespace, "backup")).await;
    world.cluster().delete(&Delete { wait_for_dependents: true, ..delete(&recorded) }).await.unwrap();
    eventually(world, &recorded.key(), |job| job.is_none()).await;
    let again = world.cluster().create(&recorded, MANAGER, false).await.unwrap();
    assert_ne!(again.uid(), recorded.uid());
    assert_eq!(again.label("app"), Some("backup"));
    assert_eq!(again.at("/spec/template/spec/containers"), recorded.at("/spec/template/spec/containers"));
    let runs = |job: Option<&Object>| job.is_some_and(|job| job.number("/status/active") == Some(1));
    eventually(world, &again.key(), runs).await;
}

pub async fn what_cannot_be_created_is_refused(world: &dyn Fixture) {
    let namespace = world.namespace().await;
    let create = async |object: Value| world.cluster().create(&Object(object), MANAGER, false).await;
    let homeless = create(config_map("no-such-namespace", "a", json!({}))).await;
    assert!(matches!(&homeless, Err(ClusterError::NotFound(what)) if what.contains("namespace of")), "{homeless:?}");
    let mut unknown = config_map(&namespace, "a", json!({}));
    unknown["dta"] = json!({});
    assert!(is_refused(&create(unknown).await));
    assert!(is_refused(&create(config_map(&namespace, "Not_A_Name", json!({}))).await));
    assert!(is_refused(&create(json!({ "kind": "ConfigMap", "metadata": { "name": "a" } })).await));
    let mut wrong = deployment(&namespace, "web", 0);
    wrong["spec"]["selector"]["matchLabels"]["app"] = "other".into();
    assert!(is_refused(&create(wrong).await));
    let mut restarting = job(&namespace, "backup");
    restarting["spec"]["template"]["spec"]["restartPolicy"] = "Always".into();
    assert!(is_refused(&create(restarting).await));
}

pub async fn only_the_object_that_was_meant_is_deleted(world: &dyn Fixture) {
    let namespace = world.namespace().await;
    let object = apply(world, config_map(&namespace, "settings", json!({}))).await;
    let mut other = delete(&object);
    other.uid = "11111111-2222-4333-8444-555555555555".into();
    let answer = world.cluster().delete(&other).await;
    assert!(is_conflict(&answer), "{answer:?}");
    other.dry_run = true;
    let answer = world.cluster().delete(&other).await;
    assert!(is_conflict(&answer), "{answer:?}");
    assert_eq!(get(world, "ConfigMap", &namespace, "settings").await, object);

    world.cluster().delete(&delete(&object)).await.unwrap();
    eventually(world, &object.key(), |object| object.is_none()).await;
    let again = world.cluster().delete(&delete(&object)).await;
    assert!(matches!(&again, Err(ClusterError::NotFound(_))), "{again:?}");
}

pub async fn a_job_goes_when_its_pods_are_gone(world: &dyn Fixture) {
    let namespace = world.namespace().await;
    let backup = apply(world, job(&namespace, "backup")).await;
    let runs = |job: Option<&Object>| job.is_some_and(|job| job.number("/status/ready") == Some(1));
    let backup = eventually(world, &backup.key(), runs).await.unwrap();
    world.cluster().delete(&Delete { wait_for_dependents: true, ..delete(&backup) }).await.unwrap();
    // It may be gone already: then its pods are, too.
    if let Some(job) = world.cluster().get(&backup.key()).await.unwrap() {
        assert!(job.is_going(), "{job:?}");
        assert_eq!(job.at("/metadata/finalizers"), Some(&json!(["foregroundDeletion"])));
    }
    eventually(world, &backup.key(), |job| job.is_none()).await;
    let query = ListQuery {
        kind: "Pod".into(),
        namespace: namespace.clone(),
        labels: "job-name=backup".into(),
        fields: String::new(),
        limit: 10,
    };
    assert_eq!(world.cluster().list(&query).await, Ok(vec![]));
}

pub async fn a_log_that_is_not_there_says_so(world: &dyn Fixture) {
    let namespace = world.namespace().await;
    let pods = two_pods(world, &namespace).await;
    let query = |key: ObjectKey| LogQuery { key, container: "main".into(), previous: false, lines: 5, since: None };
    let absent = world.cluster().logs(&query(ObjectKey::new("Pod", &*namespace, "web-x"))).await;
    assert!(matches!(&absent, Err(ClusterError::NotFound(_))), "{absent:?}");
    let other = LogQuery { container: "sidecar".into(), ..query(pods[0].key()) };
    let refused = world.cluster().logs(&other).await;
    assert!(is_refused(&refused), "{refused:?}");
    assert!(refused.unwrap_err().to_string().contains("container sidecar is not valid for pod"));
    let bot = world.restricted(&namespace, vec![Kind::find("Pod").unwrap().access("get", "", &namespace)]).await;
    let refused = bot.logs(&query(pods[0].key())).await;
    assert!(matches!(&refused, Err(ClusterError::Forbidden { .. })), "{refused:?}");
    assert!(is_refused(&world.cluster().logs(&query(ObjectKey::new("Pod", &*namespace, "../x"))).await));
}

pub async fn a_program_is_run_only_in_what_is_there_and_by_who_may(world: &dyn Fixture) {
    let namespace = world.namespace().await;
    let pods = two_pods(world, &namespace).await;
    let query = |key: ObjectKey, container: &str| ExecQuery {
        key,
        container: container.into(),
        argv: vec!["df".into(), "-P".into()],
        timeout: Duration::from_secs(10),
    };
    let absent = world.cluster().exec(&query(ObjectKey::new("Pod", &*namespace, "web-x"), "main")).await;
    assert!(matches!(&absent, Err(ClusterError::NotFound(_))), "{absent:?}");
    let other = world.cluster().exec(&query(pods[0].key(), "sidecar")).await;
    assert!(is_refused(&other), "{other:?}");
    assert!(other.unwrap_err().to_string().contains("container sidecar is not valid for pod"));
    assert!(is_refused(&world.cluster().exec(&query(ObjectKey::new("Pod", &*namespace, "../x"), "main")).await));
    let pod = Kind::find("Pod").unwrap();
    // Neither of the two is enough: which one a server asks for hangs on its version.
    for verb in ["get", "create"] {
        let bot = world.restricted(&namespace, vec![pod.access(verb, "exec", &namespace)]).await;
        let refused = bot.exec(&query(pods[0].key(), "main")).await;
        assert!(matches!(&refused, Err(ClusterError::Forbidden { .. })), "{verb}: {refused:?}");
    }
    let both = ["get", "create"].map(|verb| pod.access(verb, "exec", &namespace)).to_vec();
    let bot = world.restricted(&namespace, both).await;
    let allowed = bot.exec(&query(pods[0].key(), "main")).await;
    assert!(!matches!(&allowed, Err(ClusterError::Forbidden { .. })), "{allowed:?}");
}

/// The two pods of a Deployment, once they are Ready.
async fn two_pods(world: &dyn Fixture, namespace: &str) -> Vec<Object> {
    let web = apply(world, deployment(namespace, "web", 2)).await;
    let are_ready = |web: Option<&Object>| web.is_some_and(|web| web.number("/status/readyReplicas") == Some(2));
    eventually(world, &web.key(), are_ready).await;
    let query = ListQuery { kind: "Pod".into(), namespace: namespace.into(), limit: 10, ..ListQuery::default() };
    eventually_listed(world, &query, 2).await
}

/// Asks until it is answered so: the controller of budgets takes its time.
async fn eventually_evicts(
    world: &dyn Fixture,
    evict: &Evict,
    wanted: impl Fn(&Result<(), ClusterError>) -> bool,
) -> Result<(), ClusterError> {
    let mut last = Ok(());
    for _ in 0..240 {
        last = world.cluster().evict(evict).await;
        if wanted(&last) {
            return last;
        }
        world.wait().await;
    }
    panic!("waited in vain for another answer to {evict:?}: {last:?}");
}

pub async fn a_pod_is_evicted_when_its_budget_allows_it(world: &dyn Fixture) {
    let namespace = world.namespace().await;
    let pods = two_pods(world, &namespace).await;
    let web = apply(world, budget(&namespace, "web", &json!(2))).await;
    let is_told = |answer: &Result<(), ClusterError>| match answer {
        Err(ClusterError::Budget { message, .. }) => {
            message.contains("The disruption budget web needs 2 healthy pods and has 2 currently")
        }
        _ => false,
    };
    let dry = Evict { dry_run: true, ..evict(&pods[0]) };
    let refused = eventually_evicts(world, &dry, is_told).await.unwrap_err();
    assert!(refused.is_transient(), "{refused}");
    let refused = world.cluster().evict(&evict(&pods[0])).await.unwrap_err();
    assert!(matches!(refused, ClusterError::Budget { .. }), "{refused}");
    assert!(!get(world, "Pod", &namespace, pods[0].name()).await.is_going());

    world.cluster().patch(&patch_any(&web, json!({ "spec": { "minAvailable": 1 } }))).await.unwrap();
    eventually_evicts(world, &dry, Result::is_ok).await.unwrap();
    assert!(!get(world, "Pod", &namespace, pods[0].name()).await.is_going(), "that was a try");
    // Whether another one may go depends on how soon the next pod is ready: at once, for a hollow
    // node.
    eventually_evicts(world, &evict(&pods[0]), Result::is_ok).await.unwrap();
    let is_gone = |pod: Option<&Object>| pod.is_none_or(|pod| pod.is_going() || pod.uid() != pods[0].uid());
    eventually(world, &pods[0].key(), is_gone).await;
}

pub async fn two_budgets_allow_no_eviction(world: &dyn Fixture) {
    let namespace = world.namespace().await;
    let pods = two_pods(world, &namespace).await;
    world.apply(budget(&namespace, "one", &json!(0))).await;
    world.apply(budget(&namespace, "two", &json!(0))).await;
    // Until the server has seen both of them, one alone allows it.
    let dry = Evict { dry_run: true, ..evict(&pods[0]) };
    eventually_evicts(world, &dry, is_refused).await.unwrap_err();
    let refused = world.cluster().evict(&evict(&pods[0])).await.unwrap_err();
    assert!(
        matches!(&refused, ClusterError::Refused { message, .. } if message.contains("more than one PodDisruptionBudget")),
        "{refused}"
    );
    assert!(!refused.is_transient());
}

pub async fn only_the_pod_that_was_meant_is_evicted(world: &dyn Fixture) {
    let namespace = world.namespace().await;
    let pods = two_pods(world, &namespace).await;
    let other = Evict { uid: "11111111-2222-4333-8444-555555555555".into(), ..evict(&pods[0]) };
    let answer = world.cluster().evict(&other).await;
    assert!(is_conflict(&answer), "{answer:?}");
    assert_eq!(get(world, "Pod", &namespace, pods[0].name()).await.uid(), pods[0].uid());
    let nobody = Evict { uid: String::new(), ..evict(&pods[0]) };
    assert!(is_refused(&world.cluster().evict(&nobody).await));
    let no_pod = Evict { key: ObjectKey::new("Deployment", &*namespace, "web"), ..evict(&pods[0]) };
    assert!(is_refused(&world.cluster().evict(&no_pod).await));
    let absent = Evict { key: ObjectKey::new("Pod", &*namespace, "web-x"), ..evict(&pods[0]) };
    let answer = world.cluster().evict(&absent).await;
    assert!(matches!(&answer, Err(ClusterError::NotFound(_))), "{answer:?}");

    let pod = Kind::find("Pod").unwrap();
    let bot = world.restricted(&namespace, vec![pod.access("delete", "", &namespace)]).await;
    let answer = bot.evict(&evict(&pods[0])).await;
    assert!(matches!(&answer, Err(ClusterError::Forbidden { .. })), "{answer:?}");
    let bot = world.restricted(&namespace, vec![pod.access("create", "eviction", &namespace)]).await;
    bot.evict(&evict(&pods[0])).await.unwrap();
}

pub async fn a_dry_run_changes_nothing(world: &dyn Fixture) {
    let namespace = world.namespace().await;
    let settings = apply(world, config_map(&namespace, "settings", json!({}))).await;
    let dry = Patch { dry_run: true, ..patch(&settings, json!({ "data": { "a": "2" } })) };
    let would = world.cluster().patch(&dry).await.unwrap();
    assert_eq!(would.text("/data/a"), "2");
    assert_eq!(would.resource_version(), settings.resource_version());
    let stale = Patch { resource_version: Some("1".into()), ..dry };
    assert!(is_conflict(&world.cluster().patch(&stale).await));
    let dry = Delete { dry_run: true, ..delete(&settings) };
    world.cluster().delete(&dry).await.unwrap();
    world.cluster().delete(&Delete { wait_for_dependents: true, ..dry }).await.unwrap();
    let other = Object(config_map(&namespace, "other", json!({})));
    let would = world.cluster().create(&other, MANAGER, true).await.unwrap();
    assert_eq!((would.name(), would.text("/data/a")), ("other", "1"));

    let web = apply(world, deployment(&namespace, "web", 0)).await;
    let would = world.cluster().patch(&Patch { dry_run: true, ..scale(&web, 5) }).await.unwrap();
    assert_eq!((would.kind(), would.number("/spec/replicas")), ("Scale", Some(5)));
    // A Deployment that is only annotated would be of another generation, too: it is not yet.
    for body in
        [json!({ "metadata": { "annotations": { "example.com/a": "1" } } }), json!({ "spec": { "paused": true } })]
    {
        // Its controller writes the status at any time.
        let tried = Patch { dry_run: true, resource_version: None, ..patch(&web, body) };
        world.cluster().patch(&tried).await.unwrap();
        let is = get(world, "Deployment", &namespace, "web").await;
        assert_eq!(is.number("/metadata/generation"), web.number("/metadata/generation"));
    }

    world.wait().await;
    assert_eq!(get(world, "ConfigMap", &namespace, "settings").await, settings);
    assert_eq!(world.cluster().get(&other.key()).await, Ok(None));
    assert_eq!(get(world, "Deployment", &namespace, "web").await.number("/spec/replicas"), Some(0));
}

pub async fn rights_are_asked_for_and_enforced(world: &dyn Fixture) {
    let namespace = world.namespace().await;
    let elsewhere = world.namespace().await;
    let web = apply(world, deployment(&namespace, "web", 0)).await;
    world.apply(deployment(&elsewhere, "web", 0)).await;
    let kind = Kind::find("Deployment").unwrap();
    let get_it = kind.access("get", "", &namespace);
    let scale_it = kind.access("patch", "scale", &namespace);
    let bot = world.restricted(&namespace, vec![get_it.clone(), scale_it.clone()]).await;

    for (access, wanted) in [
        (&get_it, true),
        (&scale_it, true),
        (&kind.access("patch", "", &namespace), false),
        (&kind.access("list", "", &namespace), false),
        (&kind.access("get", "", &elsewhere), false),
        (&kind.access("get", "", ""), false),
        (&Kind::find("Node").unwrap().access("get", "", ""), false),
    ] {
        assert_eq!(bot.allowed(access).await, Ok(wanted), "{access:?}");
        assert_eq!(world.cluster().allowed(access).await, Ok(true), "{access:?}");
    }
    assert_eq!(bot.get(&web.key()).await.unwrap().unwrap().uid(), web.uid());
    bot.patch(&scale(&web, 1)).await.unwrap();
    let refused = bot.patch(&patch_any(&web, json!({ "spec": { "replicas": 2 } }))).await;
    assert!(matches!(&refused, Err(ClusterError::Forbidden { .. })), "{refused:?}");
    let refused = bot.get(&ObjectKey::new("Deployment", &*elsewhere, "web")).await;
    assert!(matches!(&refused, Err(ClusterError::Forbidden { .. })), "{refused:?}");
    let refused = bot.delete(&delete(&web)).await.unwrap_err();
    assert!(
        matches!(&refused, ClusterError::Forbidden { what, .. } if what == &format!("delete {}", web.key())),
        "{refused}"
    );
    let query = ListQuery { kind: "Deployment".into(), namespace, limit: 10, ..ListQuery::default() };
    assert!(matches!(bot.list(&query).await, Err(ClusterError::Forbidden { .. })));
    let settings = Object(config_map(&elsewhere, "settings", json!({})));
    assert!(matches!(bot.create(&settings, MANAGER, false).await, Err(ClusterError::Forbidden { .. })));
}

pub async fn kinds_that_are_not_known_cannot_be_asked_for(world: &dyn Fixture) {
    let namespace = world.namespace().await;
    for kind in ["Secret", "Frobnicator", "deployment", ""] {
        let key = ObjectKey::new(kind, &*namespace, "x");
        let unknown = ClusterError::UnknownKind(kind.into());
        assert_eq!(world.cluster().get(&key).await, Err(unknown.clone()));
        let query = ListQuery { kind: kind.into(), namespace: namespace.clone(), limit: 10, ..ListQuery::default() };
        assert_eq!(world.cluster().list(&query).await, Err(unknown.clone()));
        let object = Object(json!({ "kind": kind, "metadata": { "name": "x", "namespace": namespace, "uid": "u" } }));
        assert_eq!(world.cluster().patch(&patch(&object, json!({}))).await, Err(unknown.clone()));
        assert_eq!(world.cluster().create(&object, MANAGER, false).await, Err(unknown.clone()));
        assert_eq!(world.cluster().delete(&delete(&object)).await, Err(unknown));
    }
}

/// A definition of widgets in that group, in two versions that are served and one that is not.
fn widgets(group: &str) -> Value {
    let schema = json!({ "openAPIV3Schema": {
        "type": "object",
        "properties": {
            "spec": {
                "type": "object",
                "required": ["size"],
                "properties": { "size": { "type": "integer", "minimum": 1, "maximum": 9 } },
            },
            "status": { "type": "object", "x-kubernetes-preserve-unknown-fields": true },
        },
    } });
    let version = |name: &str, served: bool| {
        json!({
            "name": name, "served": served, "storage": name == "v1", "schema": schema, "subresources": { "status": {} },
        })
    };
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": { "name": format!("widgets.{group}") },
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": { "kind": "Widget", "listKind": "WidgetList", "plural": "widgets", "singular": "widget" },
            "versions": [version("v1beta1", true), version("v1", true), version("v2alpha1", false)],
        },
    })
}

pub async fn custom_resources_are_like_any_other(world: &dyn Fixture) {
    let namespace = world.namespace().await;
    let (cluster, group) = (world.cluster(), format!("{namespace}.example.com"));
    let kind = format!("Widget.{group}");
    let key = ObjectKey::new(&*kind, &*namespace, "a");
    // Before somebody has installed it,
    assert_eq!(cluster.get(&key).await, Err(ClusterError::UnknownKind(kind.clone())));
    world.apply(widgets(&group)).await;
    // and after that, with nobody who starts anything anew.
    for _ in 0..240 {
        if cluster.get(&key).await == Ok(None) {
            break;
        }
        world.wait().await;
    }
    assert_eq!(cluster.get(&key).await, Ok(None));
    let told = cluster.kind(&kind.parse().unwrap()).await.unwrap();
    assert_eq!((told.id, told.plural, told.version, told.namespaced), (&*kind, "widgets", "v1", true));
    let by_plural = cluster.kind(&format!("widgets.{group}").parse().unwrap()).await.unwrap();
    assert_eq!(by_plural, told);

    let widget = Object(json!({
        "apiVersion": format!("{group}/v1"),
        "kind": "Widget",
        "metadata": { "namespace": namespace, "name": "a", "labels": { "tier": "gold" } },
        "spec": { "size": 3 },
    }));
    assert_eq!(widget.key(), key);
    let created = cluster.create(&widget, MANAGER, false).await.unwrap();
    assert_eq!((created.key(), created.number("/spec/size")), (key.clone(), Some(3)));
    let query = |kind: &str, labels: &str| ListQuery {
        kind: kind.into(),
        namespace: namespace.clone(),
        labels: labels.into(),
        limit: 10,
        ..ListQuery::default()
    };
    let listed = cluster.list(&query(&kind, "tier=gold")).await.unwrap();
    assert_eq!(listed.iter().map(Object::key).collect::<Vec<_>>(), std::slice::from_ref(&key));
    assert_eq!(cluster.list(&query(&kind, "tier=tin")).await, Ok(vec![]));

    // In the version that is named, it is the same object.
    let old = ObjectKey::new(format!("Widget.v1beta1.{group}"), &*namespace, "a");
    let in_old = cluster.get(&old).await.unwrap().unwrap();
    assert_eq!(in_old.text("/apiVersion"), format!("{group}/v1beta1"));
    assert_eq!((in_old.uid(), old), (created.uid(), key.clone()));
    let unserved = format!("Widget.v2alpha1.{group}");
    let answer = cluster.get(&ObjectKey::new(&*unserved, &*namespace, "a")).await;
    assert_eq!(answer, Err(ClusterError::UnknownKind(unserved)));

    // It is held to its schema, and its status is written by itself.
    let wider = patch_any(&created, json!({ "spec": { "size": 4 }, "status": { "phase": "Failed" } }));
    let patched = cluster.patch(&wider).await.unwrap();
    assert_eq!((patched.number("/spec/size"), patched.at("/status")), (Some(4), None));
    assert!(is_refused(&cluster.patch(&patch_any(&patched, json!({ "spec": { "size": 40 } }))).await));
    assert!(is_refused(&cluster.patch(&patch_any(&patched, json!({ "spec": { "siez": 4 } }))).await));
    let status =
        Patch { subresource: Some("status"), ..patch_any(&patched, json!({ "status": { "phase": "Failed" } })) };
    assert_eq!(cluster.patch(&status).await.unwrap().text("/status/phase"), "Failed");
    cluster.delete(&delete(&created)).await.unwrap();
    eventually(world, &key, |object| object.is_none()).await;
}

pub async fn a_name_leads_nowhere_else(world: &dyn Fixture) {
    let namespace = world.namespace().await;
    for (namespace, name) in [
        (&*namespace, "x/../../secrets/y"),
        (&*namespace, ""),
        ("", "x"),
        ("../secrets", "x"),
        (&*namespace, "web/scale"),
    ] {
        let key = ObjectKey::new("Deployment", namespace, name);
        let answer = world.cluster().get(&key).await;
        assert!(is_refused(&answer), "{key:?}: {answer:?}");
    }
    let node = world.cluster().get(&ObjectKey::new("Node", &*namespace, "x")).await;
    assert!(is_refused(&node), "a node is in no namespace: {node:?}");
    let query = ListQuery { kind: "Pod".into(), namespace: "../x".into(), limit: 10, ..ListQuery::default() };
    assert!(is_refused(&world.cluster().list(&query).await));
    let object = apply(world, config_map(&namespace, "settings", json!({}))).await;
    let nobody = Patch { uid: String::new(), ..patch(&object, json!({ "data": { "a": "2" } })) };
    assert!(is_refused(&world.cluster().patch(&nobody).await), "a patch needs a uid");
    assert!(is_refused(&world.cluster().delete(&Delete { uid: String::new(), ..delete(&object) }).await));
}

/// Looks until it is found so: controllers take their time.
async fn eventually_around(world: &dyn Fixture, key: &ObjectKey, wanted: impl Fn(&Surroundings) -> bool) {
    let mut last = Surroundings::default();
    for _ in 0..240 {
        // A new one each time remembers nothing.
        let lookup = Lookup::new(world.shared(), Arc::new(SystemClock::default()));
        last = lookup.look_up(std::slice::from_ref(key)).await.remove(key).unwrap_or_default();
        if wanted(&last) {
            return;
        }
        world.wait().await;
    }
    panic!("waited in vain for what surrounds {key}: {last:?}");
}

pub async fn what_surrounds_an_object_is_looked_up(world: &dyn Fixture) {
    let namespace = world.namespace().await;
    let owned =
        |found: &Surroundings, kind: &str, name: &str| found.owner == Some(ObjectKey::new(kind, &*namespace, name));
    world.apply(deployment(&namespace, "web", 1)).await;
    let query = ListQuery { kind: "Pod".into(), namespace: namespace.clone(), limit: 10, ..ListQuery::default() };
    let pod = eventually_listed(world, &query, 1).await.remove(0).key();
    eventually_around(world, &pod, |found| owned(found, "Deployment", "web") && found.node.is_some()).await;

    let mut volumes = deployment(&namespace, "db", 0);
    volumes["kind"] = "StatefulSet".into();
    volumes["spec"]["serviceName"] = "db".into();
    volumes["spec"]["volumeClaimTemplates"] = json!([{
        "metadata": { "name": "data" },
        "spec": claim(&namespace, "data", "fast")["spec"],
    }]);
    world.apply(volumes).await;
    world.apply(claim(&namespace, "data-db-0", "fast")).await;
    let key = ObjectKey::new("PersistentVolumeClaim", &*namespace, "data-db-0");
    let fast = Some("fast".to_owned());
    eventually_around(world, &key, |found| owned(found, "StatefulSet", "db") && found.storage_class == fast).await;

    // By one Deployment of that name in all of the cluster.
    let operator = format!("operator-{namespace}");
    world.apply(deployment(&namespace, &operator, 0)).await;
    let mut managed = deployment(&namespace, "managed", 0);
    managed["metadata"]["labels"] = json!({ "app.kubernetes.io/managed-by": operator });
    world.apply(managed).await;
    let (managed, operator) = ("managed", ObjectKey::new("Deployment", &*namespace, &*operator));
    let managed = ObjectKey::new("Deployment", &*namespace, managed);
    eventually_around(world, &managed, |found| found.operator.as_ref() == Some(&operator)).await;
}

pub async fn the_version_is_told(world: &dyn Fixture) {
    let version = world.cluster().version().await.unwrap();
    assert!(version.starts_with("v1."), "{version}");
}
