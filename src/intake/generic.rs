//! JSON of whoever, made into alerts by expressions of the configuration.

mod mapping;

use std::collections::HashMap;

use chrono::{DateTime, Datelike, SubsecRound, Utc};
use serde::Deserialize as _;
use serde_json::{Map, Value};

use super::bounds::{Labels, MOST_ALERTS};
use super::damage::{Damage, NotificationError, clean};
use super::delivery::{Kept, delivered, says};
use super::fingerprint::Fnv;
use super::source::Sender;
use crate::language::{Bound, Expression};
use crate::model::{Alert, AlertStatus, Lane, LeftOut, Notification};
use crate::store::Delivered;
pub use mapping::{MapTexts, Mapping, MappingError};

/// The largest body. As values it takes up to sixteen times as much memory.
const LARGEST: usize = 4 * 1024 * 1024;

const CHANGE: &str = "send what the source's `map` looks for, or change the map";

/// Reads the body of one delivery. Each event that can be mapped is taken; what is not is told in
/// [`LeftOut`].
///
/// # Errors
/// When nothing can be taken: it is no JSON, or no event can be mapped.
pub(super) fn parse_events(
    mapping: &Mapping,
    sender: Sender<'_>,
    received_at: DateTime<Utc>,
    body: &[u8],
) -> Result<Delivered, NotificationError> {
    if body.len() > LARGEST {
        let what = format!("it is longer than {LARGEST} bytes, which is the most of a source of the kind `generic`");
        return Err(NotificationError::new("the body", what, "send fewer events at once"));
    }
    let body: Value = serde_json::from_slice(body).map_err(|error| {
        let place = format!("line {} column {}", error.line(), error.column());
        let what = error.to_string();
        let what = clean(what.trim_end_matches(&format!(" at {place}")));
        NotificationError::new(place, what, "send JSON, whole and in UTF-8")
    })?;
    let wrong = |at: &str, what: &str| NotificationError::new(at, clean(what), CHANGE);
    let made;
    let bound = Bound::new("body", &body, mapping.computes_with_body).map_err(|what| wrong("the body", &what))?;
    let events = match &mapping.alerts {
        None => &body,
        Some(expression) => match expression.named(&bound) {
            Some(named) => named,
            None => {
                made = expression.evaluate_for(&bound).map_err(|error| wrong("alerts", &error.message))?;
                &made
            }
        },
    };
    let events = match events {
        Value::Array(events) => events.as_slice(),
        Value::Object(_) => std::slice::from_ref(events),
        _ => return Err(wrong("alerts", "they are no list, and no object")),
    };
    let mut damage = Damage::default();
    let mut left_out = LeftOut { alerts: events.len().saturating_sub(MOST_ALERTS) as u64, ..LeftOut::default() };
    let mut kept: Vec<Kept> = Vec::new();
    // What is told last of an alert is what is.
    let mut known: HashMap<u64, usize> = HashMap::new();
    for (n, event) in events.iter().take(MOST_ALERTS).enumerate() {
        let read = bound
            .with("event", event, mapping.computes_with_event)
            .map_err(|what| (String::new(), what))
            .and_then(|bound| Event { mapping, bound }.alert(received_at));
        match read {
            Ok((alert, labels)) => {
                left_out.labels += labels;
                match known.get(&alert.fingerprint) {
                    Some(before) => kept[*before] = alert,
                    None => {
                        known.insert(alert.fingerprint, kept.len());
                        kept.push(alert);
                    }
                }
            }
            Err((field, what)) => {
                let dot = if field.is_empty() { "" } else { "." };
                damage.alert(|| wrong(&format!("events[{n}]{dot}{field}"), &what));
            }
        }
    }
    if kept.is_empty()
        && let Some(first) = damage.first()
    {
        return Err(first.clone());
    }
    let header = Notification {
        receiver: String::new(),
        group_key: "events".to_owned(),
        truncated: 0,
        left_out: damage.told(left_out),
        alerts: Vec::new(),
        unauthenticated: sender.unauthenticated,
    };
    Ok(delivered(sender, received_at, &header, kept))
}

/// Which field of the map has no value for an event, and why.
type Unmapped = (String, String);

/// One event, and how it is read.
struct Event<'m, 'p, 'v> {
    mapping: &'m Mapping,
    bound: Bound<'p, 'v>,
}

impl Event<'_, '_, '_> {
    /// The alert, and how many of its labels and annotations are left out.
    fn alert(&self, received_at: DateTime<Utc>) -> Result<(Kept, u64), Unmapped> {
        let mapping = self.mapping;
        let name = self.text("name", &mapping.name)?;
        if name.trim().is_empty() {
            return Err(("name".to_owned(), "it is empty, and an alert has a name".to_owned()));
        }
        let status = match &mapping.status {
            Some(expression) => self.status(expression)?,
            None => AlertStatus::Firing,
        };
        let mut labels = self.texts("labels", &mapping.labels)?;
        labels.insert("alertname".to_owned(), Value::String(name));
        let (labels, annotations) = (bounded(labels)?, bounded(self.texts("annotations", &mapping.annotations)?)?);
        let starts_at = match &mapping.starts_at {
            Some(expression) => self.start(expression)?,
            None => None,
        };
        let key = match &mapping.key {
            Some(expression) => Some(self.text("key", expression)?).filter(|key| !key.is_empty()),
            None => None,
        };
        let fingerprint = match &key {
            Some(key) => {
                let mut hash = Fnv::default();
                hash.pair("key", key);
                hash.end()
            }
            None => labels.hash,
        };
        // Its labels may change between its firing and its end, which must not part them.
        let lane = key.is_some().then_some(Lane::Usual);
        let mut said = Fnv::default();
        said.number(labels.hash);
        said.number(annotations.hash);
        let left_out = labels.left_out + annotations.left_out;
        let alert = Alert {
            fingerprint: format!("{fingerprint:016x}"),
            given: None,
            in_order: key.is_some() || starts_at.is_none(),
            status,
            labels: labels.kept,
            annotations: annotations.kept,
            starts_at: starts_at.unwrap_or(received_at).trunc_subsecs(6),
            ends_at: None,
            generator_url: String::new(),
        };
        let text = serde_json::to_string(&alert).map_err(|error| (String::new(), error.to_string()))?;
        let kept = Kept {
            fingerprint,
            // When it came in is no part of what it says: the same again is the same.
            starts_at: starts_at.map_or(0, |start| start.timestamp_micros()),
            ends_at: 0,
            firing: status == AlertStatus::Firing,
            says: says(&alert),
            lane,
            texts: said.end(),
            text: text.into_boxed_str(),
        };
        Ok((kept, left_out))
    }

    fn value(&self, field: &str, expression: &Expression) -> Result<Value, Unmapped> {
        expression.evaluate_for(&self.bound).map_err(|error| (field.to_owned(), error.message))
    }

    fn text(&self, field: &str, expression: &Expression) -> Result<String, Unmapped> {
        match self.value(field, expression)? {
            Value::String(text) => Ok(text),
            value @ (Value::Number(_) | Value::Bool(_)) => Ok(value.to_string()),
            Value::Null => Err((field.to_owned(), "it gives null: there is no value".to_owned())),
            Value::Array(_) => Err((field.to_owned(), "it gives a list, not a text".to_owned())),
            Value::Object(_) => Err((field.to_owned(), "it gives an object, not a text".to_owned())),
        }
    }

    /// Without those that are empty: to Alertmanager too, an empty label is none.
    fn texts(&self, field: &str, expressions: &mapping::Expressions) -> Result<Map<String, Value>, Unmapped> {
        let mut texts = Map::new();
        for (name, expression) in expressions {
            let text = self.text(&format!("{field}.{name}"), expression)?;
            if !text.is_empty() {
                texts.insert(name.clone(), Value::String(text));
            }
        }
        Ok(texts)
    }

    /// Words that say that all is well; whatever else it is, it fires: saying less would be
    /// guessing towards silence.
    fn status(&self, expression: &Expression) -> Result<AlertStatus, Unmapped> {
        const OVER: [&str; 15] = [
            "ok",
            "okay",
            "resolved",
            "resolve",
            "closed",
            "close",
            "clear",
            "cleared",
            "recovered",
            "recovery",
            "normal",
            "up",
            "inactive",
            "green",
            "healthy",
        ];
        match self.value("status", expression)? {
            Value::String(word) if OVER.contains(&word.trim().to_ascii_lowercase().as_str()) => {
                Ok(AlertStatus::Resolved)
            }
            Value::String(_) => Ok(AlertStatus::Firing),
            _ => Err(("status".to_owned(), "it gives no word; write `... ? 'firing' : 'resolved'`".to_owned())),
        }
    }

    /// A time, or seconds or milliseconds since 1970; `None` where it is not known.
    fn start(&self, expression: &Expression) -> Result<Option<DateTime<Utc>>, Unmapped> {
        /// Seconds up to the year 5138 are less, milliseconds since March 1973 more.
        const MILLISECONDS: f64 = 1e11;
        let value = self.value("starts_at", expression)?;
        let number = |number: f64| {
            let seconds = if number.abs() >= MILLISECONDS { number / 1_000.0 } else { number };
            #[expect(clippy::cast_possible_truncation, reason = "a number that is too large is no time, and saturates")]
            DateTime::from_timestamp_micros((seconds * 1_000_000.0) as i64)
        };
        let time = match &value {
            // Whoever does not know writes nothing, or the zero of its clock.
            Value::String(text) if matches!(text.trim(), "" | "0") => return Ok(None),
            Value::Number(zero) if zero.as_f64() == Some(0.0) => return Ok(None),
            Value::String(text) => match text.trim().parse::<f64>() {
                Ok(seconds) => Some(seconds).filter(|seconds| seconds.is_finite()).and_then(number),
                Err(_) => text.trim().parse::<DateTime<Utc>>().ok(),
            },
            Value::Number(seconds) => seconds.as_f64().and_then(number),
            _ => None,
        };
        let time = time.filter(|time| (1970..10_000).contains(&time.year()));
        time.map(Some).ok_or_else(|| {
            let what = "it gives no time; a time is `2025-03-01T02:00:00Z`, or seconds or milliseconds since 1970";
            ("starts_at".to_owned(), what.to_owned())
        })
    }
}

fn bounded(texts: Map<String, Value>) -> Result<Labels, Unmapped> {
    Labels::deserialize(Value::Object(texts)).map_err(|error| (String::new(), error.to_string()))
}

#[cfg(test)]
mod tests;
