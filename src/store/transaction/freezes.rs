//! Freezes: what they hold up, and what was started before.

use super::{StartedRow, Tx};
use crate::model::{Freeze, RunId, SignalId};
use crate::store::{Guard, StartedOf, StoreError};

impl Tx<'_> {
    /// The freeze that covers what a run is about to start. It is asked in the transaction that writes
    /// `started`: after the yes to a freeze nothing is started that it covers.
    pub(super) async fn freeze_over(&mut self, run: RunId, guard: &Guard) -> Result<Option<Freeze>, StoreError> {
        if guard.finishes_group {
            return Ok(None);
        }
        let freezes = self.tables.freezes_at(self.now).await?;
        if freezes.is_empty() {
            return Ok(None);
        }
        let (playbook, target) = self.tables.run_subject(run).await?.unzip();
        let mut namespaces: Vec<&str> = guard.namespaces.iter().map(String::as_str).collect();
        namespaces.extend(target.as_ref().map(|target| target.namespace.as_str()));
        let playbook = playbook.unwrap_or_default();
        Ok(freezes.into_iter().find(|freeze| freeze.scope.covers(&playbook, &namespaces)))
    }

    /// Adds to the reply what was started, and may take effect still.
    pub(super) async fn tell_started(&mut self, signal: SignalId, of: &StartedOf) -> Result<(), StoreError> {
        let mut incident = None;
        if let StartedOf::Incident(id) = of {
            incident = Some(self.incident(*id).await?.root());
        }
        let is_meant = |row: &StartedRow| match of {
            StartedOf::Incident(_) => Some(row.incident) == incident,
            StartedOf::Frozen(scope) => {
                let target = row.target.as_ref().map(|target| target.namespace.as_str());
                let object = row.intent.as_ref().map(|intent| intent.object.namespace.as_str());
                scope.covers(&row.playbook, &target.into_iter().chain(object).collect::<Vec<_>>())
            }
        };
        let started = self.tables.started_mutations().await?;
        for StartedRow { run, intent, .. } in started.into_iter().filter(is_meant) {
            let what = intent.map_or_else(|| "what exactly cannot be read".to_owned(), |intent| intent.summary);
            self.tables.add_to_reply(signal, &format!("started before, and not stopped: {run}: {what}")).await?;
        }
        Ok(())
    }
}
