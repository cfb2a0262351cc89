//! Calling the next one while nobody acknowledges, and again where nobody touches what somebody
//! has.

use chrono::TimeDelta;

use super::Tx;
use crate::model::{Incident, IncidentId, IncidentState, PageId};
use crate::store::{Escalated, Escalation, EscalationWhy, IncidentEvent, NewPage, NextCall, StoreError};

impl Tx<'_> {
    /// Has the next one called if nobody acknowledges a page that has just gone out.
    pub(super) async fn begin_escalation(
        &mut self,
        incident: &Incident,
        page: PageId,
        team: &str,
    ) -> Result<(), StoreError> {
        if self.tables.escalation(incident.id).await?.is_some_and(|known| known.why.is_asked_for()) {
            // Who is asked for is called in a moment, and that begins it.
            return Ok(());
        }
        let times = self.sinks.ack_times.of(team);
        let within = times.acknowledge.get(&incident.severity).map(|within| times.first.unwrap_or(*within));
        let Some(due_at) = within.and_then(|within| self.now.checked_add_signed(TimeDelta::from_std(within).ok()?))
        else {
            return self.tables.drop_escalation(incident.id).await;
        };
        let (incident, page, why) = (incident.id, Some(page), EscalationWhy::Unanswered);
        self.tables.save_escalation(&Escalation { incident, page, step: 0, why, due_at }).await
    }

    /// A page that says more waits for somebody still: where nobody is to be called next, as a
    /// window had held it back, somebody is from now on.
    pub(super) async fn resume_escalation(
        &mut self,
        incident: &Incident,
        page: PageId,
        team: &str,
    ) -> Result<(), StoreError> {
        let waits = self.tables.waits_for_answer(page).await?;
        if !waits || self.tables.escalation(incident.id).await?.is_some() {
            return Ok(());
        }
        self.begin_escalation(incident, page, team).await
    }

    /// What follows for the next call from what the incident has become. `by_a_person`: somebody
    /// has done something about it.
    pub(super) async fn settle_escalation(&mut self, incident: &Incident, by_a_person: bool) -> Result<(), StoreError> {
        if incident.is_over() {
            return self.tables.drop_escalation(incident.id).await;
        }
        if !by_a_person || incident.state != IncidentState::Acknowledged {
            return Ok(());
        }
        let known = self.tables.escalation(incident.id).await?;
        if known.as_ref().is_some_and(|known| known.why.is_asked_for()) {
            return Ok(());
        }
        let page = known.as_ref().and_then(|known| known.page);
        if let Some(page) = page.filter(|_| known.is_some_and(|known| known.why == EscalationWhy::Unanswered))
            && self.tables.waits_for_answer(page).await?
        {
            return Ok(());
        }
        let within = self.sinks.ack_times.of(&incident.team).touch.get(&incident.severity).copied();
        let within = within.filter(|_| incident.open_episodes > 0 && incident.severity.pages());
        let Some(due_at) = within.and_then(|within| self.now.checked_add_signed(TimeDelta::from_std(within).ok()?))
        else {
            return self.tables.drop_escalation(incident.id).await;
        };
        let (incident, why) = (incident.id, EscalationWhy::Untouched);
        self.tables.save_escalation(&Escalation { incident, page, step: 0, why, due_at }).await
    }

    /// An incident has become part of another one: nobody is called for it, and for the whole only
    /// if nobody has that.
    pub(super) async fn merge_escalation(&mut self, part: &Incident, whole: &Incident) -> Result<(), StoreError> {
        let Some(of_part) = self.tables.escalation(part.id).await? else { return Ok(()) };
        self.tables.drop_escalation(part.id).await?;
        let is_open = whole.state == IncidentState::Open && of_part.why == EscalationWhy::Unanswered;
        if !is_open || self.tables.escalation(whole.id).await?.is_some() {
            return Ok(());
        }
        self.tables.save_escalation(&Escalation { incident: whole.id, ..of_part }).await
    }

    /// Somebody asks for a call: it is made at once, whoever was to be called next.
    pub(super) async fn ask_to_call(&mut self, incident: IncidentId, why: EscalationWhy) -> Result<(), StoreError> {
        let known = self.tables.escalation(incident).await?;
        let (page, step) = known.map_or((None, 0), |known| (known.page, known.step));
        let page = match page {
            Some(page) => Some(page),
            None => self.tables.last_page(incident).await?,
        };
        self.tables.save_escalation(&Escalation { incident, page, step, why, due_at: self.now }).await
    }

    async fn call_next(&mut self, mut incident: Incident, call: NextCall, is_asked: bool) -> Result<(), StoreError> {
        let NextCall { team, owner, people, reason, text, step, within } = call;
        let level = self.tables.next_level(&incident).await?;
        let page = NewPage { level, team, reason, text }.masked();
        if !is_asked && self.holds_back(&mut incident, &page).await? {
            // The end of the window pages anew.
            self.tables.drop_escalation(incident.id).await?;
            return self.tables.save_incident(&incident).await;
        }
        if let Some(owner) = owner {
            incident.team = owner;
        }
        let id = self.tables.insert_page(&incident, &page, self.now).await?;
        incident.page_at = None;
        self.tables.save_called(id, &people).await?;
        self.tables.drop_escalation(incident.id).await?;
        // By the times of those whose policy is followed, whoever is called.
        self.begin_escalation(&incident, id, &incident.team.clone()).await?;
        if let Some(begun) = self.tables.escalation(incident.id).await? {
            let own = within.and_then(|within| self.now.checked_add_signed(TimeDelta::from_std(within).ok()?));
            let due_at = own.unwrap_or(begun.due_at);
            self.tables.save_escalation(&Escalation { step, due_at, ..begun }).await?;
        }
        let NewPage { team, reason, .. } = page;
        self.note(incident.id, &IncidentEvent::Paged { team, reason, called: people }).await?;
        self.send_page(id, self.sinks.pages.iter().cloned().collect()).await?;
        self.tables.save_incident(&incident).await?;
        self.send_card(incident.id).await
    }
}

/// Carries out what an escalation that is due comes to.
pub(in crate::store) async fn escalate(
    tx: &mut Tx<'_>,
    due: &Escalation,
    comes_to: Escalated,
) -> Result<bool, StoreError> {
    if tx.tables.escalation(due.incident).await?.as_ref() != Some(due) {
        return Ok(false);
    }
    let Some(incident) = tx.tables.incident_row(due.incident).await? else { return Ok(false) };
    if incident.is_over() || incident.merged.is_some() {
        tx.tables.drop_escalation(due.incident).await?;
        return Ok(true);
    }
    let is_asked = due.why.is_asked_for();
    match comes_to {
        Escalated::Waits { until } => tx.tables.save_escalation(&Escalation { due_at: until, ..due.clone() }).await?,
        Escalated::Ends { because } => {
            tx.tables.drop_escalation(due.incident).await?;
            if let Some(text) = because {
                tx.note(due.incident, &IncidentEvent::Remark { text }).await?;
                tx.send_card(due.incident).await?;
            }
        }
        Escalated::Calls(call) if !is_asked && !tx.sinks.page_for.pages(&call.team, incident.severity, tx.now) => {
            tx.tables.drop_escalation(due.incident).await?;
            let text = format!("nobody else is called: {} pages team {} no more now", incident.severity, call.team);
            tx.note(due.incident, &IncidentEvent::Remark { text }).await?;
        }
        Escalated::Calls(call) => tx.call_next(incident, *call, is_asked).await?,
    }
    Ok(true)
}
