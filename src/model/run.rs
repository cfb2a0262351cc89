//! One execution of one pinned playbook version on one target.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Digest, HumanDuration, IncidentId, RunId, Target};

/// How far a playbook may go alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Autonomy {
    /// Diagnose and note.
    Observe,
    /// Diagnose, and show in chat what it would do.
    Suggest,
    /// Ask one person before the first mutation.
    Approve,
    /// Act.
    Auto,
}

impl fmt::Display for Autonomy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Autonomy::Observe => "observe",
            Autonomy::Suggest => "suggest",
            Autonomy::Approve => "approve",
            Autonomy::Auto => "auto",
        })
    }
}

/// How a run ended. There is no silent end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// A verify proved it.
    Fixed,
    /// A `done_if` held, or the alert went away before anything was changed.
    NothingToDo,
    /// The autonomy is observe or suggest: shown, not done.
    Proposed,
    /// Somebody must look.
    Escalated,
    /// A person stopped it.
    Cancelled,
    /// Another playbook knows what to do: its run goes on.
    HandedOver,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Outcome::Fixed => "fixed",
            Outcome::NothingToDo => "nothing to do",
            Outcome::Proposed => "proposed",
            Outcome::Escalated => "escalated",
            Outcome::Cancelled => "cancelled",
            Outcome::HandedOver => "handed over",
        })
    }
}

/// How long one attempt of a mutation may take, where the playbook does not say.
pub const MUTATION_WITHIN: Duration = Duration::from_secs(20);

/// How long it may take to find out what became of a mutation: twice what a single request to a cluster takes at most.
const DOUBT_WITHIN: Duration = Duration::from_secs(20);

/// What is left of the lease at the end of whatever the world is asked: for the append that follows, and for the queue before it.
pub const LEASE_MARGIN: Duration = Duration::from_secs(10);

/// The shortest lease: with a shorter one, a mutation that is slow would have no time left to find out what became of it.
pub const LEAST_LEASE: Duration = MUTATION_WITHIN.saturating_add(DOUBT_WITHIN).saturating_add(LEASE_MARGIN);

/// Which version of which playbook. The digest is what counts; the version is what people say.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PlaybookRef {
    pub name: String,
    pub version: String,
    pub digest: Digest,
}

impl fmt::Display for PlaybookRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({})", self.name, self.version, self.digest)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(n: &u32) -> bool {
    *n == 0
}

/// A run, without its log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    pub id: RunId,
    pub incident: IncidentId,
    pub playbook: PlaybookRef,
    pub target: Target,
    pub inputs: Map<String, Value>,
    /// The alert that triggered it, as conditions and texts see it; empty for a run that a person asked for.
    pub alert: Value,
    /// How long that alert had waited to be worked on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alert_waited: Option<HumanDuration>,
    pub autonomy: Autonomy,
    /// The person who asked for it; `None` when an alert did.
    pub requested_by: Option<String>,
    /// The playbooks that it may be handed over to, as they were when it was opened.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pins: Vec<PlaybookRef>,
    /// How many runs before it handed over to the next.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub handed_over: u32,
    pub outcome: Option<Outcome>,
    pub because: Option<String>,
    pub created_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
}
