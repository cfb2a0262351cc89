//! What the store gives back.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Fold, FoldedIncident, IncidentEvent, PageDelivery, PageReason, PageStands, Told};
use crate::model::{
    Approval, ApprovalId, EpisodeId, Grouping, Incident, IncidentId, Intent, Outcome, PageId, Run, RunEvent, RunId,
    Severity, SignalId, TargetLimits, TicketId, WindowId,
};

/// What a decision needs to know of an episode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EpisodeHead {
    pub id: EpisodeId,
    pub incident: IncidentId,
    pub starts_at: DateTime<Utc>,
    /// When we took in that it ended, as today's clock would have told it; `None` while it is open.
    pub closed_at: Option<DateTime<Utc>>,
    /// The signal that told that it ended. Signals are numbered as they come in: what has a lower
    /// number was told before.
    pub ended_by: Option<SignalId>,
    /// The start that its end was told with, where Alertmanager has moved it since the firing was
    /// told.
    pub ended_start: Option<DateTime<Utc>>,
    /// What was said last beside its labels.
    pub annotations: BTreeMap<String, String>,
    /// The maintenance window that covered it when it was told: no run was opened for it.
    pub held_by: Option<WindowId>,
}

/// An incident, its runs that are under way, and its pages that wait for somebody.
#[derive(Debug, Clone, PartialEq)]
pub struct IncidentView {
    pub incident: Incident,
    pub runs: Vec<RunHead>,
    /// Why its pages were made that nobody has acknowledged.
    pub unanswered: Vec<PageReason>,
    /// Other incidents that its pages tell of, and that nobody has acknowledged.
    pub carries: Vec<IncidentId>,
    /// The latest start that lies before its mitigation, by source: on the source's own clock.
    pub mitigated_starts: HashMap<String, DateTime<Utc>>,
    /// On which targets runs were opened for it within the last hour.
    pub recent_targets: Vec<String>,
    /// When it was opened and opened again; of one that never was again, nothing.
    pub openings: Vec<DateTime<Utc>>,
    /// What fires is about more than one thing.
    pub is_of_many: bool,
    /// Who works on it by hand, so that no run is begun for it.
    pub taken_by: Option<String>,
}

/// An incident that is open and had something join it lately.
#[derive(Debug, Clone, PartialEq)]
pub struct RecentIncident {
    pub id: IncidentId,
    pub severity: Severity,
    /// What it may have in common with others, by key.
    pub shares: BTreeMap<String, Grouping>,
}

impl ObjectRow {
    /// As people write it: `StatefulSet/db/pg-7`.
    pub fn shown(&self) -> &str {
        self.object.strip_prefix("target:").unwrap_or(&self.object)
    }
}

/// What an incident is about, and what fires there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectRow {
    /// The key of the grouping that it is.
    pub object: String,
    /// One of its episodes' alerts and labels.
    pub alert: String,
    pub labels: BTreeMap<String, String>,
    pub open: u64,
    pub since: DateTime<Utc>,
}

impl IncidentView {
    /// The run that escalated, if nobody has looked at that yet: such an incident does not resolve by itself.
    pub fn escalated(&self) -> Option<RunId> {
        self.unanswered.iter().find_map(|reason| match reason {
            PageReason::Escalated { run } => Some(*run),
            _ => None,
        })
    }
}

/// What a decision needs to know of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunHead {
    pub id: RunId,
    pub incident: IncidentId,
    pub playbook: String,
    pub target_key: String,
    /// In a history that limits count: as today's clock would have told it, also when the clock was
    /// set since.
    pub created_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
    pub outcome: Option<Outcome>,
    /// A brake held it before it began any change: it counts for no limit.
    pub held: bool,
    /// The person who asked for it.
    pub requested_by: Option<String>,
}

impl RunHead {
    /// Why no other run may begin, by the runs of the playbook on the target, the last one first.
    pub fn too_often(history: &[Self], limits: TargetLimits, now: DateTime<Utc>) -> Option<String> {
        // What a brake held before it began anything is no try.
        let history = || history.iter().filter(|run| !run.held);
        if let Some(cooldown) = limits.cooldown
            && let Some(last) = history().find(|run| run.ended_at.is_some_and(|ended| now < ended + cooldown))
        {
            return Some(format!("{} ended less than its cooldown ago", last.id));
        }
        if let Some((most, window)) = limits.runs {
            let recent = history().filter(|run| now < run.created_at + window).count();
            if recent >= most as usize {
                return Some(format!("it ran {recent} times on this target within its limit's time"));
            }
        }
        None
    }
}

/// A change that another run made lately, or may have made.
#[derive(Debug, Clone, PartialEq)]
pub struct EarlierRemedy {
    pub run: RunId,
    /// When it began.
    pub at: DateTime<Utc>,
    /// `None`: its record cannot be read.
    pub intent: Option<Intent>,
    /// `None`: the run is under way.
    pub end: Option<RunEnd>,
}

/// How a run ended, and when: as today's clock would have told it, also when the clock was set
/// since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunEnd {
    /// `None`: it cannot be read.
    pub outcome: Option<Outcome>,
    pub because: String,
    pub at: DateTime<Utc>,
}

/// Which incidents to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IncidentFilter {
    /// All that are not resolved.
    Unresolved,
    /// Those, and the ones resolved at or after that time.
    ResolvedSince(DateTime<Utc>),
    /// All that were open at some time in `from..to`.
    Touching { from: DateTime<Utc>, to: DateTime<Utc> },
}

/// A line of the timeline.
#[derive(Debug, Clone, PartialEq)]
pub struct TimelineEntry {
    pub at: DateTime<Utc>,
    pub what: TimelineWhat,
}

/// What a line of the timeline tells of.
#[derive(Debug, Clone, PartialEq)]
pub enum TimelineWhat {
    Incident(IncidentEvent),
    Run(RunId, RunEvent),
}

/// A page that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    pub id: PageId,
    /// The one in which it is told: that it was made for, or what that is part of.
    pub incident: IncidentId,
    pub made_for: IncidentId,
    pub level: u32,
    pub team: String,
    pub reason: PageReason,
    pub text: Option<String>,
    pub severity: Severity,
    /// A person asked for it when it was made, whatever reason it was given since.
    pub asked: bool,
    /// It calls people by name whom the policy of a receiver that escalates by itself does not
    /// know.
    pub by_name: bool,
    /// Who is called by it, by name. Empty: whoever is on call.
    pub called: Vec<String>,
    pub created_at: DateTime<Utc>,
    /// When it first came to somebody.
    pub arrived_at: Option<DateTime<Utc>>,
    pub acknowledged_at: Option<DateTime<Utc>>,
    /// A person acknowledged it; the end of what it is about closes it too.
    pub answered: bool,
    /// It was given another reason and text since somebody acknowledged it, or since it was made.
    pub has_news: bool,
    /// It is told in another one, or was before it went out.
    pub fold: Option<Fold>,
    /// The key by which a receiver tells a repeated delivery: stable over retries.
    pub key: String,
    /// What it is called where incidents are kept, too: the same for all that the policy calls,
    /// another one when the incident comes back or is worse, and for each whom somebody asks for.
    pub pager_key: String,
    /// The incident became worse since, and there is a page of that.
    pub outdone: bool,
    /// The incident was over and came back since.
    pub earlier: bool,
    /// Where it goes, in the order in which it was sent there.
    pub deliveries: Vec<PageDelivery>,
}

impl Page {
    /// Whether it is about what its incident was, and not about what that is now.
    pub fn is_outdated(&self) -> bool {
        self.earlier || self.outdone
    }

    /// What of it says how it stands.
    pub fn stands(&self) -> PageStands {
        PageStands {
            acknowledged: self.acknowledged_at.is_some(),
            answered: self.answered,
            outdone: self.outdone,
            earlier: self.earlier,
        }
    }
}

/// What can be read of a page whose row is damaged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageOutline {
    pub incident: Option<IncidentId>,
    pub team: Option<String>,
    /// The worst where it is not known.
    pub severity: Severity,
    /// Somebody has it, with all that was added to it.
    pub is_answered: bool,
}

/// A delivery's own number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DeliveryId(pub i64);

/// Something to bring to one sink.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    pub id: DeliveryId,
    pub sink: String,
    pub subject: DeliverySubject,
    /// How often it was tried before.
    pub attempts: u32,
    /// The receiver's own id of what was delivered before: that is edited now. `None`: it is new to the receiver.
    pub external: Option<String>,
    /// What the receiver knows of the page, if it is one; `None`: nothing.
    pub told: Option<Told>,
}

/// What a delivery is about. The text is made when it is sent, from what is true then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "subject", rename_all = "snake_case")]
pub enum DeliverySubject {
    Page {
        page: PageId,
    },
    /// The incident's message, made or edited.
    Card {
        incident: IncidentId,
    },
    /// A question to a human.
    Approval {
        approval: ApprovalId,
    },
    Notice {
        incident: IncidentId,
        text: String,
    },
    /// The incident's ticket: made, commented, closed or opened again.
    Ticket {
        ticket: TicketId,
    },
    /// What the bot says of itself, and of no incident. Its first line is the title.
    Announcement {
        text: String,
        /// Somebody has something to mend.
        is_trouble: bool,
    },
}

/// Whose incidents, pages and alerts to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Teams {
    One(String),
    /// Of everybody but these: also of a team that nobody knows.
    AllBut(Vec<String>),
}

impl Teams {
    pub fn everybody() -> Self {
        Self::AllBut(Vec::new())
    }
}

/// What a shift of some teams leaves and what happened in it, as it is at one moment.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ShiftView {
    /// Those that are open now, or were at some time in the shift; the worst first.
    pub incidents: Vec<Incident>,
    /// All runs of the incidents that are open now, in order.
    pub runs_of_open: Vec<Run>,
    pub runs_under_way: Vec<Run>,
    /// Those that ended in the shift, in the order in which they did.
    pub runs_ended: Vec<Run>,
    /// Questions that nobody has answered.
    pub approvals: Vec<Approval>,
    /// The teams' pages that were made in the shift, whoever owns their incidents.
    pub pages: Vec<Page>,
    /// Pages of the incidents that are open now, which nobody has acknowledged.
    pub unanswered: Vec<Page>,
    /// What was folded in the shift, in the order in which it was.
    pub folded: Vec<FoldedIncident>,
}

/// How often an alert fired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertCount {
    pub alert: String,
    pub episodes: u64,
    pub incidents: u64,
    /// Incidents of it that no playbook knew.
    pub uncovered: u64,
}

/// A handoff that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandoffRecord {
    pub team: String,
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
    pub path: String,
    pub written_at: DateTime<Utc>,
}
