//! Calling the next one while nobody acknowledges, and again where nobody touches what somebody
//! has.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::Tx;
use super::way::Named;
use crate::model::{Incident, IncidentId, IncidentState, PageId, Severity};
use crate::store::{
    Before, Escalated, Escalation, EscalationWhy, IncidentEvent, NewPage, NextCall, PageReason, StoreError,
};

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
        self.waits_for_answer(incident.id, page, Some(0), self.after(within)).await
    }

    /// `due_at`: `None` where nobody is called again for what is no worse.
    async fn waits_for_answer(
        &mut self,
        incident: IncidentId,
        page: PageId,
        step: Option<u32>,
        due_at: Option<DateTime<Utc>>,
    ) -> Result<(), StoreError> {
        if due_at.is_none() {
            return self.tables.drop_escalation(incident).await;
        }
        let (page, why) = (Some(page), EscalationWhy::Unanswered);
        self.tables.save_escalation(&Escalation { incident, page, step, why, due_at, held: false, before: None }).await
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
        let is_quiet = incident.episodes > 0 && incident.open_episodes == 0;
        let is_touched = by_a_person && incident.owner.is_some() && incident.state != IncidentState::Open;
        if !(is_quiet || is_touched) {
            return Ok(());
        }
        let known = self.tables.escalation(incident.id).await?;
        if is_quiet && known.as_ref().is_some_and(|known| known.due_at.is_none()) {
            // What comes back is called for anew.
            self.tables.drop_escalation(incident.id).await?;
        }
        if !is_touched || known.as_ref().is_some_and(|known| known.why.is_asked_for()) {
            return Ok(());
        }
        let page = known.as_ref().and_then(|known| known.page);
        if let Some(page) = page.filter(|_| known.is_some_and(|known| known.why == EscalationWhy::Unanswered))
            && self.tables.waits_for_answer(page).await?
        {
            return Ok(());
        }
        let within = self.sinks.ack_times.of(&incident.team).touch.get(&incident.severity).copied();
        let due_at = self.after(within.filter(|_| incident.severity.pages()));
        if due_at.is_none() {
            return self.tables.drop_escalation(incident.id).await;
        }
        let (incident, why) = (incident.id, EscalationWhy::Untouched);
        let untouched = Escalation { incident, page, step: None, why, due_at, held: false, before: None };
        self.tables.save_escalation(&untouched).await
    }

    /// An incident has become part of another one: nobody is called for it any more, and for the
    /// whole unless somebody has that. `before`: how bad the whole was; whoever took it has not
    /// taken what is worse. `pages`: those of the part that wait.
    pub(super) async fn merge_escalation(
        &mut self,
        part: &Incident,
        whole: &mut Incident,
        before: Severity,
        pages: &[PageId],
    ) -> Result<(), StoreError> {
        let of_part = self.tables.escalation(part.id).await?;
        self.tables.drop_escalation(part.id).await?;
        let is_taken = whole.state != IncidentState::Open && before <= part.severity;
        if is_taken {
            // Whoever has the whole has the part: nobody is to be called for that any more, here or
            // by a receiver.
            return self.tables.close_pages(pages, self.now, true).await;
        }
        let own = self.tables.escalation(whole.id).await?;
        let waits = |row: &Escalation| row.why == EscalationWhy::Unanswered;
        let merged = match (of_part.filter(waits), own) {
            (Some(of_part), Some(own)) if waits(&own) => {
                // Whoever was to be called first is called first.
                let due_at = [own.due_at, of_part.due_at].into_iter().flatten().min();
                Escalation { due_at, ..own }
            }
            (Some(_), Some(own)) if own.why.is_asked_for() => own,
            (Some(of_part), _) => Escalation { incident: whole.id, ..of_part },
            (None, Some(own)) => own,
            (None, None) => {
                // Whoever had the part has not taken the whole.
                let within = whole.severity.ack_within().filter(|_| whole.severity.pages() && whole.open_episodes > 0);
                let is_new = whole.page_at.is_none() && whole.held_until.is_none();
                whole.page_at = self.after(within.filter(|_| is_new)).or(whole.page_at);
                return Ok(());
            }
        };
        self.tables.save_escalation(&merged).await
    }

    /// Somebody asks for a call: it is made at once, whoever was to be called next.
    pub(super) async fn ask_to_call(&mut self, incident: IncidentId, why: EscalationWhy) -> Result<(), StoreError> {
        let known = self.tables.escalation(incident).await?;
        let (page, step) = known.as_ref().map_or((None, None), |known| (known.page, known.step));
        let page = match page {
            Some(page) => Some(page),
            None => self.tables.last_page(incident).await?,
        };
        let before = known.and_then(|known| match known.before {
            Some(before) => Some(before),
            None if known.why.is_asked_for() => None,
            None => Some(Box::new(Before { why: known.why, due_at: known.due_at })),
        });
        let due_at = Some(self.now);
        self.tables.save_escalation(&Escalation { incident, page, step, why, due_at, held: false, before }).await
    }

    async fn call_next(&mut self, due: &Escalation, mut incident: Incident, call: NextCall) -> Result<(), StoreError> {
        let is_asked = due.why.is_asked_for() || call.reason.is_asked_for();
        let NextCall { team, owner, people, by_name, reason, text, step, within } = call;
        let level = self.tables.next_level(&incident).await?;
        let page = NewPage { level, team, reason, text }.masked();
        if !is_asked && self.holds_back(&mut incident, &page).await? {
            let due_at = incident.held_until.filter(|until| *until > self.now).or(Some(self.now + LOOK_AGAIN));
            self.tables.save_escalation(&Escalation { due_at, held: true, ..due.clone() }).await?;
            return self.tables.save_incident(&incident).await;
        }
        if let Some(owner) = owner {
            incident.team = owner;
        }
        let id = self.tables.insert_page(&incident, &page, self.now).await?;
        incident.page_at = None;
        self.tables.save_called(id, &people).await?;
        // What was folded of it is told in this one.
        self.carries(id, &incident).await?;
        // By the times of those whose policy is followed, whoever is called.
        let usual = self.sinks.ack_times.of(&incident.team).acknowledge.get(&incident.severity).copied();
        self.waits_for_answer(incident.id, id, step, self.after(within.or(usual))).await?;
        let NewPage { team, reason, .. } = page;
        self.note(incident.id, &IncidentEvent::Paged { team: team.clone(), reason, called: people.clone() }).await?;
        let named = Named { people: &people, by_name, asked: is_asked };
        let sinks = self.decide_way(id, &incident, &team, &named).await?;
        self.send_page(id, sinks).await?;
        self.tables.save_incident(&incident).await?;
        self.send_card(incident.id).await
    }
}

/// So long after a window that is said to be over already, it is looked again.
const LOOK_AGAIN: TimeDelta = TimeDelta::minutes(1);

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
    let pages = |tx: &Tx<'_>, reason: &PageReason| {
        let hours = tx.sinks.page_for.pages(&incident.team, incident.severity, tx.now);
        is_asked || reason.is_asked_for() || hours
    };
    match comes_to {
        Escalated::Waits { until } => {
            tx.tables.save_escalation(&Escalation { due_at: Some(until), ..due.clone() }).await?
        }
        Escalated::Ends => tx.tables.drop_escalation(due.incident).await?,
        Escalated::IsAtItsEnd => {
            tx.tables.save_escalation(&Escalation { due_at: None, ..due.clone() }).await?;
            let (team, steps) = (&incident.team, due.next_step());
            let text =
                format!("nobody else is called: the escalation of team {team} is at its end, after {steps} steps");
            tx.note(due.incident, &IncidentEvent::Remark { text }).await?;
            tx.send_card(due.incident).await?;
        }
        Escalated::Declined { because } => {
            match &due.before {
                Some(before) => {
                    let Before { why, due_at } = (**before).clone();
                    let as_before = Escalation { why, due_at, before: None, ..due.clone() };
                    tx.tables.save_escalation(&as_before).await?;
                }
                None => {
                    tx.tables.drop_escalation(due.incident).await?;
                    tx.settle_escalation(&incident, true).await?;
                }
            }
            tx.note(due.incident, &IncidentEvent::Remark { text: because }).await?;
            tx.send_card(due.incident).await?;
        }
        Escalated::Calls(call) if !pages(tx, &call.reason) => {
            tx.tables.drop_escalation(due.incident).await?;
            let text = format!("nobody else is called: {} pages team {} no more now", incident.severity, incident.team);
            tx.note(due.incident, &IncidentEvent::Remark { text }).await?;
        }
        Escalated::Calls(call) => tx.call_next(due, incident, *call).await?,
    }
    Ok(true)
}
