//! Gathering a shift from the store.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use chrono::{DateTime, Duration, Utc};
use chrono_tz::Tz;

use super::render::TemplateError;
use super::summary::{Listed, Moment, ShiftFacts, Summary};
use super::{changes, noise, numbers, open};
use crate::model::{Incident, IncidentId, Run};
use crate::oncall::{OnCall, ScheduleError, Shift};
use crate::store::{IncidentFilter, Page, Store, StoreError, TimelineEntry};

/// Why there is no handoff.
#[derive(Debug, thiserror::Error)]
pub enum HandoffError {
    #[error(transparent)]
    Schedule(#[from] ScheduleError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("team `{0}` has no such shift: its rotation begins later; see `dogwatch oncall who`")]
    NotBegun(String),
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
/// An unknown team, or a rotation that has not begun by then.
pub fn shift_of(oncall: &OnCall, team: &str, which: WhichShift, now: DateTime<Utc>) -> Result<Shift, HandoffError> {
    let not_begun = || HandoffError::NotBegun(team.to_owned());
    let current = oncall.shift_at(team, now)?.ok_or_else(not_begun)?;
    match which {
        WhichShift::Current => Ok(current),
        WhichShift::Previous => oncall.shift_at(team, current.from - Duration::nanoseconds(1))?.ok_or_else(not_begun),
    }
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
    team: &str,
    shift: Shift,
    now: DateTime<Utc>,
) -> Result<Summary, HandoffError> {
    let zone = oncall.team(team)?.rotation.time_zone();
    let facts = Facts::gather(store, oncall, team, shift, now, zone).await?;
    let time_critical = Listed::new(open::time_critical(&facts));
    let open_incidents = Listed::new(open::open_incidents(&facts));
    let approvals = Listed::new(open::approvals(&facts));
    let runs = Listed::new(open::runs(&facts));
    let counted = store.alert_counts(Some(team), shift.from, shift.to, noise::LOOKED_AT).await?;
    let nothing_outstanding =
        time_critical.is_empty() && open_incidents.is_empty() && approvals.is_empty() && runs.is_empty();
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
        approvals,
        runs,
        changes: Listed::new(changes::made(store, &facts).await?),
        resolved: Listed::new(open::resolved(&facts)),
        numbers: numbers::count(&facts, oncall),
        noisy: noise::noisy(&counted, &facts),
        uncovered: noise::uncovered(&counted),
        playbooks: noise::failing(&facts),
    })
}

/// What the parts of the summary are made from.
pub(super) struct Facts {
    pub team: String,
    pub shift: Shift,
    pub now: DateTime<Utc>,
    pub zone: Tz,
    /// All of the team's that were open at some time in the shift, or are open now; the worst first.
    pub incidents: Vec<Incident>,
    /// Those of them that are open now.
    pub open: BTreeSet<IncidentId>,
    pub under_way: Vec<Run>,
    pub ended: Vec<Run>,
    pub approvals: Vec<crate::model::Approval>,
    pub pages: Vec<Page>,
    /// Of the incidents that were mitigated or resolved in the shift.
    pub timelines: BTreeMap<IncidentId, Vec<TimelineEntry>>,
    /// The runs of the incidents that are open now.
    pub runs_of_open: BTreeMap<IncidentId, Vec<Run>>,
    /// Pages of open incidents that nobody has acknowledged.
    pub unanswered: Vec<Page>,
}

impl Facts {
    async fn gather(
        store: &dyn Store,
        oncall: &OnCall,
        team: &str,
        shift: Shift,
        now: DateTime<Utc>,
        zone: Tz,
    ) -> Result<Self, StoreError> {
        let Shift { from, to } = shift;
        // What no team of `oncall.yaml` owns belongs to the first: somebody must be told of it.
        let first = oncall.teams().first().is_some_and(|first| first.name == team);
        let ours = |owner: &str| owner == team || (first && oncall.team(owner).is_err());
        let mut incidents: Vec<Incident> = store.incidents(IncidentFilter::Unresolved).await?;
        let open: BTreeSet<IncidentId> = incidents.iter().map(|incident| incident.id).collect();
        let touching = store.incidents(IncidentFilter::Touching { from, to }).await?;
        incidents.extend(touching.into_iter().filter(|incident| !open.contains(&incident.id)));
        incidents.retain(|incident| ours(&incident.team));
        incidents.sort_by_key(|incident| (incident.severity, incident.id));
        let known: BTreeSet<IncidentId> = incidents.iter().map(|incident| incident.id).collect();
        let open: BTreeSet<IncidentId> = open.intersection(&known).copied().collect();

        let mut timelines = BTreeMap::new();
        for incident in incidents.iter().filter(|incident| closed_in(incident, shift)) {
            timelines.insert(incident.id, store.timeline(incident.id).await?);
        }
        let mut runs_of_open = BTreeMap::new();
        for id in &open {
            runs_of_open.insert(*id, store.runs_of(*id).await?);
        }
        let mut under_way = store.runs_under_way().await?;
        under_way.retain(|run| known.contains(&run.incident));
        let mut ended = store.runs_ended(from, to).await?;
        ended.retain(|run| known.contains(&run.incident));
        let mut approvals = store.open_approvals().await?;
        approvals.retain(|approval| known.contains(&approval.incident));
        let mut pages = store.pages(from, to).await?;
        pages.retain(|page| ours(&page.team) && !page.is_call());
        // A page that is older than an incident which is still open can only be of that incident's time.
        let since =
            incidents.iter().filter(|incident| open.contains(&incident.id)).map(|incident| incident.opened_at).min();
        let mut unanswered = match since {
            Some(since) => store.pages(since, now.max(to)).await?,
            None => Vec::new(),
        };
        unanswered.retain(|page| page.acknowledged_at.is_none() && open.contains(&page.incident));
        Ok(Self {
            team: team.to_owned(),
            shift,
            now,
            zone,
            incidents,
            open,
            under_way,
            ended,
            approvals,
            pages,
            timelines,
            runs_of_open,
            unanswered,
        })
    }

    pub fn moment(&self, at: DateTime<Utc>) -> Moment {
        Moment::new(at, self.zone)
    }

    pub fn incident(&self, id: IncidentId) -> Option<&Incident> {
        self.incidents.iter().find(|incident| incident.id == id)
    }

    /// The incidents that were mitigated or resolved in the shift.
    pub fn closed(&self) -> impl Iterator<Item = &Incident> {
        self.incidents.iter().filter(|incident| closed_in(incident, self.shift))
    }
}

fn closed_in(incident: &Incident, shift: Shift) -> bool {
    [incident.mitigated_at, incident.resolved_at].into_iter().flatten().any(|at| shift.contains(at))
}
