//! Taking a signal out of the queue that cannot be worked on.

use sqlx::SqliteConnection;

use super::apply::apply;
use super::rows::get;
use super::{Sinks, failed};
use crate::model::SignalId;
use crate::store::{Applied, Decision, StoreError, masked_body};

/// Carries `decision` out within the open transaction, and keeps what the signal said, masked, and
/// why nothing else came of it.
pub(super) async fn set_aside(
    connection: &mut SqliteConnection,
    now: i64,
    sinks: &Sinks,
    signal: SignalId,
    because: String,
    decision: Decision,
) -> Result<Applied, StoreError> {
    // As it lies there: it may be what cannot be read.
    let body = sqlx::query("SELECT CAST(body AS BLOB) AS body FROM signal WHERE id = ?")
        .bind(signal.0)
        .fetch_optional(&mut *connection)
        .await
        .map_err(failed("read a signal's body"))?;
    let body: Vec<u8> = body.map(|row| get(&row, "body")).transpose()?.unwrap_or_default();
    let body = masked_body(&body);
    let applied = apply(connection, now, sinks, signal, decision).await?;
    let aside = sqlx::query(
        "UPDATE signal SET body = CAST(?1 AS TEXT), set_aside = ?2 WHERE id = ?3 AND processed_at IS NOT NULL",
    )
    .bind(&body)
    .bind(&because)
    .bind(signal.0)
    .execute(&mut *connection)
    .await
    .map_err(failed("set a signal aside"))?;
    if aside.rows_affected() == 0 {
        // Only a piece of it: the rest goes on, and the piece is kept as a signal of its own.
        sqlx::query(
            "INSERT INTO signal (source, key, received_at, body, last_at, lane, processed_at, set_aside)
             SELECT source, key || ' piece ' || (SELECT MAX(id) FROM signal), received_at, CAST(?1 AS TEXT), last_at, lane, ?4, ?2
             FROM signal WHERE id = ?3",
        )
        .bind(body)
        .bind(because)
        .bind(signal.0)
        .bind(now)
        .execute(connection)
        .await
        .map_err(failed("set a piece of a signal aside"))?;
    }
    Ok(applied)
}
