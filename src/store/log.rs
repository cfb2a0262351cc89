//! How a run's log goes on: what is claimed, and what is appended.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::{InboxItem, NewPage, NewRun, NewTicket, OverLimit};
use crate::model::{
    ApprovalTerms, Freeze, Outcome, Preview, Run, RunEvent, RunId, RunLimits, Severity, StepAddress, TargetLimits,
};

/// A run whose lease we hold.
#[derive(Debug, Clone)]
pub struct ClaimedRun {
    pub run: Run,
    pub at: LogPosition,
    pub lease_until: DateTime<Utc>,
    /// The whole log, the new `claimed` included.
    pub log: Vec<(DateTime<Utc>, RunEvent)>,
    /// What others left for the run, with the number by which it is consumed.
    pub inbox: Vec<(i64, InboxItem)>,
    /// The frozen playbook's text.
    pub playbook_source: String,
    pub incident_title: String,
    pub severity: Severity,
    /// How many claims in a row appended nothing but `claimed`.
    pub fruitless_claims: u32,
}

/// The end of the log as the writer knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogPosition {
    pub run: RunId,
    pub epoch: i64,
    /// How many records the log has.
    pub length: i64,
}

/// What is appended, and what belongs to it.
#[derive(Debug, Clone, Default)]
pub struct Append {
    pub events: Vec<RunEvent>,
    /// A question to ask; its `approval_asked` record is appended after `events`.
    pub ask: Option<Ask>,
    /// Inbox items that these records take in.
    pub consumes: Vec<i64>,
    /// Inbox items that cannot be taken in yet: they are no reason to wake up at once.
    pub leaves: Vec<i64>,
    /// The records start a mutation: refuse unless nothing stands against it.
    pub guard: Option<Guard>,
    /// Pages and notices.
    pub pages: Vec<NewPage>,
    pub notices: Vec<String>,
    /// Work that is filed in trackers.
    pub tickets: Vec<NewTicket>,
    /// How long the lease lasts from now, unless it is given up.
    pub prolong: Option<Duration>,
    /// Give up the lease and wake up then.
    pub park_until: Option<DateTime<Utc>>,
    /// The end: releases the locks, withdraws open approvals, and brings the end in through the
    /// front door.
    pub end: Option<(Outcome, String)>,
    /// The end: another run goes on, unless something stands against that.
    pub hand_over: Option<Box<HandOver>>,
    /// It ends as a brake holds it, and has begun no change: it counts for no limit.
    pub held: bool,
    /// It ends as what it changed did not help, as far as is known: that counts against its
    /// playbook.
    pub did_not_help: bool,
    /// What is asked where these records start a mutation or ask about one, and by what its end is
    /// counted.
    pub limits: RunLimits,
}

/// What is asked in the transaction that starts a mutation: whether the inbox is empty, whether a
/// freeze covers it, and whether the locks are free, which it takes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Guard {
    /// In the order of their keys.
    pub locks: Vec<String>,
    /// Where it changes something, and for whose sake.
    pub namespaces: Vec<String>,
    /// It belongs to a group that was begun, which is finished though it was frozen since.
    pub finishes_group: bool,
}

/// Another run that goes on behind the end of this one, in one transaction: there is never both,
/// and never none.
#[derive(Debug, Clone, PartialEq)]
pub struct HandOver {
    pub step: StepAddress,
    pub run: NewRun,
    /// Of the other playbook, for its target; `None`: a person has asked for it.
    pub limits: Option<TargetLimits>,
    /// What the other playbook says of how bad it is: the incident is as bad at least.
    pub severity: Severity,
}

/// A question to a human.
#[derive(Debug, Clone)]
pub struct Ask {
    pub preview: Preview,
    pub expires_at: DateTime<Utc>,
    /// The step or loop whose own question it is.
    pub before: Option<StepAddress>,
    pub terms: ApprovalTerms,
}

/// What became of an [`Append`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Appended {
    /// Done; the log now ends here. `inbox`: what waits there.
    Done { at: LogPosition, inbox: Vec<(i64, InboxItem)> },
    /// A guarded append was refused as the inbox is not empty. Nothing was written.
    InboxFirst(Vec<(i64, InboxItem)>),
    /// A guarded append was refused as another run holds a lock. Nothing was written.
    Locked { key: String, by: RunId },
    /// A guarded append was refused as this freeze covers it. Nothing was written.
    Frozen(Box<Freeze>),
    /// A hand-over was refused, and that is why. Nothing was written.
    NotHandedOver(String),
    /// A guarded append was refused as this limit stands against it. Nothing was written.
    OverLimit(Box<OverLimit>),
}
