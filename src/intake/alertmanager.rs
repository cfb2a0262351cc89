//! Alertmanager's webhook, version 4.
//!
//! The format: <https://prometheus.io/docs/alerting/latest/configuration/#webhook_config>. It says version "4" but grows fields
//! (0.34 adds `notification_reason` and `routeLabels`), so unknown ones are accepted. What it writes that the documentation does not
//! say, `tests/fixtures/alertmanager` shows.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use chrono::{DateTime, Datelike, SubsecRound, Utc};
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::bounds::{Labels, MOST_ALERTS, count_rest, shorten};
use super::delivery::{Kept, parts};
use crate::model::{Alert, AlertStatus, LeftOut, Notification, SEVERITY_LABELS, Severities, redact};
use crate::store::Delivered;

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

/// Who delivers.
#[derive(Debug, Clone, Copy)]
pub struct Sender<'a> {
    /// The configured name, the same for all peers of one cluster.
    pub source: &'a str,
    /// Nobody vouches for it: what it tells of may start nothing that changes something.
    pub unauthenticated: bool,
    /// What its words for severity mean.
    pub severities: &'a Severities,
}

impl<'a> From<&'a str> for Sender<'a> {
    /// One that has shown who it is.
    fn from(source: &'a str) -> Self {
        Self { source, unauthenticated: false, severities: Severities::usual() }
    }
}

/// Reads the body of one delivery.
///
/// A signal's key is what the delivery says: the same, whichever peer delivers it how often, has
/// the same key. Times are cut to the microsecond, which is what the store keeps of them. Alerts
/// are kept as text from the first: as values they would take many times the body's size.
///
/// # Errors
/// When it is not version 4 of the format, or an alert has no labels, status or start.
pub fn parse_notification<'a>(
    sender: impl Into<Sender<'a>>,
    received_at: DateTime<Utc>,
    body: &[u8],
) -> Result<Delivered, NotificationError> {
    let sender = sender.into();
    // The path to an error is worth something only once there is one: reading with it takes half as long again.
    let wire: Wire = serde_json::from_slice(body).map_err(|_| locate(body))?;
    let mut group_key = match wire.version.as_str() {
        "4" => wire.group_key.clone().ok_or_else(|| missing("the body", "missing field `groupKey`", RESEND))?,
        GRAFANA if wire.alerts.kept.is_empty() => {
            return Err(missing(
                "alerts",
                "there are none",
                "let a webhook contact point of Grafana 9 or later send it",
            ));
        }
        GRAFANA => wire.grafana_group(),
        version => return Err(wrong_version(version)),
    };
    if let Some(n) = wire.alerts.nameless {
        return Err(NotificationError {
            at: format!("alerts[{n}].labels"),
            what: "there are none, and an alert is known by its labels".to_owned(),
            hint: RESEND,
        });
    }
    shorten(&mut group_key);
    let mut receiver = wire.receiver;
    shorten(&mut receiver);
    let Taken { mut kept, left_out, .. } = wire.alerts;
    let left_out = LeftOut { by_sender: wire.truncated_alerts, ..left_out };
    fold(&mut kept);
    let firing = kept.iter().filter(|alert| alert.firing).count();
    let alerts = kept.len();
    let header = Notification {
        receiver,
        group_key,
        truncated: wire.truncated_alerts,
        left_out,
        alerts: Vec::new(),
        unauthenticated: sender.unauthenticated,
    };
    let parts = parts(&header, kept, sender.severities);
    Ok(Delivered { source: sender.source.to_owned(), received_at, parts, alerts, firing, left_out })
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

fn missing(at: &str, what: &str, hint: &'static str) -> NotificationError {
    NotificationError { at: at.to_owned(), what: what.to_owned(), hint }
}

const RESEND: &str = "send what alertmanager's webhook_config sends";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "a notification of alertmanager")]
struct Wire {
    version: String,
    group_key: Option<String>,
    #[serde(default)]
    group_labels: Option<BTreeMap<String, String>>,
    /// Only Grafana's.
    org_id: Option<i64>,
    #[serde(default)]
    receiver: String,
    #[serde(default)]
    alerts: Taken,
    #[serde(default)]
    truncated_alerts: u64,
}

/// What Grafana writes, whose webhook says of its alerts what version 4 says, with the same names
/// (<https://grafana.com/docs/grafana/latest/alerting/configure-notifications/manage-contact-points/integrations/webhook-notifier/>).
const GRAFANA: &str = "1";

impl Wire {
    /// A group of Grafana: its key, or its labels where it has none; and whose it is, as
    /// organisations know nothing of each other's.
    fn grafana_group(&self) -> String {
        let key = self.group_key.clone().filter(|key| !key.is_empty());
        let key = key.unwrap_or_else(|| format!("{:?}", self.group_labels.as_ref().unwrap_or(&BTreeMap::new())));
        self.org_id.map_or(key.clone(), |org| format!("org {org}: {key}"))
    }
}

/// The alerts that are within the bounds.
#[derive(Default)]
struct Taken {
    kept: Vec<Kept>,
    left_out: LeftOut,
    /// The first that has no labels.
    nameless: Option<usize>,
}

impl<'de> Deserialize<'de> for Taken {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Taken;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a sequence")
            }

            /// Go writes `null` for an empty list.
            fn visit_unit<E>(self) -> Result<Taken, E> {
                Ok(Taken::default())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Taken, A::Error> {
                let mut taken = Taken::default();
                while taken.kept.len() < MOST_ALERTS {
                    let Some(alert) = list.next_element::<WireAlert>()? else { return Ok(taken) };
                    if alert.labels.kept.is_empty() {
                        taken.nameless.get_or_insert(taken.kept.len());
                    }
                    taken.left_out.labels += alert.labels.left_out + alert.annotations.left_out;
                    taken.kept.push(alert.read().map_err(serde::de::Error::custom)?);
                }
                taken.left_out.alerts = count_rest(&mut list)?;
                Ok(taken)
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an alert")]
struct WireAlert {
    status: AlertStatus,
    #[serde(default)]
    labels: Labels,
    #[serde(default)]
    annotations: Labels,
    starts_at: DateTime<Utc>,
    #[serde(default)]
    ends_at: Option<DateTime<Utc>>,
    #[serde(default, rename = "generatorURL")]
    generator_url: String,
    #[serde(default)]
    fingerprint: String,
}

impl WireAlert {
    fn read(mut self) -> Result<Kept, serde_json::Error> {
        shorten(&mut self.generator_url);
        // A firing alert has the year 1, which is Go's zero.
        let ends_at = self.ends_at.filter(|end| self.status == AlertStatus::Resolved && end.year() > 1);
        let fingerprint = format!("{:016x}", self.labels.hash);
        let is_given = !self.fingerprint.is_empty() && self.fingerprint != fingerprint;
        shorten(&mut self.fingerprint);
        let alert = Alert {
            given: is_given.then_some(self.fingerprint),
            fingerprint,
            status: self.status,
            labels: self.labels.kept,
            annotations: self.annotations.kept,
            starts_at: self.starts_at.trunc_subsecs(6),
            ends_at: ends_at.map(|end| end.trunc_subsecs(6)),
            generator_url: self.generator_url,
        };
        Ok(Kept {
            fingerprint: self.labels.hash,
            starts_at: alert.starts_at.timestamp_micros(),
            ends_at: alert.ends_at.map_or(0, |end| end.timestamp_micros()),
            firing: alert.status == AlertStatus::Firing,
            says: SEVERITY_LABELS.iter().filter_map(|name| Some((*name, alert.label(name)?.into()))).collect(),
            texts: self.annotations.hash,
            text: serde_json::to_string(&alert)?.into_boxed_str(),
        })
    }
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
            let path = clean(&error.path().to_string());
            let inner = error.into_inner();
            let place = format!("line {} column {}", inner.line(), inner.column());
            // What is said of the value may hold the value.
            let what = clean(inner.to_string().trim_end_matches(&format!(" at {place}")));
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

/// What is wrong, or where: a line without secrets, of bounded length. A value stands in it as Rust
/// quotes it, and white space that parts a secret from its name is an escape there.
fn clean(message: &str) -> String {
    const LONGEST: usize = 200;
    let message = ["\\n", "\\r", "\\t"].iter().fold(message.to_owned(), |text, escape| text.replace(escape, " "));
    let message = redact(&message.replace(char::is_whitespace, " ")).into_owned();
    if message.len() <= LONGEST {
        return message;
    }
    format!("{}…", &message[..message.floor_char_boundary(LONGEST)])
}

fn wrong_version(version: &str) -> NotificationError {
    // A short word is worth repeating; whatever else somebody has put there may be a secret.
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+');
    let is = match version {
        word if word.len() <= 20 && word.chars().all(is_word) => format!("it is `{word}`"),
        _ => "it is no version".to_owned(),
    };
    NotificationError {
        at: "version".to_owned(),
        what: format!("{is}, and only Alertmanager's `4` and Grafana's `1` are known here"),
        hint: "let an alertmanager of 0.16 or later send it, or a webhook contact point of Grafana 9 or later",
    }
}

#[cfg(test)]
mod tests;
