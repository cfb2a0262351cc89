//! Since when it is seen, and what that makes news. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::look::{Looked, PodName};
use super::settings::{ClusterSource, Watch, WatchedFor};
use super::sighting::Sighting;
use crate::store::{FiringAlert, OpenAlert};

/// What is not seen for so long is over: a pod that is made anew waits for nothing for a moment.
const OVER_AFTER: Duration = Duration::from_secs(2 * 60);

/// What somebody has closed and goes on is told again after so long, as Alertmanager does.
const TOLD_AGAIN_AFTER: Duration = Duration::from_secs(4 * 3_600);

/// What was seen before, by fingerprint. Times are those of the monotonic clock. It is not durable:
/// after a restart each hold begins anew. What is told already, the store knows.
#[derive(Debug, Default)]
pub(super) struct Memory {
    held: BTreeMap<String, Held>,
    /// Since when alerts that fire are not seen.
    gone: BTreeMap<String, Duration>,
}

#[derive(Debug)]
struct Held {
    since: Duration,
    seen_at: Duration,
    /// When it was told, or still fired.
    told_at: Option<Duration>,
    pods: BTreeSet<PodName>,
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
    /// For how long it was seen.
    pub lasting: Duration,
}

impl Memory {
    /// The pods of all that is held.
    pub fn pods(&self) -> BTreeSet<PodName> {
        self.held.values().flat_map(|held| held.pods.iter().cloned()).collect()
    }

    /// What the look at `at` made news could not be told, and is news again.
    pub fn untold(&mut self, at: Duration) {
        self.held.values_mut().filter(|held| held.told_at == Some(at)).for_each(|held| held.told_at = None);
    }

    /// What a look at `at` makes news. `firing`: what the source has told, and is open.
    pub fn hear<'a>(
        &mut self,
        source: &'a ClusterSource,
        looked: &'a Looked,
        firing: &'a [FiringAlert],
        at: Duration,
    ) -> News<'a> {
        let mut news = News::default();
        let open: BTreeSet<&str> = firing.iter().map(|firing| firing.fingerprint.as_str()).collect();
        let mut seen = BTreeSet::new();
        for sighting in &looked.sightings {
            let Some(watch) = source.watches.iter().find(|watch| watch.what == sighting.what) else { continue };
            let fingerprint = sighting.fingerprint();
            let held = self.held.entry(fingerprint.clone()).or_insert_with(|| Held {
                since: at,
                seen_at: at,
                told_at: None,
                pods: BTreeSet::new(),
            });
            held.seen_at = at;
            held.pods = sighting.pods.iter().map(|pod| (sighting.namespace.clone(), pod.clone())).collect();
            let lasting = at.saturating_sub(held.since);
            let is_told = held.told_at.is_some_and(|told_at| at.saturating_sub(told_at) < TOLD_AGAIN_AFTER);
            if open.contains(fingerprint.as_str()) {
                held.told_at = Some(at);
            } else if lasting >= watch.hold && !is_told {
                held.told_at = Some(at);
                news.fires.push(Fires { sighting, watch, lasting });
            }
            seen.insert(fingerprint);
        }
        // What was not looked at stays what it was.
        let blind = &looked.blind;
        self.held.retain(|fingerprint, held| {
            seen.contains(fingerprint) || !blind.is_empty() || at.saturating_sub(held.seen_at) < OVER_AFTER
        });
        let mut gone = std::mem::take(&mut self.gone);
        for firing in firing {
            let watch = watch_of(source, &firing.alert).filter(|watch| !blind.contains_key(&watch.what));
            if watch.is_none() || seen.contains(&firing.fingerprint) {
                continue;
            }
            let since = gone.remove(&firing.fingerprint).unwrap_or(at);
            if at.saturating_sub(since) >= OVER_AFTER {
                news.over.push(firing);
            }
            self.gone.insert(firing.fingerprint.clone(), since);
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
        let watch = |what| Watch { what, hold: 5 * MINUTE, severity: Severity::S3 };
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
            pods: BTreeSet::from(["web-1".to_owned()]),
            containers: BTreeSet::new(),
            says: "ErrImagePull".into(),
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

    fn blind() -> Looked {
        let blind = BTreeMap::from([(WatchedFor::ImagePull, "it does not answer".to_owned())]);
        Looked { blind, ..Looked::default() }
    }

    /// What is news of these looks, a minute apart: `!` it fires, `.` it is over.
    fn story(memory: &mut Memory, looks: &[(&Looked, bool)]) -> String {
        let source = source();
        let told = looks.iter().enumerate().map(|(n, (looked, is_open))| {
            let firing = if *is_open { vec![fires()] } else { Vec::new() };
            let at = MINUTE * u32::try_from(n).unwrap();
            let news = memory.hear(&source, looked, &firing, at);
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
        let looks = [&seen, &blind, &blind, &blind, &blind, &seen].map(|looked| (looked, false));
        assert_eq!(story(&mut Memory::default(), &looks), "-----!");
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
            let news = memory.hear(&source, &seen, &firing, MINUTE * minute);
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
            let over: usize = (0..9).map(|n| memory.hear(&source, &gone, &firing, MINUTE * n).over.len()).sum();
            assert_eq!(over, 0);
        }
    }
}
