//! To which sinks a page goes.

use std::collections::BTreeSet;

use super::Tx;
use crate::model::{Concern, Incident, PageCall, PageId};
use crate::store::rules::Outgoing;
use crate::store::{IncidentEvent, PageOrder, StoreError};

/// Whom a new page calls.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Named<'a> {
    /// By name; empty: whoever is on call.
    pub people: &'a [String],
    /// As [`NextCall::by_name`](crate::store::NextCall::by_name).
    pub by_name: bool,
    /// A person asks for them.
    pub asked: bool,
}

impl Tx<'_> {
    /// Sends a page that is new: to where those whom it calls want to be called, else to the first
    /// entry of the order. What is decided here holds for this page, whoever is on call when it is
    /// sent: where nobody can be reached so, the usual order follows.
    pub(super) async fn send_new_page(
        &mut self,
        id: PageId,
        incident: &Incident,
        team: &str,
    ) -> Result<(), StoreError> {
        let sinks = self.decide_way(id, incident, team, &Named::default()).await?;
        self.send_page(id, sinks).await
    }

    /// Decides about where those whom it calls want to be called, and keeps that. Gives the sinks
    /// that are told first.
    pub(super) async fn decide_way(
        &mut self,
        id: PageId,
        incident: &Incident,
        team: &str,
        named: &Named<'_>,
    ) -> Result<BTreeSet<String>, StoreError> {
        let usual: BTreeSet<String> = self.sinks.pages.first().iter().cloned().collect();
        let Some(known) = self.sinks.contacts.clone() else { return Ok(usual) };
        let about = match known.asks_what_it_is_about() {
            true => Concern::of(incident, self.tables.alert_names(incident.id).await?),
            false => Concern::default(),
        };
        let call =
            PageCall { incident, team, people: named.people, by_name: named.by_name, about: &about, at: self.now };
        let contacts = known.contacts(&call, &self.sinks.there);
        let is_usual = contacts.each.iter().all(BTreeSet::is_empty);
        let own = |own: BTreeSet<String>| if own.is_empty() { usual.clone() } else { own };
        let each: Vec<BTreeSet<String>> = contacts.each.into_iter().map(own).collect();
        let mut wanted = if is_usual { usual } else { each.iter().flatten().cloned().collect() };
        if !is_usual {
            self.tables.save_contacts(id, &each).await?;
            let names: Vec<String> = wanted.iter().cloned().collect();
            let text = format!("{id} goes to {}, as the contacts of who is called say", names.join(" and "));
            self.note(incident.id, &IncidentEvent::Remark { text }).await?;
        }
        // A receiver that escalates calls whom its own policy names, and no other.
        if contacts.by_name || named.asked {
            let is_known = |sinks: &BTreeSet<String>| sinks.iter().any(|sink| self.sinks.knows_names(sink));
            let escalates = wanted.iter().any(|sink| self.sinks.escalate.contains(sink));
            if escalates && !(is_known(&wanted) && each.iter().all(is_known)) {
                wanted.extend(self.sinks.calls_by_name.clone());
            }
            if wanted.iter().any(|sink| self.sinks.knows_names(sink)) && contacts.by_name {
                self.tables.save_by_name(id).await?;
            }
        }
        Ok(wanted)
    }

    /// The order of a page that is there.
    pub(super) async fn order_of(&mut self, page: PageId) -> Result<PageOrder, StoreError> {
        let contacts = self.tables.contacts_of(page).await?;
        Ok(self.sinks.order_for(&contacts))
    }

    /// All who know of a page, or are the first to: also those whom another one that failed has
    /// passed it on to.
    pub(super) async fn receivers_of(&mut self, page: PageId) -> Result<BTreeSet<String>, StoreError> {
        let mut sinks: BTreeSet<String> = self.order_of(page).await?.first().iter().cloned().collect();
        sinks.extend(self.tables.sinks_of_page(page).await?);
        Ok(sinks)
    }

    pub(super) async fn send_page(&mut self, page: PageId, sinks: BTreeSet<String>) -> Result<(), StoreError> {
        for sink in sinks {
            self.tables.put(&sink, &Outgoing::page(page), self.now).await?;
        }
        Ok(())
    }
}
