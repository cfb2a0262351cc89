//! The rotations of a layer, as the file says them.

use std::sync::Arc;

use chrono::NaiveTime;
use chrono_tz::Tz;
use serde_saphyr::{Location, Spanned};

use super::{Check, parse_digits, shortened};
use crate::diagnostics::{Code, Diagnostic};
use crate::model::PageHours;
use crate::oncall::document::{HandoffEntry, HoursEntry, RotationEntry, RotationsEntry, Times};
use crate::oncall::{Imported, Member, Rotation, Rotations, TurnSource, nearest};

/// The longest time between two handoffs: what is longer is a slip of the hand.
const MAX_DAYS: u64 = 366;

/// Each instant asks all of them; the sun needs three.
const MOST_ROTATIONS: usize = 12;

/// The end of a day, which is no time of day.
const MIDNIGHT: &str = "24:00";

/// Whether hours must end on the day on which they begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SameDay {
    Needed,
    Free,
}

impl Check<'_> {
    pub(super) fn hours(&self, entry: &HoursEntry, zone: Tz, same_day: SameDay) -> Result<PageHours, Diagnostic> {
        let days = PageHours::parse_days(&entry.days.value).ok_or_else(|| {
            let message = format!("`{}` are no days of the week", shortened(&entry.days.value));
            self.wrong(Code::InvalidValue, &entry.days, message, "write `mon-fri`, `mon, wed` or `daily`")
        })?;
        let from = self.time(&entry.from)?;
        let to = if entry.to.value == MIDNIGHT { NaiveTime::MIN } else { self.time(&entry.to)? };
        let wraps = to <= from;
        if wraps && same_day == SameDay::Needed && entry.to.value != MIDNIGHT {
            let message = format!("the hours end at {}, before they begin at {}", entry.to.value, entry.from.value);
            return Err(self.wrong(
                Code::InvalidRotation,
                &entry.to,
                message,
                "write a later time of the same day, such as \"17:00\"",
            ));
        }
        if to == from && entry.to.value != MIDNIGHT {
            let message = format!("the hours end at {}, when they begin", entry.to.value);
            return Err(self.wrong(
                Code::InvalidRotation,
                &entry.to,
                message,
                "write another time, or \"24:00\" for the end of the day",
            ));
        }
        let zone = entry.time_zone.as_ref().map_or(Ok(zone), |text| self.time_zone(text))?;
        Ok(PageHours { days, from, to, zone, written: entry.days.value.trim().to_owned() })
    }

    /// The rotations of one layer.
    pub(super) fn rotations(
        &self,
        team: &str,
        entry: &Spanned<RotationsEntry>,
        known: &[Arc<Member>],
    ) -> Result<Rotations, Diagnostic> {
        let entries = &entry.value.0;
        if entries.len() > MOST_ROTATIONS {
            let message = format!("there are {} rotations", entries.len());
            return Err(self.wrong(Code::OutOfRange, entry, message, format!("write {MOST_ROTATIONS} at the most")));
        }
        let source = |(own, rotation): &(Option<Location>, RotationEntry)| {
            self.source(team, own.unwrap_or(entry.referenced), rotation, known)
        };
        let list = entries.iter().map(source).collect::<Result<_, _>>()?;
        Rotations::new(list).ok_or_else(|| {
            let message = format!("nobody takes turns in team `{team}`");
            self.wrong(Code::InvalidRotation, entry, message, "write at least one rotation")
        })
    }

    fn source(
        &self,
        team: &str,
        place: Location,
        entry: &RotationEntry,
        known: &[Arc<Member>],
    ) -> Result<TurnSource, Diagnostic> {
        let Some(file) = &entry.ical else { return self.turns(team, place, entry, known).map(TurnSource::Turns) };
        if entry.start.is_some() || entry.handoff.is_some() || entry.members.is_some() || entry.only.is_some() {
            let message = "a calendar says by itself who is on call and when";
            return Err(self.wrong(
                Code::Contradiction,
                file,
                message,
                "write `time_zone` beside `ical`, and nothing else",
            ));
        }
        let zone = entry.time_zone.as_ref().map_or(Ok(Tz::UTC), |text| self.time_zone(text))?;
        let text = (self.read)(&file.value).map_err(|error| {
            let message = format!("the calendar {} cannot be read: {error}", shortened(&file.value));
            self.wrong(Code::Unreadable, file, message, "name a file, from the folder of this one on")
        })?;
        let imported = Imported::read(&text, zone, known);
        imported
            .map(TurnSource::Calendar)
            .map_err(|(message, remedy)| self.wrong(Code::InvalidCalendar, file, message, remedy))
    }

    fn turns(
        &self,
        team: &str,
        place: Location,
        entry: &RotationEntry,
        known: &[Arc<Member>],
    ) -> Result<Rotation, Diagnostic> {
        let missing = |field: &str| {
            self.wrong_at(
                Code::MissingField,
                place,
                format!("`{field}` is missing"),
                format!("write `{field}: ...` here"),
            )
        };
        let time_zone = self.time_zone(entry.time_zone.as_ref().ok_or_else(|| missing("time_zone"))?)?;
        let start = self.date(entry.start.as_ref().ok_or_else(|| missing("start"))?)?;
        let (times, every_days) = self.handoff(entry.handoff.as_ref().ok_or_else(|| missing("handoff"))?)?;
        let names = entry.members.as_ref().ok_or_else(|| missing("members"))?;
        if names.value.is_empty() {
            let message = format!("nobody takes turns in team `{team}`");
            return Err(self.wrong(Code::InvalidRotation, names, message, "write at least one name of members"));
        }
        let mut members = Vec::new();
        for name in &names.value {
            let Some(member) = known.iter().find(|member| member.name == name.value) else {
                let message = format!("team `{team}` names member `{}`, who is not in members", shortened(&name.value));
                let remedy = match known {
                    [] => "add them to members".to_owned(),
                    _ => nearest::instead(&name.value, known.iter().map(|member| member.name.as_str())),
                };
                return Err(self.wrong(Code::UnknownName, name, message, remedy));
            };
            members.push(Arc::clone(member));
        }
        let only = entry.only.as_ref().map(|hours| self.hours(hours, time_zone, SameDay::Free)).transpose()?;
        Ok(Rotation { time_zone, start, every_days, times, members, only })
    }

    /// The times of a round of handoffs, and the days from one round to the next.
    fn handoff(&self, entry: &HandoffEntry) -> Result<(Vec<NaiveTime>, u64), Diagnostic> {
        let every_days = parse_days(&entry.every.value).ok_or_else(|| {
            let message = format!("`{}` is no time between handoffs", shortened(&entry.every.value));
            let remedy = format!("write days or weeks, such as `1d` or `1w`, of {MAX_DAYS} days at most");
            self.wrong(Code::InvalidValue, &entry.every, message, remedy)
        })?;
        let several = match &entry.at.value {
            Times::One(text) => {
                let text = Spanned::new(text.clone(), entry.at.referenced, entry.at.defined);
                return Ok((vec![self.time(&text)?], every_days));
            }
            Times::Several(several) => several,
        };
        let mut times: Vec<NaiveTime> = Vec::new();
        for text in several {
            let time = self.time(text)?;
            if times.last().is_some_and(|last| *last >= time) {
                let message = format!("the handoff at `{}` does not come after the one before it", text.value);
                return Err(self.wrong(
                    Code::InvalidRotation,
                    text,
                    message,
                    "write each time once, in the order of the day",
                ));
            }
            times.push(time);
        }
        if times.is_empty() {
            return Err(self.wrong(
                Code::InvalidRotation,
                &entry.at,
                "there is no time of handoff",
                "write one, such as `at: \"09:00\"`",
            ));
        }
        if times.len() > 1 && every_days > 1 {
            let message = format!("{} handoffs a day don't go with `every: {}`", times.len(), entry.every.value);
            return Err(self.wrong(Code::Contradiction, &entry.every, message, "write `every: 1d`, or one time only"));
        }
        Ok((times, every_days))
    }
}

/// `1d` is 1, `2w` is 14.
fn parse_days(text: &str) -> Option<u64> {
    let (number, days) = match (text.strip_suffix('d'), text.strip_suffix('w')) {
        (Some(number), _) => (number, 1),
        (_, Some(number)) => (number, 7),
        _ => return None,
    };
    let total = parse_digits(number)?.checked_mul(days)?;
    (1..=MAX_DAYS).contains(&total).then_some(total)
}
