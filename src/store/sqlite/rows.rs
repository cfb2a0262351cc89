//! Between columns and the domain's types.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::StoreError;
use crate::model::{
    Approval, ApprovalId, Autonomy, Digest, Episode, EpisodeId, Incident, IncidentId, Lane, Outcome, PageId,
    PlaybookRef, Run, RunId, Severity, Target,
};
use crate::store::rules::Urgency;
use crate::store::{Page, RunHead};

pub(super) fn micros(time: DateTime<Utc>) -> i64 {
    time.timestamp_micros()
}

/// Rounded up: who wakes up at that time finds that it has come.
pub(super) fn micros_after(time: DateTime<Utc>) -> i64 {
    time.timestamp_micros() + i64::from(!time.timestamp_subsec_nanos().is_multiple_of(1_000))
}

pub(super) fn time(micros: i64) -> DateTime<Utc> {
    // Only a damaged row is out of chrono's range of 262,000 years.
    DateTime::from_timestamp_micros(micros).unwrap_or_default()
}

pub(super) fn json(value: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value)
        .map_err(|error| StoreError::Refused { what: "write a document", message: error.to_string() })
}

pub(super) fn from_json<T: DeserializeOwned>(what: &'static str, text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::Unreadable { what, message: error.to_string() })
}

/// A unit enum as the bare word that serde writes for it.
pub(super) fn word(value: &impl Serialize) -> Result<String, StoreError> {
    Ok(json(value)?.trim_matches('"').to_owned())
}

pub(super) fn from_word<T: DeserializeOwned>(what: &'static str, word: &str) -> Result<T, StoreError> {
    from_json(what, &format!("\"{word}\""))
}

/// Lanes and urgencies are numbers, as rows are read in their order.
pub(super) fn lane_number(lane: Lane) -> i64 {
    match lane {
        Lane::People => 0,
        Lane::Urgent => 1,
        Lane::Usual => 2,
    }
}

pub(super) fn urgency_number(urgency: Urgency) -> i64 {
    match urgency {
        Urgency::Page => 0,
        Urgency::Message => 1,
        Urgency::Card => 2,
    }
}

/// One column; a type that does not fit is an unreadable row, not a panic.
pub(super) fn get<'r, T>(row: &'r SqliteRow, column: &'static str) -> Result<T, StoreError>
where
    T: sqlx::Decode<'r, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite>,
{
    row.try_get(column).map_err(|error| StoreError::Unreadable { what: "row", message: error.to_string() })
}

pub(super) fn get_time(row: &SqliteRow, column: &'static str) -> Result<DateTime<Utc>, StoreError> {
    get(row, column).map(time)
}

pub(super) fn get_time_or(row: &SqliteRow, column: &'static str) -> Result<Option<DateTime<Utc>>, StoreError> {
    Ok(get::<Option<i64>>(row, column)?.map(time))
}

pub(super) const INCIDENT: &str = "id, grouping, title, severity, state, target, team, owner, playbook, opened_at, \
     acknowledged_at, mitigated_at, resolved_at, page_at, spell, open_episodes, episodes, mitigated_starts";

pub(super) fn incident(row: &SqliteRow) -> Result<Incident, StoreError> {
    Ok(Incident {
        id: IncidentId(get(row, "id")?),
        grouping: get(row, "grouping")?,
        title: get(row, "title")?,
        severity: severity(row)?,
        state: from_word("incident's state", get(row, "state")?)?,
        target: get::<Option<&str>>(row, "target")?.map(|text| from_json("target", text)).transpose()?,
        team: get(row, "team")?,
        owner: get(row, "owner")?,
        playbook: get(row, "playbook")?,
        opened_at: get_time(row, "opened_at")?,
        acknowledged_at: get_time_or(row, "acknowledged_at")?,
        mitigated_at: get_time_or(row, "mitigated_at")?,
        resolved_at: get_time_or(row, "resolved_at")?,
        page_at: get_time_or(row, "page_at")?,
        spell: get(row, "spell")?,
        open_episodes: get::<i64>(row, "open_episodes")?.unsigned_abs(),
        episodes: get::<i64>(row, "episodes")?.unsigned_abs(),
    })
}

pub(super) fn mitigated_starts(row: &SqliteRow) -> Result<HashMap<String, DateTime<Utc>>, StoreError> {
    let Some(text) = get::<Option<&str>>(row, "mitigated_starts")? else { return Ok(HashMap::new()) };
    let starts: HashMap<String, i64> = from_json("set of starts", text)?;
    Ok(starts.into_iter().map(|(source, start)| (source, time(start))).collect())
}

pub(super) fn episode(row: &SqliteRow) -> Result<Episode, StoreError> {
    Ok(Episode {
        id: EpisodeId(get(row, "id")?),
        source: get(row, "source")?,
        fingerprint: get(row, "fingerprint")?,
        incident: IncidentId(get(row, "incident_id")?),
        alert: get(row, "alert")?,
        labels: from_json("set of labels", get(row, "labels")?)?,
        annotations: from_json("set of annotations", get(row, "annotations")?)?,
        starts_at: get_time(row, "starts_at")?,
        opened_at: get_time(row, "opened_at")?,
        closed_at: get_time_or(row, "closed_at")?,
    })
}

pub(super) fn run(row: &SqliteRow) -> Result<Run, StoreError> {
    Ok(Run {
        id: RunId(get(row, "id")?),
        incident: IncidentId(get(row, "incident_id")?),
        playbook: PlaybookRef {
            name: get(row, "playbook")?,
            version: get(row, "version")?,
            digest: Digest::from_hex(get(row, "digest")?),
        },
        target: from_json("target", get(row, "target")?)?,
        inputs: from_json("set of inputs", get(row, "inputs")?)?,
        alert: from_json("alert", get(row, "alert")?)?,
        autonomy: from_word("autonomy", get(row, "autonomy")?)?,
        requested_by: get(row, "requested_by")?,
        outcome: get::<Option<&str>>(row, "outcome")?.map(|word| from_word("outcome", word)).transpose()?,
        because: get(row, "because")?,
        created_at: get_time(row, "created_at")?,
        ended_at: get_time_or(row, "ended_at")?,
    })
}

/// A run for people to look at: what cannot be read of it is left blank. They hear of its end, and of the page for it.
pub(super) fn run_to_look_at(row: &SqliteRow) -> Result<Run, StoreError> {
    let Err(StoreError::Unreadable { .. }) = run(row) else { return run(row) };
    Ok(Run {
        id: RunId(get(row, "id")?),
        incident: IncidentId(get(row, "incident_id")?),
        playbook: PlaybookRef {
            name: get(row, "playbook")?,
            version: get(row, "version")?,
            digest: Digest::from_hex(get(row, "digest")?),
        },
        target: from_json("target", get(row, "target")?)
            .or_else(|_| Ok(Target::new("Unreadable", "", get::<&str>(row, "target_key")?)))?,
        inputs: serde_json::Map::new(),
        alert: serde_json::Value::Null,
        autonomy: Autonomy::Observe,
        requested_by: get(row, "requested_by")?,
        outcome: outcome(row)?,
        because: get(row, "because")?,
        created_at: get_time(row, "created_at")?,
        ended_at: get_time_or(row, "ended_at")?,
    })
}

/// One that cannot be read has ended in a way that this version does not know: somebody must look.
fn outcome(row: &SqliteRow) -> Result<Option<Outcome>, StoreError> {
    let word: Option<&str> = get(row, "outcome")?;
    Ok(word.map(|word| from_word("outcome", word).unwrap_or(Outcome::Escalated)))
}

/// One that cannot be read is taken for the worst: it must not keep a page from its reader.
fn severity(row: &SqliteRow) -> Result<Severity, StoreError> {
    Ok(get::<&str>(row, "severity")?.parse().unwrap_or(Severity::S1))
}

pub(super) fn run_head(row: &SqliteRow) -> Result<RunHead, StoreError> {
    Ok(RunHead {
        id: RunId(get(row, "id")?),
        incident: IncidentId(get(row, "incident_id")?),
        playbook: get(row, "playbook")?,
        target_key: get(row, "target_key")?,
        created_at: get_time(row, "created_at")?,
        ended_at: get_time_or(row, "ended_at")?,
        outcome: outcome(row)?,
    })
}

pub(super) fn page(row: &SqliteRow) -> Result<Page, StoreError> {
    let incident = IncidentId(get(row, "incident_id")?);
    let level: i64 = get(row, "level")?;
    let spell: i64 = get(row, "spell")?;
    let severity = severity(row)?;
    Ok(Page {
        id: PageId(get(row, "id")?),
        incident,
        level: u32::try_from(level).unwrap_or(u32::MAX),
        team: get(row, "team")?,
        reason: from_json("page's reason", get(row, "reason")?)?,
        text: get(row, "text")?,
        severity,
        created_at: get_time(row, "created_at")?,
        acknowledged_at: get_time_or(row, "acknowledged_at")?,
        answered: get(row, "answered")?,
        has_news: get(row, "has_news")?,
        key: format!("dogwatch-{incident}-{spell}-{level}-{severity}"),
        deliveries: from_json("page's deliveries", get(row, "deliveries")?)?,
    })
}

pub(super) fn approval(row: &SqliteRow) -> Result<Approval, StoreError> {
    Ok(Approval {
        id: ApprovalId(get(row, "id")?),
        run: RunId(get(row, "run_id")?),
        incident: IncidentId(get(row, "incident_id")?),
        preview: from_json("preview", get(row, "preview")?)?,
        digest: Digest::from_hex(get(row, "digest")?),
        state: from_word("approval's state", get(row, "state")?)?,
        asked_at: get_time(row, "asked_at")?,
        expires_at: get_time(row, "expires_at")?,
        answered_by: get(row, "answered_by")?,
    })
}
