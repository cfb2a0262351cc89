//! What is to be told to the world.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::SqliteConnection;

use super::rows::{from_json, get, get_time_or, json, micros, time};
use super::{SqliteStore, failed};
use crate::model::{IncidentId, redact};
use crate::store::{Delivery, DeliveryId, OutboxStore, StoreError};

pub(super) const TAKE: &str = "UPDATE outbox SET due_at = ?2, taken = version
     WHERE id IN (SELECT id FROM outbox
                  WHERE due_at <= ?1 AND sink IN (SELECT value FROM json_each(?3)) ORDER BY urgency, id LIMIT ?4)
     RETURNING id, sink, subject, attempts, external_id, urgency";

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
                    let subject = match from_json("delivery", get(row, "subject")?) {
                        Ok(subject) => subject,
                        // A newer version's: it must not keep back what we can bring.
                        Err(error) => {
                            set_aside(connection, id, &error).await?;
                            continue;
                        }
                    };
                    let delivery = Delivery {
                        id,
                        sink: get(row, "sink")?,
                        subject,
                        attempts: u32::try_from(get::<i64>(row, "attempts")?).unwrap_or(u32::MAX),
                        external: get(row, "external_id")?,
                    };
                    deliveries.push((get::<i64>(row, "urgency")?, delivery));
                }
                deliveries.sort_by_key(|(urgency, delivery)| (*urgency, delivery.id.0));
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
        self.write("note a delivery", move |connection| {
            Box::pin(async move {
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
                Ok(())
            })
        })
        .await
    }

    async fn delivery_failed(
        &self,
        id: DeliveryId,
        error: &str,
        retry_at: Option<DateTime<Utc>>,
    ) -> Result<(), StoreError> {
        let now = self.now();
        let error = redact(error).into_owned();
        self.write("note a failed delivery", move |connection| {
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
                .execute(connection)
                .await
                .map_err(failed("note a failed delivery"))?;
                Ok(())
            })
        })
        .await
    }

    async fn deliver_also(&self, id: DeliveryId, sink: &str) -> Result<bool, StoreError> {
        let now = self.now();
        let sink = sink.to_owned();
        let added = self.write("bring it to another sink", move |connection| {
            Box::pin(async move {
                let added = sqlx::query(
                    "INSERT INTO outbox (sink, key, subject, urgency, due_at)
                     SELECT ?2, key, subject, urgency, ?3 FROM outbox WHERE id = ?1 ON CONFLICT DO NOTHING",
                )
                .bind(id.0)
                .bind(sink)
                .bind(now)
                .execute(connection)
                .await
                .map_err(failed("bring it to another sink"))?;
                Ok(added.rows_affected() > 0)
            })
        });
        let added = added.await?;
        if added {
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
