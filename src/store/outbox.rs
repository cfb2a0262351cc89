//! What is to be told to the world, as the store is asked for it.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::{Attempt, Delivery, DeliveryId, Standing, StoreError};
use crate::model::IncidentId;

/// What is to be told to the world.
#[async_trait]
pub trait OutboxStore: Send + Sync {
    /// Takes up to `limit` deliveries that are due for any of `sinks`, and keeps others from taking
    /// them for `hold`.
    async fn take_deliveries(&self, sinks: &[&str], limit: usize, hold: Duration) -> Result<Vec<Delivery>, StoreError>;

    /// When the next delivery for any of `sinks` is due.
    async fn next_delivery_due(&self, sinks: &[&str]) -> Result<Option<DateTime<Utc>>, StoreError>;

    /// It arrived; `external` is the receiver's own id of it (a message id), kept for later edits.
    /// `told`: how the receiver knows the page to stand from now on; `None` where it is none, or
    /// where there was nothing to tell. `attempt` is remembered of a page.
    async fn delivered(
        &self,
        id: DeliveryId,
        external: Option<&str>,
        told: Option<Standing>,
        attempt: Option<Attempt>,
    ) -> Result<(), StoreError>;

    /// It did not arrive, and is tried again at `retry_at`; `None`: not before there is something
    /// new to tell. `passes_on`: a page goes to the next entry of the order, too, in the same
    /// transaction, unless another sink of its own entry that calls has it. Gives back to which
    /// sinks it goes that had not got it before. `attempt` is remembered of a page.
    async fn delivery_failed(
        &self,
        id: DeliveryId,
        error: &str,
        retry_at: Option<DateTime<Utc>>,
        passes_on: bool,
        attempt: Option<Attempt>,
    ) -> Result<Vec<String>, StoreError>;

    /// Tells something in chat that is about no incident; what is secret in it is masked. The same
    /// text at the same moment is told once. `is_trouble`: somebody has something to mend.
    async fn announce(&self, text: &str, is_trouble: bool) -> Result<(), StoreError>;

    /// The receiver's own id of the incident's message on that sink.
    async fn external_message(&self, sink: &str, incident: IncidentId) -> Result<Option<String>, StoreError>;
}
