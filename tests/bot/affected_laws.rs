//! However it is counted what is affected, the same follows: by the keys that were written when the
//! alerts came and by their labels, with windows that came before them and after them.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use dogwatch::clock::Clock as _;
use dogwatch::model::*;
use dogwatch::store::*;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::bot::{Bot, minutes};

#[derive(Debug, Clone)]
enum Happens {
    Fires {
        disk: u8,
        host: u8,
        severity: u8,
        is_at_a: bool,
    },
    /// All disks of a host that fire end.
    Ends {
        host: u8,
    },
    /// A window for what is at one of two places, so many minutes long.
    IsSilenced {
        is_at_a: bool,
        minutes: u8,
    },
    Passes {
        minutes: u8,
    },
    /// The bot dies, and labels have come to mean something else.
    Forgets,
}

fn happens() -> impl Strategy<Value = Vec<Happens>> {
    let one = prop_oneof![
        12 => (0..3u8, 0..8u8, 0..3u8, any::<bool>())
            .prop_map(|(disk, host, severity, is_at_a)| Happens::Fires { disk, host, severity, is_at_a }),
        2 => (0..8u8).prop_map(|host| Happens::Ends { host }),
        1 => (any::<bool>(), 1..10u8).prop_map(|(is_at_a, minutes)| Happens::IsSilenced { is_at_a, minutes }),
        2 => (0..8u8).prop_map(|minutes| Happens::Passes { minutes }),
        1 => Just(Happens::Forgets),
    ];
    proptest::collection::vec(one, 10..40)
}

/// What is told of all incidents at the end.
async fn told(story: &[Happens], is_counted_by_labels: bool) -> Vec<String> {
    let mut bot = Bot::begins(&[], Vec::new()).await;
    bot.rules.blast_radius = BlastRadius { s1: Some(6), s2: Some(4), s3: Some(2) };
    bot.is_restarted().await;
    let mut firing: BTreeMap<(u8, u8, bool), (&str, DateTime<Utc>)> = BTreeMap::new();
    let mut has_fired = false;
    for (step, happens) in story.iter().enumerate() {
        match happens {
            Happens::Fires { disk, host, severity, is_at_a } => {
                let severity = ["debug", "info", "warning"][usize::from(*severity)];
                let alert = (*host, *disk, *is_at_a);
                let said = *firing.entry(alert).or_insert((severity, bot.clock.now()));
                has_fired = true;
                bot.hears(&body("firing", &[(alert, said)], step)).await;
            }
            Happens::Ends { host } => {
                let ended = firing.extract_if(.., |(of, ..), _| of == host).collect::<Vec<_>>();
                if !ended.is_empty() {
                    bot.hears(&body("resolved", &ended, step)).await;
                }
            }
            Happens::IsSilenced { is_at_a, minutes } => {
                let matcher = if *is_at_a { "site=a" } else { "site=b" };
                let scope = WindowScope { matchers: vec![matcher.parse().unwrap()], ..WindowScope::default() };
                let (lasting_secs, reason) = (60 * u64::from(*minutes), "a move".into());
                bot.says("ada", Command::Silence { scope, lasting_secs, from: None, reason }).await;
            }
            Happens::Passes { minutes: n } => bot.passes(minutes(u64::from(*n))).await,
            Happens::Forgets => {
                if has_fired {
                    bot.tampers("UPDATE episode SET counted_as = NULL WHERE id % 2 = 1").await;
                }
                bot.is_restarted().await;
            }
        }
        if is_counted_by_labels && has_fired {
            bot.tampers("UPDATE episode SET counted_as = NULL, held_by = NULL").await;
        }
    }
    let incidents = bot.store().incidents(IncidentFilter::Unresolved).await.unwrap();
    let mut told = Vec::new();
    for incident in incidents {
        told.push(format!("{} {} {}", incident.id, incident.severity, incident.open_episodes));
        told.extend(bot.tells(incident.id.0).await);
    }
    told
}

type Told<'a> = ((u8, u8, bool), (&'a str, DateTime<Utc>));

fn body(status: &str, alerts: &[Told<'_>], step: usize) -> Vec<u8> {
    let alert = |((host, disk, is_at_a), (severity, since)): &Told<'_>| {
        let site = if *is_at_a { "a" } else { "b" };
        let labels = json!({
            "alertname": "DiskSlow", "severity": severity, "site": site,
            "instance": format!("10.0.0.{host}:9100"), "device": format!("disk-{disk}"),
        });
        json!({ "status": status, "labels": labels, "startsAt": since })
    };
    let alerts: Vec<Value> = alerts.iter().map(alert).collect();
    json!({ "version": "4", "groupKey": format!("g-{step}"), "alerts": alerts }).to_string().into_bytes()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn it_is_the_same_however_it_is_counted(story in happens()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (by_keys, by_labels) = runtime.block_on(async { (told(&story, false).await, told(&story, true).await) });
        assert_eq!(by_keys, by_labels);
    }
}
