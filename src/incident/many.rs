//! What follows from one command about several incidents: for each what would follow if it were
//! alone.

use std::collections::BTreeSet;

use super::commands::{decline, is_so};
use crate::model::{Incident, IncidentId, IncidentState};
use crate::store::{CommandReply, Decision, IncidentView, Page};

/// As many of a team as one command acknowledges: their answers are a page, and their decision one
/// transaction.
pub(super) const MOST_OF_A_TEAM: usize = 50;

/// What a person asked for several.
#[derive(Debug, Clone, Copy)]
pub(super) struct Several<'a> {
    /// The incidents in the order in which they are answered.
    pub ids: &'a [IncidentId],
    /// Those of them that there are.
    pub views: &'a [Called],
    /// What each is to be: `acknowledged`.
    pub wanted: &'a str,
    /// They are those of a team, of which so many more are left for another command.
    pub team: Option<(&'a str, usize)>,
}

/// An incident by the number that somebody gave, which may be that of a part.
#[derive(Debug, Clone)]
pub(super) struct Called {
    pub id: IncidentId,
    pub view: IncidentView,
}

/// The answer for a number that is part of another incident says so.
pub(super) fn tell_root(asked: IncidentId, root: IncidentId, mut decision: Decision) -> Decision {
    if let Some(reply) = decision.reply.as_mut().filter(|_| root != asked) {
        reply.text = format!("{asked} is part of {root}: {}", reply.text);
    }
    decision
}

/// Decides about each; the answer has a line for each, and a refusal of one holds up no other.
pub(super) fn decide_each(several: Several<'_>, decide: impl Fn(&IncidentView) -> Decision) -> Decision {
    let mut changes = Vec::new();
    let mut lines = Vec::with_capacity(several.ids.len());
    let mut granted = 0;
    let mut decided = BTreeSet::new();
    for id in several.ids {
        let decision = match several.views.iter().find(|called| called.id == *id) {
            // What was said of one part is so for all of it.
            Some(Called { view, .. }) if !decided.insert(view.incident.id) => {
                tell_root(*id, view.incident.id, is_so("its answer stands above"))
            }
            Some(Called { view, .. }) => tell_root(*id, view.incident.id, decide(view)),
            None => unknown(*id),
        };
        changes.extend(decision.changes);
        let reply = decision.reply.unwrap_or_default();
        granted += usize::from(reply.granted);
        lines.push(reply.text);
    }
    let (team, left) = several.team.map_or((String::new(), 0), |(team, left)| (format!(" of {team}"), left));
    let all = several.ids.len() + left;
    let rest = if left == 0 { String::new() } else { format!("; ask again for the other {left}") };
    lines.insert(0, format!("{granted} of {all}{team} {}{rest}:", several.wanted));
    Decision { changes, reply: Some(CommandReply { text: lines.join("\n"), granted: granted == all }) }
}

pub(super) fn unknown(id: IncidentId) -> Decision {
    decline(format!("there is no {id}; /incidents lists the ones that are open"))
}

/// The team's incidents that wait for somebody, the worst first. `open`: all that are not resolved,
/// in that order; `pages`: those that nobody has acknowledged.
pub(super) fn waiting_of(team: &str, open: &[Incident], pages: &[Page]) -> Vec<IncidentId> {
    let paged: BTreeSet<IncidentId> = pages.iter().map(|page| page.incident).collect();
    let waits = |incident: &&Incident| {
        incident.state == IncidentState::Open || incident.page_at.is_some() || paged.contains(&incident.id)
    };
    open.iter().filter(|incident| incident.team == team).filter(waits).map(|incident| incident.id).collect()
}

/// Nothing of that team waits. A team that has nothing at all may be a slip of the hand.
pub(super) fn decide_none_waits(team: &str, open: &[Incident]) -> Decision {
    let of_it = open.iter().filter(|incident| incident.team == team).count();
    if of_it > 0 {
        let what = if of_it == 1 { "its incident is" } else { "its incidents are" };
        let text = format!("nothing of {team} waits for somebody: {what} acknowledged or mitigated already");
        return Decision { changes: Vec::new(), reply: Some(CommandReply::granted(text)) };
    }
    let mut teams: Vec<&str> = open.iter().map(|incident| incident.team.as_str()).collect();
    teams.sort_unstable();
    teams.dedup();
    decline(match teams.as_slice() {
        [] => format!("no incident of {team} is open, and none of another team"),
        teams => format!("no incident of {team} is open; there are some of: {}", teams.join(", ")),
    })
}
