//! A bot on another database that was at work here a moment ago: its marks are on what it changed.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use super::jobs::MARKER;
use super::objects;
use crate::action::{ActionError, MARK};
use crate::cluster::Object;

/// How long another bot's change counts as work under way: longer than most runs take to verify
/// what they did.
const AT_WORK: TimeDelta = TimeDelta::hours(2);

/// Whether another bot changed or made the object lately. `ours` is a marker of ours.
///
/// # Errors
/// It did: two bots that help one object do too much of it. A human decides which of them is meant.
pub(super) fn check(object: &Object, ours: &str, now: DateTime<Utc>) -> Result<(), ActionError> {
    let entries = object.at("/metadata/managedFields").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let time = |entry: &Value| objects::time_at(entry, "/time");
    // The server keeps no time for a change through `scale`. What follows from it in the object has
    // one.
    let latest = entries.iter().filter_map(time).max();
    let changed = entries.iter().find_map(|entry| {
        let manager = entry.get("manager")?.as_str().filter(|manager| is_anothers(manager, ours))?;
        let at = time(entry).or(latest);
        at.is_none_or(|at| now - at < AT_WORK).then_some(manager)
    });
    let made = object
        .annotation(MARKER)
        .filter(|marker| is_anothers(marker, ours))
        .filter(|_| objects::time_at(&object.0, "/metadata/creationTimestamp").is_none_or(|at| now - at < AT_WORK));
    let Some(marker) = changed.or(made) else { return Ok(()) };
    Err(ActionError::held_up(format!(
        "a bot on another database has changed {} within the last {} hours (its mark is `{marker}`), and may still be at work on it; \
         look which of the two is meant to be",
        object.key(),
        AT_WORK.num_hours()
    )))
}

/// Whether a field manager or marker is that of a run of another database.
fn is_anothers(marker: &str, ours: &str) -> bool {
    database(marker).is_some_and(|database| Some(database) != self::database(ours))
}

/// The database in `dogwatch-run-3f9a1c2e-7-scale`; empty in `dogwatch-run-7-scale`, of a bot that
/// counts alone. `None`: no marker.
fn database(marker: &str) -> Option<&str> {
    let rest = marker.strip_prefix(MARK)?;
    let mut parts = rest.splitn(3, '-');
    let (first, second) = (parts.next()?, parts.next()?);
    let is_number = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
    // A mark of digits alone is possible, and so is a step of them: with a third part it is a mark.
    if is_number(second) && parts.next().is_some() { Some(first) } else { is_number(first).then_some("") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn now() -> DateTime<Utc> {
        DateTime::parse_from_rfc3339("2026-05-01T12:00:00Z").unwrap().to_utc()
    }

    fn told(entries: Value, annotations: Value) -> Option<String> {
        let metadata = json!({
            "name": "web", "namespace": "shop", "creationTimestamp": "2026-05-01T11:00:00Z",
            "managedFields": entries, "annotations": annotations,
        });
        let object = Object(json!({ "kind": "Job", "metadata": metadata }));
        check(&object, "dogwatch-run-aaaaaaaa-7-scale", now()).err().map(|error| error.message)
    }

    #[test]
    fn the_database_is_read_from_a_marker() {
        for (marker, expected) in [
            ("dogwatch-run-3f9a1c2e-7-scale", Some("3f9a1c2e")),
            ("dogwatch-run-12345678-7-scale-up", Some("12345678")),
            ("dogwatch-run-7-scale", Some("")),
            ("dogwatch-run-7-scale-up", Some("")),
            ("dogwatch-lease-3f9a1c2e", None),
            ("kubectl", None),
        ] {
            assert_eq!(database(marker), expected, "{marker}");
        }
    }

    #[test]
    fn another_bots_recent_change_is_somebody_at_work() {
        let entry = |manager: &str, time: Option<&str>| json!({ "manager": manager, "time": time });
        let other = "dogwatch-run-bbbbbbbb-1-scale";
        let message = told(json!([entry(other, Some("2026-05-01T11:59:57Z"))]), json!({})).unwrap();
        assert!(message.contains("a bot on another database has changed job/web in shop") && message.contains(other));
        assert_eq!(told(json!([entry(other, Some("2026-05-01T09:59:57Z"))]), json!({})), None);
        assert_eq!(
            told(json!([entry("dogwatch-run-aaaaaaaa-3-scale", Some("2026-05-01T11:59:57Z"))]), json!({})),
            None
        );
        assert_eq!(told(json!([entry("kubectl", Some("2026-05-01T11:59:57Z"))]), json!({})), None);
        // Through `scale`: no later than whatever else happened to the object.
        let followed = |at| json!([entry(other, None), entry("kube-controller-manager", Some(at))]);
        assert!(told(followed("2026-05-01T11:59:57Z"), json!({})).is_some());
        assert_eq!(told(followed("2026-05-01T08:00:00Z"), json!({})), None);
        assert!(told(json!([entry(other, None)]), json!({})).is_some());
    }

    #[test]
    fn a_job_that_another_bot_made_is_its_work() {
        assert!(told(json!([]), json!({ MARKER: "dogwatch-run-bbbbbbbb-1-start" })).is_some());
        assert_eq!(told(json!([]), json!({ MARKER: "dogwatch-run-aaaaaaaa-1-start" })), None);
    }
}
