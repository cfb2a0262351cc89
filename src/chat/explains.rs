//! What `/why` explains severities and pages by: the words for severity, and who is on call.

use std::sync::Arc;

use crate::message;
use crate::model::{Concern, FreezeMapNow, Incident, Live, PageId, Severities};
use crate::oncall::{Roster, Watch};
use crate::store::{Escalation, EscalationWhy, Page};

/// What `/why` explains severities and pages by.
#[derive(Default)]
pub(super) struct Explains {
    pub severities: Arc<Severities>,
    pub oncall: Option<Roster>,
    /// Whom policies fall back on.
    pub default_team: String,
    /// What the ConfigMap that freezes says.
    pub freeze_map: Live<FreezeMapNow>,
}

impl Explains {
    /// Who was on call when each of these pages was made.
    pub fn on_call(&self, pages: &[Page]) -> Vec<(PageId, String)> {
        pages.iter().filter_map(|page| Some((page.id, self.called(page)?))).collect()
    }

    /// Who knows such things: `experts: ada, bo (storage)`.
    pub fn experts(&self, about: &Concern) -> Option<String> {
        Some(format!("experts: {}", self.oncall.as_ref()?.get().tell_experts(about)?))
    }

    /// Who is called next, and when. `watched`: the receiver that calls them by itself.
    pub fn next_call(
        &self,
        incident: &Incident,
        about: &Concern,
        escalation: &Escalation,
        watched: Option<&str>,
    ) -> Option<String> {
        let oncall = self.oncall.as_ref()?.get();
        if let Some(sink) = watched.filter(|_| !escalation.why.is_asked_for()) {
            return Some(format!("whom {sink} calls, which has the page and escalates by its own policy"));
        }
        let Some(due_at) = escalation.due_at else {
            return Some(format!("nobody: the escalation of team {} is at its end", message::clip(&incident.team, 80)));
        };
        let at = message::moment(due_at);
        Some(match &escalation.why {
            EscalationWhy::Unanswered => {
                let next = escalation.next_step();
                let Some(call) = oncall.call(&incident.team, &self.default_team, next, about, due_at) else {
                    return Some(format!(
                        "nobody: the escalation of team {} ends then",
                        message::clip(&incident.team, 80)
                    ));
                };
                let people: Vec<&str> = call.people.iter().map(|member| member.name.as_str()).collect();
                let people = if people.is_empty() { call.said.clone() } else { people.join(", ") };
                format!("{people} of team {}, at {at} unless somebody acknowledges before", call.team)
            }
            EscalationWhy::Untouched => {
                let owner = incident.owner.as_deref().unwrap_or("whoever has it");
                format!("{} again, at {at} unless somebody does something about it before", message::clip(owner, 80))
            }
            EscalationWhy::Asked { .. } | EscalationWhy::Assigned { .. } => {
                "whom somebody asks for, at once".to_owned()
            }
        })
    }

    /// Of what went out; nobody is called for the others, and those who are called by name are told
    /// with the page.
    fn called(&self, page: &Page) -> Option<String> {
        let is_told = page.is_call() || page.is_folded() || !page.called.is_empty();
        let oncall = self.oncall.as_ref().filter(|_| !is_told)?.get();
        let (team, at) = (message::clip(&page.team, 80), page.created_at);
        Some(match oncall.who(&page.team, at) {
            Ok(Some(Watch { member, shift, cover })) => {
                let (from, to) = (message::moment(shift.from), message::moment(shift.to));
                let by = cover.map_or("its rotation".to_owned(), |id| format!("the override {id}"));
                format!("on call for {team} then: {}, by {by} from {from} to {to}", member.name)
            }
            Ok(None) => {
                format!("nobody was on call for {team} then, in a gap of its rotations: another team was called")
            }
            Err(_) => format!("oncall.yaml knows no team {team}: another team was called"),
        })
    }
}
