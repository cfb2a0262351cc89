//! What waits for a time.

use std::collections::BTreeSet;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};

use super::SqliteTables;
use crate::model::{ApprovalId, IncidentId, RunId};
use crate::store::sqlite::rows::{get, micros};
use crate::store::transaction::ClockTable;
use crate::store::{LogPosition, StoreError};

#[async_trait]
impl ClockTable for SqliteTables<'_> {
    async fn remember_move(&mut self, at: DateTime<Utc>, by: TimeDelta) -> Result<(), StoreError> {
        let query = sqlx::query(
            "INSERT INTO clock_move (at, by, last_signal, last_incident_event, last_episode)
             VALUES (?1, ?2, (SELECT COALESCE(MAX(id), 0) FROM signal), (SELECT COALESCE(MAX(id), 0) FROM incident_event),
                 (SELECT COALESCE(MAX(id), 0) FROM episode))",
        );
        self.execute("remember that the clock was set", query.bind(micros(at)).bind(span(by))).await?;
        Ok(())
    }

    async fn incidents_that_wait(&mut self) -> Result<BTreeSet<IncidentId>, StoreError> {
        let query = sqlx::query(
            "SELECT id FROM incident WHERE page_at IS NOT NULL UNION SELECT incident_id FROM run WHERE outcome IS NULL
             UNION SELECT incident_id FROM escalation
             UNION SELECT incident_id FROM page WHERE folded_into IS NOT NULL AND acknowledged_at IS NULL",
        );
        let found = self.all("read for whom something waits", query).await?;
        found.iter().map(|row| Ok(IncidentId(get(row, "id")?))).collect()
    }

    async fn move_timers(&mut self, by: TimeDelta) -> Result<(), StoreError> {
        for sql in [
            "UPDATE incident SET page_at = page_at + ?1 WHERE page_at IS NOT NULL",
            "UPDATE outbox SET due_at = due_at + ?1 WHERE due_at IS NOT NULL",
            "UPDATE sink_hold SET until = until + ?1",
            "UPDATE ticket SET tried_at = tried_at + ?1, failing_since = failing_since + ?1
             WHERE tried_at IS NOT NULL OR failing_since IS NOT NULL",
            "UPDATE signal SET not_before = not_before + ?1 WHERE not_before IS NOT NULL AND processed_at IS NULL",
            "UPDATE escalation SET due_at = due_at + ?1",
            "UPDATE page SET arrived_at = arrived_at + ?1 WHERE arrived_at IS NOT NULL AND acknowledged_at IS NULL",
            "UPDATE heartbeat SET last_at = last_at + ?1",
            "UPDATE page SET folded_until = folded_until + ?1 WHERE folded_into IS NOT NULL AND acknowledged_at IS NULL",
            // It is a time of the calendar, but whoever said two hours did not mean less.
            "UPDATE freeze SET until_at = until_at + ?1 WHERE ?1 > 0 AND ended_at IS NULL AND told_at IS NULL
                 AND until_at IS NOT NULL",
        ] {
            self.execute("move what waits", sqlx::query(sql).bind(span(by))).await?;
        }
        Ok(())
    }

    async fn move_questions(&mut self, by: TimeDelta) -> Result<Vec<ApprovalId>, StoreError> {
        let query = sqlx::query("UPDATE approval SET expires_at = expires_at + ? WHERE state = 'open' RETURNING id");
        let moved = self.all("move the ends of questions", query.bind(span(by))).await?;
        moved.iter().map(|row| Ok(ApprovalId(get(row, "id")?))).collect()
    }

    async fn move_runs(&mut self, by: TimeDelta) -> Result<Vec<LogPosition>, StoreError> {
        let query = sqlx::query(
            "UPDATE run SET wake_at = wake_at + ?1, lease_until = lease_until + ?1, length = length + 1
             WHERE outcome IS NULL RETURNING id, epoch, length",
        );
        let moved = self.all("move the timers of runs", query.bind(span(by))).await?;
        let position = |row| {
            Ok(LogPosition { run: RunId(get(row, "id")?), epoch: get(row, "epoch")?, length: get(row, "length")? })
        };
        moved.iter().map(position).collect()
    }

    async fn move_history(&mut self, since: DateTime<Utc>, by: TimeDelta) -> Result<(), StoreError> {
        let query = sqlx::query(
            "UPDATE run SET created_moved = created_moved + ?1,
                 ended_moved = CASE WHEN ended_at IS NULL THEN 0 ELSE ended_moved + ?1 END
             WHERE created_at >= ?2",
        );
        self.execute("move what limits count", query.bind(span(by)).bind(micros(since))).await?;
        for sql in [
            "UPDATE mutation SET at = at + ?1 WHERE at >= ?2",
            "UPDATE mitigation SET at = at + ?1, ended_at = ended_at + ?1, stops_until = stops_until + ?1
             WHERE at >= ?2",
            "UPDATE breaker SET opened_at = opened_at + ?1, closed_at = closed_at + ?1 WHERE opened_at >= ?2",
        ] {
            let query = sqlx::query(sql).bind(span(by)).bind(micros(since));
            self.execute("move what limits count", query).await?;
        }
        let query = sqlx::query("UPDATE page SET counted_at = counted_at + ?1 WHERE created_at >= ?2");
        self.execute("move what budgets count", query.bind(span(by)).bind(micros(since))).await?;
        Ok(())
    }
}

/// In microseconds.
fn span(by: TimeDelta) -> i64 {
    by.num_microseconds().unwrap_or(if by < TimeDelta::zero() { i64::MIN / 4 } else { i64::MAX / 4 })
}
