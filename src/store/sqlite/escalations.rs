//! Who is called next about incidents, as it is read.

use std::collections::BTreeSet;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::sqlite::SqliteRow;

use super::rows::{from_json, get, get_time_or, micros, readable, text};
use super::{SqliteStore, failed};
use crate::model::{IncidentId, PageId};
use crate::store::{Escalated, Escalation, EscalationStore, EscalationWhy, StoreError, transaction};

pub(super) const OF_INCIDENT: &str = "SELECT * FROM escalation WHERE incident_id = ?";

/// A time that cannot be read has come, and so has one that lies further off than any may: a page
/// too many is better than one too few. A text is more than any number.
pub(super) const DUE: &str = "SELECT escalation.* FROM escalation JOIN incident ON incident.id = escalation.incident_id
     WHERE due_at <= ?1 OR due_at > ?2 ORDER BY incident.severity, due_at, incident_id";

pub(super) const NEXT: &str = "SELECT MIN(due_at) AS next FROM escalation WHERE due_at > ?1 AND due_at <= ?2";

pub(super) const COUNT_DUE: &str = "SELECT COUNT(*) AS due FROM escalation WHERE due_at <= ?";

/// No time to acknowledge within is longer.
const LONGEST: TimeDelta = TimeDelta::days(8);

#[async_trait]
impl EscalationStore for SqliteStore {
    fn calls_by_itself(&self) -> BTreeSet<String> {
        self.sinks.get().escalate.clone()
    }

    async fn due_escalations(
        &self,
        now: DateTime<Utc>,
    ) -> Result<(Vec<Escalation>, Option<DateTime<Utc>>), StoreError> {
        let due = sqlx::query(DUE).bind(micros(now)).bind(micros(now + LONGEST)).fetch_all(&self.reads).await;
        let due = due.map_err(failed("read who is to be called"))?;
        let next = sqlx::query(NEXT).bind(micros(now)).bind(micros(now + LONGEST)).fetch_one(&self.reads).await;
        let next = next.map_err(failed("read when somebody is called next"))?;
        Ok((readable(&due, escalation), get_time_or(&next, "next")?))
    }

    async fn escalation_of(&self, incident: IncidentId) -> Result<Option<Escalation>, StoreError> {
        let row = sqlx::query(OF_INCIDENT).bind(incident.0).fetch_optional(&self.reads).await;
        row.map_err(failed("read who is called next"))?.as_ref().map(escalation).transpose()
    }

    async fn escalate(&self, due: &Escalation, comes_to: Escalated) -> Result<bool, StoreError> {
        let due = due.clone();
        let done = self.transact("call the next", move |mut tx| {
            Box::pin(async move { transaction::escalate(&mut tx, &due, comes_to).await })
        });
        let done = done.await?;
        if done {
            self.bells.outbox.ring();
            self.bells.decisions.ring();
        }
        Ok(done)
    }
}

pub(super) fn escalation(row: &SqliteRow) -> Result<Escalation, StoreError> {
    let step: Option<i64> = get(row, "step").unwrap_or_default();
    Ok(Escalation {
        incident: IncidentId(get(row, "incident_id")?),
        page: get::<Option<i64>>(row, "page_id").ok().flatten().map(PageId),
        step: step.and_then(|step| u32::try_from(step).ok()),
        why: from_json("why somebody is called", &text(row, "why")).unwrap_or(EscalationWhy::Unanswered),
        due_at: get_time_or(row, "due_at").unwrap_or(Some(DateTime::UNIX_EPOCH)),
        held: get(row, "held").unwrap_or_default(),
        before: from_json("who was called before", &text(row, "before")).unwrap_or_default(),
    })
}
