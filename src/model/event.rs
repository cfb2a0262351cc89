//! The run log's vocabulary. Run state is the fold of these records, never a re-evaluation.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    ActingRole, ApprovalId, ApprovalTerms, ConditionKind, Considered, HumanDuration, Item, ItemKey, ItemOutcome, Look,
    ObjectKey, Outcome, Phase, PlaybookRef, Preview, RunId, StepAddress, Target, Verdict,
};

/// What to do about a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureClass {
    /// It may well work in a moment: a time-out, a conflict, a server that is overloaded.
    Retry,
    /// It will not work as asked.
    Fail,
    /// It must not be decided by a program.
    NeedsHuman,
    /// This object is not to be touched, whatever is wrong with it: somebody has asked for that, or
    /// it is gone. For a human; an item of a loop is left alone, and nobody is called for it.
    LeaveAlone,
    /// It is to be done, but not now and not without a human: a brake, a lock, a yes that does not
    /// cover it. An item of a loop is left alone, the others go on, and then the run escalates.
    HeldUp,
}

/// A mutation as it was decided, before it is done: absolute, with what was there before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Intent {
    /// `scale deployment/coredns in kube-system 4 -> 6`.
    pub summary: String,
    /// The object that is changed. For a change at the source this is the source, not the run's target.
    pub object: ObjectKey,
    /// The object's UID when it was decided; empty for one that is yet to be created.
    pub uid: String,
    /// Its resourceVersion then: the change is made on the condition that it still holds.
    pub resource_version: String,
    /// The value that is replaced.
    pub before: Value,
    /// The value that is wanted: 6, never "50% more".
    pub after: Value,
    /// The mark by which we recognise our own change after a crash: a field manager or an annotation's value.
    pub marker: String,
}

/// What was done, and for which object: what a change has in common with the same one made again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remedy {
    /// The action's name: `k8s.scale`.
    pub action: String,
    /// Of a Job that a CronJob makes, the CronJob: each of its Jobs has another name.
    pub object: ObjectKey,
}

/// A record of the run log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum RunEvent {
    /// A worker took the lease.
    Claimed { epoch: u64, worker: String },
    /// Another playbook goes on, by that run.
    HandedOver { step: StepAddress, run: RunId, playbook: PlaybookRef, target: Target },
    /// The target was read; `None`: it is not there.
    TargetRead { object: Option<Value> },
    /// The run entered a phase.
    Entered { phase: Phase, because: String },
    /// A condition was decided: `done_if`, `require`, `escalate_if`, `leave_if`, or a step's
    /// `when`.
    Checked {
        step: StepAddress,
        condition: ConditionKind,
        held: bool,
        because: String,
        /// The condition itself, on one line; empty on logs of before it was recorded.
        #[serde(default)]
        expression: String,
        /// Who can act on what was found; `None`: the playbook does not say.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        role: Option<ActingRole>,
    },
    /// A `choose` has chosen: the first branch whose condition holds.
    Chosen {
        step: StepAddress,
        branch: String,
        /// The conditions that were asked, in order; the last one held, unless it was none of them.
        considered: Vec<Considered>,
    },
    /// Values got names.
    Set { step: StepAddress, values: Map<String, Value> },
    /// A `foreach` has its list: it is never made again. `item` is what one of them is called.
    Listed { step: StepAddress, item: String, items: Vec<Item> },
    /// These items of a `foreach` begin, in this order.
    Wave { step: StepAddress, keys: Vec<ItemKey> },
    /// What was found out about the items of the last wave is too old to change them by: it begins
    /// again, with its guard. None of them was touched.
    WaveAnew { step: StepAddress, because: String },
    /// What an item is about was read; `None`: it is not there. The step is the `foreach`, for this
    /// item.
    ItemRead { step: StepAddress, object: Option<Value> },
    /// An item is over. The step is the `foreach`, for this item.
    ItemEnded { step: StepAddress, outcome: ItemOutcome, because: String },
    /// A read-only action answered.
    Read { step: StepAddress, output: Value, summary: String },
    /// A read failed for good, and the run goes on without its answer.
    ReadFailed { step: StepAddress, error: String },
    /// A step failed; `attempt` counts from 1.
    Failed {
        step: StepAddress,
        attempt: u32,
        class: FailureClass,
        error: String,
        /// A limit or a brake said no, and nothing else is wrong; never on logs of before it was
        /// recorded.
        #[serde(default, skip_serializing_if = "is_false")]
        held: bool,
    },
    /// The next attempt of a step, or its `wait`, is due then.
    Waiting {
        step: StepAddress,
        until: DateTime<Utc>,
        because: String,
        /// Each of these has a patience of its own. `None`: for the time itself, or on logs of
        /// before it was recorded.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        waits_for: Option<WaitsFor>,
    },
    /// A `wait` is over.
    Waited { step: StepAddress },
    /// A step of the escalation that failed is passed over: a human is waiting for the rest.
    Skipped { step: StepAddress, because: String },
    /// What the mitigate phase would do; nothing was done.
    Proposed { preview: Preview },
    /// A human was asked.
    ApprovalAsked {
        approval: ApprovalId,
        preview: Preview,
        expires_at: DateTime<Utc>,
        /// The step or loop whose own question it is; `None`: that of the whole run.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<StepAddress>,
        /// `None`: one yes was enough, whoever gave it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        terms: Option<Box<ApprovalTerms>>,
    },
    /// The answer; `None`: nobody answered in time.
    ApprovalAnswered {
        approval: ApprovalId,
        verdict: Option<Verdict>,
        by: String,
        /// For how long it lay there before anybody went on with the run.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        waited: Option<HumanDuration>,
        /// Why not, where somebody said so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// A mutation is about to be made. From here to its `Done` or `Failed` a crash leaves doubt.
    Started {
        step: StepAddress,
        attempt: u32,
        intent: Intent,
        deadline: DateTime<Utc>,
        /// `None` on logs of before it was recorded.
        #[serde(default)]
        remedy: Option<Box<Remedy>>,
    },
    /// A mutation was made. `recovered`: found done after a crash, not done again.
    Done {
        step: StepAddress,
        attempt: u32,
        output: Value,
        summary: String,
        #[serde(default)]
        recovered: bool,
    },
    /// A mutation was not needed: the object is already as wanted.
    Unneeded {
        step: StepAddress,
        summary: String,
        #[serde(default)]
        output: Value,
    },
    /// A verify waits for its settle time, or for its next look.
    Verifying { step: StepAddress, look_at: DateTime<Utc>, give_up_at: DateTime<Utc> },
    /// A read is repeated until something holds, or until then at the latest.
    Watching { step: StepAddress, every: HumanDuration, give_up_at: DateTime<Utc> },
    /// It was repeated, and goes on: not each look is recorded.
    Watched { step: StepAddress, verdict: Look, summary: String },
    /// A verify looked.
    Looked {
        step: StepAddress,
        verdict: Look,
        summary: String,
        /// There was no answer to its question: nothing speaks against the change.
        #[serde(default, skip_serializing_if = "is_false")]
        unanswered: bool,
    },
    /// A change that was to be taken back stands. The step is its undo.
    Stands { step: StepAddress, because: String },
    /// A page or notice went to the outbox.
    Told {
        step: StepAddress,
        page: bool,
        team: String,
        text: String,
        /// The role that the team has, and that can act on the cause.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        role: Option<ActingRole>,
    },
    /// A ticket was asked for, for work that outlives the incident: what its tracker makes of that
    /// stands on the incident's timeline.
    Filed {
        step: StepAddress,
        team: String,
        title: String,
        text: String,
        /// What is filed once.
        key: String,
        /// For how long it is not filed again, though somebody has closed it.
        again: HumanDuration,
        /// Why it is not filed after all.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        left_out: Option<String>,
    },
    /// What was found out is too old to change anything by: the diagnosis begins again. What was
    /// done of the mitigation, which changed nothing, stands.
    DiagnosedAnew { because: String },
    /// The source of the alert was asked whether that still fires, as nobody had come to the run
    /// for so long.
    SourceAsked {
        waited: HumanDuration,
        answer: SourceAnswer,
        /// When it is asked again; `None`: the answer stands.
        again_at: Option<DateTime<Utc>>,
    },
    /// The alert resolved while the run was under way.
    AlertResolved,
    /// The wall clock was set, forth or back: all times that stand before this are that much later
    /// now.
    ClockMoved { by_micros: i64 },
    /// A person asked to stop.
    CancelAsked { by: String },
    /// A freeze, a window or a ceiling: no further change is begun. `by` names it.
    Braked { by: String },
    /// The end.
    Ended { outcome: Outcome, because: String },
    /// A record that this version does not know. The run escalates: somebody newer wrote it.
    #[serde(other)]
    Unknown,
}

impl RunEvent {
    /// The step that it is about; `None`: it is about the run.
    pub fn step(&self) -> Option<&StepAddress> {
        match self {
            RunEvent::Checked { step, .. }
            | RunEvent::Chosen { step, .. }
            | RunEvent::Set { step, .. }
            | RunEvent::Listed { step, .. }
            | RunEvent::Wave { step, .. }
            | RunEvent::WaveAnew { step, .. }
            | RunEvent::ItemRead { step, .. }
            | RunEvent::ItemEnded { step, .. }
            | RunEvent::Read { step, .. }
            | RunEvent::ReadFailed { step, .. }
            | RunEvent::Failed { step, .. }
            | RunEvent::Waiting { step, .. }
            | RunEvent::Waited { step }
            | RunEvent::Skipped { step, .. }
            | RunEvent::Started { step, .. }
            | RunEvent::Done { step, .. }
            | RunEvent::Unneeded { step, .. }
            | RunEvent::Verifying { step, .. }
            | RunEvent::Watching { step, .. }
            | RunEvent::Watched { step, .. }
            | RunEvent::Looked { step, .. }
            | RunEvent::Stands { step, .. }
            | RunEvent::HandedOver { step, .. }
            | RunEvent::Told { step, .. }
            | RunEvent::Filed { step, .. } => Some(step),
            RunEvent::Claimed { .. }
            | RunEvent::TargetRead { .. }
            | RunEvent::Entered { .. }
            | RunEvent::Proposed { .. }
            | RunEvent::ApprovalAsked { .. }
            | RunEvent::ApprovalAnswered { .. }
            | RunEvent::DiagnosedAnew { .. }
            | RunEvent::SourceAsked { .. }
            | RunEvent::AlertResolved
            | RunEvent::ClockMoved { .. }
            | RunEvent::CancelAsked { .. }
            | RunEvent::Braked { .. }
            | RunEvent::Ended { .. }
            | RunEvent::Unknown => None,
        }
    }

    /// Its `kind` on the log.
    pub fn name(&self) -> &'static str {
        match self {
            RunEvent::Claimed { .. } => "claimed",
            RunEvent::TargetRead { .. } => "target_read",
            RunEvent::Entered { .. } => "entered",
            RunEvent::Checked { .. } => "checked",
            RunEvent::Chosen { .. } => "chosen",
            RunEvent::Set { .. } => "set",
            RunEvent::Listed { .. } => "listed",
            RunEvent::Wave { .. } => "wave",
            RunEvent::WaveAnew { .. } => "wave_anew",
            RunEvent::ItemRead { .. } => "item_read",
            RunEvent::ItemEnded { .. } => "item_ended",
            RunEvent::Read { .. } => "read",
            RunEvent::ReadFailed { .. } => "read_failed",
            RunEvent::Failed { .. } => "failed",
            RunEvent::Waiting { .. } => "waiting",
            RunEvent::Waited { .. } => "waited",
            RunEvent::Skipped { .. } => "skipped",
            RunEvent::Proposed { .. } => "proposed",
            RunEvent::ApprovalAsked { .. } => "approval_asked",
            RunEvent::ApprovalAnswered { .. } => "approval_answered",
            RunEvent::Started { .. } => "started",
            RunEvent::Done { .. } => "done",
            RunEvent::Unneeded { .. } => "unneeded",
            RunEvent::Verifying { .. } => "verifying",
            RunEvent::Watching { .. } => "watching",
            RunEvent::Watched { .. } => "watched",
            RunEvent::Looked { .. } => "looked",
            RunEvent::Stands { .. } => "stands",
            RunEvent::HandedOver { .. } => "handed_over",
            RunEvent::Told { .. } => "told",
            RunEvent::Filed { .. } => "filed",
            RunEvent::DiagnosedAnew { .. } => "diagnosed_anew",
            RunEvent::SourceAsked { .. } => "source_asked",
            RunEvent::AlertResolved => "alert_resolved",
            RunEvent::ClockMoved { .. } => "clock_moved",
            RunEvent::CancelAsked { .. } => "cancel_asked",
            RunEvent::Braked { .. } => "braked",
            RunEvent::Ended { .. } => "ended",
            RunEvent::Unknown => "unknown",
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_false(is: &bool) -> bool {
    !is
}

/// What a change waits for that may pass by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WaitsFor {
    /// Another run works on the object.
    Lock,
    /// A limit over all runs.
    Limit,
    /// The lease by which one bot alone changes the cluster.
    Mandate,
}

/// What a source says of an alert that is old news.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceAnswer {
    /// It still fires: this alert, or another one about the run's target.
    Fires { alert: String },
    /// It does not list it.
    NotListed,
    /// It could not be asked, or did not answer.
    NotAsked { because: String },
}
