//! What a run's log comes to.

mod answers;
mod times;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use crate::cluster::Object;
use crate::engine::ask_source::Heard;
use crate::engine::loops::Loop;
use crate::engine::status::{Status, Tried};
use crate::engine::undo::Undone;
use crate::language::Scope;
use crate::model::{
    ActingRole, ConditionKind, HumanDuration, Intent, ItemOutcome, Look, Outcome, Phase, Preview, RunEvent, StepAddress,
};
pub use answers::Approval;

/// The fold of a run's log. It holds recorded decisions only: nothing is evaluated again.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RunState {
    pub phase: Option<Phase>,
    /// Why the run is in its phase.
    pub entered_because: String,
    /// Who can act on what it escalates for, as the playbook says.
    pub role: Option<ActingRole>,
    /// The target was read, and `object` is what was there when it was last there.
    pub target_read: bool,
    pub object: Option<Object>,
    /// It was not there when it was read last: an earlier step took it away, or somebody else did.
    pub target_gone: bool,
    /// Each step's output, under the step's id.
    pub outputs: Scope,
    /// How far each step is that has begun.
    pub steps: BTreeMap<StepAddress, Status>,
    /// The loops that have their lists, the last one last: it is the one under way.
    pub loops: Vec<Loop>,
    /// When it was last found out or decided what is wrong.
    pub diagnosed_at: Option<DateTime<Utc>>,
    /// The names that the diagnosis gave.
    diagnosed: BTreeSet<String>,
    /// It was diagnosed anew since a person said yes.
    pub yes_is_older: bool,
    /// When its question was answered last.
    pub answered_at: Option<DateTime<Utc>>,
    /// At least one mutation was made.
    pub mutated: bool,
    /// Why the run is done with nothing to do.
    pub done: Option<String>,
    /// Why the run cannot go on by itself.
    pub trouble: Option<String>,
    /// What its log holds that cannot be there.
    pub illegal: Option<String>,
    pub proposed: Option<Preview>,
    pub approval: Approval,
    /// The last step or loop before which it asked by a question of its own. What follows is
    /// covered by that answer, and done on no lesser one.
    pub asked_before: Option<StepAddress>,
    pub alert_resolved: bool,
    pub cancelled_by: Option<String>,
    /// The brake that lets it begin no further change.
    pub braked_by: Option<String>,
    /// The steps that really changed something, each with what it made.
    pub(super) made: BTreeMap<StepAddress, Intent>,
    /// What became of taking back what a step changed.
    pub(super) undone: BTreeMap<StepAddress, Undone>,
    /// A page of the playbook went out.
    pub paged: bool,
    /// So many tickets of the playbook were filed.
    pub filed: BTreeSet<String>,
    pub ended: Option<Outcome>,
    /// When it was to go on at the latest, by its last record.
    pub goes_on_at: Option<DateTime<Utc>>,
    /// When something was recorded last.
    pub last_at: Option<DateTime<Utc>>,
    /// For how long nobody went on with it, at the longest, since a person last said yes or its
    /// source was asked. What its alert waited before it counts, too.
    pub left_alone: TimeDelta,
    /// What its source said, since a person last said yes.
    pub heard: Option<Heard>,
}

impl RunState {
    /// The fold of a whole log, of a run whose alert had waited for so long.
    pub fn of(log: &[(DateTime<Utc>, RunEvent)], alert_waited: Option<HumanDuration>) -> Self {
        let left_alone = alert_waited.and_then(|waited| TimeDelta::from_std(waited.0).ok()).unwrap_or_default();
        let mut state = Self { left_alone, ..Self::default() };
        for (at, event) in log {
            state.take(*at, event);
        }
        state
    }

    /// The target as it is now; `None` when it is not there.
    pub fn live_object(&self) -> Option<&Object> {
        self.object.as_ref().filter(|_| !self.target_gone)
    }

    /// How far a step is; `None` when it has not begun.
    pub fn status(&self, step: &StepAddress) -> Option<&Status> {
        self.steps.get(step)
    }

    /// What was tried of a step that is under way.
    pub fn tried(&self, step: &StepAddress) -> Tried {
        self.status(step).and_then(Status::tried).cloned().unwrap_or_default()
    }

    /// The number of its next attempt.
    pub fn next_attempt(&self, step: &StepAddress) -> u32 {
        self.tried(step).attempts + 1
    }

    /// It needs no more.
    pub fn is_finished(&self, step: &StepAddress) -> bool {
        matches!(self.status(step), Some(Status::Finished { .. }))
    }

    /// A change was made and no verify proved it, or nobody knows what became of one.
    pub fn is_in_vain(&self) -> bool {
        let is_open = |status: &Status| matches!(status, Status::Verifying { .. } | Status::Started { .. });
        self.steps.values().any(is_open)
    }

    /// Takes in one more record.
    pub fn take(&mut self, at: DateTime<Utc>, event: &RunEvent) {
        self.take_time(at, event);
        if let Some(step) = event.step() {
            self.take_of_step(at, step, event);
            return;
        }
        match event {
            RunEvent::TargetRead { object } => {
                if !self.target_read {
                    // Attempts to read it that failed are not those of the first step.
                    let diagnosis = self.steps.iter_mut().filter(|(step, _)| step.phase() == Phase::Diagnose);
                    diagnosis.for_each(|(_, status)| status.forget_failures());
                    self.is_the_same(object.as_ref());
                }
                self.target_read = true;
                self.target_gone = object.is_none();
                // What it was is still what conditions and texts speak of.
                if let Some(object) = object {
                    self.object = Some(Object(object.clone()));
                }
            }
            RunEvent::Entered { phase, because } => {
                if self.phase.is_some_and(|before| before > *phase) {
                    self.is_illegal(format!("its log enters {phase} after a later phase"));
                    return;
                }
                self.phase = Some(*phase);
                self.entered_because.clone_from(because);
            }
            RunEvent::Proposed { preview } => self.proposed = Some(preview.clone()),
            RunEvent::DiagnosedAnew { .. } => self.begin_again(at),
            RunEvent::ApprovalAsked { approval, preview, expires_at, before, .. } => {
                self.yes_is_older = false;
                self.asked_before = before.clone().or(self.asked_before.take());
                let (id, preview, expires_at, before) = (*approval, preview.clone(), *expires_at, before.clone());
                self.approval = Approval::Asked { id, preview, expires_at, before };
                // What was tried to find out what to ask is not on the account of the change. Items
                // that were begun go on beside it.
                let loops = &self.loops;
                let is_begun = |step: &StepAddress| {
                    let item = step.items().first().and_then(|key| loops.last()?.item(key));
                    item.is_some_and(|item| item.is_touched)
                };
                let asked = self.steps.iter_mut().filter(|(step, _)| !is_begun(step));
                asked.for_each(|(_, status)| status.forget_failures());
            }
            RunEvent::ApprovalAnswered { approval, verdict, by, reason, .. } => {
                self.answered_at = Some(at);
                self.take_answer(*approval, *verdict, by, reason.as_deref());
            }
            RunEvent::SourceAsked { waited, answer, again_at } => self.take_source(at, *waited, answer, *again_at),
            RunEvent::AlertResolved => self.alert_resolved = true,
            RunEvent::ClockMoved { by_micros } => self.move_times(TimeDelta::microseconds(*by_micros)),
            RunEvent::CancelAsked { by } => self.cancelled_by = Some(by.clone()),
            RunEvent::Braked { by } => self.braked_by = Some(by.clone()),
            RunEvent::Ended { outcome, .. } => self.ended = Some(*outcome),
            RunEvent::Unknown => self.is_in_trouble(
                "its log or its inbox holds something that this version of dogwatch does not know".into(),
            ),
            // What is about a step was taken in above.
            _ => {}
        }
    }

    /// A record about a step. One that cannot follow what is there changes nothing, and is for a
    /// human to look at.
    fn take_of_step(&mut self, at: DateTime<Utc>, step: &StepAddress, event: &RunEvent) {
        let is_late_undo = step.is_undo() && self.phase == Some(Phase::Escalate);
        if !is_late_undo && self.phase.is_some_and(|phase| phase != step.phase()) {
            self.is_illegal(format!("{step}: its log speaks of it in another phase"));
            return;
        }
        if let Err(why) = self.may_follow(step, event) {
            self.is_illegal(format!("{step}: {why}"));
            return;
        }
        let begun = self.tried(step).begun;
        match Status::after(self.status(step), at, event) {
            Ok(status) => self.steps.insert(step.clone(), status),
            Err(illegal) => {
                self.is_illegal(format!("{step}: {illegal}"));
                return;
            }
        };
        if step.is_undo() {
            self.take_undo(step, event);
            return;
        }
        if let Some(listed) = self.loops.last_mut().filter(|_| !step.items().is_empty()) {
            listed.looked_at = Some(at);
        }
        if step.phase() == Phase::Diagnose {
            self.diagnosed_at = Some(at);
            self.diagnosed.extend(step.id().map(str::to_owned));
            if let RunEvent::Set { values, .. } = event {
                self.diagnosed.extend(values.keys().cloned());
            }
        }
        match event {
            RunEvent::Listed { item, items, .. } => {
                self.loops.push(Loop::new(step.clone(), item.clone(), items.clone()));
            }
            RunEvent::Wave { keys, .. } => {
                if let Err(why) = self.loops.last_mut().map_or(Ok(()), |listed| listed.begin(at, keys)) {
                    self.is_illegal(format!("{step}: {why}"));
                }
            }
            RunEvent::WaveAnew { .. } => self.begin_wave_again(step),
            RunEvent::ItemRead { object, .. } => {
                if let Some(item) = self.item_mut(step) {
                    item.read(object.as_ref());
                }
            }
            RunEvent::ItemEnded { outcome, because, .. } => {
                let is_held_up = *outcome == ItemOutcome::LeftAlone && self.is_held_up(step);
                if let Some(item) = self.item_mut(step) {
                    item.ended = Some((*outcome, because.clone()));
                    item.is_held_up = is_held_up;
                }
            }
            RunEvent::Checked { condition: ConditionKind::DoneIf, held: true, because, .. } => {
                match self.item_mut(step) {
                    Some(item) => item.done = Some(because.clone()),
                    None => self.done = Some(because.clone()),
                }
            }
            RunEvent::Checked { condition: ConditionKind::Require, held: false, because, role, .. }
            | RunEvent::Checked { condition: ConditionKind::EscalateIf, held: true, because, role, .. } => {
                self.step_is_in_trouble(step, because.clone());
                self.role = *role;
            }
            RunEvent::Checked { condition: ConditionKind::LeaveIf, held: true, because, .. } => {
                if let Some(item) = self.item_mut(step) {
                    item.left = Some(because.clone());
                }
            }
            RunEvent::Chosen { branch, .. } => {
                let output = serde_json::json!({ "branch": branch });
                self.keep_output(step, &output, branch, None);
            }
            RunEvent::Set { values, .. } => self.outputs_of(step).extend(values.clone()),
            RunEvent::Read { output, summary, .. } => self.keep_output(step, output, summary, None),
            RunEvent::ReadFailed { error, .. } => {
                let output = serde_json::json!({ "error": error });
                self.keep_output(step, &output, &format!("no answer: {error}"), None);
            }
            RunEvent::Started { remedy, .. } => {
                if let Some(item) = self.item_mut(step) {
                    item.is_touched = true;
                    item.remedies.extend(remedy.as_deref().cloned());
                    if let Some(listed) = self.loops.last_mut() {
                        listed.touched_at = listed.touched_at.or(Some(at));
                    }
                }
            }
            RunEvent::Done { output, summary, .. } => {
                self.mutated = true;
                // None is made that was not begun.
                self.made.extend(begun.map(|(_, intent)| (step.clone(), intent)));
                if let Some(item) = self.item_mut(step) {
                    (item.is_touched, item.is_begun) = (true, true);
                    item.last = Some(summary.clone());
                }
                self.keep_output(step, output, summary, Some(true));
            }
            RunEvent::Unneeded { output, summary, .. } => {
                if let Some(item) = self.item_mut(step) {
                    item.last = Some(summary.clone());
                }
                self.keep_output(step, output, summary, Some(false));
            }
            RunEvent::Looked { verdict: Look::Bad, summary, .. } => {
                self.step_is_in_trouble(step, format!("the verify of {step} failed: {summary}"));
            }
            RunEvent::Told { page, .. } => self.paged |= page,
            RunEvent::Filed { left_out: None, key, .. } => drop(self.filed.insert(key.clone())),
            _ => {}
        }
    }

    /// What is known of a change that is to be taken back. Conditions and texts see it under the
    /// step's id.
    fn take_undo(&mut self, step: &StepAddress, event: &RunEvent) {
        let (field, text, undone) = match event {
            RunEvent::Done { summary, .. } | RunEvent::Unneeded { summary, .. } => {
                ("undone", summary, Undone::Back(summary.clone()))
            }
            RunEvent::Stands { because, .. } => ("undo_error", because, Undone::Stands(because.clone())),
            _ => return,
        };
        self.undone.insert(step.of_step(), undone);
        let text = Value::String(text.clone());
        if let Some(Value::Object(output)) = step.id().and_then(|id| self.outputs_of(step).get_mut(id)) {
            output.insert(field.to_owned(), text);
        }
    }

    /// A look that is not for the log. It is forgotten with this process, and made again by the
    /// next.
    pub fn looked(&mut self, at: DateTime<Utc>, event: &RunEvent) {
        if let RunEvent::Watched { step, verdict, .. } = event
            && let Some(Status::Watching(watched)) = self.steps.get_mut(step)
        {
            *watched = watched.looked(at, *verdict);
        }
    }

    /// The diagnosis begins again. What is of the mitigation stands.
    fn begin_again(&mut self, at: DateTime<Utc>) {
        if self.phase != Some(Phase::Mitigate) || self.mutated {
            self.is_illegal("its log diagnoses anew what was not about to be changed".to_owned());
            return;
        }
        self.phase = Some(Phase::Diagnose);
        self.target_read = false;
        self.diagnosed_at = Some(at);
        self.steps.retain(|step, _| step.phase() != Phase::Diagnose);
        self.loops.retain(|listed| listed.address.phase() != Phase::Diagnose);
        let names = std::mem::take(&mut self.diagnosed);
        self.outputs.retain(|name, _| !names.contains(name));
        self.yes_is_older = matches!(self.approval, Approval::Granted { .. });
    }

    /// Whether what is read now is what was diagnosed before, where it was.
    fn is_the_same(&mut self, now: Option<&Value>) {
        let Some(before) = &self.object else { return };
        let why = match now.map(|now| Object(now.clone())) {
            None => "the target is not there any more",
            Some(now) if now.uid() != before.uid() => "the target was replaced by another of the same name meanwhile",
            Some(_) => return,
        };
        self.is_in_trouble(why.to_owned());
    }

    pub(in crate::engine) fn is_illegal(&mut self, what: String) {
        self.illegal.get_or_insert_with(|| what.clone());
        self.is_in_trouble(what);
    }

    pub(super) fn is_in_trouble(&mut self, because: String) {
        self.trouble = Some(because);
        self.role = None;
    }

    fn forget_failures(&mut self) {
        self.steps.values_mut().for_each(Status::forget_failures);
    }

    /// `made`, of a step that changes something: whether it did, or found it unneeded.
    fn keep_output(&mut self, step: &StepAddress, output: &Value, summary: &str, made: Option<bool>) {
        let Some(id) = step.id() else { return };
        let mut fields = output.as_object().cloned().unwrap_or_default();
        fields.insert("summary".into(), Value::String(summary.to_owned()));
        fields.extend(made.map(|made| ("made".to_owned(), Value::Bool(made))));
        let id = id.to_owned();
        self.outputs_of(step).insert(id, Value::Object(fields));
    }
}
