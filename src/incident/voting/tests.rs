//! Who may answer, and what an answer comes to.

use std::time::Duration;

use super::*;
use crate::model::{ApprovalId, IncidentId, LimitFor, PersonLimit, Preview, RunId};

const ONCALL: &str = "
apiVersion: dogwatch/v1
kind: OnCall
members: [{ name: ada, discord: \"123456789012345678\" }, { name: bob }, { name: eve }, { name: grace }, { name: joan }]
teams:
  - name: databases
    manager: grace
    rotation: { time_zone: UTC, start: 2026-01-05, handoff: { at: \"09:00\", every: 1w }, members: [ada, bob] }
  - name: web
    rotation: { time_zone: UTC, start: 2026-01-05, handoff: { at: \"09:00\", every: 1w }, members: [eve] }
";

fn asks(terms: ApprovalTerms) -> Approval {
    let preview = Preview { steps: Vec::new(), asks_again: Vec::new() };
    Approval {
        id: ApprovalId(1),
        run: RunId(7),
        incident: IncidentId(42),
        digest: preview.digest(),
        preview,
        state: ApprovalState::Open,
        asked_at: now(),
        expires_at: now() + Duration::from_secs(1_800),
        answered_by: None,
        terms: ApprovalTerms { owner: "databases".into(), namespaces: vec!["db-1".into()], ..terms },
        approved_by: Vec::new(),
        reason: None,
    }
}

fn two_of_databases() -> ApprovalTerms {
    ApprovalTerms { people: 2, of: Approvers::Team("databases".into()), ..ApprovalTerms::default() }
}

fn now() -> DateTime<Utc> {
    "2026-03-02T02:00:00Z".parse().unwrap()
}

fn person(name: &str, via: Via) -> Person {
    Person { name: name.into(), via, id: name.into(), role: Some(Role::Responder) }
}

/// What somebody is told of their answer, and what follows from it.
fn says(asked: &Approval, who: &Person, verdict: Verdict, limits: &PeopleLimits) -> (String, bool, usize) {
    let oncall = OnCall::parse("oncall.yaml", ONCALL).unwrap();
    let all = Electorate { oncall: &oncall, limits, now: now() };
    let answer = Answer { verdict, digest: Some(&asked.digest), reason: None };
    let Decision { changes, reply } = decide_vote(asked, who, answer, &all);
    let CommandReply { text, granted } = reply.unwrap();
    (text, granted, changes.len())
}

fn yes(asked: &Approval, name: &str) -> (String, bool, usize) {
    says(asked, &person(name, Via::Discord), Verdict::Approve, &PeopleLimits::default())
}

#[test]
fn a_yes_that_is_not_the_last_says_who_is_waited_for() {
    let mut asked = asks(two_of_databases());
    let (text, granted, changes) = yes(&asked, "ada");
    assert_eq!(text, "APR-1: 1 of 2 have said yes; RUN-7 waits for 1 more until 2026-03-02 02:30 UTC: bob, grace may");
    assert!(granted && changes == 1);
    asked.approved_by.push("ada".into());
    let (text, granted, changes) = yes(&asked, "ada");
    assert!(text.starts_with("you have said yes to APR-1 before: 1 of 2; RUN-7 waits for 1 more"), "{text}");
    assert!(granted && changes == 0);
    assert_eq!(yes(&asked, "grace"), ("APR-1: approved; RUN-7 goes on".to_owned(), true, 1));
}

#[test]
fn whose_yes_is_not_asked_is_told_whose_is() {
    let asked = asks(two_of_databases());
    let (text, granted, changes) = yes(&asked, "eve");
    assert_eq!(text, "APR-1 asks 2 people of team databases, and that does not take your yes: ada, bob, grace may");
    assert!(!granted && changes == 0);
    let gone = asks(ApprovalTerms { of: Approvers::Team("database".into()), ..two_of_databases() });
    let (text, granted, _) = yes(&gone, "ada");
    assert!(text.contains("no team is called `database`") && text.contains("nobody can say yes"), "{text}");
    assert!(!granted);
}

#[test]
fn a_name_that_a_chat_lets_one_choose_is_nobodys() {
    let named = ApprovalTerms { of: Approvers::Named(vec!["deployer".into()]), ..ApprovalTerms::default() };
    let asked = asks(named);
    let (_, granted, _) = yes(&asked, "deployer");
    assert!(!granted, "somebody calls themselves so on Discord");
    let by_token = person("deployer", Via::Api);
    let (_, granted, _) = says(&asked, &by_token, Verdict::Approve, &PeopleLimits::default());
    assert!(granted);
}

#[test]
fn whoever_asked_for_it_is_excluded_where_the_playbook_says_so_and_may_say_no() {
    let asked = asks(ApprovalTerms { not_of: Some("ada".into()), ..two_of_databases() });
    let (text, granted, changes) = yes(&asked, "ada");
    assert_eq!(text, "you asked for RUN-7, and its playbook wants the yes of somebody else to APR-1: bob, grace may");
    assert!(!granted && changes == 0);
    let by_token = says(&asked, &person("ada", Via::Api), Verdict::Approve, &PeopleLimits::default());
    assert!(!by_token.1, "also on another way");
    let no = says(&asked, &person("ada", Via::Discord), Verdict::Deny, &PeopleLimits::default());
    assert!(no.1 && no.2 == 1);
}

#[test]
fn whoever_is_on_call_for_the_team_now_is_of_it() {
    use crate::model::{Layer, Override, OverrideId};
    let file = OnCall::parse("oncall.yaml", ONCALL).unwrap();
    let cover = Override {
        id: OverrideId(1),
        team: "databases".into(),
        layer: Layer::Primary,
        member: "joan".into(),
        whom: None,
        from: now() - Duration::from_secs(60),
        until: now() + Duration::from_secs(3_600),
        by: "joan".into(),
        via: "discord".into(),
        reason: String::new(),
        made_at: now() - Duration::from_secs(60),
        ended: None,
    };
    let (oncall, passed_over) = file.with_overrides(&[cover]);
    assert!(passed_over.is_empty());
    let limits = PeopleLimits::default();
    let all = Electorate { oncall: &oncall, limits: &limits, now: now() };
    let asked = asks(ApprovalTerms { people: 1, ..two_of_databases() });
    let answer = Answer { verdict: Verdict::Approve, digest: None, reason: None };
    let reply = decide_vote(&asked, &person("joan", Via::Discord), answer, &all).reply.unwrap();
    assert!(reply.granted, "{}", reply.text);
}

#[test]
fn limits_of_people_are_named_with_who_may() {
    let only = |name: &str, namespaces: &[&str]| PersonLimit {
        whose: LimitFor::Person(name.into()),
        teams: None,
        namespaces: Some(namespaces.iter().map(|namespace| (*namespace).to_owned()).collect()),
    };
    let limits = PeopleLimits(vec![only("ada", &["shop"]), only("bob", &["db-*"])]);
    let asked = asks(two_of_databases());
    let (text, granted, changes) = says(&asked, &person("ada", Via::Discord), Verdict::Approve, &limits);
    assert_eq!(
        text,
        "your yes to APR-1 does not count: `people` in dogwatch.yaml lets ada run and approve in the namespaces shop, and \
         this is in `db-1`; bob, grace may"
    );
    assert!(!granted && changes == 0);
    assert!(says(&asked, &person("bob", Via::Discord), Verdict::Approve, &limits).1);
    // What nobody changes hurts least.
    assert!(says(&asked, &person("ada", Via::Discord), Verdict::Deny, &limits).1);
}

#[test]
fn a_button_has_no_room_for_a_reason_which_may_follow() {
    let denied =
        Approval { state: ApprovalState::Denied, answered_by: Some("ada".into()), ..asks(ApprovalTerms::default()) };
    let oncall = OnCall::parse("oncall.yaml", ONCALL).unwrap();
    let limits = PeopleLimits::default();
    let all = Electorate { oncall: &oncall, limits: &limits, now: now() };
    let answer = Answer { verdict: Verdict::Deny, digest: None, reason: Some("I rebuild it") };
    let told = decide_vote(&denied, &person("ada", Via::Discord), answer, &all);
    let [Change::Note { event: IncidentEvent::Remark { text }, .. }] = told.changes.as_slice() else {
        panic!("{told:?}")
    };
    assert_eq!(text, "ada denied APR-1 for this reason: I rebuild it");
    let another = decide_vote(&denied, &person("bob", Via::Discord), answer, &all);
    assert_eq!(another.reply.unwrap().text, "APR-1 was answered already, by ada");
}
