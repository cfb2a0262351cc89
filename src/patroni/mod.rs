//! Patroni: who leads a PostgreSQL cluster, and how its members do, asked through its REST API:
//! <https://patroni.readthedocs.io/en/latest/rest_api.html>.

mod answer;
mod http;
mod sim;

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

pub use http::{HttpPatroni, PatroniAccess, Scheme};
pub use sim::SimPatroni;

use crate::cluster::Object;

/// The port of the REST API where nothing else is said.
pub const PORT: u16 = 8008;

/// How long one request may take where nothing else is said.
pub const TIMEOUT: Duration = Duration::from_secs(5);

/// The labels that say of which cluster a pod is: Patroni's own (and Zalando's), Crunchy's,
/// StackGres's.
const SCOPE_LABELS: [&str; 3] =
    ["cluster-name", "postgres-operator.crunchydata.com/patroni", "stackgres.io/cluster-name"];

/// The label of a pod that says of which cluster it is, and its value, which is that cluster's
/// scope; `None`: there is none.
pub fn scope_label(pod: &Object) -> Option<(&'static str, &str)> {
    SCOPE_LABELS.iter().find_map(|name| Some((*name, pod.label(name)?)))
}

/// Asks the member of a Patroni cluster that runs in a pod.
#[async_trait]
pub trait Patroni: Send + Sync + 'static {
    /// All members, as that one knows them (`GET /cluster`). May be repeated.
    async fn members(&self, pod: &Object) -> Result<Members, PatroniError>;

    /// How that member does itself (`GET /patroni`). May be repeated.
    async fn status(&self, pod: &Object) -> Result<Status, PatroniError>;

    /// At which positions the cluster left its earlier timelines (`GET /history`). May be repeated.
    async fn history(&self, pod: &Object) -> Result<Vec<Switch>, PatroniError>;

    /// Has that member delete its data directory and copy the database anew (`POST /reinitialize`),
    /// without force. It begins at once, and is over much later. After
    /// [`PatroniError::Unavailable`] it may have begun or not.
    async fn reinitialize(&self, pod: &Object) -> Result<(), PatroniError>;

    /// What the cluster is configured to be (`GET /config`). May be repeated.
    async fn settings(&self, pod: &Object) -> Result<Settings, PatroniError>;

    /// Has Patroni leave the whole cluster alone, or no more (`PATCH /config`). May be repeated.
    async fn pause(&self, pod: &Object, paused: bool) -> Result<(), PatroniError>;

    /// Restarts PostgreSQL of that member where it is a replica, which Patroni holds it to
    /// (`POST /restart`); with `pending`, only where a setting waits for that. After
    /// [`PatroniError::Unavailable`] it may be restarting or not.
    async fn restart(&self, pod: &Object, pending: bool) -> Result<(), PatroniError>;

    /// Has `candidate` lead in the place of `leader`, which runs (`POST /switchover`), and gives
    /// Patroni's words. After [`PatroniError::Unavailable`] it may be done, or under way, or not.
    async fn switchover(&self, pod: &Object, leader: &str, candidate: &str) -> Result<String, PatroniError>;

    /// Has `candidate` lead where nobody does (`POST /failover`), and gives Patroni's words. What
    /// other members hold beyond it is lost. As [`Self::switchover`] otherwise.
    async fn failover(&self, pod: &Object, candidate: &str) -> Result<String, PatroniError>;
}

/// The members of a cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Members {
    /// In the order of their names.
    pub members: Vec<Member>,
    /// Whether somebody has told Patroni to leave the cluster alone.
    pub paused: bool,
}

impl Members {
    /// Who leads; `None`: nobody does.
    pub fn leader(&self) -> Option<&Member> {
        self.members.iter().find(|member| member.leads())
    }

    pub fn named(&self, name: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.name == name)
    }
}

/// A member, as the cluster's shared state has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Member {
    /// That of its pod.
    pub name: String,
    /// `leader`, `standby_leader`, `sync_standby`, `replica`.
    pub role: String,
    /// `running`, `streaming` (since Patroni 3.1), `creating replica`, `start failed`, ...
    pub state: String,
    pub timeline: Option<u64>,
    /// How far it is behind the leader, in bytes; `None`: not known.
    pub lag: Option<u64>,
    /// Its address, as it says itself.
    pub host: Option<String>,
    /// It streams from another member than the leader, or is not meant to stream at all.
    pub follows_another: bool,
    /// It is not meant to lead (`nofailover`, `failover_priority: 0`).
    pub never_leads: bool,
}

impl Member {
    pub fn leads(&self) -> bool {
        matches!(self.role.as_str(), "leader" | "standby_leader" | "master" | "primary")
    }

    /// Whether its data is being copied anew.
    pub fn is_being_made(&self) -> bool {
        self.state == "creating replica"
    }
}

/// A member, as it says itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Status {
    /// Of the cluster; empty where an old Patroni does not say.
    pub scope: String,
    pub state: String,
    /// `uninitialized` while its data is being copied.
    pub role: String,
    pub timeline: Option<u64>,
    /// How far its own WAL goes: written, received or replayed, whichever is furthest; in bytes.
    pub position: Option<u64>,
    /// Since when PostgreSQL runs, as Patroni writes it; `None`: it does not.
    pub started: Option<String>,
    /// Who streams from it: application names, which are those of members.
    pub streams_to: Vec<String>,
    /// Its replay is paused.
    pub replay_paused: bool,
    /// The database's own number, which all members of one cluster have.
    pub system: Option<String>,
    /// A setting waits for a restart.
    pub pending_restart: bool,
}

impl Status {
    /// Whether it is the leader in its own eyes, of a standby cluster too, whatever its state: one
    /// that has the lock and is being promoted is not yet.
    pub fn is_leader(&self) -> bool {
        matches!(self.role.as_str(), "master" | "primary" | "standby_leader")
    }

    /// Whether it says itself that it leads, and runs.
    pub fn leads(&self) -> bool {
        self.state == "running" && matches!(self.role.as_str(), "master" | "primary")
    }

    /// Whether its data is being taken away or copied anew.
    pub fn is_being_made(&self) -> bool {
        self.state == "creating replica" || self.role == "uninitialized"
    }
}

/// The end of a timeline.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Switch {
    pub timeline: u64,
    /// The position up to which the next timeline has what this one had, in bytes.
    pub position: u64,
    /// In PostgreSQL's words.
    pub reason: String,
    /// When it was left; `None`: an old Patroni does not say.
    pub at: Option<DateTime<Utc>>,
    /// Who led on the next one; `None`: an old Patroni does not say.
    pub leader: Option<String>,
}

/// What all members of a cluster are held to, as far as it is looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Settings {
    /// Somebody has told Patroni to leave the cluster alone.
    pub paused: bool,
    /// Commits wait for standbys, and only those may lead.
    pub synchronous: bool,
    /// It follows another cluster.
    pub is_standby: bool,
}

/// Why there is no answer. Each message says of which pod, and the next move.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatroniError {
    /// Not reachable, or too slow.
    #[error("Patroni in {pod} did not answer: {message}")]
    Unavailable { pod: String, message: String },
    /// The pod does not run, or has no address.
    #[error("Patroni in {pod} cannot be asked: the pod does not run, or has no address")]
    NoAddress { pod: String },
    #[error(
        "Patroni in {pod} does not let us ({status} {said}); look at `patroni.auth` in dogwatch.yaml, and at `restapi` of Patroni's \
         configuration: its authentication, allowlist and verify_client"
    )]
    Unauthorized { pod: String, status: u16, said: String },
    /// Its own state names another address, so that whoever answers there is another one.
    #[error(
        "Patroni in {pod} says that its API is at {address}, which is not the pod's address with `patroni.port` of dogwatch.yaml: \
         another one may answer there"
    )]
    Elsewhere { pod: String, address: String },
    /// It understood, and does not do it.
    #[error("Patroni in {pod} refused: {message}")]
    Refused { pod: String, message: String },
    #[error(
        "what answers on Patroni's port of {pod} is not Patroni: {message}; look at `patroni.port` in dogwatch.yaml"
    )]
    Unreadable { pod: String, message: String },
}
