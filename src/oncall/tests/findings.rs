//! What may be a mistake.

use super::*;

fn findings(file: &OnCall, now: &str) -> String {
    file.findings(utc(now)).iter().map(|finding| format!("{finding}\n")).collect()
}

/// Everybody has an address.
fn reachable(lines: &str) -> OnCall {
    let mut known = text(lines);
    for name in ["alice", "bob", "carol", "dan", "eve"] {
        known =
            known.replace(&format!("{{ name: {name} }}"), &format!("{{ name: {name}, email: {name}@example.org }}"));
    }
    OnCall::parse("oncall.yaml", &known).unwrap()
}

const OFFICE: &str = r#"
    rotation: { time_zone: Europe/Paris, start: 2026-01-05, handoff: { at: "09:00", every: 1w }, members: [alice, bob],
      only: { days: mon-fri, from: "09:00", to: "17:00" } }
"#;

#[test]
fn a_team_that_is_covered_has_none() {
    let whole = OFFICE.replace(",\n      only: { days: mon-fri, from: \"09:00\", to: \"17:00\" }", "");
    assert_eq!(findings(&reachable(&whole), "2026-03-02T00:00:00Z"), "");
}

#[test]
fn hours_that_nobody_covers_are_told_with_the_first_and_how_many() {
    // The Monday begins before the look: 2026-03-02T00:00Z is 01:00 in Paris.
    insta::assert_snapshot!(findings(&reachable(OFFICE), "2026-03-02T00:00:00Z"), @"nobody is on call for team platform from Mon 2026-03-02 01:00 to Mon 2026-03-02 09:00 Europe/Paris, nor in 65 more gaps of the next 90 days, 1640 h in all");
    let night = r#"
    rotation:
      - { time_zone: UTC, start: 2026-01-05, handoff: { at: "09:00", every: 1w }, members: [alice],
          only: { days: daily, from: "06:00", to: "22:00" } }
      - { time_zone: UTC, start: 2026-01-05, handoff: { at: "09:00", every: 1w }, members: [bob],
          only: { days: daily, from: "22:00", to: "06:00" } }
"#;
    assert_eq!(findings(&reachable(night), "2026-03-02T00:00:00Z"), "", "the two fit");
}

#[test]
fn a_rotation_that_begins_later_is_told_with_its_beginning() {
    insta::assert_snapshot!(findings(&reachable(OFFICE), "2025-12-30T12:00:00Z"), @"nobody is on call for team platform: its rotation begins 2026-01-05 08:00 UTC");
    // Its end is a gap like any other: there is none in a rotation, but a secondary may come later.
    let later = r#"
    rotation: { time_zone: UTC, start: 2026-01-05, handoff: { at: "09:00", every: 1w }, members: [alice] }
    secondary: { time_zone: UTC, start: 2026-03-05, handoff: { at: "09:00", every: 1w }, members: [bob] }
"#;
    insta::assert_snapshot!(findings(&reachable(later), "2026-03-02T00:00:00Z"), @"nobody is on call as secondary for team platform: its rotation begins 2026-03-05 09:00 UTC");
}

#[test]
fn two_rotations_at_once_and_one_person_twice_are_told() {
    let both = r#"
    rotation:
      - { time_zone: UTC, start: 2026-01-05, handoff: { at: "09:00", every: 1w }, members: [alice],
          only: { days: mon-fri, from: "09:00", to: "17:00" } }
      - { time_zone: UTC, start: 2026-01-05, handoff: { at: "09:00", every: 1w }, members: [bob, carol] }
    secondary: { time_zone: UTC, start: 2026-01-05, handoff: { at: "09:00", every: 1w }, members: [dan, carol] }
"#;
    insta::assert_snapshot!(findings(&reachable(both), "2026-03-02T10:00:00Z"), @"
    rotations 1 and 2 of team platform (primary) both cover from Mon 2026-03-02 10:00 to Mon 2026-03-02 17:00 UTC: the first counts
    carol is primary and secondary of team platform from Mon 2026-03-09 17:00 to Tue 2026-03-10 09:00 UTC: nobody stands behind them
    ");
}

#[test]
fn whom_nobody_can_reach_is_told_once() {
    insta::assert_snapshot!(findings(&team(&OFFICE.replace(",\n      only: { days: mon-fri, from: \"09:00\", to: \"17:00\" }", "")), "2026-03-02T00:00:00Z"), @"
    nobody of team platform can be reached: none of them has an address, such as `discord` or `email`
    no address of alice, bob is known, such as `discord` or `email`: a page names them and mentions nobody
    ");
}

#[test]
fn an_override_fills_a_gap_and_may_make_one_person_two() {
    use crate::model::{Layer, Override, OverrideId};
    let two = r#"
    rotation: { time_zone: UTC, start: 2026-01-05, handoff: { at: "09:00", every: 1w }, members: [alice] }
    secondary: { time_zone: UTC, start: 2026-01-05, handoff: { at: "09:00", every: 1w }, members: [dan] }
"#;
    let cover = Override {
        id: OverrideId(1),
        team: "platform".into(),
        layer: Layer::Primary,
        member: "dan".into(),
        whom: None,
        from: utc("2026-03-03T00:00:00Z"),
        until: utc("2026-03-03T08:00:00Z"),
        reason: String::new(),
        by: "dan".into(),
        via: "console".into(),
        made_at: utc("2026-03-01T00:00:00Z"),
        ended: None,
    };
    let (on_call, _) = reachable(two).with_overrides(&[cover]);
    insta::assert_snapshot!(findings(&on_call, "2026-03-02T00:00:00Z"), @"dan is primary and secondary of team platform from Tue 2026-03-03 00:00 to Tue 2026-03-03 08:00 UTC: nobody stands behind them");
}
