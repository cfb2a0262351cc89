//! The real client against an API server that is sick: it is tried once, and the trouble is named.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use dogwatch::cluster::{Cluster, ClusterError, Connection, ListQuery, RealCluster};
use dogwatch::model::ObjectKey;
use serde_json::json;
use tokio::task::JoinSet;

struct Sick {
    cluster: RealCluster,
    asked: Arc<AtomicU32>,
    /// Ends with the test.
    _server: JoinSet<()>,
    _folder: tempfile::TempDir,
}

const TIMEOUT: Duration = Duration::from_millis(500);

fn kubeconfig(folder: &std::path::Path, server: &str) -> Connection {
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
    assert!(matches!(stranger.cluster.get(&pod()).await, Err(ClusterError::Forbidden { .. })));
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
    axum::Json(json!({ "kind": "PodList", "metadata": { "continue": next }, "items": items })).into_response()
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
