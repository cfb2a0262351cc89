//! A real Patroni, at the address of its pod.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use async_trait::async_trait;
use reqwest::{RequestBuilder, StatusCode, Url};
use serde::Deserialize;

use super::{Members, PORT, Patroni, PatroniError, Status, Switch, TIMEOUT, answer};
use crate::cluster::Object;
use crate::http::{HttpAuth, HttpClient, HttpError};

/// The largest answer that is read: a cluster has a handful of members.
const LARGEST: usize = 1024 * 1024;

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
    client: HttpClient,
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
        Ok(Self { client: HttpClient::direct(auth, timeout, LARGEST)?, scheme, port })
    }

    fn url(&self, pod: &Object, path: &str) -> Result<Url, PatroniError> {
        let no_address = || PatroniError::NoAddress { pod: pod.key().to_string() };
        let address: IpAddr = pod.text("/status/podIP").parse().map_err(|_| no_address())?;
        let scheme = match self.scheme {
            Scheme::Http => "http",
            Scheme::Https => "https",
        };
        Url::parse(&format!("{scheme}://{}{path}", SocketAddr::new(address, self.port))).map_err(|_| no_address())
    }

    async fn send(&self, pod: &Object, request: RequestBuilder) -> Result<Vec<u8>, PatroniError> {
        let pod = pod.key().to_string();
        let answer = match self.client.send(request).await {
            Ok(answer) => answer,
            Err(HttpError::Away(message)) => return Err(PatroniError::Unavailable { pod, message }),
            Err(error @ HttpError::TooLarge(_)) => {
                return Err(PatroniError::Unreadable { pod, message: error.to_string() });
            }
        };
        match answer.status {
            status if status.is_success() => Ok(answer.body),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                Err(PatroniError::Unauthorized { pod, status: answer.status.as_u16() })
            }
            status => {
                let said = String::from_utf8_lossy(&answer.body);
                let said: String = said.trim().chars().filter(|c| !c.is_control()).take(200).collect();
                let message = if said.is_empty() { status.to_string() } else { said };
                Err(PatroniError::Refused { pod, message })
            }
        }
    }

    async fn get<T>(
        &self,
        pod: &Object,
        path: &str,
        read: impl Fn(&[u8]) -> Result<T, String>,
    ) -> Result<T, PatroniError> {
        let body = self.send(pod, self.client.get(&self.url(pod, path)?)).await?;
        read(&body).map_err(|message| PatroniError::Unreadable { pod: pod.key().to_string(), message })
    }
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
        let request = self.client.post(&self.url(pod, "/reinitialize")?);
        let request = request.header("content-type", "application/json").body(r#"{"force": false}"#);
        self.send(pod, request).await.map(drop)
    }
}
