//! What the incident module decides, as data: the store carries it out in one transaction.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{EscalationWhy, Groups, IncidentEvent, NewFreeze, NewOverride, NewPage, NewWindow, StartedOf};
use crate::model::{
    ApprovalId, Autonomy, Digest, EpisodeId, FreezeId, Grouping, Incident, IncidentId, IncidentState, Lane, OverrideId,
    PlaybookRef, RunId, Severity, Signal, Target, Verdict, WindowId,
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IncidentRef {
    Existing(IncidentId),
    New(usize),
}

/// One change.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    OpenIncident(NewIncident),
    /// Others join it by these from now on; it is one incident because of `by`.
    Gather {
        incident: IncidentRef,
        by: Grouping,
        gathers: Vec<Grouping>,
        shares: Vec<Grouping>,
    },
    /// `from` turns out to be part of `into`: what fires, runs and is asked for it goes on there,
    /// and its number answers for that one. Nothing changes where it is part of another one
    /// already.
    Merge {
        from: IncidentId,
        into: IncidentRef,
        /// The person who says so; `None`: the bot.
        by: Option<String>,
        because: String,
    },
    /// It is an incident of its own again, with what it was merged with. What joins others by what
    /// they have in common leaves it alone from now on.
    Split {
        incident: IncidentId,
        by: String,
    },
    /// What fires about one object moves to another incident, with its runs.
    Detach {
        from: IncidentId,
        into: IncidentRef,
        /// The key of what it is about.
        object: String,
    },
    OpenEpisode {
        incident: IncidentRef,
        episode: NewEpisode,
    },
    /// It fires again, or still, with the start that we know.
    ReopenEpisode {
        incident: IncidentRef,
        episode: EpisodeId,
        /// The maintenance window that covers it.
        held_by: Option<WindowId>,
        /// As in [`NewEpisode`].
        counted_as: Option<String>,
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
    /// Receivers that call the next by themselves do so no more: somebody has closed it there.
    ClosedThere {
        incident: IncidentRef,
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
    /// Its team's tracker gets a ticket, where it has one; nobody is called.
    Ticket {
        incident: IncidentRef,
        page: NewPage,
    },
    /// Something joined it: whoever has its page is told within a minute; without `at_once`, when
    /// there is twice as much as was told of. `page`: what is made where there is none.
    Tell {
        incident: IncidentRef,
        at_once: bool,
        page: NewPage,
    },
    /// Somebody says that it is worked on.
    Touch {
        incident: IncidentRef,
    },
    /// Somebody is called at once, as a person asks for it.
    Call {
        incident: IncidentRef,
        why: EscalationWhy,
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
    /// One person's answer. A second yes of the same person changes nothing; a no ends it, whoever
    /// said yes before.
    Vote(NewVote),
    /// Keeps a maintenance window.
    KeepWindow {
        id: WindowId,
        window: Box<NewWindow>,
    },
    /// Ends it now, if it lasts longer.
    EndWindow {
        window: WindowId,
        by: String,
    },
    /// Keeps that somebody covers.
    KeepOverride {
        id: OverrideId,
        kept: Box<NewOverride>,
    },
    /// Ends it now, if it lasts longer.
    EndOverride {
        id: OverrideId,
        by: String,
    },
    /// Keeps a freeze.
    KeepFreeze {
        id: FreezeId,
        freeze: Box<NewFreeze>,
    },
    /// Ends it now, if it lasts longer.
    EndFreeze {
        id: FreezeId,
        by: String,
    },
    /// A person closes the breaker of a playbook, and has its ramp begin anew.
    CloseBreaker {
        playbook: String,
        by: String,
        reason: String,
    },
    /// Adds to the reply what runs have begun by then, and still do. `groups`: of the playbooks
    /// that runs under way may have.
    TellStarted {
        of: StartedOf,
        groups: BTreeMap<Digest, Groups>,
    },
    /// Somebody works on it by hand: no run is begun for it until it is given back or over.
    Take {
        incident: IncidentRef,
        by: String,
    },
    /// Runs may begin for it again.
    GiveBack {
        incident: IncidentRef,
    },
    /// It covers so many alerts that joined the incident. `is_whole`: all of it.
    HoldBack {
        incident: IncidentRef,
        window: WindowId,
        until: DateTime<Utc>,
        alerts: u64,
        is_whole: bool,
    },
    /// Something fires in it that no window covers.
    HoldOver {
        incident: IncidentRef,
    },
    /// It was decided what follows from alerts that a window held back.
    Release {
        episodes: Vec<EpisodeId>,
    },
    /// What a window held back was looked at.
    WindowTold {
        window: WindowId,
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
    pub grouping: Grouping,
    /// By what others join it, besides its grouping.
    pub gathers: Vec<Grouping>,
    /// What it may have in common with others.
    pub shares: Vec<Grouping>,
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
            joined_at: None,
            held_until: None,
            merged: None,
        }
    }
}

/// An episode to open.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEpisode {
    pub source: String,
    pub fingerprint: String,
    pub alert: String,
    /// The key of what it is about.
    pub object: String,
    pub labels: BTreeMap<String, String>,
    pub annotations: BTreeMap<String, String>,
    pub starts_at: DateTime<Utc>,
    /// How bad it was found to be; `None`: nobody has looked.
    pub severity: Option<Severity>,
    /// The maintenance window that covers it.
    pub held_by: Option<WindowId>,
    /// The key by which what it is about is counted; `None`: its labels say it.
    pub counted_as: Option<String>,
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
    /// How long that alert had waited to be worked on; `None`: no alert opens it, or it was put off
    /// on purpose.
    pub alert_waited: Option<Duration>,
    pub autonomy: Autonomy,
    pub requested_by: Option<String>,
    /// The playbooks that it may be handed over to, with their texts.
    pub pins: Vec<(PlaybookRef, String)>,
    /// How many runs before it handed over to the next.
    pub handed_over: u32,
    /// Why it is opened, as the timeline says it.
    pub because: String,
}

/// One person's answer to a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewVote {
    pub approval: ApprovalId,
    pub person: String,
    pub verdict: Verdict,
    /// Why not.
    pub reason: Option<String>,
    /// So many had said yes when it was decided what this one comes to.
    pub after: usize,
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
        /// When it was given; before 0.2 nobody wrote it down.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at: Option<DateTime<Utc>>,
        /// Why not.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// One that this version does not know. The run escalates: somebody newer left it.
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
