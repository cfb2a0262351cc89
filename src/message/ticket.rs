//! A ticket: what a page would say, in Markdown, and what became of it since.

use super::markdown::{fenced, link, title, wrapped};
use super::page::PageText;
use super::reason::why_a_person;
use super::text::{clip, count, moment, thousands};
use crate::model::{Digest, Incident, IncidentState, Run, Severity};
use crate::store::{IncidentEvent, Ticket, TicketFacts, TimelineEntry, TimelineWhat};

/// How much of a page a ticket holds: GitHub takes 65,536 letters, and what marks the code is
/// among them.
const BODY: usize = 40_000;

/// No line of a comment takes more.
const NEWS: usize = 1_000;

/// All that a ticket's news are made from.
#[derive(Debug, Clone, Copy)]
pub struct TicketChange<'a> {
    pub ticket: &'a Ticket,
    /// The incident in which it is told, with its runs and its timeline.
    pub incident: &'a Incident,
    pub runs: &'a [Run],
    pub timeline: &'a [TimelineEntry],
}

/// What a ticket tells now.
pub fn ticket_facts(change: &TicketChange<'_>) -> TicketFacts {
    let TicketChange { ticket, incident, runs, .. } = *change;
    let reason = Digest::of(format!("{:?} {:?}", ticket.reason, ticket.text));
    TicketFacts {
        severity: incident.severity,
        state: incident.state,
        spell: incident.spell,
        alerts: incident.episodes,
        owner: incident.owner.clone(),
        runs: runs.iter().filter(|run| run.outcome.is_some()).map(|run| run.id).collect(),
        reason: reason.short().to_owned(),
        part_of: (ticket.incident != ticket.made_for).then_some(ticket.incident),
        replaced: ticket.replaced,
    }
}

/// What changed since `told`, a line for each: what whoever has the ticket wants to know, and not
/// each alert.
pub fn ticket_news(told: &TicketFacts, change: &TicketChange<'_>) -> Vec<String> {
    let TicketChange { ticket, incident, runs, timeline } = *change;
    let now = ticket_facts(change);
    let mut news = Vec::new();
    if now.part_of != told.part_of || now.replaced != told.replaced {
        news.push(match now.part_of {
            Some(whole) if now.replaced => {
                format!("{} is part of {whole} now, which has a ticket of its own: it goes on there", ticket.made_for)
            }
            Some(whole) => format!("{} is part of {whole} now: what follows is of that one", ticket.made_for),
            None => format!("{} is an incident of its own again", ticket.made_for),
        });
    }
    if now.replaced {
        return clipped(news);
    }
    let is_over = |state| state == IncidentState::Resolved;
    if !is_over(now.state) && (is_over(told.state) || now.spell != told.spell) {
        let because = last(timeline, |event| match event {
            IncidentEvent::Reopened { because } => Some(because.clone()),
            _ => None,
        });
        news.push(match because {
            Some(because) => format!("opened again: {because}"),
            None => "opened again".to_owned(),
        });
    }
    if now.severity != told.severity {
        news.push(severity_news(told.severity, now.severity, timeline));
    }
    for run in runs.iter().filter(|run| !told.runs.contains(&run.id)) {
        if let Some(outcome) = run.outcome {
            let because = run.because.as_deref().map(|because| format!(": {because}")).unwrap_or_default();
            news.push(format!("{} of {} ended: {outcome}{because}", run.id, run.playbook.name));
        }
    }
    if now.reason != told.reason {
        let text = ticket.text.as_deref().map(|text| format!(": {text}")).unwrap_or_default();
        news.push(format!("why a person is needed: {}{text}", why_a_person(&ticket.reason, runs, timeline)));
    }
    if let Some(owner) = now.owner.as_ref().filter(|owner| Some(*owner) != told.owner.as_ref()) {
        news.push(format!("{owner} has acknowledged it"));
    }
    if now.alerts >= told.alerts.saturating_mul(2).max(2) {
        let more = count(now.alerts - told.alerts, "alert");
        let (firing, all) = (thousands(incident.open_episodes), thousands(now.alerts));
        news.push(format!("{more} more joined: {firing} firing, {all} in all"));
    }
    if now.state == IncidentState::Mitigated && told.state != now.state {
        news.push("mitigated: it should be over, and is watched".to_owned());
    }
    if is_over(now.state) && !is_over(told.state) {
        news.push(how_resolved(timeline));
    }
    clipped(news)
}

fn how_resolved(timeline: &[TimelineEntry]) -> String {
    let how = last(timeline, |event| match event {
        IncidentEvent::Resolved { by, because } => Some(format!("resolved by {by}: {because}")),
        _ => None,
    });
    how.unwrap_or_else(|| "resolved".to_owned())
}

/// How it stands, a line for each: what whoever reads a ticket of which nobody knows how much it
/// says must know.
pub fn ticket_standing(change: &TicketChange<'_>) -> Vec<String> {
    let TicketChange { ticket, incident, runs, timeline } = *change;
    let mut lines = vec!["how it stands now, as what became of this ticket was not known for a while:".to_owned()];
    if ticket.incident != ticket.made_for {
        lines.push(format!("- {} is part of {}", ticket.made_for, ticket.incident));
    }
    lines.push(match &incident.owner {
        _ if incident.is_over() => format!("- {}", how_resolved(timeline)),
        Some(owner) => format!("- {owner} has it"),
        None => "- nobody has acknowledged it".to_owned(),
    });
    let (firing, all) = (thousands(incident.open_episodes), count(incident.episodes, "alert"));
    lines.push(format!("- {firing} firing of {all} in all"));
    for run in runs.iter().rev().take(RUNS_STANDING) {
        let outcome = run.outcome.map_or("under way".to_owned(), |outcome| outcome.to_string());
        let because = run.because.as_deref().map(|because| format!(": {because}")).unwrap_or_default();
        lines.push(format!("- {} of {}: {outcome}{because}", run.id, run.playbook.name));
    }
    let text = ticket.text.as_deref().map(|text| format!(": {text}")).unwrap_or_default();
    lines.push(format!("- why a person is needed: {}{text}", why_a_person(&ticket.reason, runs, timeline)));
    clipped(lines)
}

/// So many runs are told of where it is told how things stand.
const RUNS_STANDING: usize = 5;

fn severity_news(from: Severity, to: Severity, timeline: &[TimelineEntry]) -> String {
    let because = last(timeline, |event| match event {
        IncidentEvent::Severity { to: told, because, .. } => (*told == to).then(|| because.clone()),
        _ => None,
    });
    let because = because.map(|because| format!(": {because}")).unwrap_or_default();
    let pages = if to.pages() && !from.pages() { "; it pages now" } else { "" };
    format!("severity {from} -> {to}{because}{pages}")
}

fn last<T>(timeline: &[TimelineEntry], of: impl Fn(&IncidentEvent) -> Option<T>) -> Option<T> {
    timeline.iter().rev().find_map(|entry| match &entry.what {
        TimelineWhat::Incident(event) => of(event),
        TimelineWhat::Run(..) => None,
    })
}

fn clipped(news: Vec<String>) -> Vec<String> {
    news.into_iter().map(|line| clip(&line, NEWS)).collect()
}

/// One line for the list of a tracker.
pub fn ticket_title(page: &PageText) -> String {
    title(&page.title)
}

/// The title of a ticket with this severity, where it begins with another one as ours do: whatever
/// else somebody has made of it stays. `None`: nothing is to be changed.
pub fn ticket_retitled(now: &str, severity: Severity) -> Option<String> {
    let (said, rest) = now.strip_prefix('[')?.split_once(']')?;
    let said: Severity = said.parse().ok()?;
    (said != severity).then(|| format!("[{severity}]{rest}"))
}

/// The ticket in Markdown. `closes`: it is closed when its incident is over.
pub fn ticket_body(page: &PageText, incident: &Incident, closes: bool) -> String {
    let without_links = PageText { links: Vec::new(), ..page.clone() };
    let (first, sections) = without_links.sections_in(BODY);
    let mut parts = Vec::new();
    if !first.is_empty() {
        parts.push(fenced(&wrapped(&first)));
    }
    for (heading, lines) in sections {
        let heading = upper_first(heading.trim_end_matches(':'));
        // What is typed is not broken into lines.
        let is_typed = lines == without_links.next || lines.first() == Some(&without_links.ack);
        let lines = if is_typed { lines } else { wrapped(&lines) };
        parts.push(format!("### {heading}\n\n{}", fenced(&lines)));
    }
    let links: Vec<String> = page
        .links
        .iter()
        .filter(|link| link.name != "ticket")
        .map(|found| format!("- {}: {}", found.name, link(&found.url)))
        .collect();
    if !links.is_empty() {
        parts.push(format!("### Links\n\n{}", links.join("\n")));
    }
    let end = if closes { "and closes it when that is resolved" } else { "and leaves closing it to you" };
    parts.push(format!("Dogwatch keeps this ticket up to date with {}, {end}.", incident.id));
    parts.join("\n\n")
}

fn upper_first(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// What became of it, in Markdown.
pub fn ticket_comment(incident: &Incident, news: &[String]) -> String {
    let head = format!("**{}** is {}, {}.", incident.id, incident.state, incident.severity);
    if news.is_empty() { head } else { format!("{head}\n\n{}", fenced(&wrapped(news))) }
}

/// The tickets of incidents, a line for each: where it is, or why it is not.
pub fn tickets_text(tickets: &[Ticket]) -> String {
    const SHOWN: usize = 40;
    let mut lines: Vec<String> = tickets.iter().take(SHOWN).map(|ticket| format!("  {}", standing(ticket))).collect();
    if lines.is_empty() {
        return String::new();
    }
    if tickets.len() > SHOWN {
        lines.push(format!("  … {} more", thousands((tickets.len() - SHOWN) as u64)));
    }
    format!("tickets:\n{}", lines.join("\n"))
}

/// `INC-3 in databases: https://...`.
fn standing(ticket: &Ticket) -> String {
    let work = ticket.work.as_ref().map(|work| format!(" \"{}\"", clip(&work.title, 100))).unwrap_or_default();
    let start = format!("{}{work} in {}", ticket.made_for, clip(ticket.tracker(), 40));
    let next = ticket.due_at.map_or("not tried any more".to_owned(), |at| format!("next at {}", moment(at)));
    let error = ticket.error.as_deref().map(|error| format!(": {}; {next}", clip(error, 160)));
    match (&ticket.place, error) {
        (Some(place), None) => {
            let closed = if place.open { "" } else { " (closed)" };
            format!("{start}: {}{closed}", clip(&place.shown(), 300))
        }
        (Some(place), Some(error)) => {
            format!("{start}: {}, and the last news did not reach it{error}", clip(&place.shown(), 300))
        }
        (None, Some(error)) => format!("{start}: not made yet{error}"),
        (None, None) if ticket.due_at.is_none() => format!("{start}: none was needed"),
        (None, None) => format!("{start}: on its way"),
    }
}

/// The addresses of an incident's tickets, as its timeline tells them.
pub(super) fn tickets_of(timeline: &[TimelineEntry]) -> Vec<String> {
    addresses(timeline, |event| match event {
        IncidentEvent::Ticketed { url, .. } => url.as_ref(),
        _ => None,
    })
}

/// The same of the work that was filed in it.
pub(super) fn work_of(timeline: &[TimelineEntry]) -> Vec<String> {
    addresses(timeline, |event| match event {
        IncidentEvent::Filed { url, .. } => url.as_ref(),
        _ => None,
    })
}

fn addresses(timeline: &[TimelineEntry], of: impl Fn(&IncidentEvent) -> Option<&String>) -> Vec<String> {
    let mut urls: Vec<String> = Vec::new();
    for entry in timeline {
        if let TimelineWhat::Incident(event) = &entry.what
            && let Some(url) = of(event)
            && !urls.contains(url)
        {
            urls.push(url.clone());
        }
    }
    urls
}
