//! Alertmanager's webhook, version 4.
//!
//! The format: <https://prometheus.io/docs/alerting/latest/configuration/#webhook_config>. It says version "4" but grows fields
//! (0.34 adds `notification_reason` and `routeLabels`), so unknown ones are accepted. What it writes that the documentation does not
//! say, `tests/fixtures/alertmanager` shows.

mod recover;
mod refusal;
mod scan;
mod wire;

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::bounds::shorten;
use super::damage::{Damage, NotificationError};
use super::delivery::{Kept, delivered};
use super::source::Sender;
use crate::model::{Alert, LeftOut, Notification};
use crate::store::Delivered;
use refusal::{RESEND, wrong_version};
use wire::{GRAFANA, Taken, Wire};

/// Reads the body of one delivery.
///
/// A signal's key is what the delivery says: the same, whichever peer delivers it how often, has
/// the same key. Times are cut to the microsecond, which is what the store keeps of them. Alerts
/// are kept as text from the first: as values they would take many times the body's size.
///
/// Each alert that can be read is taken, also where others are odd or the text of the body is
/// damaged; what is not taken is told in [`LeftOut`].
///
/// # Errors
/// When nothing can be taken: it is not version 4 of the format, or no alert has labels, status and
/// start.
pub fn parse_notification<'a>(
    sender: impl Into<Sender<'a>>,
    received_at: DateTime<Utc>,
    body: &[u8],
) -> Result<Delivered, NotificationError> {
    let sender = sender.into();
    // Nearly all bodies are sound: looking for what is wrong is worth its time only once something
    // is.
    let (wire, mut damage) = match serde_json::from_slice::<Wire>(body) {
        Ok(wire) => (wire, Damage::default()),
        Err(_) => recover::recover(body)?,
    };
    let keyless = || NotificationError::new("the body", "missing field `groupKey`", RESEND);
    let mut group_key = match wire.version.as_str() {
        "4" => match &wire.group_key {
            Some(key) => key.clone(),
            None if wire.alerts.kept.is_empty() => return Err(keyless()),
            None => {
                damage.remark(keyless);
                group_of(&wire.alerts.kept)
            }
        },
        GRAFANA if wire.alerts.kept.is_empty() => {
            let hint = "let a webhook contact point of Grafana 9 or later send it";
            return Err(NotificationError::new("alerts", "there are none", hint));
        }
        GRAFANA => wire.grafana_group(),
        version => return Err(wrong_version(version)),
    };
    shorten(&mut group_key);
    let mut receiver = wire.receiver;
    shorten(&mut receiver);
    let Taken { mut kept, left_out } = wire.alerts;
    let left_out = damage.told(LeftOut { by_sender: wire.truncated_alerts, ..left_out });
    fold(&mut kept);
    let header = Notification {
        receiver,
        group_key,
        truncated: wire.truncated_alerts,
        left_out,
        alerts: Vec::new(),
        unauthenticated: sender.unauthenticated,
    };
    Ok(delivered(sender, received_at, &header, kept))
}

/// The name of a group whose own cannot be read: that of its first alert, whatever their order.
fn group_of(alerts: &[Kept]) -> String {
    let names = alerts.iter().filter_map(|alert| serde_json::from_str::<Alert>(&alert.text).ok());
    let first = names.map(|alert| alert.name().to_owned()).min().unwrap_or_default();
    format!("{{alertname={first:?}}}")
}

/// Leaves one of each alert that stands in the body more than once: its latest firing, and of one firing that it fires rather than that
/// it is over. Alertmanager never sends such a body, but whoever imitates it may; one alert has one state.
fn fold(alerts: &mut Vec<Kept>) {
    let mut states: HashMap<u64, (i64, bool, usize)> = HashMap::with_capacity(alerts.len());
    for (n, alert) in alerts.iter().enumerate() {
        let state = (alert.starts_at, alert.firing, n);
        let known = states.entry(alert.fingerprint).or_insert(state);
        if (state.0, state.1) > (known.0, known.1) {
            *known = state;
        }
    }
    if states.len() == alerts.len() {
        return;
    }
    let mut n = 0;
    alerts.retain(|alert| {
        n += 1;
        states.get(&alert.fingerprint).is_some_and(|(_, _, kept)| *kept == n - 1)
    });
}

#[cfg(test)]
mod tests;
