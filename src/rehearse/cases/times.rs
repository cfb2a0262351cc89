//! `${now-2h}` in a manifest: a time that is told from when the case begins.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::Value;

use crate::model::parse_duration;

/// Puts times in.
///
/// # Errors
/// When what stands between the braces is no time.
pub fn fill(value: &mut Value, now: DateTime<Utc>) -> Result<(), String> {
    match value {
        Value::String(text) => {
            if let Some(inner) = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')) {
                *text = time(inner, now)?.to_rfc3339_opts(SecondsFormat::Secs, true);
            }
            Ok(())
        }
        Value::Array(items) => items.iter_mut().try_for_each(|item| fill(item, now)),
        Value::Object(fields) => fields.values_mut().try_for_each(|field| fill(field, now)),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

fn time(text: &str, now: DateTime<Utc>) -> Result<DateTime<Utc>, String> {
    let error = || format!("`${{{text}}}` is no time; write `${{now}}`, `${{now-2h}}` or `${{now+5m}}`");
    let rest = text.trim().strip_prefix("now").ok_or_else(error)?;
    let duration = |text: &str| parse_duration(text).map_err(|_| error());
    match rest.chars().next() {
        None => Ok(now),
        Some('-') => Ok(now - duration(&rest[1..])?),
        Some('+') => Ok(now + duration(&rest[1..])?),
        Some(_) => Err(error()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn times_are_told_from_now() {
        let now = DateTime::parse_from_rfc3339("2026-03-02T02:00:00Z").unwrap().to_utc();
        let mut value = json!({ "a": ["${now-2h}", "${now}", "now", 7], "b": { "c": "${now+90s}" } });
        fill(&mut value, now).unwrap();
        let filled = json!({
            "a": ["2026-03-02T00:00:00Z", "2026-03-02T02:00:00Z", "now", 7],
            "b": { "c": "2026-03-02T02:01:30Z" },
        });
        assert_eq!(value, filled);
        assert!(fill(&mut json!("${yesterday}"), now).unwrap_err().contains("write `${now}`"));
    }
}
