//! PostgreSQL: what playbooks may ask it, by statements that have names.
//!
//! A playbook names a statement and never writes SQL: either one that is built in ([`BUILT_IN`]),
//! which the role `pg_monitor` may run, or one of the configuration. It is asked in the pod of a
//! member, at the pod's own address, within a transaction that can only read.

mod backends;
mod credentials;
mod postgres;
mod scripted;
mod statements;
#[cfg(test)]
mod tests;

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Map, Value};

pub use backends::{Backend, BackendId, Endable, Ending};
pub use credentials::{Password, Template};
pub use postgres::{PostgresAccess, PostgresDatabases, Ssl, refused_but_loopback};
pub use scripted::{Scripted, ScriptedDatabases, Session};
pub use statements::{BUILT_IN, SITE, Statement, built_in, is_name};

/// The port of PostgreSQL where nothing else is said.
pub const PORT: u16 = 5432;

/// Asks databases.
#[async_trait]
pub trait Databases: Send + Sync + 'static {
    /// The rows of a statement, `limit` at the most, and whether there are more. May be repeated.
    async fn rows(&self, request: &SqlRequest) -> Result<Rows, SqlError>;

    /// Whose sessions may be ended.
    fn endable(&self) -> Endable;

    /// What a session is and does; `None`: it is gone. May be repeated.
    async fn backend(&self, id: &BackendId) -> Result<Option<Backend>, SqlError>;

    /// Ends a session of a client that is no superuser and not of our own role, or what it does;
    /// `false`: there is no such session. It is over a moment later. May be repeated: a session that
    /// has its number by then is another one.
    async fn end(&self, id: &BackendId, how: Ending) -> Result<bool, SqlError>;
}

/// What is asked, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqlRequest {
    pub place: Place,
    /// Such as `activity`, or `site.queue` for one of the configuration.
    pub statement: String,
    /// Which database of it; `None`: the configuration says.
    pub database: Option<String>,
    pub limit: usize,
    /// From the connection to the last row.
    pub timeout: Duration,
}

/// A pod in which PostgreSQL runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub namespace: String,
    /// Of which database cluster it is: Patroni's scope, an operator's name, or that of its
    /// StatefulSet.
    pub cluster: String,
    pub pod: String,
    /// Its own; `None`: it has none.
    pub address: Option<IpAddr>,
}

/// As people read it: `db-0 in shop`.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {}", self.pod, self.namespace)
    }
}

/// What a statement gave.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rows {
    /// Columns by their names, as JSON has them.
    pub rows: Vec<Map<String, Value>>,
    /// Whether there are more than were asked for.
    pub more: bool,
}

/// Why there is no answer. Each message says of whom (`place`, as [`Place`] is shown), and the next
/// move; none has a password or a value of a row.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SqlError {
    #[error("no role is configured for databases; set `sql.user` in dogwatch.yaml, and where its password lies")]
    NotConfigured,
    #[error(
        "`sql.statements` of dogwatch.yaml has no `{name}`; write it there, or ask one of `dogwatch actions sql.query`"
    )]
    UnknownStatement { name: String },
    #[error("{place} has no address yet: its pod does not run")]
    NoAddress { place: String },
    /// Neither loopback nor what answers on a link.
    #[error("{place} is at {address}, {why}: no database is asked there")]
    RefusedAddress { place: String, address: IpAddr, why: &'static str },
    #[error("the password for {place} is not there: {message}")]
    Password { place: String, message: String },
    /// Not reachable, or too slow.
    #[error("PostgreSQL of {place} did not answer: {message}")]
    Away { place: String, message: String },
    /// TLS came to nothing.
    #[error("PostgreSQL of {place} is not trusted: {message}; see `sql.ssl` and `sql.ca_file` in dogwatch.yaml")]
    Untrusted { place: String, message: String },
    /// PostgreSQL's own words.
    #[error("PostgreSQL of {place} says {message} (SQLSTATE {code})")]
    Refused { place: String, code: String, message: String },
    #[error(
        "PostgreSQL of {place} does not let `sql.user` end sessions: {message}; make it a member of `pg_signal_backend` \
         (`grant pg_signal_backend to ...`)"
    )]
    MayNotEnd { place: String, message: String },
    #[error("PostgreSQL of {place} gives what is no row: {message}")]
    Odd { place: String, message: String },
}

/// What may be otherwise in a moment, by class or code: connections, resources, interventions (a
/// time-out, a shutdown, a start), conflicts with replay.
/// <https://www.postgresql.org/docs/current/errcodes-appendix.html>
const PASSING: [&str; 5] = ["08", "53", "57", "40", "55P03"];

impl SqlError {
    /// Whether it may be otherwise in a moment.
    pub fn passes(&self) -> bool {
        match self {
            SqlError::Away { .. } | SqlError::NoAddress { .. } => true,
            SqlError::Refused { code, .. } => PASSING.iter().any(|class| code.starts_with(class)),
            _ => false,
        }
    }
}
