//! Driving one run whose lease we hold, until it waits for something or ends.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::act::{act, doubt};
use super::anew;
use super::ask_source::{ask_source, why_asked_anew};
use super::asking::Question;
use super::brakes::{autonomy, frozen_before_it_begins, is_held_back, is_stopped_by_a_brake, run_limits};
use super::evidence::short;
use super::filing;
use super::hand_over::hand_over;
use super::inbox::take_inbox;
use super::observe::{Observed, observe, told};
use super::plan::{Next, plan};
use super::preview::{self, Extent};
use super::repeats::why_not_again;
use super::retry::retry_at;
use super::scope::Frame;
use super::state::RunState;
use super::tally::count;
use super::timing::{ANSWER_LOOK_EVERY, LEASE_MARGIN};
use super::undo::take_back;
use super::waits::wait_for_limit;
use super::walk::{Place, StepAt, next_place};
use super::worker::EngineOptions;
use crate::action::{Action, ActionError, Tell, World};
use crate::alertmanager::Sources;
use crate::metrics::Metrics;
use crate::model::{Outcome, Phase, RunEvent, StepAddress, redact};
use crate::playbook::{Catalog, Playbook, Step, StepKind};
use crate::store::{Append, Appended, Ask, InboxItem, LogPosition, NewPage, PageReason, Store, StoreError};

/// A run under way, with its lease.
pub(super) struct Driver<'a> {
    pub store: &'a Arc<dyn Store>,
    pub world: &'a World,
    pub options: &'a EngineOptions,
    pub metrics: &'a Metrics,
    pub sources: &'a Sources,
    pub playbook: &'a Playbook,
    /// What playbooks there are now.
    pub catalog: &'a Catalog,
    pub frame: Frame,
    pub state: RunState,
    pub at: LogPosition,
    pub lease_until: DateTime<Utc>,
    pub inbox: Vec<(i64, InboxItem)>,
    /// Items of the inbox that cannot be taken in yet: they stay there, and are looked at again when the run is claimed anew.
    pub left: Vec<i64>,
}

/// Whether the driver goes on.
pub(super) enum Flow {
    On,
    /// The lease is given up, or the run has ended.
    Leave,
}

impl Driver<'_> {
    /// Goes on until the run waits or ends.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] when another worker took over; the others when the store fails: the lease then runs out,
    /// and the run is claimed again.
    pub async fn drive(mut self) -> Result<(), StoreError> {
        loop {
            if !self.inbox.is_empty() {
                take_inbox(&mut self).await?;
            }
            if let Flow::Leave = self.step().await? {
                return Ok(());
            }
        }
    }

    async fn step(&mut self) -> Result<Flow, StoreError> {
        let now = self.now();
        let playbook = self.playbook;
        let (autonomy, observes) = autonomy(self);
        let next = plan(playbook, autonomy, &self.state, now);
        if let Some(by) = frozen_before_it_begins(self, &next).await? {
            return self.record(RunEvent::Braked { by }).await;
        }
        if let Some(flow) = is_stopped_by_a_brake(self, &next).await? {
            return Ok(flow);
        }
        let next = match observe(self.world, &self.frame, &self.state, playbook, next, self.until()).await {
            Observed::Record(event) => return self.record(event).await,
            Observed::Failed { at, attempt, error } => return self.failed(&at, attempt, error, Vec::new()).await,
            Observed::TargetUnread(error) => return self.target_unread(error).await,
            Observed::ItemUnread { address, error } => {
                let attempt = self.state.next_attempt(&address);
                return self.failed_at(&address, None, (attempt, false), error, Vec::new()).await;
            }
            Observed::NotYet { looked, is_told: true, .. } => return self.record(looked).await,
            Observed::NotYet { looked, .. } => {
                self.state.looked(self.now(), &looked);
                return Ok(Flow::On);
            }
            Observed::Other(next) => next,
        };
        match next {
            Next::Park { until } => self.park(Vec::new(), until).await,
            Next::Wait { at, lasting } => {
                let until = now + lasting;
                let because = "the playbook waits".to_owned();
                let waits = RunEvent::Waiting { step: at.address.clone(), until, because, waits_for: None };
                self.wait(&at.address, vec![waits], until).await
            }
            Next::Propose => {
                let (frame, state, until) = (&self.frame, &self.state, self.until());
                let outlook = preview::preview(self.world, frame, state, playbook, Extent::Shown, until).await;
                self.record(RunEvent::Proposed { preview: outlook.preview }).await
            }
            Next::AskSource { waited } => ask_source(self, waited).await,
            Next::Ask { at } => match anew::is_due_before(self, &at) {
                Some(because) => self.record(RunEvent::DiagnosedAnew { because }).await,
                None => self.ask(&at, None).await,
            },
            Next::Expire { approval } => {
                let by = "the clock".to_owned();
                self.record(RunEvent::ApprovalAnswered { approval, verdict: None, by, waited: None, reason: None })
                    .await
            }
            Next::Act { at, action, attempt } => {
                if let Some(because) = anew::is_due_before(self, &at) {
                    return self.record(RunEvent::DiagnosedAnew { because }).await;
                }
                if let Some((step, because)) = anew::wave_is_due_before(self, &at) {
                    return self.record(RunEvent::WaveAnew { step, because }).await;
                }
                match anew::why_the_yes_is_void(self).await {
                    Some(why) => self.ask(&at, Some(why)).await,
                    None => act(self, &at, action, attempt).await,
                }
            }
            Next::TakeBack { at, action, made, attempt } => take_back(self, &at, action, &made, attempt).await,
            Next::Doubt { at, action, attempt, intent, since } => {
                doubt(self, &at, action, attempt, &intent, since).await
            }
            Next::BeginVerify { at, look_at, give_up_at } => {
                let event = RunEvent::Verifying { step: at.address.clone(), look_at, give_up_at };
                self.wait(&at.address, vec![event], look_at).await
            }
            Next::HandOver { at, to } => hand_over(self, &at, to).await,
            Next::Tell { at, tell } => self.tell(&at, tell).await,
            Next::End { outcome: Outcome::Proposed, because } => {
                self.end(Outcome::Proposed, observes.unwrap_or(because)).await
            }
            Next::End { outcome, because } => self.end(outcome, because).await,
            // What is asked was asked above.
            Next::Nothing
            | Next::ReadTarget
            | Next::Evaluate { .. }
            | Next::Choose { .. }
            | Next::List { .. }
            | Next::Wave { .. }
            | Next::ReadItem { .. }
            | Next::EndItem { .. }
            | Next::Set { .. }
            | Next::Read { .. }
            | Next::BeginWatch { .. }
            | Next::Watch { .. }
            | Next::EndWait { .. }
            | Next::Skip { .. }
            | Next::Stand { .. }
            | Next::GoWithout { .. }
            | Next::Look { .. }
            | Next::Enter { .. } => Ok(Flow::Leave),
        }
    }

    pub(super) fn now(&self) -> DateTime<Utc> {
        self.world.clock.now()
    }

    /// How long the world may be asked for something: what it says must be on the log while the lease is ours.
    pub(super) fn until(&self) -> DateTime<Utc> {
        self.lease_until - LEASE_MARGIN
    }

    pub(super) async fn record(&mut self, event: RunEvent) -> Result<Flow, StoreError> {
        self.append(Append { events: vec![event], ..Append::default() }).await?;
        Ok(Flow::On)
    }

    pub(super) async fn park(&mut self, events: Vec<RunEvent>, until: DateTime<Utc>) -> Result<Flow, StoreError> {
        // What was left in the inbox is no reason to wake up at once, but one to look again soon.
        let soon = (!self.left.is_empty()).then(|| self.now() + ANSWER_LOOK_EVERY);
        let until = soon.map_or(until, |soon| soon.min(until));
        self.append(Append { events, park_until: Some(until), ..Append::default() }).await?;
        Ok(Flow::Leave)
    }

    /// The step waits until then, and with it the run: unless it is done for one item of many, of
    /// which others may go on.
    pub(super) async fn wait(
        &mut self,
        step: &StepAddress,
        events: Vec<RunEvent>,
        until: DateTime<Utc>,
    ) -> Result<Flow, StoreError> {
        if step.items().is_empty() {
            return self.park(events, until).await;
        }
        self.append(Append { events, ..Append::default() }).await?;
        Ok(Flow::On)
    }

    /// Appends, which prolongs the lease, and takes what was appended into the state. `Some`: a guarded append was refused,
    /// and that is why.
    pub(super) async fn append(&mut self, mut append: Append) -> Result<Option<Appended>, StoreError> {
        append.prolong = Some(self.options.lease);
        append.leaves.clone_from(&self.left);
        // Before it is taken into the state: what this worker goes on with is what the next one
        // would read.
        let append = append.masked();
        // From before the append: by the store's clock the lease ends no earlier.
        let lease_until = self.now() + self.options.lease;
        let events = append.events.clone();
        let asked = append.ask.is_some();
        match self.store.append(self.at, append).await? {
            Appended::Done { at, inbox } => {
                let now = self.now();
                for event in &events {
                    count(self.metrics, self.playbook, event);
                    self.state.take(now, event);
                }
                if asked && let Some((at, event)) = self.store.run_log(self.at.run).await?.last() {
                    self.state.take(*at, event);
                }
                self.at = at;
                self.inbox = inbox;
                self.inbox.retain(|(number, _)| !self.left.contains(number));
                self.lease_until = lease_until;
                Ok(None)
            }
            refused => Ok(Some(refused)),
        }
    }

    /// `again`: why what was answered before is asked again.
    pub(super) async fn ask(&mut self, at: &StepAt<'_>, again: Option<String>) -> Result<Flow, StoreError> {
        let question = Question::at(self.playbook, at, &self.state);
        let (frame, extent, until) = (&self.frame, Extent::Asked { before: question.before.as_ref() }, self.until());
        let mut outlook = preview::preview(self.world, frame, &self.state, self.playbook, extent, until).await;
        let attempt = self.state.next_attempt(&at.address);
        // What comes later may have to wait for what comes first; but that is there to be shown.
        // And nobody is asked about what would be refused.
        if let Some(error) = outlook.unasked.remove(&at.address).or_else(|| outlook.refused.remove(&at.address)) {
            return self.failed(at, attempt, error, Vec::new()).await;
        }
        // Nor about one of many of which nobody can say what it would be.
        if at.is_in_loop() && !outlook.preview.steps.iter().any(|shown| shown.step == at.address && shown.certain) {
            let message = "what it would do cannot be shown before, and so nobody is asked about it";
            return self.failed(at, attempt, ActionError::held_up(message), Vec::new()).await;
        }
        if let (Some(intent), StepKind::Action(Action::Mutate(action))) =
            (outlook.intents.get(&at.address), &at.step.kind)
            && let Some(error) = why_not_again(self, at, action.as_ref(), intent).await?
        {
            return self.failed(at, attempt, error, Vec::new()).await;
        }
        let expires_at = self.now() + question.within(self.options.approval_timeout);
        let terms = question.terms(self.playbook, at, (&self.frame, &self.state), &outlook);
        let ask = Some(Ask { preview: outlook.preview, expires_at, before: question.before, terms });
        let notices = again.or_else(|| why_asked_anew(self)).into_iter().collect();
        // Items of a loop that have begun go on meanwhile.
        let park_until = (!at.is_in_loop()).then_some(expires_at);
        let limits = run_limits(self);
        let asks = Append { ask, notices, park_until, limits, ..Append::default() };
        if let Some(Appended::OverLimit(over)) = self.append(asks).await? {
            return wait_for_limit(self, at, attempt, *over).await;
        }
        Ok(if at.is_in_loop() { Flow::On } else { Flow::Leave })
    }

    async fn target_unread(&mut self, error: ActionError) -> Result<Flow, StoreError> {
        let message = format!("the target {} could not be read: {error}", self.frame.run.target);
        // It is on the account of the first step, which needs it.
        let Some(at) = next_place(self.playbook, Phase::Diagnose, &self.state) else {
            return self.record(RunEvent::Entered { phase: Phase::Escalate, because: message }).await;
        };
        let attempt = self.state.next_attempt(at.address());
        let step = match &at {
            Place::Step(at) => Some(at.step),
            Place::Choose(_) | Place::Loop(_) => None,
        };
        self.failed_at(at.address(), step, (attempt, false), ActionError { message, ..error }, Vec::new()).await
    }

    /// Records a failure, and the next attempt where there is one. `before` goes on the log ahead of it.
    pub(super) async fn failed(
        &mut self,
        at: &StepAt<'_>,
        attempt: u32,
        error: ActionError,
        before: Vec<RunEvent>,
    ) -> Result<Flow, StoreError> {
        self.failed_at(&at.address, Some(at.step), (attempt, false), error, before).await
    }

    /// Records that a limit or a brake said no, for good.
    pub(super) async fn held(
        &mut self,
        at: &StepAt<'_>,
        attempt: u32,
        error: ActionError,
        before: Vec<RunEvent>,
    ) -> Result<Flow, StoreError> {
        self.failed_at(&at.address, Some(at.step), (attempt, true), error, before).await
    }

    /// `step`: what it is, where it is one.
    async fn failed_at(
        &mut self,
        address: &StepAddress,
        step: Option<&Step>,
        (attempt, held): (u32, bool),
        error: ActionError,
        mut before: Vec<RunEvent>,
    ) -> Result<Flow, StoreError> {
        let now = self.now();
        let first_failed_at = self.state.tried(address).first_failed_at.unwrap_or(now);
        let retry = retry_at(step, error.class, attempt, first_failed_at, now, rand::random());
        // An API server quotes what it refuses.
        let message = short(&redact(&error.message));
        before.push(RunEvent::Failed { step: address.clone(), attempt, class: error.class, error: message, held });
        match retry {
            Some(until) => {
                let because = format!("attempt {} follows", attempt + 1);
                before.push(RunEvent::Waiting { step: address.clone(), until, because, waits_for: None });
                self.wait(address, before, until).await
            }
            None => {
                self.append(Append { events: before, ..Append::default() }).await?;
                Ok(Flow::On)
            }
        }
    }

    async fn tell(&mut self, at: &StepAt<'_>, tell: &Tell) -> Result<Flow, StoreError> {
        let acting = self.options.acting.get();
        let told = told(&self.frame, &self.state, self.playbook, &at.address, tell, &acting);
        let mut append = Append::default();
        if let RunEvent::Told { page, team, text, .. } = &told {
            if *page {
                append.pages.push(self.page(team.clone(), Some(text.clone())));
            } else {
                append.notices.push(text.clone());
            }
        }
        append.tickets.extend(filing::of_record(&told));
        append.events.push(told);
        self.append(append).await?;
        Ok(Flow::On)
    }

    fn page(&self, team: String, text: Option<String>) -> NewPage {
        NewPage { level: 1, team, reason: PageReason::Escalated { run: self.frame.run.id }, text }
    }

    async fn end(&mut self, outcome: Outcome, because: String) -> Result<Flow, StoreError> {
        let mut append = Append {
            events: vec![RunEvent::Ended { outcome, because: because.clone() }],
            end: Some((outcome, because.clone())),
            held: is_held_back(self, outcome),
            did_not_help: outcome == Outcome::Escalated && self.state.is_in_vain(),
            limits: run_limits(self),
            ..Append::default()
        };
        // `escalated` always reaches a human, also when the playbook's own page could not be made.
        if outcome == Outcome::Escalated && !self.state.paged {
            append.pages.push(self.page(self.playbook.owner.clone(), Some(because)));
        }
        self.append(append).await?;
        Ok(Flow::Leave)
    }
}
