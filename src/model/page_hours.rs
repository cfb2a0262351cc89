//! When a team is paged for what else pages nobody.

use std::collections::BTreeMap;
use std::fmt;

use chrono::{DateTime, Datelike as _, NaiveTime, Utc, Weekday};
use chrono_tz::Tz;

use super::Severity;

/// `mon-fri 09:00 to 17:00 Europe/Paris`: as the clocks there show it. An hour that they show twice
/// counts twice, and one that they pass over not at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageHours {
    /// At least one.
    pub days: Vec<Weekday>,
    pub from: NaiveTime,
    /// The first time that is no longer in it. Where it is not later than `from`, it is that of the
    /// next day: `18:00 to 08:00` is a night, and `00:00 to 00:00` a whole day.
    pub to: NaiveTime,
    pub zone: Tz,
    /// The days as they were written.
    pub written: String,
}

impl PageHours {
    pub fn contains(&self, at: DateTime<Utc>) -> bool {
        let local = at.with_timezone(&self.zone);
        let (time, day) = (local.time(), local.weekday());
        if self.from < self.to {
            return self.days.contains(&day) && self.from <= time && time < self.to;
        }
        (self.days.contains(&day) && self.from <= time) || (self.days.contains(&day.pred()) && time < self.to)
    }

    /// Reads `mon-fri`, `mon, wed, sat-sun` or `daily`; `None`: they are no days.
    pub fn parse_days(text: &str) -> Option<Vec<Weekday>> {
        const WEEK: [Weekday; 7] =
            [Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri, Weekday::Sat, Weekday::Sun];
        if text.trim() == "daily" {
            return Some(WEEK.to_vec());
        }
        let day = |name: &str| name.trim().parse::<Weekday>().ok();
        let mut days = Vec::new();
        for part in text.split(',') {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let (mut next, last) = (day(first)?, day(last)?);
            days.push(next);
            while next != last {
                next = next.succ();
                days.push(next);
            }
        }
        Some(days)
    }
}

impl fmt::Display for PageHours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let from = self.from.format("%H:%M");
        let to = if self.to == NaiveTime::MIN { "24:00".to_owned() } else { self.to.format("%H:%M").to_string() };
        write!(f, "{} {from} to {to} {}", self.written, self.zone)
    }
}

/// The hours in which teams are paged for S3, by team.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PageFor(BTreeMap<String, PageHours>);

impl PageFor {
    pub fn with(hours: impl IntoIterator<Item = (String, PageHours)>) -> Self {
        Self(hours.into_iter().collect())
    }

    /// Whether something of that severity pages the team now.
    pub fn pages(&self, team: &str, severity: Severity, now: DateTime<Utc>) -> bool {
        severity.pages() || self.hours_of(team, severity, now).is_some()
    }

    /// The hours by which the team is paged now, for what else pages nobody.
    pub fn hours_of(&self, team: &str, severity: Severity, now: DateTime<Utc>) -> Option<&PageHours> {
        let hours = self.0.get(team).filter(|_| severity == Severity::S3)?;
        hours.contains(now).then_some(hours)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(days: &str, from: (u32, u32), to: (u32, u32), zone: &str) -> PageHours {
        let time = |(hour, minute)| NaiveTime::from_hms_opt(hour, minute, 0).unwrap();
        PageHours {
            days: PageHours::parse_days(days).unwrap(),
            from: time(from),
            to: time(to),
            zone: zone.parse().unwrap(),
            written: days.to_owned(),
        }
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn days_are_read_as_people_write_them() {
        use Weekday::{Fri, Mon, Sat, Sun, Thu, Tue, Wed};
        assert_eq!(PageHours::parse_days("mon-fri"), Some(vec![Mon, Tue, Wed, Thu, Fri]));
        assert_eq!(PageHours::parse_days("Sat-mon, Wednesday"), Some(vec![Sat, Sun, Mon, Wed]));
        assert_eq!(PageHours::parse_days("daily").map(|days| days.len()), Some(7));
        for wrong in ["", "mon-", "weekdays", "mon fri", "mon--fri", "mon,,tue"] {
            assert_eq!(PageHours::parse_days(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn hours_are_those_of_the_clocks_there() {
        let office = hours("mon-fri", (9, 0), (17, 0), "Europe/Paris");
        // 2026-03-02 is a Monday, and Paris is an hour ahead of UTC until 29 March.
        for (time, inside) in [
            ("2026-03-02T07:59:59Z", false),
            ("2026-03-02T08:00:00Z", true),
            ("2026-03-02T15:59:59Z", true),
            ("2026-03-02T16:00:00Z", false),
            ("2026-03-01T10:00:00Z", false),
            ("2026-03-30T07:00:00Z", true),
            ("2026-03-30T15:00:00Z", false),
        ] {
            assert_eq!(office.contains(at(time)), inside, "{time}");
        }
        assert_eq!(office.to_string(), "mon-fri 09:00 to 17:00 Europe/Paris");
    }

    #[test]
    fn an_hour_that_is_shown_twice_counts_twice_and_one_that_is_passed_over_not_at_all() {
        // On 25 October the clocks of Paris go from 03:00 back to 02:00, on 29 March from 02:00 to 03:00.
        let night = hours("daily", (2, 0), (3, 0), "Europe/Paris");
        let inside = |time: &str| night.contains(at(time));
        assert!(inside("2026-10-25T00:30:00Z") && inside("2026-10-25T01:30:00Z"));
        assert!(!inside("2026-10-24T23:59:59Z") && !inside("2026-10-25T02:00:00Z"));
        assert!(!inside("2026-03-29T00:59:59Z") && !inside("2026-03-29T01:00:00Z"));
    }

    #[test]
    fn hours_may_go_over_midnight_and_belong_to_the_day_on_which_they_begin() {
        let night = hours("fri", (22, 0), (6, 0), "UTC");
        // 2026-03-06 is a Friday.
        for (time, inside) in [
            ("2026-03-06T05:59:59Z", false),
            ("2026-03-06T21:59:59Z", false),
            ("2026-03-06T22:00:00Z", true),
            ("2026-03-07T05:59:59Z", true),
            ("2026-03-07T06:00:00Z", false),
            ("2026-03-07T22:00:00Z", false),
        ] {
            assert_eq!(night.contains(at(time)), inside, "{time}");
        }
        let weekend = hours("sat-sun", (0, 0), (0, 0), "UTC");
        assert!(weekend.contains(at("2026-03-07T00:00:00Z")) && weekend.contains(at("2026-03-08T23:59:59Z")));
        assert!(!weekend.contains(at("2026-03-06T23:59:59Z")) && !weekend.contains(at("2026-03-09T00:00:00Z")));
        assert_eq!(weekend.to_string(), "sat-sun 00:00 to 24:00 UTC");
    }

    #[test]
    fn it_is_for_one_team_and_for_s3_alone() {
        let page_for = PageFor::with([("db".to_owned(), hours("daily", (9, 0), (17, 0), "UTC"))]);
        let noon = at("2026-03-02T12:00:00Z");
        let pages = |team, severity| page_for.pages(team, severity, noon);
        assert!(pages("db", Severity::S3) && pages("ops", Severity::S2));
        assert!(!pages("ops", Severity::S3) && !pages("db", Severity::S4));
        assert!(!page_for.pages("db", Severity::S3, at("2026-03-02T17:00:00Z")));
    }
}
