//! What the incident module decides, as data: the store carries it out in one transaction.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::model::{
    ApprovalId, Autonomy, EpisodeId, Incident, IncidentId, IncidentState, Lane, Outcome, PlaybookRef, RunId, Severity,
    Signal, SignalId, Target, Verdict,
};

/// All that follows from one signal.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Decision {
    /// In order: an incident is opened before something is attached to it.
    pub changes: Vec<Change>,
    /// The answer to a command.
    pub reply: Option<CommandReply>,
}

/// The answer to a command that came in as a signal.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CommandReply {
    pub text: String,
    /// Things are now as they were asked to be; otherwise the text says what was not done, and why.
    pub granted: bool,
}

impl CommandReply {
    pub fn granted(text: impl Into<String>) -> Self {
        Self { text: text.into(), granted: true }
    }

    pub fn declined(text: impl Into<String>) -> Self {
        Self { text: text.into(), granted: false }
    }
}

/// An incident that is there, or the n-th that this decision opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IncidentRef {
    Existing(IncidentId),
    New(usize),
}

/// One change.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    OpenIncident(NewIncident),
    OpenEpisode {
        incident: IncidentRef,
        episode: NewEpisode,
    },
    /// It fires again, or still, with the start that we know.
    ReopenEpisode {
        incident: IncidentRef,
        episode: EpisodeId,
    },
    /// It fires on, and other texts are said of it.
    Retell {
        episode: EpisodeId,
        annotations: BTreeMap<String, String>,
    },
    /// It is over. One that is over already ends anew at that time: what was told between its ends is older than the last one.
    CloseEpisode {
        incident: IncidentRef,
        episode: EpisodeId,
        at: DateTime<Utc>,
        /// The start that the end was told with, where it is another than the episode's.
        start: Option<DateTime<Utc>>,
    },
    /// Lets a signal in, to be worked on at `until`. The same again changes nothing; else the notes go on the timeline.
    Hold {
        signal: Box<Signal>,
        lane: Lane,
        until: DateTime<Utc>,
        notes: Vec<(IncidentRef, IncidentEvent)>,
    },
    /// open -> acknowledged; sets the owner and acknowledges the pages.
    Acknowledge {
        incident: IncidentRef,
        by: String,
    },
    Mitigate {
        incident: IncidentRef,
    },
    /// Closes it, with all its episodes that are still open, and acknowledges its pages. By itself, nobody has looked: a page
    /// that reached nobody yet is still brought.
    Resolve {
        incident: IncidentRef,
        by_itself: bool,
    },
    Reopen {
        incident: IncidentRef,
    },
    /// How bad it is from now on. What is paged after this is a page of that severity.
    Severity {
        incident: IncidentRef,
        severity: Severity,
    },
    /// When somebody is to be paged unless it is acknowledged or resolved before; `None`: not any more.
    PageAt {
        incident: IncidentRef,
        at: Option<DateTime<Utc>>,
    },
    Page {
        incident: IncidentRef,
        page: NewPage,
    },
    OpenRun {
        incident: IncidentRef,
        run: Box<NewRun>,
    },
    /// Leaves something in the run's inbox and wakes it.
    ToRun {
        run: RunId,
        item: InboxItem,
    },
    /// One person's answer; a second one of the same person changes nothing.
    Vote {
        approval: ApprovalId,
        person: String,
        verdict: Verdict,
    },
    /// A line of the timeline.
    Note {
        incident: IncidentRef,
        event: IncidentEvent,
    },
}

/// An incident to open.
#[derive(Debug, Clone, PartialEq)]
pub struct NewIncident {
    pub grouping: String,
    pub title: String,
    pub severity: Severity,
    pub target: Option<Target>,
    pub team: String,
    pub playbook: Option<String>,
}

impl NewIncident {
    /// The incident that it becomes.
    pub fn opened(self, id: IncidentId, at: DateTime<Utc>) -> Incident {
        Incident {
            id,
            grouping: self.grouping,
            title: self.title,
            severity: self.severity,
            state: IncidentState::Open,
            target: self.target,
            team: self.team,
            owner: None,
            playbook: self.playbook,
            opened_at: at,
            acknowledged_at: None,
            mitigated_at: None,
            resolved_at: None,
            page_at: None,
            spell: 1,
            open_episodes: 0,
            episodes: 0,
        }
    }
}

/// An episode to open.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEpisode {
    pub source: String,
    pub fingerprint: String,
    pub alert: String,
    pub labels: BTreeMap<String, String>,
    pub annotations: BTreeMap<String, String>,
    pub starts_at: DateTime<Utc>,
}

/// A run to open.
#[derive(Debug, Clone, PartialEq)]
pub struct NewRun {
    pub playbook: PlaybookRef,
    /// Kept by digest, so that a reload never changes a run under way.
    pub playbook_source: String,
    pub target: Target,
    pub inputs: Map<String, Value>,
    pub alert: Value,
    pub autonomy: Autonomy,
    pub requested_by: Option<String>,
    /// Why it is opened, as the timeline says it.
    pub because: String,
}

/// A page to make. One per incident, spell, level and severity: another reason makes the one that is there say so, and an
/// incident that has become worse calls anew, whoever has taken it for less.
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
    /// Something that came in could not be worked on: `what` was in it.
    SetAside { signal: SignalId, what: String, because: String },
}

/// What somebody leaves for a run under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "item", rename_all = "snake_case")]
pub enum InboxItem {
    AlertResolved,
    Cancel {
        by: String,
    },
    Answer {
        approval: ApprovalId,
        verdict: Verdict,
        by: String,
    },
    /// One that this version does not know. The run escalates: somebody newer left it.
    #[serde(other)]
    Unknown,
}

/// What happened to an incident: the timeline's vocabulary, beside the run log's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum IncidentEvent {
    Opened {
        because: String,
    },
    /// Alerts joined it.
    Joined {
        alert: String,
        count: u64,
        example: String,
    },
    /// Alerts fire again soon after their end, with the start that we know: decided about at `until`.
    Held {
        alert: String,
        count: u64,
        until: DateTime<Utc>,
    },
    /// Alerts resolved; `open` is how many still fire.
    Cleared {
        count: u64,
        open: u64,
    },
    RunOpened {
        run: RunId,
        playbook: String,
        digest: String,
        because: String,
    },
    RunNotOpened {
        playbook: String,
        because: String,
    },
    RunEnded {
        run: RunId,
        outcome: Outcome,
        because: String,
    },
    Paged {
        team: String,
        reason: PageReason,
    },
    /// A person is needed for what nobody is paged for.
    Called {
        team: String,
        reason: PageReason,
    },
    /// It is worse than it was, or opened again for something less bad.
    Severity {
        from: Severity,
        to: Severity,
        because: String,
    },
    /// There is a second reason to page within the spell: the page that is there says it.
    PageUpdated {
        team: String,
        reason: PageReason,
    },
    Acknowledged {
        by: String,
    },
    Mitigated {
        because: String,
    },
    Resolved {
        by: String,
        because: String,
    },
    Reopened {
        because: String,
    },
    Answered {
        approval: ApprovalId,
        verdict: Verdict,
        by: String,
    },
    /// Something that an operator should know of, such as a condition that could not be decided.
    Remark {
        text: String,
    },
    /// The sender of a group has left that many of its alerts out.
    Cut {
        group: String,
        alerts: u64,
    },
    /// Alerts of a group could not be read: where and why, as far as it says what sort of damage it
    /// is.
    Damaged {
        group: String,
        alerts: u64,
        why: Vec<String>,
    },
    #[serde(other)]
    Unknown,
}

/// What carrying out a decision gave.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Applied {
    /// The numbers of the incidents that were opened, in order.
    pub incidents: Vec<IncidentId>,
    pub runs: Vec<RunId>,
}
