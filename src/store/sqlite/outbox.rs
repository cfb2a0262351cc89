//! What is to be told to the world.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::rows::{get, get_time_or, json};
use super::tables::latest;
use super::{SqliteStore, failed};
use crate::model::{IncidentId, redact};
use crate::store::rules::DeliveryKey;
use crate::store::{Attempt, Delivery, DeliveryId, OutboxStore, Standing, StoreError, transaction};

/// Not before the end of the time for which its sink is left alone. A time that is damaged is due.
pub(super) const NEXT_DUE: &str = "SELECT CAST(MIN(MAX(CASE WHEN due_at <= ?2 THEN due_at ELSE 0 END,
         COALESCE((SELECT until FROM sink_hold WHERE sink_hold.sink = outbox.sink AND until <= ?2), 0))) AS INTEGER) AS due
     FROM outbox WHERE due_at IS NOT NULL AND sink IN (SELECT value FROM json_each(?1))";

#[async_trait]
impl OutboxStore for SqliteStore {
    async fn take_deliveries(&self, sinks: &[&str], limit: usize, hold: Duration) -> Result<Vec<Delivery>, StoreError> {
        let sinks: Vec<String> = sinks.iter().map(|sink| (*sink).to_owned()).collect();
        self.transact("take deliveries", move |mut tx| {
            Box::pin(async move { transaction::take(&mut tx, &sinks, limit, hold).await })
        })
        .await
    }

    async fn next_delivery_due(&self, sinks: &[&str]) -> Result<Option<DateTime<Utc>>, StoreError> {
        let row = sqlx::query(NEXT_DUE)
            .bind(json(&sinks)?)
            .bind(latest(self.clock.now()))
            .fetch_one(&self.reads)
            .await
            .map_err(failed("read when the next delivery is due"))?;
        get_time_or(&row, "due")
    }

    async fn delivered(
        &self,
        id: DeliveryId,
        external: Option<&str>,
        told: Option<Standing>,
        attempt: Option<Attempt>,
    ) -> Result<(), StoreError> {
        let (external, attempt) = (external.map(str::to_owned), attempt.map(Attempt::masked));
        let news = self.transact("note a delivery", move |mut tx| {
            Box::pin(async move {
                transaction::remember(&mut tx, id, attempt, None).await?;
                transaction::arrived(&mut tx, id, external.as_deref(), told).await
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
        passes_on: bool,
        attempt: Option<Attempt>,
    ) -> Result<Vec<String>, StoreError> {
        let (error, attempt) = (redact(error).into_owned(), attempt.map(Attempt::masked));
        let failed = self.transact("note a failed delivery", move |mut tx| {
            Box::pin(async move {
                transaction::remember(&mut tx, id, attempt, Some(&error)).await?;
                transaction::failed(&mut tx, id, &error, retry_at, passes_on).await
            })
        });
        let failed = failed.await?;
        if failed.news {
            self.bells.outbox.ring();
        }
        Ok(failed.added)
    }

    async fn announce(&self, text: &str, is_trouble: bool) -> Result<(), StoreError> {
        let text = redact(text).into_owned();
        let announced = self.transact("announce something", move |mut tx| {
            Box::pin(async move { transaction::announce(&mut tx, text, is_trouble).await })
        });
        announced.await?;
        self.bells.outbox.ring();
        Ok(())
    }

    async fn external_message(&self, sink: &str, incident: IncidentId) -> Result<Option<String>, StoreError> {
        let row = sqlx::query("SELECT external_id FROM outbox WHERE sink = ? AND key = ?")
            .bind(sink)
            .bind(DeliveryKey::Card(incident).to_string())
            .fetch_optional(&self.reads)
            .await
            .map_err(failed("read a message's id"))?;
        Ok(row.map(|row| get(&row, "external_id")).transpose()?.flatten())
    }
}
