//! What happened to an incident: the timeline's vocabulary, beside the run log's.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{FiledWork, PageReason, SpentBudget};
use crate::model::{ApprovalId, Grouping, IncidentId, Outcome, RunId, Severity, Verdict, WindowId};

/// A line of an incident's timeline.
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
    /// It turned out what they have in common: what shares it joins from now on.
    Gathered {
        by: Grouping,
    },
    /// Another incident turned out to be part of this one.
    Absorbed {
        incident: IncidentId,
        by: Option<String>,
        because: String,
    },
    /// It turned out to be part of another one.
    Merged {
        into: IncidentId,
        by: Option<String>,
        because: String,
    },
    /// It is an incident of its own again.
    Split {
        from: IncidentId,
        by: String,
    },
    /// What was part of it is an incident of its own.
    SplitOff {
        incident: IncidentId,
        by: String,
    },
    /// Whoever has its page was told how much joined since.
    Told {
        alerts: u64,
    },
    /// Alerts fire again soon after their end, with the start that we know: decided about at
    /// `until`.
    Held {
        alert: String,
        count: u64,
        until: DateTime<Utc>,
    },
    /// A maintenance window covers so many of its alerts: nothing is run for them. `reason`: a page
    /// was due, and is not made.
    HeldBack {
        window: WindowId,
        until: DateTime<Utc>,
        alerts: u64,
        reason: Option<PageReason>,
    },
    /// A window is over that held something of it back; so many alerts still fire.
    WindowEnded {
        window: WindowId,
        by: Option<String>,
        alerts: u64,
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
        /// By name, where not whoever is on call.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        called: Vec<String>,
    },
    /// Its team's budget is spent: its page is told in the one of another incident until then.
    Folded {
        into: IncidentId,
        until: DateTime<Utc>,
        reason: PageReason,
        spent: SpentBudget,
    },
    /// The page that told of it is over or has told of it for long enough: another one does.
    FoldedAnew {
        into: IncidentId,
        until: DateTime<Utc>,
    },
    /// Its page goes out after all.
    Unfolded {
        because: String,
    },
    /// Its page tells of these, too.
    Carries {
        incidents: Vec<IncidentId>,
    },
    /// A person is needed for what nobody is paged for.
    Called {
        team: String,
        reason: PageReason,
    },
    /// There is a ticket of it in a tracker.
    Ticketed {
        sink: String,
        ticket: String,
        url: Option<String>,
    },
    /// Work that a run asked for is in a tracker.
    Filed {
        run: RunId,
        sink: String,
        title: String,
        ticket: String,
        url: Option<String>,
        /// It was filed before; `None`: it is new.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<FiledWork>,
    },
    /// Work that a run asked for is filed nowhere.
    NotFiled {
        run: RunId,
        team: String,
        title: String,
        text: String,
        because: String,
    },
    /// It is worse than it was, or opened again for something less bad.
    Severity {
        from: Severity,
        to: Severity,
        because: String,
    },
    /// Something besides the alert's own word or its playbook's decided how bad it is, or would
    /// have.
    Rated {
        severity: Severity,
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
        /// Why not.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        /// `1 of 2`: with this one, so many have said yes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        progress: Option<String>,
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
