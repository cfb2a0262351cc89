//! Incidents that are put together, and taken apart again.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::Tx;
use crate::model::{Grouping, Incident, IncidentId, IncidentState, PageId, RunId};
use crate::store::rules::MadePage;
use crate::store::{InboxItem, IncidentEvent, StoreError};

/// Incidents as they become in a transaction; whoever changes one writes it at its end.
pub(super) type Touched = BTreeMap<IncidentId, Incident>;

impl Tx<'_> {
    /// Puts `from` into `into`. `false`: one of them is part of another one already, or they are
    /// the same, and nothing changes. Where somebody works by hand on one of them, the runs of the
    /// other stop, but for `escalates`, which changes nothing more.
    pub(super) async fn merge(
        &mut self,
        touched: &mut Touched,
        (from, into): (IncidentId, IncidentId),
        by: Option<String>,
        because: String,
        escalates: Option<RunId>,
    ) -> Result<bool, StoreError> {
        self.touch(touched, from).await?;
        self.touch(touched, into).await?;
        let Some(mut part) = touched.remove(&from) else { return Ok(false) };
        let merged = match touched.get_mut(&into) {
            Some(whole) if part.merged.is_none() && whole.merged.is_none() => {
                let stopped = self.stopped_by_takers(part.id, whole.id, escalates).await?;
                self.put_into(&mut part, whole, by, because).await?;
                self.stop_for_takers(into, stopped).await?;
                true
            }
            _ => false,
        };
        touched.insert(from, part);
        Ok(merged)
    }

    /// The runs at work for one of the two that whoever took the other keeps from it, and who that
    /// is.
    async fn stopped_by_takers(
        &mut self,
        part: IncidentId,
        whole: IncidentId,
        escalates: Option<RunId>,
    ) -> Result<Vec<(RunId, String)>, StoreError> {
        let mut stopped = Vec::new();
        for (one, other) in [(part, whole), (whole, part)] {
            let Some(taker) = self.tables.taken_by(one).await? else { continue };
            let runs = self.tables.runs_at_work(other).await?.into_iter();
            let runs = runs.filter(|(run, asked_by)| Some(*run) != escalates && asked_by.as_ref() != Some(&taker));
            stopped.extend(runs.map(|(run, _)| (run, taker.clone())));
        }
        Ok(stopped)
    }

    async fn stop_for_takers(&mut self, whole: IncidentId, stopped: Vec<(RunId, String)>) -> Result<(), StoreError> {
        for (run, taker) in stopped {
            self.send_to_run(run, &InboxItem::Cancel { by: taker.clone() }).await?;
            let text = format!("{run} begins nothing more: {taker} works on the incident by hand (/take)");
            self.note(whole, &IncidentEvent::Remark { text }).await?;
        }
        Ok(())
    }

    async fn put_into(
        &mut self,
        part: &mut Incident,
        whole: &mut Incident,
        by: Option<String>,
        because: String,
    ) -> Result<(), StoreError> {
        let (open, all) = self.tables.move_all(part.id, whole.id).await?;
        let members = self.tables.members(part.id).await?;
        // Those of its own parts, too, which no longer name it as their root a line further on.
        let pages: Vec<PageId> = self.tables.waiting_pages(part.id).await?.iter().map(|page| page.id).collect();
        self.tables.save_merged(&members, Some(whole.id), Some(whole.id)).await?;
        let event = IncidentEvent::Absorbed { incident: part.id, by: by.clone(), because: because.clone() };
        self.note(whole.id, &event).await?;
        self.note(part.id, &IncidentEvent::Merged { into: whole.id, by, because }).await?;
        whole.open_episodes += open;
        whole.episodes += all;
        let before = whole.severity;
        whole.severity = whole.severity.worst(part.severity);
        let is_nobodys = whole.state == IncidentState::Mitigated && part.state == IncidentState::Open && open > 0;
        if whole.is_over() && !part.is_over() || is_nobodys {
            whole.reopen();
            self.note(whole.id, &IncidentEvent::Reopened { because: format!("{} is open", part.id) }).await?;
        }
        if whole.state == IncidentState::Open {
            whole.page_at = [whole.page_at, part.page_at].into_iter().flatten().min();
        }
        whole.joined_at = [whole.joined_at, part.joined_at, Some(part.opened_at)].into_iter().flatten().max();
        self.merge_escalation(part, whole, before, &pages).await?;
        part.merged_into(whole.id, self.now);
        // Its page tells of all of it from now on.
        let level = self.level_to_tell(whole, 1).await?;
        if let Some(made) = self.tables.made_page(whole, level).await?.filter(|made| made.folded_into.is_none()) {
            self.tables.fold_into_own(whole.id, made.id).await?;
        }
        Ok(())
    }

    /// Makes it an incident of its own again, with what was merged with it. `None`: it is part of
    /// none.
    pub(super) async fn split(
        &mut self,
        touched: &mut Touched,
        id: IncidentId,
        by: String,
    ) -> Result<Option<IncidentId>, StoreError> {
        let Some(merged) = self.touch(touched, id).await?.merged else { return Ok(None) };
        let members = self.tables.members(id).await?;
        let (open, all) = self.tables.move_back(&members, id).await?;
        self.tables.save_merged(&members, None, None).await?;
        self.tables.set_apart(id).await?;
        let event = IncidentEvent::Split { from: merged.root, by: by.clone() };
        self.note(id, &event).await?;
        self.note(merged.root, &IncidentEvent::SplitOff { incident: id, by }).await?;
        self.touch(touched, merged.root).await?.loses(open, all);
        let now = self.now;
        // In the spell that ends here.
        let part = self.touch(touched, id).await?;
        let called = self.tables.made_page(part, 1).await?;
        part.splits(open, now);
        self.tickets_apart(touched, merged.root, (id, called)).await?;
        Ok(Some(merged.root))
    }

    /// What was taken apart has a ticket as if it never were one: the part, and the whole that told
    /// of itself in the part's.
    async fn tickets_apart(
        &mut self,
        touched: &mut Touched,
        whole: IncidentId,
        (part, called): (IncidentId, Option<MadePage>),
    ) -> Result<(), StoreError> {
        let part_has_one = !self.tables.tickets_of(part).await?.is_empty();
        let (id, called, because) = if part_has_one {
            let incident = self.touch(touched, whole).await?;
            let called = self.tables.made_page(incident, 1).await?;
            (whole, called, format!("it told of itself in the ticket of {part}"))
        } else {
            (part, called, format!("it was taken out of {whole}"))
        };
        let incident = self.touch(touched, id).await?;
        self.ticket_apart(incident, called, because).await
    }

    /// Moves what fires about one object to another incident.
    pub(super) async fn detach(
        &mut self,
        touched: &mut Touched,
        from: IncidentId,
        into: IncidentId,
        object: &str,
    ) -> Result<(), StoreError> {
        let (open, all) = self.tables.move_object(from, into, object).await?;
        self.tables.set_apart(into).await?;
        self.touch(touched, from).await?.loses(open, all);
        let incident = self.touch(touched, into).await?;
        incident.open_episodes += open;
        incident.episodes += all;
        self.ticket_apart(incident, None, format!("it was taken out of {from}")).await
    }

    /// Others join it by more from now on.
    pub(super) async fn gather(
        &mut self,
        touched: &mut Touched,
        id: IncidentId,
        by: &Grouping,
        gathers: &[Grouping],
        shares: &[Grouping],
    ) -> Result<(), StoreError> {
        self.keep_causes(id, gathers, shares).await?;
        let incident = self.touch(touched, id).await?;
        if incident.grouping == *by {
            return Ok(());
        }
        incident.grouping = by.clone();
        self.tables.save_grouping(id, by).await?;
        self.note(id, &IncidentEvent::Gathered { by: by.clone() }).await
    }

    /// The incident as it is by now in this transaction.
    pub(super) async fn touch<'t>(
        &mut self,
        touched: &'t mut Touched,
        id: IncidentId,
    ) -> Result<&'t mut Incident, StoreError> {
        match touched.entry(id) {
            Entry::Occupied(there) => Ok(there.into_mut()),
            Entry::Vacant(place) => Ok(place.insert(self.incident(id).await?)),
        }
    }
}
