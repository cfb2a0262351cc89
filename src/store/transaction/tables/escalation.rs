//! Who is called next about incidents.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::model::{Incident, IncidentId, PageId};
use crate::store::{Escalation, StoreError};

#[async_trait]
pub(in crate::store) trait EscalationTable {
    async fn escalation(&mut self, incident: IncidentId) -> Result<Option<Escalation>, StoreError>;

    /// In the place of the one that the incident has, if it has one.
    async fn save_escalation(&mut self, escalation: &Escalation) -> Result<(), StoreError>;

    async fn drop_escalation(&mut self, incident: IncidentId) -> Result<(), StoreError>;

    /// What windows hold back is looked at now: one of them has ended.
    async fn hasten_held(&mut self, now: DateTime<Utc>) -> Result<(), StoreError>;

    /// The number of the last page of that spell and severity which is none that another one tells;
    /// 0: there is none.
    async fn last_level(&mut self, incident: &Incident) -> Result<u32, StoreError>;

    /// The number of the next one, whatever became of those before it.
    async fn next_level(&mut self, incident: &Incident) -> Result<u32, StoreError>;

    /// It has come to somebody. The first time stays.
    async fn save_arrived(&mut self, page: PageId, at: DateTime<Utc>) -> Result<(), StoreError>;

    /// The last page of an incident that went out.
    async fn last_page(&mut self, incident: IncidentId) -> Result<Option<PageId>, StoreError>;

    /// Who is called by a page.
    async fn save_called(&mut self, page: PageId, people: &[String]) -> Result<(), StoreError>;

    /// Whether nobody has acknowledged it.
    async fn waits_for_answer(&mut self, page: PageId) -> Result<bool, StoreError>;
}
