//! Making a page, and paging for what nobody has taken care of by its time.

use super::Tx;
use crate::model::{Incident, IncidentId, PageId};
use crate::store::reach::call_text;
use crate::store::rules::{MadePage, Outgoing, Second, TOLD_EVERY, is_worth_telling, second_reason};
use crate::store::{DuePage, IncidentEvent, NewPage, StoreError};

/// What became of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum Paged {
    Made,
    /// Its severity pages nobody: it stands there until somebody acknowledges it, and is told in
    /// chat.
    Called,
    /// It was there, and says more now.
    Updated,
    /// It was there, and has nothing to add.
    Known,
    /// A maintenance window covers all that it is about.
    Held,
    /// Another one tells of it, as its team's budget is spent.
    Folded,
}

impl Tx<'_> {
    /// Makes a page once for its spell, level and severity. `incident` is as it is in this
    /// transaction; the caller writes it. Every page of the bot is made here, so that here is
    /// where [`Severity::pages`](crate::model::Severity::pages) and the team's own hours are asked. One
    /// that was made as a call stays one for as long as the incident is no worse.
    pub(super) async fn page(&mut self, incident: &mut Incident, page: &NewPage) -> Result<Paged, StoreError> {
        if self.holds_back(incident, page).await? {
            return Ok(Paged::Held);
        }
        let (team, reason) = (page.team.clone(), page.reason.clone());
        let Some(made) = self.standing_page(incident, page.level).await? else {
            let folding = self.folding(incident, page).await?;
            let id = self.tables.insert_page(incident, page, self.now).await?;
            incident.page_at = None;
            if !self.sinks.page_for.pages(&team, incident.severity, self.now) {
                self.call(id, incident, page).await?;
                return Ok(Paged::Called);
            }
            if let Some(folding) = folding {
                self.fold(id, incident, page, folding).await?;
                return Ok(Paged::Folded);
            }
            self.carries(id, incident).await?;
            self.tell_hours(incident, &team).await?;
            self.begin_escalation(incident, id, &team).await?;
            self.note(incident.id, &IncidentEvent::Paged { team, reason, called: Vec::new() }).await?;
            self.send_new_page(id, incident, &page.team).await?;
            return Ok(Paged::Made);
        };
        if made.folded_into.is_none() {
            self.resume_escalation(incident, made.id, &reason).await?;
        }
        if second_reason(&made, page) == Second::AddsNothing {
            return Ok(Paged::Known);
        }
        if made.folded_into.is_some() {
            self.fold_again(made.id, incident, page).await?;
            return Ok(Paged::Folded);
        }
        self.tables.update_page(made.id, page, self.now).await?;
        if !incident.severity.pages() && self.tables.sinks_of_page(made.id).await?.is_empty() {
            self.call(made.id, incident, page).await?;
            return Ok(Paged::Updated);
        }
        self.note(incident.id, &IncidentEvent::PageUpdated { team, reason }).await?;
        let receivers = self.receivers_of(made.id).await?;
        self.send_page(made.id, receivers).await?;
        Ok(Paged::Updated)
    }

    /// Tells whoever has the incident's page that more joined it, within a minute. Where there is
    /// no page, because somebody took the incident before one was due, one is made.
    pub(super) async fn tell(
        &mut self,
        incident: &mut Incident,
        at_once: bool,
        page: &NewPage,
    ) -> Result<(), StoreError> {
        let level = self.level_to_tell(incident, page.level).await?;
        let made = self.tables.made_page(incident, level).await?;
        let Some(made) = made.filter(|made| !made.is_ended_fold()) else {
            return if at_once { self.page(incident, page).await.map(|_| ()) } else { Ok(()) };
        };
        if made.folded_into.is_none() {
            self.resume_escalation(incident, made.id, &page.reason).await?;
        }
        let (_, told_of) = self.tables.told_of(made.id).await?;
        let alerts = incident.open_episodes;
        if !is_worth_telling(told_of, alerts, at_once) {
            return Ok(());
        }
        if let Some(carrier) = made.folded_into {
            self.tables.save_told(made.id, self.now, alerts).await?;
            self.note(incident.id, &IncidentEvent::Told { alerts }).await?;
            return self.tell_carrier(carrier).await;
        }
        let any = incident.severity.pages() || !self.tables.sinks_of_page(made.id).await?.is_empty();
        if self.tell_receivers(made.id, alerts, any).await? {
            self.note(incident.id, &IncidentEvent::Told { alerts }).await?;
        }
        Ok(())
    }

    /// Has a page's receivers told again, at most each minute, if it has `any`. `false`: they are
    /// about to be, of all that there is by then.
    pub(super) async fn tell_receivers(&mut self, page: PageId, alerts: u64, any: bool) -> Result<bool, StoreError> {
        let (told_at, _) = self.tables.told_of(page).await?;
        if let Some(due_at) = told_at.filter(|at| self.now < *at && *at <= self.now + TOLD_EVERY) {
            self.tables.save_told(page, due_at, alerts).await?;
            return Ok(false);
        }
        let due_at = told_at.map_or(self.now, |told_at| (told_at + TOLD_EVERY).clamp(self.now, self.now + TOLD_EVERY));
        self.tables.save_told(page, due_at, alerts).await?;
        if !any {
            return Ok(true);
        }
        for sink in self.receivers_of(page).await? {
            self.tables.put(&sink, &Outgoing::page(page), due_at).await?;
        }
        Ok(true)
    }

    /// The incident's page as it is now. What was told in another page, and whose incident somebody
    /// took since, is none: nothing of it went out.
    async fn standing_page(&mut self, incident: &Incident, level: u32) -> Result<Option<MadePage>, StoreError> {
        let level = self.level_to_tell(incident, level).await?;
        let made = self.tables.made_page(incident, level).await?;
        if let Some(ended) = made.as_ref().filter(|made| made.is_ended_fold()) {
            self.tables.forget_fold(ended.id).await?;
            return Ok(None);
        }
        Ok(made)
    }

    /// What more there is to say is said to those who were called last.
    pub(super) async fn level_to_tell(&mut self, incident: &Incident, level: u32) -> Result<u32, StoreError> {
        if level > 1 {
            return Ok(level);
        }
        Ok(self.tables.last_level(incident).await?.max(1))
    }

    /// Says by which hours somebody is paged for what else pages nobody.
    async fn tell_hours(&mut self, incident: &Incident, team: &str) -> Result<(), StoreError> {
        let severity = incident.severity;
        let hours = self.sinks.page_for.hours_of(team, severity, self.now).filter(|_| !severity.pages());
        let Some(hours) = hours else { return Ok(()) };
        let text = format!("{severity} pages team {team} {hours} (its page_for in oncall.yaml)");
        self.note(incident.id, &IncidentEvent::Remark { text }).await
    }

    /// Asks in chat. What a run has to say, its own record tells there.
    async fn call(&mut self, id: PageId, incident: &Incident, page: &NewPage) -> Result<(), StoreError> {
        let (team, reason) = (page.team.clone(), page.reason.clone());
        let text = call_text(&team, incident.severity);
        self.note(incident.id, &IncidentEvent::Called { team, reason }).await?;
        self.ticket(incident, page).await?;
        if page.text.is_some() {
            return Ok(());
        }
        self.send_to_chat(&Outgoing::call(id, incident.id, text)).await
    }
}

/// Pages for an incident whose time has come: once, as that takes the time away. `false`: it has
/// not come, or the incident is in another state by now.
pub(in crate::store) async fn page_now(tx: &mut Tx<'_>, id: IncidentId, due: DuePage) -> Result<bool, StoreError> {
    let Some(mut incident) = tx.tables.incident_row(id).await? else { return Ok(false) };
    if incident.page_at.is_none_or(|at| at > tx.now) || incident.state != due.state {
        return Ok(false);
    }
    incident.page_at = None;
    if let Some(because) = due.reopens {
        incident.reopen();
        tx.note(id, &IncidentEvent::Reopened { because }).await?;
    }
    let paged = tx.page(&mut incident, &due.page).await?;
    tx.tables.save_incident(&incident).await?;
    tx.send_card(id).await?;
    Ok(matches!(paged, Paged::Made | Paged::Called))
}
