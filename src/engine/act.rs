//! The part of driving a run in which the world is changed: the intent goes on the log first, and what became of it
//! after.

use chrono::{DateTime, Utc};

use super::drive::{Driver, Flow};
use super::evidence::kept;
use super::freeze_map::MapSays;
use super::mutate::{self, Attempt};
use super::plan::left_alone;
use super::read;
use super::repeats::remedy;
use super::state::Approval;
use super::status::Status;
use super::timing::{DOUBT_LOOK_EVERY, DOUBT_PATIENCE, LEASE_MARGIN, LOCK_LOOK_EVERY, LOCK_PATIENCE};
use super::timing::{LEAST_MANDATE, MANDATE_LOOK_EVERY, MANDATE_PATIENCE, MUTATION_WITHIN};
use super::walk::StepAt;
use crate::action::{ActionError, Mutation, Output, Plan};
use crate::mandate::NoMandate;
use crate::model::{Intent, RunEvent};
use crate::store::{Append, Appended, Guard, StoreError};

/// A renewal is due by now, and late.
fn soon_renewed() -> NoMandate {
    NoMandate { observes: false, because: "the lease of this cluster is about to run out, and is renewed first".into() }
}

impl Driver<'_> {
    /// Reads the target again, decides, and makes the change.
    ///
    /// A request of an earlier attempt that was given up may have come through late: then this is what was wanted, and to
    /// decide anew, on what it left behind, would be to do it twice.
    pub(super) async fn act(
        &mut self,
        at: &StepAt<'_>,
        action: &dyn Mutation,
        attempt: u32,
    ) -> Result<Flow, StoreError> {
        if let Some((earlier, intent)) = self.state.tried(&at.address).begun {
            match mutate::doubt(self.world, &self.frame.run.target, action, &intent, self.until()).await {
                Attempt::NotDone(_) => {}
                Attempt::Done(output) | Attempt::Recovered(output) => {
                    return self.made(at, earlier, output, true).await;
                }
                Attempt::Failed(error) | Attempt::InDoubt(error) => {
                    return self.failed(at, attempt, error, Vec::new()).await;
                }
            }
        }
        self.decide(at, action, attempt).await
    }

    async fn decide(&mut self, at: &StepAt<'_>, action: &dyn Mutation, attempt: u32) -> Result<Flow, StoreError> {
        let before = self.state.object.as_ref().map(|object| object.uid().to_owned());
        let read = match read::read_target(self.world, &self.frame, self.until()).await {
            Ok(event) => event,
            Err(error) => return self.failed(at, attempt, error, Vec::new()).await,
        };
        let mut fresh = self.state.clone();
        fresh.take(self.now(), &read);
        if let (Some(before), Some(object)) = (&before, fresh.live_object())
            && before != object.uid()
        {
            let message = format!("{} was replaced by another of the same name meanwhile", self.frame.run.target);
            return self.failed(at, attempt, ActionError::needs_human(message), vec![read]).await;
        }
        let intent = match mutate::prepare(self.world, &self.frame, &fresh, at, action, self.until()).await {
            Ok(Plan::Do(intent)) => intent,
            Ok(Plan::Unneeded(output)) => {
                let (output, summary) = kept(output, self.frame.output_limit);
                let unneeded = RunEvent::Unneeded { step: at.address.clone(), summary, output };
                self.append(Append { events: vec![read, unneeded], ..Append::default() }).await?;
                return Ok(Flow::On);
            }
            Err(error) => return self.failed(at, attempt, error, vec![read]).await,
        };
        // A group that was begun is finished.
        let in_group = at.is_in_begun_group(&self.state);
        if !in_group && let Some(error) = self.why_not_again(action, &intent).await? {
            return self.failed(at, attempt, error, vec![read]).await;
        }
        if let Some(error) = self.not_as_approved(at, &intent) {
            return self.failed(at, attempt, error, vec![read]).await;
        }
        self.start(at, action, attempt, intent, vec![read]).await
    }

    /// What was approved is what is done: to the letter, where the preview was certain.
    fn not_as_approved(&self, at: &StepAt<'_>, intent: &Intent) -> Option<ActionError> {
        let Approval::Granted { preview, by } = &self.state.approval else { return None };
        let Some(shown) = preview.steps.iter().find(|shown| shown.step == at.address) else {
            let message = format!("{by} approved what was shown, and not `{}`", intent.summary);
            return Some(ActionError::needs_human(message));
        };
        (shown.certain && shown.summary != intent.summary).then(|| {
            ActionError::needs_human(format!(
                "{by} approved `{}`, but now it would `{}`",
                shown.summary, intent.summary
            ))
        })
    }

    /// Puts the intent on the log, then makes the change.
    async fn start(
        &mut self,
        at: &StepAt<'_>,
        action: &dyn Mutation,
        attempt: u32,
        intent: Intent,
        mut events: Vec<RunEvent>,
    ) -> Result<Flow, StoreError> {
        let finishes_group = at.is_in_begun_group(&self.state);
        if !finishes_group {
            match self.held_up(&intent).await {
                MapSays::NotFrozen => {}
                MapSays::Frozen(by) => return self.stopped_by(by, events).await,
                MapSays::Unknown(error) => return self.failed(at, attempt, error, events).await,
            }
        }
        let mandate = match self.options.mandate.left(self.world.clock.as_ref()) {
            Ok(left) if left >= LEAST_MANDATE => left,
            Ok(_) => return self.wait_for_mandate(at, attempt, events, soon_renewed()).await,
            Err(why) => return self.wait_for_mandate(at, attempt, events, why).await,
        };
        // The append prolongs the lease: the deadline lies before its new end, and before anybody
        // else may change the cluster.
        let longest = self.options.lease.saturating_sub(LEASE_MARGIN).min(MUTATION_WITHIN);
        let deadline = self.now() + at.step.timeout.unwrap_or(longest).min(longest).min(mandate);
        events.push(RunEvent::Started {
            step: at.address.clone(),
            attempt,
            intent: intent.clone(),
            deadline,
            remedy: Some(Box::new(remedy(action, &intent))),
        });
        let mut locks = vec![self.frame.run.target.key(), intent.object.key()];
        locks.dedup();
        let guard = Guard { locks, namespaces: self.namespaces(&intent), finishes_group };
        match self.append(Append { events, guard: Some(guard), ..Append::default() }).await? {
            None => {}
            Some(Appended::InboxFirst(inbox)) => {
                self.inbox = inbox;
                return Ok(Flow::On);
            }
            Some(Appended::Locked { key, by }) => {
                return self.wait_for_lock(at, attempt, &key, &by.to_string()).await;
            }
            Some(Appended::Frozen(freeze)) => return self.stopped_by(freeze.named(), Vec::new()).await,
            Some(Appended::Done { .. }) => return Ok(Flow::On),
        }
        if self.now() >= deadline {
            // The store took its time, and nothing was sent. Whether the attempt is still to be made is asked as after a
            // crash, and it gets a deadline of its own then.
            return Ok(Flow::On);
        }
        if self.options.mandate.left(self.world.clock.as_ref()).is_err() {
            // Lost since: nothing was sent, and the attempt is asked about as after a crash.
            return Ok(Flow::On);
        }
        match mutate::apply(self.world, &self.frame.run.target, action, &intent, deadline, self.until()).await {
            Attempt::Done(output) => self.made(at, attempt, output, false).await,
            Attempt::Recovered(output) => self.made(at, attempt, output, true).await,
            Attempt::Failed(error) => self.failed(at, attempt, error, Vec::new()).await,
            Attempt::InDoubt(error) => self.stay_in_doubt(at, error).await,
            // `apply` answers this case as a failure: the attempt had no effect.
            Attempt::NotDone(_) => Ok(Flow::On),
        }
    }

    async fn made(
        &mut self,
        at: &StepAt<'_>,
        attempt: u32,
        output: Output,
        recovered: bool,
    ) -> Result<Flow, StoreError> {
        let (output, summary) = kept(output, self.frame.output_limit);
        self.record(RunEvent::Done { step: at.address.clone(), attempt, output, summary, recovered }).await
    }

    /// A mutation was on the log, and nobody knows what became of it.
    pub(super) async fn doubt(
        &mut self,
        at: &StepAt<'_>,
        action: &dyn Mutation,
        attempt: u32,
        intent: &Intent,
        since: DateTime<Utc>,
    ) -> Result<Flow, StoreError> {
        match mutate::doubt(self.world, &self.frame.run.target, action, intent, self.until()).await {
            Attempt::Done(output) | Attempt::Recovered(output) => self.made(at, attempt, output, true).await,
            Attempt::Failed(error) => self.failed(at, attempt, error, Vec::new()).await,
            // Doubt keeps the attempt: the same one is made, on a fresh precondition.
            Attempt::NotDone(intent) => {
                let unwanted = self.state.alert_resolved || self.state.cancelled_by.is_some();
                // A group that was begun is finished: deleting a Job may well be what resolved the alert, and what is left
                // then is to start it again.
                let in_group = at.is_in_begun_group(&self.state);
                if unwanted && !in_group {
                    let message = "it was not done before the restart, and is not wanted any more";
                    return self.failed(at, attempt, ActionError::fail(message), Vec::new()).await;
                }
                if !in_group && left_alone(self.playbook, &self.state).is_some() {
                    let message = "it was not done before nobody went on with it, and is decided anew";
                    return self.failed(at, attempt, ActionError::retry(message), Vec::new()).await;
                }
                self.start(at, action, attempt, intent, Vec::new()).await
            }
            Attempt::InDoubt(error) if self.now() < since + DOUBT_PATIENCE => self.stay_in_doubt(at, error).await,
            Attempt::InDoubt(error) => {
                let message = format!("it is not known whether this was done: {}: {error}", intent.summary);
                self.failed(at, attempt, ActionError::needs_human(message), Vec::new()).await
            }
        }
    }

    async fn stay_in_doubt(&mut self, at: &StepAt<'_>, error: ActionError) -> Result<Flow, StoreError> {
        let until = self.now() + DOUBT_LOOK_EVERY;
        let because = format!("it is not known yet whether it was done: {error}");
        self.park(vec![RunEvent::Waiting { step: at.address.clone(), until, because }], until).await
    }

    /// Nothing is sent while another bot may change the cluster. Whether that is so shows in a
    /// moment, but for one that only observes.
    async fn wait_for_mandate(
        &mut self,
        at: &StepAt<'_>,
        attempt: u32,
        mut events: Vec<RunEvent>,
        why: NoMandate,
    ) -> Result<Flow, StoreError> {
        let now = self.now();
        let since = match self.state.status(&at.address) {
            Some(Status::Started { since, .. }) => *since,
            _ => self.state.tried(&at.address).lock_since.unwrap_or(now),
        };
        if why.observes || now >= since + MANDATE_PATIENCE {
            let error = ActionError::needs_human(format!("it was not done, as {why}"));
            return self.failed(at, attempt, error, events).await;
        }
        let until = now + MANDATE_LOOK_EVERY;
        events.push(RunEvent::Waiting { step: at.address.clone(), until, because: why.because });
        self.park(events, until).await
    }

    async fn wait_for_lock(&mut self, at: &StepAt<'_>, attempt: u32, key: &str, by: &str) -> Result<Flow, StoreError> {
        let now = self.now();
        let since = self.state.tried(&at.address).lock_since.unwrap_or(now);
        if now >= since + LOCK_PATIENCE {
            let message = format!("{by} holds {key} since more than {} minutes", LOCK_PATIENCE.as_secs() / 60);
            return self.failed(at, attempt, ActionError::needs_human(message), Vec::new()).await;
        }
        let until = now + LOCK_LOOK_EVERY;
        let because = format!("{by} works on {key}");
        self.park(vec![RunEvent::Waiting { step: at.address.clone(), until, because }], until).await
    }
}
