//! By which words alerts are sorted into lanes.

use super::words::have_changed;
use super::{SqliteStore, failed};
use crate::model::{Digest, Lane};
use crate::store::StoreError;
use crate::store::sqlite::rows::lane_number;

impl SqliteStore {
    /// Says by which words for severity alerts are sorted from now on. What is about one alert is
    /// decided in its order, which holds within a lane: when the words have changed since the last
    /// process, the alerts that wait all go into the first of their lanes, where nothing that comes
    /// now overtakes them.
    ///
    /// Before anything is let in. May be repeated.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) async fn move_lanes(&self, words: &Digest) -> Result<(), StoreError> {
        let words = words.as_str().to_owned();
        self.write("say how alerts are sorted", move |connection| {
            Box::pin(async move {
                let what = "say how alerts are sorted";
                let keep = "INSERT INTO lanes_by (only_one, words) VALUES (1, ?1)
                    ON CONFLICT (only_one) DO UPDATE SET words = ?1 WHERE words <> ?1";
                if have_changed(connection, what, keep, words).await? {
                    sqlx::query("UPDATE signal SET lane = ?1 WHERE processed_at IS NULL AND lane = ?2")
                        .bind(lane_number(Lane::Urgent))
                        .bind(lane_number(Lane::Usual))
                        .execute(&mut *connection)
                        .await
                        .map_err(failed(what))?;
                }
                Ok(())
            })
        })
        .await
    }
}
