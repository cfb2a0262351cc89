//! What was told in other pages, as the team's budget was spent.

use super::summarise::ShiftRecords;
use super::summary::FoldedPage;
use crate::model::IncidentState;

pub(super) fn folded(facts: &ShiftRecords) -> Vec<FoldedPage> {
    let folded = facts.view.folded.iter();
    folded
        .map(|folded| FoldedPage {
            incident: folded.incident.to_string(),
            severity: folded.severity.to_string(),
            title: folded.title.clone(),
            at: facts.moment(folded.at),
            into: folded.into.map(|into| into.to_string()),
            waits: folded.state == IncidentState::Open,
            state: folded.state.to_string(),
        })
        .collect()
}
