//! How much a container should have, and when that is for somebody else to say.

use serde_json::{Value, json};

use super::*;
use crate::model::FailureClass;

fn web(resources: Value) -> Object {
    Object(json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": { "namespace": "shop", "name": "web", "uid": "u1", "resourceVersion": "10" },
        "spec": { "template": { "spec": { "containers": [
            { "name": "proxy", "resources": { "limits": { "memory": "256Mi", "cpu": "1" } } },
            { "name": "web", "image": "shop:1", "resources": resources },
        ] } } },
    }))
}

fn database() -> Object {
    web(limit("4Gi")).with(&json!({ "kind": "StatefulSet", "spec": { "updateStrategy": { "type": "RollingUpdate" } } }))
}

fn limit(memory: &str) -> Value {
    json!({ "limits": { "memory": memory }, "requests": { "memory": "512Mi" } })
}

fn memory(by: &str, max: &str) -> Wish {
    let amount = Amount { by: by.parse().unwrap(), max: max.parse().unwrap() };
    Wish { container: "web".into(), memory: Some(amount), cpu: None }
}

fn decide(workload: &Object, around: &Surroundings, wish: &Wish) -> Result<Intent, ActionError> {
    match plan(workload, around, wish, "dogwatch-run-7-raise".into())? {
        Plan::Do(intent) => Ok(intent),
        Plan::Unneeded(output) => panic!("{output:?}"),
    }
}

fn refused(workload: &Object, around: &Surroundings, class: FailureClass) -> String {
    let error = decide(workload, around, &memory("25%", "16Gi")).unwrap_err();
    assert_eq!(error.class, class, "{error}");
    error.message
}

fn alone() -> Surroundings {
    Surroundings::default()
}

#[test]
fn the_limit_grows_and_the_request_stays() {
    let intent = decide(&web(limit("1Gi")), &alone(), &memory("25%", "16Gi")).unwrap();
    assert_eq!(intent.summary, "raise the limits of web in deployment/web in shop: memory 1Gi -> 1280Mi");
    assert_eq!(intent.before, json!({ "container": "web", "limits": { "memory": "1Gi" }, "requests": {} }));
    assert_eq!(intent.after, json!({ "container": "web", "limits": { "memory": "1280Mi" }, "requests": {} }));
    assert_eq!((&*intent.uid, &*intent.resource_version, &*intent.marker), ("u1", "10", "dogwatch-run-7-raise"));
}

#[test]
fn a_request_that_is_the_limit_goes_along() {
    // Spelled otherwise, and the same.
    let guaranteed = json!({ "limits": { "memory": "1Gi" }, "requests": { "memory": "1024Mi" } });
    let intent = decide(&web(guaranteed), &alone(), &memory("25%", "16Gi")).unwrap();
    assert_eq!(intent.after["requests"], json!({ "memory": "1280Mi" }));
    assert_eq!(intent.before["requests"], json!({ "memory": "1024Mi" }));
    assert!(intent.summary.ends_with("memory 1Gi -> 1280Mi, the request with it"), "{}", intent.summary);
}

#[test]
fn memory_and_cpu_are_one_change() {
    let both = json!({ "limits": { "memory": "1Gi", "cpu": "500m" }, "requests": { "cpu": "500m" } });
    let cpu = Some(Amount { by: "50%".parse().unwrap(), max: "2".parse().unwrap() });
    let intent = decide(&web(both), &alone(), &Wish { cpu, ..memory("25%", "16Gi") }).unwrap();
    assert_eq!(
        intent.summary,
        "raise the limits of web in deployment/web in shop: memory 1Gi -> 1280Mi; cpu 500m -> 750m, the request with it"
    );
}

#[test]
fn the_cap_holds() {
    let near = decide(&web(limit("15Gi")), &alone(), &memory("25%", "16Gi")).unwrap();
    assert_eq!(near.after["limits"]["memory"], "16Gi");
    let why = refused(&web(limit("16Gi")), &alone(), FailureClass::Fail);
    assert_eq!(
        why,
        "the memory limit of web in deployment/web in shop is 16Gi, and the cap is 16Gi: look for what uses it up, or let a human \
         raise the cap"
    );
}

#[test]
fn what_has_no_limit_is_not_held_by_one() {
    let why = refused(&web(json!({ "requests": { "memory": "1Gi" } })), &alone(), FailureClass::Fail);
    assert!(why.starts_with("web in deployment/web in shop has no memory limit that could be raised"), "{why}");
    let other = Wish { container: "cache".into(), ..memory("25%", "16Gi") };
    let error = decide(&web(limit("1Gi")), &alone(), &other).unwrap_err();
    assert_eq!(error.message, "deployment/web in shop has no container `cache` (it has: proxy, web)");
}

#[test]
fn what_somebody_else_decides_is_not_changed() {
    let argo = json!({ "metadata": { "managedFields": [{
        "manager": "argocd-controller",
        "fieldsV1": { "f:spec": { "f:template": { "f:spec": { "f:containers": {
            "k:{\"name\":\"web\"}": { "f:resources": { "f:limits": { "f:memory": {} } } },
        } } } } },
    }] } });
    assert!(refused(&web(limit("1Gi")).with(&argo), &alone(), FailureClass::NeedsHuman).contains("is kept by Argo CD"));
    // It keeps something of another container.
    let elsewhere = json!({ "metadata": { "managedFields": [{
        "manager": "argocd-controller",
        "fieldsV1": { "f:spec": { "f:template": { "f:spec": { "f:containers": {
            "k:{\"name\":\"proxy\"}": { "f:resources": {} }, "k:{\"name\":\"web\"}": { "f:image": {} },
        } } } } },
    }] } });
    assert!(decide(&web(limit("1Gi")).with(&elsewhere), &alone(), &memory("25%", "16Gi")).is_ok());
    let operator =
        json!({ "metadata": { "ownerReferences": [{ "kind": "Shop", "name": "web", "controller": true }] } });
    let why = refused(&web(limit("1Gi")).with(&operator), &alone(), FailureClass::NeedsHuman);
    assert!(why.contains("is made by Shop `web`"), "{why}");
    let paused = json!({ "spec": { "paused": true } });
    assert!(refused(&web(limit("1Gi")).with(&paused), &alone(), FailureClass::NeedsHuman).contains("is paused"));
}

fn autoscaler(spec: Value) -> Surroundings {
    let vpa = json!({
        "apiVersion": "autoscaling.k8s.io/v1", "kind": "VerticalPodAutoscaler",
        "metadata": { "namespace": "shop", "name": "web" },
        "spec": { "targetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "web" } },
    });
    Surroundings { autoscalers: vec![Object(vpa).with(&json!({ "spec": spec }))], ..Surroundings::default() }
}

#[test]
fn a_vertical_autoscaler_keeps_what_it_sets() {
    let policy = |container: &str, mode: &str| json!({ "resourcePolicy": { "containerPolicies": [{ "containerName": container, "mode": mode }] } });
    let web = web(limit("1Gi"));
    for keeps in
        [json!({}), json!({ "updatePolicy": { "updateMode": "Initial" } }), policy("proxy", "Off"), policy("*", "Auto")]
    {
        let why = refused(&web, &autoscaler(keeps), FailureClass::NeedsHuman);
        assert!(why.contains("verticalpodautoscaler") && why.contains("sets what web in"), "{why}");
    }
    for leaves in [
        json!({ "updatePolicy": { "updateMode": "Off" } }),
        policy("web", "Off"),
        policy("*", "Off"),
        json!({ "targetRef": { "name": "other" } }),
    ] {
        assert!(decide(&web, &autoscaler(leaves.clone()), &memory("25%", "16Gi")).is_ok(), "{leaves}");
    }
}

#[test]
fn the_pods_of_a_patroni_cluster_are_left_alone() {
    let pod = json!({
        "kind": "Pod",
        "metadata": { "namespace": "shop", "name": "web-1", "labels": { "role": "replica", "application": "patroni" } },
    });
    let around = Surroundings { pods: vec![Object(pod)], ..Surroundings::default() };
    let why = refused(&database(), &around, FailureClass::NeedsHuman);
    assert!(why.contains("are a Patroni cluster's (pod/web-1 in shop)") && why.contains("restart the leader"), "{why}");
    // It has no pod at the moment.
    let spilo = json!({ "spec": { "template": { "metadata": { "labels": { "application": "spilo" } } } } });
    let why = refused(&database().with(&spilo), &alone(), FailureClass::NeedsHuman);
    assert!(why.contains("are a Patroni cluster's (its template)"), "{why}");
    assert!(decide(&database(), &alone(), &memory("25%", "16Gi")).is_ok());
}

#[test]
fn a_set_that_replaces_no_pods_gets_no_new_limit() {
    let on_delete = json!({ "spec": { "updateStrategy": { "type": "OnDelete" } } });
    assert!(refused(&database().with(&on_delete), &alone(), FailureClass::Fail).contains("replaces no pods by itself"));
    let partition = json!({ "spec": { "updateStrategy": { "rollingUpdate": { "partition": 2 } } } });
    assert!(refused(&database().with(&partition), &alone(), FailureClass::NeedsHuman).contains("has a partition"));
}

#[test]
fn the_namespace_may_allow_less() {
    let ranges = |item: Value| {
        let range = json!({
            "kind": "LimitRange", "metadata": { "namespace": "shop", "name": "small" }, "spec": { "limits": [item] },
        });
        Surroundings { limit_ranges: vec![Object(range)], ..Surroundings::default() }
    };
    let container = json!({ "type": "Container", "max": { "memory": "1152Mi" } });
    let why = refused(&web(limit("1Gi")), &ranges(container), FailureClass::Fail);
    assert_eq!(
        why,
        "the memory limit of web in deployment/web in shop is not raised: limitrange/small in shop lets a container have 1152Mi of \
         memory at the most, and it would be 1280Mi"
    );
    // With the proxy's 256Mi it is 1536Mi.
    let pod = json!({ "type": "Pod", "max": { "memory": "1400Mi" } });
    assert!(refused(&web(limit("1Gi")), &ranges(pod), FailureClass::Fail).contains("lets a pod have 1400Mi"));
    let ratio = json!({ "type": "Container", "maxLimitRequestRatio": { "memory": "2" } });
    assert!(refused(&web(limit("1Gi")), &ranges(ratio), FailureClass::Fail).contains("2 times the request"));
    for harmless in [
        json!({ "type": "Container", "max": { "memory": "2Gi", "cpu": "100m" } }),
        json!({ "type": "Pod", "max": { "memory": "1536Mi" } }),
        json!({ "type": "PersistentVolumeClaim", "max": { "storage": "1Gi" } }),
    ] {
        assert!(decide(&web(limit("1Gi")), &ranges(harmless.clone()), &memory("25%", "16Gi")).is_ok(), "{harmless}");
    }
}

#[test]
fn only_the_numbers_of_that_container_differ() {
    let web = web(limit("1Gi"));
    let intent = decide(&web, &alone(), &memory("25%", "16Gi")).unwrap();
    let mut wanted: Vec<Value> = web.at("/spec/template/spec/containers").unwrap().as_array().unwrap().clone();
    wanted[1]["resources"]["limits"]["memory"] = json!("1280Mi");
    assert_eq!(containers(&web, &intent.after), wanted);
    assert_eq!(look(&web, &intent.after).value, intent.before);
}

#[test]
fn amounts_are_compared_and_not_their_spellings() {
    let of = |memory: Value| json!({ "container": "web", "limits": { "memory": memory }, "requests": {} });
    assert!(Resources::are_same(&of(json!("1Gi")), &of(json!("1024Mi"))));
    assert!(!Resources::are_same(&of(json!("1Gi")), &of(json!("1G"))));
    assert!(!Resources::are_same(&of(json!("1Gi")), &of(Value::Null)));
    assert!(Resources::are_same(&of(Value::Null), &of(Value::Null)));
}
