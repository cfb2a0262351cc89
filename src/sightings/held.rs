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
mod tests {
    use super::*;
    use crate::model::Severity;
    use crate::store::story::morning;

    const MINUTE: Duration = Duration::from_secs(60);

    fn source() -> ClusterSource {
        let watch = |what| Watch { what, hold: 5 * MINUTE, severity: Severity::S3, team: None };
        let watches = vec![watch(WatchedFor::ImagePull), watch(WatchedFor::FailedAttach)];
        ClusterSource { name: "cluster".into(), every: MINUTE, namespaces: vec!["shop".into()], watches }
    }

    fn sighting() -> Sighting {
        let labels = |label: &str, value: &str| BTreeMap::from([(label.to_owned(), value.to_owned())]);
        Sighting {
            what: WatchedFor::ImagePull,
            namespace: "shop".into(),
            own: labels("deployment", "web"),
            besides: labels("pod", "web-1"),
            about: "deployment web".into(),
            pods: BTreeMap::from([("web-1".to_owned(), "uid-1".to_owned())]),
            containers: BTreeSet::new(),
            says: "ErrImagePull".into(),
            at_worst: None,
        }
    }

    fn fires() -> FiringAlert {
        let labels = BTreeMap::from([("namespace".to_owned(), "shop".to_owned())]);
        let (source, alert) = ("cluster".to_owned(), WatchedFor::ImagePull.alert().to_owned());
        let alert = OpenAlert { source, alert, labels, object: String::new(), severity: None };
        FiringAlert { fingerprint: sighting().fingerprint(), starts_at: morning(), alert }
    }

    fn seen() -> Looked {
        Looked { sightings: vec![sighting()], ..Looked::default() }
    }

    fn shows(uids: &[&str]) -> Looked {
        let pods = uids.iter().map(|uid| (format!("web-{uid}"), (*uid).to_owned())).collect();
        Looked { sightings: vec![Sighting { pods, ..sighting() }], ..Looked::default() }
    }

    fn blind_for(what: WatchedFor) -> Looked {
        Looked { blind: BTreeMap::from([(what, "it does not answer".to_owned())]), ..Looked::default() }
    }

    fn blind() -> Looked {
        blind_for(WatchedFor::ImagePull)
    }

    /// What is news of these looks, a minute apart: `!` it fires, `.` it is over.
    fn story(memory: &mut Memory, looks: &[(&Looked, bool)]) -> String {
        let source = source();
        let told = looks.iter().enumerate().map(|(n, (looked, is_open))| {
            let firing = if *is_open { vec![fires()] } else { Vec::new() };
            let at = MINUTE * u32::try_from(n).unwrap();
            let news = memory.hear(&source, looked, &firing, at, true);
            match (news.fires.len(), news.over.len()) {
                (0, 0) => '-',
                (1, 0) => '!',
                (0, 1) => '.',
                other => panic!("{other:?}"),
            }
        });
        told.collect()
    }

    #[test]
    fn what_is_seen_for_its_time_fires_once_and_ends_once_it_is_gone() {
        let (seen, gone) = (seen(), Looked::default());
        let mut looks = vec![(&seen, false); 6];
        looks.extend([(&seen, true), (&seen, true), (&gone, true), (&gone, true), (&gone, true), (&gone, false)]);
        assert_eq!(story(&mut Memory::default(), &looks), "-----!----.-");
    }

    #[test]
    fn what_is_gone_for_a_moment_is_still_held() {
        let (seen, gone) = (seen(), Looked::default());
        let looks = [&seen, &seen, &gone, &seen, &seen, &seen, &seen].map(|looked| (looked, false));
        assert_eq!(story(&mut Memory::default(), &looks), "-----!-");
        let looks = [&seen, &seen, &gone, &gone, &gone, &seen, &seen].map(|looked| (looked, false));
        assert_eq!(story(&mut Memory::default(), &looks), "-------", "it began anew");
    }

    #[test]
    fn what_is_not_looked_at_neither_ends_nor_begins_anew() {
        let (seen, blind) = (seen(), blind());
        let looks = [(&blind, true); 8];
        assert_eq!(story(&mut Memory::default(), &looks), "--------");
        let mut looks = vec![(&seen, false), (&seen, false)];
        looks.extend([(&blind, false); 30]);
        looks.extend([(&seen, false); 4]);
        let told = story(&mut Memory::default(), &looks);
        // Of the time in which nobody looked, two minutes count.
        assert_eq!(told.find('!'), Some(34), "{told}");
        assert_eq!(told.matches('!').count(), 1);
        let gone = Looked::default();
        let looks = [&seen, &blind, &blind, &blind, &blind, &gone, &gone].map(|looked| (looked, true));
        assert_eq!(story(&mut Memory::default(), &looks), "-------", "it is looked for twice more");
    }

    #[test]
    fn what_one_watch_cannot_see_freezes_no_other() {
        let (seen, other) = (seen(), blind_for(WatchedFor::FailedAttach));
        let mut looks = vec![(&seen, false); 2];
        looks.extend([(&other, false); 60]);
        looks.extend([(&seen, false); 6]);
        let told = story(&mut Memory::default(), &looks);
        assert_eq!(told.find('!'), Some(67), "it began anew: {told}");
        // It was told, is over, and comes back.
        let mut memory = Memory::default();
        let mut looks = vec![(&seen, false); 6];
        looks.extend([(&other, true); 3]);
        looks.extend([(&other, false); 3]);
        looks.extend([(&seen, false); 6]);
        assert_eq!(story(&mut memory, &looks), "-----!--.--------!");
    }

    #[test]
    fn pods_that_follow_each_other_are_not_held_as_one() {
        let drained: Vec<Looked> = (0..30).map(|n| shows(&[&format!("{}", n / 3)])).collect();
        let looks: Vec<_> = drained.iter().map(|looked| (looked, false)).collect();
        assert_eq!(story(&mut Memory::default(), &looks), "-".repeat(30), "each pod waits for three minutes");
        // One of them stays.
        let stuck: Vec<Looked> = (0..7).map(|n| shows(&["stuck", &format!("{n}")])).collect();
        let looks: Vec<_> = stuck.iter().map(|looked| (looked, false)).collect();
        assert_eq!(story(&mut Memory::default(), &looks), "-----!-");
    }

    #[test]
    fn the_pod_that_fails_longest_is_named() {
        let (source, mut memory) = (source(), Memory::default());
        let looks: Vec<Looked> = (0..6).map(|n| shows(if n == 0 { &["z"] } else { &["a", "z"] })).collect();
        let told = looks.iter().enumerate().flat_map(|(n, looked)| {
            let news = memory.hear(&source, looked, &[], MINUTE * u32::try_from(n).unwrap(), true);
            news.fires.into_iter().map(|fires| (fires.oldest, fires.lasting)).collect::<Vec<_>>()
        });
        assert_eq!(told.collect::<Vec<_>>(), [(Some("web-z"), 5 * MINUTE)]);
    }

    #[test]
    fn what_is_anothers_to_tell_is_held_and_what_was_told_ends() {
        let (source, seen, gone, mut memory) = (source(), seen(), Looked::default(), Memory::default());
        let firing = [fires()];
        for n in 0..8 {
            assert_eq!(memory.hear(&source, &seen, &[], MINUTE * n, false), News::default());
        }
        assert_eq!(memory.hear(&source, &seen, &[], MINUTE * 8, true).fires.len(), 1, "it was handed over");
        let over: usize = (9..12).map(|n| memory.hear(&source, &gone, &firing, MINUTE * n, false).over.len()).sum();
        assert_eq!(over, 1);
    }

    #[test]
    fn a_restart_ends_nothing_that_is_still_there() {
        let (seen, gone) = (seen(), Looked::default());
        let looks = [(&seen, true), (&seen, true), (&gone, true), (&gone, true), (&gone, true)];
        assert_eq!(story(&mut Memory::default(), &looks), "----.");
    }

    #[test]
    fn what_somebody_closed_is_told_again_in_hours() {
        let (source, seen, mut memory) = (source(), seen(), Memory::default());
        let mut told = Vec::new();
        for minute in 0..600 {
            let firing = if (6..20).contains(&minute) { vec![fires()] } else { Vec::new() };
            let news = memory.hear(&source, &seen, &firing, MINUTE * minute, true);
            told.extend(news.fires.iter().map(|_| minute));
        }
        assert_eq!(told, [5, 259, 499]);
    }

    #[test]
    fn what_is_switched_off_or_elsewhere_is_left_to_people() {
        let gone = Looked::default();
        for change in [
            |source: &mut ClusterSource| source.watches.retain(|watch| watch.what != WatchedFor::ImagePull),
            |source: &mut ClusterSource| source.namespaces = vec!["other".into()],
        ] {
            let (mut source, mut memory, firing) = (source(), Memory::default(), [fires()]);
            change(&mut source);
            let over: usize = (0..9).map(|n| memory.hear(&source, &gone, &firing, MINUTE * n, true).over.len()).sum();
            assert_eq!(over, 0);
        }
    }
}
