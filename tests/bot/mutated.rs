//! What comes from the network, changed at random: the parsers that face it never panic, and what
//! they take is whole.
//!
//! The corpus is what is under `tests/fixtures/alertmanager` and `tests/corpus`; a file that once
//! broke something goes there. The mutations are the same each time. `DOGWATCH_TEST_MUTATIONS` says
//! how many of each file are tried (100), and `DOGWATCH_TEST_SEED` what they begin with.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::DateTime;
use dogwatch::command::parse_command;
use dogwatch::intake::{Form, MOST_ALERTS, Mapping};
use dogwatch::model::{AlertStatus, SignalBody};
use dogwatch::store::Delivered;

const MAP: &str = "
alerts: body.events
name: event.title
status: event.?state.orValue('firing')
labels: { host: event.host, severity: event.?level.orValue('warning'), site: \"body.?site.orValue('')\" }
annotations: { summary: \"string(event.?text.orValue('none')) + '!'\" }
starts_at: event.?at.orValue('')
key: string(event.?id.orValue(''))
";

/// <https://prng.di.unimi.it/splitmix64.c>: small, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end.max(1) as u64).unwrap()
    }
}

/// What tends to matter to a parser.
const WORDS: [&[u8]; 24] = [
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b"\\",
    b",",
    b":",
    b"null",
    b"-1",
    b"1e999",
    b"18446744073709551616",
    b"\\ud800",
    b"\\u0000",
    b"\xff",
    b"\xc3",
    b"\n",
    b"{\"status\":\"firing\",\"labels\":{\"a\":\"b\"},\"startsAt\":\"2025-03-01T02:00:00Z\"}",
    b"\"alerts\":[",
    b"},{",
    b"],",
    b"'",
    b"=",
    b"/run x --set a=b",
];

fn mutated(random: &mut Random, sound: &[u8], other: &[u8]) -> Vec<u8> {
    let mut text = sound.to_vec();
    for _ in 0..=random.below(4) {
        let at = random.below(text.len() + 1);
        let end = (at + random.below(40)).min(text.len());
        match random.below(7) {
            0 => text.truncate(at),
            1 => drop(text.drain(at..end)),
            2 => drop(text.splice(at..at, WORDS[random.below(WORDS.len())].iter().copied())),
            3 => drop(text.splice(at..end, WORDS[random.below(WORDS.len())].iter().copied())),
            4 => {
                if let Some(byte) = text.get_mut(at) {
                    *byte ^= 1 << random.below(8);
                }
            }
            5 => {
                let again = text[at..end].to_vec();
                drop(text.splice(at..at, again));
            }
            _ => {
                let from = random.below(other.len() + 1);
                let part = &other[from..(from + random.below(200)).min(other.len())];
                drop(text.splice(at..end, part.iter().copied()));
            }
        }
    }
    text
}

fn corpus(folder: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_none_or(|extension| extension != "md") {
                found.push((path.clone(), std::fs::read(&path).unwrap()));
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "{folder}");
    found
}

fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(usual)
}

/// Tries each file of the corpus as it is, and changed.
fn tries(files: &[(PathBuf, Vec<u8>)], mut check: impl FnMut(&[u8])) {
    let mut random = Random(number("DOGWATCH_TEST_SEED", 1));
    for (path, sound) in files {
        check(sound);
        for n in 0..number("DOGWATCH_TEST_MUTATIONS", 100) {
            let other = &files[random.below(files.len())].1;
            let text = mutated(&mut random, sound, other);
            let tried = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check(&text)));
            assert!(tried.is_ok(), "{} and its mutation {n}: {:?}", path.display(), String::from_utf8_lossy(&text));
        }
    }
}

/// What holds of whatever was taken.
fn is_whole(delivered: &Delivered) {
    let (mut alerts, mut firing) = (0, 0);
    for part in &delivered.parts {
        assert!(!part.pieces.is_empty());
        for piece in &part.pieces {
            let body: SignalBody = serde_json::from_str(piece).unwrap();
            assert_eq!(serde_json::to_string(&body).unwrap(), *piece, "what is written down reads the same");
            let SignalBody::Notification(notification) = body else { panic!("{piece}") };
            alerts += notification.alerts.len();
            firing += notification.alerts.iter().filter(|alert| alert.status == AlertStatus::Firing).count();
            for alert in &notification.alerts {
                assert!(!alert.labels.is_empty() && alert.fingerprint.len() == 16, "{alert:?}");
            }
        }
    }
    assert_eq!((alerts, firing), (delivered.alerts, delivered.firing));
    assert!(alerts <= MOST_ALERTS);
    let left_out = &delivered.left_out;
    assert!(left_out.damage.len() <= 5 && left_out.damage.iter().all(|why| why.len() < 600), "{left_out:?}");
    assert!(left_out.damaged == 0 || !left_out.damage.is_empty(), "{left_out:?}");
}

fn parses(form: &Form, body: &[u8]) -> bool {
    let parse = || form.parse("source".into(), DateTime::UNIX_EPOCH, &[], body);
    match parse() {
        Ok(delivered) => {
            is_whole(&delivered);
            let keys = |delivered: &Delivered| delivered.parts.iter().map(|part| part.key.clone()).collect::<Vec<_>>();
            assert_eq!(keys(&delivered), keys(&parse().unwrap()), "the same again is the same");
            true
        }
        Err(error) => {
            assert!(!error.at.is_empty() && !error.what.is_empty() && error.to_string().len() < 1_000, "{error}");
            false
        }
    }
}

#[test]
fn bodies_of_alertmanager_that_are_changed_at_random() {
    let files = [corpus("fixtures/alertmanager"), corpus("corpus/alertmanager")].concat();
    let (mut taken, mut all) = (0, 0);
    tries(&files, |body| {
        all += 1;
        if parses(&Form::Alertmanager, body) {
            taken += 1;
            let delivered = Form::Alertmanager.parse("source".into(), DateTime::UNIX_EPOCH, &[], body).unwrap();
            let bytes: usize = delivered.parts.iter().flat_map(|part| &part.pieces).map(String::len).sum();
            assert!(bytes <= 4 * body.len() + 16 * 1024, "{bytes} of {}", body.len());
        }
    });
    assert!(taken > all / 4 && taken < all, "{taken} of {all}: nothing is tried");
}

#[test]
fn events_that_are_changed_at_random() {
    let form = Form::Generic(Arc::new(Mapping::compile(&serde_saphyr::from_str(MAP).unwrap()).unwrap()));
    let (mut taken, mut all) = (0, 0);
    tries(&corpus("corpus/generic"), |body| {
        all += 1;
        taken += u32::from(parses(&form, body));
    });
    assert!(taken > 0 && taken < all, "{taken} of {all}: nothing is tried");
}

#[test]
fn commands_that_are_changed_at_random() {
    tries(&corpus("corpus/commands"), |line| {
        let text = String::from_utf8_lossy(line);
        match parse_command(&text) {
            Ok(command) => {
                let written = serde_json::to_string(&command).unwrap();
                assert_eq!(serde_json::from_str::<dogwatch::model::Command>(&written).unwrap(), command);
            }
            Err(error) => assert!(!error.what.is_empty() && error.to_string().len() < 8_000, "{error}"),
        }
    });
}
