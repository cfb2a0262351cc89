//! The server as others meet it: over TCP, with a real store.

mod api;
mod delivery;
mod limits;
mod links;
mod pagerduty;
mod strangers;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Mutex;

use async_trait::async_trait;
use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::chat::{Handoffs, Previews};
use crate::clock::SystemClock;
use crate::intake::Form;
use crate::model::{Role, Secret, Signal, SignalBody};
use crate::store::story::{Place as _, SqlitePlace};
use crate::store::{CommandReply, Decision, Sinks};

/// A server on a port of its own, its store in a folder of its own.
struct TestServer {
    address: SocketAddr,
    store: Arc<dyn Store>,
    place: SqlitePlace,
    readiness: Arc<Readiness>,
    server: Arc<Server>,
    client: reqwest::Client,
    stop: CancellationToken,
    served: Mutex<JoinSet<()>>,
}

struct Nothing;

#[async_trait]
impl Previews for Nothing {
    async fn preview(&self, playbook: &str, _: &BTreeMap<String, String>) -> Result<String, String> {
        Err(format!("there is no playbook `{playbook}`"))
    }
}

#[async_trait]
impl Handoffs for Nothing {
    async fn so_far(&self) -> Result<String, String> {
        Ok("nothing is outstanding".into())
    }
}

const TOKEN: &str = "the-webhook's-token";

/// What most tests start from: a bearer token for the webhook, and three people's for the API.
fn settings() -> Settings {
    let token = |name: &str, role| ApiToken {
        name: name.into(),
        person: name.into(),
        role,
        token: Secret::new(format!("token-of-{name}")),
    };
    Settings {
        sources: alertmanager(Some(Credential::Bearer(Secret::new(TOKEN))), false),
        api_tokens: vec![token("alice", Role::Responder), token("victor", Role::Viewer)],
        ..Settings::default()
    }
}

/// One Alertmanager.
fn alertmanager(credential: Option<Credential>, insecure_no_auth: bool) -> Sources {
    Sources::new(Some(Source { credential, insecure_no_auth, ..Source::default() }), Vec::new())
}

impl TestServer {
    async fn new() -> Self {
        Self::with(settings()).await
    }

    async fn with(settings: Settings) -> Self {
        // An error means that another test was faster.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let clock = Arc::new(SystemClock::default());
        let place = SqlitePlace::ready().await;
        let store = place.open(clock.clone(), Sinks::default()).await.unwrap();
        let metrics = Arc::new(Metrics::new());
        let nothing = Arc::new(Nothing);
        let desk = Desk::new(store.clone(), clock.clone(), metrics.clone(), nothing.clone(), nothing);
        let readiness = Arc::new(Readiness::default());
        let server = Server::new(store.clone(), clock, Arc::new(desk), metrics, readiness.clone(), settings);
        let server = Arc::new(server);
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let mut served = JoinSet::new();
        served.spawn(serve(listener, server.clone(), stop.clone()));
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(30)).build().unwrap();
        Self { address, store, place, readiness, server, client, stop, served: Mutex::new(served) }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    async fn get(&self, path: &str) -> Response {
        self.client.get(self.url(path)).send().await.unwrap()
    }

    /// A request with a body in JSON, which is still to come.
    fn posts(&self, path: &str) -> RequestBuilder {
        self.client.post(self.url(path)).header("content-type", "application/json")
    }

    /// A delivery with the right token.
    fn delivery(&self, body: impl Into<reqwest::Body>) -> RequestBuilder {
        self.posts("/v1/alertmanager").bearer_auth(TOKEN).body(body)
    }

    async fn delivers(&self, body: impl Into<reqwest::Body>) -> Response {
        self.delivery(body).send().await.unwrap()
    }

    /// What came in and waits to be worked on.
    async fn pending(&self) -> Vec<Signal> {
        self.store.pending_signals(10_000).await.unwrap().into_iter().map(|(_, signal)| signal).collect()
    }

    /// The value of one series of the metrics; 0 when it is not there yet.
    async fn counts(&self, series: &str) -> u64 {
        let text = self.get("/metrics").await.text().await.unwrap();
        let value = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        value.map_or(0, |value| value.parse().unwrap())
    }

    /// Waits until a series has that value.
    async fn counts_to(&self, series: &str, value: u64) {
        let waiting = async {
            while self.counts(series).await != value {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), waiting)
            .await
            .unwrap_or_else(|_| panic!("{series} is not {value}"));
    }

    /// Stops the server, and waits until it has ended.
    async fn stops(&self) {
        self.stop.cancel();
        let mut served = std::mem::take(&mut *self.served.lock().unwrap());
        served.join_next().await.unwrap().unwrap();
    }
}

/// A delivery with `alerts` alerts, of about 500 bytes each, as Alertmanager sends it.
fn body(alerts: usize) -> String {
    let alert = |n: usize| {
        json!({
            "status": "firing",
            "labels": {
                "alertname": "PostgresUnreachable", "cluster": "db-eu-1", "instance": format!("db-{n:05}-0:9187"),
                "job": "postgres", "namespace": "databases", "pod": format!("db-{n:05}-0"), "severity": "warning",
            },
            "annotations": { "summary": format!("db-{n:05}-0 does not answer") },
            "startsAt": "2025-03-01T02:00:00.123Z",
            "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "http://prometheus.example:9090/graph?g0.expr=pg_up+%3D%3D+0&g0.tab=1",
            "fingerprint": format!("{n:016x}"),
        })
    };
    let alerts: Vec<Value> = (0..alerts).map(alert).collect();
    json!({
        "receiver": "dogwatch", "status": "firing", "alerts": alerts, "version": "4", "truncatedAlerts": 0,
        "groupLabels": { "alertname": "PostgresUnreachable" }, "commonLabels": {}, "commonAnnotations": {},
        "externalURL": "http://alertmanager.example:9093", "groupKey": "{}:{alertname=\"PostgresUnreachable\"}",
    })
    .to_string()
}

fn fixture(name: &str) -> Vec<u8> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/alertmanager").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The refusal's three parts.
async fn refusal(response: Response) -> (u16, String, String, String) {
    let status = response.status().as_u16();
    let body: Value = response.json().await.unwrap();
    let part = |name: &str| body[name].as_str().unwrap_or_else(|| panic!("no {name} in {body}")).to_owned();
    (status, part("error"), part("where"), part("hint"))
}
