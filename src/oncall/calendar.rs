//! Who is on call as a calendar: iCalendar, [RFC 5545](https://www.rfc-editor.org/rfc/rfc5545).

use icalendar::{Calendar, Component as _, Event, EventLike as _, Property};

use super::told::FURTHEST;
use super::{Asking, LOOK_AHEAD, Member, OnCall, ScheduleError, Team, Watch, error, nearest};
use crate::model::Layer;

/// As many shifts of one layer: a year of three a day is about a thousand.
const MOST_EVENTS: usize = 2_000;

/// Why there is no calendar.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CalendarError {
    #[error("no team and no member is called `{name}`; {remedy}")]
    Unknown { name: String, remedy: String },
    #[error(transparent)]
    Schedule(#[from] ScheduleError),
}

impl OnCall {
    /// The shifts of a team, or of a member in all teams, as a calendar. An event is known by its
    /// team, layer and beginning: whoever imports it anew finds the shifts that are there already,
    /// as they are now.
    ///
    /// # Errors
    /// Neither a team nor a member has that name.
    pub fn calendar(&self, asking: Asking<'_>) -> Result<String, CalendarError> {
        let (teams, member): (Vec<&Team>, Option<&Member>) = match asking.team {
            None => (self.teams().iter().collect(), None),
            Some(name) => match (self.team(name), self.member(name)) {
                (Ok(team), _) => (vec![team], None),
                (Err(_), Some(member)) => (self.teams().iter().collect(), Some(member)),
                (Err(_), None) => {
                    let members = self.members.iter().map(|member| member.name.as_str());
                    let known = self.teams.iter().map(|team| team.name.as_str()).chain(members);
                    let remedy = nearest::instead(name, known);
                    return Err(CalendarError::Unknown { name: error::shortened(name), remedy });
                }
            },
        };
        let mut calendar = Calendar::empty();
        calendar.append_property(Property::new("VERSION", "2.0"));
        calendar.append_property(Property::new("PRODID", "-//Dogwatch//on call//EN"));
        calendar.append_property(Property::new("CALSCALE", "GREGORIAN"));
        calendar.name(&format!("On call: {}", asking.team.unwrap_or("all teams")));
        let until = asking.at + asking.lasting.unwrap_or(LOOK_AHEAD).min(FURTHEST);
        for team in teams {
            for layer in Layer::ALL {
                if asking.layer.is_some_and(|asked| asked != layer) {
                    continue;
                }
                let shifts = self.shifts_in(&team.name, layer, asking.at, until)?.take(MOST_EVENTS);
                let theirs = shifts.filter(|watch| member.is_none_or(|member| watch.member.name == member.name));
                calendar.extend(theirs.map(|watch| event(team, layer, &watch, asking)));
            }
        }
        Ok(calendar.to_string())
    }
}

fn event(team: &Team, layer: Layer, watch: &Watch, asking: Asking<'_>) -> Event {
    let (name, from) = (&team.name, watch.shift.from);
    let mut event = Event::new();
    event
        .uid(&format!("{name}-{layer}-{}@dogwatch", from.format("%Y%m%dT%H%M%SZ")))
        .timestamp(asking.at)
        .starts(from)
        .ends(watch.shift.to)
        .summary(&format!("{} is {} for {name}", watch.member.name, layer.duty()))
        // Whoever is on call has time for others.
        .add_property("TRANSP", "TRANSPARENT");
    if let Some(id) = watch.cover {
        event.description(&format!("by the override {id}"));
    }
    event.done()
}
