//! For how long it is seen, and what that makes news. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::look::{Looked, PodName};
use super::settings::{ClusterSource, Watch, WatchedFor};
use super::sighting::Sighting;
use crate::store::{FiringAlert, OpenAlert};

/// What is looked for and not seen for so long is over: a pod that fails waits for nothing for a
/// moment, between two tries.
const OVER_AFTER: Duration = Duration::from_secs(2 * 60);

/// What somebody has closed and goes on is told again after so long, as Alertmanager does.
const TOLD_AGAIN_AFTER: Duration = Duration::from_secs(4 * 3_600);

/// What was seen before, by fingerprint. Times are those of the monotonic clock. It is not durable:
/// after a restart each hold begins anew. What is told already, the store knows.
#[derive(Debug, Default)]
pub(super) struct Memory {
    held: BTreeMap<String, Held>,
    /// Alerts that fire and are not seen.
    gone: BTreeMap<String, Counted>,
}

#[derive(Debug)]
struct Held {
    what: WatchedFor,
    namespace: String,
    /// By the pod's UID; what has no pods of its own is held by an empty one.
    failing: BTreeMap<String, Failing>,
    /// When it was told, or still fired.
    told_at: Option<Duration>,
}

/// One pod that fails.
#[derive(Debug)]
struct Failing {
    pod: String,
    says: String,
    lasting: Counted,
    /// For how long of that it was not seen any more.
    unseen: Duration,
}

/// Time that was looked at: intervals between two looks that follow each other.
#[derive(Debug, Clone, Copy)]
struct Counted {
    sum: Duration,
    looked_at: Duration,
}

impl Counted {
    fn from(at: Duration) -> Self {
        Self { sum: Duration::ZERO, looked_at: at }
    }

    /// Counts the time since the last look, and says how much that was. A look that took long or
    /// failed makes an interval of two rounds at the most: nobody knows of the rest of it.
    fn count(&mut self, at: Duration, every: Duration) -> Duration {
        let passed = at.saturating_sub(self.looked_at).min(every * 2);
        self.sum += passed;
        self.looked_at = at;
        passed
    }
}

/// What is to be told.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct News<'a> {
    pub fires: Vec<Fires<'a>>,
    pub over: Vec<&'a FiringAlert>,
}

/// A sighting whose time has come.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fires<'a> {
    pub sighting: &'a Sighting,
    pub watch: &'a Watch,
    /// For how long it was seen: that of the pod which has failed longest.
    pub lasting: Duration,
    /// That pod; `None`: it has none of its own.
    pub oldest: Option<&'a str>,
}

impl Held {
    fn of(sighting: &Sighting) -> Self {
        Self {
            what: sighting.what.clone(),
            namespace: sighting.namespace.clone(),
            failing: BTreeMap::new(),
            told_at: None,
        }
    }

    /// It is seen by a look at `at`. The pod that has failed longest, and for how long.
    fn see<'s>(&mut self, sighting: &'s Sighting, at: Duration, every: Duration) -> (Duration, Option<&'s str>) {
        let none = sighting.pods.is_empty().then_some(("", ""));
        let pods = sighting.pods.iter().map(|(pod, uid)| (pod.as_str(), uid.as_str())).chain(none);
        let lasting = pods.map(|(pod, uid)| {
            let failing = self.failing.entry(uid.to_owned()).or_insert_with(|| Failing {
                pod: pod.to_owned(),
                says: String::new(),
                lasting: Counted::from(at),
                unseen: Duration::ZERO,
            });
            failing.lasting.count(at, every);
            failing.unseen = Duration::ZERO;
            failing.says.clone_from(&sighting.says);
            (failing.lasting.sum, Some(pod).filter(|pod| !pod.is_empty()))
        });
        // Of two that are as old, the one whose name comes first.
        lasting.max_by(|(one, a), (other, b)| one.cmp(other).then(b.cmp(a))).unwrap_or_default()
    }

    /// A look saw all there is of its watch. Whether something of it is there, or was a moment ago.
    fn stays(&mut self, at: Duration, every: Duration) -> bool {
        self.failing.retain(|_, failing| {
            if failing.lasting.looked_at < at {
                failing.unseen += failing.lasting.count(at, every);
            }
            failing.unseen < OVER_AFTER
        });
        !self.failing.is_empty()
    }
}

impl Memory {
    /// The pods of all that is held.
    pub fn pods(&self) -> BTreeSet<PodName> {
        let of = |held: &Held| {
            let names = held.failing.values().filter(|failing| !failing.pod.is_empty());
            names.map(|failing| (held.namespace.clone(), failing.pod.clone())).collect::<Vec<_>>()
        };
        self.held.values().flat_map(of).collect()
    }

    /// What the pods of this watch say that are held, by UID.
    pub fn says(&self, what: &WatchedFor) -> BTreeMap<String, String> {
        let held = self.held.values().filter(|held| held.what == *what);
        held.flat_map(|held| &held.failing).map(|(uid, failing)| (uid.clone(), failing.says.clone())).collect()
    }

    /// What the look at `at` made news could not be told, and is news again.
    pub fn untold(&mut self, at: Duration) {
        self.held.values_mut().filter(|held| held.told_at == Some(at)).for_each(|held| held.told_at = None);
    }

    /// What a look at `at` makes news. `firing`: what the source has told, and is open. What begins
    /// is held, and no news, unless it is ours to tell (`tells`).
    pub fn hear<'a>(
        &mut self,
        source: &'a ClusterSource,
        looked: &'a Looked,
        firing: &'a [FiringAlert],
        at: Duration,
        tells: bool,
    ) -> News<'a> {
        let mut news = News::default();
        let open: BTreeSet<&str> = firing.iter().map(|firing| firing.fingerprint.as_str()).collect();
        let mut seen = BTreeSet::new();
        for sighting in &looked.sightings {
            let Some(watch) = source.watches.iter().find(|watch| watch.what == sighting.what) else { continue };
            let fingerprint = sighting.fingerprint();
            let held = self.held.entry(fingerprint.clone()).or_insert_with(|| Held::of(sighting));
            let (lasting, oldest) = held.see(sighting, at, source.every);
            let is_told = held.told_at.is_some_and(|told_at| at.saturating_sub(told_at) < TOLD_AGAIN_AFTER);
            if open.contains(fingerprint.as_str()) {
                held.told_at = Some(at);
            } else if lasting >= watch.hold && !is_told && tells {
                held.told_at = Some(at);
                news.fires.push(Fires { sighting, watch, lasting, oldest });
            }
            seen.insert(fingerprint);
        }
        // What was not looked at stays what it was.
        self.held.retain(|_, held| looked.blind.contains_key(&held.what) || held.stays(at, source.every));
        let mut gone = std::mem::take(&mut self.gone);
        for firing in firing {
            let Some(watch) = watch_of(source, &firing.alert).filter(|_| !seen.contains(&firing.fingerprint)) else {
                continue;
            };
            let before = gone.remove(&firing.fingerprint);
            if looked.blind.contains_key(&watch.what) {
                // The time until the next look that sees counts, and none of this.
                let kept = before.map(|before| Counted { looked_at: at, ..before });
                self.gone.extend(kept.map(|kept| (firing.fingerprint.clone(), kept)));
                continue;
            }
            let mut unseen = before.unwrap_or(Counted::from(at));
            unseen.count(at, source.every);
            if unseen.sum >= OVER_AFTER {
                self.held.remove(&firing.fingerprint);
                news.over.push(firing);
            }
            self.gone.insert(firing.fingerprint.clone(), unseen);
        }
        news
    }
}

/// The watch that told of it, if that is switched on and still looks there.
fn watch_of<'s>(source: &'s ClusterSource, alert: &OpenAlert) -> Option<&'s Watch> {
    let label = |name: &str| alert.labels.get(name).map_or("", String::as_str);
    let told = |watch: &&Watch| match &watch.what {
        WatchedFor::ReportsFailure(reports) => reports.kind == label("kind") && reports.condition == label("condition"),
        _ => true,
    };
    let mut watches = source.watches.iter().filter(|watch| watch.what.alert() == alert.alert);
    watches.find(told).filter(|_| label("namespace").is_empty() || source.covers(label("namespace")))
}

#[cfg(test)]
mod tests;
