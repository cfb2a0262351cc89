//! Two layers, several rotations in one, and hours.

use super::*;
use crate::model::Layer;

/// Two layers: the sun is followed by the first, hours at night are the second's.
const SUN: &str = r#"
    rotation:
      - { time_zone: Australia/Sydney, start: 2026-01-05, handoff: { at: "08:00", every: 1w }, members: [alice],
          only: { days: mon-fri, from: "08:00", to: "16:00" } }
      - { time_zone: Europe/Paris, start: 2026-01-05, handoff: { at: "08:00", every: 1w }, members: [bob, carol],
          only: { days: mon-fri, from: "07:00", to: "15:00" } }
      - { time_zone: America/Los_Angeles, start: 2026-01-05, handoff: { at: "06:00", every: 1w }, members: [dan],
          only: { days: mon-fri, from: "06:00", to: "14:00" } }
    secondary: { time_zone: UTC, start: 2026-01-05, handoff: { at: "09:00", every: 1w }, members: [eve, alice],
      only: { days: daily, from: "18:00", to: "06:00" } }
"#;

#[test]
fn of_several_rotations_the_first_that_covers_counts_and_what_none_covers_is_a_gap() {
    let on_call = team(SUN);
    insta::assert_snapshot!(on_call.plan("2026-03-05T12:00:00Z", "2026-03-10T00:00:00Z"), @"
    bob 2026-03-05T06:00Z..2026-03-05T14:00Z 8h
    dan 2026-03-05T14:00Z..2026-03-05T21:00Z 7h
    alice 2026-03-05T21:00Z..2026-03-06T05:00Z 8h
    bob 2026-03-06T06:00Z..2026-03-06T14:00Z 8h
    dan 2026-03-06T14:00Z..2026-03-06T22:00Z 8h
    alice 2026-03-08T21:00Z..2026-03-09T05:00Z 8h
    bob 2026-03-09T06:00Z..2026-03-09T07:00Z 1h
    carol 2026-03-09T07:00Z..2026-03-09T14:00Z 7h
    dan 2026-03-09T14:00Z..2026-03-09T21:00Z 7h
    alice 2026-03-09T21:00Z..2026-03-10T05:00Z 8h
    ");
    let at = utc("2026-03-07T12:00:00Z");
    assert_eq!(on_call.watch(at), None);
    assert_eq!(on_call.shift_at("platform", at), Ok(None));
    assert_eq!(on_call.next_handoff("platform", at), Ok(utc("2026-03-08T21:00:00Z")), "the end of the gap");
    let before = on_call.shift_before("platform", at).unwrap().unwrap();
    assert_eq!(before.to, utc("2026-03-06T22:00:00Z"));
    let during = on_call.shift_before("platform", utc("2026-03-06T15:00:00Z")).unwrap().unwrap();
    assert_eq!(during.to, utc("2026-03-06T14:00:00Z"), "the one that goes on has not ended");
    assert_eq!(on_call.shift_before("platform", utc("2026-01-01T00:00:00Z")), Ok(None));
}

#[test]
fn a_secondary_has_turns_of_its_own_and_is_called_next() {
    let on_call = team(SUN);
    let secondary = |at: &str| {
        let watch = on_call.who_in("platform", Layer::Secondary, utc(at)).unwrap();
        watch.map(|watch| watch.member.name.clone())
    };
    assert_eq!(secondary("2026-03-05T20:00:00Z").as_deref(), Some("eve"));
    assert_eq!(secondary("2026-03-05T12:00:00Z"), None);
    let calls = |at: &str| {
        let mut calls = Vec::new();
        while let Some(call) = on_call
            .call("platform", "platform", calls.len() as u32, &Concern::default(), utc(at))
            .filter(|_| calls.len() < 3)
        {
            calls.push(call.people.iter().map(|member| member.name.clone()).collect::<Vec<_>>().join(" "));
        }
        calls
    };
    assert_eq!(calls("2026-03-05T20:00:00Z"), ["dan", "dan", "eve"]);
    // Nobody is secondary at noon: who takes over is next.
    assert_eq!(calls("2026-03-05T12:00:00Z"), ["bob", "bob", "dan"]);
    // Alice is both: somebody else must stand behind her.
    let monday = "2026-01-12T22:00:00Z";
    assert_eq!(on_call.watch(utc(monday)).unwrap().member.name, "alice");
    assert_eq!(secondary(monday).as_deref(), Some("alice"));
    assert_eq!(calls(monday), ["alice", "alice", "carol"]);
}

#[test]
fn secondary_is_a_word_of_the_policy() {
    let policy = "    escalation: { steps: [{ call: [secondary] }, { call: [everybody] }] }\n";
    let on_call = team(&format!("{SUN}{policy}"));
    let call = |step, at| on_call.call("platform", "platform", step, &Concern::default(), utc(at)).unwrap();
    let night = call(0, "2026-03-05T20:00:00Z");
    assert_eq!((night.step, night.people[0].name.as_str(), night.said.as_str()), (0, "eve", "secondary"));
    let noon = call(0, "2026-03-05T12:00:00Z");
    assert_eq!((noon.step, noon.people.len()), (1, 5), "nobody is secondary: the step is passed over");
    let alone = format!("{}{policy}", SUN.split("    secondary").next().unwrap());
    let error = OnCall::parse("oncall.yaml", &text(&alone)).map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("the team has no secondary") && error.contains("secondary: {"), "{error}");
    assert!(error.contains("oncall.yaml:14:"), "{error}");
}

/// A night from 22:00 to 06:00 on each change of clocks, and the whole day without the hours that
/// clocks leave out or show twice.
#[test]
fn hours_are_those_that_the_clocks_show() {
    let night = |zone: &str, only: &str| {
        team(&format!(
            "    rotation: {{ time_zone: {zone}, start: 2011-01-03, handoff: {{ at: \"12:00\", every: 1d }}, \
             members: [alice, bob], only: {only} }}\n"
        ))
    };
    let whole_night = r#"{ days: daily, from: "22:00", to: "06:00" }"#;
    // 02:00 -> 03:00 on 8 March.
    insta::assert_snapshot!(night("America/Chicago", whole_night).plan("2026-03-07T12:00:00Z", "2026-03-09T12:00:00Z"), @"
    alice 2026-03-08T04:00Z..2026-03-08T11:00Z 7h
    bob 2026-03-09T03:00Z..2026-03-09T11:00Z 8h
    ");
    // 02:00 -> 01:30 on 5 April; 02:00 -> 02:30 on 4 October.
    insta::assert_snapshot!(night("Australia/Lord_Howe", whole_night).plan("2026-04-04T06:00:00Z", "2026-04-06T00:00:00Z"), @"
    alice 2026-04-04T11:00Z..2026-04-04T19:30Z 8.5h
    bob 2026-04-05T11:30Z..2026-04-05T19:30Z 8h
    ");
    let quarter = r#"{ days: sun, from: "01:45", to: "02:15" }"#;
    insta::assert_snapshot!(night("Australia/Lord_Howe", quarter).plan("2026-04-04T00:00:00Z", "2026-04-06T00:00:00Z"), @"
    alice 2026-04-04T14:45Z..2026-04-04T15:00Z 0.25h
    alice 2026-04-04T15:15Z..2026-04-04T15:45Z 0.5h
    ");
    insta::assert_snapshot!(night("Australia/Lord_Howe", quarter).plan("2026-10-03T00:00:00Z", "2026-10-05T00:00:00Z"), @"alice 2026-10-03T15:15Z..2026-10-03T15:30Z 0.25h");
    // 00:00 -> 01:00 on 6 September: that Sunday begins at 01:00. 24:00 -> 23:00 on 4 April: that
    // Saturday ends twice.
    let sunday = r#"{ days: sun, from: "00:00", to: "24:00" }"#;
    insta::assert_snapshot!(night("America/Santiago", sunday).plan("2026-09-05T00:00:00Z", "2026-09-08T00:00:00Z"), @"
    alice 2026-09-06T04:00Z..2026-09-06T15:00Z 11h
    bob 2026-09-06T15:00Z..2026-09-07T03:00Z 12h
    ");
    let late = r#"{ days: sat, from: "23:30", to: "24:00" }"#;
    insta::assert_snapshot!(night("America/Santiago", late).plan("2026-04-04T12:00:00Z", "2026-04-06T00:00:00Z"), @"
    alice 2026-04-05T02:30Z..2026-04-05T03:00Z 0.5h
    alice 2026-04-05T03:30Z..2026-04-05T04:00Z 0.5h
    ");
    // Samoa had no Friday 30 December 2011, so that Friday's night is what is left of it on
    // Saturday.
    let friday = r#"{ days: fri, from: "22:00", to: "06:00" }"#;
    insta::assert_snapshot!(night("Pacific/Apia", friday).plan("2011-12-29T00:00:00Z", "2012-01-07T20:00:00Z"), @"
    bob 2011-12-30T10:00Z..2011-12-30T16:00Z 6h
    alice 2012-01-06T08:00Z..2012-01-06T16:00Z 8h
    ");
    // Nothing changes here.
    insta::assert_snapshot!(night("Asia/Kathmandu", whole_night).plan("2026-03-28T12:00:00Z", "2026-03-30T12:00:00Z"), @"
    bob 2026-03-28T16:15Z..2026-03-29T00:15Z 8h
    alice 2026-03-29T16:15Z..2026-03-30T00:15Z 8h
    ");
}

#[test]
fn a_rotation_covers_nothing_before_its_beginning_also_where_its_hours_are() {
    let on_call = team(
        "    rotation: { time_zone: UTC, start: 2026-01-05, handoff: { at: \"12:00\", every: 1w }, members: [alice], \
         only: { days: daily, from: \"09:00\", to: \"17:00\" } }\n",
    );
    assert_eq!(on_call.next_handoff("platform", utc("2026-01-01T10:00:00Z")), Ok(utc("2026-01-05T12:00:00Z")));
    insta::assert_snapshot!(on_call.plan("2026-01-01T00:00:00Z", "2026-01-07T00:00:00Z"), @"
    alice 2026-01-05T12:00Z..2026-01-05T17:00Z 5h
    alice 2026-01-06T09:00Z..2026-01-06T17:00Z 8h
    ");
    let late = team(
        "    rotation: { time_zone: UTC, start: 2026-01-05, handoff: { at: \"20:00\", every: 1w }, members: [alice], \
         only: { days: daily, from: \"09:00\", to: \"17:00\" } }\n",
    );
    assert_eq!(late.next_handoff("platform", utc("2026-01-01T10:00:00Z")), Ok(utc("2026-01-06T09:00:00Z")));
    assert_eq!(late.next_handoff("platform", utc("2026-01-05T21:00:00Z")), Ok(utc("2026-01-06T09:00:00Z")));
    assert_eq!(late.shift_before("platform", utc("2026-01-05T21:00:00Z")), Ok(None));
}

#[test]
fn what_is_wrong_with_layers_is_said_with_its_place() {
    let error = |team: &str| OnCall::parse("oncall.yaml", &text(team)).map(|_| ()).unwrap_err().to_string();
    insta::assert_snapshot!(error(&SUN.replace("Europe/Paris", "Europe/Pariss")), @r#"
    error[unknown-value]: `Europe/Pariss` is no time zone
      --> oncall.yaml:10:22
       |
    10 |       - { time_zone: Europe/Pariss, start: 2026-01-05, handoff: { at: "08:00", every: 1w }, members: [bob, carol],
       |                      ^^^^^^
       |
       = help: did you mean `Europe/Paris`?
    "#);
    for (good, slip, told, remedy) in [
        ("days: daily", "days: nights", "`nights` are no days", "`mon-fri`"),
        ("to: \"06:00\"", "to: \"18:00\"", "the hours end at 18:00, when they begin", "24:00"),
        ("to: \"06:00\"", "to: \"25:00\"", "`25:00` is no time of day", "23:59"),
        ("members: [dan]", "members: [dna]", "names member `dna`", "did you mean `dan`?"),
        ("only: { days: daily,", "only: { hours: 8, days: daily,", "`hours` is not known here", "`days`"),
        ("    secondary: {", "    tertiary: {", "`tertiary` is not known here", "secondary"),
    ] {
        assert!(SUN.contains(good), "{good}");
        let said = error(&SUN.replacen(good, slip, 1));
        assert!(said.contains(told) && said.contains(remedy) && said.contains("oncall.yaml:"), "{slip}: {said}");
    }
    let said = error("    rotation: []\n");
    assert!(said.contains("nobody takes turns in team `platform`") && said.contains("oncall.yaml:7:"), "{said}");
    let said = error("    rotation: often\n");
    assert!(said.contains("oncall.yaml:7:") && said.contains("or a list of such"), "{said}");
}
