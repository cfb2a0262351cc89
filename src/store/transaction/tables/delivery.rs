//! What is to be brought, and what receivers know.

use std::collections::BTreeSet;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::{DeliveryRow, TakenRow};
use crate::model::{IncidentId, PageId};
use crate::store::rules::Outgoing;
use crate::store::{Attempt, DeliveryId, DeliverySubject, PageStands, Standing, StoreError, Told};

/// What a receiver knows of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store) struct ToldPage {
    pub page: PageId,
    pub sink: String,
    pub told: Told,
    pub stands: PageStands,
}

#[async_trait]
pub(in crate::store) trait DeliveryTable {
    /// One row for each sink and key: what is there is due again, and has changed.
    async fn put(&mut self, sink: &str, outgoing: &Outgoing, due_at: DateTime<Utc>) -> Result<(), StoreError>;

    /// The same to another sink; `false` when it went there before.
    async fn put_also(&mut self, id: DeliveryId, sink: &str, due_at: DateTime<Utc>) -> Result<bool, StoreError>;

    /// Takes what is due for any of `sinks`, the most urgent first, and has it due again at
    /// `until`.
    async fn take_due(
        &mut self,
        sinks: &[String],
        limit: usize,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Vec<TakenRow>, StoreError>;

    /// Writes down again what a delivery is about.
    async fn mend_delivery(&mut self, id: DeliveryId, subject: &DeliverySubject) -> Result<(), StoreError>;

    async fn delivery_row(&mut self, id: DeliveryId) -> Result<Option<DeliveryRow>, StoreError>;

    /// Remembers an attempt, if it is one of a delivery that is there; what is like the last one of
    /// it is counted there.
    async fn save_attempt(
        &mut self,
        id: DeliveryId,
        attempt: &Attempt,
        at: DateTime<Utc>,
        error: Option<&str>,
    ) -> Result<(), StoreError>;

    /// It arrived: its trouble is over. `external`: the receiver's own id of it, if it gave one.
    async fn save_arrival(
        &mut self,
        id: DeliveryId,
        at: DateTime<Utc>,
        external: Option<&str>,
        told: Option<Standing>,
        due_at: Option<DateTime<Utc>>,
    ) -> Result<(), StoreError>;

    /// What the receivers of an incident's pages, and of those of its parts, know of them. Not
    /// where something is on its way there already.
    async fn told_pages(&mut self, incident: IncidentId) -> Result<Vec<ToldPage>, StoreError>;

    /// The incidents that those sinks keep of this one were closed there.
    async fn close_told(&mut self, incident: IncidentId, sinks: &BTreeSet<String>) -> Result<(), StoreError>;

    /// Has a few of the pages that a sink failed to take due now, the worst first.
    async fn hasten_failed(&mut self, sink: &str, now: DateTime<Utc>) -> Result<(), StoreError>;

    /// One more attempt was in vain.
    async fn save_failure(
        &mut self,
        id: DeliveryId,
        error: &str,
        due_at: Option<DateTime<Utc>>,
    ) -> Result<(), StoreError>;
}
