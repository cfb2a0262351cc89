//! Who is called next.

use super::*;

const FILE: &str = r#"apiVersion: dogwatch/v1
kind: OnCall
members: [{ name: alice }, { name: bob }, { name: carol }, { name: erin }, { name: zoe }]
teams:
  - name: platform
    rotation: { time_zone: UTC, start: 2026-01-05, handoff: { at: "09:00", every: 1w }, members: [zoe] }
  - name: databases
    manager: erin
    rotation: { time_zone: UTC, start: 2026-01-05, handoff: { at: "09:00", every: 1w }, members: [alice, alice, bob] }
  - name: shop
    manager: erin
    rotation: { time_zone: UTC, start: 2026-01-05, handoff: { at: "09:00", every: 1w }, members: [bob, carol] }
    escalation:
      ack_within: { S1: 2m, S3: 1h }
      repeat: 2
      steps:
        - call: [on-call]
        - { call: [next, { person: erin }], within: 30m }
        - call: [{ rotation: databases }]
        - call: [{ team: databases }, everybody, manager]
"#;

/// Whom a team's policy calls, one after the other: `in the name of: whom`.
fn calls(team: &str, at: &str, most: usize) -> Vec<String> {
    let oncall = OnCall::parse("oncall.yaml", FILE).unwrap();
    let mut steps = 0;
    let mut calls = Vec::new();
    while let Some(call) =
        oncall.call(team, "platform", steps, &Concern::default(), utc(at)).filter(|_| calls.len() < most)
    {
        let people: Vec<&str> = call.people.iter().map(|member| member.name.as_str()).collect();
        calls.push(format!("{} {}: {}", call.step, call.team, people.join(" ")));
        steps = call.step + 1;
    }
    calls
}

#[test]
fn where_nothing_is_said_once_more_then_the_next_then_the_default_team_without_an_end() {
    let expected =
        ["0 databases: alice", "1 databases: alice", "2 databases: bob", "3 platform: zoe", "4 databases: alice"];
    assert_eq!(calls("databases", "2026-01-06T12:00:00Z", 5), expected);
    assert_eq!(calls("databases", "2026-01-20T12:00:00Z", 3)[2], "2 databases: alice");
    let alone = ["0 platform: zoe", "1 platform: zoe", "4 platform: zoe"];
    assert_eq!(
        calls("platform", "2026-01-06T12:00:00Z", 3),
        alone,
        "nobody is next, and it is the default team itself"
    );
    assert_eq!(calls("nobodys", "2026-01-06T12:00:00Z", 1), ["0 platform: zoe"]);
}

#[test]
fn a_policy_is_taken_step_by_step_as_often_as_it_says() {
    let round = ["shop: bob", "shop: carol erin", "databases: alice", "shop: alice bob carol erin"];
    let expected: Vec<String> = (0..8).map(|step| format!("{step} {}", round[step % 4])).collect();
    assert_eq!(calls("shop", "2026-01-06T12:00:00Z", 100), expected);
    let oncall = OnCall::parse("oncall.yaml", FILE).unwrap();
    let within =
        |step| oncall.call("shop", "platform", step, &Concern::default(), utc("2026-01-06T12:00:00Z")).unwrap().within;
    assert_eq!((within(0), within(1).map(|within| within.as_secs())), (None, Some(1_800)));
    let times = oncall.ack_times();
    let acknowledge =
        |team: &str, severity| times.of(team).acknowledge.get(&severity).map(std::time::Duration::as_secs);
    use crate::model::Severity::{S1, S2, S3};
    assert_eq!([S1, S2, S3].map(|severity| acknowledge("shop", severity)), [Some(120), Some(900), Some(3_600)]);
    assert_eq!([S1, S2, S3].map(|severity| acknowledge("databases", severity)), [Some(300), Some(900), None]);
}

#[test]
fn before_a_rotation_begins_the_steps_that_name_nobody_are_passed_over() {
    assert_eq!(calls("shop", "2026-01-01T12:00:00Z", 2), ["1 shop: bob erin", "3 shop: alice bob carol erin"]);
    // Who comes first is next; before that, nobody.
    assert_eq!(calls("platform", "2026-01-01T12:00:00Z", 1), ["2 platform: zoe"]);
    let nobody =
        FILE.replacen("members: [zoe] }", "members: [zoe] }\n    escalation: { steps: [{ call: [on-call] }] }", 1);
    let oncall = OnCall::parse("oncall.yaml", &nobody).unwrap();
    let call = oncall.call("platform", "platform", 0, &Concern::default(), utc("2026-01-01T12:00:00Z")).unwrap();
    assert_eq!((call.step, call.people.len()), (0, 0), "somebody may look there");
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let said = |good: &str, slip: &str| {
        assert!(FILE.contains(good), "{good}");
        OnCall::parse("oncall.yaml", &FILE.replacen(good, slip, 1)).map(|_| ()).unwrap_err().to_string()
    };
    insta::assert_snapshot!(said("{ person: erin }", "{ person: erni }"), @"
    error[unknown-name]: `erni` is not in members
      --> oncall.yaml:18:26
       |
    18 |         - { call: [next, { person: erni }], within: 30m }
       |                          ^
       |
       = help: did you mean `erin`?
    ");
    for (good, slip, told, remedy) in [
        (
            "rotation: databases }]",
            "rotation: database }]",
            "no team is called `database`",
            "did you mean `databases`?",
        ),
        ("team: databases }", "squad: databases }", "`squad` says of nobody", "{ team: TEAM }"),
        ("call: [on-call]", "call: []", "the step calls 0", "call: [on-call]"),
        ("call: [on-call]", "call: [oncall]", "`oncall` says of nobody", "`on-call`"),
        ("call: [on-call]", "call: [{ person: erin, team: shop }]", "names two", "- person: erin"),
        ("within: 30m", "within: 30", "`30` is no time", "`5m`"),
        ("S1: 2m", "S1: 2s", "`2s` is no time", "from `1m` to `7d`"),
        ("S3: 1h", "S4: 1h", "S4", "S3"),
        ("repeat: 2", "repeat: 0", "0 is no number of rounds", "leave it out"),
    ] {
        let said = said(good, slip);
        assert!(said.contains(told) && said.contains(remedy) && said.contains("oncall.yaml:"), "{slip}: {said}");
    }
    let without = FILE.replacen("    manager: erin\n    rotation: { time_zone: UTC, start: 2026-01-05, handoff: { at: \"09:00\", every: 1w }, members: [bob", "    rotation: { time_zone: UTC, start: 2026-01-05, handoff: { at: \"09:00\", every: 1w }, members: [bob", 1);
    let said = OnCall::parse("oncall.yaml", &without).map(|_| ()).unwrap_err().to_string();
    assert!(said.contains("the team has no manager") && said.contains("manager: erin"), "{said}");
}
