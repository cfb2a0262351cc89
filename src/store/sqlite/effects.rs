//! The small writes that several transactions share: the timeline, pages, the outbox, a run's inbox.

use std::collections::BTreeSet;

use sqlx::SqliteConnection;

use super::rows::{from_json, get, json};
use super::{Sinks, failed};
use crate::model::{ApprovalId, IncidentId, PageId, PlaybookRef, RunId};
use crate::store::{DeliverySubject, InboxItem, IncidentEvent, NewPage, PageReason, StoreError};

/// What became of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Paged {
    Made,
    /// It was there, and says more now.
    Updated,
    /// It was there, and has nothing to add.
    Known,
}

/// Makes a page once for its spell, level and severity. A second reason goes into the page that is there: its receivers get it
/// again under the same key, and so tell what is new without calling anybody twice.
pub(super) async fn insert_page(
    connection: &mut SqliteConnection,
    now: i64,
    sinks: &Sinks,
    incident: IncidentId,
    page: &NewPage,
) -> Result<Paged, StoreError> {
    let row = sqlx::query(
        "INSERT INTO page (incident_id, spell, level, team, reason, text, severity, created_at)
         SELECT id, spell, ?2, ?3, ?4, ?5, severity, ?6 FROM incident WHERE id = ?1
         ON CONFLICT DO NOTHING RETURNING id",
    )
    .bind(incident.0)
    .bind(page.level)
    .bind(&page.team)
    .bind(json(&page.reason)?)
    .bind(&page.text)
    .bind(now)
    .fetch_optional(&mut *connection)
    .await
    .map_err(failed("make a page"))?;
    let Some(row) = row else { return update_page(connection, now, sinks, incident, page).await };
    let id = PageId(get(&row, "id")?);
    sqlx::query("UPDATE incident SET page_at = NULL WHERE id = ?")
        .bind(incident.0)
        .execute(&mut *connection)
        .await
        .map_err(failed("clear a page's time"))?;
    let paged = IncidentEvent::Paged { team: page.team.clone(), reason: page.reason.clone() };
    note(connection, now, incident, &paged).await?;
    for sink in &sinks.pages {
        enqueue(connection, now, sink, &id.to_string(), &DeliverySubject::Page { page: id }, 0).await?;
    }
    Ok(Paged::Made)
}

async fn update_page(
    connection: &mut SqliteConnection,
    now: i64,
    sinks: &Sinks,
    incident: IncidentId,
    page: &NewPage,
) -> Result<Paged, StoreError> {
    let row = sqlx::query(
        "SELECT page.id, page.reason, page.text FROM page JOIN incident ON incident.id = page.incident_id
         WHERE incident.id = ? AND page.spell = incident.spell AND page.severity = incident.severity AND page.level = ?",
    )
    .bind(incident.0)
    .bind(page.level)
    .fetch_one(&mut *connection)
    .await
    .map_err(failed("read a page"))?;
    let id = PageId(get(&row, "id")?);
    // One that is damaged is written anew.
    let before: Option<PageReason> = get(&row, "reason").and_then(|text| from_json("page's reason", text)).ok();
    let is_same = before.as_ref() == Some(&page.reason)
        && get::<Option<String>>(&row, "text").is_ok_and(|text| text == page.text);
    let says_less =
        matches!(before, Some(PageReason::Escalated { .. })) && !matches!(page.reason, PageReason::Escalated { .. });
    if is_same || says_less {
        return Ok(Paged::Known);
    }
    sqlx::query("UPDATE page SET reason = ?, text = ?, updated_at = ? WHERE id = ?")
        .bind(json(&page.reason)?)
        .bind(&page.text)
        .bind(now)
        .bind(id.0)
        .execute(&mut *connection)
        .await
        .map_err(failed("update a page"))?;
    let event = IncidentEvent::PageUpdated { team: page.team.clone(), reason: page.reason.clone() };
    note(connection, now, incident, &event).await?;
    // Also where it went because another sink had failed.
    let told = sqlx::query("SELECT sink FROM outbox WHERE urgency = 0 AND key = ?")
        .bind(id.to_string())
        .fetch_all(&mut *connection)
        .await
        .map_err(failed("read where a page went"))?;
    let mut all: BTreeSet<String> = sinks.pages.iter().cloned().collect();
    for row in &told {
        all.insert(get(row, "sink")?);
    }
    for sink in all {
        enqueue(connection, now, &sink, &id.to_string(), &DeliverySubject::Page { page: id }, 0).await?;
    }
    Ok(Paged::Updated)
}

/// Opens an incident again: a new spell, in which nobody has it yet.
pub(super) async fn reopen(connection: &mut SqliteConnection, incident: IncidentId) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE incident SET state = 'open', resolved_at = NULL, mitigated_at = NULL, acknowledged_at = NULL,
             owner = NULL, spell = spell + 1 WHERE id = ?",
    )
    .bind(incident.0)
    .execute(connection)
    .await
    .map_err(failed("reopen an incident"))?;
    Ok(())
}

pub(super) async fn note(
    connection: &mut SqliteConnection,
    now: i64,
    incident: IncidentId,
    event: &IncidentEvent,
) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO incident_event (incident_id, at, event) VALUES (?, ?, ?)")
        .bind(incident.0)
        .bind(now)
        .bind(json(event)?)
        .execute(connection)
        .await
        .map_err(failed("write the timeline"))?;
    Ok(())
}

pub(super) async fn enqueue_card(
    connection: &mut SqliteConnection,
    now: i64,
    sinks: &Sinks,
    incident: IncidentId,
) -> Result<(), StoreError> {
    for sink in &sinks.chat {
        enqueue(connection, now, sink, &incident.to_string(), &DeliverySubject::Card { incident }, 2).await?;
    }
    Ok(())
}

pub(super) async fn enqueue_approval(
    connection: &mut SqliteConnection,
    now: i64,
    sinks: &Sinks,
    approval: ApprovalId,
) -> Result<(), StoreError> {
    for sink in &sinks.chat {
        enqueue(connection, now, sink, &approval.to_string(), &DeliverySubject::Approval { approval }, 1).await?;
    }
    Ok(())
}

/// One row for each (sink, key): what changes while it waits is told once, as it is then.
pub(super) async fn enqueue(
    connection: &mut SqliteConnection,
    now: i64,
    sink: &str,
    key: &str,
    subject: &DeliverySubject,
    urgency: i64,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO outbox (sink, key, subject, urgency, due_at) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (sink, key) DO UPDATE SET
             version = version + 1, attempts = 0, due_at = MIN(COALESCE(due_at, excluded.due_at), excluded.due_at)",
    )
    .bind(sink.to_owned())
    .bind(key.to_owned())
    .bind(json(subject)?)
    .bind(urgency)
    .bind(now)
    .execute(connection)
    .await
    .map_err(failed("fill the outbox"))?;
    Ok(())
}

/// Leaves an item in a run's inbox and wakes it. A run that has ended takes nothing.
pub(super) async fn send_to_run(
    connection: &mut SqliteConnection,
    now: i64,
    run: RunId,
    item: &InboxItem,
) -> Result<(), StoreError> {
    let awake = sqlx::query("UPDATE run SET wake_at = MIN(wake_at, ?) WHERE id = ? AND outcome IS NULL")
        .bind(now)
        .bind(run.0)
        .execute(&mut *connection)
        .await
        .map_err(failed("wake a run"))?;
    if awake.rows_affected() > 0 {
        sqlx::query("INSERT INTO run_inbox (run_id, at, item) VALUES (?, ?, ?)")
            .bind(run.0)
            .bind(now)
            .bind(json(item)?)
            .execute(connection)
            .await
            .map_err(failed("fill a run's inbox"))?;
    }
    Ok(())
}

pub(super) async fn keep_playbook(
    connection: &mut SqliteConnection,
    now: i64,
    playbook: &PlaybookRef,
    source: &str,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO playbook (digest, name, version, source, first_seen) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
    )
    .bind(playbook.digest.as_str().to_owned())
    .bind(playbook.name.clone())
    .bind(playbook.version.clone())
    .bind(source.to_owned())
    .bind(now)
    .execute(connection)
    .await
    .map_err(failed("keep a playbook"))?;
    Ok(())
}
