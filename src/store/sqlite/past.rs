//! What was done about a target before.

use chrono::{DateTime, Utc};
use sqlx::SqlitePool;

use super::failed;
use super::rows::{self, get, micros};
use super::tables::MUTATION_RECORDS;
use crate::model::{PastRun, RunEvent};
use crate::store::StoreError;

pub(super) const ABOUT: &str = "SELECT * FROM run WHERE target_key = ? AND created_at + created_moved >= ?
     ORDER BY created_at + created_moved DESC, id DESC LIMIT ?";

pub(super) async fn runs_about(
    reads: &SqlitePool,
    target_key: &str,
    since: DateTime<Utc>,
    limit: usize,
) -> Result<Vec<PastRun>, StoreError> {
    let query = sqlx::query(ABOUT).bind(target_key).bind(micros(since)).bind(i64::try_from(limit).unwrap_or(i64::MAX));
    let found = query.fetch_all(reads).await.map_err(failed("read what was done about a target"))?;
    let mut past = Vec::new();
    for run in rows::readable(&found, rows::run_to_look_at) {
        let records = sqlx::query(MUTATION_RECORDS).bind(run.id.0).fetch_all(reads);
        let records = records.await.map_err(failed("read what a run changed"))?;
        // What cannot be read is no change that anybody could tell of.
        let events = records.iter().filter_map(|row| serde_json::from_str(get::<&str>(row, "event").ok()?).ok());
        let changed = events.filter_map(|event: RunEvent| match event {
            RunEvent::Done { summary, .. } => Some(summary),
            _ => None,
        });
        past.push(PastRun {
            changed: changed.collect(),
            run: run.id,
            playbook: run.playbook.name,
            began: run.created_at,
            ended: run.ended_at,
            outcome: run.outcome,
            because: run.because,
            requested_by: run.requested_by,
        });
    }
    Ok(past)
}
