//! A rotation that a calendar says.

use super::*;
use crate::model::Layer;
use crate::oncall::Asking;

fn event(lines: &str) -> String {
    let lines: String = lines.lines().map(|line| format!("{}\r\n", line.trim())).collect();
    format!("BEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20260101T000000Z\r\n{lines}END:VEVENT\r\n")
}

fn calendar(events: &[&str]) -> String {
    let events: String = events.iter().map(|lines| event(lines)).collect();
    format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:test\r\n{events}END:VCALENDAR\r\n")
}

const FILE: &str = "    rotation: { ical: team.ics, time_zone: Europe/Paris }\n";

fn read(events: &[&str]) -> Result<OnCall, String> {
    let text =
        text(FILE).replace("{ name: bob }", "{ name: bob, email: Bob@example.org }, { name: ann }, { name: ann lee }");
    let calendar = calendar(events);
    let read = |name: &str| if name == "team.ics" { Ok(calendar.clone()) } else { Err("it is not there".to_owned()) };
    OnCall::parse_with("oncall.yaml", &text, &read).map_err(|error| error.to_string())
}

#[test]
fn events_that_name_a_member_are_shifts() {
    let on_call = read(&[
        "DTSTART:20260302T080000Z\nDTEND:20260303T080000Z\nSUMMARY:Alice (on call)",
        "DTSTART;TZID=America/New_York:20260303T030000\nDTEND;TZID=America/New_York:20260303T200000\nSUMMARY:who knows\nATTENDEE;CN=Somebody:mailto:bob@example.org",
        "DTSTART:20260304T100000\nDTEND:20260304T120000\nSUMMARY:on call: ann lee\\, then ann",
        "DTSTART;VALUE=DATE:20260306\nDTEND;VALUE=DATE:20260307\nSUMMARY:Carol",
        "DTSTART;VALUE=DATE:20260308\nSUMMARY:dan",
        "DTSTART:20260309T080000Z\nDTEND:20260310T080000Z\nSUMMARY:a holiday of Danny",
        "DTSTART:20260309T080000Z\nDTEND:20260310T080000Z\nSUMMARY:eve\nSTATUS:CANCELLED",
    ]);
    insta::assert_snapshot!(on_call.unwrap().plan("2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z"), @"
    alice 2026-03-02T08:00Z..2026-03-03T08:00Z 24h
    bob 2026-03-03T08:00Z..2026-03-04T01:00Z 17h
    ann lee 2026-03-04T09:00Z..2026-03-04T11:00Z 2h
    carol 2026-03-05T23:00Z..2026-03-06T23:00Z 24h
    dan 2026-03-07T23:00Z..2026-03-08T23:00Z 24h
    ");
}

#[test]
fn what_nobody_has_is_a_gap_and_the_end_of_all_is_none_to_wait_for() {
    let on_call = read(&["DTSTART:20260302T080000Z\nDTEND:20260303T080000Z\nSUMMARY:alice"]).unwrap();
    let (before, after) = (utc("2026-03-01T00:00:00Z"), utc("2026-03-05T00:00:00Z"));
    assert_eq!(on_call.watch(before), None);
    assert_eq!(on_call.next_handoff("platform", before), Ok(utc("2026-03-02T08:00:00Z")));
    assert_eq!(on_call.watch(after), None);
    assert!(on_call.next_handoff("platform", after).is_err());
    assert_eq!(on_call.shift_before("platform", after).unwrap().unwrap().to, utc("2026-03-03T08:00:00Z"));
    let asking = |at| Asking { team: None, layer: Some(Layer::Primary), at, lasting: None };
    assert_eq!(on_call.tell_who(asking(after)).unwrap(), "platform: nobody, and there are no shifts to come");
    assert!(on_call.tell_schedule(asking(after)).unwrap().contains("nobody"));
    let told = on_call.tell_findings(asking(after));
    assert!(told.contains("nobody is on call for team platform from Thu 2026-03-05"), "{told}");
    let none = read(&[]).unwrap();
    let told = none.tell_findings(asking(after));
    assert!(told.contains("nobody is ever on call for team platform: its rotation has no shifts"), "{told}");
}

#[test]
fn of_two_events_at_once_the_earlier_counts_and_it_is_told() {
    let on_call = read(&[
        "DTSTART:20260303T000000Z\nDTEND:20260304T080000Z\nSUMMARY:carol",
        "DTSTART:20260302T080000Z\nDTEND:20260303T080000Z\nSUMMARY:alice",
        "DTSTART:20260302T090000Z\nDTEND:20260302T100000Z\nSUMMARY:dan",
    ])
    .unwrap();
    insta::assert_snapshot!(on_call.plan("2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z"), @"
    alice 2026-03-02T08:00Z..2026-03-03T08:00Z 24h
    carol 2026-03-03T08:00Z..2026-03-04T08:00Z 24h
    ");
    let told = |now: &str| on_call.findings(utc(now)).iter().map(|finding| format!("{finding}\n")).collect::<String>();
    let first = "two events of the calendar of team platform (primary) are at once \
                 from Mon 2026-03-02 10:00 to Mon 2026-03-02 11:00 Europe/Paris: the earlier counts";
    assert!(told("2026-03-01T00:00:00Z").contains(first), "{}", told("2026-03-01T00:00:00Z"));
    assert!(told("2026-03-02T12:00:00Z").contains("at once from Tue 2026-03-03 01:00"));
    assert!(!told("2026-03-05T00:00:00Z").contains("at once"), "that is over");
}

#[test]
fn what_cannot_be_read_is_said_at_the_place_that_names_the_calendar() {
    insta::assert_snapshot!(read(&["DTSTART:20260302T080000Z\nDTEND:20260303T080000Z\nSUMMARY:alice\nRRULE:FREQ=WEEKLY"]).map(|_| ()).unwrap_err(), @"
    error[invalid-calendar]: the event `alice` repeats (RRULE), which is not read
     --> oncall.yaml:7:23
      |
    7 |     rotation: { ical: team.ics, time_zone: Europe/Paris }
      |                       ^^^^^^^^
      |
      = help: export single events, or write the rotation here
    ");
    for (lines, told) in [
        ("DTSTART:20260302T080000Z\nSUMMARY:alice", "the event `alice` has no end"),
        ("DTSTART:20260302T080000Z\nDURATION:PT8H\nSUMMARY:alice", "a DURATION is not read"),
        ("DTEND:20260302T080000Z\nSUMMARY:alice", "the event `alice` has no beginning"),
        ("DTSTART:20260302T080000Z\nDTEND:20260302T080000Z\nSUMMARY:alice", "ends before it begins"),
        ("DTSTART;TZID=Mars:20260302T080000\nDTEND:20260303T080000Z\nSUMMARY:alice", "has a time that is none"),
    ] {
        let said = read(&[lines]).map(|_| ()).unwrap_err();
        assert!(said.contains(told) && said.contains("oncall.yaml:7:23"), "{lines}: {said}");
    }
    let error = |team: &str, calendar: &str| {
        let read =
            |name: &str| if name == "team.ics" { Ok(calendar.to_owned()) } else { Err("it is not there".to_owned()) };
        OnCall::parse_with("oncall.yaml", &text(team), &read).map(|_| ()).unwrap_err().to_string()
    };
    let said = error(FILE, "no calendar at all");
    assert!(said.contains("the calendar cannot be read") || said.contains("calendar"), "{said}");
    let said = error("    rotation: { ical: other.ics }\n", "");
    assert!(said.contains("the calendar other.ics cannot be read: it is not there"), "{said}");
    let said = error("    rotation: { ical: team.ics, start: 2026-01-05 }\n", "");
    assert!(said.contains("a calendar says by itself who is on call"), "{said}");
    let said = OnCall::parse("oncall.yaml", &text(FILE)).map(|_| ()).unwrap_err().to_string();
    assert!(said.contains("calendars are not read here"), "{said}");
}

#[test]
fn what_is_written_can_be_read() {
    let on_call = team(
        "    rotation: { time_zone: America/Santiago, start: 2026-01-05, handoff: { at: \"00:00\", every: 1d }, members: [alice, bob] }\n",
    );
    let from = utc("2026-09-01T12:00:00Z");
    let asking = Asking { team: Some("platform"), layer: None, at: from, lasting: Some(chrono::TimeDelta::days(14)) };
    let calendar = on_call.calendar(asking).unwrap();
    let again = OnCall::parse_with("oncall.yaml", &text(FILE), &|_| Ok(calendar.clone())).unwrap();
    let plan = |on_call: &OnCall| on_call.plan("2026-09-02T00:00:00Z", "2026-09-14T00:00:00Z");
    assert_eq!(plan(&again), plan(&on_call));
}
