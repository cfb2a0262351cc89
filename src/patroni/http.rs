//! A real Patroni, at the address of its pod.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use async_trait::async_trait;
use reqwest::{RequestBuilder, StatusCode, Url};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Members, PORT, Patroni, PatroniError, Settings, Status, Switch, TIMEOUT, answer};
use crate::cluster::Object;
use crate::http::{HttpAuth, HttpClient, HttpError};

/// The largest answer that is read: a cluster has a handful of members.
const LARGEST: usize = 1024 * 1024;

/// Patroni answers a request to change something only when its turn is over, which may wait for its
/// store: twice its `retry_timeout`, and some.
const CHANGE_WITHIN: Duration = Duration::from_secs(30);

/// What it says when it does not do it.
const REFUSALS: [&str; 6] = [
    "can not reinitialize",
    "already in progress",
    "restart conditions are not satisfied",
    "restart failed",
    // Its store has the wish no more, and another one does not lead.
    "witchover failed",
    "ailover failed",
];

/// How long Patroni waits for PostgreSQL to start before it answers, in seconds: within
/// [`CHANGE_WITHIN`].
const RESTART_SECONDS: u32 = 15;

/// How Patroni's REST API is reached.
#[derive(Debug)]
pub struct PatroniAccess {
    pub scheme: Scheme,
    pub port: u16,
    /// What `restapi.authentication` of Patroni's configuration asks of who changes something.
    pub auth: Option<HttpAuth>,
    pub timeout: Duration,
}

impl Default for PatroniAccess {
    fn default() -> Self {
        Self { scheme: Scheme::Http, port: PORT, auth: None, timeout: TIMEOUT }
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Scheme {
    #[default]
    Http,
    /// Its certificate must be one that this machine trusts, and name the pods' addresses.
    Https,
}

/// Asks each pod at its own address, and nowhere else: what a pod's annotations say of where its
/// API is can be written by others than Patroni.
#[derive(Debug)]
pub struct HttpPatroni {
    /// Who reads needs no credentials, and so nobody is shown them who only wears a label.
    reads: HttpClient,
    changes: HttpClient,
    scheme: Scheme,
    port: u16,
}

impl HttpPatroni {
    /// Nothing is asked yet.
    ///
    /// # Errors
    /// Why the client cannot be set up.
    pub fn new(access: PatroniAccess) -> Result<Self, String> {
        let PatroniAccess { scheme, port, auth, timeout } = access;
        let reads = HttpClient::direct(None, timeout, LARGEST)?;
        let changes = HttpClient::direct(auth, timeout.max(CHANGE_WITHIN), LARGEST)?;
        Ok(Self { reads, changes, scheme, port })
    }

    fn url(&self, pod: &Object, path: &str) -> Result<Url, PatroniError> {
        let no_address = || PatroniError::NoAddress { pod: pod.key().to_string() };
        // A pod that has ended keeps its address in its status, and the address is another one's by
        // then.
        if pod.text("/status/phase") != "Running" || pod.is_going() {
            return Err(no_address());
        }
        let address: IpAddr = pod.text("/status/podIP").parse().map_err(|_| no_address())?;
        if let Some(other) = own_address(pod).filter(|own| *own != SocketAddr::new(address, self.port)) {
            return Err(PatroniError::Elsewhere { pod: pod.key().to_string(), address: other.to_string() });
        }
        let scheme = match self.scheme {
            Scheme::Http => "http",
            Scheme::Https => "https",
        };
        Url::parse(&format!("{scheme}://{}{path}", SocketAddr::new(address, self.port))).map_err(|_| no_address())
    }

    async fn send(&self, client: &HttpClient, pod: &Object, request: RequestBuilder) -> Result<Vec<u8>, PatroniError> {
        let pod = pod.key().to_string();
        let answer = match client.send(request).await {
            Ok(answer) => answer,
            Err(HttpError::Away(message)) => return Err(PatroniError::Unavailable { pod, message }),
            Err(error @ HttpError::TooLarge(_)) => {
                return Err(PatroniError::Unreadable { pod, message: error.to_string() });
            }
        };
        let status = answer.status;
        if status.is_success() {
            return Ok(answer.body);
        }
        let said = words(&answer.body);
        Err(match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                PatroniError::Unauthorized { pod, status: status.as_u16(), said }
            }
            // Before anything is done: it is not one of those that Patroni can do, or not now.
            StatusCode::BAD_REQUEST | StatusCode::PRECONDITION_FAILED => PatroniError::Refused { pod, message: said },
            // Its own words. Whatever else says no, such as a proxy before it, may have let the
            // request through. 409: somebody else has written the configuration meanwhile.
            StatusCode::SERVICE_UNAVAILABLE if REFUSALS.iter().any(|words| said.contains(words)) => {
                PatroniError::Refused { pod, message: said }
            }
            status => PatroniError::Unavailable { pod, message: format!("{status} {said}").trim_end().to_owned() },
        })
    }

    /// What it says to that.
    async fn change(&self, pod: &Object, request: RequestBuilder, body: &Value) -> Result<String, PatroniError> {
        let request = request.header("content-type", "application/json").body(body.to_string());
        Ok(words(&self.send(&self.changes, pod, request).await?))
    }

    async fn get<T>(
        &self,
        pod: &Object,
        path: &str,
        read: impl Fn(&[u8]) -> Result<T, String>,
    ) -> Result<T, PatroniError> {
        let body = self.send(&self.reads, pod, self.reads.get(&self.url(pod, path)?)).await?;
        read(&body).map_err(|message| PatroniError::Unreadable { pod: pod.key().to_string(), message })
    }
}

fn words(body: &[u8]) -> String {
    String::from_utf8_lossy(body).trim().chars().filter(|c| !c.is_control()).take(200).collect()
}

/// Where the pod's Patroni says that its API is, if it keeps its state in the pod. It is compared
/// and never followed: in the network of a node, two pods have one address.
fn own_address(pod: &Object) -> Option<SocketAddr> {
    let own: Value = serde_json::from_str(pod.annotation("status")?).ok()?;
    let url = Url::parse(own.get("api_url")?.as_str()?).ok()?;
    let address: IpAddr = url.host_str()?.trim_matches(['[', ']']).parse().ok()?;
    Some(SocketAddr::new(address, url.port_or_known_default()?))
}

#[async_trait]
impl Patroni for HttpPatroni {
    async fn members(&self, pod: &Object) -> Result<Members, PatroniError> {
        self.get(pod, "/cluster", answer::members).await
    }

    async fn status(&self, pod: &Object) -> Result<Status, PatroniError> {
        self.get(pod, "/patroni", answer::status).await
    }

    async fn history(&self, pod: &Object) -> Result<Vec<Switch>, PatroniError> {
        self.get(pod, "/history", answer::history).await
    }

    async fn reinitialize(&self, pod: &Object) -> Result<(), PatroniError> {
        let request = self.changes.post(&self.url(pod, "/reinitialize")?);
        self.change(pod, request, &json!({ "force": false })).await.map(drop)
    }

    async fn settings(&self, pod: &Object) -> Result<Settings, PatroniError> {
        self.get(pod, "/config", answer::settings).await
    }

    async fn pause(&self, pod: &Object, paused: bool) -> Result<(), PatroniError> {
        // As patronictl writes it: what is not so is not there.
        let value = if paused { json!(true) } else { Value::Null };
        let request = self.changes.patch(&self.url(pod, "/config")?);
        self.change(pod, request, &json!({ "pause": value })).await.map(drop)
    }

    async fn restart(&self, pod: &Object, pending: bool) -> Result<(), PatroniError> {
        let mut filter = json!({ "role": "replica", "timeout": RESTART_SECONDS });
        if pending {
            filter["restart_pending"] = json!(true);
        }
        self.change(pod, self.changes.post(&self.url(pod, "/restart")?), &filter).await.map(drop)
    }

    async fn switchover(&self, pod: &Object, leader: &str, candidate: &str) -> Result<String, PatroniError> {
        let request = self.changes.post(&self.url(pod, "/switchover")?);
        self.change(pod, request, &json!({ "leader": leader, "candidate": candidate })).await
    }

    async fn failover(&self, pod: &Object, candidate: &str) -> Result<String, PatroniError> {
        let request = self.changes.post(&self.url(pod, "/failover")?);
        self.change(pod, request, &json!({ "candidate": candidate })).await
    }
}
