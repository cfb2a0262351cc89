//! Anything that came in through the front door.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Command, Notification, Outcome, Person, RunId};

/// What came in. `source` and `key` are unique together, so that a redelivery changes nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Signal {
    /// Configured, never the peer that happened to deliver: `alertmanager`, `discord`, `run`.
    pub source: String,
    pub key: String,
    pub received_at: DateTime<Utc>,
    pub body: SignalBody,
}

/// The sorts of signals.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "sort", rename_all = "snake_case")]
pub enum SignalBody {
    /// A delivery of Alertmanager.
    Notification(Notification),
    /// A person asked for something that changes the world.
    Command { person: Person, command: Command },
    /// A run came to its end.
    RunEnded { run: RunId, outcome: Outcome, because: String },
}
