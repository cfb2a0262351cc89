//! Calling the next one while nobody acknowledges, and again where nobody touches what somebody
//! has.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::Tx;
use crate::model::{Incident, IncidentId, IncidentState, PageId};
use crate::store::{Escalated, Escalation, EscalationWhy, IncidentEvent, NewPage, NextCall, PageReason, StoreError};

impl Tx<'_> {
    fn after(&self, within: Option<Duration>) -> Option<DateTime<Utc>> {
        self.now.checked_add_signed(TimeDelta::from_std(within?).ok()?)
    }

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
        let Some(due_at) = self.after(within) else { return self.tables.drop_escalation(incident.id).await };
        let (incident, page, why, due_at) = (incident.id, Some(page), EscalationWhy::Unanswered, Some(due_at));
        self.tables.save_escalation(&Escalation { incident, page, step: 0, why, due_at }).await
    }

    /// There is a reason to page where a page waits for somebody already. Where nobody is to be
    /// called next, as a window had held it back, somebody is from now on: at once, if the window's
    /// end is that reason.
    pub(super) async fn resume_escalation(
        &mut self,
        incident: &Incident,
        page: PageId,
        reason: &PageReason,
    ) -> Result<(), StoreError> {
        let waits = self.tables.waits_for_answer(page).await?;
        if !waits || self.tables.escalation(incident.id).await?.is_some() {
            return Ok(());
        }
        self.begin_escalation(incident, page, &incident.team).await?;
        let begun = self.tables.escalation(incident.id).await?;
        match begun.filter(|_| matches!(reason, PageReason::WindowEnded { .. })) {
            Some(begun) => self.tables.save_escalation(&Escalation { due_at: Some(self.now), ..begun }).await,
            None => Ok(()),
        }
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
        let Some(due_at) = self.after(within) else { return self.tables.drop_escalation(incident.id).await };
        let (incident, why, due_at) = (incident.id, EscalationWhy::Untouched, Some(due_at));
        self.tables.save_escalation(&Escalation { incident, page, step: 0, why, due_at }).await
    }

    /// An incident has become part of another one: nobody is called for it any more, and for the
    /// whole unless somebody has that.
    pub(super) async fn merge_escalation(&mut self, part: &Incident, whole: &Incident) -> Result<(), StoreError> {
        let Some(of_part) = self.tables.escalation(part.id).await? else { return Ok(()) };
        self.tables.drop_escalation(part.id).await?;
        if whole.state != IncidentState::Open || of_part.why != EscalationWhy::Unanswered {
            return Ok(());
        }
        // Whoever was to be called first is called first.
        let merged = match self.tables.escalation(whole.id).await? {
            Some(own) if own.why == EscalationWhy::Unanswered => {
                let due_at = [own.due_at, of_part.due_at].into_iter().flatten().min();
                Escalation { due_at, ..own }
            }
            Some(_) => return Ok(()),
            None => Escalation { incident: whole.id, ..of_part },
        };
        self.tables.save_escalation(&merged).await
    }

    /// Somebody asks for a call: it is made at once, whoever was to be called next.
    pub(super) async fn ask_to_call(&mut self, incident: IncidentId, why: EscalationWhy) -> Result<(), StoreError> {
        let known = self.tables.escalation(incident).await?;
        let (page, step) = known.map_or((None, 0), |known| (known.page, known.step));
        let page = match page {
            Some(page) => Some(page),
            None => self.tables.last_page(incident).await?,
        };
        self.tables.save_escalation(&Escalation { incident, page, step, why, due_at: Some(self.now) }).await
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
            let due_at = self.after(within).or(begun.due_at);
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
        Escalated::Waits { until } => {
            tx.tables.save_escalation(&Escalation { due_at: Some(until), ..due.clone() }).await?
        }
        Escalated::Ends => tx.tables.drop_escalation(due.incident).await?,
        Escalated::IsAtItsEnd => {
            tx.tables.save_escalation(&Escalation { due_at: None, ..due.clone() }).await?;
            let (team, steps) = (&incident.team, due.step.saturating_add(1));
            let text =
                format!("nobody else is called: the escalation of team {team} is at its end, after {steps} steps");
            tx.note(due.incident, &IncidentEvent::Remark { text }).await?;
            tx.send_card(due.incident).await?;
        }
        Escalated::Declined { because } => {
            tx.tables.drop_escalation(due.incident).await?;
            tx.note(due.incident, &IncidentEvent::Remark { text: because }).await?;
            if let Some(page) = due.page {
                tx.resume_escalation(&incident, page, &PageReason::Overdue).await?;
            }
            tx.settle_escalation(&incident, true).await?;
            tx.send_card(due.incident).await?;
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
