//! Alertmanager's webhook, version 4.
//!
//! The format: <https://prometheus.io/docs/alerting/latest/configuration/#webhook_config>. It says version "4" but grows fields
//! (0.34 adds `notification_reason` and `routeLabels`), so unknown ones are accepted. What it writes that the documentation does not
//! say, `tests/fixtures/alertmanager` shows.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, Datelike, SubsecRound, Utc};
use serde::{Deserialize, Deserializer};

use crate::model::{Alert, AlertStatus, Digest, Notification, Signal, SignalBody, redact};

/// The longest value of a label or annotation that is kept, in bytes. A summary is one line; who puts logs into an annotation
/// would have every page and timeline carry them.
const LONGEST_TEXT: usize = 4 * 1024;

/// A body that is no notification. Sending the same again will not help.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{at}: {what}; {hint}")]
pub struct NotificationError {
    /// Where: `alerts[3].startsAt`, or `line 1 column 7` where the body is no JSON.
    pub at: String,
    pub what: String,
    /// The next move.
    pub hint: &'static str,
}

/// Reads the body of one delivery. `source` is the configured name of who sends, the same for all peers of one cluster.
///
/// The signal's key is the state that the delivery tells of: the same state, whichever peer delivers it how often, has the
/// same key. Times are cut to the microsecond, which is what the store keeps of them.
///
/// # Errors
/// When it is not version 4 of the format, or an alert has no labels, status or start.
pub fn parse_notification(source: &str, received_at: DateTime<Utc>, body: &[u8]) -> Result<Signal, NotificationError> {
    // The path to an error is worth something only once there is one: reading with it takes half as long again.
    let wire: Wire = serde_json::from_slice(body).map_err(|_| locate(body))?;
    let group_key = match wire.version.as_str() {
        "4" => wire.group_key.clone().ok_or_else(|| missing("the body", "missing field `groupKey`", RESEND))?,
        GRAFANA if wire.alerts.is_empty() => {
            return Err(missing(
                "alerts",
                "there are none",
                "let a webhook contact point of Grafana 9 or later send it",
            ));
        }
        GRAFANA => wire.grafana_group(),
        version => return Err(wrong_version(version)),
    };
    let mut alerts = Vec::with_capacity(wire.alerts.len());
    for (n, alert) in wire.alerts.into_iter().enumerate() {
        alerts.push(alert.read().map_err(|what| NotificationError {
            at: format!("alerts[{n}].labels"),
            what,
            hint: RESEND,
        })?);
    }
    fold(&mut alerts);
    let notification = Notification {
        receiver: wire.receiver,
        group_key,
        truncated: wire.truncated_alerts,
        alerts,
        unauthenticated: false,
    };
    Ok(Signal {
        source: source.to_owned(),
        key: state_key(&notification),
        received_at,
        body: SignalBody::Notification(notification),
    })
}

/// Leaves one of each alert that stands in the body more than once: its latest firing, and of one firing that it fires rather than that
/// it is over. Alertmanager never sends such a body, but whoever imitates it may; one alert has one state.
fn fold(alerts: &mut Vec<Alert>) {
    let mut states: HashMap<&str, (DateTime<Utc>, bool, usize)> = HashMap::with_capacity(alerts.len());
    for (n, alert) in alerts.iter().enumerate() {
        let state = (alert.starts_at, alert.status == AlertStatus::Firing, n);
        let known = states.entry(&alert.fingerprint).or_insert(state);
        if (state.0, state.1) > (known.0, known.1) {
            *known = state;
        }
    }
    if states.len() == alerts.len() {
        return;
    }
    let kept: HashSet<usize> = states.into_values().map(|(_, _, n)| n).collect();
    let mut n = 0;
    alerts.retain(|_| {
        n += 1;
        kept.contains(&(n - 1))
    });
}

fn missing(at: &str, what: &str, hint: &'static str) -> NotificationError {
    NotificationError { at: at.to_owned(), what: what.to_owned(), hint }
}

const RESEND: &str = "send what alertmanager's webhook_config sends";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "a notification of alertmanager")]
struct Wire {
    version: String,
    group_key: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    group_labels: BTreeMap<String, String>,
    /// Only Grafana's.
    org_id: Option<i64>,
    #[serde(default)]
    receiver: String,
    #[serde(default, deserialize_with = "or_default")]
    alerts: Vec<WireAlert>,
    #[serde(default)]
    truncated_alerts: u64,
}

/// What Grafana writes, whose webhook says of its alerts what version 4 says, with the same names
/// (<https://grafana.com/docs/grafana/latest/alerting/configure-notifications/manage-contact-points/integrations/webhook-notifier/>).
const GRAFANA: &str = "1";

impl Wire {
    /// A group of Grafana: its key, or its labels where it has none; and whose it is, as organisations know nothing of each other's.
    fn grafana_group(&self) -> String {
        let key = self.group_key.clone().filter(|key| !key.is_empty());
        let key = key.unwrap_or_else(|| format!("{:?}", self.group_labels));
        self.org_id.map_or(key.clone(), |org| format!("org {org}: {key}"))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an alert")]
struct WireAlert {
    status: AlertStatus,
    #[serde(default, deserialize_with = "or_default")]
    labels: BTreeMap<String, String>,
    #[serde(default, deserialize_with = "or_default")]
    annotations: BTreeMap<String, String>,
    starts_at: DateTime<Utc>,
    #[serde(default)]
    ends_at: Option<DateTime<Utc>>,
    #[serde(default, rename = "generatorURL")]
    generator_url: String,
    #[serde(default)]
    fingerprint: String,
}

/// Go writes `null` for an empty list or map.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

impl WireAlert {
    fn read(mut self) -> Result<Alert, String> {
        if self.labels.is_empty() {
            return Err("there are none, and an alert is known by its labels".to_owned());
        }
        let fingerprint = if self.fingerprint.is_empty() { fingerprint(&self.labels) } else { self.fingerprint };
        // Only now: the fingerprint is that of the labels as they were sent.
        self.labels.values_mut().chain(self.annotations.values_mut()).for_each(shorten);
        shorten(&mut self.generator_url);
        // A firing alert has the year 1, which is Go's zero.
        let ends_at = self.ends_at.filter(|end| self.status == AlertStatus::Resolved && end.year() > 1);
        Ok(Alert {
            fingerprint,
            status: self.status,
            labels: self.labels,
            annotations: self.annotations,
            starts_at: self.starts_at.trunc_subsecs(6),
            ends_at: ends_at.map(|end| end.trunc_subsecs(6)),
            generator_url: self.generator_url,
        })
    }
}

fn shorten(text: &mut String) {
    if text.len() <= LONGEST_TEXT {
        return;
    }
    let left_out = text.len() - text.floor_char_boundary(LONGEST_TEXT);
    text.truncate(text.floor_char_boundary(LONGEST_TEXT));
    text.push_str(&format!("… ({left_out} bytes left out)"));
}

/// As Alertmanager computes it (prometheus/common, `model.LabelSet.Fingerprint`): FNV-1a over the names and values in the order
/// of the names, each closed by a byte that is no UTF-8.
fn fingerprint(labels: &BTreeMap<String, String>) -> String {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    let mut hash = OFFSET;
    let mut add = |byte: u8| hash = (hash ^ u64::from(byte)).wrapping_mul(PRIME);
    for (name, value) in labels {
        name.bytes().for_each(&mut add);
        add(0xff);
        value.bytes().for_each(&mut add);
        add(0xff);
    }
    format!("{hash:016x}")
}

/// The digest of the group and of each alert's state, in the order of the fingerprints: peers may differ in theirs.
fn state_key(notification: &Notification) -> String {
    let mut alerts: Vec<&Alert> = notification.alerts.iter().collect();
    alerts.sort_by(|a, b| (&a.fingerprint, a.starts_at).cmp(&(&b.fingerprint, b.starts_at)));
    let mut state = Vec::with_capacity(alerts.len() * 48 + notification.group_key.len() + 16);
    // Texts are closed by a byte that is no UTF-8, and numbers have one length: no two states read the same.
    let text = |state: &mut Vec<u8>, text: &str| {
        state.extend_from_slice(text.as_bytes());
        state.push(0xff);
    };
    text(&mut state, &notification.group_key);
    state.extend_from_slice(&notification.truncated.to_be_bytes());
    for alert in alerts {
        text(&mut state, &alert.fingerprint);
        state.push(u8::from(alert.status == AlertStatus::Firing));
        state.extend_from_slice(&alert.starts_at.timestamp_micros().to_be_bytes());
        state.extend_from_slice(&alert.ends_at.map_or(0, |end| end.timestamp_micros()).to_be_bytes());
    }
    Digest::of(&state).as_str().to_owned()
}

/// Reads a body that is known to be wrong once more, to find out where.
fn locate(body: &[u8]) -> NotificationError {
    #[derive(Deserialize)]
    struct Version {
        version: Option<serde_json::Value>,
    }
    // Another version is the reason for whatever else does not fit.
    if let Ok(Version { version: Some(version) }) = serde_json::from_slice(body)
        && let Some(version) = version.as_str().filter(|version| !matches!(*version, "4" | GRAFANA))
    {
        return wrong_version(version);
    }
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    match serde_path_to_error::deserialize::<_, Wire>(&mut deserializer) {
        Err(error) => {
            let path = error.path().to_string();
            let inner = error.into_inner();
            let place = format!("line {} column {}", inner.line(), inner.column());
            // What is said of the value may hold the value.
            let what = clean(&inner.to_string(), &format!(" at {place}"));
            if inner.is_data() && (path.ends_with(".startsAt") || path.ends_with(".endsAt")) {
                NotificationError {
                    at: path,
                    what: format!("no time: {what}"),
                    hint: "write times as `2025-03-01T02:00:00Z`",
                }
            } else if inner.is_data() && path != "." {
                NotificationError { at: path, what, hint: RESEND }
            } else if inner.is_data() {
                NotificationError { at: "the body".to_owned(), what, hint: RESEND }
            } else {
                NotificationError { at: place, what, hint: "send JSON, whole and in UTF-8" }
            }
        }
        Ok(_) => NotificationError {
            at: "the end".to_owned(),
            what: "something follows after the notification".to_owned(),
            hint: "send one notification in one body",
        },
    }
}

fn clean(message: &str, place: &str) -> String {
    const LONGEST: usize = 200;
    let message = redact(message.trim_end_matches(place)).into_owned();
    if message.len() <= LONGEST {
        return message;
    }
    format!("{}…", &message[..message.floor_char_boundary(LONGEST)])
}

fn wrong_version(version: &str) -> NotificationError {
    let shown: String = version.chars().take(40).collect();
    NotificationError {
        at: "version".to_owned(),
        what: format!("it is `{shown}`, and only Alertmanager's `4` and Grafana's `1` are known here"),
        hint: "let an alertmanager of 0.16 or later send it, or a webhook contact point of Grafana 9 or later",
    }
}

#[cfg(test)]
mod tests;
