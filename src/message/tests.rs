//! Two nights as people read them: one that the bot mends, and one that it does not.

pub(super) mod story;

use chrono::TimeDelta;
use insta::assert_snapshot;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::model::{
    ApprovalState, FailureClass, Grouping, Incident, IncidentState, RunEvent, RunId, Severity, Verdict,
};
use crate::store::{IncidentEvent, Page, PageReason, TimelineEntry};
use story::*;

#[test]
fn each_event_has_its_line() {
    let mut lines = String::new();
    for entry in every_event() {
        lines.push_str(&timeline_line(&entry).unwrap_or_else(|| "(nothing)".into()));
        lines.push('\n');
    }
    assert_snapshot!(lines, @"
    14:00:01 opened: CoreDNSLatencyHigh fires
    14:00:02 PostgresDown fires: db-1 does not answer
    14:00:03 4,012 alerts of PostgresDown fire, such as db-1 does not answer
    14:00:04 1 alert resolved, 2 still firing
    14:00:05 2 alerts resolved, none fires any more
    14:00:06 RUN-7 starts: playbook coredns-saturated (1a2b3c4d5e6f), because alice asked for it
    14:00:07 playbook coredns-saturated is not run: 3 runs in 1h are enough
    (nothing)
    14:00:09 team platform is paged: it is S1, which pages at once
    14:00:10 team platform is paged: no playbook knows this alert
    14:00:11 team platform is paged: it is not mitigated after the time that its playbook allows
    14:00:12 team platform is paged: its alerts still fire although RUN-7 called it fixed
    14:00:13 DNSSlow (2 alerts) is told again soon after the end: an echo, or it fires again; decided at 02:13:00 unless it resolves before
    14:00:14 the page of team platform says more: RUN-7 needs a person
    14:00:15 severity S3 -> S1: DNSSlow fires
    14:00:16 team platform is paged: RUN-7 needs a person
    14:00:17 team platform is paged: no playbook was run: the target is unknown
    14:00:18 bob, carol of team platform is paged: it is S1, which pages at once; nobody has acknowledged PAGE-5, made at 02:13 UTC
    14:00:19 bob, carol of team platform is paged: alice asks for you: I need a DBA; it is S1, which pages at once
    14:00:20 bob, carol of team platform is paged: alice gives it to bob
    14:00:21 bob, carol of team platform is paged: bob has it since 02:14 UTC, nobody has done anything about it since then, and it still fires: /ack says that it is worked on
    14:00:22 bob, carol of team platform is paged: somebody was to be called at 2025-03-01 02:28:00 UTC, and the bot did not come to it
    14:00:23 alice (discord) has acknowledged it
    14:00:24 mitigated: RUN-7 fixed it
    14:00:25 resolved by alice (discord): a cable
    14:00:26 opened again: PostgresDown fires again
    14:00:27 alice (discord) has approved APR-3
    14:00:28 alice (discord) has approved APR-3 (1 of 2)
    14:00:29 alice (discord) has denied APR-3
    14:00:30 alice (discord) has denied APR-3: the replica is being rebuilt by hand
    14:00:31 note: the trigger's condition could not be decided
    14:00:32 something that this version cannot read: a newer Dogwatch wrote it
    (nothing)
    (nothing)
    14:00:35 the target is not there
    (nothing)
    14:00:37 escalate: the verify failed
    14:00:38 done: pods are missing
    (nothing)
    (nothing)
    14:00:41 requirement not met: pods are missing
    (nothing)
    14:00:43 diagnose step 2 is skipped: pods are missing
    14:00:44 p99: 0.412
    14:00:45 diagnose step 3: 4 pods, all ready
    14:00:46 scale failed (attempt 2, may be tried again): the cluster did not answer
    14:00:47 scale failed: the cluster did not answer
    14:00:48 scale needs a person: the cluster did not answer
    14:00:49 waits until 14:20:00: RUN-6 works on the same target
    (nothing)
    14:00:51 escalate step 2 is passed over: the logs could not be read
    14:00:52 proposes, and does not do: scale deployment/coredns in kube-system 4 -> 6
    14:00:53 asks for approval: APR-3, until 14:20:00
    14:00:54 asks for approval of scale: APR-3, until 14:20:00, of 2 people of team databases, other than ada: Scale CoreDNS?
    (nothing)
    14:00:56 nobody answered APR-3 in time
    14:00:57 scale deployment/coredns in kube-system 4 -> 6
    14:00:58 scale deployment/coredns in kube-system 4 -> 6
    14:00:59 scale deployment/coredns in kube-system 4 -> 6 (found done: its answer was lost)
    14:01:00 nothing to change: deployment/coredns has 6 replicas already
    14:01:01 verify: looks at 14:09:00, until 14:15:00 at the latest
    14:01:02 verify: p99 0.021 < 0.1: good
    14:01:03 verify: p99 0.21 < 0.1: not yet
    14:01:04 verify: p99 2.1 > 1: bad
    14:01:05 storage can act on that, which is team platform
    14:01:06 notice to team platform: scaled
    14:01:07 the alert resolved
    14:01:08 alice (discord) asks to stop
    14:01:09 FRZ-3 (anna: moving the storage): nothing more is changed
    14:01:10 RUN-7 nothing to do: the latency is back to normal
    14:01:11 something that this version cannot read: a newer Dogwatch wrote it
    ");
}

#[test]
fn a_timeline_tells_what_is_over_by_its_end() {
    let mut timeline = mended();
    timeline.truncate(13);
    assert_snapshot!(timeline_lines(&timeline).join("\n"), @"
    02:03:00 opened: CoreDNSLatencyHigh fires
    02:03:00 5,000 alerts of CoreDNSLatencyHigh fire, such as CoreDNS answers slowly
    02:03:00 RUN-7 starts: playbook coredns-saturated (1a2b3c4d5e6f), because its alert fires
    02:03:02 p99: 0.412
    02:03:02 mitigate: nothing speaks against it
    02:03:04 scaled deployment/coredns in kube-system 4 -> 6
    02:03:04 verify: looks at 02:09:04, until 02:15:04 at the latest
    ");
    assert_snapshot!(timeline_lines(&mended()).join("\n"), @"
    02:03:00 opened: CoreDNSLatencyHigh fires
    02:03:00 5,000 alerts of CoreDNSLatencyHigh fire, such as CoreDNS answers slowly
    02:03:00 RUN-7 starts: playbook coredns-saturated (1a2b3c4d5e6f), because its alert fires
    02:03:02 p99: 0.412
    02:03:02 mitigate: nothing speaks against it
    02:03:04 scaled deployment/coredns in kube-system 4 -> 6
    02:09:34 verify: p99 0.18 < 0.1: not yet (look 2)
    02:10:04 verify: p99 0.021 < 0.1: good
    02:10:04 RUN-7 fixed: p99 0.021 < 0.1
    02:10:05 mitigated: RUN-7 fixed it
    02:11:30 988 alerts resolved, 4,012 still firing
    ");
}

#[test]
fn what_repeats_is_one_line_with_its_count_and_the_time_of_the_last() {
    let at = |n: i64, what| TimelineEntry {
        at: entry("14:00:00", run(RunEvent::AlertResolved)).at + TimeDelta::seconds(n),
        what,
    };
    let failed = |item: &str, attempt, error: &str| {
        let (step, class) = (step(&format!("mitigate.evict[{item}]")), FailureClass::Retry);
        run(RunEvent::Failed { step, attempt, class, error: error.into(), held: false })
    };
    let waits = |item: &str, attempt| {
        let (step, because) = (step(&format!("mitigate.evict[{item}]")), format!("attempt {attempt} follows"));
        run(RunEvent::Waiting {
            step,
            until: entry("15:00:00", run(RunEvent::AlertResolved)).at,
            because,
            waits_for: None,
        })
    };
    let budget = "its budget pg allows no disruption";
    let mut timeline = Vec::new();
    for n in 1..=30_u32 {
        // Two items side by side.
        for item in ["pg-0", "pg-1"] {
            timeline.push(at(i64::from(n) * 30, failed(item, n, budget)));
            timeline.push(at(i64::from(n) * 30, waits(item, n + 1)));
        }
    }
    timeline.push(at(930, failed("pg-0", 31, "the API server did not answer")));
    let not_run =
        || incident_event(IncidentEvent::RunNotOpened { playbook: "drain".into(), because: "it ran 3 times".into() });
    timeline.extend([at(940, not_run()), at(950, not_run()), at(960, not_run())]);
    assert_snapshot!(timeline_lines(&timeline).join("\n"), @"
    14:15:00 evict for pg-0 failed (attempt 30, may be tried again): its budget pg allows no disruption (30 times since 14:00:30)
    14:15:00 evict for pg-1 failed (attempt 30, may be tried again): its budget pg allows no disruption (30 times since 14:00:30)
    14:15:30 evict for pg-0 failed (attempt 31, may be tried again): the API server did not answer
    14:16:00 playbook drain is not run: it ran 3 times (3 times since 14:15:40)
    ");
}

#[test]
fn a_new_day_has_a_line_of_its_own() {
    let mut timeline = vec![entry("23:59:59", run(RunEvent::AlertResolved))];
    let mut next = entry("00:00:01", incident_event(IncidentEvent::Mitigated { because: "it helped".into() }));
    next.at += TimeDelta::days(1);
    timeline.push(next);
    assert_snapshot!(timeline_lines(&timeline).join("\n"), @"
    23:59:59 the alert resolved
    - 2025-03-02 -
    00:00:01 mitigated: it helped
    ");
}

#[test]
fn the_card_of_an_incident_that_is_being_mended() {
    let mut timeline = mended();
    timeline.truncate(13);
    let incident = the_incident(IncidentState::Open);
    assert_snapshot!(card(&incident, &[the_run(None)], &timeline, &[], &[], at("02:15:00")), @"
    INC-42 S2 open: CoreDNS has too little capacity for the cluster's queries
    target: deployment/coredns in kube-system
    owner: nobody yet (team platform)
    since: 2025-03-01 02:03:00 UTC
    alerts: 4,012 firing, 5,000 in all
    playbook: coredns-saturated 1.2.0 (de81166dcf55), auto: RUN-7 under way

    02:03:00 opened: CoreDNSLatencyHigh fires
    02:03:00 5,000 alerts of CoreDNSLatencyHigh fire, such as CoreDNS answers slowly
    02:03:00 RUN-7 starts: playbook coredns-saturated (1a2b3c4d5e6f), because its alert fires
    02:03:02 p99: 0.412
    02:03:02 mitigate: nothing speaks against it
    02:03:04 scaled deployment/coredns in kube-system 4 -> 6
    02:03:04 verify: looks at 02:09:04, until 02:15:04 at the latest

    next: RUN-7 looks at 02:09:04 whether it helped, and gives up at 02:15:04
    ");
}

#[test]
fn the_card_of_an_incident_that_was_mended() {
    let mut incident = the_incident(IncidentState::Mitigated);
    incident.owner = Some("alice".into());
    let card = card(&incident, &[the_run(Some(crate::model::Outcome::Fixed))], &mended(), &[], &[], at("02:15:00"));
    assert_snapshot!(card, @"
    INC-42 S2 mitigated: CoreDNS has too little capacity for the cluster's queries
    target: deployment/coredns in kube-system
    owner: alice (team platform)
    since: 2025-03-01 02:03:00 UTC
    alerts: 4,012 firing, 5,000 in all
    playbook: coredns-saturated 1.2.0 (de81166dcf55), auto: RUN-7 fixed

    02:03:00 opened: CoreDNSLatencyHigh fires
    02:03:00 5,000 alerts of CoreDNSLatencyHigh fire, such as CoreDNS answers slowly
    02:03:00 RUN-7 starts: playbook coredns-saturated (1a2b3c4d5e6f), because its alert fires
    02:03:02 p99: 0.412
    02:03:02 mitigate: nothing speaks against it
    02:03:04 scaled deployment/coredns in kube-system 4 -> 6
    02:09:34 verify: p99 0.18 < 0.1: not yet (look 2)
    02:10:04 verify: p99 0.021 < 0.1: good
    02:10:04 RUN-7 fixed: p99 0.021 < 0.1
    02:10:05 mitigated: RUN-7 fixed it
    02:11:30 988 alerts resolved, 4,012 still firing

    next: 4,012 alerts must still resolve; /resolve INC-42 closes it
    ");
    assert_eq!(card.colour, Colour::Teal);
}

#[test]
fn the_buttons_of_a_card_follow_its_state() {
    let buttons = |state| -> Vec<String> {
        let card = card(&the_incident(state), &[], &[], &[], &[], at("02:15:00"));
        card.buttons.into_iter().map(|button| button.label).collect()
    };
    assert_eq!(buttons(IncidentState::Open), ["Acknowledge", "Resolve", "Why?"]);
    assert_eq!(buttons(IncidentState::Acknowledged), ["Resolve", "Why?"]);
    assert_eq!(buttons(IncidentState::Resolved), ["Why?"]);
}

#[test]
fn the_card_of_an_alert_that_nobody_knows() {
    let mut incident = the_incident(IncidentState::Open);
    incident.playbook = None;
    incident.target = None;
    incident.page_at = Some(at("02:20:00"));
    assert_snapshot!(card(&incident, &[], &[], &[], &[], at("02:15:00")), @"
    INC-42 S2 open: CoreDNS has too little capacity for the cluster's queries
    owner: nobody yet (team platform)
    since: 2025-03-01 02:03:00 UTC
    alerts: 4,012 firing, 5,000 in all
    playbook: none knows this alert

    next: team platform is paged at 2025-03-01 02:20:00 UTC, unless somebody acknowledges it before
    next: somebody of team platform looks at it: /ack INC-42
    ");
}

#[test]
fn a_long_story_is_folded_in_its_middle() {
    let joined = |n: u64| {
        let example = format!("db-{n:04} does not answer, and says so in a rather long summary of what went wrong");
        entry("02:00:00", incident_event(IncidentEvent::Joined { alert: "PostgresDown".into(), count: 1, example }))
    };
    let timeline: Vec<_> = (0..10_000).map(joined).collect();
    let card = card(&the_incident(IncidentState::Open), &[], &timeline, &[], &[], at("02:15:00"));
    let body = card.lines.join("\n");
    assert!((3_500..=3_900).contains(&width(&body)), "{}", width(&body));
    assert!(body.contains("db-0000") && body.contains("db-9999"), "{body}");
    assert!(card.lines.iter().any(|line| line.starts_with("… 9,9") && line.ends_with(" more")), "{body}");
    assert!(card.lines.last().is_some_and(|line| line.contains("/ack INC-42")), "{body}");
}

#[test]
fn a_question_shows_what_would_be_done() {
    let approval = the_approval(ApprovalState::Open);
    let card = question(&approval, &the_incident(IncidentState::Open), Some(&the_run(None)));
    assert_snapshot!(card, @"
    APR-3 for INC-42: may I do this?
    S2 CoreDNS has too little capacity for the cluster's queries
    RUN-7: playbook coredns-saturated 1.2.0 (de81166dcf55) on deployment/coredns in kube-system

    1. CHANGES: scale deployment/coredns in kube-system 4 -> 6
         spec:
        -  replicas: 4
        +  replicas: 6
    2. reads: query p99 (as it looks now: it depends on what the steps before it leave behind)

    answer by 2025-03-01 02:18:09 UTC: /approve APR-3 or /deny APR-3; without an answer nothing is done and a person is paged
    ");
    let digests: Vec<_> = card.buttons.iter().map(|button| format!("{:?}", button.command)).collect();
    assert!(
        digests.len() == 2 && digests.iter().all(|command| command.contains(approval.digest.as_str())),
        "{digests:?}"
    );
}

#[test]
fn a_question_that_was_answered_has_no_buttons() {
    let mut approval = the_approval(ApprovalState::Denied);
    approval.answered_by = Some("alice (discord)".into());
    let card = question(&approval, &the_incident(IncidentState::Open), None);
    assert!(card.buttons.is_empty());
    assert_eq!(card.title, "APR-3 for INC-42: denied");
    assert_eq!(card.lines.last().unwrap(), "answered by alice (discord)");
}

/// The page of these facts.
fn paged(
    incident: &Incident,
    page: &Page,
    runs: &[crate::model::Run],
    timeline: &[crate::store::TimelineEntry],
    episodes: &[crate::model::Episode],
) -> PageText {
    page_text(&PageFacts {
        incident,
        page,
        runs,
        timeline,
        episodes,
        objects: &[],
        objects_in_all: 0,
        approvals: &[],
        earlier: &[],
        folded: &[],
        experts: None,
    })
}

fn shown(page: &PageText) -> String {
    format!("{}\n\n{}", page.title, page.body(Room::Whole).text)
}

#[test]
fn the_page_of_a_run_that_needs_a_person() {
    let run = the_run(Some(crate::model::Outcome::Escalated));
    let text = paged(
        &the_incident(IncidentState::Open),
        &the_page(PageReason::Escalated { run: run.id }),
        std::slice::from_ref(&run),
        &not_mended(),
        &[the_episode()],
    );
    assert_snapshot!(shown(&text), @"
    [S2] INC-42 (4,012 alerts) deployment/coredns in kube-system: CoreDNS has too little capacity for the cluster's queries

    why a person is needed:
    RUN-7 of coredns-saturated stopped and needs a person: p99 was 0.021 at the last look

    what fires:
    4,012 alerts since 2025-03-01 02:00:30 UTC, about deployment/coredns in kube-system
    CoreDNSLatencyHigh: CoreDNS answers slowly
    cluster=db-eu-1
    and 4,007 more

    what the playbook says:
    CoreDNS p99 is 0.412s; scaled 4 -> 6, which did not help

    what RUN-7 found:
    - p99: 0.412

    what RUN-7 did:
    - scaled deployment/coredns in kube-system 4 -> 6
    - verify: p99 0.31 < 0.1: not yet
    - verify: p99 0.44 < 0.1: bad

    what changed in the two hours before:
    nothing that the bot knows of

    what to type next:
    kubectl -n kube-system describe deployment coredns
    /why INC-42 (or: dogwatch why INC-42) tells all that the bot saw and decided

    links:
    runbook: https://runbooks.example/dns

    to acknowledge, so that nobody else is called:
    /ack INC-42 (or: dogwatch ack INC-42)
    ");
}

#[test]
fn what_pages_nobody_needs_a_person_until_somebody_has_it() {
    let incident = Incident { severity: Severity::S3, target: None, ..the_incident(IncidentState::Open) };
    let reason = PageReason::Escalated { run: RunId(7) };
    let page = Page { severity: Severity::S3, deliveries: Vec::new(), acknowledged_at: None, ..the_page(reason) };
    let shown = |page: &Page| {
        let (pages, now) = (std::slice::from_ref(page), page.created_at + TimeDelta::hours(9));
        let table = incidents_table(std::slice::from_ref(&incident), pages, now, false);
        let facts = WhyFacts {
            incident: &incident,
            runs: &[],
            timeline: &[],
            episodes: &[],
            pages,
            now,
            paging: PagingFacts::default(),
        };
        let card = card(&incident, &[], &[], &[], pages, now).to_string();
        let lines = card.lines().filter(|line| line.contains("person"));
        let why = why(&facts);
        let (why, _) = why.split_once("\nalerts:").unwrap();
        let (_, why) = why.split_once("\n\n").unwrap();
        format!("{}\n{}\n{why}", table.lines().last().unwrap(), lines.collect::<String>())
    };
    assert_snapshot!(shown(&page), @"
    INC-42  S3   open   9h10m  4,012   -      NEEDS A PERSON: CoreDNS has too little capacity for the cluster's que…
    waits for team platform: RUN-7 needs a person, and has not said why: CoreDNS p99 is 0.412s; scaled 4 -> 6, which did not help
    why nobody was paged:
      what is less than S2 wakes nobody, and this is S3, as its playbook coredns-saturated says
      PAGE-5 to team platform at 2025-03-01 02:13:00 UTC: RUN-7 needs a person, and has not said why; not acknowledged
        it pages nobody: it stands in chat, the list and the handoff until somebody acknowledges it
    ");
    let seen = Page { acknowledged_at: Some(page.created_at), answered: true, ..page };
    assert!(!shown(&seen).contains("NEEDS") && !shown(&seen).contains("waits for team"), "{}", shown(&seen));
}

#[test]
fn the_page_of_an_alert_that_nobody_knows() {
    let mut incident = the_incident(IncidentState::Open);
    incident.target = None;
    let mut page = the_page(PageReason::Uncovered);
    page.text = None;
    let text = paged(&incident, &page, &[], &[], &[the_episode()]);
    assert_snapshot!(shown(&text), @"
    [S2] INC-42 (4,012 alerts) CoreDNS has too little capacity for the cluster's queries

    why a person is needed:
    no playbook knows this alert

    what fires:
    4,012 alerts since 2025-03-01 02:00:30 UTC
    CoreDNSLatencyHigh: CoreDNS answers slowly
    cluster=db-eu-1
    and 4,007 more

    what the bot did:
    nothing: no playbook was run

    what changed in the two hours before:
    nothing that the bot knows of

    what to type next:
    follow the runbook that is linked below
    /why INC-42 (or: dogwatch why INC-42) tells all that the bot saw and decided

    links:
    runbook: https://runbooks.example/dns

    to acknowledge, so that nobody else is called:
    /ack INC-42 (or: dogwatch ack INC-42)
    ");
}

#[test]
fn a_page_fits_and_keeps_the_next_move() {
    let noise = |n: usize| {
        let summary = format!("pod {n}: {}", "words of a log that goes on and on ".repeat(20));
        entry("02:00:00", run(RunEvent::Read { step: step("diagnose.logs"), output: json!({}), summary }))
    };
    let mut timeline: Vec<_> = (0..200).map(noise).collect();
    timeline.extend(not_mended());
    let mut episode = the_episode();
    episode.annotations.insert("summary".into(), "x".repeat(5_000));
    let mut page = the_page(PageReason::NotRun { because: "y".repeat(5_000) });
    page.text = Some("z".repeat(5_000));
    let text = paged(&the_incident(IncidentState::Open), &page, &[], &timeline, &[episode]);
    let body = text.body(Room::Units(3_900)).text;
    assert!(width(&body) <= 3_900, "{}", width(&body));
    assert!(body.contains("/ack INC-42") && body.contains("https://runbooks.example/dns"), "{body}");
    assert!(body.contains("yyyyyyyy") && body.contains("zzzzzzzz"), "{body}");
}

#[test]
fn why_explains_each_decision() {
    let facts = WhyFacts {
        incident: &the_incident(IncidentState::Mitigated),
        runs: &[the_run(Some(crate::model::Outcome::Fixed))],
        timeline: &mended(),
        episodes: &[the_episode()],
        pages: &[the_page(PageReason::Overdue)],
        now: at("02:15:00"),
        paging: PagingFacts::default(),
    };
    assert_snapshot!(why(&facts), @r#"
    INC-42 S2 mitigated: CoreDNS has too little capacity for the cluster's queries
    open since 2025-03-01 02:03:00 UTC

    why somebody was paged:
      PAGE-5 to team platform at 2025-03-01 02:13:00 UTC: it is not mitigated after the time that its playbook allows; RUN-7 of coredns-saturated ended: fixed: p99 was 0.021 at the last look; acknowledged at 2025-03-01 02:14:10 UTC
        its time to be taken had come, 10m after it was opened, and nobody had acknowledged it
        S2, as its playbook coredns-saturated says

    alerts: 4,012 firing, 5,000 in all
      CoreDNSLatencyHigh since 2025-03-01 02:00:30 UTC, still firing (cluster=db-eu-1, severity=warning)
      … 4,999 more
    together because they are about deployment/coredns in kube-system
    playbook: coredns-saturated

    RUN-7: playbook coredns-saturated 1.2.0 (de81166dcf55), auto, because its alert fired
      target: deployment/coredns in kube-system
      inputs: {"max_replicas":10,"webhook_token":"***"}
      02:03:01 diagnose: the run begins
      02:03:02 p99: 0.412
      02:03:02 not done yet: `p99.value < 0.1` is false
      02:03:02 requirement met: `pods.not_ready == 0`
      02:03:02 mitigate: nothing speaks against it
      02:03:03 changes: scale deployment/coredns in kube-system 4 -> 6 (before 4, after 6)
      02:03:04 scale: done
      02:09:04 verify: p99 0.31 < 0.1: not yet
      02:09:34 verify: p99 0.18 < 0.1: not yet
      02:10:04 verify: p99 0.021 < 0.1: good
      02:10:04 RUN-7 fixed: p99 0.021 < 0.1

    people and states:
      02:03:00 opened: CoreDNSLatencyHigh fires
      02:10:05 mitigated: RUN-7 fixed it
    "#);
}

#[test]
fn why_tells_of_an_alert_that_nobody_knows() {
    let mut incident = the_incident(IncidentState::Open);
    incident.playbook = None;
    incident.target = None;
    incident.grouping = Grouping::Group {
        source: "alertmanager".into(),
        alert: "Odd".into(),
        group_key: r#"{}:{alertname="Odd"}"#.into(),
        cluster: None,
    };
    let timeline = [entry(
        "02:00:01",
        incident_event(IncidentEvent::RunNotOpened {
            playbook: "odd".into(),
            because: "its cooldown lasts until 02:20".into(),
        }),
    )];
    let facts = WhyFacts {
        incident: &incident,
        runs: &[],
        timeline: &timeline,
        episodes: &[],
        pages: &[],
        now: at("02:15:00"),
        paging: PagingFacts::default(),
    };
    assert_snapshot!(why(&facts), @r#"
    INC-42 S2 open: CoreDNS has too little capacity for the cluster's queries
    open since 2025-03-01 02:03:00 UTC

    why nobody was paged:
      nothing asks for a page; /ack INC-42 if it is yours

    alerts: 4,012 firing, 5,000 in all
    together because alertmanager sent them as Odd of one group within minutes: {}:{alertname="Odd"}
    playbook: none has a trigger for these alerts

    not done:
      02:00:01 playbook odd is not run: its cooldown lasts until 02:20
    "#);
}

#[test]
fn incidents_stand_in_columns() {
    let mut second = the_incident(IncidentState::Acknowledged);
    second.id = crate::model::IncidentId(7);
    second.owner = Some("alice".into());
    second.open_episodes = 1;
    second.opened_at -= TimeDelta::hours(30);
    assert_snapshot!(incidents_table(&[the_incident(IncidentState::Open), second], &[], at("02:15:00"), false), @"
            SEV  STATE         AGE   ALERTS  OWNER  WHAT
    INC-42  S2   open          12m   4,012   -      CoreDNS has too little capacity for the cluster's queries
    INC-7   S2   acknowledged  1d6h  1       alice  CoreDNS has too little capacity for the cluster's queries
    ");
    assert_eq!(incidents_table(&[], &[], at("02:15:00"), false), "no open incident");
}

#[test]
fn a_long_list_is_cut_and_says_so() {
    let many = vec![the_incident(IncidentState::Open); 1_240];
    let table = incidents_table(&many, &[], at("02:15:00"), true);
    assert_eq!(table.lines().count(), 42);
    assert!(table.ends_with("… 1,200 incidents more"), "{table}");
}

#[test]
fn the_list_for_scripts_keeps_its_shape() {
    let mut incident = the_incident(IncidentState::Open);
    incident.title = "curl -H 'Authorization: Bearer abcdefghijklmnop' \"quoted\"".into();
    let one = incidents_json(&[incident.clone()], &[the_page(PageReason::Overdue)], &[], at("02:15:00"));
    assert_snapshot!(one, @r#"
    {
      "incidents": [
        {
          "acknowledged_at": null,
          "alerts": 5000,
          "firing": 4012,
          "held_until": null,
          "id": "INC-42",
          "mitigated_at": null,
          "opened_at": "2025-03-01T02:03:00Z",
          "owner": null,
          "page_at": null,
          "pages": [
            {
              "created_at": "2025-03-01T02:13:00Z",
              "folded_into": null,
              "id": "PAGE-5",
              "reach": "delivered",
              "severity": "S2",
              "team": "platform"
            }
          ],
          "playbook": "coredns-saturated",
          "resolved_at": null,
          "severity": "S2",
          "state": "open",
          "target": {
            "kind": "Deployment",
            "name": "coredns",
            "namespace": "kube-system"
          },
          "team": "platform",
          "tickets": [],
          "title": "curl -H 'Authorization: ***' \"quoted\""
        }
      ],
      "left_out": 0
    }
    "#);
    let many = incidents_json(&vec![incident; 1_240], &[], &[], at("02:15:00"));
    let many: serde_json::Value = serde_json::from_str(&many).unwrap();
    assert_eq!((many["incidents"].as_array().unwrap().len(), &many["left_out"]), (1_000, &json!(240)));
}

#[test]
fn what_others_wrote_cannot_break_the_text() {
    let event = IncidentEvent::Remark { text: "one\ntwo\u{1b}[31m red\u{202e} PGPASSWORD=hunter2 \t end".into() };
    let line = timeline_line(&entry("02:00:00", incident_event(event))).unwrap();
    assert_eq!(line, "02:00:00 note: one two [31m red<U+202E> PGPASSWORD=*** end");
}

#[test]
fn an_answer_in_time_is_told_once() {
    let timeline = [
        entry(
            "02:00:00",
            incident_event(IncidentEvent::Answered {
                approval: crate::model::ApprovalId(3),
                verdict: Verdict::Approve,
                by: "bob".into(),
                reason: None,
                progress: None,
            }),
        ),
        entry(
            "02:00:01",
            run(RunEvent::ApprovalAnswered {
                approval: crate::model::ApprovalId(3),
                verdict: Some(Verdict::Approve),
                by: "bob".into(),
                waited: None,
                reason: None,
            }),
        ),
    ];
    assert_eq!(timeline_lines(&timeline), ["02:00:00 bob has approved APR-3"]);
}

proptest! {
    #[test]
    fn folding_keeps_the_bound_and_the_ends(lines in prop::collection::vec("[a-zäß🦀 ]{0,60}", 0..80), longest in 40usize..1_500) {
        let text = lines.join("\n");
        let folded = fit(&text, longest);
        prop_assert!(width(&folded) <= longest, "{} > {longest}: {folded}", width(&folded));
        if width(&text) <= longest {
            prop_assert_eq!(folded, text);
        } else if let Some(last) = text.lines().last() && width(last) + 20 <= longest {
            prop_assert!(folded.ends_with(last), "{}", folded);
        }
    }

    #[test]
    fn clipping_keeps_the_bound(text in "\\PC{0,200}|[a-z\n🦀]{0,200}", longest in 0usize..100) {
        prop_assert!(width(&clip(&text, longest)) <= longest);
    }
}

fn in_vain() -> crate::store::Page {
    let way = |sink: &str, attempts, error: Option<&str>| crate::store::PageDelivery {
        sink: sink.into(),
        attempts,
        error: error.map(str::to_owned),
        due_at: Some(at("02:20:00")),
        delivered_at: None,
        told: None,
    };
    let mut page = the_page(PageReason::Overdue);
    page.acknowledged_at = None;
    page.deliveries =
        vec![way("webhook", 4, Some("the receiver answered 503: token=hunter2hunter2")), way("discord", 0, None)];
    page
}

#[test]
fn a_page_that_reached_nobody_is_seen_wherever_somebody_looks() {
    let incident = the_incident(IncidentState::Open);
    let (page, now) = (in_vain(), at("02:15:00"));
    assert_snapshot!(incidents_table(std::slice::from_ref(&incident), std::slice::from_ref(&page), now, false), @"
            SEV  STATE  AGE  ALERTS  OWNER  WHAT
    INC-42  S2   open   12m  4,012   -      REACHED NOBODY: CoreDNS has too little capacity for the cluster's que…
    ");
    let card = card(&incident, &[], &[], &[], std::slice::from_ref(&page), now).lines.join("\n");
    let line = "PAGE-5 has reached nobody since 2025-03-01 02:13:00 UTC: webhook: 4 attempts, the last: the receiver answered 503: \
                token=***; next at 2025-03-01 02:20:00 UTC; discord: not tried yet; next at 2025-03-01 02:20:00 UTC";
    assert!(card.contains(line), "{card}");
    let facts = WhyFacts {
        incident: &incident,
        runs: &[],
        timeline: &[],
        episodes: &[],
        pages: std::slice::from_ref(&page),
        now,
        paging: PagingFacts::default(),
    };
    let text = why(&facts);
    let (pages, _) = text.split_once("\nalerts:").unwrap();
    let (_, pages) = pages.split_once("\n\n").unwrap();
    assert_snapshot!(pages, @"
    why somebody was paged:
      PAGE-5 to team platform at 2025-03-01 02:13:00 UTC: it is not mitigated after the time that its playbook allows; no playbook is run for it; not acknowledged
        its time to be taken had come, 10m after it was opened, and nobody had acknowledged it
        S2, as its playbook coredns-saturated says
        webhook: 4 attempts, the last: the receiver answered 503: token=***; next at 2025-03-01 02:20:00 UTC
        discord: not tried yet; next at 2025-03-01 02:20:00 UTC
        it has reached nobody since 2025-03-01 02:13:00 UTC
    ");
}

#[test]
fn a_start_ahead_of_our_clock_is_said_to_be_one() {
    let incident = the_incident(IncidentState::Open);
    let mut episode = the_episode();
    episode.starts_at = episode.opened_at + TimeDelta::hours(3);
    let page = shown(&paged(&incident, &the_page(PageReason::Overdue), &[], &[], std::slice::from_ref(&episode)));
    let said =
        "2025-03-01 05:03:00 UTC (as its sender says, 3h ahead of our clock: it came at 2025-03-01 02:03:00 UTC)";
    assert!(page.contains(&format!("since {said}, ")), "{page}");
    let facts = WhyFacts {
        incident: &incident,
        runs: &[],
        timeline: &[],
        episodes: std::slice::from_ref(&episode),
        pages: &[],
        now: at("02:15:00"),
        paging: PagingFacts::default(),
    };
    let text = why(&facts);
    assert!(text.contains(&format!("CoreDNSLatencyHigh since {said}, still firing")), "{text}");
}
