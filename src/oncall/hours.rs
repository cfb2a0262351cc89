//! When the hours of a rotation begin and end, as instants.

use std::collections::BTreeSet;

use chrono::{DateTime, Days, NaiveTime, Offset as _, TimeDelta, TimeZone as _, Utc};

use super::stretch::Span;
use crate::model::PageHours;

/// How far is looked for a change at once, and how often: each weekday comes in a week, also where
/// a calendar leaves out a day.
const STEP: TimeDelta = TimeDelta::days(8);
const STEPS: usize = 2;

/// Whether `at` lies in the hours, and the whole time around it in which the answer is the same.
pub(super) fn around(hours: &PageHours, at: DateTime<Utc>) -> (bool, Span) {
    let (mut from, mut to) = (None, None);
    let (mut begin, mut end) = (at, at);
    for _ in 0..STEPS {
        if to.is_none() {
            let next = end + STEP;
            to = changes(hours, end, next).into_iter().next();
            end = next;
        }
        if from.is_none() {
            let next = begin - STEP;
            from = changes(hours, next, begin).into_iter().next_back();
            begin = next;
        }
    }
    (hours.contains(at), Span { from, to })
}

/// The instants of `after < instant <= until` at which the hours begin or end.
fn changes(hours: &PageHours, after: DateTime<Utc>, until: DateTime<Utc>) -> BTreeSet<DateTime<Utc>> {
    // Between two changes of the clocks, what the clocks show is what can begin or end the hours.
    let mut instants: BTreeSet<DateTime<Utc>> = clock_changes(hours.zone, after, until);
    // No zone is more than a day away from UTC.
    let mut day = after.date_naive() - Days::new(1);
    while day <= until.date_naive() + Days::new(1) {
        for time in [hours.from, hours.to, NaiveTime::MIN] {
            let shown = hours.zone.from_local_datetime(&day.and_time(time));
            instants.extend([shown.earliest(), shown.latest()].into_iter().flatten().map(|instant| instant.to_utc()));
        }
        day = day + Days::new(1);
    }
    let is_change = |at: &DateTime<Utc>| {
        after < *at && *at <= until && hours.contains(*at) != hours.contains(*at - TimeDelta::nanoseconds(1))
    };
    instants.into_iter().filter(is_change).collect()
}

/// The instants in that time at which the zone's clocks are changed. No zone changes them twice in
/// a day.
fn clock_changes(zone: chrono_tz::Tz, after: DateTime<Utc>, until: DateTime<Utc>) -> BTreeSet<DateTime<Utc>> {
    let offset = |at: DateTime<Utc>| zone.offset_from_utc_datetime(&at.naive_utc()).fix();
    let mut changes = BTreeSet::new();
    let mut day = after;
    while day < until {
        let next = (day + TimeDelta::days(1)).min(until);
        if offset(day) != offset(next) {
            // They are changed at a full second.
            let (mut before, mut since) = (day.timestamp(), next.timestamp() + 1);
            let at = |seconds: i64| DateTime::from_timestamp(seconds, 0).unwrap_or(next);
            while since - before > 1 {
                let middle = before + (since - before) / 2;
                if offset(at(middle)) == offset(day) { before = middle } else { since = middle }
            }
            changes.insert(at(since));
        }
        day = next;
    }
    changes
}
