//! What a handoff tells, as data: also what an own template sees.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::Serialize;

/// One shift of one team. Nothing in it is escaped: that is the template's part.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    pub team: String,
    pub shift: ShiftFacts,
    /// Who was on call; `None`: nobody.
    pub outgoing: Option<String>,
    /// Who is on call next.
    pub incoming: Option<String>,
    /// Nothing is time-critical, open, asked or under way.
    pub nothing_outstanding: bool,
    /// The soonest first.
    pub time_critical: Listed<Critical>,
    /// The worst first.
    pub open_incidents: Listed<OpenIncident>,
    /// Of the team's incidents, by when the windows begin.
    pub windows: Listed<HeldByWindow>,
    /// In the order in which they were made, of all teams.
    pub frozen: Listed<FrozenNow>,
    /// What the ConfigMap freezes; `None`: nothing, as far as is known.
    pub freeze_map: Option<String>,
    /// The breakers that are open and the ramps that have stopped, of all teams.
    pub breakers: Vec<String>,
    /// Whether anything is frozen.
    pub is_frozen: bool,
    /// Of the team's pages, in the order in which they were folded.
    pub folded: Listed<FoldedPage>,
    pub approvals: Listed<Approval>,
    pub runs: Listed<RunUnderWay>,
    /// In the order in which they were made.
    pub changes: Listed<ChangeMade>,
    /// Work that outlives its incident and was filed in the shift, in that order.
    pub filed: Listed<FiledTicket>,
    /// The worst first.
    pub resolved: Listed<Resolved>,
    pub numbers: Numbers,
    pub noisy: Vec<NoisyRule>,
    pub uncovered: Vec<UncoveredAlert>,
    pub playbooks: Vec<PlaybookTrouble>,
    /// The team's playbooks whose `review_by` has come, the earliest first.
    pub reviews: Listed<ReviewDue>,
}

/// When the shift was.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ShiftFacts {
    pub from: Moment,
    pub to: Moment,
    /// The zone of the rotation, in which all local times are.
    pub zone: String,
    /// Whether it had ended when this was gathered.
    pub over: bool,
    pub as_of: Moment,
}

/// A time, for programs and for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Moment {
    pub at: DateTime<Utc>,
    /// `Mon 2 Mar 08:00`, in the rotation's zone.
    pub local: String,
}

impl Moment {
    pub(super) fn new(at: DateTime<Utc>, zone: Tz) -> Self {
        Self { at, local: at.with_timezone(&zone).format("%a %-d %b %H:%M").to_string() }
    }
}

/// What no run may change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FrozenNow {
    pub id: String,
    /// `namespace db`.
    pub what: String,
    pub since: Moment,
    /// `None`: until somebody ends it.
    pub until: Option<Moment>,
    pub by: String,
    pub reason: String,
}

/// The first entries of a list, and how many more there are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listed<T> {
    pub items: Vec<T>,
    pub left_out: usize,
}

impl<T> Listed<T> {
    /// The most entries of one section: a report that nobody reads to its end says nothing.
    const MOST: usize = 50;

    pub(super) fn new(mut items: Vec<T>) -> Self {
        let left_out = items.len().saturating_sub(Self::MOST);
        items.truncate(Self::MOST);
        Self { items, left_out }
    }

    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }
}

/// Something that must happen by a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Critical {
    /// INC-42.
    pub incident: String,
    pub severity: String,
    pub what: String,
    pub by: Moment,
    /// The time has passed already.
    pub overdue: bool,
}

/// Work that a playbook filed in a tracker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FiledTicket {
    pub at: Moment,
    pub incident: String,
    pub team: String,
    pub title: String,
    /// Its address or number; or that it is not made yet.
    pub place: String,
}

/// An incident that is not resolved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OpenIncident {
    pub id: String,
    pub severity: String,
    pub state: String,
    pub title: String,
    /// `None` also where the title names it.
    pub target: Option<String>,
    pub owner: Option<String>,
    /// Who keeps runs from it.
    pub taken_by: Option<String>,
    pub opened: Moment,
    /// How many alerts still fire.
    pub firing: u64,
    /// Where its tickets are.
    pub tickets: Vec<String>,
    pub next_step: String,
}

/// What a maintenance window held back in the shift, or does still.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HeldByWindow {
    /// WIN-7.
    pub id: String,
    pub until: Moment,
    /// It has ended.
    pub over: bool,
    pub owner: String,
    pub reason: String,
    /// INC-42 and others.
    pub incidents: Vec<String>,
    pub alerts: u64,
}

/// A page that was told in another one in the shift, as the team's budget was spent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FoldedPage {
    /// INC-42.
    pub incident: String,
    pub severity: String,
    pub title: String,
    pub at: Moment,
    /// The incident whose page tells of it; `None`: it has gone out itself since.
    pub into: Option<String>,
    /// Whether it waits for somebody still.
    pub waits: bool,
    /// `open`, `resolved`; of its incident.
    pub state: String,
}

/// A question that nobody has answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Approval {
    pub id: String,
    pub run: String,
    pub incident: String,
    pub expires: Moment,
    /// Whose yes it waits for; nothing where one yes of anybody is enough.
    pub waits_for: Option<String>,
    /// What the bot would do.
    pub steps: Vec<String>,
}

/// A run that has not ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RunUnderWay {
    pub id: String,
    pub incident: String,
    pub playbook: String,
    pub target: String,
    pub since: Moment,
}

/// A change that the bot made or tried to make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChangeMade {
    pub at: Moment,
    pub run: String,
    pub incident: String,
    pub playbook: String,
    /// `scale deployment/coredns in kube-system 4 -> 6`.
    pub summary: String,
    pub before: String,
    pub after: String,
    /// Whether the summary leaves out what was there before and after, and both fit on a line.
    pub show_values: bool,
    /// `done`, `failed: ...`, `in doubt`.
    pub result: String,
    /// `fixed: p99 is back to normal`; of the run as a whole.
    pub outcome: String,
}

/// How an incident ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Resolved {
    pub at: Moment,
    pub incident: String,
    pub severity: String,
    pub title: String,
    /// A person; or what told that its alerts are over.
    pub by: String,
    /// What that person noted, or what speaks for its end.
    pub because: String,
}

/// The shift in numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Numbers {
    pub opened: usize,
    pub resolved: usize,
    pub pages: usize,
    /// Incidents for which somebody was paged, which is what the budget counts.
    pub paged_incidents: usize,
    /// Of a shift of that length; `None`: the team has none.
    pub budget: Option<usize>,
    pub over_budget: bool,
    /// Pages that were told in other ones, as the budget was spent.
    pub folded: usize,
    /// Mean time from a page to a person's acknowledgement; `None`: nobody was paged, or nobody acknowledged.
    pub mtta: Option<String>,
    pub acknowledged: usize,
    /// Mean time from the opening to the resolution, of what was resolved in the shift.
    pub mttr: Option<String>,
    /// Pages between 22:00 and 07:00 where the person on call lives.
    pub night_pages: usize,
    /// Incidents that were mitigated or resolved in the shift, and how many of them without any person.
    pub closed: usize,
    pub fixed_alone: usize,
    pub fixed_alone_percent: Option<usize>,
}

/// An alerting rule that made noise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NoisyRule {
    pub alert: String,
    pub episodes: u64,
    pub incidents: u64,
    pub proposal: String,
}

/// An alert that no playbook knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UncoveredAlert {
    pub alert: String,
    pub incidents: u64,
}

/// A playbook that somebody was to look at again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReviewDue {
    pub name: String,
    /// `2027-05-31`.
    pub by: String,
}

/// A playbook that did not do its part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlaybookTrouble {
    pub name: String,
    pub version: String,
    pub runs: usize,
    pub escalated: usize,
    /// What the latest of them said.
    pub because: String,
}
