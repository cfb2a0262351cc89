//! The transaction in which a run goes on: its records, and all that belongs to them.

use sqlx::SqliteConnection;

use super::effects::{Paged, enqueue, enqueue_approval, enqueue_card, insert_page};
use super::rows::{get, json, micros, micros_after, time, word};
use super::runs::{inbox, insert_event};
use super::{Sinks, failed};
use crate::model::{ApprovalId, ApprovalState, IncidentId, Outcome, RunEvent, RunId, SignalBody};
use crate::store::{Append, Appended, Ask, DeliverySubject, LogPosition, StoreError};

pub(super) async fn append(
    connection: &mut SqliteConnection,
    now: i64,
    sinks: &Sinks,
    at: LogPosition,
    records: Append,
) -> Result<Appended, StoreError> {
    let count = i64::try_from(records.events.len()).unwrap_or(i64::MAX) + i64::from(records.ask.is_some());
    let row = sqlx::query(
        "UPDATE run SET length = length + ?4, fruitless = 0, lease_until = COALESCE(?5, lease_until)
         WHERE id = ?1 AND epoch = ?2 AND length = ?3 AND outcome IS NULL RETURNING incident_id",
    )
    .bind(at.run.0)
    .bind(at.epoch)
    .bind(at.length)
    .bind(count)
    .bind(records.prolong.map(|lease| micros(time(now) + lease)))
    .fetch_optional(&mut *connection)
    .await
    .map_err(failed("append to a run"))?;
    let row = row.ok_or_else(|| StoreError::Fenced(format!("{} was claimed by another worker", at.run)))?;
    let incident = IncidentId(get(&row, "incident_id")?);

    if let Some(keys) = &records.guard
        && let Some(refusal) = guard(connection, now, at.run, keys).await?
    {
        undo_length(connection, at.run, count).await?;
        return Ok(refusal);
    }
    let mut length = at.length;
    for event in &records.events {
        length += 1;
        insert_event(connection, at.run, length, at.epoch, now, event).await?;
        if let RunEvent::ApprovalAnswered { verdict: None, .. } = event {
            close_approvals(connection, now, sinks, at.run, ApprovalState::Expired).await?;
        }
    }
    if let Some(ask) = &records.ask {
        length += 1;
        let event = open_approval(connection, now, sinks, at.run, incident, ask).await?;
        insert_event(connection, at.run, length, at.epoch, now, &event).await?;
    }
    if !records.consumes.is_empty() {
        sqlx::query("DELETE FROM run_inbox WHERE run_id = ? AND id IN (SELECT value FROM json_each(?))")
            .bind(at.run.0)
            .bind(json(&records.consumes)?)
            .execute(&mut *connection)
            .await
            .map_err(failed("empty a run's inbox"))?;
    }
    let mut notices = records.notices;
    for page in records.pages {
        // Somebody is paged for this already: what is new is told in chat too, but nobody is called twice.
        if insert_page(connection, now, sinks, incident, &page).await? != Paged::Made
            && let Some(text) = page.text
        {
            notices.push(text);
        }
    }
    for (n, text) in notices.iter().enumerate() {
        for sink in &sinks.chat {
            let subject = DeliverySubject::Notice { incident, text: text.clone() };
            enqueue(connection, now, sink, &format!("{}-{length}-{n}", at.run), &subject, 1).await?;
        }
    }
    enqueue_card(connection, now, sinks, incident).await?;
    let waiting = inbox(connection, at.run).await?;
    if let Some((outcome, because)) = &records.end {
        end(connection, now, sinks, at.run, *outcome, because).await?;
    } else if let Some(until) = records.park_until {
        // Whatever waits in the inbox is a reason to wake up at once, unless the run has seen it and left it there.
        let news = waiting.iter().any(|(number, _)| !records.leaves.contains(number));
        let wake_at = if news { now } else { micros_after(until) };
        sqlx::query("UPDATE run SET wake_at = ?, lease_until = NULL, worker = NULL WHERE id = ?")
            .bind(wake_at)
            .bind(at.run.0)
            .execute(&mut *connection)
            .await
            .map_err(failed("park a run"))?;
    }
    Ok(Appended::Done { at: LogPosition { length, ..at }, inbox: waiting })
}

/// Refuses while the inbox is not empty or another run holds one of the locks; else takes the locks.
async fn guard(
    connection: &mut SqliteConnection,
    now: i64,
    run: RunId,
    keys: &[String],
) -> Result<Option<Appended>, StoreError> {
    let waiting = inbox(connection, run).await?;
    if !waiting.is_empty() {
        return Ok(Some(Appended::InboxFirst(waiting)));
    }
    let held = sqlx::query(
        "SELECT target_key, run_id FROM target_lock
         WHERE target_key IN (SELECT value FROM json_each(?)) AND run_id <> ? ORDER BY target_key LIMIT 1",
    )
    .bind(json(&keys)?)
    .bind(run.0)
    .fetch_optional(&mut *connection)
    .await
    .map_err(failed("look at locks"))?;
    if let Some(row) = held {
        return Ok(Some(Appended::Locked { key: get(&row, "target_key")?, by: RunId(get(&row, "run_id")?) }));
    }
    let mut keys = keys.to_vec();
    keys.sort();
    for key in keys {
        sqlx::query("INSERT INTO target_lock (target_key, run_id, since) VALUES (?, ?, ?) ON CONFLICT DO NOTHING")
            .bind(key)
            .bind(run.0)
            .bind(now)
            .execute(&mut *connection)
            .await
            .map_err(failed("take a lock"))?;
    }
    Ok(None)
}

async fn undo_length(connection: &mut SqliteConnection, run: RunId, count: i64) -> Result<(), StoreError> {
    sqlx::query("UPDATE run SET length = length - ? WHERE id = ?")
        .bind(count)
        .bind(run.0)
        .execute(connection)
        .await
        .map_err(failed("take back an append"))?;
    Ok(())
}

async fn open_approval(
    connection: &mut SqliteConnection,
    now: i64,
    sinks: &Sinks,
    run: RunId,
    incident: IncidentId,
    ask: &Ask,
) -> Result<RunEvent, StoreError> {
    let digest = ask.preview.digest();
    let row = sqlx::query(
        "INSERT INTO approval (run_id, incident_id, preview, digest, state, asked_at, expires_at)
         VALUES (?, ?, ?, ?, 'open', ?, ?) RETURNING id",
    )
    .bind(run.0)
    .bind(incident.0)
    .bind(json(&ask.preview)?)
    .bind(digest.as_str().to_owned())
    .bind(now)
    .bind(micros(ask.expires_at))
    .fetch_one(&mut *connection)
    .await
    .map_err(failed("ask for an approval"))?;
    let approval = ApprovalId(get(&row, "id")?);
    enqueue_approval(connection, now, sinks, approval).await?;
    Ok(RunEvent::ApprovalAsked { approval, preview: ask.preview.clone(), expires_at: ask.expires_at })
}

/// Closes the questions of a run that nobody has answered: they stand in chat, with buttons that would do nothing any more.
async fn close_approvals(
    connection: &mut SqliteConnection,
    now: i64,
    sinks: &Sinks,
    run: RunId,
    state: ApprovalState,
) -> Result<(), StoreError> {
    let closed = sqlx::query("UPDATE approval SET state = ? WHERE run_id = ? AND state = 'open' RETURNING id")
        .bind(word(&state)?)
        .bind(run.0)
        .fetch_all(&mut *connection)
        .await
        .map_err(failed("close a question"))?;
    for row in &closed {
        enqueue_approval(connection, now, sinks, ApprovalId(get(row, "id")?)).await?;
    }
    Ok(())
}

/// The end of a run: nobody holds it or its locks any more, and the news comes in through the front door.
async fn end(
    connection: &mut SqliteConnection,
    now: i64,
    sinks: &Sinks,
    run: RunId,
    outcome: Outcome,
    because: &str,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE run SET outcome = ?, because = ?, ended_at = ?, lease_until = NULL, worker = NULL WHERE id = ?",
    )
    .bind(word(&outcome)?)
    .bind(because)
    .bind(now)
    .bind(run.0)
    .execute(&mut *connection)
    .await
    .map_err(failed("end a run"))?;
    close_approvals(connection, now, sinks, run, ApprovalState::Withdrawn).await?;
    for sql in ["DELETE FROM target_lock WHERE run_id = ?", "DELETE FROM run_inbox WHERE run_id = ?"] {
        sqlx::query(sql).bind(run.0).execute(&mut *connection).await.map_err(failed("end a run"))?;
    }
    let body = SignalBody::RunEnded { run, outcome, because: because.to_owned() };
    sqlx::query("INSERT INTO signal (source, key, received_at, body, last_at) VALUES ('run', ?1, ?2, ?3, ?2)")
        .bind(run.to_string())
        .bind(now)
        .bind(json(&body)?)
        .execute(connection)
        .await
        .map_err(failed("announce the end of a run"))?;
    Ok(())
}
