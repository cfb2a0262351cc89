//! What a file says that is no error and may be a mistake: times in which nobody is on call, and
//! people whom nobody can reach.

use std::collections::BTreeSet;
use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use super::layer::{Rotations, TurnSource};
use super::stretch::Stretch;
use super::told::SHOWN;
use super::{Callee, Member, OnCall, ScheduleError, Shift, Team};
use crate::model::{Deceiving, Layer, to_the_minute};

/// So far ahead gaps and overlaps are looked for: a quarter has a change of clocks in it, or the
/// end of one.
pub const LOOK_AHEAD: TimeDelta = TimeDelta::days(90);

/// Rounds of a look ahead: twelve rotations that change several times a day do not reach it.
const MOST_STEPS: usize = 20_000;

/// Something that may be a mistake. Shown as a sentence, with what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// Nobody is on call. The first such time, how many more there are, and how long all of them
    /// are.
    Gap { team: String, layer: Layer, first: Shift, more: usize, in_all: TimeDelta, zone: Tz },
    /// Nobody is on call now, as no rotation of the layer has begun. `None`: none ever does.
    ToCome { team: String, layer: Layer, begins: Option<DateTime<Utc>> },
    /// Two rotations of a layer, by their places from 1, cover the same time.
    Overlap { team: String, layer: Layer, rotations: (usize, usize), first: Shift, zone: Tz },
    /// Two events of a calendar are at once.
    EventsAtOnce { team: String, layer: Layer, first: Shift, zone: Tz },
    /// One person is the primary and the secondary.
    SamePerson { team: String, member: String, first: Shift, zone: Tz },
    /// They may be called, and a page can mention none of them.
    NoAddress { members: Vec<String> },
    /// Nothing belongs to it, and no step calls its experts.
    IdleArea { area: String },
    /// The same for all whom a team can call.
    Unreachable { team: String },
    /// The file shows its reader something else than it says.
    Odd(Deceiving),
}

impl OnCall {
    /// The times in `from..to` in which nobody is on call, in order: none where the team has no
    /// such layer.
    ///
    /// # Errors
    /// An unknown team.
    pub fn gaps(
        &self,
        team: &str,
        layer: Layer,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
    ) -> Result<Vec<Shift>, ScheduleError> {
        let stretches = self.stretches(self.team(team)?, layer, from, to);
        let gap = |Stretch { turn, span }: Stretch| {
            let within =
                Shift { from: span.from.map_or(from, |at| at.max(from)), to: span.to.map_or(to, |at| at.min(to)) };
            turn.is_none().then_some(within)
        };
        Ok(stretches.filter_map(gap).collect())
    }

    /// All that may be a mistake within [`LOOK_AHEAD`] of `now`, team by team.
    pub fn findings(&self, now: DateTime<Utc>) -> Vec<Finding> {
        let mut found: Vec<Finding> = self.odd.iter().cloned().map(Finding::Odd).collect();
        for team in &self.teams {
            for layer in Layer::ALL {
                let Some(rotations) = team.layer(layer) else { continue };
                found.extend(self.gap_of(team, layer, now));
                found.extend(overlap(team, layer, rotations, now));
                found.extend(at_once(team, layer, rotations, now));
            }
            found.extend(self.same_person(team, now));
            if self.callable(team).iter().all(|member| !member.has_address()) {
                found.push(Finding::Unreachable { team: team.name.clone() });
            }
        }
        found.extend(self.idle_areas().map(|area| Finding::IdleArea { area: area.to_owned() }));
        let experts = self.areas.iter().flat_map(|area| area.people.iter().map(AsRef::as_ref));
        let called = self.teams.iter().flat_map(|team| self.callable(team)).chain(experts);
        let called: BTreeSet<&str> = called.map(|member| member.name.as_str()).collect();
        let silent =
            self.members.iter().filter(|member| called.contains(member.name.as_str()) && !member.has_address());
        let members: Vec<String> = silent.map(|member| member.name.clone()).collect();
        if !members.is_empty() {
            found.push(Finding::NoAddress { members });
        }
        found
    }

    fn gap_of(&self, team: &Team, layer: Layer, now: DateTime<Utc>) -> Option<Finding> {
        let (name, zone) = (team.name.clone(), team.layer(layer)?.time_zone());
        let first = self.covered(team, layer)?.at(now)?;
        if first.turn.is_none() && first.span.from.is_none() {
            return Some(Finding::ToCome { team: name, layer, begins: first.span.to });
        }
        let gaps = self.gaps(&team.name, layer, now, now + LOOK_AHEAD).ok()?;
        let in_all = gaps.iter().map(|gap| gap.to - gap.from).sum();
        let more = gaps.len().saturating_sub(1);
        Some(Finding::Gap { team: name, layer, first: *gaps.first()?, more, in_all, zone })
    }

    fn same_person(&self, team: &Team, now: DateTime<Utc>) -> Option<Finding> {
        let zone = team.rotation.time_zone();
        let (primary, secondary) = (self.covered(team, Layer::Primary)?, self.covered(team, Layer::Secondary)?);
        let mut at = now;
        for _ in 0..MOST_STEPS {
            let (one, other) = (primary.at(at)?, secondary.at(at)?);
            let both = one.span.and(other.span);
            let names = [&one, &other].map(|stretch| stretch.turn.as_ref().map(|turn| &turn.member.name));
            if let [Some(first), Some(second)] = names
                && first == second
            {
                let within = Shift { from: at, to: both.to? };
                return Some(Finding::SamePerson {
                    team: team.name.clone(),
                    member: first.clone(),
                    first: within,
                    zone,
                });
            }
            at = both.to.filter(|to| *to < now + LOOK_AHEAD)?;
        }
        None
    }

    fn idle_areas(&self) -> impl Iterator<Item = &str> {
        let policies = self.teams.iter().filter_map(|team| team.escalation.as_ref()).chain([&self.usual]);
        let steps = policies.flat_map(|policy| &policy.steps).flat_map(|step| &step.call);
        let named: BTreeSet<&str> = steps
            .filter_map(|callee| match callee {
                Callee::ExpertsOf(area) => Some(area.as_str()),
                _ => None,
            })
            .collect();
        let idle = self.areas.iter().filter(|area| area.is_called_by_name_alone());
        idle.map(|area| area.name.as_str()).filter(move |area| !named.contains(area))
    }

    /// All whom the team can call by itself.
    fn callable<'a>(&'a self, team: &'a Team) -> Vec<&'a Member> {
        let layers = [Some(&team.rotation), team.secondary.as_ref()].into_iter().flatten();
        let mut members: Vec<&Member> = layers.flat_map(Rotations::members).map(AsRef::as_ref).collect();
        for callee in self.policy(&team.name).steps.iter().flat_map(|step| &step.call) {
            match callee {
                Callee::Person(member) => members.push(member),
                Callee::Manager => members.extend(team.manager.as_deref()),
                // The others take turns, or are another team's.
                Callee::OnCall
                | Callee::Secondary
                | Callee::Next
                | Callee::Everybody
                | Callee::DefaultTeam
                | Callee::Experts
                | Callee::ExpertsOf(_)
                | Callee::Rotation(_)
                | Callee::Team(_) => {}
            }
        }
        members
    }
}

impl Member {
    /// Whether anybody could write to them.
    pub fn has_address(&self) -> bool {
        !self.addresses.is_empty()
    }
}

/// In the layer's calendars, the first two that are not over.
fn at_once(team: &Team, layer: Layer, rotations: &Rotations, now: DateTime<Utc>) -> Option<Finding> {
    let shared = |source: &'_ TurnSource| match source {
        TurnSource::Calendar(imported) => imported.shared().to_vec(),
        TurnSource::Turns(_) => Vec::new(),
    };
    let first = rotations.rotations().iter().flat_map(shared).find(|shared| shared.to > now)?;
    Some(Finding::EventsAtOnce { team: team.name.clone(), layer, first, zone: rotations.time_zone() })
}

/// The first time that two rotations of the layer cover.
fn overlap(team: &Team, layer: Layer, rotations: &Rotations, now: DateTime<Utc>) -> Option<Finding> {
    if rotations.rotations().len() < 2 {
        return None;
    }
    let mut at = now;
    for _ in 0..MOST_STEPS {
        let (mut covering, mut end) = (Vec::new(), None);
        for (place, rotation) in rotations.rotations().iter().enumerate() {
            let own = rotation.at(at)?;
            end = end.into_iter().chain(own.span.to).min();
            covering.extend(own.turn.map(|_| place + 1));
        }
        if let [first, second, ..] = covering.as_slice() {
            let both = Shift { from: at, to: end? };
            let (rotations, zone) = ((*first, *second), rotations.time_zone());
            return Some(Finding::Overlap { team: team.name.clone(), layer, rotations, first: both, zone });
        }
        at = end.filter(|to| *to < now + LOOK_AHEAD)?;
    }
    None
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Finding::Gap { team, layer, first, more, in_all, zone } => {
                write!(f, "nobody is {} for team {team} {}", layer.duty(), first.shown(*zone))?;
                match more {
                    0 => Ok(()),
                    more => {
                        let (days, hours) = (LOOK_AHEAD.num_days(), in_all.num_hours());
                        write!(f, ", nor in {more} more gaps of the next {days} days, {hours} h in all")
                    }
                }
            }
            Finding::ToCome { team, layer, begins: Some(begins) } => {
                let begins = to_the_minute(*begins);
                write!(f, "nobody is {} for team {team}: its rotation begins {begins}", layer.duty())
            }
            Finding::ToCome { team, layer, begins: None } => {
                write!(f, "nobody is ever {} for team {team}: its rotation has no shifts", layer.duty())
            }
            Finding::Overlap { team, layer, rotations: (one, other), first, zone } => {
                let shown = first.shown(*zone);
                write!(f, "rotations {one} and {other} of team {team} ({layer}) both cover {shown}: the first counts")
            }
            Finding::EventsAtOnce { team, layer, first, zone } => {
                let shown = first.shown(*zone);
                write!(f, "two events of the calendar of team {team} ({layer}) are at once {shown}: the earlier counts")
            }
            Finding::SamePerson { team, member, first, zone } => {
                let shown = first.shown(*zone);
                write!(f, "{member} is primary and secondary of team {team} {shown}: nobody stands behind them")
            }
            Finding::NoAddress { members } => {
                let members = members.join(", ");
                write!(
                    f,
                    "no address of {members} is known, such as `discord` or `email`: a page names them and mentions nobody"
                )
            }
            Finding::IdleArea { area } => {
                write!(
                    f,
                    "nothing belongs to area {area}, and no step calls its experts: write `alerts`, `playbooks` or `namespaces` \
                     beside its name, or `{{ experts: {area} }}` into an escalation"
                )
            }
            Finding::Unreachable { team } => {
                write!(
                    f,
                    "nobody of team {team} can be reached: none of them has an address, such as `discord` or `email`"
                )
            }
            Finding::Odd(odd) => {
                write!(f, "{} stands in line {}, column {}: {}", odd.name(), odd.line, odd.column, odd.remedy())
            }
        }
    }
}

impl Shift {
    /// `from Fri 2026-03-06 17:00 to Mon 2026-03-09 09:00 Europe/Paris`.
    pub fn shown(&self, zone: Tz) -> String {
        let local = |at: DateTime<Utc>| at.with_timezone(&zone).format(SHOWN).to_string();
        format!("from {} to {} {zone}", local(self.from), local(self.to))
    }
}
