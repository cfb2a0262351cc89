//! A rotation that a calendar says: each event that names a member is a shift. iCalendar,
//! [RFC 5545](https://www.rfc-editor.org/rfc/rfc5545).

use std::sync::Arc;

use chrono::{DateTime, NaiveDateTime, NaiveTime, Utc};
use chrono_tz::Tz;
use icalendar::{Calendar, CalendarDateTime, Component as _, DatePerhapsTime, Event, EventStatus};

use super::rotation::{OwnStretch, first_instant};
use super::stretch::Span;
use super::{Member, Shift, error};

/// The shifts of a calendar, which say by themselves whose they are.
#[derive(Debug, Clone)]
pub struct Imported {
    time_zone: Tz,
    /// In order; none begins before the one before it ends.
    shifts: Vec<(Shift, Arc<Member>)>,
    members: Vec<Arc<Member>>,
    /// The times that two events share, in order.
    shared: Vec<Shift>,
}

/// As many events of a calendar are read: a year of three a day is about a thousand.
const MOST_EVENTS: usize = 10_000;

impl Imported {
    /// Reads a calendar. Times without a zone, and whole days, are those of `time_zone`. Of two
    /// events at once, the one that begins first counts until its end.
    ///
    /// # Errors
    /// What cannot be read, and what to do about it.
    pub(super) fn read(text: &str, time_zone: Tz, known: &[Arc<Member>]) -> Result<Self, (String, String)> {
        let calendar: Calendar = text.parse().map_err(|error: String| {
            let line = error.lines().next().unwrap_or_default();
            (
                format!("the calendar cannot be read: {}", error::shortened(line)),
                "export it anew as iCalendar".to_owned(),
            )
        })?;
        let events: Vec<&Event> = calendar.components.iter().filter_map(|component| component.as_event()).collect();
        if events.len() > MOST_EVENTS {
            let remedy = format!("export a shorter time, of {MOST_EVENTS} events at most");
            return Err((format!("the calendar has {} events", events.len()), remedy));
        }
        let mut found = Vec::new();
        for event in events.into_iter().filter(|event| event.get_status() != Some(EventStatus::Cancelled)) {
            // Calendars have other events, too: who is missing is told as a gap.
            let Some(member) = named(event, known) else { continue };
            refuse_repeats(event)?;
            found.push((shift(event, time_zone)?, Arc::clone(member)));
        }
        found.sort_by_key(|(shift, _)| *shift);
        let (mut shifts, mut shared): (Vec<(Shift, Arc<Member>)>, _) = (Vec::new(), Vec::new());
        for (mut shift, member) in found {
            if let Some((last, _)) = shifts.last().filter(|(last, _)| last.to > shift.from) {
                shared.push(Shift { from: shift.from, to: shift.to.min(last.to) });
                shift.from = last.to;
            }
            if shift.from < shift.to {
                shifts.push((shift, member));
            }
        }
        let mut members: Vec<Arc<Member>> = Vec::new();
        for (_, member) in &shifts {
            if members.iter().all(|known| known.name != member.name) {
                members.push(Arc::clone(member));
            }
        }
        Ok(Self { time_zone, shifts, members, shared })
    }

    pub(super) fn time_zone(&self) -> Tz {
        self.time_zone
    }

    pub(super) fn members(&self) -> &[Arc<Member>] {
        &self.members
    }

    pub(super) fn shared(&self) -> &[Shift] {
        &self.shared
    }

    pub(super) fn at(&self, at: DateTime<Utc>) -> OwnStretch {
        let next = self.shifts.partition_point(|(shift, _)| shift.from <= at);
        let before = next.checked_sub(1).and_then(|last| Some((last, self.shifts.get(last)?)));
        if let Some((place, (shift, member))) = before.filter(|(_, (shift, _))| shift.contains(at)) {
            let span = Span { from: Some(shift.from), to: Some(shift.to) };
            return OwnStretch { turn: Some((place as u64, Arc::clone(member))), span };
        }
        let from = before.map(|(_, (shift, _))| shift.to);
        let to = self.shifts.get(next).map(|(shift, _)| shift.from);
        OwnStretch { turn: None, span: Span { from, to } }
    }
}

/// Whom the event names: the first attendee who is a member, or else the first member in its
/// summary.
fn named<'a>(event: &Event, known: &'a [Arc<Member>]) -> Option<&'a Arc<Member>> {
    let same = |a: &str, b: &str| a.trim().eq_ignore_ascii_case(b);
    for attendee in event.get_attendees() {
        let address = attendee.cal_address.trim();
        let address =
            address.get(7..).filter(|_| address.to_ascii_lowercase().starts_with("mailto:")).unwrap_or(address);
        let is_meant = |member: &&Arc<Member>| {
            member.addresses.at("email").is_some_and(|email| same(address, email))
                || attendee.cn.as_ref().is_some_and(|name| same(name, &member.name))
        };
        if let Some(member) = known.iter().find(is_meant) {
            return Some(member);
        }
    }
    let summary = event.get_summary()?.to_lowercase();
    let place = |name: &str| {
        let name = name.to_lowercase();
        let is_whole = |at: &usize| {
            let is_end = |letter: Option<char>| letter.is_none_or(|letter| !letter.is_alphanumeric());
            let (before, after) = (summary.get(..*at), summary.get(at + name.len()..));
            is_end(before.and_then(|text| text.chars().next_back()))
                && is_end(after.and_then(|text| text.chars().next()))
        };
        summary.match_indices(&name).map(|(at, _)| at).find(is_whole)
    };
    let places = known.iter().filter_map(|member| Some((place(&member.name)?, member)));
    // Of two that begin at one place, the longer is meant: `ann` and `ann lee`.
    places.min_by_key(|(at, member)| (*at, std::cmp::Reverse(member.name.len()))).map(|(_, member)| member)
}

/// Half a series would be a schedule that nobody wrote.
fn refuse_repeats(event: &Event) -> Result<(), (String, String)> {
    for word in ["RRULE", "RDATE", "EXDATE", "RECURRENCE-ID"] {
        if event.properties().contains_key(word) || event.multi_properties().contains_key(word) {
            let message = format!("{} repeats ({word}), which is not read", shown(event));
            return Err((message, "export single events, or write the rotation here".to_owned()));
        }
    }
    Ok(())
}

fn shift(event: &Event, zone: Tz) -> Result<Shift, (String, String)> {
    let wrong = |what: &str, remedy: &str| (format!("{} {what}", shown(event)), remedy.to_owned());
    let begins = event.get_start().ok_or_else(|| wrong("has no beginning", "give it a DTSTART that can be read"))?;
    let ends = match (event.get_end(), &begins) {
        (Some(ends), _) => ends,
        // A day without an end is that day.
        (None, DatePerhapsTime::Date(day)) if event.property_value("DURATION").is_none() => {
            DatePerhapsTime::Date(day.succ_opt().unwrap_or(*day))
        }
        (None, _) => return Err(wrong("has no end", "give it a DTEND; a DURATION is not read")),
    };
    let at = |time: &DatePerhapsTime| {
        instant(time, zone)
            .ok_or_else(|| wrong("has a time that is none", "write it in UTC, or with a TZID of the IANA database"))
    };
    let shift = Shift { from: at(&begins)?, to: at(&ends)? };
    if shift.to <= shift.from {
        return Err(wrong("ends before it begins", "mend it in the calendar"));
    }
    Ok(shift)
}

fn instant(time: &DatePerhapsTime, zone: Tz) -> Option<DateTime<Utc>> {
    let local = |local: NaiveDateTime, zone: Tz| first_instant(zone, local);
    match time {
        DatePerhapsTime::Date(day) => local(day.and_time(NaiveTime::MIN), zone),
        DatePerhapsTime::DateTime(CalendarDateTime::Utc(at)) => Some(*at),
        DatePerhapsTime::DateTime(CalendarDateTime::Floating(at)) => local(*at, zone),
        DatePerhapsTime::DateTime(CalendarDateTime::WithTimezone { date_time, tzid }) => {
            local(*date_time, tzid.parse().ok()?)
        }
    }
}

fn shown(event: &Event) -> String {
    format!("the event `{}`", error::shortened(event.get_summary().or(event.get_uid()).unwrap_or_default()))
}
