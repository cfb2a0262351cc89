//! What a person asks for, on whichever way it came.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{ApprovalId, Digest, IncidentId, Verdict};

/// The way a command came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Via {
    Discord,
    Console,
    Api,
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Via::Discord => "discord",
            Via::Console => "console",
            Via::Api => "api",
        })
    }
}

/// What somebody may do. Each role may do all that the roles before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// May look.
    Viewer,
    /// May acknowledge, resolve, run playbooks and approve what they ask for.
    Responder,
    /// May also change how the bot behaves.
    Admin,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Role::Viewer => "viewer",
            Role::Responder => "responder",
            Role::Admin => "admin",
        })
    }
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Person {
    /// The name in `oncall.yaml` where that is known, else the chat's or the token's.
    pub name: String,
    pub via: Via,
    /// The chat's own, stable id of the person; the token's name for the API.
    pub id: String,
    /// `None`: known to nobody, and may do nothing.
    pub role: Option<Role>,
}

impl fmt::Display for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name, self.via)
    }
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// The incidents that are not resolved; `all`: also the ones resolved in the last 24 hours.
    Incidents { all: bool },
    /// Run a playbook now.
    Run {
        playbook: String,
        /// Inputs, and `namespace`, `name` and the like where the playbook takes its target from the alert.
        set: BTreeMap<String, String>,
        /// Show what it would do, and do nothing.
        dry_run: bool,
    },
    /// Somebody has seen the incident and owns it.
    Ack { incident: IncidentId },
    /// Close an incident.
    Resolve { incident: IncidentId, note: Option<String> },
    /// Explain the decisions about an incident.
    Why { incident: IncidentId },
    /// Answer a question of the bot. `digest` is that of the preview that the person saw; `None` on ways that cannot carry it
    /// is refused when a preview has changed.
    Approve { approval: ApprovalId, verdict: Verdict, digest: Option<Digest> },
    /// The state of the shift so far, as the handoff would tell it.
    Handoff,
    /// What can be asked for.
    Help,
}

impl Command {
    /// The least role that may ask this.
    pub fn needs(&self) -> Role {
        match self {
            Command::Incidents { .. } | Command::Why { .. } | Command::Handoff | Command::Help => Role::Viewer,
            Command::Run { dry_run: true, .. } => Role::Viewer,
            Command::Run { .. } | Command::Ack { .. } | Command::Resolve { .. } | Command::Approve { .. } => {
                Role::Responder
            }
        }
    }

    /// Whether it only looks. What changes something comes in as a durable signal; what only looks is answered at once.
    pub fn only_looks(&self) -> bool {
        matches!(
            self,
            Command::Incidents { .. }
                | Command::Why { .. }
                | Command::Handoff
                | Command::Help
                | Command::Run { dry_run: true, .. }
        )
    }
}
