//! The format as it is on the wire.

use std::collections::BTreeMap;
use std::fmt;

use chrono::{DateTime, Datelike, SubsecRound, Utc};
use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::intake::bounds::{Labels, MOST_ALERTS, count_rest, shorten};
use crate::intake::delivery::{Kept, says};
use crate::model::{Alert, AlertStatus, LeftOut};

/// A body that is sound in all its parts.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "a notification of alertmanager")]
pub(super) struct Wire {
    pub version: String,
    pub group_key: Option<String>,
    #[serde(default)]
    pub group_labels: Option<BTreeMap<String, String>>,
    /// Only Grafana's.
    pub org_id: Option<i64>,
    #[serde(default)]
    pub receiver: String,
    #[serde(default)]
    pub alerts: Taken,
    #[serde(default)]
    pub truncated_alerts: u64,
}

/// What Grafana writes, whose webhook says of its alerts what version 4 says, with the same names
/// (<https://grafana.com/docs/grafana/latest/alerting/configure-notifications/manage-contact-points/integrations/webhook-notifier/>).
pub(super) const GRAFANA: &str = "1";

impl Wire {
    /// A group of Grafana: its key, or its labels where it has none; and whose it is, as
    /// organisations know nothing of each other's.
    pub fn grafana_group(&self) -> String {
        let key = self.group_key.clone().filter(|key| !key.is_empty());
        let key = key.unwrap_or_else(|| format!("{:?}", self.group_labels.as_ref().unwrap_or(&BTreeMap::new())));
        self.org_id.map_or(key.clone(), |org| format!("org {org}: {key}"))
    }
}

/// The alerts that are within the bounds.
#[derive(Default)]
pub(super) struct Taken {
    pub kept: Vec<Kept>,
    pub left_out: LeftOut,
}

impl Taken {
    /// One more alert, unless there are too many.
    pub fn take(&mut self, alert: Result<(Kept, u64), serde_json::Error>) -> Result<(), serde_json::Error> {
        let (kept, labels) = alert?;
        self.left_out.labels += labels;
        self.kept.push(kept);
        Ok(())
    }

    pub fn is_full(&self) -> bool {
        self.kept.len() >= MOST_ALERTS
    }
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
                while !taken.is_full() {
                    let Some(alert) = list.next_element::<WireAlert>()? else { return Ok(taken) };
                    taken.take(alert.read()).map_err(Error::custom)?;
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
pub(super) struct WireAlert {
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
    /// Only Grafana's, as the next two.
    #[serde(default, rename = "silenceURL", deserialize_with = "text")]
    silence_url: String,
    #[serde(default, rename = "dashboardURL", deserialize_with = "text")]
    dashboard_url: String,
    #[serde(default, rename = "panelURL", deserialize_with = "text")]
    panel_url: String,
}

/// A text; whatever else stands there is no reason to refuse the alert.
fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) => text,
        _ => String::new(),
    })
}

/// The longest address that is kept. One that is cut leads nowhere.
const LONGEST_URL: usize = 2_000;

/// What is said of an alert that has no labels.
pub(super) const NAMELESS: &str = "there are none, and an alert is known by its labels";

impl WireAlert {
    /// The alert, and how many of its labels and annotations are left out.
    pub fn read(mut self) -> Result<(Kept, u64), serde_json::Error> {
        if self.labels.kept.is_empty() {
            return Err(Error::custom(NAMELESS));
        }
        let left_out = self.labels.left_out + self.annotations.left_out;
        self.keep_links();
        shorten(&mut self.generator_url);
        // A firing alert has the year 1, which is Go's zero.
        let ends_at = self.ends_at.filter(|end| self.status == AlertStatus::Resolved && end.year() > 1);
        let fingerprint = format!("{:016x}", self.labels.hash);
        let is_given = !self.fingerprint.is_empty() && self.fingerprint != fingerprint;
        shorten(&mut self.fingerprint);
        let alert = Alert {
            given: is_given.then_some(self.fingerprint),
            in_order: false,
            fingerprint,
            status: self.status,
            labels: self.labels.kept,
            annotations: self.annotations.kept,
            starts_at: self.starts_at.trunc_subsecs(6),
            ends_at: ends_at.map(|end| end.trunc_subsecs(6)),
            generator_url: self.generator_url,
        };
        let kept = Kept {
            fingerprint: self.labels.hash,
            starts_at: alert.starts_at.timestamp_micros(),
            ends_at: alert.ends_at.map_or(0, |end| end.timestamp_micros()),
            firing: alert.status == AlertStatus::Firing,
            says: says(&alert),
            lane: None,
            texts: self.annotations.hash,
            text: serde_json::to_string(&alert)?.into_boxed_str(),
        };
        Ok((kept, left_out))
    }

    /// Where to look stands in fields of the alert: among its annotations, under the fields' own
    /// names, it is there for people. What a rule says under that name counts.
    fn keep_links(&mut self) {
        let links = [
            ("generatorURL", &self.generator_url),
            ("silenceURL", &self.silence_url),
            ("dashboardURL", &self.dashboard_url),
            ("panelURL", &self.panel_url),
        ];
        for (name, url) in links {
            let is_web = url.starts_with("https://") || url.starts_with("http://");
            if is_web && url.len() <= LONGEST_URL {
                self.annotations.kept.entry(name.to_owned()).or_insert_with(|| url.clone());
            }
        }
    }
}
