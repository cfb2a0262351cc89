//! Gathering a shift from the store.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::render::TemplateError;
use super::summary::{Listed, Moment, ShiftFacts, Summary};
use super::{changes, folded, freezes, noise, numbers, open, reviews, windows};
use crate::message::{breakers_text, freeze_map_text};
use crate::model::{FreezeMapNow, Incident, IncidentId, IncidentState, PageBudget};
use crate::oncall::{OnCall, ScheduleError, Shift};
use crate::playbook::Catalog;
use crate::store::{ShiftView, Store, StoreError, Teams, Ticket, TimelineEntry};

/// Why there is no handoff.
#[derive(Debug, thiserror::Error)]
pub enum HandoffError {
    #[error(transparent)]
    Schedule(#[from] ScheduleError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("team `{0}` has no such shift: its rotation begins later; see `dogwatch oncall who`")]
    NotBegun(String),
    #[error("nobody is on call for team `{0}` now, so no shift goes on; the previous one can be told")]
    Gap(String),
    #[error(transparent)]
    Template(#[from] TemplateError),
    #[error("the handoff could not be written to {}: {message}", dir.display())]
    Write { dir: PathBuf, message: String },
}

/// Which shift of a team, seen from now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhichShift {
    /// The one that goes on.
    Current,
    /// The last one that has ended.
    Previous,
}

/// The shift of a team that is meant.
///
/// # Errors
/// An unknown team, or no such shift: the rotation begins later, or there is a gap.
pub fn shift_of(oncall: &OnCall, team: &str, which: WhichShift, now: DateTime<Utc>) -> Result<Shift, HandoffError> {
    let shift = match which {
        WhichShift::Current => oncall.shift_at(team, now)?,
        WhichShift::Previous => oncall.shift_before(team, now)?,
    };
    let in_a_gap = || match oncall.shift_before(team, now) {
        Ok(Some(_)) => HandoffError::Gap(team.to_owned()),
        _ => HandoffError::NotBegun(team.to_owned()),
    };
    shift.ok_or_else(in_a_gap)
}

/// What the store does not know.
#[derive(Debug, Clone, Copy)]
pub struct Around<'a> {
    /// The team's.
    pub budget: Option<PageBudget>,
    /// What the ConfigMap that freezes says.
    pub freeze_map: &'a FreezeMapNow,
    /// The playbooks that count.
    pub catalog: &'a Catalog,
}

/// Gathers what the shift leaves and what it was like. Changes nothing; may be repeated, also while the shift goes on.
///
/// What is open is what is open now; what happened is what happened within the shift.
///
/// # Errors
/// An unknown team, or a store that fails.
pub async fn summarise(
    store: &dyn Store,
    oncall: &OnCall,
    Around { budget, freeze_map, catalog }: Around<'_>,
    (team, shift): (&str, Shift),
    now: DateTime<Utc>,
) -> Result<Summary, HandoffError> {
    let zone = oncall.team(team)?.rotation.time_zone();
    let teams = handed_over_by(oncall, team);
    let facts = ShiftRecords::gather(store, &teams, team, shift, now, zone).await?;
    let time_critical = Listed::new(open::time_critical(&facts));
    let open_incidents = Listed::new(open::open_incidents(&facts));
    let approvals = Listed::new(open::approvals(&facts));
    let runs = Listed::new(open::runs(&facts));
    let counted = store.alert_counts(&teams, shift.from, shift.to, noise::LOOKED_AT).await?;
    let held = Listed::new(windows::held(store, &facts).await?);
    let frozen = Listed::new(freezes::frozen(store, &facts).await?);
    let freeze_map = freeze_map.holds().then(|| freeze_map_text(freeze_map));
    let breakers = store.breakers().await?;
    let ramps = store.stopped_ramps(now).await?;
    let breakers: Vec<String> = breakers_text(&breakers, &ramps).lines().map(str::to_owned).collect();
    let is_frozen = !frozen.is_empty() || freeze_map.is_some();
    let nothing_outstanding =
        time_critical.is_empty() && open_incidents.is_empty() && approvals.is_empty() && runs.is_empty();
    let nothing_outstanding = nothing_outstanding && !is_frozen && breakers.is_empty();
    let name = |at| Ok::<_, ScheduleError>(oncall.who(team, at)?.map(|watch| watch.member.name.clone()));
    Ok(Summary {
        team: team.to_owned(),
        outgoing: name(shift.from)?,
        incoming: name(shift.to)?,
        shift: ShiftFacts {
            from: facts.moment(shift.from),
            to: facts.moment(shift.to),
            zone: zone.name().to_owned(),
            over: now >= shift.to,
            as_of: facts.moment(now),
        },
        nothing_outstanding,
        time_critical,
        open_incidents,
        windows: held,
        frozen,
        freeze_map,
        is_frozen,
        breakers,
        folded: Listed::new(folded::folded(&facts)),
        approvals,
        runs,
        changes: Listed::new(changes::made(store, &facts).await?),
        filed: Listed::new(open::filed(&facts)),
        resolved: Listed::new(open::resolved(&facts)),
        numbers: numbers::count(&facts, oncall, budget),
        noisy: noise::noisy(&counted, &facts),
        uncovered: noise::uncovered(&counted),
        playbooks: noise::failing(&facts),
        reviews: Listed::new(reviews::due(catalog, &teams, now.with_timezone(&zone).date_naive())),
    })
}

/// What the parts of the summary are made from.
pub(super) struct ShiftRecords {
    pub team: String,
    pub shift: Shift,
    pub now: DateTime<Utc>,
    pub zone: Tz,
    /// What is open and what happened.
    pub view: ShiftView,
    /// Of the incidents that were mitigated or resolved in the shift.
    pub timelines: BTreeMap<IncidentId, Vec<TimelineEntry>>,
    /// Of all incidents of the shift.
    pub tickets: Vec<Ticket>,
    /// Who works by hand on which of them.
    pub taken: HashMap<IncidentId, String>,
}

impl ShiftRecords {
    async fn gather(
        store: &dyn Store,
        teams: &Teams,
        team: &str,
        shift: Shift,
        now: DateTime<Utc>,
        zone: Tz,
    ) -> Result<Self, StoreError> {
        let mut view = store.shift_view(teams, shift.from, shift.to).await?;
        // What nobody is woken for costs no budget, nor does what another page tells of.
        view.pages.retain(|page| !page.is_call() && !page.is_folded());
        let mut timelines = BTreeMap::new();
        for incident in view.incidents.iter().filter(|incident| closed_in(incident, shift)) {
            timelines.insert(incident.id, store.timeline(incident.id).await?);
        }
        let open = view.incidents.iter().filter(|incident| !incident.is_over()).map(|incident| incident.id);
        let open: Vec<IncidentId> = open.collect();
        let all: Vec<IncidentId> = view.incidents.iter().map(|incident| incident.id).collect();
        let (tickets, taken) = (store.tickets_of(&all).await?, store.taken_by(&open).await?);
        Ok(Self { team: team.to_owned(), shift, now, zone, view, timelines, tickets, taken })
    }

    pub fn moment(&self, at: DateTime<Utc>) -> Moment {
        Moment::new(at, self.zone)
    }

    pub fn incident(&self, id: IncidentId) -> Option<&Incident> {
        self.view.incidents.iter().find(|incident| incident.id == id)
    }

    /// The incidents that are open now.
    pub fn open(&self) -> impl Iterator<Item = &Incident> {
        self.view.incidents.iter().filter(|incident| incident.state != IncidentState::Resolved)
    }

    /// The incidents that were mitigated or resolved in the shift.
    pub fn closed(&self) -> impl Iterator<Item = &Incident> {
        self.view.incidents.iter().filter(|incident| closed_in(incident, self.shift))
    }
}

/// What no team of `oncall.yaml` owns belongs to the first: somebody must be told of it.
fn handed_over_by(oncall: &OnCall, team: &str) -> Teams {
    let [first, others @ ..] = oncall.teams() else { return Teams::everybody() };
    if first.name == team {
        Teams::AllBut(others.iter().map(|team| team.name.clone()).collect())
    } else {
        Teams::One(team.to_owned())
    }
}

fn closed_in(incident: &Incident, shift: Shift) -> bool {
    [incident.mitigated_at, incident.resolved_at].into_iter().flatten().any(|at| shift.contains(at))
}
