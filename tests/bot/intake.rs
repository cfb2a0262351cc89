//! What comes in, in whatever amount, from whomever, and whatever the clocks say.

use std::time::Duration;

use chrono::{DateTime, Utc};
use dogwatch::clock::Clock as _;
use dogwatch::intake::{MOST_ALERTS, parse_notification};
use dogwatch::model::*;
use dogwatch::store::*;
use dogwatch::worker::settle;
use proptest::prelude::*;

use crate::bot::Bot;
use crate::incidents::{Shift, alert, two_in_the_morning};

/// A body of one group, whose last alert is the worst.
pub fn storm(alerts: usize, starts_at: DateTime<Utc>, ends_at: Option<DateTime<Utc>>) -> Vec<u8> {
    let (status, end) = match ends_at {
        Some(end) => ("resolved", end.to_rfc3339()),
        None => ("firing", "0001-01-01T00:00:00Z".to_owned()),
    };
    let start = starts_at.to_rfc3339();
    // All in one lane: a body in two is two signals.
    let one = |n: usize| {
        format!(
            r#"{{"status":"{status}","labels":{{"alertname":"Down","instance":"db-{n}","severity":"critical"}},"startsAt":"{start}","endsAt":"{end}"}}"#
        )
    };
    let alerts: Vec<String> = (0..alerts).map(one).collect();
    format!(r#"{{"version":"4","groupKey":"g","receiver":"dogwatch","alerts":[{}]}}"#, alerts.join(",")).into_bytes()
}

async fn lets_in(shift: &Shift, body: &[u8]) {
    let delivered = parse_notification("alertmanager", shift.clock.now(), body).unwrap();
    shift.store.accept_delivery(delivered).await.unwrap();
}

#[tokio::test]
async fn twenty_thousand_alerts_of_one_body_are_one_incident_and_one_page() {
    let shift = Shift::begin().await;
    lets_in(&shift, &storm(20_000, shift.clock.now(), None)).await;
    settle(&shift.workers).await.unwrap();
    assert_eq!(shift.told().await, ["INC-1 open 20000/20000 runs=0"]);
    assert_eq!(shift.pages().await, ["INC-1 SeverityOne"]);
}

#[tokio::test]
async fn what_is_more_than_is_taken_of_a_body_is_told_to_a_person() {
    let shift = Shift::begin().await;
    let tiny =
        |n: usize| format!(r#"{{"status":"resolved","labels":{{"a":"{n}"}},"startsAt":"2026-03-02T01:00:00Z"}}"#);
    let alerts: Vec<String> = (0..MOST_ALERTS + 90_000).map(tiny).collect();
    let body = format!(r#"{{"version":"4","groupKey":"g","alerts":[{}]}}"#, alerts.join(","));
    lets_in(&shift, body.as_bytes()).await;
    settle(&shift.workers).await.unwrap();
    let pages = shift.pages().await;
    assert!(pages.len() == 1 && pages[0].contains("90000 alerts"), "{pages:?}");
    let timeline = shift.timeline(1).await;
    assert!(timeline.contains("90000 alerts") && timeline.contains("group by more labels"), "{timeline}");
}

/// A group of which Alertmanager has sent `sent` alerts, and left out `cut`.
fn cut_group(group: &str, sent: usize, cut: u64) -> Vec<u8> {
    let one = |n: usize| {
        format!(
            r#"{{"status":"firing","labels":{{"alertname":"Minor","n":"{group}{n}"}},"startsAt":"2026-03-02T01:00:00Z"}}"#
        )
    };
    let alerts: Vec<String> = (0..sent).map(one).collect();
    let alerts = alerts.join(",");
    format!(r#"{{"version":"4","groupKey":"{group}","truncatedAlerts":{cut},"alerts":[{alerts}]}}"#).into_bytes()
}

#[tokio::test]
async fn what_its_sender_leaves_out_is_told_to_a_person_once_and_again_when_it_is_more() {
    let shift = Shift::begin().await;
    let comes = async |group: &str, sent: usize, cut: u64| {
        lets_in(&shift, &cut_group(group, sent, cut)).await;
        settle(&shift.workers).await.unwrap();
    };
    let told = async || shift.timeline(2).await.matches("left out by their sender").count();
    comes("g", 1, 40).await;
    let pages = shift.pages().await;
    assert!(pages.iter().any(|page| page.starts_with("INC-2") && page.contains("40 alerts")), "{pages:?}");
    assert!(pages.iter().any(|page| page.contains("max_alerts")), "{pages:?}");
    let timeline = shift.timeline(1).await;
    assert!(timeline.contains("40 more alerts of this group were left out by alertmanager"), "{timeline}");
    // The same again, with more that fires; and one more that was left out no longer.
    comes("g", 2, 40).await;
    comes("g", 3, 39).await;
    comes("g", 2, 40).await;
    assert_eq!((told().await, shift.pages().await.len()), (1, pages.len()));
    // Whoever has it knows what to do, and still finds what became worse.
    shift.says("alice", Command::Ack { incident: IncidentId(2) }).await;
    comes("g", 4, 41).await;
    comes("h", 1, 1).await;
    assert_eq!(told().await, 3);
    assert_eq!(shift.told().await[1], "INC-2 acknowledged 0/0 runs=0");
    // Resolved and not put right: somebody hears of it again.
    shift.says("alice", Command::Resolve { incident: IncidentId(2), note: None }).await;
    comes("g", 5, 41).await;
    let timeline = shift.timeline(shift.incidents_ever().await.len() as i64).await;
    assert!(timeline.contains("41 alerts of the group g left out by their sender"), "{timeline}");
}

/// A group of three alerts, of which one says no time.
fn odd_group(group: &str, odd: &str, says: &str) -> Vec<u8> {
    let one = |name: &str| {
        let start = if name == odd { says } else { "2026-03-02T01:00:00Z" };
        format!(r#"{{"status":"firing","labels":{{"alertname":"Minor","n":"{group}{name}"}},"startsAt":"{start}"}}"#)
    };
    let alerts = ["a", "b", "c"].map(one).join(",");
    format!(r#"{{"version":"4","groupKey":"{group}","alerts":[{alerts}]}}"#).into_bytes()
}

#[tokio::test]
async fn what_cannot_be_read_of_a_body_is_told_to_a_person_and_the_rest_is_worked_on() {
    let shift = Shift::begin().await;
    let comes = async |group: &str, odd: &str, says: &str| {
        lets_in(&shift, &odd_group(group, odd, says)).await;
        settle(&shift.workers).await.unwrap();
    };
    comes("g", "b", "soon").await;
    assert_eq!(shift.told().await, ["INC-1 open 2/2 runs=0", "INC-2 open 0/0 runs=0"]);
    let pages = shift.pages().await;
    assert!(pages.iter().any(|page| page.starts_with("INC-2") && page.contains("alerts[1].startsAt")), "{pages:?}");
    let timeline = shift.timeline(2).await;
    assert!(timeline.contains("1 alert of the group g could not be read: alerts[1].startsAt: no time"), "{timeline}");
    // Whoever has it is not called for the same damage, wherever in the group it stands.
    shift.says("alice", Command::Ack { incident: IncidentId(2) }).await;
    let told = async || shift.timeline(2).await.matches("could not be read").count();
    comes("g", "c", "soon").await;
    assert_eq!(told().await, 1);
    // Another reason, and another group, are news.
    comes("g", "c", "2026-99-99T01:00:00Z").await;
    comes("h", "a", "soon").await;
    assert_eq!(told().await, 3);
    shift.says("alice", Command::Resolve { incident: IncidentId(2), note: None }).await;
    comes("g", "a", "soon").await;
    assert_eq!(shift.incidents_ever().await.len(), 3, "put right it is not: {:?}", shift.told().await);
}

#[tokio::test]
async fn what_kills_the_process_is_set_aside_after_five_deaths_and_paged() {
    let mut bot = Bot::begins(&[], Vec::new()).await;
    let body = storm(1, bot.clock.now(), None);
    let delivered = parse_notification("alertmanager", bot.clock.now(), &body).unwrap();
    bot.store().accept_delivery(delivered).await.unwrap();
    for death in 1..=5 {
        bot.fuse.dies_after(1);
        bot.settles_once().await;
        assert_eq!(bot.store().levels().await.unwrap().pending_signals, 1, "death {death}");
    }
    bot.settles().await;
    let levels = bot.store().levels().await.unwrap();
    assert_eq!((levels.pending_signals, levels.set_aside_signals), (0, 1));
    bot.pages(["platform set aside"]).await;
}

#[tokio::test]
async fn a_person_waits_behind_no_storm_and_nobody_waits_for_ever() {
    let shift = Shift::begin().await;
    let now = shift.clock.now();
    let critical =
        |n: usize| vec![alert("Down", &[("n", &n.to_string()), ("severity", "critical")], now, AlertStatus::Firing)];
    shift.fires("Slow", &[("severity", "warning")]).await;
    let resolved = alert("Slow", &[("severity", "warning")], now, AlertStatus::Resolved);
    shift.lets_in("usual", vec![resolved]).await;
    for n in 0..50 {
        shift.lets_in(&format!("g{n}"), critical(n)).await;
    }
    let person = Person { name: "ada".into(), via: Via::Console, id: "ada".into(), role: Some(Role::Responder) };
    let body = SignalBody::Command { person, command: Command::Ack { incident: IncidentId(1) } };
    let signal = Signal { source: "console".into(), key: "k".into(), received_at: now, body };
    let asked = shift.store.accept(&signal).await.unwrap().id();
    let mut answered = None;
    let mut ended = None;
    for turn in 1..=20 {
        shift.workers[0].turn().await.unwrap();
        if answered.is_none() && shift.store.reply(asked).await.unwrap().is_some() {
            answered = Some(turn);
        }
        if ended.is_none() && shift.store.incident(IncidentId(1)).await.unwrap().unwrap().open_episodes == 0 {
            ended = Some(turn);
        }
    }
    assert!(answered <= Some(2), "{answered:?}");
    assert!(ended.is_some_and(|turn| turn <= 9), "{ended:?}");
}

#[tokio::test]
async fn a_later_start_of_what_never_ended_is_told_and_calls_whoever_took_it_long_ago() {
    let shift = Shift::begin().await;
    let anew = async || {
        let now = shift.clock.now();
        shift.delivers("g", vec![alert("Unknown", &[], now, AlertStatus::Firing)]).await;
    };
    shift.fires("Unknown", &[]).await;
    shift.says("alice", Command::Ack { incident: IncidentId(1) }).await;
    shift.passes(5).await;
    anew().await;
    assert_eq!(shift.told().await, ["INC-1 acknowledged 1/2 runs=0"], "somebody is at it");
    let timeline = shift.timeline(1).await;
    assert!(timeline.contains("fires anew") && timeline.contains("was never told"), "{timeline}");
    shift.passes(10 * 60).await;
    anew().await;
    assert_eq!(shift.told().await, ["INC-1 open 1/3 runs=0"]);
    assert_eq!(shift.pages().await.len(), 2);
    // The same by another peer, and what was told before by a late one, are no news.
    anew().await;
    shift.delivers("late", vec![alert("Unknown", &[], two_in_the_morning(), AlertStatus::Firing)]).await;
    assert_eq!(shift.told().await, ["INC-1 open 1/3 runs=0"]);
}

#[tokio::test]
async fn a_sender_whose_clock_was_set_back_is_heard() {
    let shift = Shift::begin().await;
    let since = shift.fires("Unknown", &[]).await;
    shift.passes(3).await;
    shift.resolves("Unknown", &[], since).await;
    let earlier = since - Duration::from_secs(7_200);
    shift.delivers("g", vec![alert("Unknown", &[], earlier, AlertStatus::Firing)]).await;
    assert_eq!(shift.told().await, ["INC-1 open 1/2 runs=0"]);
    let end = Some(earlier + Duration::from_secs(60));
    let over = Alert { ends_at: end, ..alert("Unknown", &[], earlier, AlertStatus::Resolved) };
    shift.delivers("g", vec![over]).await;
    assert_eq!(shift.told().await, ["INC-1 resolved 0/2 runs=0"]);
    shift.passes(1).await;
    shift.delivers("late", vec![alert("Unknown", &[], since, AlertStatus::Firing)]).await;
    shift.passes(30).await;
    assert_eq!(shift.told().await, ["INC-1 resolved 0/2 runs=0"], "an echo of what was over before");
}

#[tokio::test]
async fn what_is_told_last_counts_also_when_all_of_it_waits() {
    // Told one after the other before anybody works on any of it: fires, and its end.
    for (told, wait, fires) in [
        ("FF", 1, true),
        ("FFE", 2, false),
        ("FEF", 3, true),
        ("FEFFF", 3, true),
        ("FEFE", 4, false),
        ("FEFEF", 4, true),
        ("FEFEFEFE", 4, false),
        ("EFE", 3, false),
    ] {
        for alerts in [1, 1_200] {
            let shift = Shift::begin().await;
            let (start, end) = (shift.clock.now(), shift.clock.now() + Duration::from_secs(1));
            for word in told.chars() {
                lets_in(&shift, &storm(alerts, start, (word == 'E').then_some(end))).await;
            }
            let waiting = shift.store.levels().await.unwrap().pending_signals;
            assert_eq!(waiting, wait, "{told}: nothing is kept that others make needless");
            shift.passes(30).await;
            let incidents = shift.incidents().await;
            let open: u64 = incidents.iter().map(|incident| incident.open_episodes).sum();
            let all: u64 = incidents.iter().map(|incident| incident.episodes).sum();
            assert_eq!((open, all), (if fires { alerts as u64 } else { 0 }, alerts as u64), "{told}, {alerts} alerts");
            assert_eq!(incidents.len(), 1, "{told}");
        }
    }
}

#[tokio::test]
async fn a_firing_that_is_told_again_while_its_end_waits_fires() {
    let shift = Shift::begin().await;
    let since = shift.fires("Unknown", &[]).await;
    let told = |status| vec![alert("Unknown", &[], since, status)];
    shift.lets_in("g", told(AlertStatus::Resolved)).await;
    shift.lets_in("g", told(AlertStatus::Firing)).await;
    shift.passes(30).await;
    assert_eq!(shift.told().await, ["INC-1 open 1/1 runs=0"]);
    // A late peer tells all of it again while nobody has worked on any of it.
    shift.lets_in("g", told(AlertStatus::Resolved)).await;
    shift.lets_in("g", told(AlertStatus::Firing)).await;
    shift.lets_in("g", told(AlertStatus::Resolved)).await;
    shift.passes(30).await;
    assert_eq!(shift.told().await, ["INC-1 resolved 0/1 runs=0"]);
}

#[tokio::test]
async fn a_changed_text_is_another_thing_to_say() {
    let shift = Shift::begin().await;
    let body = |text: &str| {
        format!(
            r#"{{"version":"4","groupKey":"g","alerts":[{{"status":"firing","labels":{{"alertname":"Down"}},
                "annotations":{{"summary":"{text}"}},"startsAt":"2026-03-02T01:00:00Z"}}]}}"#
        )
        .into_bytes()
    };
    for text in ["one is down", "two are down"] {
        let delivered = parse_notification("alertmanager", shift.clock.now(), &body(text)).unwrap();
        assert!(matches!(shift.store.accept_delivery(delivered).await.unwrap()[..], [Accepted::New(_)]), "{text}");
    }
    settle(&shift.workers).await.unwrap();
    assert_eq!(shift.told().await, ["INC-1 open 1/1 runs=0"]);
    let episodes = shift.store.episodes(IncidentId(1), 10).await.unwrap();
    assert_eq!(episodes[0].annotations["summary"], "two are down");
}

/// What may happen to three alerts, and to our clock.
#[derive(Debug, Clone)]
enum Happens {
    Fires(usize),
    Resolves(usize),
    Again(usize),
    /// By so many minutes, back or forth.
    Steps(i64),
}

fn happens() -> impl Strategy<Value = Vec<Happens>> {
    let one = prop_oneof![
        3 => (0..3_usize).prop_map(Happens::Fires),
        3 => (0..3_usize).prop_map(Happens::Resolves),
        2 => (0..64_usize).prop_map(Happens::Again),
        2 => (-600..600_i64).prop_map(Happens::Steps),
    ];
    proptest::collection::vec(one, 1..25)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    /// The sender's clock goes on; ours is set back and forth. Once everybody has told all states
    /// again and the time of what may be an echo is over, the open episodes are the alerts that
    /// fire.
    #[test]
    fn nothing_is_lost_or_doubled_whatever_our_clock_says(story in happens()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let shift = Shift::begin().await;
            let mut sender = two_in_the_morning();
            let mut firing: std::collections::BTreeMap<usize, DateTime<Utc>> = [].into();
            let mut delivered: Vec<Alert> = Vec::new();
            let mut firings = 0;
            for happens in story {
                sender += Duration::from_secs(1);
                let name = |n: usize| format!("n{n}");
                let news = match happens {
                    Happens::Fires(n) if !firing.contains_key(&n) => {
                        firing.insert(n, sender);
                        firings += 1;
                        alert("Unknown", &[("n", &name(n))], sender, AlertStatus::Firing)
                    }
                    Happens::Resolves(n) => match firing.remove(&n) {
                        Some(since) => {
                            let over = alert("Unknown", &[("n", &name(n))], since, AlertStatus::Resolved);
                            Alert { ends_at: Some(sender), ..over }
                        }
                        None => continue,
                    },
                    Happens::Again(n) if !delivered.is_empty() => delivered[n % delivered.len()].clone(),
                    Happens::Steps(minutes) => {
                        let by = chrono::Duration::minutes(minutes);
                        shift.store.move_what_waits(by).await.unwrap();
                        shift.clock.follow(by);
                        continue;
                    }
                    Happens::Fires(_) | Happens::Again(_) => continue,
                };
                if news.status == AlertStatus::Resolved || !delivered.contains(&news) {
                    delivered.push(news.clone());
                }
                // As Alertmanager does: whoever repeats a firing that is over repeats its end
                // before long.
                let over = delivered.iter().rev().find(|other| {
                    other.fingerprint == news.fingerprint
                        && other.starts_at == news.starts_at
                        && other.status == AlertStatus::Resolved
                });
                let over = over.filter(|_| news.status == AlertStatus::Firing).cloned();
                let key = news.fingerprint.clone();
                shift.delivers(&key, vec![news]).await;
                if let Some(over) = over {
                    shift.delivers(&format!("{key} over"), vec![over]).await;
                }
            }
            shift.passes(24 * 60).await;
            let open: u64 = shift.incidents_ever().await.iter().map(|incident| incident.open_episodes).sum();
            prop_assert_eq!(open, firing.len() as u64, "{:?}", delivered);
            let ever = shift.incidents_ever().await;
            let all: u64 = ever.iter().filter(|incident| incident.merged.is_none()).map(|it| it.episodes).sum();
            prop_assert_eq!(all, firings, "{:?}", delivered);
            Ok(())
        })?;
    }
}
