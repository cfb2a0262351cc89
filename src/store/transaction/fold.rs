//! Telling of pages in other ones where their team's budget is spent, and having them go out after
//! all.

use std::collections::BTreeSet;

use super::Tx;
use super::tables::{FoldRow, NewFold, Shape};
use crate::model::{Incident, IncidentId, IncidentState, PageId};
use crate::store::rules::{FOLDED_FOR, SPENT_ON, Unfolding, is_spent, may_fold, shape, unfolding};
use crate::store::{IncidentEvent, NewPage, PageReason, SpentBudget, StoreError};

/// The page in which another one is to be told, and why.
pub(super) struct Folding {
    page: PageId,
    incident: IncidentId,
    spent: SpentBudget,
}

impl Tx<'_> {
    /// In which page a new one is told instead of going out; `None`: it goes out.
    pub(super) async fn folding(&mut self, incident: &Incident, page: &NewPage) -> Result<Option<Folding>, StoreError> {
        let Some(budget) = self.sinks.budgets.of(&page.team).filter(|_| may_fold(incident, page)) else {
            return Ok(None);
        };
        let since = self.now - budget.within;
        let most = SPENT_ON.max(usize::try_from(budget.pages).unwrap_or(usize::MAX));
        let mut on = self.tables.paged_incidents(&page.team, since, incident.id, most).await?;
        if !is_spent(budget, &on) {
            return Ok(None);
        }
        let Some(shape) = self.shape_of(incident).await? else { return Ok(None) };
        let shape = Shape { team: &page.team, shape: &shape };
        let found = self.tables.carrier_of(shape, since, incident.id).await?;
        on.truncate(SPENT_ON);
        on.sort_unstable();
        let spent = SpentBudget::new(budget, on);
        Ok(found.map(|(page, incident)| Folding { page, incident, spent }))
    }

    async fn shape_of(&mut self, incident: &Incident) -> Result<Option<String>, StoreError> {
        let first = self.tables.first_alert(incident.id).await?;
        Ok(first.map(|(source, alert)| shape(incident.playbook.as_deref(), (&source, &alert))))
    }

    /// A page has gone out: others may be told in it, and what was told elsewhere of its incident
    /// is told in it.
    pub(super) async fn carries(&mut self, id: PageId, incident: &Incident) -> Result<(), StoreError> {
        if let Some(shape) = self.shape_of(incident).await? {
            self.tables.save_shape(id, &shape).await?;
        }
        self.tables.fold_into_own(incident.id, id).await
    }

    /// Has a page that was just made be told in another one.
    pub(super) async fn fold(
        &mut self,
        id: PageId,
        incident: &mut Incident,
        page: &NewPage,
        folding: Folding,
    ) -> Result<(), StoreError> {
        let Folding { page: into, incident: carrier, spent } = folding;
        incident.page_at = None;
        let until = self.now + FOLDED_FOR;
        self.tables.save_fold(id, &NewFold { into, until, spent: spent.clone() }, self.now).await?;
        self.tell_of_fold(incident.id, carrier, page.reason.clone(), spent).await?;
        self.note(carrier, &IncidentEvent::Carries { incidents: vec![incident.id] }).await?;
        self.send_card(carrier).await?;
        self.tell_carrier(into).await
    }

    /// A page that is told in another one says more: so does that one.
    pub(super) async fn fold_again(
        &mut self,
        id: PageId,
        incident: &Incident,
        page: &NewPage,
    ) -> Result<(), StoreError> {
        self.tables.update_page(id, page, self.now).await?;
        let Some(row) = self.tables.fold_row(id).await? else { return Ok(()) };
        let carrier = row.carrier.map_or(incident.id, |carrier| carrier.incident);
        self.tell_of_fold(incident.id, carrier, page.reason.clone(), row.spent).await?;
        self.tell_carrier(row.into).await
    }

    async fn tell_of_fold(
        &mut self,
        incident: IncidentId,
        into: IncidentId,
        reason: PageReason,
        spent: SpentBudget,
    ) -> Result<(), StoreError> {
        let until = self.now + FOLDED_FOR;
        self.note(incident, &IncidentEvent::Folded { into, until, reason, spent }).await
    }

    /// Has the receivers of a page told within a minute of what is folded into it.
    pub(super) async fn tell_carrier(&mut self, page: PageId) -> Result<(), StoreError> {
        let (_, told_of) = self.tables.told_of(page).await?;
        self.tell_receivers(page, told_of, true).await.map(|_| ())
    }

    /// What was folded together is told in the page of the first of them that goes out.
    async fn go_together(
        &mut self,
        page: PageId,
        of: IncidentId,
        others: Vec<(PageId, IncidentId)>,
        spent: &SpentBudget,
    ) -> Result<(), StoreError> {
        let until = self.now + FOLDED_FOR;
        let mut carried = BTreeSet::new();
        for (other, incident) in others {
            self.tables.save_fold(other, &NewFold { into: page, until, spent: spent.clone() }, self.now).await?;
            if incident != of && carried.insert(incident) {
                self.note(incident, &IncidentEvent::FoldedAnew { into: of, until }).await?;
                self.send_card(incident).await?;
            }
        }
        if carried.is_empty() {
            return Ok(());
        }
        self.note(of, &IncidentEvent::Carries { incidents: carried.into_iter().collect() }).await
    }

    async fn goes_out(
        &mut self,
        id: PageId,
        row: FoldRow,
        mut incident: Incident,
        because: String,
    ) -> Result<bool, StoreError> {
        let reason = row.reason.unwrap_or(PageReason::Overdue);
        let page = NewPage { level: row.level, team: row.team, reason: reason.clone(), text: row.text };
        let is_held = self.holds_back(&mut incident, &page).await?;
        if is_held {
            // The end of the window pages anew.
            self.tables.forget_fold(id).await?;
        } else {
            let carrier = row.carrier.map(|carrier| carrier.incident);
            let mut others = self.tables.folded_in(row.into).await?;
            // What that incident tells of itself it tells of still.
            others.retain(|(other, of)| *other != id && Some(*of) != carrier);
            let out = self.tables.release_fold(id, self.now).await?;
            self.note(incident.id, &IncidentEvent::Unfolded { because }).await?;
            self.begin_escalation(&incident, out, &page.team).await?;
            self.note(incident.id, &IncidentEvent::Paged { team: page.team.clone(), reason, called: Vec::new() })
                .await?;
            self.go_together(out, incident.id, others, &row.spent).await?;
            self.carries(out, &incident).await?;
            self.send_new_page(out, &incident, &page.team).await?;
            if incident.state == IncidentState::Open {
                incident.page_at = None;
            }
        }
        self.tables.save_incident(&incident).await?;
        self.send_card(incident.id).await?;
        Ok(!is_held)
    }
}

/// Has a folded page go out, if it is due still. Whatever ended the one that told of it, it is
/// found by how things stand: so nothing that ends a page need think of what it carries.
pub(in crate::store) async fn unfold(tx: &mut Tx<'_>, id: PageId) -> Result<bool, StoreError> {
    let Some(row) = tx.tables.fold_row(id).await? else { return Ok(false) };
    let incident = tx.incident(row.incident).await?;
    match unfolding(&incident, row.reason.as_ref(), row.carrier, row.until, tx.now) {
        Unfolding::Stays => Ok(false),
        Unfolding::Ends => tx.tables.close_pages(&[id], tx.now, false).await.map(|()| false),
        Unfolding::GoesOut { because } => tx.goes_out(id, row, incident, because).await,
    }
}
