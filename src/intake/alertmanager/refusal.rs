//! Where a body is wrong, and what to do about it.

use serde::Deserialize;

use super::wire::{GRAFANA, NAMELESS, Wire, WireAlert};
use crate::intake::damage::{NotificationError, clean};

pub(super) const RESEND: &str = "send what alertmanager's webhook_config sends";

/// Reads a body that is known to be wrong once more, to find out where.
pub(super) fn locate(body: &[u8]) -> NotificationError {
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
            if inner.is_data() {
                let at = if path == "." { "the body" } else { &path };
                wrong_value(at, &inner)
            } else {
                NotificationError::new(place, what(&inner), "send JSON, whole and in UTF-8")
            }
        }
        Ok(_) => NotificationError::new(
            "the end",
            "something follows after the notification",
            "send one notification in one body",
        ),
    }
}

/// Reads an alert that is known to be wrong once more. `at`: which one it is.
pub(super) fn wrong_alert(at: &str, text: &[u8]) -> NotificationError {
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    match serde_path_to_error::deserialize::<_, WireAlert>(&mut deserializer) {
        Err(error) => {
            let path = clean(&error.path().to_string());
            let inner = error.into_inner();
            let at = if path == "." { at.to_owned() } else { format!("{at}.{path}") };
            wrong_value(&at, &inner)
        }
        Ok(alert) => match alert.read() {
            Err(_) => NotificationError::new(format!("{at}.labels"), NAMELESS, RESEND),
            Ok(_) => NotificationError::new(at, "another alert stands in it", RESEND),
        },
    }
}

fn wrong_value(at: &str, error: &serde_json::Error) -> NotificationError {
    if at.ends_with(".startsAt") || at.ends_with(".endsAt") {
        let what = format!("no time: {}", what(error));
        return NotificationError::new(at, what, "write times as `2025-03-01T02:00:00Z`");
    }
    NotificationError::new(at, what(error), RESEND)
}

/// What is said of the value may hold the value.
fn what(error: &serde_json::Error) -> String {
    let place = format!(" at line {} column {}", error.line(), error.column());
    clean(error.to_string().trim_end_matches(&place))
}

pub(super) fn wrong_version(version: &str) -> NotificationError {
    // A short word is worth repeating; whatever else somebody has put there may be a secret.
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+');
    let is = match version {
        word if word.len() <= 20 && word.chars().all(is_word) => format!("it is `{word}`"),
        _ => "it is no version".to_owned(),
    };
    NotificationError::new(
        "version",
        format!("{is}, and only Alertmanager's `4` and Grafana's `1` are known here"),
        "let an alertmanager of 0.16 or later send it, or a webhook contact point of Grafana 9 or later",
    )
}
