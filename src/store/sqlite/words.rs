//! The words by which a process understood what came: another one may understand it by others.

use sqlx::SqliteConnection;

use super::failed;
use crate::store::StoreError;

/// Keeps the words of one table in place of those that stand there; whether those were others.
/// `keep`: an upsert of the first parameter, which changes nothing where it is the same.
pub(super) async fn have_changed(
    connection: &mut SqliteConnection,
    what: &'static str,
    keep: &'static str,
    words: String,
) -> Result<bool, StoreError> {
    let kept = sqlx::query(keep).bind(words).execute(&mut *connection).await.map_err(failed(what))?;
    Ok(kept.rows_affected() > 0)
}
