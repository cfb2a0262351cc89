//! Having the receivers of pages told how those stand.

use super::Tx;
use crate::model::IncidentId;
use crate::store::rules::Outgoing;
use crate::store::{StoreError, next_event};

impl Tx<'_> {
    /// Has those who hear of ends told of the incident's pages, and of those of its parts, where
    /// they stand otherwise than was told. What is on its way is looked at again when it has come.
    pub(super) async fn tell_pagers(&mut self, incident: IncidentId) -> Result<(), StoreError> {
        let sinks = self.sinks;
        if sinks.hear_ends.is_empty() {
            return Ok(());
        }
        let Some(mut incident) = self.tables.incident_row(incident).await? else { return Ok(()) };
        if let Some(merged) = incident.merged {
            let Some(whole) = self.tables.incident_row(merged.root).await? else { return Ok(()) };
            incident = whole;
        }
        for told in self.tables.told_pages(incident.id).await? {
            if !sinks.hear_ends.contains(&told.sink) {
                continue;
            }
            let standing = told.stands.in_the(&incident, sinks.escalate.contains(&told.sink));
            let is_known = told.told.is(standing);
            if !is_known && next_event(Some(told.told), standing, told.stands, false, true).is_some() {
                self.tables.put(&told.sink, &Outgoing::page(told.page), self.now).await?;
            }
        }
        Ok(())
    }
}
