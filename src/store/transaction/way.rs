//! To which sinks a page goes.

use std::collections::BTreeSet;

use super::Tx;
use crate::model::{Concern, Incident, PageCall, PageId};
use crate::store::rules::Outgoing;
use crate::store::{IncidentEvent, PageOrder, StoreError};

impl Tx<'_> {
    /// Sends a page that is new: to where those whom it calls want to be called, else to the first
    /// entry of the order. `people`: by name; empty: whoever is on call. What is decided here holds
    /// for this page, whoever is on call when it is sent: where nobody can be reached so, the usual
    /// order follows.
    pub(super) async fn send_new_page(
        &mut self,
        id: PageId,
        incident: &Incident,
        team: &str,
        people: &[String],
    ) -> Result<(), StoreError> {
        let sinks = self.decide_way(id, incident, team, people).await?;
        self.send_page(id, sinks).await
    }

    /// Decides about where those whom it calls want to be called, and keeps that. Gives the sinks
    /// that are told first.
    pub(super) async fn decide_way(
        &mut self,
        id: PageId,
        incident: &Incident,
        team: &str,
        people: &[String],
    ) -> Result<BTreeSet<String>, StoreError> {
        let usual: BTreeSet<String> = self.sinks.pages.first().iter().cloned().collect();
        let Some(known) = self.sinks.contacts.clone() else { return Ok(usual) };
        let about = match known.asks_what_it_is_about() {
            true => Concern::of(incident, self.tables.alert_names(incident.id).await?),
            false => Concern::default(),
        };
        let call = PageCall { incident, team, people, about: &about, at: self.now };
        let contacts = known.contacts(&call, &self.sinks.there);
        if contacts.sinks.is_empty() {
            return Ok(usual);
        }
        let mut wanted = contacts.sinks;
        if contacts.and_usual {
            wanted.extend(usual);
        }
        let names: Vec<String> = wanted.iter().cloned().collect();
        self.tables.save_contacts(id, &names).await?;
        let text = format!("{id} goes to {}, as the contacts of who is called say", names.join(" and "));
        self.note(incident.id, &IncidentEvent::Remark { text }).await?;
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
