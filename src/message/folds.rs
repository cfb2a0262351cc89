//! Pages that are told in others, as their team's budget is spent.

use std::time::Duration;

use super::text::{clip, count, time};
use crate::model::{HumanDuration, IncidentId};
use crate::store::{Fold, FoldedIncident, Page, SpentBudget};

/// As many incidents are named; `--all-of` takes the others.
const NAMED: usize = 10;

/// `INC-4, INC-5`.
pub(super) fn folded_ids(incidents: &[IncidentId]) -> String {
    let named: Vec<String> = incidents.iter().take(NAMED).map(ToString::to_string).collect();
    let more = incidents.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", named.join(", "))
}

/// The one command that takes them all.
pub(super) fn how_to_take(incidents: &[IncidentId]) -> String {
    let named: Vec<String> = incidents.iter().take(NAMED).map(ToString::to_string).collect();
    format!("/ack {}", named.join(" "))
}

/// `the budget of 2 incidents within 12h is spent on INC-1 and INC-2`.
pub(super) fn spent_text(spent: &SpentBudget) -> String {
    let within = HumanDuration(Duration::from_secs(spent.within));
    let on = if spent.on.is_empty() { String::new() } else { format!(" on {}", folded_ids(&spent.on)) };
    format!("the budget of {} within {within} is spent{on}", count(u64::from(spent.pages), "incident"))
}

/// What a card says of an incident whose page another one tells of.
pub(super) fn folded_line(page: &Page) -> Option<String> {
    let Fold { into: Some(into), until, spent, .. } = page.fold.as_ref()? else { return None };
    if page.acknowledged_at.is_some() || *into == page.incident {
        return None;
    }
    let (until, spent) = (time(*until), spent_text(spent));
    Some(format!(
        "folded into {into}'s page, as {spent}; it pages by itself at {until}, or when {into} is over, unless somebody \
         acknowledges it before"
    ))
}

/// What the list of incidents says before the title.
pub(super) fn mark(incident: IncidentId, pages: &[Page]) -> String {
    let of_it = pages.iter().filter(|page| page.incident == incident && page.acknowledged_at.is_none());
    let into = of_it.filter_map(Page::folded_into).find(|into| *into != incident);
    into.map(|into| format!("(folded into {into}'s page) ")).unwrap_or_default()
}

/// An incident that a page tells of besides its own. `because`: why a person is needed.
pub(super) fn told_besides(folded: &FoldedIncident, because: &str) -> String {
    let (id, title) = (folded.incident, clip(&folded.title, 160));
    format!("{id} {} {title}: {}", folded.state, clip(because, 300))
}
