//! Putting a signal off that may be an echo of what is over.

use super::apply::Applier;
use super::effects::note;
use super::failed;
use super::rows::{json, micros};
use super::signals::lane_number;
use crate::model::Signal;
use crate::store::{IncidentEvent, IncidentRef, StoreError};

impl Applier<'_> {
    /// Lets a signal in that is worked on at its time, once.
    pub(super) async fn hold(
        &mut self,
        signal: &Signal,
        until: i64,
        notes: Vec<(IncidentRef, IncidentEvent)>,
    ) -> Result<(), StoreError> {
        let held = sqlx::query(
            "INSERT INTO signal (source, key, received_at, body, last_at, not_before, lane)
             VALUES (?1, ?2, ?3, ?4, ?3, ?5, ?6)
             ON CONFLICT DO NOTHING",
        )
        .bind(&signal.source)
        .bind(&signal.key)
        .bind(micros(signal.received_at))
        .bind(json(&signal.body)?)
        .bind(until)
        .bind(lane_number(signal.lane()))
        .execute(&mut *self.connection)
        .await
        .map_err(failed("put off a signal"))?;
        if held.rows_affected() > 0 {
            for (incident, event) in notes {
                let incident = self.touch(incident)?;
                note(self.connection, self.now, incident, &event).await?;
            }
        }
        Ok(())
    }
}
