//! The worker that looks whether files have changed, and has them count.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use tokio::sync::{Mutex, watch};
use tokio::task::JoinHandle;

use super::told::news;
use super::{Look, Mistake, ReadAgain, Reloadable, SETTLE, Snapshot, Taken, Watched};
use crate::clock::Clock;
use crate::metrics::Metrics;
use crate::model::Digest;
use crate::store::{Store, StoreError};
use crate::worker::{Turn, TurnError, Worker};

/// How often it looks.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// How long a turn waits for a disk. A reading that takes longer goes on without it, so that a disk
/// that hangs never makes the bot look stuck.
const READ_WITHIN: Duration = Duration::from_secs(2);

/// After so long a disk that does not answer is told of.
const HANGS_AFTER: Duration = Duration::from_secs(30);

/// Announcements that the store has not taken yet: of more, the oldest are on the log only.
const UNSAID: usize = 20;

/// Reads files again: every few seconds, and when somebody asks.
pub struct Reloader {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
    again: Arc<ReadAgain>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    things: Vec<Thing>,
    /// How often somebody had asked by the last look.
    heard: u64,
    /// Monotonic.
    next_look: Duration,
    unsaid: Vec<(String, bool)>,
}

struct Thing {
    reloadable: Arc<dyn Reloadable>,
    watched: Watched,
    /// Since when what counts has counted.
    since: DateTime<Utc>,
    /// The mistakes that were told, a text for each file.
    mistakes: BTreeMap<String, String>,
    /// What is under way, and since when on the monotonic clock: never two at once.
    work: Option<(JoinHandle<Done>, Duration)>,
    is_hanging: bool,
    /// Somebody asked, and was not answered yet.
    is_asked: bool,
}

enum Done {
    Read(Snapshot),
    Took(Digest, Taken),
}

impl Reloader {
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, metrics: Arc<Metrics>, again: Arc<ReadAgain>) -> Self {
        Self { store, clock, metrics, again, state: Mutex::default() }
    }

    /// Has it watch something of which `read` counts. `mistakes` were in it, and were told.
    #[must_use]
    pub fn watching(mut self, reloadable: Arc<dyn Reloadable>, read: Digest, mistakes: &[Mistake]) -> Self {
        let now = self.clock.now();
        let what = reloadable.what();
        self.metrics.reload_failed(what, !mistakes.is_empty());
        if mistakes.is_empty() {
            self.metrics.read_well(what, seconds(now));
        }
        self.state.get_mut().things.push(Thing {
            reloadable,
            watched: Watched::new(read),
            since: now,
            mistakes: by_file(mistakes),
            work: None,
            is_hanging: false,
            is_asked: false,
        });
        self
    }

    /// Looks at one thing, and does what follows. `true`: it is to be looked at again soon.
    async fn look(&self, thing: &mut Thing, unsaid: &mut Vec<(String, bool)>) -> bool {
        let begun = self.clock.monotonic();
        let (mut work, since, mut patience) = match thing.work.take() {
            Some((work, since)) => (work, since, Duration::ZERO),
            None => (read(&thing.reloadable), begun, READ_WITHIN),
        };
        loop {
            let done = match tokio::time::timeout(patience, &mut work).await {
                Ok(Ok(done)) => done,
                Ok(Err(error)) => {
                    tracing::error!(%error, "{} was not read: that is a fault of dogwatch", thing.reloadable.name());
                    self.metrics.reload_failed(thing.reloadable.what(), true);
                    return false;
                }
                Err(_) => {
                    thing.work = Some((work, since));
                    self.hangs(thing, self.clock.monotonic().saturating_sub(since), unsaid);
                    return false;
                }
            };
            if std::mem::take(&mut thing.is_hanging) {
                tracing::info!("{} can be read again", thing.reloadable.name());
                self.metrics.reload_failed(thing.reloadable.what(), !thing.mistakes.is_empty());
            }
            match done {
                Done::Read(snapshot) => match thing.watched.look(&snapshot.digest(), self.clock.monotonic()) {
                    // What it names may be there by now: its own text says nothing of that.
                    Look::Same if !thing.mistakes.is_empty() && thing.is_asked => {
                        thing.is_asked = false;
                        (work, patience) = (take(&thing.reloadable, snapshot), READ_WITHIN);
                    }
                    Look::Same => {
                        if std::mem::take(&mut thing.is_asked) {
                            tracing::info!("nothing in {} has changed", thing.reloadable.name());
                            for (file, text) in &thing.mistakes {
                                tracing::error!("{file} still has its mistake: {text}");
                            }
                        }
                        return false;
                    }
                    Look::Unsettled => return true,
                    Look::Settled => (work, patience) = (take(&thing.reloadable, snapshot), READ_WITHIN),
                },
                Done::Took(digest, taken) => {
                    thing.watched.handled(digest);
                    self.tell(thing, &taken, unsaid);
                    return false;
                }
            }
        }
    }

    fn hangs(&self, thing: &mut Thing, lasting: Duration, unsaid: &mut Vec<(String, bool)>) {
        if lasting < HANGS_AFTER || std::mem::replace(&mut thing.is_hanging, true) {
            return;
        }
        let (name, lasting) = (thing.reloadable.name(), lasting.as_secs());
        let text = format!(
            "{name} cannot be read: its disk has not answered for {lasting} s; what was read before counts, look at the mount"
        );
        tracing::error!("{text}");
        self.metrics.reload_failed(thing.reloadable.what(), true);
        unsaid.push((text, true));
    }

    fn tell(&self, thing: &mut Thing, taken: &Taken, unsaid: &mut Vec<(String, bool)>) {
        let (name, what, now) = (thing.reloadable.name(), thing.reloadable.what(), self.clock.now());
        let news = news(&name, taken, &thing.mistakes, thing.since, now);
        news.mistakes.iter().for_each(|line| tracing::error!("{line}"));
        news.changes.iter().for_each(|line| tracing::info!("{line}"));
        news.warnings.iter().for_each(|line| tracing::warn!("{line}"));
        if std::mem::take(&mut thing.is_asked) && taken.changes.is_empty() && taken.mistakes.is_empty() {
            tracing::info!("{name} was read again: nothing that counts has changed");
        }
        thing.mistakes = by_file(&taken.mistakes);
        self.metrics.reload_failed(what, !taken.mistakes.is_empty());
        if taken.mistakes.is_empty() {
            self.metrics.read_well(what, seconds(now));
        }
        if !taken.changes.is_empty() {
            thing.since = now;
            self.metrics.reloaded(what);
        }
        unsaid.extend(news.text().map(|text| (text, !news.mistakes.is_empty())));
    }

    /// What the store does not take now is said later.
    async fn announce(&self, unsaid: &mut Vec<(String, bool)>) -> Result<(), StoreError> {
        unsaid.drain(..unsaid.len().saturating_sub(UNSAID));
        while let Some((text, is_trouble)) = unsaid.first() {
            self.store.announce(text, *is_trouble).await?;
            unsaid.remove(0);
        }
        Ok(())
    }
}

#[async_trait]
impl Worker for Reloader {
    fn name(&self) -> &'static str {
        "reloads"
    }

    fn bell(&self) -> watch::Receiver<()> {
        self.again.listen()
    }

    async fn turn(&self) -> Result<Turn, TurnError> {
        let mut state = self.state.lock().await;
        let State { things, heard, next_look, unsaid } = &mut *state;
        let asked = self.again.asked();
        let is_asked = std::mem::replace(heard, asked) != asked;
        if is_asked || self.clock.monotonic() >= *next_look {
            let mut soon = false;
            for thing in things {
                thing.is_asked |= is_asked;
                soon |= self.look(thing, unsaid).await;
            }
            *next_look = self.clock.monotonic() + if soon { SETTLE } else { LOOK_EVERY };
        }
        self.announce(unsaid).await?;
        let left = next_look.saturating_sub(self.clock.monotonic());
        Ok(Turn::Idle { until: Some(self.clock.now() + left) })
    }
}

fn read(reloadable: &Arc<dyn Reloadable>) -> JoinHandle<Done> {
    let reloadable = reloadable.clone();
    tokio::task::spawn_blocking(move || Done::Read(reloadable.read()))
}

fn take(reloadable: &Arc<dyn Reloadable>, snapshot: Snapshot) -> JoinHandle<Done> {
    let reloadable = reloadable.clone();
    tokio::task::spawn_blocking(move || Done::Took(snapshot.digest(), reloadable.take(&snapshot)))
}

fn by_file(mistakes: &[Mistake]) -> BTreeMap<String, String> {
    mistakes.iter().map(|mistake| (mistake.file.clone(), mistake.text.clone())).collect()
}

fn seconds(at: DateTime<Utc>) -> u64 {
    u64::try_from(at.timestamp()).unwrap_or_default()
}
