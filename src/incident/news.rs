//! What the default team hears of what came in, where no alert tells it.

use super::IncidentRules;
use crate::model::{Grouping, Severity};
use crate::store::{Change, IncidentEvent, IncidentRef, IncidentView, NewIncident, NewPage, PageReason};

/// What is to be told.
pub(super) struct News<'a> {
    /// The incident that collects such news, if it is one to go on with.
    pub known: Option<&'a IncidentView>,
    pub grouping: Grouping,
    pub title: &'static str,
    pub severity: Severity,
    pub opened_because: &'static str,
    pub event: IncidentEvent,
    pub reason: PageReason,
}

impl News<'_> {
    /// Tells it in the incident that collects such news, and pages. `opened`: how many incidents
    /// the decision opens already.
    pub fn tell(self, rules: &IncidentRules, opened: usize) -> Vec<Change> {
        let mut changes = Vec::new();
        let incident = match self.known {
            Some(view) => IncidentRef::Existing(view.incident.id),
            None => {
                changes.push(Change::OpenIncident(NewIncident {
                    grouping: self.grouping,
                    gathers: Vec::new(),
                    shares: Vec::new(),
                    title: self.title.to_owned(),
                    severity: self.severity,
                    target: None,
                    team: rules.default_team.clone(),
                    playbook: None,
                }));
                let (incident, because) = (IncidentRef::New(opened), self.opened_because.to_owned());
                changes.push(Change::Note { incident, event: IncidentEvent::Opened { because } });
                incident
            }
        };
        changes.push(Change::Note { incident, event: self.event });
        let page = NewPage { level: 1, team: rules.default_team.clone(), reason: self.reason, text: None };
        changes.push(Change::Page { incident, page });
        changes
    }
}
