//! What runs have changed, by what was done for which object.

use chrono::{DateTime, Utc};
use sqlx::SqlitePool;
use sqlx::sqlite::SqliteRow;

use super::failed;
use super::rows::{from_json, from_word, get, get_time, get_time_or, micros};
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

fn earlier_remedy(row: &SqliteRow) -> Result<EarlierRemedy, StoreError> {
    const WHAT: &str = "a change on a run's log";
    let run = RunId(get(row, "run_id")?);
    let RunEvent::Started { intent, .. } = from_json(WHAT, get(row, "event")?)? else {
        let message = format!("{run} has another record where its change should stand");
        return Err(StoreError::Unreadable { what: WHAT, message });
    };
    let end = match (get::<Option<&str>>(row, "outcome")?, get_time_or(row, "ended_at")?) {
        (Some(outcome), Some(at)) => Some(RunEnd {
            outcome: from_word::<Outcome>("the outcome of a run", outcome)?,
            because: get::<Option<String>>(row, "because")?.unwrap_or_default(),
            at,
        }),
        _ => None,
    };
    Ok(EarlierRemedy { run, at: get_time(row, "at")?, intent, end })
}
