//! Pages that are to be made, and why.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::model::{IncidentState, Outcome, PageId, RunId, SignalId, WindowId};

/// A page to make. One per incident, spell, level and severity: another reason makes the one that
/// is there say so, and an incident that has become worse calls anew, whoever has taken it for
/// less.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewPage {
    pub level: u32,
    pub team: String,
    pub reason: PageReason,
    /// What the playbook says, if a playbook pages.
    pub text: Option<String>,
}

/// A page for an incident that nobody has taken care of by its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DuePage {
    /// The state that was decided about.
    pub state: IncidentState,
    /// Why the incident is open again, if it is.
    pub reopens: Option<String>,
    pub page: NewPage,
}

/// Why somebody is paged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum PageReason {
    /// S1 pages at once, while the playbook runs.
    SeverityOne,
    /// No playbook knows the alert.
    Uncovered,
    /// `page_by` came before the end of the run.
    Overdue,
    /// The run called it fixed, or found nothing to do, and its alerts fire on.
    StillFires { run: RunId, outcome: Outcome },
    /// The run's `escalate` phase.
    Escalated { run: RunId },
    /// No run was opened, and that is why.
    NotRun { because: String },
    /// What must keep coming does not.
    HeartbeatMissing {
        name: String,
        source: String,
        /// `None`: it never came.
        last_at: Option<DateTime<Utc>>,
        /// In seconds.
        within: u64,
    },
    /// It comes and goes.
    Flapping { times: u64, since: DateTime<Utc> },
    /// More joined what somebody has already.
    Joined { alerts: u64 },
    /// The maintenance window has ended that held it back, and so many alerts still fire.
    WindowEnded { window: WindowId, alerts: u64 },
    /// Nobody has acknowledged the page that called before.
    Unanswered {
        /// Why that one was made.
        of: Box<PageReason>,
        page: PageId,
        made_at: DateTime<Utc>,
    },
    /// Somebody has taken it, and nobody has touched it since.
    Untouched { by: String, since: DateTime<Utc> },
    /// Somebody asks for one more. `of`: why the page before it was made.
    Asked { by: String, note: Option<String>, of: Option<Box<PageReason>> },
    /// Somebody gives it to whoever is called.
    Assigned { by: String, to: String, note: Option<String>, of: Option<Box<PageReason>> },
    /// Somebody was to be called at `since`, and was not.
    CallOverdue { since: DateTime<Utc> },
    /// Somebody wants to know whether the team is reached.
    Test { by: String },
    /// Something that came in could not be worked on: `what` was in it.
    SetAside { signal: SignalId, what: String, because: String },
}

impl PageReason {
    /// Why a person is needed, whoever was called before.
    pub fn first(&self) -> &PageReason {
        match self {
            PageReason::Unanswered { of, .. }
            | PageReason::Asked { of: Some(of), .. }
            | PageReason::Assigned { of: Some(of), .. } => of.first(),
            other => other,
        }
    }

    /// Why those before were called, without that somebody did not answer.
    pub fn again(&self) -> &PageReason {
        match self {
            PageReason::Unanswered { of, .. } => of.again(),
            other => other,
        }
    }

    /// Whether a person has asked for whoever is called, also where others are called since they do
    /// not answer.
    pub fn is_asked_for(&self) -> bool {
        match self {
            PageReason::Asked { .. } | PageReason::Assigned { .. } => true,
            PageReason::Unanswered { of, .. } => of.is_asked_for(),
            _ => false,
        }
    }
}
