//! Why somebody was paged, and why nobody was: each with its rule and its figures, for somebody who
//! was woken, or who wonders why they were not.

mod attempts;
mod paged;
mod rated;
mod unpaged;

use chrono::{DateTime, TimeDelta, Utc};

use super::WhyFacts;
use crate::message::reason::why_a_person;
use crate::message::text::{clip, moment};
use crate::message::timeline::whom;
use crate::model::{HumanDuration, IncidentId, PageId, SEVERITY_LABELS, Severities, Severity, Window};
use crate::store::{IncidentEvent, Page, PageAttempts, TimelineWhat};

/// What is known of paging besides the incident's own rows.
#[derive(Debug, Clone, Copy)]
pub struct PagingFacts<'a> {
    /// What alerts' words for severity mean.
    pub severities: &'a Severities,
    /// Those that held something of it back.
    pub windows: &'a [Window],
    /// How the pages were told, and what came of that, in order.
    pub attempts: &'a [PageAttempts],
    /// Who was on call when a page was made, where that was not remembered with it.
    pub on_call: &'a [(PageId, String)],
    /// Who is called next, and when.
    pub next_call: Option<&'a str>,
    /// The number that was asked about, where it is part of the incident.
    pub part: Option<IncidentId>,
}

impl Default for PagingFacts<'_> {
    fn default() -> Self {
        Self { severities: Severities::usual(), windows: &[], attempts: &[], on_call: &[], next_call: None, part: None }
    }
}

/// Both sections, as far as there is anything to say.
pub(super) fn paging(facts: &WhyFacts<'_>) -> Vec<String> {
    let next = facts.paging.next_call.map(|next| format!("next: {}", clip(next, 300)));
    let mut lines = section("why somebody was paged:", paged::lines(facts).into_iter().chain(next).collect());
    let begun = opened_before(facts, facts.now + TimeDelta::seconds(1));
    let is_since = facts.pages.iter().filter(goes_out).any(|page| page.created_at < begun);
    let since = if is_since { format!(" since {}", moment(begun)) } else { String::new() };
    let nobody = section(&format!("why nobody was paged{since}:"), unpaged::lines(facts, begun));
    if !lines.is_empty() && !nobody.is_empty() {
        lines.push(String::new());
    }
    lines.extend(nobody);
    lines
}

fn section(heading: &str, lines: Vec<String>) -> Vec<String> {
    let heading = (!lines.is_empty()).then(|| heading.to_owned());
    heading.into_iter().chain(lines.into_iter().map(|line| format!("  {line}"))).collect()
}

/// A page that went out, or goes.
fn goes_out(page: &&Page) -> bool {
    !page.is_call() && !page.is_folded()
}

/// `PAGE-5 to team platform at ...: RUN-7 needs a person: ...; not acknowledged`.
fn made(facts: &WhyFacts<'_>, page: &Page) -> String {
    let end =
        page.acknowledged_at.map_or("not acknowledged".to_owned(), |at| format!("acknowledged at {}", moment(at)));
    let because = why_a_person(&page.reason, facts.runs, facts.timeline);
    let whom = whom(&clip(&page.team, 80), &page.called);
    format!("{} to {whom} at {}: {because}; {end}", page.id, moment(page.created_at))
}

/// When it was opened last, or again, by then.
fn opened_before(facts: &WhyFacts<'_>, by: DateTime<Utc>) -> DateTime<Utc> {
    let mut openings = facts.timeline.iter().filter(|entry| entry.at <= by).filter(|entry| {
        let opens = matches!(
            &entry.what,
            TimelineWhat::Incident(
                IncidentEvent::Opened { .. } | IncidentEvent::Reopened { .. } | IncidentEvent::Split { .. }
            )
        );
        opens && entry.at < by
    });
    openings.next_back().map_or(facts.incident.opened_at, |entry| entry.at)
}

fn lasting(time: TimeDelta) -> HumanDuration {
    HumanDuration(time.to_std().map(|time| std::time::Duration::from_secs(time.as_secs())).unwrap_or_default())
}

/// `S1, as DiskLost says severity=critical`.
fn severity_from(facts: &WhyFacts<'_>, severity: Severity) -> Option<String> {
    let worse = facts.timeline.iter().rev().find_map(|entry| match &entry.what {
        TimelineWhat::Incident(IncidentEvent::Severity { from, to, because }) if *to == severity => {
            Some(format!("{severity}, as {} (it was {from})", clip(because, 120)))
        }
        _ => None,
    });
    let playbook = || facts.incident.playbook.as_ref();
    let by_playbook = || playbook().map(|playbook| format!("{severity}, as its playbook {} says", clip(playbook, 80)));
    rated::rated(facts, severity).or(worse).or_else(by_playbook).or_else(|| said(facts, severity))
}

/// What the alerts themselves say of it.
fn said(facts: &WhyFacts<'_>, severity: Severity) -> Option<String> {
    facts.episodes.iter().find_map(|episode| {
        let label = |name: &str| episode.labels.get(name).map(String::as_str);
        let rated = facts.paging.severities.rate(label);
        if rated.severity != severity {
            return None;
        }
        let alert = clip(&episode.alert, 80);
        if let Some(word) = rated.unknown {
            return Some(format!("{severity}, as {alert} says severity={}, a word that nobody knows", clip(word, 40)));
        }
        let said = SEVERITY_LABELS.iter().find_map(|name| {
            let word = label(name).filter(|word| facts.paging.severities.meaning(word) == Some(severity))?;
            Some(format!("{severity}, as {alert} says {name}={}", clip(word, 40)))
        });
        Some(said.unwrap_or_else(|| format!("{severity}, as {alert} says nothing of its severity")))
    })
}
