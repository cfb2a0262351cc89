//! What the next shift takes over.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::summarise::ShiftRecords;
use super::summary::{Approval, Critical, FiledTicket, OpenIncident, Resolved, RunUnderWay};
use crate::message::{needs_a_person, reached_nobody};
use crate::model::{Incident, IncidentState, Outcome};
use crate::store::{IncidentEvent, Page, Ticket, TicketPlace, TimelineWhat};

pub(super) fn time_critical(facts: &ShiftRecords) -> Vec<Critical> {
    let mut found = Vec::new();
    let mut add = |incident: &Incident, what: String, by: DateTime<Utc>| {
        found.push(Critical {
            incident: incident.id.to_string(),
            severity: incident.severity.to_string(),
            what,
            by: facts.moment(by),
            overdue: by <= facts.now,
        });
    };
    for page in &facts.view.unanswered {
        if let (Some(into), Some(fold)) = (page.folded_into(), &page.fold) {
            if let Some(incident) = facts.incident(page.incident).filter(|incident| incident.id != into) {
                add(
                    incident,
                    format!("acknowledge it: only {into}'s page tells of it, and it pages by itself then"),
                    fold.until,
                );
            }
        } else if let (Some(incident), Some(what)) = (facts.incident(page.incident), reached_nobody(page, facts.now)) {
            add(incident, format!("tell somebody: {what}"), page.created_at);
        } else if let (Some(incident), Some(within)) = (facts.incident(page.incident), page.severity.ack_within()) {
            add(incident, "acknowledge its page".into(), after(page.created_at, within));
        }
    }
    for approval in &facts.view.approvals {
        if let Some(incident) = facts.incident(approval.incident) {
            add(incident, format!("answer {} of {}", approval.id, approval.run), approval.expires_at);
        }
    }
    for incident in facts.open() {
        if let (true, Some(within)) = (needs_mitigation(incident), incident.severity.mitigate_within()) {
            add(incident, format!("mitigate: {}", incident.title), after(incident.opened_at, within));
        }
        if let Some(at) = incident.page_at {
            let how = if incident.severity.pages() { "paged" } else { "asked in chat" };
            add(incident, format!("somebody is {how} unless it is taken care of"), at);
        }
    }
    found.sort_by_key(|critical| critical.by.at);
    found
}

pub(super) fn open_incidents(facts: &ShiftRecords) -> Vec<OpenIncident> {
    let open = facts.open();
    open.map(|incident| OpenIncident {
        id: incident.id.to_string(),
        severity: incident.severity.to_string(),
        state: incident.state.to_string(),
        title: incident.title.clone(),
        target: incident.target.as_ref().map(ToString::to_string).filter(|target| !incident.title.contains(target)),
        owner: incident.owner.clone(),
        taken_by: facts.taken.get(&incident.id).cloned(),
        opened: facts.moment(incident.opened_at),
        firing: incident.open_episodes,
        tickets: tickets(facts, incident),
        next_step: held(facts, incident).unwrap_or_else(|| next_step(facts, incident)),
    })
    .collect()
}

fn tickets(facts: &ShiftRecords, incident: &Incident) -> Vec<String> {
    let of_it = facts.tickets.iter().filter(|ticket| ticket.incident == incident.id && ticket.work.is_none());
    of_it.map(place).collect()
}

fn place(ticket: &Ticket) -> String {
    ticket.place.as_ref().map_or("not made yet".to_owned(), TicketPlace::shown)
}

/// Work that was filed in the shift: it is done by day, whatever became of its incident.
pub(super) fn filed(facts: &ShiftRecords) -> Vec<FiledTicket> {
    let of_shift = facts.tickets.iter().filter(|ticket| facts.shift.contains(ticket.created_at));
    of_shift
        .filter_map(|ticket| {
            let work = ticket.work.as_ref()?;
            Some(FiledTicket {
                at: facts.moment(ticket.created_at),
                incident: ticket.incident.to_string(),
                team: ticket.team.clone(),
                title: work.title.clone(),
                place: place(ticket),
            })
        })
        .collect()
}

/// A maintenance window covers it: nobody is paged before its end.
fn held(facts: &ShiftRecords, incident: &Incident) -> Option<String> {
    let until = incident.held_until.filter(|_| incident.state == IncidentState::Open)?;
    let until = facts.moment(until).local;
    Some(format!("a maintenance window holds it back until {until}, and what still fires then pages (/windows)"))
}

pub(super) fn approvals(facts: &ShiftRecords) -> Vec<Approval> {
    let asked = facts.view.approvals.iter().map(|approval| Approval {
        id: approval.id.to_string(),
        run: approval.run.to_string(),
        incident: approval.incident.to_string(),
        expires: facts.moment(approval.expires_at),
        waits_for: (!approval.terms.is_usual()).then(|| {
            let progress = approval.progress().map(|progress| format!(", {progress} so far")).unwrap_or_default();
            format!("{}{progress}", approval.terms.whom())
        }),
        steps: approval.preview.steps.iter().filter(|step| step.mutating).map(|step| step.summary.clone()).collect(),
    });
    asked.collect()
}

pub(super) fn runs(facts: &ShiftRecords) -> Vec<RunUnderWay> {
    let runs = facts.view.runs_under_way.iter().map(|run| RunUnderWay {
        id: run.id.to_string(),
        incident: run.incident.to_string(),
        playbook: run.playbook.name.clone(),
        target: run.target.to_string(),
        since: facts.moment(run.created_at),
    });
    runs.collect()
}

/// What somebody who takes over does first.
fn next_step(facts: &ShiftRecords, incident: &Incident) -> String {
    if let Some(approval) = facts.view.approvals.iter().find(|approval| approval.incident == incident.id) {
        return format!("answer {}", approval.id);
    }
    let runs = || facts.view.runs_of_open.iter().filter(|run| run.incident == incident.id);
    if let Some(run) = runs().find(|run| run.outcome.is_none()) {
        return format!("wait for {}: {} is at it", run.id, run.playbook.name);
    }
    if needs_mitigation(incident)
        && let Some(run) = runs().next_back()
    {
        let because = run.because.as_deref().unwrap_or("it does not say why");
        match run.outcome {
            Some(Outcome::Escalated) => return format!("look at it, as {} escalated: {because}", run.id),
            Some(Outcome::Proposed) => return format!("decide about what {} proposed", run.id),
            Some(Outcome::Cancelled) => return format!("go on by hand, as {} was stopped: {because}", run.id),
            Some(Outcome::Fixed | Outcome::NothingToDo | Outcome::HandedOver) | None => {}
        }
    }
    let mut of_it = facts.view.unanswered.iter().filter(|page| page.incident == incident.id);
    if let Some(what) = of_it.find_map(|page| needs_a_person(page, &facts.view.runs_of_open, &[], facts.now)) {
        return format!("acknowledge it: it {what}");
    }
    let of_it = facts.view.unanswered.iter().filter(|page| page.incident == incident.id);
    if let Some(into) = of_it.filter_map(Page::folded_into).find(|into| *into != incident.id) {
        return format!("acknowledge and diagnose it: only {into}'s page tells of it");
    }
    match (incident.state, incident.open_episodes, &incident.playbook) {
        (IncidentState::Mitigated, 0, _) => "resolve it, if nothing is left to do".into(),
        (IncidentState::Mitigated, 1, _) => "see why its alert still fires although it is mitigated".into(),
        (IncidentState::Mitigated, firing, _) => format!("see why {firing} of its alerts still fire"),
        (_, 0, _) => "its alerts are over: find out why, and resolve it".into(),
        (IncidentState::Open, _, None) => "acknowledge and diagnose it: no playbook knows it".into(),
        (IncidentState::Open, _, Some(_)) => "acknowledge and diagnose it".into(),
        (_, _, _) => "go on with the diagnosis".into(),
    }
}

/// How each incident ended that was resolved in the shift: whoever comes next reads what was said
/// about it.
pub(super) fn resolved(facts: &ShiftRecords) -> Vec<Resolved> {
    let mut resolved = Vec::new();
    for incident in facts.closed() {
        for entry in facts.timelines.get(&incident.id).into_iter().flatten() {
            let TimelineWhat::Incident(IncidentEvent::Resolved { by, because }) = &entry.what else { continue };
            if facts.shift.contains(entry.at) {
                resolved.push(Resolved {
                    at: facts.moment(entry.at),
                    incident: incident.id.to_string(),
                    severity: incident.severity.to_string(),
                    title: incident.title.clone(),
                    by: by.clone(),
                    because: because.clone(),
                });
            }
        }
    }
    resolved
}

fn needs_mitigation(incident: &Incident) -> bool {
    matches!(incident.state, IncidentState::Open | IncidentState::Acknowledged)
}

fn after(at: DateTime<Utc>, within: Duration) -> DateTime<Utc> {
    at + within
}
