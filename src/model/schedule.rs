//! Times that come again and again, by the clocks of a place: what starts a playbook without an
//! alert.

use std::fmt;

use chrono::{
    DateTime, Datelike as _, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone as _, Timelike as _, Utc,
};
use chrono_tz::Tz;

use super::PageHours;

/// `0 1 * * mon-fri` or `01:00` on `mon-fri`, as the clocks of a zone show it. A time that the
/// clocks pass over comes when they have; one that they show twice comes the first time, but where
/// each hour is meant, both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// A bit for each that is meant, as in all of these.
    minutes: u64,
    hours: u32,
    days: u32,
    months: u16,
    /// Sunday is 0.
    weekdays: u8,
    /// Cron's rule: of a day of the month and a weekday that are both given, one is enough.
    either_day: bool,
    zone: Tz,
    /// As it was written.
    written: String,
}

const ALL_HOURS: u32 = (1 << 24) - 1;
/// 29 February comes again after eight years at the latest.
const MOST_DAYS_AHEAD: u64 = 8 * 366 + 2;

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

impl Schedule {
    /// Reads the five fields of cron: minute, hour, day of the month, month, weekday; each `*`,
    /// numbers, ranges, steps and lists of them, months and weekdays by their names too.
    ///
    /// # Errors
    /// Says what is wrong, and what to write.
    pub fn cron(text: &str, zone: &str) -> Result<Self, String> {
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [minute, hour, day, month, weekday] = fields.as_slice() else {
            return Err(format!(
                "cron has five fields, minute, hour, day, month and weekday, and not {}; write `0 1 * * mon-fri`",
                fields.len()
            ));
        };
        let zone = zone_of(zone)?;
        let bits =
            |what: &str, text: &str, first: u32, last: u32, names: &[&str]| field(what, text, (first, last), names);
        // 7 is Sunday as well.
        let weekdays = bits("weekday", weekday, 0, 7, &WEEKDAYS)?;
        let weekdays = (weekdays | (weekdays >> 7)) & 0x7f;
        let narrow = |bits: u64| u32::try_from(bits).unwrap_or(u32::MAX);
        let schedule = Self {
            minutes: bits("minute", minute, 0, 59, &[])?,
            hours: narrow(bits("hour", hour, 0, 23, &[])?),
            days: narrow(bits("day of the month", day, 1, 31, &[])?),
            months: u16::try_from(bits("month", month, 1, 12, &MONTHS)?).unwrap_or(u16::MAX),
            weekdays: u8::try_from(weekdays).unwrap_or(u8::MAX),
            either_day: !day.starts_with('*') && !weekday.starts_with('*'),
            zone,
            written: format!("{} {}", fields.join(" "), zone),
        };
        let from = NaiveDate::from_ymd_opt(2024, 1, 1).unwrap_or_default();
        if !from.iter_days().take(366).any(|date| schedule.is_day(date)) {
            return Err(format!("`{text}` never comes: no month has that day"));
        }
        Ok(schedule)
    }

    /// Reads `01:00`, and `mon-fri` or other days as in oncall.yaml; without days, daily.
    ///
    /// # Errors
    /// Says what is wrong, and what to write.
    pub fn at(at: &str, days: Option<&str>, zone: &str) -> Result<Self, String> {
        let time = NaiveTime::parse_from_str(at.trim(), "%H:%M");
        let time = time.map_err(|_| format!("`{at}` is no time of the day; write it like `01:00`"))?;
        let days = days.unwrap_or("daily").trim();
        let known = PageHours::parse_days(days)
            .ok_or_else(|| format!("`{days}` is no days; write `mon-fri`, `mon, wed` or `daily`"))?;
        let zone = zone_of(zone)?;
        Ok(Self {
            minutes: 1 << time.minute(),
            hours: 1 << time.hour(),
            days: u32::MAX,
            months: u16::MAX,
            weekdays: known.iter().fold(0, |bits, day| bits | 1 << day.num_days_from_sunday()),
            either_day: false,
            zone,
            written: format!("{} {days} {zone}", time.format("%H:%M")),
        })
    }

    /// The first time after that; `None`: not within eight years.
    pub fn next_after(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let today = after.with_timezone(&self.zone).date_naive();
        let first = today.checked_sub_days(Days::new(1))?;
        let days = (0..MOST_DAYS_AHEAD).filter_map(|ahead| first.checked_add_days(Days::new(ahead)));
        days.flat_map(|date| self.on(date)).find(|at| *at > after)
    }

    /// The last time of `since < time <= until`.
    pub fn last_within(&self, since: DateTime<Utc>, until: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let first = since.with_timezone(&self.zone).date_naive().checked_sub_days(Days::new(1))?;
        let mut date = until.with_timezone(&self.zone).date_naive().checked_add_days(Days::new(1))?;
        while date >= first {
            if let Some(last) = self.on(date).into_iter().rfind(|at| since < *at && *at <= until) {
                return Some(last);
            }
            date = date.checked_sub_days(Days::new(1))?;
        }
        None
    }

    fn is_day(&self, date: NaiveDate) -> bool {
        let by_date = self.days & (1 << date.day()) != 0;
        let by_weekday = self.weekdays & (1 << date.weekday().num_days_from_sunday()) != 0;
        let is_month = self.months & (1 << date.month()) != 0;
        is_month && if self.either_day { by_date || by_weekday } else { by_date && by_weekday }
    }

    /// The instants of a day of that place, in order.
    fn on(&self, date: NaiveDate) -> Vec<DateTime<Utc>> {
        let mut instants = Vec::new();
        if !self.is_day(date) {
            return instants;
        }
        for hour in (0..24).filter(|hour| self.hours & (1 << hour) != 0) {
            for minute in (0..60).filter(|minute| self.minutes & (1 << minute) != 0) {
                instants.extend(date.and_hms_opt(hour, minute, 0).into_iter().flat_map(|local| self.shown(local)));
            }
        }
        // What is passed over comes as soon as they have, and so does what is meant for that minute
        // anyway.
        instants.sort_unstable();
        instants.dedup();
        instants
    }

    /// When the clocks show it.
    fn shown(&self, local: NaiveDateTime) -> Vec<DateTime<Utc>> {
        // No clocks pass over more than a day.
        for minutes in 0..=24 * 60 {
            let found = self.zone.from_local_datetime(&(local + TimeDelta::minutes(minutes)));
            if let (Some(first), Some(last)) = (found.earliest(), found.latest()) {
                let twice = self.hours == ALL_HOURS && minutes == 0;
                return if twice { vec![first.to_utc(), last.to_utc()] } else { vec![first.to_utc()] };
            }
        }
        Vec::new()
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

fn zone_of(zone: &str) -> Result<Tz, String> {
    zone.trim().parse().map_err(|_| format!("`{zone}` is no time zone; write one such as `Europe/Berlin`, or `UTC`"))
}

/// One field of cron, a bit for each value.
fn field(what: &str, text: &str, (first, last): (u32, u32), names: &[&str]) -> Result<u64, String> {
    let wrong = |part: &str| {
        format!("`{part}` is no {what}; write {first} to {last}, `*`, a range such as `{first}-{last}` or a step `*/2`")
    };
    let number = |text: &str| {
        let lower = text.to_ascii_lowercase();
        let by_name = names.iter().position(|name| *name == lower).and_then(|at| u32::try_from(at).ok());
        let value = by_name.map(|at| at + first).or_else(|| text.parse().ok());
        value.filter(|value| (first..=last).contains(value))
    };
    let mut bits = 0;
    for part in text.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, step.parse().ok().filter(|step| *step > 0).ok_or_else(|| wrong(part))?),
            None => (part, 1),
        };
        let (from, to) = match range.split_once('-') {
            _ if range == "*" => (first, last),
            Some((from, to)) => (number(from).ok_or_else(|| wrong(part))?, number(to).ok_or_else(|| wrong(part))?),
            None => {
                let from = number(range).ok_or_else(|| wrong(part))?;
                // `5/10`: from 5 on.
                (from, if part.contains('/') { last } else { from })
            }
        };
        if from > to {
            return Err(format!("`{part}` goes back; write the earlier {what} first, or two parts with a comma"));
        }
        (from..=to).step_by(step).for_each(|value| bits |= 1_u64 << value);
    }
    Ok(bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(schedule: &Schedule, from: &str, count: usize) -> Vec<String> {
        let mut at: DateTime<Utc> = from.parse().unwrap();
        let mut times = Vec::new();
        for _ in 0..count {
            at = schedule.next_after(at).unwrap();
            times.push(at.format("%m-%dT%H:%M").to_string());
        }
        times
    }

    #[test]
    fn cron_and_the_words_of_the_on_call_file_say_the_same() {
        let cron = Schedule::cron("0 1 * * mon-fri", "UTC").unwrap();
        let words = Schedule::at("01:00", Some("mon-fri"), "UTC").unwrap();
        // 2026-03-06 is a Friday.
        for schedule in [&cron, &words] {
            assert_eq!(times(schedule, "2026-03-05T12:00:00Z", 3), ["03-06T01:00", "03-09T01:00", "03-10T01:00"]);
        }
        assert_eq!(cron.to_string(), "0 1 * * mon-fri UTC");
        assert_eq!(words.to_string(), "01:00 mon-fri UTC");
    }

    #[test]
    fn cron_means_what_it_means_elsewhere() {
        let of = |text: &str, count| times(&Schedule::cron(text, "UTC").unwrap(), "2026-03-05T12:07:00Z", count);
        assert_eq!(of("*/20 * * * *", 3), ["03-05T12:20", "03-05T12:40", "03-05T13:00"]);
        assert_eq!(of("5/30 13 * * *", 2), ["03-05T13:05", "03-05T13:35"]);
        assert_eq!(of("0 0 1,15 * *", 2), ["03-15T00:00", "04-01T00:00"]);
        assert_eq!(of("0 0 13 * fri", 3), ["03-06T00:00", "03-13T00:00", "03-20T00:00"], "one of the two is enough");
        assert_eq!(of("0 6 * * 7", 1), of("0 6 * * SUN", 1));
        assert_eq!(of("0 0 29 feb *", 1), ["02-29T00:00"]);
    }

    #[test]
    fn what_the_clocks_pass_over_comes_when_they_have() {
        // On 29 March 2026 they go from 02:00 to 03:00 at 01:00 UTC; on 25 October from 03:00 to
        // 02:00 at 01:00 UTC.
        let daily = Schedule::cron("30 2 * * *", "Europe/Berlin").unwrap();
        assert_eq!(times(&daily, "2026-03-28T12:00:00Z", 2), ["03-29T01:00", "03-30T00:30"]);
        assert_eq!(times(&daily, "2026-10-24T12:00:00Z", 2), ["10-25T00:30", "10-26T01:30"], "once");
        let often = Schedule::cron("*/30 * * * *", "Europe/Berlin").unwrap();
        assert_eq!(times(&often, "2026-03-29T00:30:00Z", 2), ["03-29T01:00", "03-29T01:30"]);
        let autumn = times(&often, "2026-10-24T23:59:00Z", 5);
        assert_eq!(autumn, ["10-25T00:00", "10-25T00:30", "10-25T01:00", "10-25T01:30", "10-25T02:00"], "each hour");
    }

    #[test]
    fn the_last_time_is_found_too() {
        let daily = Schedule::at("01:00", None, "UTC").unwrap();
        let last = |since: &str, until: &str| daily.last_within(since.parse().unwrap(), until.parse().unwrap());
        let at = |text: &str| Some(text.parse::<DateTime<Utc>>().unwrap());
        assert_eq!(last("2026-03-01T00:00:00Z", "2026-03-05T12:00:00Z"), at("2026-03-05T01:00:00Z"));
        assert_eq!(last("2026-03-01T00:00:00Z", "2026-03-05T01:00:00Z"), at("2026-03-05T01:00:00Z"));
        assert_eq!(last("2026-03-05T01:00:00Z", "2026-03-05T23:00:00Z"), None);
    }

    #[test]
    fn what_is_none_says_what_to_write() {
        for (text, says) in [
            ("0 1 * *", "cron has five fields"),
            ("@daily", "cron has five fields"),
            ("60 1 * * *", "`60` is no minute; write 0 to 59"),
            ("0 1 * * mo", "`mo` is no weekday"),
            ("0 5-1 * * *", "`5-1` goes back"),
            ("*/0 * * * *", "`*/0` is no minute"),
            ("0 0 31 feb *", "never comes"),
            ("0 0 0 * *", "`0` is no day of the month"),
        ] {
            let error = Schedule::cron(text, "UTC").unwrap_err();
            assert!(error.contains(says), "{text}: {error}");
        }
        assert!(Schedule::cron("0 1 * * *", "Berlin").unwrap_err().contains("no time zone"));
        assert!(Schedule::at("25:00", None, "UTC").unwrap_err().contains("no time of the day"));
        assert!(Schedule::at("01:00", Some("weekdays"), "UTC").unwrap_err().contains("is no days"));
    }
}
