//! Keeping what Alertmanager keeps quiet as windows.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::watch;

use super::answer::{MOST, left_over};
use super::ends::{Listings, ends};
use super::{Alertmanager, Inhibited, Quiet};
use crate::clock::Clock;
use crate::model::Digest;
use crate::store::{Accepted, FiringAlert, NewWindow, Store, StoreError, WindowOrigin};
use crate::worker::{Turn, TurnError, Worker};

/// How often it is asked: somebody who silences a page in the making has that long.
const ASK_EVERY: TimeDelta = TimeDelta::seconds(15);

/// What is not heard of for so long covers nothing any more: a page too many is better than one too
/// few. A restart of Alertmanager takes less.
const BELIEVED_FOR: TimeDelta = TimeDelta::minutes(5);

/// What it does not name for a moment is quiet still: after a restart it has to be told again what
/// fires, and what its peers know, and two behind one address may differ.
const MISSED_FOR: TimeDelta = TimeDelta::minutes(2);

/// An inhibition of what it does not list at all ends only after that alert: nobody is paged about
/// what is over.
const UNLISTED_FOR: TimeDelta = TimeDelta::minutes(6);

/// Asks Alertmanager what it keeps quiet, and whether that fires still. Without one, what was kept
/// of an earlier one ends.
pub struct QuietWorker {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    alertmanager: Option<Arc<dyn Alertmanager>>,
    /// Whose alerts it knows. Empty: those of all sources.
    sources: Vec<String>,
    memory: Mutex<Memory>,
}

#[derive(Debug)]
struct Memory {
    next: Option<DateTime<Utc>>,
    heard_at: DateTime<Utc>,
    /// Whether the last question was answered, and what was not taken then: it is told once.
    answered: bool,
    left_out: Vec<String>,
    /// What it named, by its key.
    named: BTreeMap<String, Named>,
    listings: Listings,
}

/// A window that it named.
#[derive(Debug, Clone)]
struct Named {
    window: NewWindow,
    /// Of the alert that is inhibited.
    fingerprint: Option<String>,
    /// When it did so last.
    at: DateTime<Utc>,
}

impl QuietWorker {
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, alertmanager: Option<Arc<dyn Alertmanager>>) -> Self {
        let now = clock.now();
        let memory = Memory {
            next: Some(now),
            heard_at: now,
            answered: true,
            left_out: Vec::new(),
            named: BTreeMap::new(),
            listings: Listings::default(),
        };
        Self { store, clock, alertmanager, sources: Vec::new(), memory: Mutex::new(memory) }
    }

    /// What it keeps quiet is what these sources tell.
    #[must_use]
    pub fn of(self, sources: Vec<String>) -> Self {
        Self { sources, ..self }
    }

    async fn keep(
        &self,
        alertmanager: &dyn Alertmanager,
        mut quiet: Quiet,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let windows =
            quiet.silences.iter_mut().chain(quiet.inhibited.iter_mut().map(|inhibited| &mut inhibited.window));
        windows.for_each(|window| scoped(window, &self.sources));
        let kept_quiet = self.kept_quiet(&quiet, now).await?;
        let mut told = false;
        if kept_quiet.is_empty() {
            // What was listed of an earlier firing says nothing of the next.
            self.memory().listings.forget();
        } else {
            let names = kept_quiet.iter().map(|firing| firing.alert.alert.as_str()).collect();
            match alertmanager.firing(&names).await {
                Ok(listed) => {
                    let over = self.memory().listings.hear(&kept_quiet, &listed, now);
                    for end in ends(&over, now) {
                        told |= matches!(self.store.accept(&end).await?, Accepted::New(_));
                    }
                }
                Err(error) => quiet.left_out.push(format!(
                    "it is not known what fires still of what alertmanager keeps quiet: {error}; at the end somebody is paged \
                     also about what is over"
                )),
            }
        }
        if quiet.inhibited.len() > MOST {
            self.take_first(&mut quiet, &kept_quiet);
        }
        let named = {
            let memory = self.memory();
            still_named(&memory.named, &quiet, &memory.listings.missed(now), now)
        };
        let windows = named.values().map(|named| named.window.clone()).collect();
        let changed = told | self.store.plan_windows(WindowOrigin::Alertmanager, windows).await?;
        let mut memory = self.memory();
        memory.named = named;
        if quiet.left_out != memory.left_out {
            for left_out in quiet.left_out.iter().take(10) {
                tracing::warn!("{left_out}");
            }
        }
        if !memory.answered {
            tracing::info!("alertmanager answers again: what it keeps quiet is kept quiet");
        }
        (memory.answered, memory.heard_at, memory.left_out) = (true, now, quiet.left_out);
        Ok(changed)
    }

    async fn is_away(&self, why: &str, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let (heard_at, was_answered) = {
            let mut memory = self.memory();
            (memory.heard_at, std::mem::replace(&mut memory.answered, false))
        };
        if was_answered {
            tracing::warn!(
                why,
                "it is not known what alertmanager keeps quiet; what was known is believed for {} minutes",
                BELIEVED_FOR.num_minutes()
            );
        }
        // A clock that was set back tells nothing of how long ago that was.
        if (now - heard_at).abs() < BELIEVED_FOR {
            return Ok(false);
        }
        {
            let mut memory = self.memory();
            memory.named.clear();
            memory.listings.forget();
        }
        self.store.plan_windows(WindowOrigin::Alertmanager, Vec::new()).await
    }

    /// What fires here and is kept quiet there.
    async fn kept_quiet(&self, quiet: &Quiet, now: DateTime<Utc>) -> Result<Vec<FiringAlert>, StoreError> {
        let (silences, inhibited) = {
            let memory = self.memory();
            let before = memory.named.values();
            let silences = before.clone().filter(|named| named.fingerprint.is_none()).map(|named| &named.window);
            let active = |window: &&NewWindow| window.starts_at <= now && now < window.ends_at;
            let silences = silences.chain(&quiet.silences).filter(active).map(|window| window.scope.clone());
            let inhibited = before.filter_map(|named| named.fingerprint.clone());
            let now_inhibited = quiet.inhibited.iter().map(|inhibited| inhibited.fingerprint.clone());
            (silences.collect::<Vec<_>>(), inhibited.chain(now_inhibited).collect::<BTreeSet<_>>())
        };
        if silences.is_empty() && inhibited.is_empty() {
            return Ok(Vec::new());
        }
        let mut firing = self.store.firing(&self.sources).await?;
        firing.retain(|firing| {
            let is_silenced = || silences.iter().any(|scope| scope.covers(firing.alert.coverable()));
            inhibited.contains(&firing.fingerprint) || is_silenced()
        });
        Ok(firing)
    }

    /// Of too many that are inhibited, those that fire here, then those that were taken before:
    /// what is never told here pages nobody.
    fn take_first(&self, quiet: &mut Quiet, kept_quiet: &[FiringAlert]) {
        let fire_here: BTreeSet<&str> = kept_quiet.iter().map(|firing| firing.fingerprint.as_str()).collect();
        let memory = self.memory();
        let is_new = |window: &NewWindow| !memory.named.contains_key(&window.key);
        quiet.inhibited.sort_by_cached_key(|Inhibited { fingerprint, window }| {
            (!fire_here.contains(fingerprint.as_str()), is_new(window), window.key.clone())
        });
        left_over(quiet.inhibited.len(), "inhibited alerts", quiet);
        quiet.inhibited.truncate(MOST);
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Has the window cover what these sources tell. Of others, it is another window.
fn scoped(window: &mut NewWindow, sources: &[String]) {
    if !sources.is_empty() {
        window.scope.sources = sources.to_vec();
        window.key = format!("{}/of {}", window.key, Digest::of(sources.join("\n")).short());
    }
}

/// What is named now, and what was a short while ago. A silence that it tells of is as it says; of
/// one that it does not know it may have to be told first. `missed`: what it does not list at all.
fn still_named(
    before: &BTreeMap<String, Named>,
    quiet: &Quiet,
    missed: &BTreeSet<&str>,
    now: DateTime<Utc>,
) -> BTreeMap<String, Named> {
    let is_told = |key: &str| quiet.told.iter().any(|told| key.starts_with(told));
    let is_missed = |(key, named): &(&String, &Named)| {
        let is_unlisted = named.fingerprint.as_ref().is_some_and(|fingerprint| missed.contains(fingerprint.as_str()));
        let lasting = if is_unlisted { UNLISTED_FOR } else { MISSED_FOR };
        (now - named.at).abs() < lasting && !is_told(key)
    };
    let mut named: BTreeMap<_, _> =
        before.iter().filter(is_missed).map(|(key, named)| (key.clone(), named.clone())).collect();
    let silences = quiet.silences.iter().map(|window| (window, None));
    let inhibited = quiet.inhibited.iter().map(|inhibited| (&inhibited.window, Some(&inhibited.fingerprint)));
    named.extend(silences.chain(inhibited).map(|(window, fingerprint)| {
        let named = Named { window: window.clone(), fingerprint: fingerprint.cloned(), at: now };
        (window.key.clone(), named)
    }));
    named
}

#[async_trait]
impl Worker for QuietWorker {
    fn name(&self) -> &'static str {
        "quiet"
    }

    fn bell(&self) -> watch::Receiver<()> {
        self.store.bells().clock.listen()
    }

    async fn turn(&self) -> Result<Turn, TurnError> {
        let now = self.clock.now();
        let next = self.memory().next;
        let far = |next: &DateTime<Utc>| now < *next && *next <= now + ASK_EVERY;
        if next.is_none() || next.is_some_and(|next| far(&next)) {
            return Ok(Turn::Idle { until: next });
        }
        let Some(alertmanager) = &self.alertmanager else {
            let changed = self.store.plan_windows(WindowOrigin::Alertmanager, Vec::new()).await?;
            self.memory().next = None;
            return Ok(if changed { Turn::Worked } else { Turn::Idle { until: None } });
        };
        let changed = match alertmanager.quiet(now).await {
            Ok(quiet) => self.keep(&**alertmanager, quiet, now).await?,
            Err(error) => self.is_away(&error.to_string(), now).await?,
        };
        let next = now + ASK_EVERY;
        self.memory().next = Some(next);
        Ok(if changed { Turn::Worked } else { Turn::Idle { until: Some(next) } })
    }
}
