//! Alerts that must keep coming are no incidents: taken out of what is delivered, as heartbeats.

use crate::model::{Alert, AlertStatus, Beat, HeartbeatKey, Notification, SignalBody};
use crate::store::Delivered;

/// Labels that tell one such alert from another, for people.
const WHERE: [&str; 6] = ["cluster", "prometheus", "namespace", "job", "instance", "region"];

/// Takes the alerts of these names out of the parts. They beat however often the same is
/// delivered: a repeated notification is their whole sense.
pub(super) fn take_out(delivered: &mut Delivered, alerts: &[String]) {
    // Names are looked for in the text first: storms are large, and hold none of them.
    let wanted: Vec<String> = alerts.iter().filter_map(|alert| written(alert)).collect();
    if wanted.is_empty() {
        return;
    }
    let source = delivered.source.clone();
    let mut beats = Vec::new();
    for part in &mut delivered.parts {
        part.pieces.retain_mut(|piece| {
            !wanted.iter().any(|name| piece.contains(name)) || keep_rest(piece, &source, alerts, &mut beats)
        });
    }
    delivered.parts.retain(|part| !part.pieces.is_empty());
    delivered.beats.append(&mut beats);
}

/// How an alert's name stands in a piece.
fn written(alert: &str) -> Option<String> {
    serde_json::to_string(alert).ok().map(|name| format!("\"alertname\":{name}"))
}

/// Whether anything is left of the piece.
fn keep_rest(piece: &mut String, source: &str, alerts: &[String], beats: &mut Vec<Beat>) -> bool {
    let Ok(SignalBody::Notification(mut notification)) = serde_json::from_str(piece) else { return true };
    let before = notification.alerts.len();
    notification.alerts.retain(|alert| {
        let is_heartbeat = alerts.iter().any(|name| name == alert.name());
        if is_heartbeat {
            beats.push(beat(source, alert));
        }
        !is_heartbeat
    });
    if notification.alerts.len() == before {
        return true;
    }
    let is_empty = notification.alerts.is_empty() && says_nothing_else(&notification);
    if let Ok(text) = serde_json::to_string(&SignalBody::Notification(notification)) {
        *piece = text;
    }
    !is_empty
}

fn says_nothing_else(notification: &Notification) -> bool {
    notification.left_out.is_nothing()
}

fn beat(source: &str, alert: &Alert) -> Beat {
    let place = WHERE.iter().filter_map(|name| alert.label(name).map(|value| format!(" {name}={value}")));
    Beat {
        key: HeartbeatKey { source: source.to_owned(), key: alert.fingerprint.clone() },
        alert: Some(alert.name().to_owned()),
        name: format!("{}{}", alert.name(), place.collect::<String>()),
        is_over: alert.status == AlertStatus::Resolved,
    }
}
