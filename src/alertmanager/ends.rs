//! The ends that Alertmanager does not tell: of what is silenced or inhibited it says nothing at
//! all.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};

use crate::model::{Alert, Digest, LeftOut, Notification, Signal, SignalBody, UNLISTED};
use crate::store::FiringAlert;

/// What it lists no more for so long is over. After a restart it has to be told again what fires,
/// and a rule may be evaluated once in some minutes.
const OVER_AFTER: TimeDelta = TimeDelta::minutes(5);

/// As many alerts are in one signal.
const PIECE: usize = 500;

/// When it listed those last that fire here and are kept quiet there, by source and fingerprint.
///
/// What it never listed it cannot miss: an alert of another sender, or one that it knows by other
/// labels.
#[derive(Debug, Default)]
pub(super) struct Listings {
    listed_at: BTreeMap<(String, String), DateTime<Utc>>,
    heard_at: Option<DateTime<Utc>>,
}

/// Answers that are further apart say nothing of the time between.
const APART: TimeDelta = TimeDelta::minutes(1);

impl Listings {
    /// It lists these now. Those of `kept_quiet` that it lists no more, and for long enough.
    pub fn hear<'a>(
        &mut self,
        kept_quiet: &'a [FiringAlert],
        listed: &BTreeSet<String>,
        now: DateTime<Utc>,
    ) -> Vec<&'a FiringAlert> {
        let mut before = std::mem::take(&mut self.listed_at);
        // It is waited anew; so it is after a clock was set.
        let goes_on = self.heard_at.is_some_and(|heard_at| (now - heard_at).abs() <= APART);
        self.heard_at = Some(now);
        let mut over = Vec::new();
        for firing in kept_quiet {
            let key = (firing.alert.source.clone(), firing.fingerprint.clone());
            let at = if listed.contains(&firing.fingerprint) { Some(now) } else { before.remove(&key) };
            let Some(at) = at else { continue };
            let at = if goes_on { at.min(now) } else { now };
            if at + OVER_AFTER <= now {
                over.push(firing);
            }
            self.listed_at.insert(key, at);
        }
        over
    }

    /// The fingerprints of those that it listed before, and does not now.
    pub fn missed(&self, now: DateTime<Utc>) -> BTreeSet<&str> {
        let missed = self.listed_at.iter().filter(|(_, at)| **at < now);
        missed.map(|((_, fingerprint), _)| fingerprint.as_str()).collect()
    }

    pub fn forget(&mut self) {
        *self = Self::default();
    }
}

/// That these are over, as their source would tell it.
pub(super) fn ends(over: &[&FiringAlert], now: DateTime<Utc>) -> Vec<Signal> {
    let mut by_source: BTreeMap<&str, Vec<Alert>> = BTreeMap::new();
    for firing in over {
        by_source.entry(&firing.alert.source).or_default().push(firing.ended(now));
    }
    let pieces = by_source.iter().flat_map(|(source, alerts)| alerts.chunks(PIECE).map(|piece| (*source, piece)));
    pieces.map(|(source, alerts)| signal(source, alerts.to_vec(), now)).collect()
}

fn signal(source: &str, alerts: Vec<Alert>, now: DateTime<Utc>) -> Signal {
    let which: Vec<_> = alerts.iter().map(|alert| (&alert.fingerprint, alert.starts_at)).collect();
    let key = format!("{UNLISTED}{}", Digest::of(format!("{which:?}")).as_str());
    let notification = Notification {
        receiver: String::new(),
        group_key: String::new(),
        truncated: 0,
        left_out: LeftOut::default(),
        unauthenticated: false,
        alerts,
    };
    Signal { source: source.to_owned(), key, received_at: now, body: SignalBody::Notification(notification) }
}
