//! Freezes: what they hold up, and what was started before.

use std::collections::BTreeMap;

use super::{Tx, UnderWayRow, announce};
use crate::model::{Digest, Freeze, FreezeId, FreezeScope, ObjectKey, RunEvent, RunId, SignalId, to_the_minute};
use crate::store::rules::{Left, left};
use crate::store::{Groups, Guard, NewFreeze, StartedOf, StoreError};

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
        namespaces.extend(target.as_ref().map(ObjectKey::place));
        let playbook = playbook.unwrap_or_default();
        Ok(freezes.into_iter().find(|freeze| freeze.scope.covers(&playbook, &namespaces)))
    }

    /// Adds to the reply what runs have begun by now, and still do: in the transaction that holds
    /// them up, so that nothing else begins.
    pub(super) async fn tell_started(
        &mut self,
        signal: SignalId,
        of: &StartedOf,
        groups: &BTreeMap<Digest, Groups>,
    ) -> Result<(), StoreError> {
        let mut incident = None;
        if let StartedOf::Incident(id) = of {
            incident = Some(self.incident(*id).await?.root());
        }
        for row in self.tables.under_way().await? {
            let records = match of {
                StartedOf::Incident(_) if Some(row.incident) != incident => continue,
                _ => self.tables.mutation_records(row.run).await?,
            };
            if let StartedOf::Frozen(scope) = of
                && !is_covered(scope, &row, &records)
            {
                continue;
            }
            for line in told(row.run, &left(&records, groups.get(&row.digest))) {
                self.tables.add_to_reply(signal, &line).await?;
            }
        }
        Ok(())
    }

    /// Keeps a freeze, and tells of it.
    pub(super) async fn keep_freeze(&mut self, id: FreezeId, freeze: &NewFreeze) -> Result<(), StoreError> {
        self.tables.insert_freeze(id, freeze, self.now).await?;
        self.tables.wake_who_asks(self.now).await?;
        let NewFreeze { scope, reason, by, via, until } = freeze;
        let until = until.map_or_else(|| "somebody ends it".to_owned(), to_the_minute);
        let text = format!("{id} freezes {scope} until {until}: {reason} ({by}, by {via}); /unfreeze {id} ends it");
        announce(self, text, false).await
    }

    /// Ends a freeze, and tells of it.
    pub(super) async fn lift_freeze(&mut self, id: FreezeId, by: &str) -> Result<(), StoreError> {
        if !self.tables.end_freeze(id, self.now, by).await? {
            return Ok(());
        }
        let scope =
            self.tables.freeze_row(id).await?.map_or_else(|| "it".to_owned(), |freeze| freeze.scope.to_string());
        let left = self.still_frozen().await?;
        announce(self, format!("{id} was ended by {by}: runs may change what it covered ({scope}) again{left}"), false)
            .await
    }

    /// Tells of those that have come to their end.
    pub(in crate::store) async fn tell_freezes_over(&mut self) -> Result<(), StoreError> {
        for freeze in self.tables.freezes_over(self.now).await? {
            self.tables.save_freeze_told(freeze.id, self.now).await?;
            let (id, scope, by) = (freeze.id, &freeze.scope, &freeze.by);
            let left = self.still_frozen().await?;
            let text = format!("{id} of {by} is over: runs may change what it covered ({scope}) again{left}");
            announce(self, text, false).await?;
        }
        Ok(())
    }

    async fn still_frozen(&mut self) -> Result<String, StoreError> {
        let left = self.tables.freezes_at(self.now).await?;
        let left: Vec<String> = left.iter().map(|freeze| format!("{} freezes {}", freeze.id, freeze.scope)).collect();
        Ok(if left.is_empty() { String::new() } else { format!("; but {}", left.join(", ")) })
    }
}

/// Whether a freeze holds up the run, or would have held up what it has begun.
fn is_covered(scope: &FreezeScope, row: &UnderWayRow, records: &[RunEvent]) -> bool {
    let objects = records.iter().filter_map(|record| match record {
        RunEvent::Started { intent, .. } => Some(intent.object.place()),
        _ => None,
    });
    let target = row.target.as_ref().map(ObjectKey::place);
    let namespaces: Vec<&str> = target.into_iter().chain(objects).collect();
    // Of one whose target cannot be read, nobody knows.
    row.target.is_none() || scope.covers(&row.playbook, &namespaces)
}

/// A line for each thing that it has begun.
fn told(run: RunId, left: &Left) -> Vec<String> {
    let started = left.started.iter().map(|what| format!("started before, and not stopped: {run}: {what}"));
    let given_up =
        left.given_up.iter().map(|what| format!("given up before, and may have come through: {run}: {what}"));
    let steps: Vec<String> = left.group.iter().map(ToString::to_string).collect();
    let group = (!steps.is_empty())
        .then(|| format!("{run} finishes the group of steps that it has begun: {} is left", steps.join(", ")));
    let unreadable =
        left.is_unreadable.then(|| format!("the log of {run} cannot be read: it may have begun more than stands here"));
    started.chain(given_up).chain(group).chain(unreadable).collect()
}
