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
