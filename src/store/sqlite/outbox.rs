//! What is to be told to the world.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::effects::{enqueue_card, note};
use super::rows::{from_json, get, get_time, get_time_or, json, micros, time};
use super::{SqliteStore, failed};
use crate::model::{HumanDuration, IncidentId, PageId, redact};
use crate::store::{Delivery, DeliveryId, DeliverySubject, IncidentEvent, OutboxStore, StoreError};

/// Pages that the last process had taken, or was about to try again: nobody is at them any more.
pub(super) const TAKE_OVER: &str =
    "UPDATE outbox SET due_at = ?1 WHERE urgency = 0 AND due_at > ?1 AND due_at <= ?1 + 60000000";

/// The urgent before the others, and the new before what has failed: behind a receiver that is down
/// and takes its time with each, a new page would wait for all that came before it.
pub(super) const TAKE: &str = "UPDATE outbox SET due_at = ?2, taken = version
     WHERE id IN (SELECT id FROM outbox
                  WHERE due_at <= ?1 AND sink IN (SELECT value FROM json_each(?3)) ORDER BY urgency, attempts > 0, due_at, id LIMIT ?4)
     RETURNING id, sink, key, subject, attempts, external_id, urgency";

pub(super) const NEXT_DUE: &str = "SELECT MIN(due_at) AS due FROM outbox
     WHERE due_at IS NOT NULL AND sink IN (SELECT value FROM json_each(?))";

#[async_trait]
impl OutboxStore for SqliteStore {
    async fn take_deliveries(&self, sinks: &[&str], limit: usize, hold: Duration) -> Result<Vec<Delivery>, StoreError> {
        let now = self.now();
        let until = micros(time(now) + hold);
        let sinks = json(&sinks)?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.write("take deliveries", move |connection| {
            Box::pin(async move {
                let found = sqlx::query(TAKE)
                    .bind(now)
                    .bind(until)
                    .bind(sinks)
                    .bind(limit)
                    .fetch_all(&mut *connection)
                    .await
                    .map_err(failed("take deliveries"))?;
                let mut deliveries = Vec::new();
                for row in &found {
                    let id = DeliveryId(get(row, "id")?);
                    let subject = match get(row, "subject").and_then(|text| from_json("delivery", text)) {
                        Ok(subject) => subject,
                        Err(error) => match named_by_its_key(row) {
                            Some(subject) => {
                                mend(connection, id, &subject, &error).await?;
                                subject
                            }
                            // A newer version's: it must not keep back what we can bring.
                            None => {
                                set_aside(connection, id, &error).await?;
                                continue;
                            }
                        },
                    };
                    let delivery = Delivery {
                        id,
                        sink: get(row, "sink")?,
                        subject,
                        attempts: u32::try_from(get::<i64>(row, "attempts").unwrap_or_default()).unwrap_or(u32::MAX),
                        external: get(row, "external_id").ok().flatten(),
                    };
                    deliveries.push((get::<i64>(row, "urgency").unwrap_or_default(), delivery));
                }
                deliveries.sort_by_key(|(urgency, delivery)| (*urgency, delivery.attempts > 0, delivery.id.0));
                Ok(deliveries.into_iter().map(|(_, delivery)| delivery).collect())
            })
        })
        .await
    }

    async fn next_delivery_due(&self, sinks: &[&str]) -> Result<Option<DateTime<Utc>>, StoreError> {
        let row = sqlx::query(NEXT_DUE)
            .bind(json(&sinks)?)
            .fetch_one(&self.reads)
            .await
            .map_err(failed("read when the next delivery is due"))?;
        get_time_or(&row, "due")
    }

    async fn delivered(&self, id: DeliveryId, external: Option<&str>) -> Result<(), StoreError> {
        let now = self.now();
        let external = external.map(str::to_owned);
        let sinks = self.sinks.clone();
        let news = self.write("note a delivery", move |connection| {
            Box::pin(async move {
                let late = paged(connection, id).await?.filter(|page| page.attempts > 0 && page.unanswered);
                if let Some(page) = &late {
                    let after = HumanDuration((time(now) - page.made_at).to_std().unwrap_or_default());
                    let text = format!("{} reaches {}, {after} after it was made", page.id, page.sink);
                    note(connection, now, page.incident, &IncidentEvent::Remark { text }).await?;
                    enqueue_card(connection, now, &sinks, page.incident).await?;
                }
                // What changed while it was on its way is delivered once more.
                sqlx::query(
                    "UPDATE outbox SET due_at = CASE WHEN version = taken THEN NULL ELSE ?2 END, delivered_at = ?2,
                         attempts = 0, error = NULL, external_id = COALESCE(?3, external_id) WHERE id = ?1",
                )
                .bind(id.0)
                .bind(now)
                .bind(external)
                .execute(&mut *connection)
                .await
                .map_err(failed("note a delivery"))?;
                // What is over needs nobody to answer: that somebody was told is enough.
                sqlx::query(
                    "UPDATE page SET acknowledged_at = ?2 WHERE acknowledged_at IS NULL
                         AND id = (SELECT json_extract(subject, '$.page') FROM outbox WHERE id = ?1)
                         AND EXISTS (SELECT 1 FROM incident WHERE id = page.incident_id AND state = 'resolved')",
                )
                .bind(id.0)
                .bind(now)
                .execute(connection)
                .await
                .map_err(failed("close a page of what is over"))?;
                Ok(late.is_some())
            })
        });
        if news.await? {
            self.bells.outbox.ring();
        }
        Ok(())
    }

    async fn delivery_failed(
        &self,
        id: DeliveryId,
        error: &str,
        retry_at: Option<DateTime<Utc>>,
        also: Option<&str>,
    ) -> Result<bool, StoreError> {
        let now = self.now();
        let error = redact(error).into_owned();
        let also = also.map(str::to_owned);
        let sinks = self.sinks.clone();
        let (added, news) = self
            .write("note a failed delivery", move |connection| {
                Box::pin(async move {
                    // What changed while it was on its way is worth a try of its own.
                    sqlx::query(
                        "UPDATE outbox SET due_at = CASE WHEN version = taken THEN ?2 ELSE COALESCE(?2, ?4) END,
                             attempts = attempts + 1, error = ?3 WHERE id = ?1",
                    )
                    .bind(id.0)
                    .bind(retry_at.map(micros))
                    .bind(error)
                    .bind(now)
                    .execute(&mut *connection)
                    .await
                    .map_err(failed("note a failed delivery"))?;
                    let added = match &also {
                        Some(also) => deliver_also(connection, now, id, also).await?,
                        None => false,
                    };
                    let Some(page) = paged(connection, id).await? else { return Ok((added, false)) };
                    if let (true, Some(also)) = (added, also) {
                        let text = format!("{} does not reach {}: it goes to {also} too", page.id, page.sink);
                        note(connection, now, page.incident, &IncidentEvent::Remark { text }).await?;
                    }
                    let news = added || page.attempts == 1;
                    if news {
                        enqueue_card(connection, now, &sinks, page.incident).await?;
                    }
                    Ok((added, news))
                })
            })
            .await?;
        if news {
            self.bells.outbox.ring();
        }
        Ok(added)
    }

    async fn external_message(&self, sink: &str, incident: IncidentId) -> Result<Option<String>, StoreError> {
        let row = sqlx::query("SELECT external_id FROM outbox WHERE sink = ? AND key = ?")
            .bind(sink)
            .bind(incident.to_string())
            .fetch_optional(&self.reads)
            .await
            .map_err(failed("read a message's id"))?;
        Ok(row.map(|row| get(&row, "external_id")).transpose()?.flatten())
    }
}

/// A delivery of a page, and the page.
struct Paged {
    id: PageId,
    incident: IncidentId,
    made_at: DateTime<Utc>,
    unanswered: bool,
    sink: String,
    attempts: i64,
}

/// `None`: the delivery is of something else.
async fn paged(connection: &mut SqliteConnection, id: DeliveryId) -> Result<Option<Paged>, StoreError> {
    let row = sqlx::query(
        "SELECT page.id, page.incident_id, page.created_at, page.acknowledged_at IS NULL AS unanswered, sink, attempts
         FROM outbox JOIN page ON page.id = json_extract(outbox.subject, '$.page')
         JOIN incident ON incident.id = page.incident_id WHERE outbox.id = ? AND urgency = 0",
    )
    .bind(id.0)
    .fetch_optional(connection)
    .await
    .map_err(failed("read a delivery's page"))?;
    let Some(row) = row else { return Ok(None) };
    let paged = || {
        Ok(Paged {
            id: PageId(get(&row, "id")?),
            incident: IncidentId(get(&row, "incident_id")?),
            made_at: get_time(&row, "created_at")?,
            unanswered: get(&row, "unanswered")?,
            sink: get(&row, "sink")?,
            attempts: get(&row, "attempts")?,
        })
    };
    // There is nowhere to tell of it, and what became of its delivery must be kept all the same: it
    // would be sent again and again.
    Ok(paged().inspect_err(|error: &StoreError| tracing::warn!(%error, "a page's delivery is told of nowhere")).ok())
}

/// What the delivery is about, by the key that it was put under.
fn named_by_its_key(row: &SqliteRow) -> Option<DeliverySubject> {
    let key: &str = get(row, "key").ok()?;
    let (sort, _) = key.split_once('-')?;
    match sort {
        "PAGE" => key.parse().ok().map(|page| DeliverySubject::Page { page }),
        "INC" => key.parse().ok().map(|incident| DeliverySubject::Card { incident }),
        "APR" => key.parse().ok().map(|approval| DeliverySubject::Approval { approval }),
        _ => None,
    }
}

/// Writes a delivery's subject down again: SQLite reads it too.
async fn mend(
    connection: &mut SqliteConnection,
    id: DeliveryId,
    subject: &DeliverySubject,
    error: &StoreError,
) -> Result<(), StoreError> {
    tracing::error!(delivery = id.0, ?subject, %error, "a delivery cannot be read, and is made anew from its key");
    sqlx::query("UPDATE outbox SET subject = ? WHERE id = ?")
        .bind(json(subject)?)
        .bind(id.0)
        .execute(connection)
        .await
        .map_err(failed("mend a delivery"))?;
    Ok(())
}

/// Brings the same to another sink, too, unless it went there before.
async fn deliver_also(
    connection: &mut SqliteConnection,
    now: i64,
    id: DeliveryId,
    sink: &str,
) -> Result<bool, StoreError> {
    let added = sqlx::query(
        "INSERT INTO outbox (sink, key, subject, urgency, due_at)
         SELECT ?2, key, subject, urgency, ?3 FROM outbox WHERE id = ?1 ON CONFLICT DO NOTHING",
    )
    .bind(id.0)
    .bind(sink.to_owned())
    .bind(now)
    .execute(connection)
    .await
    .map_err(failed("bring it to another sink"))?;
    Ok(added.rows_affected() > 0)
}

/// Tries a delivery no more that cannot be read.
async fn set_aside(connection: &mut SqliteConnection, id: DeliveryId, error: &StoreError) -> Result<(), StoreError> {
    tracing::error!(delivery = id.0, %error, "a delivery cannot be read and is set aside");
    sqlx::query("UPDATE outbox SET due_at = NULL, error = ? WHERE id = ?")
        .bind(redact(&error.to_string()).into_owned())
        .bind(id.0)
        .execute(connection)
        .await
        .map_err(failed("set a delivery aside"))?;
    Ok(())
}
