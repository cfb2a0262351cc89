//! Who is on call: the teams, members and rotations of `oncall.yaml`.
//!
//! Pure: no file is read and no clock is asked. Time comes in as an argument, and the same question always has the same
//! answer. A rotation is arithmetic on the calendar of its time zone, so that one that began ten years ago answers as fast
//! as one that began today.
//!
//! Overrides and iCal will stand here beside the rotation.

mod check;
mod document;
mod error;
mod nearest;
mod policy;
mod rotation;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

pub use error::{OnCallError, Place};
pub use policy::{Call, Callee, Policy, Step};
pub use rotation::{Rotation, Shift};

use crate::model::{PageFor, PageHours};

/// The content of one `oncall.yaml`, checked: every name that it refers to is there.
#[derive(Debug, Clone)]
pub struct OnCall {
    members: Vec<Arc<Member>>,
    teams: Vec<Team>,
    /// Of teams that have no policy of their own.
    usual: Policy,
}

/// Somebody who can be on call. The name is unique, and so is the Discord id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    pub name: String,
    /// `None`: can be named in chat, but not mentioned.
    pub discord: Option<DiscordUser>,
    pub email: Option<String>,
    /// Where the member lives: for showing times. Handoffs follow the rotation's zone.
    pub time_zone: Option<Tz>,
}

/// A team that owns playbooks and is paged by them.
#[derive(Debug, Clone)]
pub struct Team {
    /// Lower-case letters, digits and `-`, so that it can stand in a file name.
    pub name: String,
    /// Where this team is paged; `None`: wherever the bot pages by default.
    pub channel: Option<DiscordChannel>,
    pub rotation: Rotation,
    pub manager: Option<Arc<Member>>,
    /// `None`: as all teams have it that say nothing.
    pub escalation: Option<Policy>,
    /// When it is paged for S3, too.
    pub pages_s3: Option<PageHours>,
}

/// Discord's id of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DiscordUser(pub u64);

/// Discord's id of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DiscordChannel(pub u64);

/// A member and the shift that is theirs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watch {
    pub member: Arc<Member>,
    pub shift: Shift,
}

/// Why a question about a team has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    #[error("no team is called `{team}`; {remedy}")]
    UnknownTeam { team: String, remedy: String },
    /// More than 200,000 years from now, where the calendar ends.
    #[error("team `{team}` has no shift at {at}, which lies beyond the calendar; ask about an earlier time")]
    BeyondCalendar { team: String, at: DateTime<Utc> },
}

impl OnCall {
    /// Reads the content of an `oncall.yaml`; `source_name` is the name that errors give to it.
    ///
    /// # Errors
    /// The first thing that is wrong, with line, column, snippet and what to write instead.
    pub fn parse(source_name: &str, text: &str) -> Result<Self, OnCallError> {
        check::check(source_name, text)
    }

    /// Everybody, in the order of the file.
    pub fn members(&self) -> &[Arc<Member>] {
        &self.members
    }

    /// The member of that name.
    pub fn member(&self, name: &str) -> Option<&Arc<Member>> {
        self.members.iter().find(|member| member.name == name)
    }

    /// The member who is this person on Discord.
    pub fn member_by_discord(&self, id: DiscordUser) -> Option<&Arc<Member>> {
        self.members.iter().find(|member| member.discord == Some(id))
    }

    /// The teams, in the order of the file. There is at least one.
    pub fn teams(&self) -> &[Team] {
        &self.teams
    }

    /// When teams are paged for what else pages nobody.
    pub fn page_for(&self) -> PageFor {
        PageFor::with(self.teams.iter().filter_map(|team| Some((team.name.clone(), team.pages_s3.clone()?))))
    }

    /// The team of that name.
    ///
    /// # Errors
    /// [`ScheduleError::UnknownTeam`], which says what it may have been meant to be.
    pub fn team(&self, name: &str) -> Result<&Team, ScheduleError> {
        self.teams.iter().find(|team| team.name == name).ok_or_else(|| ScheduleError::UnknownTeam {
            team: error::shortened(name),
            remedy: nearest::instead(name, self.teams.iter().map(|team| team.name.as_str())),
        })
    }

    /// Whether somebody can be given something: a member, or else a team.
    ///
    /// # Errors
    /// Neither; the text says what it may have been meant to be.
    pub fn knows(&self, name: &str) -> Result<(), String> {
        let members = self.members.iter().map(|member| member.name.as_str());
        let teams = self.teams.iter().map(|team| team.name.as_str());
        let known = members.chain(teams);
        if known.clone().any(|known| known == name) {
            return Ok(());
        }
        let remedy = nearest::instead(name, known);
        Err(format!("oncall.yaml knows no member and no team `{}`; {remedy}", error::shortened(name)))
    }

    /// Who is on call at `at`, and for how long. `None`: nobody, as the rotation has not begun; [`OnCall::next_handoff`]
    /// then gives its beginning.
    ///
    /// # Errors
    /// An unknown team, or the end of the calendar.
    pub fn who(&self, team: &str, at: DateTime<Utc>) -> Result<Option<Watch>, ScheduleError> {
        let team = self.team(team)?;
        let Some(slot) = team.rotation.slot_at(at) else { return Ok(None) };
        team.rotation.watch(slot).map(Some).ok_or_else(|| team.beyond_calendar(at))
    }

    /// The shift that `at` lies in. `None` before the rotation's beginning.
    ///
    /// # Errors
    /// An unknown team, or the end of the calendar.
    pub fn shift_at(&self, team: &str, at: DateTime<Utc>) -> Result<Option<Shift>, ScheduleError> {
        Ok(self.who(team, at)?.map(|watch| watch.shift))
    }

    /// The first handoff after `after`, never `after` itself. Before the rotation's beginning, that beginning.
    ///
    /// # Errors
    /// An unknown team, or the end of the calendar.
    pub fn next_handoff(&self, team: &str, after: DateTime<Utc>) -> Result<DateTime<Utc>, ScheduleError> {
        let team = self.team(team)?;
        let next = team.rotation.slot_at(after).map_or(0, |slot| slot + 1);
        team.rotation.handoff(next).ok_or_else(|| team.beyond_calendar(after))
    }

    /// The shifts of which some part lies in `from..to`, whole and in order, each with its member. They are computed as they
    /// are asked for.
    ///
    /// # Errors
    /// An unknown team.
    pub fn shifts_between<'a>(
        &'a self,
        team: &str,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
    ) -> Result<impl Iterator<Item = Watch> + use<'a>, ScheduleError> {
        let rotation = &self.team(team)?.rotation;
        let first = rotation.slot_at(from).unwrap_or(0);
        Ok((first..)
            .map_while(|slot| rotation.watch(slot))
            .take_while(move |watch| from < to && watch.shift.from < to)
            .filter(|watch| !watch.shift.is_empty()))
    }
}

impl Team {
    fn beyond_calendar(&self, at: DateTime<Utc>) -> ScheduleError {
        ScheduleError::BeyondCalendar { team: self.name.clone(), at }
    }
}

impl fmt::Display for DiscordUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for DiscordChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
