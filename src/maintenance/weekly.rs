//! Times that come every week, by the clocks of a place.

use chrono::{DateTime, Datelike as _, Days, NaiveDateTime, NaiveTime, TimeDelta, TimeZone as _, Utc, Weekday};
use chrono_tz::Tz;

/// `Sunday 02:00-04:00` in a zone: days and times as the clocks there show them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Weekly {
    days: Vec<Weekday>,
    from: NaiveTime,
    /// On the next day where it is no later than `from`.
    until: NaiveTime,
    zone: Tz,
}

const WEEK: [Weekday; 7] =
    [Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri, Weekday::Sat, Weekday::Sun];

impl Weekly {
    /// Reads `Sunday 02:00-04:00`, `Sat, Sun 22:00-02:00` or `daily 02:00-04:00`.
    ///
    /// # Errors
    /// Says what is wrong, and what to write instead.
    pub fn parse(every: &str, zone: &str) -> Result<Self, String> {
        let zone =
            zone.parse().map_err(|_| format!("is in no place: `{zone}` is no time zone such as Europe/Berlin"))?;
        let how = "write it like Sunday 02:00-04:00, or daily 22:00-02:00";
        let (days, times) = every.trim().rsplit_once(char::is_whitespace).ok_or(format!("says no time: {how}"))?;
        let day = |name: &str| name.parse().map_err(|_| format!("comes on no day: `{name}` is no day; {how}"));
        let days = match days.trim() {
            "daily" => WEEK.to_vec(),
            days => {
                let names = days.split([',', ' ']).filter(|name| !name.is_empty());
                names.map(day).collect::<Result<_, _>>()?
            }
        };
        let time = |text: &str| NaiveTime::parse_from_str(text, "%H:%M").ok();
        let read = times.split_once('-').and_then(|(from, until)| Some((time(from)?, time(until)?)));
        let (from, until) = read.ok_or(format!("comes at no time: `{times}` is no time of the day; {how}"))?;
        Ok(Self { days, from, until, zone })
    }

    /// From when until when it is, as far as that ends after `now` and begins by `by`.
    pub fn times(&self, now: DateTime<Utc>, by: DateTime<Utc>) -> Vec<(DateTime<Utc>, DateTime<Utc>)> {
        let mut times = Vec::new();
        let mut date = now.with_timezone(&self.zone).date_naive() - Days::new(2);
        loop {
            let from = self.first(date.and_time(self.from));
            if from > by {
                return times;
            }
            let last = if self.until > self.from { date } else { date + Days::new(1) };
            let until = self.last(last.and_time(self.until));
            // Both may lie in an hour that the clocks pass over.
            if self.days.contains(&date.weekday()) && now < until && from < until {
                times.push((from, until));
            }
            date = date + Days::new(1);
        }
    }

    /// When the clocks show it first.
    fn first(&self, local: NaiveDateTime) -> DateTime<Utc> {
        self.shown(local).0
    }

    /// When they show it last: an hour that comes twice is covered twice.
    fn last(&self, local: NaiveDateTime) -> DateTime<Utc> {
        self.shown(local).1
    }

    /// The first and the last moment at which the clocks show it. What they pass over is shown when
    /// they have.
    fn shown(&self, local: NaiveDateTime) -> (DateTime<Utc>, DateTime<Utc>) {
        // No clocks pass over more than a day.
        for minutes in 0..=24 * 60 {
            let found = self.zone.from_local_datetime(&(local + TimeDelta::minutes(minutes)));
            if let (Some(first), Some(last)) = (found.earliest(), found.latest()) {
                return (first.to_utc(), last.to_utc());
            }
        }
        (local.and_utc(), local.and_utc())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(every: &str, now: &str) -> Vec<String> {
        let now: DateTime<Utc> = now.parse().unwrap();
        let times = Weekly::parse(every, "Europe/Berlin").unwrap().times(now, now + TimeDelta::days(8));
        let show = |at: DateTime<Utc>| at.format("%m-%dT%H:%M").to_string();
        times.into_iter().map(|(from, until)| format!("{} {}", show(from), show(until))).collect()
    }

    #[test]
    fn it_comes_by_the_clocks_of_its_place() {
        assert_eq!(times("Sunday 02:00-04:00", "2026-03-02T02:00:00Z"), ["03-08T01:00 03-08T03:00"]);
        assert_eq!(
            times("Sun 02:00-04:00", "2026-03-08T02:30:00Z"),
            ["03-08T01:00 03-08T03:00", "03-15T01:00 03-15T03:00"]
        );
        assert_eq!(
            times("Mon, Thu 22:00-02:00", "2026-03-03T00:30:00Z"),
            ["03-02T21:00 03-03T01:00", "03-05T21:00 03-06T01:00", "03-09T21:00 03-10T01:00"]
        );
        assert_eq!(times("daily 04:00-05:00", "2026-03-02T00:00:00Z").len(), 8);
    }

    #[test]
    fn what_the_clocks_pass_over_begins_when_they_have() {
        // On 29 March 2026 they go from 02:00 to 03:00 at 01:00 UTC.
        assert_eq!(
            times("Sunday 02:30-04:00", "2026-03-28T12:00:00Z"),
            ["03-29T01:00 03-29T02:00", "04-05T00:30 04-05T02:00"]
        );
        assert_eq!(
            times("Sunday 02:10-02:40", "2026-03-28T12:00:00Z"),
            ["04-05T00:10 04-05T00:40"],
            "it is passed over"
        );
        assert_eq!(times("Sunday 01:00-04:00", "2026-03-28T12:00:00Z")[0], "03-29T00:00 03-29T02:00");
    }

    #[test]
    fn an_hour_that_comes_twice_is_covered_twice() {
        // On 25 October 2026 they go from 03:00 to 02:00 at 01:00 UTC.
        assert_eq!(times("Sunday 02:00-02:30", "2026-10-24T12:00:00Z")[0], "10-25T00:00 10-25T01:30");
        assert_eq!(times("Sunday 01:00-04:00", "2026-10-24T12:00:00Z")[0], "10-24T23:00 10-25T03:00");
    }
}
