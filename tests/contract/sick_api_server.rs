//! The real client against an API server that is sick: it is tried once, and the trouble is named.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use dogwatch::cluster::{
    Access, Cluster, ClusterError, Connection, Delete, Evict, LOG_BYTES, ListQuery, LogQuery, Object, Patch,
    RealCluster,
};
use dogwatch::model::ObjectKey;
use serde_json::{Value, json};
use tokio::task::JoinSet;

struct Sick {
    cluster: RealCluster,
    asked: Arc<AtomicU32>,
    /// Ends with the test.
    _server: JoinSet<()>,
    _folder: tempfile::TempDir,
}

const TIMEOUT: Duration = Duration::from_millis(500);

pub fn kubeconfig(folder: &std::path::Path, server: &str) -> Connection {
    let path = folder.join("kubeconfig");
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{ "name": "sick", "cluster": { "server": server } }],
        "users": [{ "name": "bot", "user": { "token": "x" } }],
        "contexts": [{ "name": "sick", "context": { "cluster": "sick", "user": "bot" } }],
        "current-context": "sick",
    });
    std::fs::write(&path, config.to_string()).unwrap();
    Connection::Kubeconfig { path, context: None }
}

async fn that_answers<F>(answer: impl Fn(u32, Request) -> F + Clone + Send + Sync + 'static) -> Sick
where
    F: Future<Output = Response> + Send + 'static,
{
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(AtomicU32::new(0));
    let count = asked.clone();
    let app = Router::new().fallback(move |request: Request| answer(count.fetch_add(1, Ordering::SeqCst), request));
    let mut server = JoinSet::new();
    server.spawn(async move { axum::serve(listener, app).await.unwrap() });
    let folder = tempfile::tempdir().unwrap();
    let cluster = RealCluster::connect(&kubeconfig(folder.path(), &url), TIMEOUT).await.unwrap();
    Sick { cluster, asked, _server: server, _folder: folder }
}

fn pod() -> ObjectKey {
    ObjectKey::new("Pod", "shop", "web-0")
}

fn status(code: u16, reason: &str) -> Response {
    let body = json!({ "kind": "Status", "code": code, "reason": reason, "message": "not now", "status": "Failure" });
    (StatusCode::from_u16(code).unwrap(), [("retry-after", "1")], axum::Json(body)).into_response()
}

#[tokio::test]
async fn an_overloaded_server_is_asked_once() {
    for code in [429, 500, 503, 504] {
        let sick = that_answers(move |_, _| async move { status(code, "Overloaded") }).await;
        let error = sick.cluster.get(&pod()).await.unwrap_err();
        assert!(matches!(error, ClusterError::Unavailable { .. }) && error.is_transient(), "{error}");
        assert_eq!(
            error.to_string(),
            format!("the cluster did not answer when asked to get pod/web-0 in shop: not now ({code})")
        );
        assert_eq!(sick.asked.load(Ordering::SeqCst), 1);
    }
}

#[tokio::test]
async fn a_server_that_hangs_is_not_waited_for_long() {
    let sick = that_answers(|_, _| std::future::pending()).await;
    let error = sick.cluster.get(&pod()).await.unwrap_err();
    assert!(
        matches!(&error, ClusterError::Unavailable { message, .. } if message == "no answer within 500ms"),
        "{error}"
    );
    let error = sick.cluster.version().await.unwrap_err();
    assert!(matches!(error, ClusterError::Unavailable { .. }), "{error}");
}

#[tokio::test]
async fn a_server_that_is_away_is_named_with_the_cause() {
    let folder = tempfile::tempdir().unwrap();
    // Nothing listens on port 1.
    let connection = kubeconfig(folder.path(), "http://127.0.0.1:1");
    let cluster = RealCluster::connect(&connection, TIMEOUT).await.unwrap();
    let error = cluster.get(&pod()).await.unwrap_err();
    assert!(matches!(error, ClusterError::Unavailable { .. }), "{error}");
    assert!(error.to_string().contains("refused"), "{error}");
}

#[tokio::test]
async fn what_is_no_answer_of_an_api_server_is_trouble() {
    let proxy =
        that_answers(|_, _| async { (StatusCode::BAD_GATEWAY, "<html>bad gateway</html>").into_response() }).await;
    let error = proxy.cluster.get(&pod()).await.unwrap_err();
    assert!(matches!(&error, ClusterError::Unavailable { .. }) && error.to_string().contains("502"), "{error}");
    let text = that_answers(|_, _| async { "hello".into_response() }).await;
    assert!(matches!(text.cluster.get(&pod()).await, Err(ClusterError::Unavailable { .. })));
    let query = ListQuery { kind: "Pod".into(), limit: 10, ..ListQuery::default() };
    let object = that_answers(|_, _| async { axum::Json(json!({ "kind": "Pod" })).into_response() }).await;
    assert!(matches!(object.cluster.list(&query).await, Err(ClusterError::Unavailable { .. })));
    let absent = that_answers(|_, _| async { (StatusCode::NOT_FOUND, "404 page not found").into_response() }).await;
    assert_eq!(absent.cluster.get(&pod()).await, Err(ClusterError::UnknownKind("Pod".into())));
    let stranger = that_answers(|_, _| async { status(401, "Unauthorized") }).await;
    let error = stranger.cluster.get(&pod()).await.unwrap_err();
    assert!(matches!(error, ClusterError::Unauthorized { .. }), "{error}");
    assert!(error.to_string().contains("token or certificate") && !error.to_string().contains("rbac"), "{error}");
}

/// 1,200 pods, in pages as large as they are asked for.
async fn pages(request: Request) -> Response {
    const ALL: usize = 1_200;
    let query: std::collections::BTreeMap<String, usize> = request
        .uri()
        .query()
        .unwrap_or_default()
        .split('&')
        .filter_map(|part| part.split_once('='))
        .filter_map(|(name, value)| Some((name.to_owned(), value.parse().ok()?)))
        .collect();
    let from = query.get("continue").copied().unwrap_or(0);
    let to = (from + query.get("limit").copied().unwrap_or(ALL)).min(ALL);
    let items: Vec<_> = (from..to)
        .map(|n| json!({ "metadata": { "name": format!("pod-{:04}", ALL - n), "namespace": "shop" } }))
        .collect();
    let next = if to < ALL { to.to_string() } else { String::new() };
    axum::Json(json!({ "kind": "PodList", "apiVersion": "v1", "metadata": { "continue": next }, "items": items }))
        .into_response()
}

#[tokio::test]
async fn a_long_list_is_read_page_by_page() {
    let sick = that_answers(|_, request| pages(request)).await;
    let list = async |limit| {
        let query = ListQuery { kind: "Pod".into(), limit, ..ListQuery::default() };
        sick.asked.store(0, Ordering::SeqCst);
        let answer = sick.cluster.list(&query).await;
        (answer, sick.asked.load(Ordering::SeqCst))
    };
    let (all, asked) = list(5_000).await;
    let all = all.unwrap();
    assert_eq!((all.len(), asked), (1_200, 3));
    assert_eq!((all[0].name(), all[0].kind(), all[1_199].name()), ("pod-0001", "Pod", "pod-1200"));
    let (exact, asked) = list(1_200).await;
    assert_eq!((exact.unwrap().len(), asked), (1_200, 3));
    // One that is too many is enough to know.
    let (few, asked) = list(20).await;
    assert_eq!((few, asked), (Err(ClusterError::TooMany { what: "pods".into(), limit: 20 }), 1));
    let (most, asked) = list(1_199).await;
    assert_eq!((most, asked), (Err(ClusterError::TooMany { what: "pods".into(), limit: 1_199 }), 3));
    // Whoever needs no more than a page at a time counts by itself.
    let query = ListQuery { kind: "Pod".into(), limit: 20, ..ListQuery::default() };
    let (mut next, mut sizes) = (None, Vec::new());
    loop {
        let page = sick.cluster.list_page(&query, next.as_deref()).await.unwrap();
        assert!(page.objects.iter().all(|pod| pod.kind() == "Pod" && pod.namespace() == "shop"));
        sizes.push(page.objects.len());
        next = page.next;
        if next.is_none() {
            break;
        }
    }
    assert_eq!(sizes, [500, 500, 200]);
}

#[tokio::test]
async fn a_list_that_changed_under_the_reader_is_asked_for_again_by_the_caller() {
    let sick =
        that_answers(
            |asked, request| async move { if asked == 0 { pages(request).await } else { status(410, "Expired") } },
        )
        .await;
    let query = ListQuery { kind: "Pod".into(), limit: 5_000, ..ListQuery::default() };
    let error = sick.cluster.list(&query).await.unwrap_err();
    assert!(error.is_transient(), "{error}");
}

#[tokio::test]
async fn a_kubeconfig_that_cannot_be_used_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let connect = async |connection: Connection| {
        RealCluster::connect(&connection, TIMEOUT).await.err().map(|error| error.to_string()).unwrap_or_default()
    };
    let absent = folder.path().join("absent");
    let error = connect(Connection::Kubeconfig { path: absent, context: None }).await;
    assert!(error.contains("cannot read the kubeconfig") && error.contains("check the path"), "{error}");

    let Connection::Kubeconfig { path, .. } = kubeconfig(folder.path(), "http://127.0.0.1:1") else { unreachable!() };
    let error = connect(Connection::Kubeconfig { path: path.clone(), context: Some("other".into()) }).await;
    assert!(error.contains("other") && error.contains("it has the contexts sick"), "{error}");
    std::fs::write(&path, "clusters: [").unwrap();
    let error = connect(Connection::Kubeconfig { path, context: None }).await;
    assert!(error.contains("cannot read the kubeconfig"), "{error}");
}

fn web(generation: u32, replicas: u32) -> Value {
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": "web", "namespace": "shop", "uid": "u1", "resourceVersion": "7", "generation": generation,
            "managedFields": [{ "manager": "dogwatch-run-7-scale" }],
        },
        "spec": { "replicas": replicas },
    })
}

fn key() -> ObjectKey {
    ObjectKey::new("Deployment", "shop", "web")
}

/// A server that answers everything with this.
async fn that_says(answer: Value) -> Sick {
    that_answers(move |_, _| {
        let answer = answer.clone();
        async move { axum::Json(answer).into_response() }
    })
    .await
}

/// The error is one that may pass: nobody takes the answer for the cluster's.
fn told<T: std::fmt::Debug>(answer: Result<T, ClusterError>) -> String {
    match answer {
        Err(ClusterError::Unavailable { message, .. }) => message,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_answer_about_something_else_is_no_answer() {
    let with = |patch: Value| Object(web(1, 4)).with(&patch).0;
    for (answer, part) in [
        (with(json!({ "metadata": { "name": "api" } })), "its answer is about deployment/api in shop"),
        (with(json!({ "metadata": { "namespace": "other" } })), "its answer is about deployment/web in other"),
        (with(json!({ "kind": "StatefulSet" })), "`StatefulSet`"),
        (with(json!({ "apiVersion": "apps/v1beta1" })), "`apps/v1beta1`"),
        (with(json!({ "metadata": { "uid": null } })), "no uid"),
        (with(json!({ "metadata": { "resourceVersion": "" } })), "no resourceVersion"),
        (json!({ "kind": "Status", "apiVersion": "v1", "status": "Success" }), "`Status`"),
        (json!({ "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 404 }), "`Status`"),
        (json!({ "kind": "Table", "apiVersion": "meta.k8s.io/v1", "rows": [] }), "`Table`"),
        (json!({}), "is there a proxy between?"),
    ] {
        let message = told(that_says(answer).await.cluster.get(&key()).await);
        assert!(message.contains(part), "{message}");
    }
    let cut = that_answers(|_, _| async { web(1, 4).to_string()[..60].to_owned().into_response() }).await;
    told(cut.cluster.get(&key()).await);
    assert_eq!(that_says(web(1, 4)).await.cluster.get(&key()).await, Ok(Some(Object(web(1, 4)))));
}

#[tokio::test]
async fn a_list_that_is_not_whole_or_not_of_that_kind_is_no_list() {
    let query = ListQuery { kind: "Pod".into(), namespace: "shop".into(), limit: 10, ..ListQuery::default() };
    let pod = |name: &str, namespace: &str| json!({ "metadata": { "name": name, "namespace": namespace } });
    let list = |items: Value, metadata: Value| json!({ "kind": "PodList", "apiVersion": "v1", "metadata": metadata, "items": items });
    let listed = async |answer: Value| that_says(answer).await.cluster.list(&query).await;
    assert_eq!(listed(list(json!([]), json!({}))).await, Ok(vec![]));
    assert_eq!(listed(list(json!([pod("a", "shop")]), json!({}))).await.map(|found| found.len()), Ok(1));
    for (answer, part) in [
        (list(json!([pod("a", "shop")]), json!({ "remainingItemCount": 3 })), "3 more objects remain"),
        (list(json!([pod("a", "other")]), json!({})), "of the namespace `other`"),
        (list(json!([pod("a", "shop"), pod("a", "shop")]), json!({})), "twice"),
        (list(json!([{ "kind": "Job", "metadata": { "name": "a", "namespace": "shop" } }]), json!({})), "a Job"),
        (list(json!(["a"]), json!({})), "no object"),
        (json!({ "kind": "JobList", "apiVersion": "batch/v1", "metadata": {}, "items": [] }), "`JobList`"),
        (json!({ "kind": "Table", "apiVersion": "meta.k8s.io/v1", "rows": [] }), "`Table`"),
        (json!({ "kind": "PodList", "apiVersion": "v1", "metadata": {} }), "no list"),
        (json!({ "kind": "Status", "apiVersion": "v1", "status": "Failure" }), "`Status`"),
    ] {
        let message = told(listed(answer).await);
        assert!(message.contains(part), "{message}");
    }
}

fn patch() -> Patch {
    Patch {
        key: key(),
        subresource: None,
        body: json!({ "spec": { "replicas": 6 } }),
        uid: "u1".into(),
        resource_version: Some("6".into()),
        field_manager: "dogwatch-run-7-scale".into(),
        dry_run: false,
    }
}

#[tokio::test]
async fn an_answer_to_a_change_shows_it_and_our_mark() {
    let patched = async |answer: Value| that_says(answer).await.cluster.patch(&patch()).await;
    assert!(patched(web(2, 6)).await.is_ok());
    for (answer, part) in [
        (web(1, 4), "does not show the change of spec.replicas"),
        (Object(web(2, 6)).with(&json!({ "metadata": { "uid": "u2" } })).0, "another object of that name"),
        (
            Object(web(2, 6)).with(&json!({ "metadata": { "managedFields": [{ "manager": "kubectl" }] } })).0,
            "field manager dogwatch-run-7-scale",
        ),
        (json!({ "kind": "Status", "apiVersion": "v1", "status": "Success" }), "`Status`"),
    ] {
        let message = told(patched(answer).await);
        assert!(message.contains(part), "{message}");
    }
    let scale = |replicas: u32| {
        json!({
            "kind": "Scale", "apiVersion": "autoscaling/v1", "spec": { "replicas": replicas },
            "metadata": { "name": "web", "namespace": "shop", "uid": "u1", "resourceVersion": "7" },
        })
    };
    let scaled = async |answer: Value| {
        that_says(answer).await.cluster.patch(&Patch { subresource: Some("scale"), ..patch() }).await
    };
    assert!(scaled(scale(6)).await.is_ok());
    assert!(told(scaled(scale(4)).await).contains("spec.replicas"));
    assert!(told(scaled(web(2, 6)).await).contains("`Scale`"));
}

#[tokio::test]
async fn a_creation_and_a_deletion_are_believed_when_the_answer_is_about_them() {
    let job = |annotations: Value| {
        let metadata =
            json!({ "name": "b", "namespace": "shop", "uid": "u", "resourceVersion": "1", "annotations": annotations });
        json!({ "kind": "Job", "apiVersion": "batch/v1", "metadata": metadata, "spec": {} })
    };
    let marked = json!({ "dogwatch/marker": "m" });
    let wanted = Object(job(marked.clone()));
    assert!(that_says(job(marked)).await.cluster.create(&wanted, "m", false).await.is_ok());
    let other = that_says(job(json!({ "dogwatch/marker": "another" }))).await.cluster.create(&wanted, "m", false).await;
    assert!(told(other).contains("dogwatch/marker"));

    let delete = Delete { key: key(), uid: "u1".into(), wait_for_dependents: true, dry_run: false };
    let success = json!({ "kind": "Status", "apiVersion": "v1", "status": "Success" });
    for fine in [success, web(1, 4)] {
        assert_eq!(that_says(fine).await.cluster.delete(&delete).await, Ok(()));
    }
    for (answer, part) in [
        (json!({ "kind": "Status", "apiVersion": "v1", "status": "Failure", "message": "no" }), "`Failure`: no"),
        (json!({}), "is there a proxy between?"),
    ] {
        assert!(told(that_says(answer).await.cluster.delete(&delete).await).contains(part));
    }
}

#[tokio::test]
async fn an_answer_from_the_past_is_not_believed() {
    let cache =
        that_answers(|asked, _| async move { axum::Json(web(if asked == 1 { 2 } else { 3 }, 4)).into_response() })
            .await;
    assert!(cache.cluster.get(&key()).await.is_ok());
    assert!(told(cache.cluster.get(&key()).await).contains("generation 2, and it was in 3 before"));
    assert!(cache.cluster.get(&key()).await.is_ok());
}

#[tokio::test]
async fn a_right_is_granted_by_an_answer_about_that_right() {
    let access = Access {
        verb: "patch".into(),
        group: String::new(),
        resource: "pods".into(),
        subresource: String::new(),
        namespace: "shop".into(),
        name: String::new(),
    };
    let review = |verb: &str, status: Value| {
        let attributes = json!({ "verb": verb, "resource": "pods", "namespace": "shop" });
        json!({ "kind": "SelfSubjectAccessReview", "spec": { "resourceAttributes": attributes }, "status": status })
    };
    let allowed = async |answer: Value| that_says(answer).await.cluster.allowed(&access).await;
    assert_eq!(allowed(review("patch", json!({ "allowed": true }))).await, Ok(true));
    assert_eq!(allowed(review("patch", json!({ "allowed": false }))).await, Ok(false));
    told(allowed(review("get", json!({ "allowed": true }))).await);
    told(allowed(review("patch", json!({}))).await);
    told(allowed(json!({ "kind": "Status", "status": "Success" })).await);
}

/// The answer to a request for a log of so many long lines, of which the server counts the bytes
/// from the oldest one on.
fn log(query: &str) -> Response {
    let parameter = |name: &str| query.split('&').find_map(|it| it.strip_prefix(name)?.strip_prefix('=')?.parse().ok());
    let (lines, bytes): (usize, usize) = (parameter("tailLines").unwrap(), parameter("limitBytes").unwrap());
    let newest = (101 - lines.min(100)..=100).map(|n| format!("line {n} {}\n", "x".repeat(100_000)));
    let mut text = newest.collect::<String>().into_bytes();
    text.truncate(bytes);
    text.into_response()
}

#[tokio::test]
async fn the_newest_lines_of_a_log_are_read_though_they_are_long() {
    let long = that_answers(|_, request| async move { log(request.uri().query().unwrap()) }).await;
    let query = LogQuery { key: pod(), container: "main".into(), previous: false, lines: 50, since: None };
    let read = long.cluster.logs(&query).await.unwrap();
    assert!(read.is_cut && read.text.len() <= LOG_BYTES);
    assert!(read.text.lines().last().unwrap().starts_with("line 100 x"), "the newest line is there");
    let read = long.cluster.logs(&LogQuery { lines: 2, ..query.clone() }).await.unwrap();
    assert_eq!((read.is_cut, read.text.lines().count()), (false, 2));

    let strange = that_answers(|_, _| async { b"caf\xe9\n".to_vec().into_response() }).await;
    assert_eq!(strange.cluster.logs(&query).await.unwrap().text, "caf\u{fffd}\n");
    let sick = that_answers(|_, _| async { status(503, "Overloaded") }).await;
    assert!(matches!(sick.cluster.logs(&query).await, Err(ClusterError::Unavailable { .. })));
    let proxy =
        that_answers(|_, _| async { (StatusCode::BAD_GATEWAY, "<html>bad gateway</html>").into_response() }).await;
    let error = proxy.cluster.logs(&query).await.unwrap_err();
    assert!(error.is_transient() && error.to_string().contains("it answered 502"), "{error}");
    let hangs = that_answers(|_, _| std::future::pending()).await;
    assert!(hangs.cluster.logs(&query).await.unwrap_err().to_string().contains("no answer within 500ms"));
}

#[tokio::test]
async fn what_does_not_say_that_a_pod_is_evicted_is_no_eviction() {
    let evict = Evict { key: pod(), uid: "u-web-0".into(), dry_run: false };
    // Under the code of a success, as servers have answered that two budgets cover one pod.
    let two = json!({
        "kind": "Status", "status": "Failure", "code": 500,
        "message": "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.",
    });
    let refuses = that_answers(move |_, _| {
        let two = two.clone();
        async move { (StatusCode::CREATED, axum::Json(two)).into_response() }
    })
    .await;
    assert!(matches!(refuses.cluster.evict(&evict).await, Err(ClusterError::Refused { .. })));
    // No budget, but a server that has too much to do.
    let busy = that_answers(|_, _| async { status(429, "TooManyRequests") }).await;
    assert!(matches!(busy.cluster.evict(&evict).await, Err(ClusterError::Unavailable { .. })));
    let other = that_answers(|_, _| async { axum::Json(json!({ "kind": "PodList" })).into_response() }).await;
    assert!(matches!(other.cluster.evict(&evict).await, Err(ClusterError::Unavailable { .. })));
}
