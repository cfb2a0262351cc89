//! The worker that takes signals in, one after the other, and decides what follows.

use std::collections::{BTreeSet, HashSet};
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use futures_util::FutureExt as _;
use tokio::sync::watch;

use super::asked::Asked;
use super::causes::{may_speak, object_at_home};
use super::coverage::cover;
use super::ending::{End, decide_run_ended};
use super::flapping::decide_quiet;
use super::heartbeat::{decide_heartbeat, grouping_of_heartbeat};
use super::notification::{Came, HELD, decide_notification, held_after};
use super::radius::PutTogether;
use super::rating::tier_subject;
use super::scheduled::Planned;
use super::set_aside::decide_set_aside;
use super::spell::page_by;
use super::view::{Seen, gather_view, known_firings};
use super::windows::{hold, window_ended};
use super::work::pin;
use super::{Coverage, IncidentRules};
use crate::clock::Clock;
use crate::metrics::Metrics;
use crate::model::{
    Alert, AlertStatus, Grouping, IncidentId, Live, Notification, ObjectKey, Outcome, Person, Run, Severity, Signal,
    SignalBody, SignalId, UNLISTED, redact,
};
use crate::playbook::{Catalog, Playbook};
use crate::store::{Change, Decision, IncidentView, PendingSignal, Store, StoreError, Whose};
use crate::surroundings::{Found, Lookup};
use crate::worker::{Turn, TurnError, Worker};

/// Decides about signals, the more urgent lanes first, and within a lane in the order in which they
/// came. There is one: a second would decide on what the first changes.
pub struct SignalWorker {
    store: Arc<dyn Store>,
    catalog: watch::Receiver<Arc<Catalog>>,
    rules: Live<IncidentRules>,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
    /// `None`: what alerts have in common is told by their labels alone.
    lookup: Option<Lookup>,
    turns: AtomicU64,
    /// Signals whose present try is counted already.
    begun: Mutex<BTreeSet<SignalId>>,
    /// Whose signal it worked on last: the sources take turns.
    last_source: Mutex<String>,
}

impl SignalWorker {
    /// `catalog` and `rules` change when files are read again; each signal is decided about by
    /// those of one moment.
    pub fn new(
        store: Arc<dyn Store>,
        catalog: watch::Receiver<Arc<Catalog>>,
        rules: impl Into<Live<IncidentRules>>,
        clock: Arc<dyn Clock>,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self {
            store,
            catalog,
            rules: rules.into(),
            clock,
            metrics,
            lookup: None,
            turns: AtomicU64::new(0),
            begun: Mutex::default(),
            last_source: Mutex::default(),
        }
    }

    /// Has the cluster say what alerts have in common, too.
    #[must_use]
    pub fn looking_up(self, lookup: Option<Lookup>) -> Self {
        Self { lookup, ..self }
    }

    async fn decide(
        &self,
        rules: &IncidentRules,
        catalog: &Catalog,
        id: SignalId,
        signal: &Signal,
    ) -> Result<Decision, StoreError> {
        match &signal.body {
            SignalBody::Notification(notification) => {
                let came = Came {
                    source: &signal.source,
                    signal: held_after(&signal.key).unwrap_or(id),
                    received_at: signal.received_at,
                    is_held: signal.key.starts_with(HELD),
                    is_unlisted: signal.key.starts_with(UNLISTED),
                    unauthenticated: notification.unauthenticated,
                };
                self.notification(rules, catalog, came, notification).await
            }
            SignalBody::Command { person, command } => {
                // Names come from chats too. As it is stored, it is compared with what is stored.
                let person = Person { name: redact(&person.name).into_owned(), ..person.clone() };
                let asked = Asked { store: &*self.store, catalog, rules, now: self.clock.now(), person: &person };
                asked.decide(command).await
            }
            SignalBody::Heartbeat { key, name, news } => {
                let grouping = grouping_of_heartbeat(key).key();
                let known = self.store.incidents_by_grouping(&[&grouping]).await?.remove(&grouping);
                Ok(decide_heartbeat(rules, key, name, news, known.as_ref()))
            }
            SignalBody::Quiet { incident, since } => Ok(match self.view_of(*incident).await? {
                Some(view) => decide_quiet(rules, &view, *since),
                None => Decision::default(),
            }),
            SignalBody::WindowEnded { window } => {
                window_ended(&*self.store, catalog, rules, *window, self.clock.now()).await
            }
            SignalBody::Planned { playbook, at } => {
                let (store, now) = (&*self.store, self.clock.now());
                Planned { store, catalog, rules, now, playbook, at: *at }.decide().await
            }
            SignalBody::RunEnded { run, outcome, because } => {
                let Some(ended) = self.store.run(*run).await? else { return Ok(Decision::default()) };
                let Some(view) = self.view_of(ended.incident).await? else { return Ok(Decision::default()) };
                let page_by = self.patience(catalog, &ended, view.incident.severity).await?;
                let end = End { run: *run, outcome: *outcome, because, page_by };
                let mut decision = decide_run_ended(rules, &view, &end, self.clock.now());
                if !matches!(outcome, Outcome::Fixed | Outcome::NothingToDo | Outcome::HandedOver) {
                    decision.changes.extend(hold(&*self.store, &view, self.clock.now()).await?);
                    decision.changes.extend(self.found_wide(rules, catalog, &view).await?);
                }
                Ok(decision)
            }
        }
    }

    /// Runs that stop for the same reason become one incident, in which so much more may fire.
    async fn found_wide(
        &self,
        rules: &IncidentRules,
        catalog: &Catalog,
        view: &IncidentView,
    ) -> Result<Vec<Change>, StoreError> {
        let together = PutTogether { store: &*self.store, catalog, rules, now: self.clock.now() };
        together.found(view).await
    }

    /// How long an incident may go unanswered, by the playbook that the run was pinned to.
    async fn patience(&self, catalog: &Catalog, run: &Run, severity: Severity) -> Result<Option<Duration>, StoreError> {
        let digest = &run.playbook.digest;
        if let Some(playbook) = catalog.by_digest(digest) {
            return Ok(page_by(playbook, severity));
        }
        let source = self.store.playbook_source(digest).await?;
        let playbook = source.and_then(|source| Playbook::from_store(&source).ok());
        Ok(playbook.map_or(severity.ack_within(), |playbook| page_by(&playbook, severity)))
    }

    async fn view_of(&self, id: IncidentId) -> Result<Option<IncidentView>, StoreError> {
        Ok(self.store.incident_views(&[id]).await?.pop())
    }

    async fn notification(
        &self,
        rules: &IncidentRules,
        catalog: &Catalog,
        came: Came<'_>,
        notification: &Notification,
    ) -> Result<Decision, StoreError> {
        let covering = |alert: &Alert| match alert.status {
            AlertStatus::Firing => cover(catalog, rules, came.source, alert),
            AlertStatus::Resolved => (Coverage::Uncovered, Vec::new()),
        };
        let covered: Vec<_> = notification.alerts.iter().map(covering).collect();
        let known = known_firings(&*self.store, came.source, notification).await?;
        let subjects = self.tier_subjects(rules, came.source, notification, &covered, &known).await?;
        let found = match &self.lookup {
            None => Found::default(),
            Some(lookup) => {
                // What is told once more has its incident.
                let is_new = |alert: &Alert| {
                    let is_known = known.contains(&(alert.fingerprint.clone(), alert.starts_at));
                    alert.status == AlertStatus::Firing && !is_known
                };
                let new = notification.alerts.iter().zip(&covered).filter(|(alert, _)| is_new(alert));
                let objects =
                    new.filter_map(|(alert, (coverage, _))| object_at_home(rules, came.source, alert, coverage));
                let objects: Vec<_> = objects.chain(subjects.iter().flatten().cloned()).collect();
                lookup.look_up(&objects).await
            }
        };
        let seen = |((alert, covered), subject): ((&Alert, _), &Option<ObjectKey>)| {
            let seen = Seen::new(rules, came.source, &notification.group_key, alert, covered, &found);
            match (&self.lookup, subject) {
                (Some(lookup), Some(subject)) => seen.rated_by(rules, alert, &lookup.marks(subject)),
                _ => seen,
            }
        };
        let seen: Vec<Seen> = notification.alerts.iter().zip(covered).zip(&subjects).map(seen).collect();
        let now = self.clock.now();
        let store = &*self.store;
        let mut view = gather_view(store, rules, came.source, notification, (&seen, known), now).await?;
        loop {
            let decided = decide_notification(rules, came, notification, &seen, &view, now);
            if !view.count(store, rules, notification, &decided.wide).await? {
                return Ok(decided.decision);
            }
        }
    }

    /// Whose tier is asked, for each alert: of those that are new, and of those that fire again.
    async fn tier_subjects(
        &self,
        rules: &IncidentRules,
        source: &str,
        notification: &Notification,
        covered: &[(Coverage, Vec<String>)],
        known: &HashSet<(String, DateTime<Utc>)>,
    ) -> Result<Vec<Option<ObjectKey>>, StoreError> {
        if !rules.tiers.is_on() {
            return Ok(vec![None; notification.alerts.len()]);
        }
        let is_known = |alert: &Alert| known.contains(&(alert.fingerprint.clone(), alert.starts_at));
        let again: Vec<&str> = notification
            .alerts
            .iter()
            .filter(|alert| is_known(alert))
            .map(|alert| alert.fingerprint.as_str())
            .collect();
        let latest = self.store.latest_episodes(source, &again).await?;
        let goes_on = |alert: &Alert| {
            is_known(alert) && latest.get(&alert.fingerprint).is_none_or(|episode| episode.closed_at.is_none())
        };
        let alerts = notification.alerts.iter().zip(covered);
        let subjects = alerts.map(|(alert, (coverage, _))| {
            if alert.status != AlertStatus::Firing || goes_on(alert) || !may_speak(rules, source, coverage) {
                return None;
            }
            let object = object_at_home(rules, source, alert, coverage);
            tier_subject(rules, alert, object.as_ref())
        });
        Ok(subjects.collect())
    }

    async fn take(&self, id: SignalId, tries: u32, signal: &Signal) -> Result<(), TurnError> {
        let working = async {
            let (rules, catalog) = (self.rules.get(), self.catalog.borrow().clone());
            let mut decision = self.decide(&rules, &catalog, id, signal).await?;
            pin(&catalog, &mut decision);
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
            Ok(Err(error)) if error.passes() => {
                // This try does not count.
                self.begun().insert(id);
                Err(error.into())
            }
            Ok(Err(error)) => self.trouble(id, tries, Some(signal), &error.to_string()).await,
            Err(_) => {
                let why = "deciding about it panicked; what it said stands on standard error";
                self.trouble(id, tries, Some(signal), why).await
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
    async fn trouble(&self, id: SignalId, tries: u32, signal: Option<&Signal>, why: &str) -> Result<(), TurnError> {
        let why = redact(why);
        if tries < TRIES {
            return Err(format!("{id} cannot be worked on (try {tries} of {TRIES}): {why}").into());
        }
        tracing::error!(%id, %why, "a signal is set aside; somebody is called about it");
        let grouping = Grouping::SetAside.key();
        let known = match self.store.incidents_by_grouping(&[&grouping]).await {
            Ok(mut known) => known.remove(&grouping),
            Err(error) if error.passes() => return Err(error.into()),
            Err(_) => None,
        };
        let decision = decide_set_aside(&self.rules.get(), id, signal, &why, known.as_ref());
        match self.store.set_aside(id, &why, decision).await {
            Ok(_) | Err(StoreError::Fenced(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn last_source(&self) -> MutexGuard<'_, String> {
        self.last_source.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begun(&self) -> MutexGuard<'_, BTreeSet<SignalId>> {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts this try durably, unless it is counted; how many there were, this one included.
    async fn begin(&self, id: SignalId, tries: u32) -> Result<u32, StoreError> {
        if self.begun().remove(&id) {
            return Ok(tries.max(1));
        }
        let more = if tries == 0 { BEGUN_AT_ONCE - 1 } else { 0 };
        let begun = self.store.begin_signal(id, more).await?;
        self.begun().extend(begun);
        Ok(tries + 1)
    }
}

/// How often a signal is tried whose trouble is its own, a second apart: something that is odd for a moment may be over by then.
const TRIES: u32 = 5;

/// Signals whose first try is counted in one commit: a commit for each would be as much again as
/// working on it.
const BEGUN_AT_ONCE: usize = 32;

/// Every so many turns, the oldest signal goes first, in whatever lane it is: nobody waits for ever
/// behind the more urgent.
const IN_ORDER_EVERY: u64 = 8;

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
        let turn = self.turns.fetch_add(1, Ordering::Relaxed);
        let after = self.last_source().clone();
        let in_order = turn % IN_ORDER_EVERY == IN_ORDER_EVERY - 1;
        let whose = if in_order { Whose::Oldest } else { Whose::InTurn { after: &after } };
        let Some(PendingSignal { id, source, tries, signal }) = self.store.next_signal(whose).await? else {
            self.begun().clear();
            return Ok(Turn::Idle { until: self.store.next_signal_due().await? });
        };
        *self.last_source() = source;
        let tries = self.begin(id, tries).await?;
        match signal {
            Ok(signal) if tries > TRIES => {
                let why = "the process ended each time while it was worked on";
                self.trouble(id, tries, Some(&signal), why).await?;
            }
            Ok(signal) => self.take(id, tries, &signal).await?,
            Err(why) => self.trouble(id, tries, None, &why).await?,
        }
        Ok(Turn::Worked)
    }
}
