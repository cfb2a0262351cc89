//! The real control plane of the test world.

use std::time::Duration;

use kube::config::Kubeconfig;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::world::control_plane::ControlPlane;
use crate::world::wait::wait_for;

const ROLLED_OUT: Duration = Duration::from_secs(60);

fn pod_template(app: &str) -> Value {
    json!({
        "metadata": { "labels": { "app": app } },
        "spec": { "containers": [{ "name": "main", "image": "registry.example/main:1" }] },
    })
}

fn deployment(namespace: &str, name: &str, replicas: u32) -> Value {
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": { "namespace": namespace, "name": name },
        "spec": {
            "replicas": replicas,
            "selector": { "matchLabels": { "app": name } },
            "template": pod_template(name),
        },
    })
}

#[tokio::test]
async fn a_deployment_rolls_out_on_a_hollow_node() {
    let cluster = ControlPlane::shared().await;
    cluster.hollow_node("node-a").await;
    let namespace = cluster.namespace("rollout").await;

    cluster.admin.apply(deployment(&namespace, "web", 2)).await;

    let path = format!("/apis/apps/v1/namespaces/{namespace}/deployments/web");
    let ready = wait_for(ROLLED_OUT, "two replicas are ready", async || {
        let deployment = cluster.admin.get(&path).await;
        (deployment["status"]["readyReplicas"] == 2).then_some(deployment)
    });
    assert_eq!(ready.await["status"]["availableReplicas"], 2);
    let pods = cluster.admin.get(&format!("/api/v1/namespaces/{namespace}/pods")).await;
    let nodes: Vec<&Value> =
        pods["items"].as_array().expect("a list").iter().map(|pod| &pod["spec"]["nodeName"]).collect();
    assert_eq!(nodes, ["node-a", "node-a"]);
}

#[tokio::test]
async fn a_job_starts() {
    let cluster = ControlPlane::shared().await;
    cluster.hollow_node("node-a").await;
    let namespace = cluster.namespace("job").await;
    let mut template = pod_template("backup");
    template["spec"]["restartPolicy"] = json!("Never");

    let metadata = json!({ "namespace": namespace, "name": "backup" });
    let job =
        json!({ "apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": { "template": template } });
    cluster.admin.apply(job).await;

    let path = format!("/apis/batch/v1/namespaces/{namespace}/jobs/backup");
    wait_for(ROLLED_OUT, "its pod is ready", async || {
        (cluster.admin.get(&path).await["status"]["ready"] == 1).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_test_can_play_the_storage_driver() {
    let cluster = ControlPlane::shared().await;
    let namespace = cluster.namespace("storage").await;
    let claim = json!({
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": { "namespace": namespace, "name": "data" },
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": "none",
            "resources": { "requests": { "storage": "1Gi" } },
        },
    });
    cluster.admin.apply(claim).await;

    let path = format!("/api/v1/namespaces/{namespace}/persistentvolumeclaims/data");
    let status = json!({ "capacity": { "storage": "1Gi" } });
    assert_eq!(cluster.admin.patch_status(&path, status).await["status"]["capacity"]["storage"], "1Gi");

    cluster.admin.patch(&path, json!({ "metadata": { "finalizers": null } })).await;
    cluster.admin.delete(&path).await;
    // The protection of claims is taken off by a controller, in its own time.
    wait_for(ROLLED_OUT, "the claim is gone", async || cluster.admin.find(&path).await.is_none().then_some(())).await;
}

#[tokio::test]
async fn the_kubeconfigs_serve_an_ordinary_client() {
    let cluster = ControlPlane::shared().await;
    for file in [cluster.admin_kubeconfig(), cluster.bot_kubeconfig()] {
        let kubeconfig = Kubeconfig::read_from(file).expect("a kubeconfig");
        let config = kube::Config::from_custom_kubeconfig(kubeconfig, &Default::default()).await;
        let client = kube::Client::try_from(config.expect("a configuration")).expect("a client");
        let version = client.apiserver_version().await.expect("the server's version");
        assert!(version.git_version.starts_with("v1.35."), "{version:?}");
    }
}

#[tokio::test]
async fn the_audit_log_is_the_witness_of_what_the_bot_did() {
    let cluster = ControlPlane::shared().await;
    let namespace = cluster.namespace("witness").await;
    cluster.admin.apply(deployment(&namespace, "web", 1)).await;
    let rules = json!([{ "apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get", "patch"] }]);
    cluster.grant_bot(&namespace, rules).await;
    let web = format!("/apis/apps/v1/namespaces/{namespace}/deployments/web");
    let paused = json!({ "spec": { "paused": true } });

    let bot = &cluster.bot;
    bot.get(&web).await;
    let dry = bot.request(Method::PATCH, &format!("{web}?dryRun=All"), Some(paused.clone())).await;
    assert_eq!(dry.status, StatusCode::OK);
    let patched = bot.request(Method::PATCH, &web, Some(paused.clone())).await;
    assert_eq!(patched.status, StatusCode::OK);
    let refused = bot.request(Method::DELETE, &web, None).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.body);

    let audit = cluster.audit().await.within(&namespace);
    let said: Vec<String> = audit.requests.iter().map(ToString::to_string).collect();
    let expected = [
        "get deployments/web 200",
        "patch deployments/web 200",
        "patch deployments/web 200",
        "delete deployments/web 403",
    ];
    assert_eq!(said, expected);
    let mutations = audit.mutations();
    assert_eq!(mutations.len(), 2, "the dry run is none: {mutations:?}");
    assert!(mutations[0].succeeded() && mutations[0].request_object == paused);
    assert!(!mutations[1].succeeded() && mutations[1].verb == "delete");
}

#[tokio::test]
async fn dry_runs_and_access_reviews_are_no_mutations() {
    let cluster = ControlPlane::shared().await;
    let namespace = cluster.namespace("dry").await;
    cluster.admin.apply(deployment(&namespace, "web", 0)).await;
    let rules = json!([{ "apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get", "delete"] }]);
    cluster.grant_bot(&namespace, rules).await;
    let web = format!("/apis/apps/v1/namespaces/{namespace}/deployments/web");

    let review = json!({
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": { "resourceAttributes": { "namespace": namespace, "verb": "delete", "group": "apps", "resource": "deployments" } },
    });
    let reviews = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    let allowed = cluster.bot.request(Method::POST, reviews, Some(review)).await;
    assert_eq!(allowed.body["status"]["allowed"], true, "{}", allowed.body);
    let options = json!({ "apiVersion": "v1", "kind": "DeleteOptions", "dryRun": ["All"] });
    let dry = cluster.bot.request(Method::DELETE, &web, Some(options)).await;
    assert_eq!(dry.status, StatusCode::OK, "{}", dry.body);

    let audit = cluster.audit().await;
    let reviewed = audit.requests.iter().find(|request| request.resource == "selfsubjectaccessreviews");
    assert!(reviewed.is_some_and(|review| review.succeeded() && !review.is_mutation()));
    let here = audit.within(&namespace);
    assert!(here.requests.iter().any(|request| request.verb == "delete" && request.succeeded()));
    assert!(here.mutations().is_empty(), "{:?}", here.mutations());
    cluster.admin.get(&web).await;
}
