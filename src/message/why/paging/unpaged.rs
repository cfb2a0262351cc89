//! Why nobody was paged.

use chrono::{DateTime, Utc};

use super::{goes_out, lasting, made, severity_from};
use crate::message::delivery::ways;
use crate::message::folds::spent_text;
use crate::message::reason::why_a_person;
use crate::message::text::{clip, count, moment};
use crate::message::why::WhyFacts;
use crate::model::{Incident, IncidentId, IncidentState, Outcome, Run, WindowId};
use crate::store::{IncidentEvent, Page, PageReason, TimelineWhat};

/// Why nobody was paged since it was opened last; nothing where somebody was, and nothing is held
/// back.
pub(super) fn lines(facts: &WhyFacts<'_>, begun: DateTime<Utc>) -> Vec<String> {
    let mut lines: Vec<String> = facts.paging.part.map(|part| joined(facts, part)).into_iter().collect();
    let folds = facts.pages.iter().filter_map(|page| folded(facts, page));
    lines.extend(folds);
    let is_paged = facts.pages.iter().filter(goes_out).any(|page| page.created_at >= begun);
    if is_paged {
        return lines;
    }
    let incident = facts.incident;
    if !incident.severity.pages() {
        let from = severity_from(facts, incident.severity).unwrap_or_else(|| incident.severity.to_string());
        lines.push(format!("what is less than S2 wakes nobody, and this is {from}"));
        lines.extend(facts.pages.iter().filter(|page| page.is_call()).flat_map(|page| called(facts, page)));
    }
    lines.extend(windows(facts));
    lines.extend(flapping(facts, begun));
    lines.extend(standing(facts, begun));
    if lines.is_empty() {
        lines.push(format!("nothing asks for a page; /ack {} if it is yours", incident.id));
    }
    lines
}

fn called(facts: &WhyFacts<'_>, page: &Page) -> Vec<String> {
    let ways = ways(page, facts.now).into_iter().map(|way| format!("  {way}"));
    std::iter::once(made(facts, page)).chain(ways).collect()
}

/// What became part of another incident pages nobody itself.
fn joined(facts: &WhyFacts<'_>, part: IncidentId) -> String {
    let absorbed = facts.timeline.iter().rev().find_map(|entry| match &entry.what {
        TimelineWhat::Incident(IncidentEvent::Absorbed { incident, by, because }) if *incident == part => {
            let by = by.as_ref().map(|by| format!(", says {}", clip(by, 80))).unwrap_or_default();
            Some(format!(" since {}{by}: {}", moment(entry.at), clip(because, 200)))
        }
        _ => None,
    });
    let whole = facts.incident.id;
    format!("{part} is part of {whole}{}; whoever has {whole}'s page is told of it", absorbed.unwrap_or_default())
}

fn folded(facts: &WhyFacts<'_>, page: &Page) -> Option<String> {
    let fold = page.fold.as_ref()?;
    let into = fold.into.filter(|into| *into != facts.incident.id)?;
    let (since, spent) = (moment(fold.at), spent_text(&fold.spent));
    let reason = why_a_person(&page.reason, facts.runs, facts.timeline);
    let end = match page.acknowledged_at {
        Some(at) => format!("that was over at {}", moment(at)),
        None => {
            let (until, id) = (moment(fold.until), facts.incident.id);
            format!("it goes out at {until}, or when {into} is over, unless somebody acknowledges it before: /ack {id}")
        }
    };
    Some(format!("its page is folded into {into}'s since {since}, as {spent}; {end}; why a person is needed: {reason}"))
}

/// A line for each window that held back a page, or covers it.
fn windows(facts: &WhyFacts<'_>) -> Vec<String> {
    let mut told: Vec<Held> = Vec::new();
    for entry in facts.timeline {
        if let TimelineWhat::Incident(IncidentEvent::HeldBack { window, alerts, reason, .. }) = &entry.what {
            let pages = u64::from(reason.is_some());
            let alerts = if reason.is_some() { 0 } else { *alerts };
            match told.iter_mut().find(|held| held.window == *window) {
                Some(held) => (held.alerts, held.pages) = (held.alerts + alerts, held.pages + pages),
                None => told.push(Held { window: *window, alerts, pages }),
            }
        }
    }
    told.into_iter().map(|held| window(facts, &held)).collect()
}

/// What a window held back, as the timeline has it.
struct Held {
    window: WindowId,
    alerts: u64,
    pages: u64,
}

fn window(facts: &WhyFacts<'_>, held: &Held) -> String {
    let id = held.window;
    let known = facts.paging.windows.iter().find(|window| window.id == id);
    let held = format!("it held back {} and {}", count(held.alerts, "alert"), count(held.pages, "page"));
    let Some(window) = known else { return format!("{id} covers it: {held}") };
    let (owner, reason, ends) = (clip(&window.owner, 80), clip(&window.reason, 200), moment(window.ends_at));
    match (&window.ended_by, facts.now < window.ends_at) {
        (_, true) => format!("{id} covers it until {ends} ({owner}: {reason}): {held}; what fires then pages"),
        (Some(by), false) => {
            format!("{id} covered it, until {} ended it at {ends} ({owner}: {reason}): {held}", clip(by, 80))
        }
        (None, false) => format!("{id} covered it until {ends} ({owner}: {reason}): {held}"),
    }
}

/// What flaps is told once.
fn flapping(facts: &WhyFacts<'_>, begun: DateTime<Utc>) -> Option<String> {
    let is_told = |page: &&Page| matches!(page.reason, PageReason::Flapping { .. }) && page.created_at < begun;
    let page = facts.pages.iter().filter(goes_out).rfind(is_told)?;
    Some(format!(
        "it flaps, which {} has told at {}; it pages again only if it fires on for as long as its severity allows",
        page.id,
        moment(page.created_at)
    ))
}

/// How it stands with the time at which somebody is paged.
fn standing(facts: &WhyFacts<'_>, begun: DateTime<Utc>) -> Vec<String> {
    let incident = facts.incident;
    let mut lines = Vec::new();
    match (incident.state, &incident.owner, incident.acknowledged_at) {
        (IncidentState::Acknowledged, owner, Some(at)) => {
            let owner = owner.as_deref().map_or("somebody".to_owned(), |owner| clip(owner, 80));
            lines.push(format!("{owner} acknowledged it at {}, before a page was due", moment(at)));
        }
        (IncidentState::Resolved, _, _) => lines.extend(resolved(facts)),
        _ => {}
    }
    lines.extend(mended(facts, begun));
    if let Some(at) = incident.page_at.filter(|_| incident.severity.pages()) {
        let wait = lasting(at - facts.now);
        let unless = match incident.state {
            IncidentState::Mitigated => "unless its alerts resolve, or somebody acknowledges it, before",
            _ => "unless somebody acknowledges it before",
        };
        lines.push(format!(
            "its time to be taken has not come: team {} is paged at {}, in {wait}, {unless}",
            clip(&incident.team, 80),
            moment(at)
        ));
        let at_work = facts.runs.iter().filter(|run| run.outcome.is_none());
        lines.extend(at_work.map(|run| format!("{} of {} is at it", run.id, clip(&run.playbook.name, 80))));
    }
    let is_apart = facts.timeline.iter().rev().find_map(|entry| match &entry.what {
        TimelineWhat::Incident(IncidentEvent::Split { from, by }) if entry.at >= begun => Some((from, by)),
        _ => None,
    });
    if let (Some((from, by)), IncidentState::Open) = (is_apart, incident.state) {
        lines.push(format!("{} has split it from {from}, and is asked to acknowledge it", clip(by, 80)));
    }
    lines
}

fn resolved(facts: &WhyFacts<'_>) -> Option<String> {
    facts.timeline.iter().rev().find_map(|entry| match &entry.what {
        TimelineWhat::Incident(IncidentEvent::Resolved { by, because }) => Some(format!(
            "it was over before a page was due: resolved at {} by {}: {}",
            moment(entry.at),
            clip(by, 80),
            clip(because, 200)
        )),
        _ => None,
    })
}

/// What a run did about it, so that nobody need.
fn mended(facts: &WhyFacts<'_>, begun: DateTime<Utc>) -> Option<String> {
    let helped = |run: &&Run| matches!(run.outcome, Some(Outcome::Fixed | Outcome::NothingToDo));
    let run = facts.runs.iter().rev().filter(|run| run.ended_at.is_some_and(|at| at >= begun)).find(helped)?;
    let because = run.because.as_deref().map(|because| format!(": {}", clip(because, 200))).unwrap_or_default();
    let what = match run.outcome {
        Some(Outcome::Fixed) => "fixed it",
        _ => "found nothing to do",
    };
    let at = run.ended_at.map(|at| format!(" at {}", moment(at))).unwrap_or_default();
    let left = left_to_page(facts.incident);
    Some(format!("{} of {} {what}{at}{because}{left}", run.id, clip(&run.playbook.name, 80)))
}

fn left_to_page(incident: &Incident) -> &'static str {
    match (incident.state, incident.open_episodes) {
        (IncidentState::Mitigated, 0) => "; no alert fires any more",
        (IncidentState::Mitigated, _) => "; it pages all the same if its alerts fire on",
        _ => "",
    }
}
