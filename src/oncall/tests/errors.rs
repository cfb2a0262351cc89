//! What somebody reads who made a slip.

use std::path::Path;

use super::*;
use crate::diagnostics::Code;

const GOOD: &str = r#"apiVersion: dogwatch/v1
kind: OnCall
members:
  - { name: alice, discord: "123456789012345678", email: alice@example.org, time_zone: Europe/Paris }
  - { name: bob, discord: "223456789012345678" }
teams:
  - name: platform
    channel: "323456789012345678"
    rotation:
      time_zone: Europe/Paris
      start: 2026-01-05
      handoff: { at: "09:00", every: 1w }
      members: [alice, bob]
"#;

/// What is said when `good` is written as `slip`.
fn said(good: &str, slip: &str) -> String {
    assert!(GOOD.contains(good), "{good}");
    parse_error(&GOOD.replacen(good, slip, 1)).to_string()
}

fn parse_error(text: &str) -> crate::diagnostics::Diagnostics {
    OnCall::parse("oncall.yaml", text).map(|_| text.to_owned()).unwrap_err()
}

#[test]
fn the_text_without_a_slip_is_good() {
    OnCall::parse("oncall.yaml", GOOD).unwrap();
}

#[test]
fn an_error_carries_its_place_and_remedy() {
    let error = parse_error(&GOOD.replace("[alice, bob]", "[alcie, bob]"));
    let [wrong] = error.0.as_slice() else { panic!("{error}") };
    let place = wrong.place.clone().unwrap();
    assert_eq!((wrong.path.as_path(), place.line, place.column), (Path::new("oncall.yaml"), 13, 17));
    assert_eq!(place.snippet, "      members: [alcie, bob]");
    assert_eq!(wrong.message, "team `platform` names member `alcie`, who is not in members");
    assert_eq!((wrong.code, wrong.remedy.as_deref()), (Code::UnknownName, Some("did you mean `alice`?")));
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let text = GOOD.replace("[alice, bob]", "[alcie, bob]").replace("alice@example.org", "nobody");
    let told: Vec<_> = parse_error(&text).0.into_iter().map(|wrong| wrong.code).collect();
    // A member who is not quite right is one all the same: only the misspelt name is not there.
    assert_eq!(told, [Code::InvalidAddress, Code::UnknownName]);
}

#[test]
fn names() {
    insta::assert_snapshot!(said("[alice, bob]", "[alcie, bob]"), @"
    error[unknown-name]: team `platform` names member `alcie`, who is not in members
      --> oncall.yaml:13:17
       |
    13 |       members: [alcie, bob]
       |                 ^^^^^
       |
       = help: did you mean `alice`?
    ");
    insta::assert_snapshot!(said("[alice, bob]", "[zoe, bob]"), @"
    error[unknown-name]: team `platform` names member `zoe`, who is not in members
      --> oncall.yaml:13:17
       |
    13 |       members: [zoe, bob]
       |                 ^^^
       |
       = help: write one of `alice`, `bob`
    ");
    insta::assert_snapshot!(said("[alice, bob]", "[]"), @"
    error[invalid-rotation]: nobody takes turns in team `platform`
      --> oncall.yaml:13:16
       |
    13 |       members: []
       |                ^
       |
       = help: write at least one name of members
    ");
    insta::assert_snapshot!(said("name: bob", "name: alice"), @r#"
    error[duplicate-name]: a second member is called `alice`
     --> oncall.yaml:5:13
      |
    5 |   - { name: alice, discord: "223456789012345678" }
      |             ^^^^^
      |
      = help: give each its own name

    error[unknown-name]: team `platform` names member `bob`, who is not in members
      --> oncall.yaml:13:24
       |
    13 |       members: [alice, bob]
       |                        ^^^
       |
       = help: write `alice`
    "#);
    insta::assert_snapshot!(said("name: bob", r#"name: """#), @r#"
    error[invalid-name]: `` can be no member's name
     --> oncall.yaml:5:13
      |
    5 |   - { name: "", discord: "223456789012345678" }
      |             ^^
      |
      = help: write 1 to 64 characters, such as `alice`

    error[unknown-name]: team `platform` names member `bob`, who is not in members
      --> oncall.yaml:13:24
       |
    13 |       members: [alice, bob]
       |                        ^^^
       |
       = help: write one of `alice`, ``
    "#);
    insta::assert_snapshot!(said("name: platform", "name: ../platform"), @"
    error[invalid-name]: `../platform` can be no team's name
     --> oncall.yaml:7:11
      |
    7 |   - name: ../platform
      |           ^^
      |
      = help: write at most 64 lower-case letters, digits and inner `-`, such as `platform`
    ");
    let (before, teams) = GOOD.split_at(GOOD.find("  - name: platform").unwrap());
    insta::assert_snapshot!(parse_error(&[before, teams, teams].concat()), @"
    error[duplicate-name]: a second team is called `platform`
      --> oncall.yaml:14:11
       |
    14 |   - name: platform
       |           ^^^^^^^^
       |
       = help: give each its own name
    ");
}

#[test]
fn a_team_in_a_file_without_members() {
    let text = GOOD.lines().filter(|line| !line.contains("discord")).collect::<Vec<_>>().join("\n");
    insta::assert_snapshot!(parse_error(&text.replace("members:\nteams", "members: []\nteams")), @"
    error[unknown-name]: team `platform` names member `alice`, who is not in members
      --> oncall.yaml:11:17
       |
    11 |       members: [alice, bob]
       |                 ^^^^^
       |
       = help: add them to members
    ");
    insta::assert_snapshot!(parse_error(&text), @"
    error[unknown-name]: team `platform` names member `alice`, who is not in members
      --> oncall.yaml:11:17
       |
    11 |       members: [alice, bob]
       |                 ^^^^^
       |
       = help: add them to members
    ");
    insta::assert_snapshot!(parse_error(&format!("{}teams: []\n", &GOOD[..GOOD.find("teams:").unwrap()])), @"
    error[no-value]: there is no team
     --> oncall.yaml:6:8
      |
    6 | teams: []
      |        ^
      |
      = help: write at least one: `- name: ...`
    ");
}

#[test]
fn ids() {
    insta::assert_snapshot!(said(r#""223456789012345678""#, r#""@bob""#), @r#"
    error[invalid-address]: `@bob` is no Discord id, which has 15 to 20 digits
     --> oncall.yaml:5:27
      |
    5 |   - { name: bob, discord: "@bob" }
      |                           ^^^^^^
      |
      = help: in Discord, switch on developer mode, right-click, "Copy User ID"
    "#);
    insta::assert_snapshot!(said(r#""223456789012345678""#, "123456789012345678"), @"
    error[shared-address]: `alice` and `bob` have the same Discord id
     --> oncall.yaml:5:27
      |
    5 |   - { name: bob, discord: 123456789012345678 }
      |                           ^^^^^^^^^^^^^^^^^^
      |
      = help: give each their own, or make them one member
    ");
    insta::assert_snapshot!(said(r#""323456789012345678""#, "general"), @r#"
    error[invalid-address]: `general` is no Discord id, which has 15 to 20 digits
     --> oncall.yaml:8:14
      |
    8 |     channel: general
      |              ^^^^^^^
      |
      = help: in Discord, switch on developer mode, right-click, "Copy Channel ID"
    "#);
    insta::assert_snapshot!(said("alice@example.org", "alice at example.org"), @r#"
    error[invalid-address]: `alice at example.org` is no e-mail address
     --> oncall.yaml:4:58
      |
    4 |   - { name: alice, discord: "123456789012345678", email: alice at example.org, time_zone: Europe/Paris }
      |                                                          ^^^^^
      |
      = help: write one such as `alice@example.org`
    "#);
}

#[test]
fn handoffs() {
    insta::assert_snapshot!(said(r#""09:00""#, "24:00"), @r#"
    error[invalid-value]: `24:00` is no time of day
      --> oncall.yaml:12:22
       |
    12 |       handoff: { at: 24:00, every: 1w }
       |                      ^^
       |
       = help: write hours and minutes from "00:00" to "23:59"
    "#);
    insta::assert_snapshot!(said(r#""09:00""#, "0900"), @r#"
    error[wrong-type]: something else belongs here
      --> oncall.yaml:12:18
       |
    12 |       handoff: { at: 0900, every: 1w }
       |                  ^^
       |
       = help: write a time of day such as "09:00", or a list such as ["08:00", "20:00"]
    "#);
    insta::assert_snapshot!(said(r#""09:00""#, "[]"), @r#"
    error[invalid-rotation]: there is no time of handoff
      --> oncall.yaml:12:22
       |
    12 |       handoff: { at: [], every: 1w }
       |                      ^
       |
       = help: write one, such as `at: "09:00"`
    "#);
    insta::assert_snapshot!(said(r#""09:00", every: 1w"#, r#"["20:00", "08:00"], every: 1d"#), @r#"
    error[invalid-rotation]: the handoff at `08:00` does not come after the one before it
      --> oncall.yaml:12:32
       |
    12 |       handoff: { at: ["20:00", "08:00"], every: 1d }
       |                                ^^^^^^^
       |
       = help: write each time once, in the order of the day
    "#);
    insta::assert_snapshot!(said(r#""09:00""#, r#"["08:00", "20:00"]"#), @r#"
    error[contradiction]: 2 handoffs a day don't go with `every: 1w`
      --> oncall.yaml:12:49
       |
    12 |       handoff: { at: ["08:00", "20:00"], every: 1w }
       |                                                 ^^
       |
       = help: write `every: 1d`, or one time only
    "#);
    insta::assert_snapshot!(said("1w", "weekly"), @r#"
    error[invalid-value]: `weekly` is no time between handoffs
      --> oncall.yaml:12:38
       |
    12 |       handoff: { at: "09:00", every: weekly }
       |                                      ^^^^^^
       |
       = help: write days or weeks, such as `1d` or `1w`, of 366 days at most
    "#);
    insta::assert_snapshot!(said("1w", "0d"), @r#"
    error[invalid-value]: `0d` is no time between handoffs
      --> oncall.yaml:12:38
       |
    12 |       handoff: { at: "09:00", every: 0d }
       |                                      ^^
       |
       = help: write days or weeks, such as `1d` or `1w`, of 366 days at most
    "#);
    for wrong in ["1", "d", "-1d", "+1d", "1.5d", "367d", "53w", "99999999999999999999w", "1h", "12h", "1 d"] {
        assert!(said("1w", wrong).contains("is no time between handoffs"), "{wrong}");
    }
    for wrong in ["9", "9:0", "09:60", "+9:00", "-1:00", "09:00:00", "9am", "0x9:00", "٠٩:٠٠"] {
        assert!(said(r#""09:00""#, &format!("{wrong:?}")).contains("is no time of day"), "{wrong}");
    }
}

#[test]
fn zones_and_dates() {
    insta::assert_snapshot!(said("time_zone: Europe/Paris\n", "time_zone: Europe/Pairs\n"), @"
    error[unknown-value]: `Europe/Pairs` is no time zone
      --> oncall.yaml:10:18
       |
    10 |       time_zone: Europe/Pairs
       |                  ^^^^^^
       |
       = help: did you mean `Europe/Paris`?
    ");
    insta::assert_snapshot!(said("time_zone: Europe/Paris\n", "time_zone: CEST\n"), @"
    error[unknown-value]: `CEST` is no time zone
      --> oncall.yaml:10:18
       |
    10 |       time_zone: CEST
       |                  ^^^^
       |
       = help: did you mean `CET`?
    ");
    insta::assert_snapshot!(said("2026-01-05", "2026-02-30"), @"
    error[invalid-value]: `2026-02-30` is no day on which a rotation can start
      --> oncall.yaml:11:14
       |
    11 |       start: 2026-02-30
       |              ^^^^^^^^^^
       |
       = help: write year, month and day, such as `2026-01-05`
    ");
    insta::assert_snapshot!(said("2026-01-05", "0226-01-05"), @"
    error[invalid-value]: `0226-01-05` is no day on which a rotation can start
      --> oncall.yaml:11:14
       |
    11 |       start: 0226-01-05
       |              ^^^^^^^^^^
       |
       = help: write year, month and day, such as `2026-01-05`
    ");
}

#[test]
fn fields() {
    insta::assert_snapshot!(said("handoff:", "handof:"), @r#"
    error[unknown-field]: `handof` is not known here
      --> oncall.yaml:12:7
       |
    12 |       handof: { at: "09:00", every: 1w }
       |       ^^^^^^
       |
       = help: write `handoff`; known here: `time_zone`, `start`, `handoff`, `members`, `only` and `ical`
    "#);
    insta::assert_snapshot!(said("      start: 2026-01-05\n", ""), @"
    error[missing-field]: `start` is missing
      --> oncall.yaml:10:7
       |
    10 |       time_zone: Europe/Paris
       |       ^^^^^^^^^
       |
       = help: write `start: ...` here
    ");
    insta::assert_snapshot!(said("2026-01-05", ""), @"
    error[no-value]: there is no value here
      --> oncall.yaml:11:12
       |
    11 |       start:
       |            ^
       |
       = help: write one, or leave the field out
    ");
    insta::assert_snapshot!(said("kind: OnCall\n", "kind: OnCall\nkind: OnCall\n"), @"
    error[duplicate-key]: `kind` stands here twice
     --> oncall.yaml:3:1
      |
    3 | kind: OnCall
      | ^^^^
      |
      = help: keep one of the two
    ");
    insta::assert_snapshot!(said("kind: OnCall", "kind: Playbook"), @"
    error[wrong-document]: `Playbook` is not what an on-call file says here
     --> oncall.yaml:2:7
      |
    2 | kind: Playbook
      |       ^^^^^^^^
      |
      = help: write `OnCall`
    ");
    insta::assert_snapshot!(said("dogwatch/v1", "dogwatch/v2"), @"
    error[wrong-document]: `dogwatch/v2` is not what an on-call file says here
     --> oncall.yaml:1:13
      |
    1 | apiVersion: dogwatch/v2
      |             ^^^^^^^^
      |
      = help: write `dogwatch/v1`
    ");
}

#[test]
fn shapes() {
    insta::assert_snapshot!(said("  - name: platform", "    name: platform"), @"
    error[wrong-type]: a list belongs here
     --> oncall.yaml:7:5
      |
    7 |     name: platform
      |     ^^^^
      |
      = help: begin each entry with `- `, on its own line
    ");
    insta::assert_snapshot!(said("{ at: \"09:00\", every: 1w }", "weekly"), @"
    error[wrong-type]: fields belong here
      --> oncall.yaml:12:16
       |
    12 |       handoff: weekly
       |                ^^^^^^
       |
       = help: write each as `name: value`, on its own line
    ");
    insta::assert_snapshot!(said("kind: OnCall", "kind: [OnCall]"), @"
    error[wrong-type]: a single text belongs here
     --> oncall.yaml:2:7
      |
    2 | kind: [OnCall]
      |       ^
      |
      = help: write it on the same line, without `[`, `{` or `-`
    ");
    insta::assert_snapshot!(said("[alice, bob]", "[alice, bob"), @"
    error[invalid-yaml]: unclosed bracket '['
      --> oncall.yaml:13:16
       |
    13 |       members: [alice, bob
       |                ^
       |
       = help: deploy/oncall.yaml shows what such a file looks like
    ");
    insta::assert_snapshot!(said("[alice, bob]\n", "[alice, bob]\n---\nkind: OnCall\n"), @"
    error[several-documents]: a second document begins here
      --> oncall.yaml:15:1
       |
    15 | kind: OnCall
       | ^^^^
       |
       = help: keep one, without `---` after it
    ");
    insta::assert_snapshot!(parse_error(""), @"
    error[empty-file]: the file is empty
     --> oncall.yaml:1:1
      |
    1 |
      | ^
      |
      = help: begin with `apiVersion: dogwatch/v1`
    ");
    insta::assert_snapshot!(parse_error("- alice\n"), @"
    error[wrong-type]: fields belong here
     --> oncall.yaml:1:1
      |
    1 | - alice
      | ^
      |
      = help: write each as `name: value`, on its own line
    ");
}

#[test]
fn a_long_line_is_shown_around_its_column() {
    let long = format!("{}every: weekly }} # {}", " ".repeat(200), "x".repeat(500));
    insta::assert_snapshot!(said("every: 1w }", &long), @"
    error[invalid-value]: `weekly` is no time between handoffs
      --> oncall.yaml:12:238
       |
    12 | ...                                            every: weekly } # xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...
       |                                                       ^^^^^^
       |
       = help: write days or weeks, such as `1d` or `1w`, of 366 days at most
    ");
}

#[test]
fn what_is_in_the_file_does_not_reach_the_terminal_as_it_is() {
    insta::assert_snapshot!(said("      start", "      \"st\\e[31mart\": 1\n      start"), @r#"
    error[unknown-field]: `st [31mart` is not known here
      --> oncall.yaml:11:7
       |
    11 |       "st\e[31mart": 1
       |       ^^^^^^^^^^^^^
       |
       = help: known here: `time_zone`, `start`, `handoff`, `members`, `only` and `ical`
    "#);
    insta::assert_snapshot!(said("2026-01-05", "\"2026\\n\\e[31m\""), @r#"
    error[invalid-value]: `2026  [31m` is no day on which a rotation can start
      --> oncall.yaml:11:14
       |
    11 |       start: "2026\n\e[31m"
       |              ^^^^^^^^^^^^^^
       |
       = help: write year, month and day, such as `2026-01-05`
    "#);
}

#[test]
fn places_are_right_whatever_ends_the_lines() {
    for (mark, end) in [("", "\n"), ("\u{feff}", "\r\n"), ("", "\r")] {
        let error = parse_error(&format!("{mark}{}", GOOD.replace("1w", "weekly").replace('\n', end)));
        let place = error.0[0].place.clone().unwrap();
        assert_eq!((place.line, place.column), (12, 38), "{end:?}");
        assert_eq!(place.snippet, r#"      handoff: { at: "09:00", every: weekly }"#);
    }
}

#[test]
fn a_file_that_is_too_large_is_not_read() {
    insta::assert_snapshot!(parse_error(&format!("{GOOD}# {}", "x".repeat(300_000))), @"
    error[too-large]: the file has 300397 bytes, and at most 262144 are read
    --> oncall.yaml
     = help: see whether it is the right file
    ");
}

/// The good file with hours in which the team is paged for S3.
fn with_hours(hours: &str) -> String {
    GOOD.replacen("    rotation:\n", &format!("    page_for: {hours}\n    rotation:\n"), 1)
}

#[test]
fn hours_of_a_team() {
    let team = |hours: &str| OnCall::parse("oncall.yaml", &with_hours(hours)).unwrap().teams()[0].clone();
    let office = team(r#"{ S3: { days: mon-fri, from: "09:00", to: "17:00" } }"#).pages_s3.unwrap();
    assert_eq!(office.to_string(), "mon-fri 09:00 to 17:00 Europe/Paris");
    let far = team(r#"{ S3: { days: daily, from: "9:00", to: "17:30", time_zone: Asia/Tokyo } }"#).pages_s3.unwrap();
    assert_eq!(far.to_string(), "daily 09:00 to 17:30 Asia/Tokyo");
    for (slip, place, message, remedy) in [
        (r#"{ S3: { days: weekdays, from: "09:00", to: "17:00" } }"#, 27, "`weekdays` are no days", "write `mon-fri`"),
        (
            r#"{ S3: { days: daily, from: "17:00", to: "09:00" } }"#,
            54,
            "the hours end at 09:00, before",
            "a later time",
        ),
        (r#"{ S3: { days: daily, from: "9 am", to: "17:00" } }"#, 40, "`9 am` is no time of day", "hours and minutes"),
        (r#"{ S2: { days: daily, from: "09:00", to: "17:00" } }"#, 17, "`S2` is not known here", "S3"),
        (r#"{ S3: { days: daily, from: "09:00" } }"#, 36, "`to` is missing", "write `to: ...` here"),
        (
            r#"{ S3: { days: daily, from: "09:00", to: "17:00", time_zone: Europe/Pari } }"#,
            74,
            "`Europe/Pari` is no time zone",
            "did you mean `Europe/Paris`?",
        ),
    ] {
        let error = parse_error(&with_hours(slip));
        let [error] = error.0.as_slice() else { panic!("{error}") };
        let at = error.place.as_ref().map(|place| (place.line, place.column));
        assert!(
            error.message.contains(message) && error.remedy.as_ref().is_some_and(|said| said.contains(remedy)),
            "{error}"
        );
        assert_eq!(at.map(|(line, _)| line), Some(9), "{error}");
        assert!(at.is_some_and(|(_, column)| column.abs_diff(place) <= 3), "{error}");
    }
}

#[test]
fn contacts() {
    let wanted = |slip: &str| format!("- {{ name: bob, discord: \"223456789012345678\", contacts: {slip} }}");
    let said = |slip: &str| said("- { name: bob, discord: \"223456789012345678\" }", &wanted(slip));
    insta::assert_snapshot!(said("{ S1: [pagerduty, slack] }"), @r#"
    error[no-address]: `bob` has no address for `slack`
     --> oncall.yaml:5:77
      |
    5 |   - { name: bob, discord: "223456789012345678", contacts: { S1: [pagerduty, slack] } }
      |                                                                             ^^^^^
      |
      = help: write it beside the name: `slack: ...`
    "#);
    for (slip, message, remedy) in [
        ("{ S1: [slak] }", "`slak` is no sink for pages", "did you mean `slack`?"),
        ("{ S1: [console] }", "the console calls nobody", "pagerduty"),
        ("{ S1: [] }", "the contacts name no sink", "leave the severity out"),
        ("{ S2: [discord, discord] }", "`discord` stands in the contacts twice", "keep the first"),
        ("{ S4: [discord] }", "S4", "S3"),
    ] {
        let said = said(slip);
        assert!(said.contains(message) && said.contains(remedy) && said.contains("oncall.yaml:5:"), "{slip}: {said}");
    }
    let good =
        GOOD.replacen("223456789012345678\" }", "223456789012345678\", contacts: { S3: [discord, webhook] } }", 1);
    let (before, after) = (OnCall::parse("oncall.yaml", GOOD).unwrap(), OnCall::parse("oncall.yaml", &good).unwrap());
    let bob = after.member("bob").unwrap();
    assert_eq!(bob.contacts(crate::model::Severity::S3), ["discord", "webhook"]);
    assert_eq!(bob.contacts(crate::model::Severity::S1), [""; 0]);
    assert_eq!(before.changes_to(&after), ["member bob: contacts changed"]);
}

#[test]
fn roles() {
    let with = |roles: &str| format!("{GOOD}roles: {roles}\n");
    for (roles, message, remedy) in [
        ("{ storage: infra }", "there is no team or role `infra`", "`platform`"),
        ("{ storage: network, network: storage }", "role `storage` leads back to itself", "give one of them to a team"),
        ("{ storrage: platform }", "storrage", "storage"),
    ] {
        let said = parse_error(&with(roles)).to_string();
        assert!(said.contains(message) && said.contains(remedy) && said.contains("oncall.yaml:"), "{roles}: {said}");
    }
    let [before, after] =
        ["{}", "{ storage: network }"].map(|roles| OnCall::parse("oncall.yaml", &with(roles)).unwrap());
    assert_eq!(before.changes_to(&after), ["roles changed"]);
}

#[test]
fn experts() {
    let with = |experts: &str| format!("{GOOD}experts:\n  - {experts}\n");
    for (experts, message, remedy) in [
        ("{ area: storage, people: [alcie] }", "`alcie` is not in members", "did you mean `alice`?"),
        ("{ area: Storage, people: [bob] }", "`Storage` can be no area's name", "lower-case"),
        ("{ area: storage, people: [] }", "area `storage` has no experts", "people: [ada]"),
        ("{ area: storage, people: [bob, bob] }", "names `bob` twice", "keep the first"),
        ("{ area: storage, people: [bob], alerts: [\"\"] }", "an empty name", "KubePersistentVolume*"),
        ("{ area: storage, people: [bob] }\n  - { area: storage, people: [alice] }", "a second area", "its own name"),
        ("{ area: storage, people: [bob], alert: [X] }", "alert", "alerts"),
    ] {
        let said = parse_error(&with(experts)).to_string();
        assert!(said.contains(message) && said.contains(remedy) && said.contains("oncall.yaml:1"), "{experts}: {said}");
    }
    let step = |callee: &str| {
        with("{ area: storage, people: [bob] }") + &format!("escalation: {{ steps: [{{ call: [{callee}] }}] }}\n")
    };
    let said = parse_error(&step("{ experts: storrage }")).to_string();
    assert!(said.contains("no area of `experts` is called `storrage`") && said.contains("`storage`"), "{said}");
    let none = format!("{GOOD}escalation: {{ steps: [{{ call: [experts] }}] }}\n");
    assert!(parse_error(&none).to_string().contains("no area has experts"));
    let named = format!("{GOOD}escalation: {{ steps: [{{ call: [{{ experts: storage }}] }}] }}\n");
    let said = parse_error(&named).to_string();
    assert!(said.contains("no area has experts") && said.contains("write `experts:` beside `teams`"), "{said}");

    let [before, after] = [&with("{ area: storage, people: [bob] }"), &with("{ area: storage, people: [alice], alerts: [X] }\n  - { area: network, people: [bob], namespaces: [kube-system] }")]
        .map(|text| OnCall::parse("oncall.yaml", text).unwrap());
    assert_eq!(before.changes_to(&after), ["experts + network", "experts storage: people, alerts changed"]);
    let now = utc("2026-03-02T00:00:00Z");
    let finds = |oncall: &OnCall| {
        oncall.findings(now).iter().any(|it| it.to_string().contains("nothing belongs to area storage"))
    };
    assert!(finds(&before) && !finds(&after));
    assert!(!finds(&OnCall::parse("oncall.yaml", &step("{ experts: storage }")).unwrap()), "a step names it");
    let asking = crate::oncall::Asking { team: None, layer: None, at: now, lasting: None };
    assert!(after.tell_who(asking).unwrap().ends_with("\nexperts of storage: alice\nexperts of network: bob"));
    let about = |namespace: &str| Concern { namespaces: [namespace.to_owned()].into(), ..Concern::default() };
    assert_eq!(after.tell_experts(&about("kube-system")).as_deref(), Some("bob (network)"));
    assert_eq!(after.tell_experts(&about("kube")), None);
}
