//! Why somebody was paged.

use chrono::{DateTime, Utc};

use super::{attempts, goes_out, lasting, made, opened_before, severity_from};
use crate::message::delivery::comes_of_it;
use crate::message::folds::spent_text;
use crate::message::text::{clip, moment};
use crate::message::why::WhyFacts;
use crate::model::PageEvent;
use crate::store::{IncidentEvent, Page, PageReason, TimelineWhat};

/// Each page that went out, or goes: why, to whom, and what became of it.
pub(super) fn lines(facts: &WhyFacts<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    for page in facts.pages.iter().filter(goes_out) {
        lines.push(made(facts, page));
        let besides = rule(facts, page).into_iter().chain(severity_from(facts, page.severity));
        lines.extend(
            besides
                .chain(on_call(facts, page))
                .chain(attempts::lines(page, facts.paging.attempts))
                .map(|line| format!("  {line}")),
        );
        lines.extend(comes_of_it(page, facts.now).into_iter().map(|way| format!("  {way}")));
    }
    lines
}

/// What obliged to it then, where the reason does not say so, and why not earlier.
fn rule(facts: &WhyFacts<'_>, page: &Page) -> Vec<String> {
    let since = || lasting(page.created_at - opened_before(facts, page.created_at));
    let rule = match page.reason.first() {
        _ if page.level > 1 => None,
        PageReason::Overdue => Some(format!(
            "its time to be taken had come, {} after it was opened, and nobody had acknowledged it",
            since()
        )),
        PageReason::StillFires { .. } => Some(format!("it fired on until its time, {} after it was opened", since())),
        PageReason::Uncovered => Some("an alert without a playbook pages at once where it is S1 or S2".to_owned()),
        _ => None,
    };
    let folded = page.fold.as_ref().map(|fold| {
        let why = told(facts, page.created_at, |event| match event {
            IncidentEvent::Unfolded { because } => Some(clip(because, 200)),
            _ => None,
        });
        let why = why.map(|why| format!(": {why}")).unwrap_or_default();
        format!(
            "before, from {} on, only another page told of it, as {}; it went out{why}",
            moment(fold.at),
            spent_text(&fold.spent)
        )
    });
    rule.into_iter().chain(folded).collect()
}

/// The last such event that was told by then.
fn told<T>(facts: &WhyFacts<'_>, by: DateTime<Utc>, event: impl Fn(&IncidentEvent) -> Option<T>) -> Option<T> {
    facts.timeline.iter().filter(|entry| entry.at <= by).rev().find_map(|entry| match &entry.what {
        TimelineWhat::Incident(what) => event(what),
        TimelineWhat::Run(..) => None,
    })
}

fn on_call(facts: &WhyFacts<'_>, page: &Page) -> Option<String> {
    let is_remembered =
        facts.paging.attempts.iter().any(|attempt| attempt.page == page.id && attempt.event == PageEvent::Trigger);
    facts.paging.on_call.iter().filter(|_| !is_remembered).find(|(id, _)| *id == page.id).map(|(_, who)| clip(who, 200))
}
