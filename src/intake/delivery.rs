//! The alerts of one body, put in line: a signal for each lane, in pieces that are worked on one by
//! one.

use chrono::{DateTime, Utc};

use super::source::Sender;
use crate::model::{Alert, Digest, Lane, LeftOut, Notification, SEVERITY_LABELS, Severities, Severity, SignalBody};
use crate::store::{Delivered, DeliveredPart};

/// Alerts that are decided about at once. A decision holds some KiB for each; this many are one
/// commit of a few milliseconds, between two of which others get their turn.
const PIECE: usize = 500;

/// An alert that is kept: as text, and what must be known of it to put it in line.
pub(super) struct Kept {
    pub fingerprint: u64,
    /// Microseconds since 1970, as `ends_at`; 0: it has no end.
    pub starts_at: i64,
    pub ends_at: i64,
    pub firing: bool,
    /// The labels that say how bad it is.
    pub says: Vec<(&'static str, Box<str>)>,
    /// The lane that it is in whatever they say; `None`: they say it.
    pub lane: Option<Lane>,
    /// The hash of its annotations.
    pub texts: u64,
    /// [`crate::model::Alert`] in JSON.
    pub text: Box<str>,
}

impl Kept {
    fn severity(&self, severities: &Severities) -> Severity {
        let said = |label: &str| self.says.iter().find(|(name, _)| *name == label).map(|(_, value)| &**value);
        severities.rate(said).severity
    }

    fn lane(&self, severities: &Severities) -> Lane {
        self.lane.unwrap_or_else(|| Lane::rated(self.severity(severities)))
    }
}

/// What an alert's labels say of how bad it is.
pub(super) fn says(alert: &Alert) -> Vec<(&'static str, Box<str>)> {
    SEVERITY_LABELS.iter().filter_map(|name| Some((*name, alert.label(name)?.into()))).collect()
}

/// The alerts under that header, ready to be made durable.
pub(super) fn delivered(
    sender: Sender<'_>,
    received_at: DateTime<Utc>,
    header: &Notification,
    alerts: Vec<Kept>,
) -> Delivered {
    let firing = alerts.iter().filter(|alert| alert.firing).count();
    Delivered {
        source: sender.source.to_owned(),
        received_at,
        alerts: alerts.len(),
        firing,
        left_out: header.left_out.clone(),
        parts: parts(header, alerts, sender.severities),
        beats: Vec::new(),
    }
}

/// One part for each lane that the alerts are in; one without alerts where there are none.
fn parts(header: &Notification, alerts: Vec<Kept>, severities: &Severities) -> Vec<DeliveredPart> {
    let (urgent, usual): (Vec<_>, Vec<_>) =
        alerts.into_iter().partition(|alert| alert.lane(severities) == Lane::Urgent);
    let mut parts = Vec::with_capacity(2);
    // What was left out is told once.
    let rest = Notification { left_out: LeftOut::default(), ..header.clone() };
    if !urgent.is_empty() {
        parts.push(part(header, Lane::Urgent, urgent, severities));
    }
    if !usual.is_empty() || parts.is_empty() {
        let header = if parts.is_empty() { header } else { &rest };
        parts.push(part(header, Lane::Usual, usual, severities));
    }
    parts
}

fn part(header: &Notification, lane: Lane, mut alerts: Vec<Kept>, severities: &Severities) -> DeliveredPart {
    let key = state_key(header, &alerts);
    let may_end = alerts.iter().any(|alert| !alert.firing);
    if alerts.len() > PIECE {
        // In whatever pieces it is told, an incident is opened by the worst of its alerts, and
        // nothing ends before all that fires has joined: as if it were one.
        alerts.sort_by_cached_key(|alert| (!alert.firing, alert.severity(severities)));
    }
    let mut pieces = Vec::with_capacity(alerts.len().div_ceil(PIECE).max(1));
    let mut left = alerts.into_iter().peekable();
    loop {
        let first = pieces.is_empty();
        let told_once = LeftOut::default();
        let left_out = if first { header.left_out.clone() } else { told_once };
        let mut piece = frame(&Notification { left_out, ..header.clone() });
        for (n, alert) in left.by_ref().take(PIECE).enumerate() {
            if n > 0 {
                piece.push(',');
            }
            piece.push_str(&alert.text);
        }
        piece.push_str("]}");
        pieces.push(piece);
        if left.peek().is_none() {
            return DeliveredPart { key, lane, may_end, pieces };
        }
    }
}

/// The text of a signal's body up to its first alert.
fn frame(header: &Notification) -> String {
    // Its fields are text and numbers: it can be written.
    let mut text = serde_json::to_string(&SignalBody::Notification(header.clone())).unwrap_or_default();
    text.truncate(text.len().saturating_sub("]}".len()));
    text
}

/// The digest of the group and of what is said of each alert, in the order of the fingerprints:
/// peers may differ in theirs.
fn state_key(header: &Notification, alerts: &[Kept]) -> String {
    let mut order: Vec<&Kept> = alerts.iter().collect();
    order.sort_by_key(|alert| (alert.fingerprint, alert.starts_at));
    let mut state = Vec::with_capacity(alerts.len() * 33 + header.group_key.len() + 32);
    // The text is closed by a byte that is no UTF-8, and numbers have one length: no two states
    // read the same.
    state.extend_from_slice(header.group_key.as_bytes());
    state.push(0xff);
    for number in [header.truncated, header.left_out.alerts, header.left_out.labels] {
        state.extend_from_slice(&number.to_be_bytes());
    }
    // Other damage is news, although the alerts that can be read are the same.
    for why in &header.left_out.damage {
        state.extend_from_slice(why.as_bytes());
        state.push(0xff);
    }
    for alert in order {
        state.extend_from_slice(&alert.fingerprint.to_be_bytes());
        state.push(u8::from(alert.firing));
        state.extend_from_slice(&alert.starts_at.to_be_bytes());
        state.extend_from_slice(&alert.ends_at.to_be_bytes());
        state.extend_from_slice(&alert.texts.to_be_bytes());
    }
    Digest::of(&state).as_str().to_owned()
}
