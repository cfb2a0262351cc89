//! Services that playbooks may read over HTTP: those that the configuration names, and no others.
//!
//! A playbook says what is asked, and its author need not be whoever runs the bot. So who may be
//! asked stands in the configuration ([`Origin`]), and what is never asked, there neither: this
//! machine, its link, the cloud's metadata and the API server ([`why_refused`]).

mod address;
mod guard;
mod http;
mod origin;
mod scripted;
#[cfg(test)]
mod tests;

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::Url;

pub use address::why_refused;
pub use guard::{AddressRule, Names, SystemNames, addresses_of};
pub use http::{AllowedHost, Authorities, HttpWeb, WebAccess};
pub use origin::{Origin, split_url};
pub use scripted::{Scripted, ScriptedWeb};

/// So much of a body is read, in bytes.
pub const LARGEST: usize = 256 * 1024;

/// Asks services over HTTP.
#[async_trait]
pub trait Web: Send + Sync + 'static {
    /// One request, and its answer, whatever its status: no redirect is followed. May be repeated.
    async fn ask(&self, request: &WebRequest) -> Result<WebAnswer, WebError>;
}

/// What is asked.
#[derive(Clone, PartialEq, Eq)]
pub struct WebRequest {
    pub method: Method,
    pub origin: Origin,
    /// Of that origin.
    pub url: Url,
    /// From the look-up of the name to the last byte.
    pub timeout: Duration,
}

/// Without the query, which may hold a secret.
impl fmt::Debug for WebRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}{}", self.method, self.origin, self.url.path())
    }
}

/// What only looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    Get,
    Head,
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Method::Get => "GET",
            Method::Head => "HEAD",
        })
    }
}

impl FromStr for Method {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "GET" => Ok(Method::Get),
            "HEAD" => Ok(Method::Head),
            "POST" | "PUT" | "PATCH" | "DELETE" => Err(format!(
                "`{text}` may change something elsewhere, and `http.request` only reads; write `GET` or `HEAD`"
            )),
            _ => {
                Err(format!("`{}` is no method here; write `GET` or `HEAD`", text.chars().take(20).collect::<String>()))
            }
        }
    }
}

/// An answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WebAnswer {
    pub status: u16,
    /// Where a redirect would lead, as the service says it.
    pub location: Option<String>,
    pub content_type: String,
    /// [`LARGEST`] bytes at the most.
    pub body: Vec<u8>,
    /// Whether there is more of it.
    pub is_cut: bool,
}

/// Why there is no answer. Each message says of whom, and the next move; none has the query.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WebError {
    /// The configuration does not name it.
    #[error(
        "`http.hosts` of dogwatch.yaml does not name {origin}, so that it is not asked; if playbooks may read what it \
         answers, write there `- url: {origin}`"
    )]
    NotAllowed { origin: Origin },
    /// It is what nobody may have asked.
    #[error("{host} is {address}, {why}: `http.request` never asks that, whatever dogwatch.yaml says")]
    Refused { host: String, address: IpAddr, why: &'static str },
    #[error(
        "{host} is the cluster's API server, which `http.request` never asks, whatever dogwatch.yaml says; read objects \
         with `k8s.get` and `k8s.list`"
    )]
    ApiServer { host: String },
    #[error("the name {host} cannot be resolved: {message}")]
    Unresolved { host: String, message: String },
    /// Not reachable, or too slow.
    #[error("{origin} did not answer: {message}")]
    Away { origin: Origin, message: String },
    /// What is small on the way may be without end when it is unpacked.
    #[error("{origin} answers packed (`Content-Encoding: {encoding}`), which was not asked for, and is not unpacked")]
    Packed { origin: Origin, encoding: String },
}

impl WebError {
    /// Whether it may be otherwise in a moment.
    pub fn passes(&self) -> bool {
        matches!(self, WebError::Unresolved { .. } | WebError::Away { .. })
    }
}
