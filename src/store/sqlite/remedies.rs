//! What runs have changed, by what was done for which object.

use chrono::{DateTime, Utc};
use sqlx::SqlitePool;
use sqlx::sqlite::SqliteRow;

use super::failed;
use super::rows::{from_word, get, get_time, get_time_or, micros};
use crate::model::{Outcome, Remedy, RunEvent, RunId};
use crate::store::{EarlierRemedy, RunEnd, StoreError, identity};

pub(super) const EARLIER: &str = "SELECT r.run_id, e.at, e.event, run.outcome, run.because,
         run.ended_at + run.ended_moved AS ended_at
     FROM remedy r INDEXED BY remedy_object
     CROSS JOIN run ON run.id = r.run_id
     CROSS JOIN run_event e ON e.run_id = r.run_id AND e.seq = r.seq
     WHERE r.object = ? AND r.action = ? AND NOT r.failed AND r.run_id <> ?
         AND (run.ended_at IS NULL OR run.ended_at + run.ended_moved >= ?)
     ORDER BY r.run_id DESC, r.seq DESC LIMIT 20";

pub(super) async fn earlier(
    reads: &SqlitePool,
    remedy: &Remedy,
    not: RunId,
    since: DateTime<Utc>,
) -> Result<Vec<EarlierRemedy>, StoreError> {
    let found = sqlx::query(EARLIER)
        .bind(identity(&remedy.object.key()).into_owned())
        .bind(remedy.action.clone())
        .bind(not.0)
        .bind(micros(since))
        .fetch_all(reads)
        .await
        .map_err(failed("read what was changed lately"))?;
    found.iter().map(earlier_remedy).collect()
}

/// What cannot be read of it is left out: it counts as done all the same.
fn earlier_remedy(row: &SqliteRow) -> Result<EarlierRemedy, StoreError> {
    let intent = match serde_json::from_str(get(row, "event")?) {
        Ok(RunEvent::Started { intent, .. }) => Some(intent),
        Ok(_) | Err(_) => None,
    };
    let end = get_time_or(row, "ended_at")?.map(|at| -> Result<RunEnd, StoreError> {
        let outcome = get::<Option<&str>>(row, "outcome")?.unwrap_or_default();
        Ok(RunEnd {
            outcome: from_word::<Outcome>("the outcome of a run", outcome).ok(),
            because: get::<Option<String>>(row, "because")?.unwrap_or_default(),
            at,
        })
    });
    Ok(EarlierRemedy { run: RunId(get(row, "run_id")?), at: get_time(row, "at")?, intent, end: end.transpose()? })
}
