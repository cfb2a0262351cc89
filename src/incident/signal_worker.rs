//! The worker that takes signals in, one after the other, and decides what follows.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt as _;
use tokio::sync::watch;

use super::commands::{Asked, decide_ack, decide_resolve, decide_run, decide_vote, decline};
use super::coverage::{cover, grouping_of_target};
use super::ending::{End, decide_run_ended};
use super::notification::{Came, View, decide_notification};
use super::set_aside::{GROUPING, decide_set_aside};
use super::spell::page_by;
use super::{Coverage, IncidentRules};
use crate::clock::Clock;
use crate::metrics::Metrics;
use crate::model::{
    AlertStatus, Command, IncidentId, Notification, Person, Run, Severity, Signal, SignalBody, SignalId, redact,
};
use crate::playbook::{Catalog, Playbook};
use crate::store::{Decision, IncidentView, Store, StoreError, unfit_to_act_on};
use crate::worker::{Turn, TurnError, Worker};

/// Decides about signals in the order in which they came. There is one: a second would decide on what the first changes.
pub struct SignalWorker {
    store: Arc<dyn Store>,
    catalog: watch::Receiver<Arc<Catalog>>,
    rules: IncidentRules,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
    /// The signal that was in trouble last, and how often.
    trouble: Mutex<Option<(SignalId, u32)>>,
}

impl SignalWorker {
    /// `catalog` changes when playbooks are loaded anew.
    pub fn new(
        store: Arc<dyn Store>,
        catalog: watch::Receiver<Arc<Catalog>>,
        rules: IncidentRules,
        clock: Arc<dyn Clock>,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self { store, catalog, rules, clock, metrics, trouble: Mutex::default() }
    }

    async fn decide(&self, signal: &Signal) -> Result<Decision, StoreError> {
        match &signal.body {
            SignalBody::Notification(notification) => {
                let came = Came { source: &signal.source, received_at: signal.received_at };
                self.notification(came, notification).await
            }
            SignalBody::Command { person, command } => {
                // Names come from chats too. As it is stored, it is compared with what is stored.
                let person = Person { name: redact(&person.name).into_owned(), ..person.clone() };
                self.command(&person, command).await
            }
            SignalBody::RunEnded { run, outcome, because } => {
                let Some(ended) = self.store.run(*run).await? else { return Ok(Decision::default()) };
                let Some(view) = self.view_of(ended.incident).await? else { return Ok(Decision::default()) };
                let page_by = self.patience(&ended, view.incident.severity).await?;
                let end = End { run: *run, outcome: *outcome, because, page_by };
                Ok(decide_run_ended(&self.rules, &view, &end, self.clock.now()))
            }
        }
    }

    /// How long an incident may go unanswered, by the playbook that the run was pinned to.
    async fn patience(&self, run: &Run, severity: Severity) -> Result<Option<Duration>, StoreError> {
        let source = self.store.playbook_source(&run.playbook.digest).await?;
        let playbook = source.and_then(|source| Playbook::from_store(&source).ok());
        Ok(playbook.map_or(severity.ack_within(), |playbook| page_by(&playbook, severity)))
    }

    async fn view_of(&self, id: IncidentId) -> Result<Option<IncidentView>, StoreError> {
        Ok(self.store.incident_views(&[id]).await?.pop())
    }

    async fn notification(&self, came: Came<'_>, notification: &Notification) -> Result<Decision, StoreError> {
        let catalog = self.catalog.borrow().clone();
        let covered: Vec<(Coverage, Vec<String>)> = notification
            .alerts
            .iter()
            .map(|alert| match alert.status {
                AlertStatus::Firing => cover(&catalog, alert),
                AlertStatus::Resolved => (Coverage::Uncovered, Vec::new()),
            })
            .collect();
        let view = self.gather(came.source, notification, &covered).await?;
        Ok(decide_notification(&self.rules, came, notification, &covered, &view, self.clock.now()))
    }

    async fn gather(
        &self,
        source: &str,
        notification: &Notification,
        covered: &[(Coverage, Vec<String>)],
    ) -> Result<View, StoreError> {
        let fingerprints: Vec<&str> = notification.alerts.iter().map(|alert| alert.fingerprint.as_str()).collect();
        let episodes = self.store.latest_episodes(source, &fingerprints).await?;
        let mut groupings = BTreeSet::new();
        let mut limited = BTreeSet::new();
        for (alert, (coverage, _)) in notification.alerts.iter().zip(covered) {
            if alert.status == AlertStatus::Firing {
                groupings.insert(coverage.grouping(source, &notification.group_key, alert));
                if let Coverage::Covered { playbook, target, .. } = coverage {
                    limited.insert((playbook.name.clone(), target.key(), look_back(playbook)));
                }
            }
        }
        let groupings: Vec<&str> = groupings.iter().map(String::as_str).collect();
        let mut incidents = HashMap::new();
        let mut by_grouping = HashMap::new();
        for (grouping, view) in self.store.incidents_by_grouping(&groupings).await? {
            by_grouping.insert(grouping, view.incident.id);
            incidents.insert(view.incident.id, view);
        }
        let others: BTreeSet<IncidentId> =
            episodes.values().map(|episode| episode.incident).filter(|id| !incidents.contains_key(id)).collect();
        let others: Vec<IncidentId> = others.into_iter().collect();
        for view in self.store.incident_views(&others).await? {
            incidents.insert(view.incident.id, view);
        }
        let mut history = HashMap::new();
        for (playbook, target_key, look_back) in limited {
            let since = self.clock.now() - look_back;
            let runs = self.store.run_history(&playbook, &target_key, since).await?;
            history.insert((playbook, target_key), runs);
        }
        Ok(View { episodes, incidents, by_grouping, history })
    }

    async fn command(&self, person: &Person, command: &Command) -> Result<Decision, StoreError> {
        match command {
            Command::Ack { incident } => self.with_incident(*incident, |view| decide_ack(view, person)).await,
            Command::Resolve { incident, note } => {
                self.with_incident(*incident, |view| decide_resolve(&self.rules, view, person, note.as_deref())).await
            }
            Command::Approve { approval, verdict, digest } => Ok(match self.store.approval(*approval).await? {
                Some(approval) => decide_vote(&approval, person, *verdict, digest.as_ref(), self.clock.now()),
                None => decline(format!("there is no {approval}")),
            }),
            Command::Run { playbook, set, dry_run: false } => self.run(person, playbook, set).await,
            // They only look, and are answered where they are asked.
            Command::Run { dry_run: true, .. }
            | Command::Incidents { .. }
            | Command::Why { .. }
            | Command::Handoff
            | Command::Help => Ok(decline("this command changes nothing, and is not a signal")),
        }
    }

    async fn with_incident(
        &self,
        id: IncidentId,
        decide: impl FnOnce(&IncidentView) -> Decision,
    ) -> Result<Decision, StoreError> {
        Ok(match self.view_of(id).await? {
            Some(view) => decide(&view),
            None => decline(format!("there is no {id}; /incidents lists the ones that are open")),
        })
    }

    async fn run(&self, person: &Person, name: &str, set: &BTreeMap<String, String>) -> Result<Decision, StoreError> {
        let catalog = self.catalog.borrow().clone();
        let Some(playbook) = catalog.get(name) else {
            let known: Vec<&str> = catalog.iter().map(|playbook| playbook.name.as_str()).collect();
            return Ok(decline(format!("there is no playbook `{name}`; there are: {}", known.join(", "))));
        };
        let inputs = match playbook.inputs_for(None, set) {
            Ok(inputs) => inputs,
            Err(problems) => {
                let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
                return Ok(decline(problems.join("\n")));
            }
        };
        let target = match playbook.target_for(None, &inputs, set) {
            Ok(target) => target,
            Err(problem) => return Ok(decline(problem.to_string())),
        };
        if let Some(because) = unfit_to_act_on(&target, &serde_json::Value::Object(inputs.clone())) {
            return Ok(decline(because));
        }
        let since = self.clock.now() - look_back(playbook);
        let history = self.store.run_history(&playbook.name, &target.key(), since).await?;
        let grouping = grouping_of_target(&target);
        let known = self.store.incidents_by_grouping(&[&grouping]).await?.remove(&grouping);
        Ok(decide_run(Asked { playbook, target, inputs, set }, known.as_ref(), &history, person))
    }

    async fn take(&self, id: SignalId, signal: &Signal) -> Result<(), TurnError> {
        let working = async {
            let decision = self.decide(signal).await?;
            self.store.apply(id, decision).await
        };
        // A decision that panics is the signal's own trouble: it must not take the bot down again and again.
        match AssertUnwindSafe(working).catch_unwind().await {
            Ok(Ok(_)) => {
                self.count_end(signal).await;
                Ok(())
            }
            Ok(Err(StoreError::Fenced(why))) => {
                tracing::debug!(%id, why, "the signal was worked on meanwhile");
                Ok(())
            }
            Ok(Err(error)) if error.passes() => Err(error.into()),
            Ok(Err(error)) => self.trouble(id, Some(signal), &error.to_string()).await,
            Err(_) => {
                let why = "deciding about it panicked; what it said stands on standard error";
                self.trouble(id, Some(signal), why).await
            }
        }
    }

    /// Each end of a run is worked on once, also of a run that nobody could drive: here it is counted.
    async fn count_end(&self, signal: &Signal) {
        let SignalBody::RunEnded { run, outcome, .. } = &signal.body else { return };
        match self.store.run(*run).await {
            Ok(Some(ended)) => self.metrics.run_ended(&ended.playbook.name, *outcome),
            Ok(None) => {}
            Err(error) => tracing::debug!(%run, %error, "the end of a run is not counted"),
        }
    }

    /// A signal whose trouble is its own must not hold up the others for ever: it is tried a few times, then set aside, and somebody is
    /// called. What is only the store's trouble (locked, full, overloaded) never comes here: that passes, or stops all signals alike.
    async fn trouble(&self, id: SignalId, signal: Option<&Signal>, why: &str) -> Result<(), TurnError> {
        let tries = self.count(id);
        let why = redact(why);
        if tries < TRIES {
            return Err(format!("{id} cannot be worked on (try {tries} of {TRIES}): {why}").into());
        }
        tracing::error!(%id, %why, "a signal is set aside; somebody is called about it");
        let known = match self.store.incidents_by_grouping(&[GROUPING]).await {
            Ok(mut known) => known.remove(GROUPING),
            Err(error) if error.passes() => return Err(error.into()),
            Err(_) => None,
        };
        let decision = decide_set_aside(&self.rules, id, signal, &why, known.as_ref());
        match self.store.set_aside(id, &why, decision).await {
            Ok(_) | Err(StoreError::Fenced(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// How often the signal was in trouble, this time included.
    fn count(&self, id: SignalId) -> u32 {
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        let before = trouble.filter(|(last, _)| *last == id).map_or(0, |(_, tries)| tries);
        *trouble = Some((id, before + 1));
        before + 1
    }
}

/// How often a signal is tried whose trouble is its own, a second apart: something that is odd for a moment may be over by then.
const TRIES: u32 = 5;

/// How far back the limits of a playbook look; at least a day, so that a run that is under way is seen.
fn look_back(playbook: &Playbook) -> Duration {
    const AT_LEAST: Duration = Duration::from_secs(24 * 3_600);
    let limits = &playbook.limits;
    limits.runs.map_or(Duration::ZERO, |(_, window)| window).max(limits.cooldown.unwrap_or_default()).max(AT_LEAST)
}

#[async_trait]
impl Worker for SignalWorker {
    fn name(&self) -> &'static str {
        "signals"
    }

    fn bell(&self) -> watch::Receiver<()> {
        self.store.bells().signals.listen()
    }

    async fn turn(&self) -> Result<Turn, TurnError> {
        // One at a time: each decision looks at what the one before it changed.
        let pending = match self.store.pending_signals(1).await {
            Ok(mut pending) => pending.pop(),
            Err(StoreError::UnreadableSignal { id, message }) => {
                self.trouble(id, None, &message).await?;
                return Ok(Turn::Worked);
            }
            Err(error) => return Err(error.into()),
        };
        let Some((id, signal)) = pending else {
            return Ok(Turn::Idle { until: self.store.next_signal_due().await? });
        };
        self.take(id, &signal).await?;
        Ok(Turn::Worked)
    }
}
