//! A run that needs a person: where another one stopped for the same reason, both are one incident.

use super::Tx;
use super::merge::Touched;
use crate::model::{Grouping, Incident, IncidentId, Phase, RunEvent, RunId};
use crate::store::rules::{STOPS_ALIKE_WITHIN, stop_key};
use crate::store::{NewPage, PageReason, StoreError};

impl Tx<'_> {
    /// Looks whether these records have the run escalate, and what it is part of then. Gives back
    /// the incident in which it goes on.
    pub(super) async fn stops(
        &mut self,
        run: RunId,
        of: IncidentId,
        records: &[RunEvent],
    ) -> Result<IncidentId, StoreError> {
        let escalates = records.iter().find_map(|record| match record {
            RunEvent::Entered { phase: Phase::Escalate, because } => Some(because),
            _ => None,
        });
        let Some(because) = escalates else { return Ok(of) };
        let Some((playbook, target)) = self.tables.run_subject(run).await? else { return Ok(of) };
        let incident = self.incident(of).await?;
        let key = stop_key(&incident.team, &playbook, because, &target);
        let since = self.now - STOPS_ALIKE_WITHIN;
        let alike = self.tables.stopped_alike(&key, of, since).await?;
        self.tables.save_stop(run, &key).await?;
        let Some(into) = alike.filter(|_| !incident.is_over() && incident.merged.is_none()) else { return Ok(of) };
        let mut touched = Touched::new();
        let by = Grouping::Stop { playbook, because: because.clone(), team: incident.team };
        if !self.merge(&mut touched, (of, into), None, by.to_string(), Some(run)).await? {
            return Ok(of);
        }
        for (id, incident) in touched {
            self.tables.save_incident(&incident).await?;
            self.send_card(id).await?;
        }
        Ok(into)
    }

    /// Whether there is a page of the incident, and another run of it stopped for the same reason:
    /// one more of them is told as what joins.
    pub(super) async fn is_told(&mut self, incident: &Incident, page: &NewPage) -> Result<bool, StoreError> {
        let PageReason::Escalated { run } = page.reason else { return Ok(false) };
        let made = self.tables.made_page(incident, page.level).await?;
        let is_paged = made.is_some_and(|made| !made.is_ended_fold());
        Ok(is_paged && self.tables.stopped_alike_in(run, incident.id).await?)
    }
}
