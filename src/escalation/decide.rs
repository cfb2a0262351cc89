//! What a call that is due comes to.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use crate::model::{Concern, Incident, IncidentState};
use crate::oncall::{Area, Call, Member, OnCall};
use crate::store::{Escalated, Escalation, EscalationWhy, NextCall, Page, PageReason};

/// So long after a look that could not decide comes the next.
const LOOK_AGAIN: TimeDelta = TimeDelta::minutes(1);

/// A call that is due, and what is known about it.
#[derive(Debug, Clone, Copy)]
pub struct Due<'a> {
    pub escalation: &'a Escalation,
    pub incident: &'a Incident,
    /// What was sent last. `None`: nothing, or it cannot be read.
    pub page: Option<&'a Page>,
    /// All of the incident.
    pub pages: &'a [Page],
    pub oncall: &'a OnCall,
    pub default_team: &'a str,
    /// What it is about: nothing, where nobody is an expert.
    pub about: &'a Concern,
    /// The sinks that call the next by themselves.
    pub escalating: &'a BTreeSet<String>,
    pub now: DateTime<Utc>,
}

/// What it comes to.
pub fn decide(due: &Due<'_>) -> Escalated {
    match &due.escalation.why {
        EscalationWhy::Unanswered => due.unanswered(),
        EscalationWhy::Untouched => due.untouched(),
        EscalationWhy::Asked { by, note } => due.asked(by, note.as_ref()),
        EscalationWhy::Assigned { by, to, note } => due.assigned(by, to, note.as_ref()),
    }
}

impl Due<'_> {
    fn unanswered(&self) -> Escalated {
        if self.is_quiet() {
            // It is looked at again, in case that it comes back.
            return self.waits(self.now + self.within(self.escalation.step).unwrap_or(LOOK_AGAIN).max(LOOK_AGAIN));
        }
        if let Some(page) = self.page {
            if page.acknowledged_at.is_some() {
                return Escalated::Ends;
            }
            if self.is_watched() {
                return self.waits(self.now + self.within(self.escalation.step).unwrap_or(LOOK_AGAIN).max(LOOK_AGAIN));
            }
            // Whoever has not heard of it had no time to answer, and the next would not hear
            // either.
            let Some(arrived_at) = page.arrived_at else { return self.waits(self.now + LOOK_AGAIN) };
            let within = self.within(self.escalation.step);
            let until = within.and_then(|within| arrived_at.checked_add_signed(within)).filter(|at| *at > self.now);
            // A time that lies further off than it may has been damaged, or written by another
            // clock.
            if let Some(until) = until.filter(|until| within.is_some_and(|within| *until <= self.now + within)) {
                return self.waits(until);
            }
        }
        match self.oncall.call(
            &self.incident.team,
            self.default_team,
            self.escalation.next_step(),
            self.about,
            self.now,
        ) {
            Some(call) => self.calls(call, self.reason_again()),
            None => Escalated::IsAtItsEnd,
        }
    }

    /// Whoever has it is called first, then those whom the policy names.
    fn untouched(&self) -> Escalated {
        let Some(owner) = self.incident.owner.as_ref().filter(|_| self.incident.state != IncidentState::Open) else {
            return Escalated::Ends;
        };
        let times = &self.oncall.policy(&self.incident.team).times.touch;
        let within = times.get(&self.incident.severity).and_then(|within| TimeDelta::from_std(*within).ok());
        if self.is_quiet() || self.is_watched() {
            return self.waits(self.now + within.unwrap_or(LOOK_AGAIN).max(LOOK_AGAIN));
        }
        let since = self.incident.acknowledged_at.unwrap_or(self.incident.opened_at);
        let touched = self.escalation.due_at.and_then(|at| at.checked_sub_signed(within?));
        let reason = PageReason::Untouched { by: owner.clone(), since: touched.unwrap_or(since).max(since) };
        if self.oncall.member(owner).is_some() {
            return Escalated::Calls(Box::new(NextCall {
                team: self.incident.team.clone(),
                owner: None,
                people: vec![owner.clone()],
                by_name: true,
                reason,
                text: None,
                step: None,
                within: None,
            }));
        }
        match self.oncall.call(&self.incident.team, self.default_team, 0, self.about, self.now) {
            Some(call) => self.calls(call, reason),
            None => Escalated::IsAtItsEnd,
        }
    }

    /// The next of the policy who is another one than whoever asks, has it, or is called already.
    fn asked(&self, by: &str, note: Option<&String>) -> Escalated {
        if let Some(area) = self.oncall.area_asked_for(note.map(String::as_str)) {
            return self.asked_experts(area, by, note);
        }
        let mut known: BTreeSet<&str> = [Some(by), self.incident.owner.as_deref()].into_iter().flatten().collect();
        let first =
            |page: &Page| self.oncall.first(&page.team, self.default_team, self.about, self.now).unwrap_or_default();
        let first = self.page.map(first).unwrap_or_default();
        match self.page.filter(|page| page.acknowledged_at.is_none() && !page.is_call()) {
            Some(page) if page.called.is_empty() => known.extend(first.iter().map(|member| member.name.as_str())),
            Some(page) => known.extend(page.called.iter().map(String::as_str)),
            None => {}
        }
        let steps = u32::try_from(self.oncall.policy(&self.incident.team).steps.len()).unwrap_or(u32::MAX);
        let from = self.escalation.step.unwrap_or(0);
        let mut calls = (from..from.saturating_add(steps).saturating_add(1)).filter_map(|step| {
            self.oncall.call(&self.incident.team, self.default_team, step % steps.max(1), self.about, self.now)
        });
        let is_new = |member: &Arc<Member>| !known.contains(member.name.as_str());
        let others = |mut call: Call| {
            call.people.retain(is_new);
            Some(call).filter(|call| !call.people.is_empty())
        };
        let reason = PageReason::Asked { by: by.to_owned(), note: note.cloned(), of: self.reason_before() };
        match calls.find_map(others) {
            Some(call) => self.calls(call, reason),
            None => Escalated::Declined {
                because: format!(
                    "{by} asks for one more, and the escalation of team {} knows nobody else now: name somebody with /assign",
                    self.incident.team
                ),
            },
        }
    }

    /// All of them but whoever asks or has it. The policy goes on from where it was.
    fn asked_experts(&self, area: &Area, by: &str, note: Option<&String>) -> Escalated {
        let is_new = |name: &&str| *name != by && self.incident.owner.as_deref() != Some(*name);
        let people: Vec<String> = area.names().into_iter().filter(is_new).map(str::to_owned).collect();
        if people.is_empty() {
            let because = format!("{by} asks for the experts of {}, of whom nobody else is left to call", area.name);
            return Escalated::Declined { because };
        }
        let reason = PageReason::Asked { by: by.to_owned(), note: note.cloned(), of: self.reason_before() };
        Escalated::Calls(Box::new(NextCall {
            team: self.incident.team.clone(),
            owner: None,
            people,
            by_name: true,
            reason,
            text: self.page.and_then(|page| page.text.clone()),
            step: self.escalation.step,
            within: None,
        }))
    }

    /// A name is a member's before it is a team's.
    fn assigned(&self, by: &str, to: &str, note: Option<&String>) -> Escalated {
        let reason = PageReason::Assigned {
            by: by.to_owned(),
            to: to.to_owned(),
            note: note.cloned(),
            of: self.reason_before(),
        };
        let call = NextCall {
            team: self.incident.team.clone(),
            owner: None,
            people: Vec::new(),
            by_name: false,
            reason,
            text: self.page.and_then(|page| page.text.clone()),
            step: self.escalation.step,
            within: None,
        };
        if self.oncall.member(to).is_some() {
            return Escalated::Calls(Box::new(NextCall { people: vec![to.to_owned()], by_name: true, ..call }));
        }
        if let Ok(team) = self.oncall.team(to) {
            let (team, owner) = (team.name.clone(), Some(team.name.clone()));
            return Escalated::Calls(Box::new(NextCall { team, owner, step: Some(0), ..call }));
        }
        let because = format!("{by} gives it to {to}, whom oncall.yaml does not know: nobody is called");
        Escalated::Declined { because }
    }

    /// Nothing fires any more, or what does was taken care of a while ago at the most, or has a
    /// time of its own: whoever was called may sleep, and the incident stands until somebody looks.
    /// Whom a person has asked for is called all the same.
    fn is_quiet(&self) -> bool {
        let incident = self.incident;
        if self.page.is_some_and(|page| page.acknowledged_at.is_none() && page.asked) {
            return false;
        }
        let is_over = incident.episodes > 0 && incident.open_episodes == 0;
        let settles = incident.severity.mitigate_within().and_then(|within| TimeDelta::from_std(within).ok());
        let settled = incident.mitigated_at.zip(settles).and_then(|(at, within)| at.checked_add_signed(within));
        let is_settling = incident.page_at.is_some() || settled.is_some_and(|settled| self.now < settled);
        is_over || incident.state == IncidentState::Mitigated && is_settling
    }

    fn is_watched(&self) -> bool {
        self.page.is_some_and(|page| page.watched_by(self.pages, self.escalating).is_some())
    }

    fn calls(&self, call: Call, reason: PageReason) -> Escalated {
        let Call { step, team, people, by_name, within, .. } = call;
        let people = people.iter().map(|member| member.name.clone()).collect();
        let text = self.page.and_then(|page| page.text.clone());
        Escalated::Calls(Box::new(NextCall {
            team,
            owner: None,
            people,
            by_name,
            reason,
            text,
            step: Some(step),
            within,
        }))
    }

    fn waits(&self, until: DateTime<Utc>) -> Escalated {
        Escalated::Waits { until }
    }

    /// How long whoever was called by a step has; `None`: for ever.
    fn within(&self, step: Option<u32>) -> Option<TimeDelta> {
        let (team, severity) = (&self.incident.team, self.incident.severity);
        let within = match step {
            Some(step) => self.oncall.within(team, self.default_team, step, severity),
            None => self.oncall.policy(team).times.acknowledge.get(&severity).copied(),
        };
        TimeDelta::from_std(within?).ok()
    }

    fn reason_before(&self) -> Option<Box<PageReason>> {
        self.page.map(|page| Box::new(page.reason.first().clone()))
    }

    fn reason_again(&self) -> PageReason {
        match self.page {
            Some(page) => PageReason::Unanswered {
                of: Box::new(page.reason.again().clone()),
                page: page.id,
                made_at: page.created_at,
            },
            None => PageReason::CallOverdue { since: self.escalation.due_at.unwrap_or(self.now) },
        }
    }
}
