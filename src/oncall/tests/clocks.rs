//! The days on which clocks change.

use chrono::{Days, Duration, NaiveDate, NaiveTime, TimeDelta, TimeZone as _};
use chrono_tz::Tz;

use super::*;

#[test]
fn a_shift_over_the_change_of_clocks_is_shorter_or_longer() {
    let paris = rotation("Europe/Paris", "2026-01-05", r#"{ at: "09:00", every: 1d }"#, &["alice", "bob"]);
    insta::assert_snapshot!(paris.plan("2026-03-27T12:00:00Z", "2026-03-30T00:00:00Z"), @"
    bob 2026-03-27T08:00Z..2026-03-28T08:00Z 24h
    alice 2026-03-28T08:00Z..2026-03-29T07:00Z 23h
    bob 2026-03-29T07:00Z..2026-03-30T07:00Z 24h
    ");
    insta::assert_snapshot!(paris.plan("2026-10-23T12:00:00Z", "2026-10-26T00:00:00Z"), @"
    bob 2026-10-23T07:00Z..2026-10-24T07:00Z 24h
    alice 2026-10-24T07:00Z..2026-10-25T08:00Z 25h
    bob 2026-10-25T08:00Z..2026-10-26T08:00Z 24h
    ");
    // Twelve hours by the clock on the wall.
    let shifts = r#"{ at: ["08:00", "20:00"], every: 1d }"#;
    let new_york = rotation("America/New_York", "2026-01-05", shifts, &["alice", "bob", "carol"]);
    insta::assert_snapshot!(new_york.plan("2026-03-07T14:00:00Z", "2026-03-08T20:00:00Z"), @"
    carol 2026-03-07T13:00Z..2026-03-08T01:00Z 12h
    alice 2026-03-08T01:00Z..2026-03-08T12:00Z 11h
    bob 2026-03-08T12:00Z..2026-03-09T00:00Z 12h
    ");
    insta::assert_snapshot!(new_york.plan("2026-10-31T14:00:00Z", "2026-11-01T20:00:00Z"), @"
    bob 2026-10-31T12:00Z..2026-11-01T00:00Z 12h
    carol 2026-11-01T00:00Z..2026-11-01T13:00Z 13h
    alice 2026-11-01T13:00Z..2026-11-02T01:00Z 12h
    ");
    // In Morocco the clocks go back for Ramadan.
    let casablanca = rotation("Africa/Casablanca", "2026-01-05", r#"{ at: "09:00", every: 1w }"#, &["alice", "bob"]);
    insta::assert_snapshot!(casablanca.plan("2026-02-11T00:00:00Z", "2026-03-24T00:00:00Z"), @"
    bob 2026-02-09T08:00Z..2026-02-16T09:00Z 169h
    alice 2026-02-16T09:00Z..2026-02-23T09:00Z 168h
    bob 2026-02-23T09:00Z..2026-03-02T09:00Z 168h
    alice 2026-03-02T09:00Z..2026-03-09T09:00Z 168h
    bob 2026-03-09T09:00Z..2026-03-16T09:00Z 168h
    alice 2026-03-16T09:00Z..2026-03-23T08:00Z 167h
    bob 2026-03-23T08:00Z..2026-03-30T08:00Z 168h
    ");
}

#[test]
fn a_handoff_that_the_clocks_jump_over_happens_at_the_jump() {
    // 02:00 -> 03:00, at 01:00 UTC.
    let paris = rotation("Europe/Paris", "2026-01-05", r#"{ at: "02:30", every: 1d }"#, &["alice", "bob"]);
    insta::assert_snapshot!(paris.plan("2026-03-28T12:00:00Z", "2026-03-30T12:00:00Z"), @"
    alice 2026-03-28T01:30Z..2026-03-29T01:00Z 23.5h
    bob 2026-03-29T01:00Z..2026-03-30T00:30Z 23.5h
    alice 2026-03-30T00:30Z..2026-03-31T00:30Z 24h
    ");
    // 02:00 -> 02:30, at 15:30 UTC of the day before.
    let lord_howe = rotation("Australia/Lord_Howe", "2026-01-05", r#"{ at: "02:15", every: 1d }"#, &["alice", "bob"]);
    insta::assert_snapshot!(lord_howe.plan("2026-10-03T00:00:00Z", "2026-10-05T00:00:00Z"), @"
    bob 2026-10-02T15:45Z..2026-10-03T15:30Z 23.75h
    alice 2026-10-03T15:30Z..2026-10-04T15:15Z 23.75h
    bob 2026-10-04T15:15Z..2026-10-05T15:15Z 24h
    ");
    // 00:00 -> 01:00: that day has no midnight.
    let santiago = rotation("America/Santiago", "2026-01-05", r#"{ at: "00:00", every: 1d }"#, &["alice", "bob"]);
    insta::assert_snapshot!(santiago.plan("2026-09-05T12:00:00Z", "2026-09-07T12:00:00Z"), @"
    bob 2026-09-05T04:00Z..2026-09-06T04:00Z 24h
    alice 2026-09-06T04:00Z..2026-09-07T03:00Z 23h
    bob 2026-09-07T03:00Z..2026-09-08T03:00Z 24h
    ");
}

#[test]
fn of_a_handoff_time_that_comes_twice_the_first_counts() {
    // 03:00 -> 02:00, at 01:00 UTC: 02:30 is at 00:30 and at 01:30 UTC.
    let paris = rotation("Europe/Paris", "2026-01-05", r#"{ at: "02:30", every: 1d }"#, &["alice", "bob"]);
    insta::assert_snapshot!(paris.plan("2026-10-24T12:00:00Z", "2026-10-26T12:00:00Z"), @"
    alice 2026-10-24T00:30Z..2026-10-25T00:30Z 24h
    bob 2026-10-25T00:30Z..2026-10-26T01:30Z 25h
    alice 2026-10-26T01:30Z..2026-10-27T01:30Z 24h
    ");
    // 00:00 -> 23:00 of the day before: Saturday's 23:30 comes twice, and at the second 23:15 it is over.
    let santiago = rotation("America/Santiago", "2026-01-05", r#"{ at: "23:30", every: 1d }"#, &["alice", "bob"]);
    insta::assert_snapshot!(santiago.plan("2026-04-04T12:00:00Z", "2026-04-05T12:00:00Z"), @"
    alice 2026-04-04T02:30Z..2026-04-05T02:30Z 24h
    bob 2026-04-05T02:30Z..2026-04-06T03:30Z 25h
    ");
    let second_quarter_past = utc("2026-04-05T03:15:00Z");
    assert_eq!(santiago.watch(second_quarter_past).unwrap().shift.from, utc("2026-04-05T02:30:00Z"));
    // 02:00 -> 01:30.
    let lord_howe = rotation("Australia/Lord_Howe", "2026-01-05", r#"{ at: "01:45", every: 1d }"#, &["alice", "bob"]);
    insta::assert_snapshot!(lord_howe.plan("2026-04-04T00:00:00Z", "2026-04-05T12:00:00Z"), @"
    bob 2026-04-03T14:45Z..2026-04-04T14:45Z 24h
    alice 2026-04-04T14:45Z..2026-04-05T15:15Z 24.5h
    ");
}

#[test]
fn two_handoffs_at_one_jump_leave_nobody_a_shift_of_no_length() {
    // Samoa had no 30 December 2011. Its two handoffs fall on the same instant, and the turn between them passes unseen.
    let shifts = r#"{ at: ["08:00", "20:00"], every: 1d }"#;
    let apia = rotation("Pacific/Apia", "2011-12-26", shifts, &["alice", "bob", "carol", "dan", "eve"]);
    insta::assert_snapshot!(apia.plan("2011-12-29T19:00:00Z", "2011-12-31T12:00:00Z"), @"
    bob 2011-12-29T18:00Z..2011-12-30T06:00Z 12h
    carol 2011-12-30T06:00Z..2011-12-30T10:00Z 4h
    eve 2011-12-30T10:00Z..2011-12-30T18:00Z 8h
    alice 2011-12-30T18:00Z..2011-12-31T06:00Z 12h
    bob 2011-12-31T06:00Z..2011-12-31T18:00Z 12h
    ");
    let midnight = utc("2011-12-30T10:00:00Z");
    assert_eq!(apia.watch(midnight).unwrap().member.name, "eve");
    assert_eq!(apia.next_handoff("platform", midnight), Ok(utc("2011-12-30T18:00:00Z")));
}

/// The rule in its plainest form, asked of every change of clocks in thirty years: a handoff is at the first instant at
/// which the clocks of the zone show its time, or a later one.
#[test]
fn every_handoff_near_a_change_of_clocks_is_at_the_first_instant_that_shows_its_time() {
    let quarters: Vec<_> = (0..96).map(|quarter| TimeDelta::minutes(15 * quarter)).collect();
    let times: Vec<_> =
        quarters.iter().map(|time| format!("{:02}:{:02}", time.num_hours(), time.num_minutes() % 60)).collect();
    let every_quarter = format!("{{ at: {times:?}, every: 1d }}");
    let mut changes = 0;
    for zone in super::laws::ZONES.into_iter().chain(["Pacific/Apia", "Europe/Dublin", "Antarctica/Troll"]) {
        let tz: Tz = zone.parse().unwrap();
        let on_call = rotation(zone, "2004-12-01", &every_quarter, &["alice"]);
        let days = NaiveDate::from_ymd_opt(2005, 1, 1).unwrap().iter_days().take(30 * 365);
        for day in days.filter(|day| changes_clocks(tz, *day)) {
            changes += 1;
            let midnight = day.and_time(NaiveTime::MIN);
            let mut instant = midnight.and_utc() - Duration::hours(40);
            let mut expected = Vec::new();
            for time in &quarters {
                // Every offset of these zones since 2005 is a multiple of a quarter of an hour.
                while instant.with_timezone(&tz).naive_local() < midnight + *time {
                    instant += Duration::minutes(15);
                }
                expected.push(instant);
            }
            expected.dedup();
            let end = instant + Duration::seconds(1);
            let shifts = on_call.shifts_between("platform", expected[0], end).unwrap();
            assert_eq!(shifts.map(|watch| watch.shift.from).collect::<Vec<_>>(), expected, "{zone}, {day}");
        }
    }
    assert!(changes > 300, "only {changes} days were found");
}

/// Whether they change between noon of the day before and noon of the day after.
fn changes_clocks(tz: Tz, day: NaiveDate) -> bool {
    let noon = |day: NaiveDate| tz.offset_from_utc_datetime(&day.and_hms_opt(12, 0, 0).unwrap()).to_string();
    noon(day) != noon(day - Days::new(1)) || noon(day) != noon(day + Days::new(1))
}
