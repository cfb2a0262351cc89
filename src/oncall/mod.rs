//! Who is on call: the teams, members and rotations of `oncall.yaml`.
//!
//! Pure: no file is read and no clock is asked. Time comes in as an argument, and the same question always has the same
//! answer. A rotation is arithmetic on the calendar of its time zone, so that one that began ten years ago answers as fast
//! as one that began today.
//!
//! A team has a primary layer and may have a secondary one; a layer is one rotation or several, of
//! which the first that covers an instant counts; overrides lie over that. Each of the three says
//! of an instant whose turn it is and how long that holds, and all answers are made of these.

mod addresses;
mod calendar;
mod changes;
mod check;
mod contacts;
mod covers;
mod document;
mod error;
mod experts;
mod findings;
mod hours;
mod imported;
mod layer;
mod nearest;
mod policy;
mod roster;
mod rotation;
mod schedule;
mod stretch;
#[cfg(test)]
mod tests;
mod told;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

pub use addresses::Addresses;
pub use calendar::CalendarError;
pub use contacts::{CONTACT_SINKS, Paged, RosterContacts};
pub use covers::PassedOver;
pub use document::schema;
pub use experts::Area;
pub use findings::{Finding, LOOK_AHEAD};
pub use imported::Imported;
pub use layer::{Rotations, TurnSource};
pub use policy::{Call, Callee, Policy, Step};
pub use roster::Roster;
pub use rotation::{Rotation, Shift};
pub use told::Asking;

use crate::diagnostics::Diagnostics;
use crate::model::{ActingRole, ActingTeams, Deceiving, GivenTo, Layer, OverrideId, PageFor, PageHours};
use contacts::ContactsEach;
use covers::Covers;
use told::SHOWN;

/// The content of one `oncall.yaml`, checked: every name that it refers to is there.
#[derive(Debug, Clone)]
pub struct OnCall {
    members: Vec<Arc<Member>>,
    teams: Vec<Team>,
    areas: Vec<Area>,
    /// To whom roles are given.
    given: BTreeMap<ActingRole, GivenTo>,
    /// Of teams that have no policy of their own.
    usual: Policy,
    covers: Covers,
    /// What in the file shows its reader something else than it says.
    odd: Vec<Deceiving>,
}

/// Somebody who can be on call. The name is unique, and so is the Discord id.
#[derive(Clone, PartialEq, Eq)]
pub struct Member {
    pub name: String,
    /// Where there is none, they can be named, but not called.
    pub addresses: Addresses,
    contacts: ContactsEach,
    /// Where the member lives: for showing times. Handoffs follow the rotation's zone.
    pub time_zone: Option<Tz>,
}

/// A team that owns playbooks and is paged by them.
#[derive(Debug, Clone)]
pub struct Team {
    /// Lower-case letters, digits and `-`, so that it can stand in a file name.
    pub name: String,
    /// Where this team is paged; where there is none, wherever the sink pages by default.
    pub channels: Addresses,
    /// The primary layer.
    pub rotation: Rotations,
    pub secondary: Option<Rotations>,
    pub manager: Option<Arc<Member>>,
    /// `None`: as all teams have it that say nothing.
    pub escalation: Option<Policy>,
    /// When it is paged for S3, too.
    pub pages_s3: Option<PageHours>,
}

/// A member and the shift that is theirs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watch {
    pub member: Arc<Member>,
    pub shift: Shift,
    /// What makes it theirs, where it is not the rotation.
    pub cover: Option<OverrideId>,
}

/// Gives the content of a calendar's file, or says why not.
pub type ReadCalendar<'a> = &'a dyn Fn(&str) -> Result<String, String>;

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
    /// All that is wrong, each with line, column, snippet and what to write instead.
    pub fn parse(source_name: &str, text: &str) -> Result<Self, Diagnostics> {
        Self::parse_with(source_name, text, &|_| Err("calendars are not read here".to_owned()))
    }

    /// The same where rotations may be calendars: `read` gives the content of the file of that
    /// name, or says why it cannot be read.
    ///
    /// # Errors
    /// As [`OnCall::parse`]; also what is wrong with a calendar, at the place where it is named.
    pub fn parse_with(source_name: &str, text: &str, read: ReadCalendar<'_>) -> Result<Self, Diagnostics> {
        check::check(source_name, text, read)
    }

    /// Everybody, in the order of the file.
    pub fn members(&self) -> &[Arc<Member>] {
        &self.members
    }

    /// The member of that name.
    pub fn member(&self, name: &str) -> Option<&Arc<Member>> {
        self.members.iter().find(|member| member.name == name)
    }

    /// Whether there is a member of that name.
    ///
    /// # Errors
    /// There is none; the text says who it may have been meant to be.
    pub fn knows_member(&self, name: &str) -> Result<(), String> {
        if self.member(name).is_some() {
            return Ok(());
        }
        let remedy = nearest::instead(name, self.members.iter().map(|member| member.name.as_str()));
        Err(format!("oncall.yaml knows no member `{}`; {remedy}", error::shortened(name)))
    }

    /// The member who has that name at that sink.
    pub fn member_at(&self, sink: &str, address: &str) -> Option<&Arc<Member>> {
        self.members.iter().find(|member| member.addresses.at(sink) == Some(address))
    }

    /// The teams, in the order of the file, which has at least one.
    pub fn teams(&self) -> &[Team] {
        &self.teams
    }

    /// Which team can act on which cause.
    pub fn acting(&self) -> ActingTeams {
        match self.teams.as_slice() {
            [] => ActingTeams::default(),
            teams => ActingTeams::new(teams.iter().map(|team| team.name.clone()), self.given.clone()),
        }
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
}

/// By name alone: what refers to a member has not changed with their addresses, and who knows a
/// topic may read it.
impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Member").field(&self.name).finish()
    }
}

impl Member {
    /// Of that name, and nothing else.
    fn named(name: &str) -> Self {
        let (addresses, contacts) = (Addresses::default(), ContactsEach::new());
        Self { name: name.to_owned(), addresses, contacts, time_zone: None }
    }
}

impl Default for OnCall {
    /// Of no file: there is no team.
    fn default() -> Self {
        let (members, teams, areas) = (Vec::new(), Vec::new(), Vec::new());
        Self {
            members,
            teams,
            areas,
            given: BTreeMap::new(),
            usual: Policy::usual(),
            covers: Covers::new(),
            odd: Vec::new(),
        }
    }
}

impl Team {
    /// The rotations of that layer, if it has one.
    pub fn layer(&self, layer: Layer) -> Option<&Rotations> {
        match layer {
            Layer::Primary => Some(&self.rotation),
            Layer::Secondary => self.secondary.as_ref(),
        }
    }

    /// All who take turns, in whichever layer, each once.
    pub fn members(&self) -> Vec<Arc<Member>> {
        let mut members = self.rotation.members().to_vec();
        for member in self.secondary.iter().flat_map(Rotations::members) {
            if members.iter().all(|known| known.name != member.name) {
                members.push(Arc::clone(member));
            }
        }
        members
    }

    /// The time as the clocks of the first rotation show it: `Mon 2026-03-09 09:00 Europe/Paris`.
    pub fn local(&self, at: DateTime<Utc>) -> String {
        let zone = self.rotation.time_zone();
        format!("{} {zone}", at.with_timezone(&zone).format(SHOWN))
    }

    fn beyond_calendar(&self, at: DateTime<Utc>) -> ScheduleError {
        ScheduleError::BeyondCalendar { team: self.name.clone(), at }
    }
}
