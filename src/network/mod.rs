//! What the network looks like from where the bot runs: what a name server answers, whether a port
//! takes connections, which certificate a service shows. It only looks: nothing is sent but the
//! question, an empty connection or a TLS handshake.
//!
//! A playbook says what is asked, and its author need not be whoever runs the bot: so who may be
//! asked stands in the configuration ([`Reach`]), and what is never asked ([`why_refused`]), there
//! neither.

mod authorities;
mod certificate;
mod dns;
mod endpoint;
mod reach;
mod scripted;
mod system;
#[cfg(test)]
mod tests;
mod tls;

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

pub use authorities::authorities;
pub use endpoint::Endpoint;
pub use reach::{HostPattern, Reach};
pub use scripted::{Scripted, ScriptedNetwork};
pub use system::{NetworkAccess, SystemNetwork, name_servers};

use crate::web::why_refused;

/// The port of name servers.
pub const DNS_PORT: u16 = 53;

/// Looks at the network.
#[async_trait]
pub trait Network: Send + Sync + 'static {
    /// One question to one name server, and its answer, whatever its code. May be repeated.
    async fn look_up(&self, question: &Question) -> Result<Answer, NetworkError>;

    /// Opens a connection and closes it again; nothing is sent. Gives the address that took it.
    /// May be repeated.
    async fn connect(&self, endpoint: &Endpoint, timeout: Duration) -> Result<SocketAddr, NetworkError>;

    /// The certificate that a service shows, whether or not it is to be trusted. May be repeated.
    async fn certificate(&self, request: &TlsRequest) -> Result<Certificate, NetworkError>;
}

/// What is asked of a name server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The whole name: no search domain is added.
    pub name: String,
    pub kind: RecordKind,
    /// Which one is asked; `None`: the first that this machine uses.
    pub server: Option<Endpoint>,
    pub timeout: Duration,
}

/// As cases and summaries write it: `dns A db.shop.svc.cluster.local @10.96.0.10:53`.
impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "dns {} {}", self.kind, self.name)?;
        self.server.as_ref().map_or(Ok(()), |server| write!(f, " @{server}"))
    }
}

/// What sort of record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordKind {
    A,
    Aaaa,
    Cname,
    Mx,
    Ns,
    Ptr,
    Soa,
    Srv,
    Txt,
}

impl RecordKind {
    const ALL: [(&str, RecordKind); 9] = [
        ("A", RecordKind::A),
        ("AAAA", RecordKind::Aaaa),
        ("CNAME", RecordKind::Cname),
        ("MX", RecordKind::Mx),
        ("NS", RecordKind::Ns),
        ("PTR", RecordKind::Ptr),
        ("SOA", RecordKind::Soa),
        ("SRV", RecordKind::Srv),
        ("TXT", RecordKind::Txt),
    ];
}

impl fmt::Display for RecordKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Self::ALL.iter().find(|(_, kind)| kind == self).map(|(name, _)| *name);
        f.write_str(name.unwrap_or_default())
    }
}

impl FromStr for RecordKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.iter().find(|(name, _)| *name == text).map(|(_, kind)| *kind);
        known.ok_or_else(|| {
            let names: Vec<&str> = Self::ALL.iter().map(|(name, _)| *name).collect();
            let text: String = text.chars().take(20).collect();
            format!("`{text}` is no kind of record here; write one of {}", names.join(", "))
        })
    }
}

/// What a name server answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The one that was asked.
    pub server: SocketAddr,
    /// As RFC 1035 and IANA call it: `NOERROR`, `NXDOMAIN`, `SERVFAIL`, `REFUSED`, ...
    pub code: String,
    /// The data of the records of the kind that was asked for, in their order as text.
    pub records: Vec<String>,
    /// The shortest time that one of them may be kept, in seconds; `None`: there are none.
    pub ttl: Option<u32>,
}

/// Whose certificate is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsRequest {
    pub endpoint: Endpoint,
    /// The name that is asked for (SNI), which the certificate must be for.
    pub server_name: String,
    pub start: StartTls,
    /// From the look-up of the name to the end of the handshake.
    pub timeout: Duration,
}

/// As cases and summaries write it: `tls shop.example.com:443`.
impl fmt::Display for TlsRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tls {}", self.endpoint)?;
        if self.server_name != self.endpoint.host { write!(f, " as {}", self.server_name) } else { Ok(()) }
    }
}

/// How TLS begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StartTls {
    /// At once.
    #[default]
    None,
    /// After PostgreSQL's `SSLRequest`.
    Postgres,
}

impl fmt::Display for StartTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            StartTls::None => "none",
            StartTls::Postgres => "postgres",
        })
    }
}

impl FromStr for StartTls {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "none" => Ok(StartTls::None),
            "postgres" => Ok(StartTls::Postgres),
            _ => Err(format!(
                "`{}` is no way to begin TLS; write `none` or `postgres`",
                text.chars().take(20).collect::<String>()
            )),
        }
    }
}

/// A certificate that a service shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    pub subject: String,
    pub issuer: String,
    /// For which names and addresses it is, in its order.
    pub names: Vec<String>,
    pub not_before: DateTime<Utc>,
    pub not_after: DateTime<Utc>,
    /// So many certificates were shown, this one included.
    pub chain: usize,
    /// Why a client with this machine's authorities (and `network.ca_file`'s) would not trust it;
    /// `None`: it would.
    pub distrust: Option<String>,
    /// `TLSv1.2` or `TLSv1.3`.
    pub version: String,
}

/// Why there is no answer. Each message says of whom, and the next move.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// The configuration does not name it.
    #[error(
        "`network.hosts` of dogwatch.yaml does not cover {host}, so that it is not asked; if playbooks may look at it, write it \
         there"
    )]
    NotAllowed { host: String },
    /// It is what nobody may have asked.
    #[error("{host} is {address}, {why}: no playbook looks at that, whatever dogwatch.yaml says")]
    Refused { host: String, address: std::net::IpAddr, why: &'static str },
    #[error("the name {host} cannot be resolved: {message}")]
    Unresolved { host: String, message: String },
    /// Not reachable, or too slow.
    #[error("{endpoint} did not answer: {message}")]
    Away { endpoint: String, message: String },
    /// Nobody listens there.
    #[error("{endpoint} refuses connections")]
    Closed { endpoint: String },
    /// It answered, and not as such a service does.
    #[error("{endpoint} {message}")]
    Odd { endpoint: String, message: String },
}

impl NetworkError {
    /// Whether it may be otherwise in a moment.
    pub fn passes(&self) -> bool {
        matches!(self, NetworkError::Unresolved { .. } | NetworkError::Away { .. } | NetworkError::Closed { .. })
    }
}
