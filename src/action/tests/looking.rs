//! The actions that look.

use std::time::Duration;

use serde_json::json;

use super::{Edge, field};
use crate::cluster::sim::{ContainerLog, Fault, Verb, build};
use crate::model::{FailureClass, ObjectKey};

#[tokio::test]
async fn a_number_is_asked_for_by_the_names_of_the_target() {
    let edge = Edge::about(vec![build::pvc("databases", "data-db-17", "ssd", "10Gi")])
        .with(json!({ "target": { "metadata": { "name": "data-db-17" } }, "alert": { "labels": { "x": "a\"} or vector(0)" } } }));
    edge.prometheus.answers_in_turn("used{persistentvolumeclaim=\"data-db-17\"}", &[Some(0.97), None]);
    let query = "prometheus.query: { expr: 'used{persistentvolumeclaim=\"{{target.metadata.name}}\"}' }";
    assert_eq!(field(&edge.reads(query).await.unwrap(), "value"), &json!(0.97));
    assert!(edge.reads(query).await.unwrap_err().message.contains("no answer is not a good answer"));
    edge.prometheus.is_away(1);
    assert_eq!(edge.reads(query).await.unwrap_err().class, FailureClass::Retry);

    let asked = edge.prometheus.asked().len();
    let hostile = "prometheus.query: { expr: 'used{x=\"{{alert.labels.x}}\"}' }";
    assert!(edge.reads(hostile).await.unwrap_err().message.contains("could change the meaning of `expr`"));
    assert_eq!(edge.prometheus.asked().len(), asked, "it was not asked");
}

#[tokio::test]
async fn one_object_is_read_without_its_bookkeeping() {
    let edge =
        Edge::about(vec![build::pvc("databases", "data-db-17", "ssd", "10Gi"), build::storage_class("ssd", true)])
            .with(json!({ "target": { "spec": { "class": "ssd", "other": "hdd", "evil": "../secrets/x" } } }));
    edge.cluster.apply(&build::storage_class("ssd", false), "kubectl").unwrap();
    let class = edge.reads("k8s.get: { kind: StorageClass, name: '{{target.spec.class}}' }").await.unwrap();
    assert_eq!(field(&class, "found"), &json!(true));
    assert_eq!(field(&class, "object").get("allowVolumeExpansion"), Some(&json!(false)));
    assert_eq!(field(&class, "object").pointer("/metadata/managedFields"), None);

    let absent = "k8s.get: { kind: StorageClass, name: '{{target.spec.other}}', optional: true }";
    assert_eq!(field(&edge.reads(absent).await.unwrap(), "found"), &json!(false));
    let needed = "k8s.get: { kind: StorageClass, name: '{{target.spec.other}}' }";
    assert!(edge.reads(needed).await.unwrap_err().message.starts_with("storageclass/hdd is not there"));
    let evil = "k8s.get: { kind: StorageClass, name: '{{target.spec.evil}}' }";
    assert!(edge.reads(evil).await.unwrap_err().message.contains("is no name of an object"));
}

#[tokio::test]
async fn a_list_is_whole_or_an_error() {
    let labelled =
        |name: &str| build::job("databases", name).with(&json!({ "metadata": { "labels": { "database": "db-17" } } }));
    let edge = Edge::about(vec![labelled("a"), labelled("b"), build::job("databases", "c"), build::job("other", "d")])
        .with(json!({ "database": "db-17", "hostile": "db-17,app" }));
    let all = edge.reads("k8s.list: { kind: Job }").await.unwrap();
    assert_eq!(field(&all, "count"), &json!(3));
    let list = |labels: &str, limit: u32| {
        format!("k8s.list: {{ kind: Job, labels: 'database={{{{{labels}}}}}', limit: {limit} }}")
    };
    let own = edge.reads(&list("database", 2)).await.unwrap();
    let names: Vec<_> =
        field(&own, "items").as_array().unwrap().iter().map(|job| job.pointer("/metadata/name").unwrap()).collect();
    assert_eq!(names, [&json!("a"), &json!("b")]);
    assert!(edge.reads(&list("database", 1)).await.unwrap_err().message.contains("more than 1 objects match"));
    assert!(edge.reads(&list("hostile", 9)).await.is_err());
    assert_eq!(field(&edge.reads("k8s.list: { kind: Pod, labels: a=b }").await.unwrap(), "count"), &json!(0));
}

#[tokio::test]
async fn the_cluster_says_why_a_claim_waits() {
    let edge = Edge::about(vec![build::pending_pvc("databases", "data-db-17", "fast", "10Gi")]);
    edge.passes(Duration::from_secs(1200));
    let events = edge.reads("k8s.events: { limit: 1 }").await.unwrap();
    assert!(
        events.summary.contains("ProvisioningFailed: storageclass.storage.k8s.io \"fast\" not found"),
        "{}",
        events.summary
    );
    assert_eq!(field(&events, "items").as_array().unwrap().len(), 1);
    let named = edge.reads("k8s.events: { kind: Pod, name: nobody }").await.unwrap();
    assert_eq!(field(&named, "count"), &json!(0));
}

#[tokio::test]
async fn pods_that_crash_are_told_from_pods_that_run() {
    let edge =
        Edge::about(vec![build::deployment("kube-system", "coredns", 4), build::deployment("kube-system", "other", 1)]);
    edge.passes(Duration::from_secs(1200));
    let pods = edge.reads("k8s.pods: {}").await.unwrap();
    assert_eq!(pods.summary, "4 of 4 pods ready");
    assert_eq!(field(&pods, "crash_looping"), &json!(0));

    edge.cluster.fault(Fault::CrashLoop { workload: edge.target.clone() });
    edge.passes(Duration::from_secs(300));
    let pods = edge.reads("k8s.pods: {}").await.unwrap();
    assert_eq!((field(&pods, "crash_looping"), field(&pods, "total")), (&json!(4), &json!(4)), "{}", pods.summary);
}

#[tokio::test]
async fn what_is_not_allowed_or_not_answered_is_no_answer() {
    let edge = Edge::about(vec![build::deployment("kube-system", "coredns", 4)]);
    edge.cluster.fault(Fault::Unavailable { verb: Verb::List, kind: "Pod".into(), times: 1 });
    assert_eq!(edge.reads("k8s.pods: {}").await.unwrap_err().class, FailureClass::Retry);
    edge.cluster.fault(Fault::Forbidden { verb: Verb::List, kind: "Pod".into() });
    let error = edge.reads("k8s.pods: {}").await.unwrap_err();
    assert_eq!(error.class, FailureClass::Fail);
    assert!(error.message.contains("`dogwatch rbac` prints the role"), "{error}");
}

#[tokio::test]
async fn what_a_container_has_written_is_read() {
    let web = build::deployment("shop", "web", 1);
    let edge = Edge::about(vec![build::owned_by(build::pod("shop", "web-1", "web"), &web), web.clone()]);
    let lines = |words: [&str; 3]| words.iter().map(|word| format!("line {word}")).collect();
    let log = |of: ObjectKey, previous, lines| ContainerLog { of, container: None, previous, lines };
    edge.cluster.writes_log(log(web.key(), false, lines(["one", "two", "password=hunter2hunter2"])));
    edge.cluster.writes_log(log(web.key(), true, lines(["panic", "at", "src/main.rs"])));
    let output = edge.reads("k8s.logs: { lines: 2 }").await.unwrap();
    assert_eq!(output.summary, "2 lines of main in pod/web-1 in shop");
    assert_eq!(field(&output, "lines")[0], "line two");
    assert!(!field(&output, "text").to_string().contains("hunter2"), "{output:?}");
    assert_eq!(field(&output, "truncated"), &json!(false));
    let found = edge.reads("k8s.logs: { contains: one }").await.unwrap();
    assert_eq!(field(&found, "text"), "line one");

    let error = edge.reads("k8s.logs: { previous: true }").await.unwrap_err();
    assert!(error.message.contains("previous terminated container \"main\" in pod \"web-1\" not found"), "{error}");
    let restarted = json!({ "status": { "containerStatuses": [{ "name": "main", "restartCount": 1 }] } });
    edge.cluster.change(&edge.target, &restarted, "kubelet").unwrap();
    let last_words = edge.reads("k8s.logs: { previous: true, lines: 1 }").await.unwrap();
    assert_eq!((field(&last_words, "text"), field(&last_words, "count")), (&json!("line src/main.rs"), &json!(1)));

    let error = edge.reads("k8s.logs: { container: sidecar }").await.unwrap_err();
    assert!(error.message.contains("container sidecar is not valid for pod web-1"), "{error}");
    let error = edge.reads("k8s.logs: { pod: ../x }").await.unwrap_err();
    assert!(error.message.contains("is no name of an object"), "{error}");
    let named = edge.reads("k8s.logs: { pod: web-1 }").await.unwrap();
    assert_eq!(field(&named, "pod"), "web-1");
    let of_the_target = Edge::about(vec![web]).reads("k8s.logs: {}").await.unwrap_err();
    assert!(of_the_target.message.contains("is no Pod; say which one: `pod: name`"), "{of_the_target}");
}
