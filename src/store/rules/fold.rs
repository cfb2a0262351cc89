//! Which pages are folded into others, and what becomes of them.

use chrono::{DateTime, TimeDelta, Utc};

use crate::model::{Incident, IncidentId, IncidentState, PageBudget, Severity};
use crate::store::{NewPage, PageReason};

/// So long a page is told in another one at the most: twice as long as one of its severity may stay
/// without an acknowledgement.
pub(in crate::store) const FOLDED_FOR: TimeDelta = TimeDelta::minutes(30);

/// As many of the incidents that a budget was spent on are named.
pub(in crate::store) const SPENT_ON: usize = 10;

/// Whether a page may be told in another one. S1 always goes out, and so does what is told of an
/// incident that somebody has: they are there, and wait for it.
pub(in crate::store) fn may_fold(incident: &Incident, page: &NewPage) -> bool {
    incident.severity == Severity::S2 && incident.state == IncidentState::Open && page.level == 1
}

/// Whether a team's budget is spent on these other incidents.
pub(in crate::store) fn is_spent(budget: PageBudget, on: &[IncidentId]) -> bool {
    on.len() >= usize::try_from(budget.pages).unwrap_or(usize::MAX)
}

/// The shape of an incident: its playbook's, else that of the alert that it began with. What
/// another source sends is never of the same.
pub(in crate::store) fn shape(playbook: Option<&str>, (source, alert): (&str, &str)) -> String {
    match playbook {
        Some(playbook) => format!("{source}: playbook {playbook}"),
        None => format!("{source}: alert {alert}"),
    }
}

/// The page in which another one is told, as it is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) struct Carrier {
    /// The incident in which it is told.
    pub incident: IncidentId,
    pub state: IncidentState,
    /// It is of the spell that its incident is in.
    pub is_of_this_spell: bool,
    /// Nobody waits for an answer to that page any more.
    pub is_answered: bool,
}

/// Why a folded page is told in another one no longer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store) enum Unfolding {
    /// It still is.
    Stays,
    /// Somebody has its incident, or it is over.
    Ends,
    GoesOut {
        because: String,
    },
}

/// What becomes of a page of `subject` that is told in the one of `carrier` until then. `None`:
/// that one is gone.
pub(in crate::store) fn unfolding(
    subject: &Incident,
    reason: Option<&PageReason>,
    carrier: Option<Carrier>,
    until: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Unfolding {
    let is_taken = matches!(subject.state, IncidentState::Acknowledged | IncidentState::Resolved);
    if is_taken {
        return Unfolding::Ends;
    }
    let because = match carrier {
        None => "the page that told of it is gone".to_owned(),
        // Whoever acknowledges that page has all of it.
        Some(carrier) if carrier.incident == subject.id && !carrier.is_answered => return Unfolding::Stays,
        // It was answered when it was only of a part.
        Some(carrier) if carrier.incident == subject.id && until <= now => {
            "nobody has acknowledged it, only told in the page of a part that somebody had".to_owned()
        }
        Some(carrier) if carrier.incident == subject.id => return Unfolding::Stays,
        // What became part of it was worse.
        Some(carrier) if subject.severity == Severity::S1 => {
            format!("it is S1 by now, and was only told in {}'s page", carrier.incident)
        }
        Some(Carrier { incident, state: state @ (IncidentState::Mitigated | IncidentState::Resolved), .. }) => {
            format!("{incident} is {state}, whose page told of it")
        }
        Some(carrier) if !carrier.is_of_this_spell => {
            format!("{} was opened again, whose page told of it", carrier.incident)
        }
        Some(carrier) if until <= now => {
            format!("nobody has acknowledged it, only told in {}'s page", carrier.incident)
        }
        Some(_) => return Unfolding::Stays,
    };
    // What a run has mended has a time of its own to page; what needs a person waits for one.
    let needs_a_person = matches!(reason, Some(PageReason::Escalated { .. }) | None);
    match subject.state {
        IncidentState::Mitigated if !needs_a_person => Unfolding::Ends,
        _ => Unfolding::GoesOut { because },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Grouping, RunId};
    use crate::store::NewIncident;

    fn incident(id: i64, state: IncidentState) -> Incident {
        let new = NewIncident {
            grouping: Grouping::SetAside,
            gathers: Vec::new(),
            shares: Vec::new(),
            title: "it burns".into(),
            severity: Severity::S2,
            target: None,
            team: "platform".into(),
            playbook: None,
        };
        Incident { state, ..new.opened(IncidentId(id), DateTime::UNIX_EPOCH) }
    }

    fn carrier(state: IncidentState) -> Option<Carrier> {
        Some(Carrier { incident: IncidentId(4), state, is_of_this_spell: true, is_answered: false })
    }

    fn comes_to(subject: IncidentState, reason: &PageReason, carrier: Option<Carrier>, minute: i64) -> &'static str {
        let until = DateTime::UNIX_EPOCH + FOLDED_FOR;
        let now = DateTime::UNIX_EPOCH + TimeDelta::minutes(minute);
        match unfolding(&incident(5, subject), Some(reason), carrier, until, now) {
            Unfolding::Stays => "stays",
            Unfolding::Ends => "ends",
            Unfolding::GoesOut { .. } => "goes out",
        }
    }

    #[test]
    fn what_is_s1_by_now_goes_out() {
        let worse = Incident { severity: Severity::S1, ..incident(2, IncidentState::Open) };
        let carrier = |id| Carrier {
            incident: IncidentId(id),
            state: IncidentState::Open,
            is_of_this_spell: true,
            is_answered: false,
        };
        let until = DateTime::UNIX_EPOCH + TimeDelta::minutes(30);
        let comes_to = |id| unfolding(&worse, None, Some(carrier(id)), until, DateTime::UNIX_EPOCH);
        assert!(matches!(comes_to(1), Unfolding::GoesOut { .. }));
        assert_eq!(comes_to(2), Unfolding::Stays, "whoever acknowledges that page has all of it");
    }

    #[test]
    fn a_fold_lasts_as_long_as_its_carrier_and_half_an_hour_at_the_most() {
        use IncidentState::{Acknowledged, Mitigated, Open, Resolved};
        let of = |state, minute| comes_to(Open, &PageReason::Uncovered, carrier(state), minute);
        assert_eq!((of(Open, 29), of(Acknowledged, 29)), ("stays", "stays"));
        assert_eq!((of(Open, 30), of(Acknowledged, 30)), ("goes out", "goes out"));
        assert_eq!((of(Resolved, 0), of(Mitigated, 0)), ("goes out", "goes out"));
        let again = Carrier { is_of_this_spell: false, ..carrier(Open).unwrap() };
        assert_eq!(comes_to(Open, &PageReason::Uncovered, Some(again), 0), "goes out");
        assert_eq!(comes_to(Open, &PageReason::Uncovered, None, 0), "goes out");
    }

    #[test]
    fn what_somebody_has_or_a_run_has_mended_goes_out_no_more() {
        use IncidentState::{Acknowledged, Mitigated, Open, Resolved};
        for state in [Acknowledged, Resolved, Mitigated] {
            assert_eq!(comes_to(state, &PageReason::Uncovered, carrier(Open), 30), "ends", "{state}");
        }
        let escalated = PageReason::Escalated { run: RunId(1) };
        assert_eq!(comes_to(Mitigated, &escalated, carrier(Open), 30), "goes out", "that needs a person");
    }

    #[test]
    fn what_is_told_in_its_own_page_stays_there_until_somebody_has_it() {
        use IncidentState::{Acknowledged, Open};
        let own = Some(Carrier { incident: IncidentId(5), ..carrier(Open).unwrap() });
        assert_eq!(comes_to(Open, &PageReason::Uncovered, own, 500), "stays");
        assert_eq!(comes_to(Acknowledged, &PageReason::Uncovered, own, 0), "ends");
        let of_a_part = own.map(|own| Carrier { is_answered: true, ..own });
        assert_eq!(comes_to(Open, &PageReason::Uncovered, of_a_part, 29), "stays");
        assert_eq!(comes_to(Open, &PageReason::Uncovered, of_a_part, 30), "goes out", "nobody has the whole");
    }

    #[test]
    fn other_sources_and_playbooks_are_other_shapes() {
        assert_eq!(shape(Some("pvc"), ("am", "Full")), shape(Some("pvc"), ("am", "Fuller")));
        assert_ne!(shape(None, ("am", "Full")), shape(None, ("am", "Fuller")));
        assert_ne!(shape(None, ("am", "Full")), shape(None, ("tenant", "Full")));
        assert_ne!(shape(None, ("am", "pvc")), shape(Some("pvc"), ("am", "pvc")));
    }

    #[test]
    fn a_budget_is_spent_on_as_many_incidents_as_it_has_pages() {
        let ids = [1, 2].map(IncidentId);
        assert!(!is_spent(PageBudget::USUAL, &ids[..1]));
        assert!(is_spent(PageBudget::USUAL, &ids));
        assert!(is_spent(PageBudget { pages: 0, ..PageBudget::USUAL }, &[]));
    }
}
