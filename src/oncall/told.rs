//! Who is on call, as people are told: by the command line without a server, and by the bot.

use chrono::{DateTime, TimeDelta, Utc};

use super::{LOOK_AHEAD, OnCall, ScheduleError, Team, Watch};
use crate::model::Layer;

/// What a question is about.
#[derive(Debug, Clone, Copy)]
pub struct Asking<'a> {
    /// `None`: all teams.
    pub team: Option<&'a str>,
    /// `None`: those that the team has.
    pub layer: Option<Layer>,
    pub at: DateTime<Utc>,
    /// How far ahead; `None`: as far as is usual.
    pub lasting: Option<TimeDelta>,
}

/// A schedule is two weeks, if nothing else is said.
const SCHEDULE: TimeDelta = TimeDelta::days(14);

/// Nobody looks further ahead.
pub(super) const FURTHEST: TimeDelta = TimeDelta::days(366);

/// As many lines of one layer: what is more is read from a calendar.
const MOST_LINES: usize = 200;

/// A moment, by the clocks of a team.
pub(super) const SHOWN: &str = "%a %Y-%m-%d %H:%M";

impl OnCall {
    /// A line for each layer: who is on call, until when, and who comes next; and of all teams, one
    /// for each area of experts.
    ///
    /// # Errors
    /// An unknown team.
    pub fn tell_who(&self, asking: Asking<'_>) -> Result<String, ScheduleError> {
        let mut told = self.each_layer(asking, |team, layer| self.who_line(team, layer, asking.at))?;
        if asking.team.is_none() && asking.layer.is_none() {
            for area in self.areas() {
                told.push_str(&format!("\nexperts of {}: {}", area.name, area.names().join(", ")));
            }
        }
        Ok(told)
    }

    /// The turns and gaps that are to come.
    ///
    /// # Errors
    /// An unknown team.
    pub fn tell_schedule(&self, asking: Asking<'_>) -> Result<String, ScheduleError> {
        let until = asking.at + asking.lasting.unwrap_or(SCHEDULE).min(FURTHEST);
        self.each_layer(asking, |team, layer| Ok(self.schedule(team, layer, asking.at, until)))
    }

    /// The gaps that are to come.
    ///
    /// # Errors
    /// An unknown team.
    pub fn tell_gaps(&self, asking: Asking<'_>) -> Result<String, ScheduleError> {
        let lasting = asking.lasting.unwrap_or(LOOK_AHEAD).min(FURTHEST);
        self.each_layer(asking, |team, layer| {
            let zone = team.rotation.time_zone();
            let gaps = self.gaps(&team.name, layer, asking.at, asking.at + lasting)?;
            let name = named(team, layer);
            if gaps.is_empty() {
                return Ok(format!("{name}: no gap within {} days", lasting.num_days()));
            }
            let lines: Vec<String> = gaps.iter().map(|gap| format!("  {}", gap.shown(zone))).collect();
            Ok(format!("{name}: nobody is on call\n{}", shortened(lines)))
        })
    }

    /// All that may be a mistake.
    pub fn tell_findings(&self, asking: Asking<'_>) -> String {
        let findings: Vec<String> = self.findings(asking.at).iter().map(ToString::to_string).collect();
        if findings.is_empty() {
            let days = LOOK_AHEAD.num_days();
            return format!("somebody is on call at any time of the next {days} days, and everybody can be reached");
        }
        findings.join("\n")
    }

    fn each_layer(
        &self,
        asking: Asking<'_>,
        tell: impl Fn(&Team, Layer) -> Result<String, ScheduleError>,
    ) -> Result<String, ScheduleError> {
        let teams: Vec<&Team> = match asking.team {
            Some(team) => vec![self.team(team)?],
            None => self.teams().iter().collect(),
        };
        let mut told = Vec::new();
        for team in teams {
            let is_asked = |layer: &Layer| asking.layer.is_none_or(|asked| asked == *layer);
            for layer in Layer::ALL.into_iter().filter(is_asked) {
                match team.layer(layer) {
                    Some(_) => told.push(tell(team, layer)?),
                    None if asking.layer.is_some() => told.push(format!("{}: there is none", named(team, layer))),
                    None => {}
                }
            }
        }
        Ok(told.join("\n"))
    }

    fn who_line(&self, team: &Team, layer: Layer, at: DateTime<Utc>) -> Result<String, ScheduleError> {
        let name = named(team, layer);
        let next = |at| {
            Ok::<_, ScheduleError>(
                self.who_in(&team.name, layer, at)?.map_or("nobody".to_owned(), |watch| shown(&watch)),
            )
        };
        if let Some(watch) = self.who_in(&team.name, layer, at)? {
            let until = watch.shift.to;
            return Ok(format!("{name}: {} until {}, then {}", shown(&watch), team.local(until), next(until)?));
        }
        let Ok(ends) = self.next_handoff_in(&team.name, layer, at) else {
            return Ok(format!("{name}: nobody, and there are no shifts to come"));
        };
        let has_begun = self.covered(team, layer).and_then(|covered| covered.at(at));
        if has_begun.is_some_and(|stretch| stretch.span.from.is_none()) {
            return Ok(format!("{name}: nobody; its rotation begins {}", team.local(ends)));
        }
        Ok(format!("{name}: nobody until {}, then {}", team.local(ends), next(ends)?))
    }

    fn schedule(&self, team: &Team, layer: Layer, from: DateTime<Utc>, until: DateTime<Utc>) -> String {
        let zone = team.rotation.time_zone();
        let local = |at: DateTime<Utc>| at.with_timezone(&zone).format(SHOWN).to_string();
        let mut lines = Vec::new();
        for stretch in self.stretches(team, layer, from, until) {
            let (begins, ends) = (stretch.span.from.unwrap_or(from), stretch.span.to.unwrap_or(until));
            let who = super::schedule::watch_of(&stretch).map_or("nobody".to_owned(), |watch| shown(&watch));
            lines.push(format!("  {} to {}  {who}", local(begins), local(ends)));
            if lines.len() > MOST_LINES {
                break;
            }
        }
        format!("{}, {zone}\n{}", named(team, layer), shortened(lines))
    }
}

fn named(team: &Team, layer: Layer) -> String {
    match layer {
        Layer::Primary => team.name.clone(),
        Layer::Secondary => format!("{} secondary", team.name),
    }
}

/// `carol (OVR-3)`.
fn shown(watch: &Watch) -> String {
    match watch.cover {
        Some(id) => format!("{} ({id})", watch.member.name),
        None => watch.member.name.clone(),
    }
}

fn shortened(mut lines: Vec<String>) -> String {
    if lines.len() > MOST_LINES {
        lines.truncate(MOST_LINES);
        lines.push("  and more".to_owned());
    }
    lines.join("\n")
}
