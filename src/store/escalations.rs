//! Who is called next about an incident, and when.

use std::collections::BTreeSet;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{PageReason, StoreError};
use crate::model::{IncidentId, PageId};

/// That somebody is called again about an incident unless something is done before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Escalation {
    pub incident: IncidentId,
    /// What was sent last. `None`: nobody was paged for what somebody has taken.
    pub page: Option<PageId>,
    /// Which step of the team's policy that was, over all its rounds. `None`: none was taken, or
    /// somebody was called besides them, and the first is next.
    pub step: Option<u32>,
    pub why: EscalationWhy,
    /// `None`: the policy is at its end.
    pub due_at: Option<DateTime<Utc>>,
    /// A maintenance window holds the call back until then.
    pub held: bool,
    /// Who was to be called, and when, before somebody asked.
    pub before: Option<Box<Before>>,
}

/// What an asked call stands in the place of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Before {
    pub why: EscalationWhy,
    pub due_at: Option<DateTime<Utc>>,
}

/// Why somebody is to be called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EscalationWhy {
    /// Nobody has acknowledged the page.
    Unanswered,
    /// Nobody has touched what somebody has acknowledged.
    Untouched,
    /// `by` asks for whoever the policy calls next.
    Asked { by: String, note: Option<String> },
    /// `by` gives it to `to`: somebody, or a team.
    Assigned { by: String, to: String, note: Option<String> },
}

/// What an escalation that is due comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Escalated {
    Calls(Box<NextCall>),
    /// It is looked at again then.
    Waits {
        until: DateTime<Utc>,
    },
    /// The policy knows nobody else.
    IsAtItsEnd,
    /// Nobody needs to be called any more.
    Ends,
    /// What somebody asked for cannot be done. Who is called next stays as it was.
    Declined {
        because: String,
    },
}

/// Who is called next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NextCall {
    pub team: String,
    /// Whose the incident is from now on, if it changes hands.
    pub owner: Option<String>,
    /// By name. Empty: whoever is on call.
    pub people: Vec<String>,
    /// Whether they are others than those who are on call for the team, whom its receivers know.
    pub by_name: bool,
    pub reason: PageReason,
    /// What the playbook says, if a playbook paged.
    pub text: Option<String>,
    /// As [`Escalation::step`] from then on.
    pub step: Option<u32>,
    /// How long they have; `None`: as long as the severity says.
    pub within: Option<Duration>,
}

impl Escalation {
    /// The step of the policy that is next, over all its rounds: as many as were taken.
    pub fn next_step(&self) -> u32 {
        self.step.map_or(0, |step| step.saturating_add(1))
    }
}

impl EscalationWhy {
    /// Whether somebody asks for it: then it is done whatever holds the bot's own calls back.
    pub fn is_asked_for(&self) -> bool {
        matches!(self, Self::Asked { .. } | Self::Assigned { .. })
    }
}

/// Those who are to be called.
#[async_trait]
pub trait EscalationStore: Send + Sync {
    /// Those whose time has come, the worst first and then by that time; and when the next time
    /// comes.
    async fn due_escalations(&self, now: DateTime<Utc>)
    -> Result<(Vec<Escalation>, Option<DateTime<Utc>>), StoreError>;

    /// The sinks that call the next by themselves while nobody acknowledges what has come to them.
    fn calls_by_itself(&self) -> BTreeSet<String>;

    /// `None`: nobody is to be called again.
    async fn escalation_of(&self, incident: IncidentId) -> Result<Option<Escalation>, StoreError>;

    /// Carries out what a due one comes to. `false`: it is another one by now, and nothing changes.
    async fn escalate(&self, due: &Escalation, comes_to: Escalated) -> Result<bool, StoreError>;
}
