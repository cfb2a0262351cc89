//! What people read who ask who is on call.

use chrono::TimeDelta;

use super::*;
use crate::model::{Layer, Override, OverrideId};
use crate::oncall::{Asking, CalendarError};

const TWO: &str = r#"
    rotation: { time_zone: Europe/Paris, start: 2026-01-05, handoff: { at: "09:00", every: 1w }, members: [alice, bob],
      only: { days: mon-fri, from: "09:00", to: "17:00" } }
    secondary: { time_zone: Europe/Paris, start: 2026-01-05, handoff: { at: "09:00", every: 1w }, members: [carol] }
"#;

fn covered() -> OnCall {
    let cover = Override {
        id: OverrideId(3),
        team: "platform".into(),
        layer: Layer::Primary,
        member: "dan".into(),
        whom: None,
        from: utc("2026-03-03T12:00:00Z"),
        until: utc("2026-03-03T20:00:00Z"),
        reason: "a dentist".into(),
        by: "alice".into(),
        via: "console".into(),
        made_at: utc("2026-03-01T00:00:00Z"),
        ended: None,
    };
    team(TWO).with_overrides(&[cover]).0
}

fn asking(at: &str) -> Asking<'static> {
    Asking { team: None, layer: None, at: utc(at), lasting: None }
}

#[test]
fn who_is_a_line_for_each_layer() {
    let on_call = covered();
    let who = |at: &str| on_call.tell_who(asking(at)).unwrap();
    insta::assert_snapshot!(who("2026-03-03T10:00:00Z"), @"
    platform: alice until Tue 2026-03-03 13:00 Europe/Paris, then dan (OVR-3)
    platform secondary: carol until Mon 2026-03-09 09:00 Europe/Paris, then carol
    ");
    insta::assert_snapshot!(who("2026-03-03T19:00:00Z"), @"
    platform: dan (OVR-3) until Tue 2026-03-03 21:00 Europe/Paris, then nobody
    platform secondary: carol until Mon 2026-03-09 09:00 Europe/Paris, then carol
    ");
    insta::assert_snapshot!(who("2026-03-07T10:00:00Z"), @"
    platform: nobody until Mon 2026-03-09 09:00 Europe/Paris, then bob
    platform secondary: carol until Mon 2026-03-09 09:00 Europe/Paris, then carol
    ");
    insta::assert_snapshot!(who("2026-01-01T10:00:00Z"), @"
    platform: nobody; its rotation begins Mon 2026-01-05 09:00 Europe/Paris
    platform secondary: nobody; its rotation begins Mon 2026-01-05 09:00 Europe/Paris
    ");
    let error = on_call.tell_who(Asking { team: Some("plattform"), ..asking("2026-03-03T10:00:00Z") }).unwrap_err();
    assert!(error.to_string().contains("did you mean `platform`?"), "{error}");
}

#[test]
fn a_schedule_has_the_gaps_in_their_place() {
    let short = Asking { lasting: Some(TimeDelta::days(4)), ..asking("2026-03-03T10:00:00Z") };
    insta::assert_snapshot!(covered().tell_schedule(short).unwrap(), @"
    platform, Europe/Paris
      Tue 2026-03-03 09:00 to Tue 2026-03-03 13:00  alice
      Tue 2026-03-03 13:00 to Tue 2026-03-03 21:00  dan (OVR-3)
      Tue 2026-03-03 21:00 to Wed 2026-03-04 09:00  nobody
      Wed 2026-03-04 09:00 to Wed 2026-03-04 17:00  alice
      Wed 2026-03-04 17:00 to Thu 2026-03-05 09:00  nobody
      Thu 2026-03-05 09:00 to Thu 2026-03-05 17:00  alice
      Thu 2026-03-05 17:00 to Fri 2026-03-06 09:00  nobody
      Fri 2026-03-06 09:00 to Fri 2026-03-06 17:00  alice
      Fri 2026-03-06 17:00 to Mon 2026-03-09 09:00  nobody
    platform secondary, Europe/Paris
      Mon 2026-03-02 09:00 to Mon 2026-03-09 09:00  carol
    ");
    let year = Asking { lasting: Some(TimeDelta::days(100_000)), ..short };
    let told = covered().tell_schedule(year).unwrap();
    assert!(told.lines().count() < 300 && told.contains("  and more\n"), "{}", told.lines().count());
}

#[test]
fn gaps_are_listed_and_none_is_said() {
    let short = Asking { lasting: Some(TimeDelta::days(2)), ..asking("2026-03-06T10:00:00Z") };
    insta::assert_snapshot!(covered().tell_gaps(short).unwrap(), @"
    platform: nobody is on call
      from Fri 2026-03-06 17:00 to Sun 2026-03-08 11:00 Europe/Paris
    platform secondary: no gap within 2 days
    ");
    let secondary = Asking { layer: Some(Layer::Secondary), ..short };
    assert_eq!(covered().tell_gaps(secondary).unwrap(), "platform secondary: no gap within 2 days");
    assert!(covered().tell_findings(short).contains("nobody is on call for team platform from Fri"));
}

#[test]
fn a_calendar_is_read_by_who_reads_calendars() {
    let short = Asking { team: Some("dan"), lasting: Some(TimeDelta::days(4)), ..asking("2026-03-03T10:00:00Z") };
    let calendar = covered().calendar(short).unwrap();
    insta::assert_snapshot!(calendar.replace('\r', ""), @r"
    BEGIN:VCALENDAR
    VERSION:2.0
    PRODID:-//Dogwatch//on call//EN
    CALSCALE:GREGORIAN
    NAME:On call: dan
    X-WR-CALNAME:On call: dan
    BEGIN:VEVENT
    DESCRIPTION:by the override OVR-3
    DTEND:20260303T200000Z
    DTSTAMP:20260303T100000Z
    DTSTART:20260303T120000Z
    SUMMARY:dan is on call for platform
    TRANSP:TRANSPARENT
    UID:platform-primary-20260303T120000Z@dogwatch
    END:VEVENT
    END:VCALENDAR
    ");
    assert!(calendar.lines().count() > 10 && calendar.matches("\r\n").count() == calendar.matches('\n').count());
    // A day later the same shifts have the same names.
    let uids = |at: &str| {
        let asking = Asking { team: Some("platform"), lasting: Some(TimeDelta::days(30)), ..asking(at) };
        let calendar = covered().calendar(asking).unwrap();
        calendar.lines().filter(|line| line.starts_with("UID:")).map(str::to_owned).collect::<Vec<_>>()
    };
    let (one, other) = (uids("2026-03-03T10:00:00Z"), uids("2026-03-04T10:00:00Z"));
    assert!(other.iter().filter(|uid| one.contains(uid)).count() >= 20, "{one:?}");
    assert_eq!(one.iter().collect::<std::collections::BTreeSet<_>>().len(), one.len());
    let unknown = covered().calendar(Asking { team: Some("daan"), ..short }).unwrap_err();
    assert!(matches!(unknown, CalendarError::Unknown { .. }));
    assert_eq!(unknown.to_string(), "no team and no member is called `daan`; did you mean `dan`?");
}
