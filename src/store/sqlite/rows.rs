//! Between columns and the domain's types.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::{StoreError, folds};
use crate::model::{
    Approval, ApprovalId, Autonomy, Digest, Episode, EpisodeId, Grouping, HumanDuration, Incident, IncidentId,
    IncidentState, Joins, Lane, Merged, Outcome, PageId, PlaybookRef, Run, RunId, Severity, Target,
};
use crate::store::rules::Urgency;
use crate::store::{ObjectRow, Page, PageAttempts, PageOutline, PageReason, RunHead};

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

pub(super) fn joins_number(joins: Joins) -> i64 {
    match joins {
        Joins::Always => 0,
        Joins::Near => 1,
        Joins::Perhaps => 2,
    }
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

/// A text that people read, also of a row that is damaged: what is no text is shown as far as it
/// is.
pub(super) fn text(row: &SqliteRow, column: &'static str) -> String {
    text_or(row, column).unwrap_or_default()
}

fn text_or(row: &SqliteRow, column: &'static str) -> Option<String> {
    get::<Option<String>>(row, column).unwrap_or_else(|_| {
        let bytes = row.try_get_unchecked::<Vec<u8>, _>(column).unwrap_or_default();
        Some(String::from_utf8_lossy(&bytes).into_owned())
    })
}

/// What can be read of a set of rows: one that is damaged must not keep back the others.
pub(super) fn readable<T>(found: &[SqliteRow], read: impl Fn(&SqliteRow) -> Result<T, StoreError>) -> Vec<T> {
    let told = |row| read(row).inspect_err(|error| tracing::warn!(%error, "a row is passed over")).ok();
    found.iter().filter_map(told).collect()
}

pub(super) fn get_time(row: &SqliteRow, column: &'static str) -> Result<DateTime<Utc>, StoreError> {
    get(row, column).map(time)
}

pub(super) fn get_time_or(row: &SqliteRow, column: &'static str) -> Result<Option<DateTime<Utc>>, StoreError> {
    Ok(get::<Option<i64>>(row, column)?.map(time))
}

pub(super) const INCIDENT: &str = "id, grouping, title, severity, state, target, team, owner, playbook, opened_at, \
     acknowledged_at, mitigated_at, resolved_at, page_at, spell, open_episodes, episodes, mitigated_starts, grouped_by, \
     merged_into, merged_root, joined_at, \
     (SELECT MIN(quiet_window.ends_at) FROM quiet_hold JOIN quiet_window ON quiet_window.id = window_id \
      WHERE incident_id = incident.id AND is_whole AND told_at IS NULL) AS held_until";

/// An incident, whatever has become of its row: alerts join it, and people are paged about it. What
/// cannot be read is taken for what lets nobody miss it: open, and nobody's.
pub(super) fn incident(row: &SqliteRow) -> Result<Incident, StoreError> {
    let time_or = |column| get_time_or(row, column).ok().flatten();
    let number = |column| get::<i64>(row, column).unwrap_or_default().unsigned_abs();
    let state = get(row, "state").and_then(|word| from_word("incident's state", word));
    Ok(Incident {
        id: IncidentId(get(row, "id")?),
        grouping: grouping(row),
        title: text(row, "title"),
        severity: severity(row),
        state: state.unwrap_or(IncidentState::Open),
        target: text_or(row, "target").and_then(|text| from_json("target", &text).ok()),
        team: text(row, "team"),
        owner: text_or(row, "owner"),
        playbook: text_or(row, "playbook"),
        opened_at: time_or("opened_at").unwrap_or_default(),
        acknowledged_at: time_or("acknowledged_at"),
        mitigated_at: time_or("mitigated_at"),
        resolved_at: time_or("resolved_at"),
        page_at: time_or("page_at"),
        spell: u32::try_from(number("spell")).unwrap_or(u32::MAX),
        open_episodes: number("open_episodes"),
        episodes: number("episodes"),
        joined_at: time_or("joined_at"),
        held_until: time_or("held_until"),
        merged: merged(row),
    })
}

/// What makes it one incident; of an earlier version's, what it wrote.
fn grouping(row: &SqliteRow) -> Grouping {
    let document = text_or(row, "grouped_by").and_then(|text| from_json("grouping", &text).ok());
    document.unwrap_or_else(|| Grouping::Other { text: text(row, "grouping") })
}

fn merged(row: &SqliteRow) -> Option<Merged> {
    let id = |column| get::<Option<i64>>(row, column).ok().flatten().map(IncidentId);
    let into = id("merged_into")?;
    Some(Merged { into, root: id("merged_root").unwrap_or(into) })
}

/// What cannot be read was before nothing: such a start reopens.
pub(super) fn mitigated_starts(row: &SqliteRow) -> HashMap<String, DateTime<Utc>> {
    let text = text_or(row, "mitigated_starts").unwrap_or_default();
    let starts: HashMap<String, i64> = serde_json::from_str(&text).unwrap_or_default();
    starts.into_iter().map(|(source, start)| (source, time(start))).collect()
}

/// An episode for people to look at: what is damaged of it is left blank.
pub(super) fn episode(row: &SqliteRow) -> Result<Episode, StoreError> {
    Ok(Episode {
        id: EpisodeId(get(row, "id")?),
        source: get(row, "source")?,
        fingerprint: get(row, "fingerprint")?,
        incident: IncidentId(get(row, "incident_id")?),
        alert: text(row, "alert"),
        labels: texts(row, "labels"),
        annotations: texts(row, "annotations"),
        starts_at: get_time(row, "starts_at")?,
        opened_at: get_time(row, "opened_at")?,
        closed_at: get_time_or(row, "closed_at")?,
    })
}

/// What an incident is about, for people to look at.
pub(super) fn object(row: &SqliteRow) -> Result<ObjectRow, StoreError> {
    Ok(ObjectRow {
        object: text(row, "object"),
        alert: text(row, "alert"),
        labels: texts(row, "labels"),
        open: get::<i64>(row, "open")?.unsigned_abs(),
        since: get_time(row, "since")?,
    })
}

/// Labels or annotations; none where they cannot be read.
pub(super) fn texts(row: &SqliteRow, column: &'static str) -> BTreeMap<String, String> {
    from_json(column, &text(row, column)).unwrap_or_default()
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
        alert_waited: get::<Option<i64>>(row, "alert_waited")?
            .map(|waited| HumanDuration(Duration::from_micros(u64::try_from(waited).unwrap_or_default()))),
        autonomy: from_word("autonomy", get(row, "autonomy")?)?,
        requested_by: get(row, "requested_by")?,
        pins: from_json("list of playbooks", get(row, "pins")?)?,
        handed_over: u32::try_from(get::<i64>(row, "handed_over")?).unwrap_or(u32::MAX),
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
        alert_waited: None,
        autonomy: Autonomy::Observe,
        requested_by: get(row, "requested_by")?,
        pins: Vec::new(),
        handed_over: 0,
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
pub(super) fn severity(row: &SqliteRow) -> Severity {
    get::<&str>(row, "severity").ok().and_then(|word| word.parse().ok()).unwrap_or(Severity::S1)
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
        held: get(row, "held").unwrap_or_default(),
        requested_by: get(row, "requested_by").unwrap_or_default(),
    })
}

pub(super) fn page(row: &SqliteRow) -> Result<Page, StoreError> {
    let made_for = IncidentId(get(row, "incident_id")?);
    let root = get::<Option<i64>>(row, "root").ok().flatten();
    let level: i64 = get(row, "level")?;
    let spell: i64 = get(row, "spell")?;
    let severity = severity(row);
    let reason: PageReason = from_json("page's reason", get(row, "reason")?)?;
    // By its reason where a damaged column says nothing: that may have been another one since.
    let asked = get(row, "asked").unwrap_or_else(|_| reason.is_asked_for());
    let suffix = if asked { format!("-{level}") } else { String::new() };
    Ok(Page {
        id: PageId(get(row, "id")?),
        incident: root.map_or(made_for, IncidentId),
        made_for,
        level: u32::try_from(level).unwrap_or(u32::MAX),
        team: text(row, "team"),
        reason,
        text: get(row, "text")?,
        severity,
        asked,
        by_name: get(row, "by_name").unwrap_or_default(),
        called: from_json("page's people", &text(row, "called")).unwrap_or_default(),
        created_at: get_time(row, "created_at")?,
        arrived_at: match get_time_or(row, "arrived_at") {
            Ok(arrived_at) => arrived_at,
            // It has come to somebody, whenever that was.
            Err(_) => Some(get_time(row, "created_at")?),
        },
        acknowledged_at: get_time_or(row, "acknowledged_at")?,
        answered: get(row, "answered")?,
        has_news: get(row, "has_news")?,
        fold: folds::fold(row, made_for),
        key: format!("dogwatch-{made_for}-{spell}-{level}-{severity}"),
        pager_key: format!("{made_for}-{spell}-{severity}{suffix}"),
        outdone: get(row, "outdone").unwrap_or_default(),
        earlier: get(row, "earlier").unwrap_or_default(),
        // Where it went is worth less than that it goes there.
        deliveries: from_json("page's deliveries", &text(row, "deliveries")).unwrap_or_default(),
    })
}

/// The alerts of an incident by name, with the namespace that their labels say.
pub(super) const ALERT_NAMES: &str = "SELECT DISTINCT alert, CASE WHEN json_valid(labels)
         THEN COALESCE(json_extract(labels, '$.exported_namespace'), json_extract(labels, '$.namespace')) END AS namespace
     FROM episode WHERE incident_id = ?";

pub(super) fn alert_name(row: &SqliteRow) -> Option<(String, Option<String>)> {
    Some((get(row, "alert").ok()?, get::<Option<String>>(row, "namespace").ok().flatten()))
}

/// Where each of those whom a page calls wants to be called; of an earlier version's, all of them.
/// Empty: as usual, or nothing that can be read.
pub(super) fn contacts(row: &SqliteRow) -> Vec<BTreeSet<String>> {
    let text = get::<Option<String>>(row, "contacts").ok().flatten().unwrap_or_default();
    let of_all = || from_json("page's contacts", &text).map(|sinks| vec![sinks]);
    from_json("page's contacts", &text).or_else(|_: StoreError| of_all()).unwrap_or_default()
}

/// What can be read of a page whose row is damaged.
pub(super) fn page_attempts(row: &SqliteRow) -> Result<PageAttempts, StoreError> {
    let attempts: i64 = get(row, "attempts")?;
    Ok(PageAttempts {
        page: PageId(get(row, "page")?),
        sink: text(row, "sink"),
        event: from_word("event of a page", get(row, "event")?)?,
        called: text(row, "called"),
        first_at: get_time(row, "first_at")?,
        last_at: get_time(row, "last_at")?,
        others: get(row, "others").unwrap_or_default(),
        attempts: u32::try_from(attempts).unwrap_or(u32::MAX),
        error: get(row, "error")?,
    })
}

pub(super) fn page_outline(row: &SqliteRow) -> PageOutline {
    let time_or = |column| get_time_or(row, column).ok().flatten();
    PageOutline {
        incident: get(row, "incident_id").ok().map(IncidentId),
        team: text_or(row, "team"),
        severity: severity(row),
        is_answered: time_or("acknowledged_at").is_some() && !get::<bool>(row, "has_news").unwrap_or(true),
    }
}

/// Questions with those who said yes, in the order in which they did.
macro_rules! approvals {
    () => {
        "SELECT approval.*, (
             SELECT json_group_array(person) FROM (
                 SELECT person FROM vote WHERE approval_id = approval.id AND verdict = 'approve' ORDER BY at, person)
         ) AS approved_by FROM approval"
    };
}
pub(in crate::store::sqlite) use approvals;

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
        terms: from_json("terms of an approval", get(row, "terms")?)?,
        approved_by: from_json("votes", get(row, "approved_by")?)?,
        reason: get(row, "reason")?,
    })
}
