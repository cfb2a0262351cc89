//! What a run's log comes to.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use super::ask_source::Heard;
use crate::cluster::Object;
use crate::language::Scope;
use crate::model::{
    ApprovalId, ConditionKind, FailureClass, HumanDuration, Intent, Look, Outcome, Phase, Preview, RunEvent,
    SourceAnswer, StepPath, Verdict,
};

/// The fold of a run's log. It holds recorded decisions only: nothing is evaluated again.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RunState {
    pub phase: Option<Phase>,
    /// Why the run is in its phase.
    pub entered_because: String,
    /// The target was read, and `object` is what was there when it was last there.
    pub target_read: bool,
    pub object: Option<Object>,
    /// It was not there when it was read last: an earlier step took it away, or somebody else did.
    pub target_gone: bool,
    /// Each step's output, under the step's id.
    pub outputs: Scope,
    /// Steps that need no more: read, skipped, verified, told.
    pub finished: BTreeSet<StepPath>,
    /// Steps whose `when` held.
    pub wanted: BTreeSet<StepPath>,
    /// Mutations that were made, or found unneeded; they may have a verify ahead.
    pub made: BTreeSet<StepPath>,
    /// The step that is under way, and how far it is.
    pub current: Option<(StepPath, Progress)>,
    /// At least one mutation was made.
    pub mutated: bool,
    /// Why the run is done with nothing to do.
    pub done: Option<String>,
    /// Why the run cannot go on by itself.
    pub trouble: Option<String>,
    pub proposed: Option<Preview>,
    pub approval: Approval,
    pub alert_resolved: bool,
    pub cancelled_by: Option<String>,
    /// A page of the playbook went out.
    pub paged: bool,
    pub ended: Option<Outcome>,
    /// When it was to go on at the latest, by its last record.
    pub goes_on_at: Option<DateTime<Utc>>,
    /// For how long nobody went on with it, at the longest, since a person last said yes or its
    /// source was asked. What its alert waited before it counts, too.
    pub left_alone: TimeDelta,
    /// What its source said, since a person last said yes.
    pub heard: Option<Heard>,
}

/// How far a step is.
#[derive(Debug, Clone, PartialEq)]
pub enum Progress {
    /// An attempt failed, another run holds the lock, or a `wait` runs: nothing before `until`.
    Waiting { until: DateTime<Utc>, tried: Tried },
    /// Failed for good, unless a `waiting` follows.
    Failed { tried: Tried, class: FailureClass, error: String },
    /// A mutation was about to be made, at `since`. Read back from the log after a crash, this is doubt.
    Started { tried: Tried, intent: Box<Intent>, since: DateTime<Utc>, look_at: Option<DateTime<Utc>> },
    /// A mutation was made; what is left is its verify.
    Made { at: DateTime<Utc> },
    /// A verify waits for its next look.
    Verifying { look_at: DateTime<Utc>, give_up_at: DateTime<Utc>, last: Option<(DateTime<Utc>, String)> },
}

/// What the attempts of a step that is under way left behind. Each of its times has a patience of its own.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tried {
    /// How many there were, the one that is under way included.
    pub attempts: u32,
    /// Since when they fail; to wait for a lock is no failure.
    pub first_failed_at: Option<DateTime<Utc>>,
    /// Since when another run's lock is waited for.
    pub lock_since: Option<DateTime<Utc>>,
    /// The last attempt that was begun, and what it wanted: a request may still take effect after it was given up.
    pub begun: Option<(u32, Intent)>,
}

/// Where the run's question to a human stands.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Approval {
    #[default]
    None,
    Asked {
        id: ApprovalId,
        preview: Preview,
        expires_at: DateTime<Utc>,
    },
    Granted {
        preview: Preview,
        by: String,
    },
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
    pub fn progress(&self, step: &StepPath) -> Option<&Progress> {
        self.current.as_ref().filter(|(current, _)| current == step).map(|(_, progress)| progress)
    }

    /// What was tried of a step that is under way.
    pub fn tried(&self, step: &StepPath) -> Tried {
        match self.progress(step) {
            Some(
                Progress::Failed { tried, .. } | Progress::Waiting { tried, .. } | Progress::Started { tried, .. },
            ) => tried.clone(),
            _ => Tried::default(),
        }
    }

    /// Takes in one more record.
    pub fn take(&mut self, at: DateTime<Utc>, event: &RunEvent) {
        self.take_time(at, event);
        match event {
            RunEvent::Claimed { .. } => {}
            RunEvent::TargetRead { object } => {
                if !self.target_read {
                    // Attempts to read it that failed are not those of the first step.
                    self.current = None;
                }
                self.target_read = true;
                self.target_gone = object.is_none();
                // What it was is still what conditions and texts speak of.
                if let Some(object) = object {
                    self.object = Some(Object(object.clone()));
                }
            }
            RunEvent::Entered { phase, because } => {
                self.phase = Some(*phase);
                self.entered_because.clone_from(because);
                self.current = None;
            }
            RunEvent::Checked { step, condition, held, because, .. } => {
                self.take_checked(step, *condition, *held, because)
            }
            RunEvent::Read { step, output, summary } => {
                self.keep_output(step, output, summary, None);
                self.finish(step);
            }
            RunEvent::Failed { step, attempt, class, error } => {
                let mut tried = self.tried(step);
                tried.attempts = *attempt;
                tried.first_failed_at.get_or_insert(at);
                let failed = Progress::Failed { tried, class: *class, error: error.clone() };
                self.current = Some((step.clone(), failed));
            }
            RunEvent::Waiting { step, until, .. } => self.take_waiting(at, step, *until),
            RunEvent::Proposed { preview } => self.proposed = Some(preview.clone()),
            RunEvent::ApprovalAsked { approval, preview, expires_at } => {
                self.approval = Approval::Asked { id: *approval, preview: preview.clone(), expires_at: *expires_at };
                // What was tried to find out what to ask is not on the account of the change.
                self.current = None;
            }
            RunEvent::ApprovalAnswered { approval, verdict, by } => self.take_answer(*approval, *verdict, by),
            RunEvent::Started { step, attempt, intent, .. } => {
                let begun = Some((*attempt, intent.clone()));
                let tried = Tried { attempts: *attempt, lock_since: None, begun, ..self.tried(step) };
                let intent = Box::new(intent.clone());
                let started = Progress::Started { tried, intent, since: at, look_at: None };
                self.current = Some((step.clone(), started));
            }
            RunEvent::Done { step, output, summary, .. } => {
                self.mutated = true;
                self.keep_output(step, output, summary, Some(true));
                self.made.insert(step.clone());
                self.current = Some((step.clone(), Progress::Made { at }));
            }
            RunEvent::Unneeded { step, summary, output } => {
                self.keep_output(step, output, summary, Some(false));
                self.made.insert(step.clone());
                self.current = Some((step.clone(), Progress::Made { at }));
            }
            RunEvent::Verifying { step, look_at, give_up_at } => {
                let last = match self.progress(step) {
                    Some(Progress::Verifying { last, .. }) => last.clone(),
                    _ => None,
                };
                let progress = Progress::Verifying { look_at: *look_at, give_up_at: *give_up_at, last };
                self.current = Some((step.clone(), progress));
            }
            RunEvent::Looked { step, verdict, summary, .. } => self.take_look(at, step, *verdict, summary),
            RunEvent::Waited { step } | RunEvent::Skipped { step, .. } => self.finish(step),
            RunEvent::Told { step, page, .. } => {
                self.paged |= page;
                self.finish(step);
            }
            RunEvent::SourceAsked { waited, answer, again_at } => self.take_source(at, *waited, answer, *again_at),
            RunEvent::AlertResolved => self.alert_resolved = true,
            RunEvent::ClockMoved { by_micros } => self.move_times(TimeDelta::microseconds(*by_micros)),
            RunEvent::CancelAsked { by } => self.cancelled_by = Some(by.clone()),
            RunEvent::Ended { outcome, .. } => self.ended = Some(*outcome),
            RunEvent::Unknown => {
                self.trouble =
                    Some("its log or its inbox holds something that this version of dogwatch does not know".into());
            }
        }
    }

    fn take_time(&mut self, at: DateTime<Utc>, event: &RunEvent) {
        let until = match event {
            RunEvent::Claimed { .. } => {
                let left_alone = self.goes_on_at.map(|goes_on_at| at - goes_on_at).unwrap_or_default();
                self.left_alone = self.left_alone.max(left_alone);
                at
            }
            RunEvent::ApprovalAnswered { verdict: Some(Verdict::Approve), .. } => {
                self.left_alone = TimeDelta::zero();
                at
            }
            RunEvent::SourceAsked { again_at, .. } => {
                self.left_alone = TimeDelta::zero();
                again_at.unwrap_or(at)
            }
            RunEvent::Waiting { until, .. } => *until,
            RunEvent::Verifying { look_at, .. } => *look_at,
            RunEvent::ApprovalAsked { expires_at, .. } => *expires_at,
            RunEvent::ClockMoved { by_micros } => at.max(at + TimeDelta::microseconds(*by_micros)),
            _ => at,
        };
        self.goes_on_at = Some(until.max(at));
    }

    fn take_checked(&mut self, step: &StepPath, condition: ConditionKind, held: bool, because: &str) {
        match (condition, held) {
            (ConditionKind::When, true) => {
                self.wanted.insert(step.clone());
                return;
            }
            (ConditionKind::DoneIf, true) => self.done = Some(because.to_owned()),
            (ConditionKind::Require, false) => self.trouble = Some(because.to_owned()),
            (ConditionKind::When | ConditionKind::DoneIf, false) | (ConditionKind::Require, true) => {}
        }
        self.finish(step);
    }

    fn take_waiting(&mut self, at: DateTime<Utc>, step: &StepPath, until: DateTime<Utc>) {
        let mut tried = self.tried(step);
        let progress = match self.progress(step) {
            // A mutation in doubt stays in doubt while the cluster cannot be asked.
            Some(Progress::Started { intent, since, .. }) => {
                Progress::Started { tried, intent: intent.clone(), since: *since, look_at: Some(until) }
            }
            Some(Progress::Failed { .. }) => Progress::Waiting { until, tried },
            // Nothing failed: another run holds the lock, or the playbook waits.
            _ => {
                tried.lock_since.get_or_insert(at);
                tried.first_failed_at = None;
                Progress::Waiting { until, tried }
            }
        };
        self.current = Some((step.clone(), progress));
    }

    fn take_answer(&mut self, approval: ApprovalId, verdict: Option<Verdict>, by: &str) {
        let Approval::Asked { id, preview, .. } = &self.approval else { return };
        if *id != approval {
            return;
        }
        match verdict {
            Some(Verdict::Approve) => {
                self.approval = Approval::Granted { preview: preview.clone(), by: by.to_owned() };
                self.heard = None;
            }
            Some(Verdict::Deny) => self.trouble = Some(format!("{by} said no to {approval}")),
            None => self.trouble = Some(format!("nobody answered {approval} in time")),
        }
    }

    fn take_source(
        &mut self,
        at: DateTime<Utc>,
        waited: HumanDuration,
        answer: &SourceAnswer,
        again_at: Option<DateTime<Utc>>,
    ) {
        let since = match (&self.heard, answer) {
            (Some(heard), SourceAnswer::NotListed) => heard.not_listed_since(at),
            _ => at,
        };
        self.heard = Some(Heard { answer: answer.clone(), waited, since, again_at });
        // It was a yes to what was so before.
        if matches!(self.approval, Approval::Granted { .. }) {
            self.approval = Approval::None;
        }
    }

    fn take_look(&mut self, at: DateTime<Utc>, step: &StepPath, verdict: Look, summary: &str) {
        match verdict {
            Look::Good => self.finish(step),
            Look::Bad => self.trouble = Some(format!("the verify of {step} failed: {summary}")),
            Look::NotYet => {
                if let Some((current, Progress::Verifying { last, .. })) = &mut self.current
                    && current == step
                {
                    *last = Some((at, summary.to_owned()));
                }
            }
        }
    }

    /// What waits goes on to wait as long as it was meant to, whatever the time is called now.
    fn move_times(&mut self, by: TimeDelta) {
        if let Some((_, progress)) = &mut self.current {
            progress.move_times(by);
        }
        if let Approval::Asked { expires_at, .. } = &mut self.approval {
            *expires_at += by;
        }
        if let Some(heard) = &mut self.heard {
            heard.since += by;
            heard.again_at.iter_mut().for_each(|at| *at += by);
        }
    }

    fn finish(&mut self, step: &StepPath) {
        self.finished.insert(step.clone());
        if self.current.as_ref().is_some_and(|(current, _)| current == step) {
            self.current = None;
        }
    }

    /// `made`, of a step that changes something: whether it did, or found it unneeded.
    fn keep_output(&mut self, step: &StepPath, output: &Value, summary: &str, made: Option<bool>) {
        let Some(id) = step_id(step) else { return };
        let mut fields = output.as_object().cloned().unwrap_or_default();
        fields.insert("summary".into(), Value::String(summary.to_owned()));
        fields.extend(made.map(|made| ("made".to_owned(), Value::Bool(made))));
        self.outputs.insert(id.to_owned(), Value::Object(fields));
    }
}

impl Progress {
    fn move_times(&mut self, by: TimeDelta) {
        match self {
            Progress::Waiting { until, tried } => {
                *until += by;
                tried.move_times(by);
            }
            Progress::Failed { tried, .. } => tried.move_times(by),
            Progress::Started { tried, since, look_at, .. } => {
                tried.move_times(by);
                *since += by;
                look_at.iter_mut().for_each(|at| *at += by);
            }
            Progress::Made { at } => *at += by,
            Progress::Verifying { look_at, give_up_at, last } => {
                *look_at += by;
                *give_up_at += by;
                last.iter_mut().for_each(|(at, _)| *at += by);
            }
        }
    }
}

impl Tried {
    fn move_times(&mut self, by: TimeDelta) {
        self.first_failed_at.iter_mut().chain(&mut self.lock_since).for_each(|at| *at += by);
    }
}

/// The id in a step's path; a step without one is numbered there, and numbers are no ids.
fn step_id(step: &StepPath) -> Option<&str> {
    let last = step.0.rsplit('.').next()?;
    last.starts_with(|c: char| !c.is_ascii_digit()).then_some(last)
}
