//! What the commands and the pager ask.

use chrono::DateTime;

use super::*;
use crate::oncall::ScheduleError;

const WEEKLY: &str = r#"{ at: "09:00", every: 1w }"#;
const DAY_AND_NIGHT: &str = r#"{ at: ["08:00", "20:00"], every: 1d }"#;

#[test]
fn the_example_is_what_it_says() {
    let example = OnCall::parse("deploy/oncall.yaml", include_str!("../../../deploy/oncall.yaml")).unwrap();
    let on_call = |team: &str, at: &str| example.who(team, utc(at)).unwrap().map(|watch| watch.member.name.clone());

    assert_eq!(on_call("platform", "2026-01-05T07:59:59Z"), None);
    assert_eq!(on_call("platform", "2026-01-05T08:00:00Z").as_deref(), Some("alice"));
    assert_eq!(on_call("platform", "2026-01-12T08:00:00Z").as_deref(), Some("bob"));
    assert_eq!(on_call("databases", "2026-01-05T12:00:00Z").as_deref(), Some("carol"));
    assert_eq!(on_call("databases", "2026-01-05T21:00:00Z").as_deref(), Some("dan"));
    assert_eq!(on_call("databases", "2026-01-06T12:00:00Z").as_deref(), Some("alice"));

    let carol = example.member("carol").unwrap();
    assert_eq!(example.member_at("discord", "323456789012345678"), Some(carol));
    assert_eq!(example.member_at("discord", "1"), None);
    assert_eq!(example.member("mallory"), None);
    assert_eq!(example.members().len(), 4);
    assert_eq!(example.teams().iter().map(|team| team.name.as_str()).collect::<Vec<_>>(), ["platform", "databases"]);
    assert_eq!(example.team("platform").unwrap().rotation.time_zone(), chrono_tz::Europe::Paris);
    assert_eq!(example.team("databases").unwrap().rotation.members().len(), 3);
}

#[test]
fn nobody_is_on_call_before_the_start_and_the_next_handoff_is_the_start() {
    let on_call = rotation("Europe/Paris", "2026-01-05", WEEKLY, &["alice", "bob"]);
    let start = utc("2026-01-05T08:00:00Z");
    for before in ["1999-01-01T00:00:00Z", "2026-01-04T12:00:00Z", "2026-01-05T07:59:59Z"] {
        assert_eq!(on_call.watch(utc(before)), None, "{before}");
        assert_eq!(on_call.shift_at("platform", utc(before)), Ok(None), "{before}");
        assert_eq!(on_call.next_handoff("platform", utc(before)), Ok(start), "{before}");
    }
    assert_eq!(on_call.watch(start).unwrap().shift.from, start);
    insta::assert_snapshot!(on_call.plan("2025-12-01T00:00:00Z", "2026-01-13T00:00:00Z"), @"
    alice 2026-01-05T08:00Z..2026-01-12T08:00Z 168h
    bob 2026-01-12T08:00Z..2026-01-19T08:00Z 168h
    ");
}

#[test]
fn a_handoff_belongs_to_the_shift_that_it_begins() {
    let on_call = rotation("Asia/Kathmandu", "2026-01-05", DAY_AND_NIGHT, &["alice", "bob", "carol"]);
    let shift = on_call.watch(utc("2026-02-01T12:00:00Z")).unwrap().shift;
    assert!(shift.contains(shift.from) && !shift.contains(shift.to));
    assert_eq!(on_call.next_handoff("platform", shift.from), Ok(shift.to));
    insta::assert_snapshot!(on_call.plan("2026-02-01T12:00:00Z", "2026-02-03T00:00:00Z"), @"
    alice 2026-02-01T02:15Z..2026-02-01T14:15Z 12h
    bob 2026-02-01T14:15Z..2026-02-02T02:15Z 12h
    carol 2026-02-02T02:15Z..2026-02-02T14:15Z 12h
    alice 2026-02-02T14:15Z..2026-02-03T02:15Z 12h
    ");
}

#[test]
fn one_member_takes_every_turn() {
    let on_call = rotation("UTC", "2026-01-05", r#"{ at: "09:00", every: 3d }"#, &["alice"]);
    insta::assert_snapshot!(on_call.plan("2026-01-05T10:00:00Z", "2026-01-12T00:00:00Z"), @"
    alice 2026-01-05T09:00Z..2026-01-08T09:00Z 72h
    alice 2026-01-08T09:00Z..2026-01-11T09:00Z 72h
    alice 2026-01-11T09:00Z..2026-01-14T09:00Z 72h
    ");
}

#[test]
fn the_shifts_of_a_range_are_those_with_some_part_in_it() {
    let on_call = rotation("UTC", "2026-01-05", r#"{ at: 09:00, every: 1d }"#, &["alice", "bob"]);
    let count = |from, to| on_call.plan(from, to).lines().count();
    assert_eq!(count("2026-02-01T09:00:00Z", "2026-02-02T09:00:00Z"), 1);
    assert_eq!(count("2026-02-01T08:59:59Z", "2026-02-02T09:00:01Z"), 3);
    assert_eq!(count("2026-02-01T12:00:00Z", "2026-02-01T12:00:01Z"), 1);
    assert_eq!(count("2026-02-01T12:00:00Z", "2026-02-01T12:00:00Z"), 0);
    assert_eq!(count("2026-02-02T12:00:00Z", "2026-02-01T12:00:00Z"), 0);
    assert_eq!(count("2026-01-01T00:00:00Z", "2026-01-05T09:00:00Z"), 0);
}

#[test]
fn an_unknown_team_says_which_are_known() {
    let on_call = rotation("UTC", "2026-01-05", WEEKLY, &["alice"]);
    let now = utc("2026-02-01T00:00:00Z");
    insta::assert_snapshot!(on_call.who("plattform", now).unwrap_err(), @"no team is called `plattform`; did you mean `platform`?");
    insta::assert_snapshot!(on_call.next_handoff("storage", now).unwrap_err(), @"no team is called `storage`; write `platform`");
    assert!(on_call.shifts_between("storage", now, now).is_err());
}

#[test]
fn the_ends_of_the_calendar_are_no_panic() {
    for zone in ["Pacific/Kiritimati", "Pacific/Pago_Pago", "UTC"] {
        let on_call = rotation(zone, "2026-01-05", WEEKLY, &["alice", "bob"]);
        let (first, last) = (DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC);
        assert_eq!(on_call.watch(first), None);
        assert!(matches!(on_call.who("platform", last), Err(ScheduleError::BeyondCalendar { .. })));
        let error = on_call.next_handoff("platform", last).unwrap_err();
        assert!(error.to_string().contains("lies beyond the calendar"), "{error}");
        let week = chrono::Duration::weeks(1);
        assert!(on_call.watch(last - week * 3).is_some());
        // The third, if it begins before the end, has no end of its own.
        let shifts = on_call.shifts_between("platform", last - week * 3, last).unwrap();
        assert!((2..=3).contains(&shifts.count()), "{zone}");
    }
}
