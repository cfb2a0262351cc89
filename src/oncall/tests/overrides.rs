//! Somebody covers.

use chrono::Duration;

use super::*;
use crate::model::{Layer, Override, OverrideId};
use crate::oncall::Roster;

fn weekly(zone: &str) -> OnCall {
    team(&format!(
        "    rotation: {{ time_zone: {zone}, start: 2026-01-05, handoff: {{ at: \"09:00\", every: 1w }}, \
         members: [alice, bob] }}\n    secondary: {{ time_zone: {zone}, start: 2026-01-05, \
         handoff: {{ at: \"09:00\", every: 1w }}, members: [bob, alice] }}\n"
    ))
}

/// Made long before it begins, for all whose turn it is.
fn cover(id: i64, member: &str, from: &str, until: &str) -> Override {
    Override {
        id: OverrideId(id),
        team: "platform".into(),
        layer: Layer::Primary,
        member: member.into(),
        whom: None,
        from: utc(from),
        until: utc(until),
        reason: "a wedding".into(),
        by: "alice".into(),
        via: "console".into(),
        made_at: utc("2026-01-05T09:00:00Z"),
        ended: None,
    }
}

fn plan(file: &OnCall, overrides: &[Override], from: &str, to: &str) -> String {
    let (on_call, passed_over) = file.with_overrides(overrides);
    assert_eq!(passed_over, []);
    on_call.plan(from, to)
}

#[test]
fn an_override_lies_over_the_rotation_and_the_later_over_the_earlier() {
    let file = weekly("UTC");
    let tuesday = cover(1, "carol", "2026-03-03T12:00:00Z", "2026-03-03T18:00:00Z");
    let within = cover(2, "dan", "2026-03-03T14:00:00Z", "2026-03-03T15:00:00Z");
    insta::assert_snapshot!(plan(&file, &[within.clone(), tuesday.clone()], "2026-03-03T00:00:00Z", "2026-03-10T00:00:00Z"), @"
    alice 2026-03-02T09:00Z..2026-03-03T12:00Z 27h
    carol 2026-03-03T12:00Z..2026-03-03T14:00Z 2h
    dan 2026-03-03T14:00Z..2026-03-03T15:00Z 1h
    carol 2026-03-03T15:00Z..2026-03-03T18:00Z 3h
    alice 2026-03-03T18:00Z..2026-03-09T09:00Z 135h
    bob 2026-03-09T09:00Z..2026-03-16T09:00Z 168h
    ");
    let (on_call, _) = file.with_overrides(&[tuesday.clone(), within]);
    let at = |at: &str| on_call.watch(utc(at)).unwrap();
    assert_eq!(at("2026-03-03T14:00:00Z").cover, Some(OverrideId(2)));
    assert_eq!(at("2026-03-03T13:59:59Z").cover, Some(OverrideId(1)));
    assert_eq!(at("2026-03-03T18:00:00Z").cover, None);
    assert_eq!(on_call.next_handoff("platform", utc("2026-03-03T15:00:00Z")), Ok(utc("2026-03-03T18:00:00Z")));
    let secondary = on_call.who_in("platform", Layer::Secondary, utc("2026-03-03T14:30:00Z")).unwrap().unwrap();
    assert_eq!((secondary.member.name.as_str(), secondary.cover), ("bob", None), "another layer is another thing");
    assert_eq!(file.watch(utc("2026-03-03T14:30:00Z")).unwrap().member.name, "alice", "the file stays as it is");
}

#[test]
fn whoever_covers_oneself_or_a_turn_of_ones_own_changes_nothing() {
    let file = weekly("UTC");
    // Over the end of alice's week into bob's.
    let own = cover(1, "alice", "2026-03-06T00:00:00Z", "2026-03-10T00:00:00Z");
    insta::assert_snapshot!(plan(&file, &[own], "2026-03-05T00:00:00Z", "2026-03-11T00:00:00Z"), @"
    alice 2026-03-02T09:00Z..2026-03-09T09:00Z 168h
    alice 2026-03-09T09:00Z..2026-03-10T00:00Z 15h
    bob 2026-03-10T00:00Z..2026-03-16T09:00Z 153h
    ");
}

#[test]
fn one_for_somebody_counts_only_while_it_is_their_turn() {
    let file = weekly("UTC");
    let for_alice =
        Override { whom: Some("alice".into()), ..cover(1, "carol", "2026-03-06T00:00:00Z", "2026-03-20T00:00:00Z") };
    // Who covers for the one who covers is meant as well.
    let for_carol =
        Override { whom: Some("carol".into()), ..cover(2, "dan", "2026-03-08T00:00:00Z", "2026-03-09T00:00:00Z") };
    insta::assert_snapshot!(plan(&file, &[for_alice, for_carol], "2026-03-05T00:00:00Z", "2026-03-18T00:00:00Z"), @"
    alice 2026-03-02T09:00Z..2026-03-06T00:00Z 87h
    carol 2026-03-06T00:00Z..2026-03-08T00:00Z 48h
    dan 2026-03-08T00:00Z..2026-03-09T00:00Z 24h
    carol 2026-03-09T00:00Z..2026-03-09T09:00Z 9h
    bob 2026-03-09T09:00Z..2026-03-16T09:00Z 168h
    carol 2026-03-16T09:00Z..2026-03-20T00:00Z 87h
    ");
}

#[test]
fn a_gap_can_be_covered() {
    let file = team(
        "    rotation: { time_zone: UTC, start: 2026-01-05, handoff: { at: \"09:00\", every: 1w }, members: [alice], \
         only: { days: mon-fri, from: \"09:00\", to: \"17:00\" } }\n",
    );
    let weekend = cover(1, "bob", "2026-03-06T12:00:00Z", "2026-03-09T00:00:00Z");
    insta::assert_snapshot!(plan(&file, &[weekend], "2026-03-06T00:00:00Z", "2026-03-10T00:00:00Z"), @"
    alice 2026-03-06T09:00Z..2026-03-06T12:00Z 3h
    bob 2026-03-06T12:00Z..2026-03-09T00:00Z 60h
    alice 2026-03-09T09:00Z..2026-03-09T17:00Z 8h
    ");
}

#[test]
fn history_keeps_who_was_on_call_then() {
    let file = weekly("UTC");
    let asked = cover(1, "carol", "2026-03-03T06:00:00Z", "2026-03-04T06:00:00Z");
    let late = Override { made_at: utc("2026-03-03T12:00:00Z"), ..asked.clone() };
    let ended = Override { ended: Some((utc("2026-03-03T20:00:00Z"), "alice".into())), ..late.clone() };
    insta::assert_snapshot!(plan(&file, &[ended], "2026-03-03T00:00:00Z", "2026-03-05T00:00:00Z"), @"
    alice 2026-03-02T09:00Z..2026-03-03T12:00Z 27h
    carol 2026-03-03T12:00Z..2026-03-03T20:00Z 8h
    alice 2026-03-03T20:00Z..2026-03-09T09:00Z 133h
    ");
    let taken_back = Override { ended: Some((utc("2026-03-03T05:00:00Z"), "alice".into())), ..asked };
    assert_eq!(plan(&file, &[taken_back], "2026-03-03T00:00:00Z", "2026-03-05T00:00:00Z").lines().count(), 1);
}

#[test]
fn an_override_is_a_time_and_no_time_of_day() {
    for (zone, change) in [
        ("America/Chicago", "2026-03-08T08:00:00Z"),
        ("Australia/Lord_Howe", "2026-10-03T15:30:00Z"),
        ("America/Santiago", "2026-04-05T03:00:00Z"),
        ("Asia/Kathmandu", "2026-03-08T00:00:00Z"),
    ] {
        let at = utc(change);
        let (from, until) = (at - Duration::minutes(90), at + Duration::minutes(90));
        let (on_call, _) = weekly(zone).with_overrides(&[cover(1, "carol", &from.to_rfc3339(), &until.to_rfc3339())]);
        let shift = on_call.watch(at).unwrap().shift;
        assert_eq!((shift.from, shift.to), (from, until), "{zone}");
        assert_eq!(on_call.watch(from - Duration::seconds(1)).unwrap().shift.to, from, "{zone}");
        assert_eq!(on_call.watch(until).unwrap().shift.from, until, "{zone}");
    }
}

#[test]
fn what_the_file_does_not_name_is_told_and_passed_over() {
    let file = weekly("UTC");
    let known = cover(1, "carol", "2026-03-03T06:00:00Z", "2026-03-04T06:00:00Z");
    let gone = cover(2, "zoe", "2026-03-03T06:00:00Z", "2026-03-04T06:00:00Z");
    let no_team =
        Override { team: "plattform".into(), ..cover(3, "dan", "2026-03-03T06:00:00Z", "2026-03-04T06:00:00Z") };
    let roster = Roster::new(file);
    let told: Vec<String> =
        roster.set_overrides(vec![known, gone, no_team]).into_iter().map(|passed| passed.because).collect();
    assert_eq!(
        told,
        [
            "OVR-2 is passed over: oncall.yaml does not name zoe, who was to be primary of team platform",
            "OVR-3 is passed over: no team is called `plattform`; did you mean `platform`?",
        ]
    );
    let who = |roster: &Roster| roster.get().watch(utc("2026-03-03T12:00:00Z")).unwrap().member.name.clone();
    assert_eq!(who(&roster), "carol");

    // Whoever holds it hears of the next file, under which the overrides lie still.
    let held = roster.clone();
    let alone = |members: &str| {
        text(&format!(
            "    rotation: {{ time_zone: UTC, start: 2026-01-05, handoff: {{ at: \"09:00\", every: 1w }}, members: [{members}] }}\n"
        ))
    };
    let without = alone("eve").replace("{ name: carol }, ", "");
    assert_eq!(roster.reload(OnCall::parse("oncall.yaml", &without).unwrap()).len(), 3);
    assert_eq!(who(&held), "eve");
    assert_eq!(roster.reload(OnCall::parse("oncall.yaml", &alone("eve")).unwrap()).len(), 2);
    assert_eq!(who(&held), "carol", "she is named again");
    assert_eq!(Roster::default().get().teams().len(), 0);
}
