//! The records that the tests tell of.

use chrono::{DateTime, Utc};
use serde_json::json;

use crate::model::*;
use crate::store::{IncidentEvent, Page, PageReason, TimelineEntry, TimelineWhat};

pub fn at(time: &str) -> DateTime<Utc> {
    format!("2025-03-01T{time}Z").parse().unwrap()
}

pub fn step(path: &str) -> StepAddress {
    path.parse().unwrap()
}

pub fn entry(time: &str, what: TimelineWhat) -> TimelineEntry {
    TimelineEntry { at: at(time), what }
}

pub fn run(event: RunEvent) -> TimelineWhat {
    TimelineWhat::Run(RunId(7), event)
}

pub fn incident_event(event: IncidentEvent) -> TimelineWhat {
    TimelineWhat::Incident(event)
}

fn target() -> Target {
    Target::new("Deployment", "kube-system", "coredns")
}

pub fn the_incident(state: IncidentState) -> Incident {
    Incident {
        id: IncidentId(42),
        grouping: Grouping::Object {
            object: ObjectKey::new("Deployment", "kube-system", "coredns"),
            origin: Origin::Home,
        },
        title: "CoreDNS has too little capacity for the cluster's queries".into(),
        severity: Severity::S2,
        state,
        target: Some(target()),
        team: "platform".into(),
        owner: None,
        playbook: Some("coredns-saturated".into()),
        opened_at: at("02:03:00"),
        acknowledged_at: None,
        mitigated_at: None,
        resolved_at: None,
        page_at: None,
        spell: 1,
        open_episodes: 4_012,
        episodes: 5_000,
        joined_at: None,
        held_until: None,
        merged: None,
    }
}

pub fn the_run(outcome: Option<Outcome>) -> Run {
    Run {
        id: RunId(7),
        incident: IncidentId(42),
        playbook: PlaybookRef {
            name: "coredns-saturated".into(),
            version: "1.2.0".into(),
            digest: Digest::of("the playbook"),
        },
        target: target(),
        inputs: json!({ "max_replicas": 10, "webhook_token": "hunter2" }).as_object().unwrap().clone(),
        alert: json!({}),
        alert_waited: None,
        autonomy: Autonomy::Auto,
        requested_by: None,
        pins: Vec::new(),
        handed_over: 0,
        outcome,
        because: outcome.map(|_| "p99 was 0.021 at the last look".into()),
        created_at: at("02:03:00"),
        ended_at: outcome.map(|_| at("02:15:00")),
    }
}

pub fn the_episode() -> Episode {
    let texts = |pairs: &[(&str, &str)]| pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    Episode {
        id: EpisodeId(1),
        source: "alertmanager".into(),
        fingerprint: "ecd6bd82c423a581".into(),
        incident: IncidentId(42),
        alert: "CoreDNSLatencyHigh".into(),
        labels: texts(&[("alertname", "CoreDNSLatencyHigh"), ("cluster", "db-eu-1"), ("severity", "warning")]),
        annotations: texts(&[("summary", "CoreDNS answers slowly"), ("runbook_url", "https://runbooks.example/dns")]),
        starts_at: at("02:00:30"),
        opened_at: at("02:03:00"),
        closed_at: None,
    }
}

pub fn the_page(reason: PageReason) -> Page {
    Page {
        id: PageId(5),
        incident: IncidentId(42),
        made_for: IncidentId(42),
        level: 1,
        team: "platform".into(),
        reason,
        text: Some("CoreDNS p99 is 0.412s; scaled 4 -> 6, which did not help".into()),
        severity: Severity::S2,
        asked: false,
        by_name: false,
        called: Vec::new(),
        created_at: at("02:13:00"),
        arrived_at: Some(at("02:13:01")),
        acknowledged_at: Some(at("02:14:10")),
        answered: true,
        has_news: false,
        fold: None,
        key: "dogwatch-INC-42-1-1-S2".into(),
        pager_key: "INC-42-1-S2".into(),
        outdone: false,
        earlier: false,
        deliveries: Vec::new(),
    }
}

pub fn the_approval(state: ApprovalState) -> Approval {
    let preview = Preview {
        steps: vec![
            PreviewStep {
                step: step("mitigate.scale"),
                mutating: true,
                certain: true,
                summary: "scale deployment/coredns in kube-system 4 -> 6".into(),
                diff: Some(" spec:\n-  replicas: 4\n+  replicas: 6".into()),
                uid: None,
                dry_run: None,
                undo: Undo::Never,
            },
            PreviewStep {
                step: step("mitigate.look"),
                mutating: false,
                certain: false,
                summary: "query p99".into(),
                diff: None,
                uid: None,
                dry_run: None,
                undo: Undo::Never,
            },
        ],
        asks_again: Vec::new(),
    };
    Approval {
        id: ApprovalId(3),
        run: RunId(7),
        incident: IncidentId(42),
        digest: preview.digest(),
        preview,
        state,
        asked_at: at("02:03:09"),
        expires_at: at("02:18:09"),
        answered_by: None,
        terms: ApprovalTerms::default(),
        approved_by: Vec::new(),
        reason: None,
    }
}

pub fn intent() -> Intent {
    Intent {
        summary: "scale deployment/coredns in kube-system 4 -> 6".into(),
        object: target(),
        uid: "1".into(),
        resource_version: "9".into(),
        before: json!(4),
        after: json!(6),
        marker: "dogwatch-run-7-scale".into(),
    }
}

fn beginning() -> Vec<TimelineEntry> {
    let checked = |condition, held, because: &str| {
        let expression = match condition {
            ConditionKind::DoneIf => "p99.value < 0.1",
            ConditionKind::Require | ConditionKind::When | ConditionKind::EscalateIf | ConditionKind::LeaveIf => {
                "pods.not_ready == 0"
            }
        };
        let (step, because) = (step("diagnose.2"), because.into());
        run(RunEvent::Checked { step, condition, held, because, expression: expression.into(), role: None })
    };
    vec![
        entry("02:03:00", incident_event(IncidentEvent::Opened { because: "CoreDNSLatencyHigh fires".into() })),
        entry(
            "02:03:00",
            incident_event(IncidentEvent::Joined {
                alert: "CoreDNSLatencyHigh".into(),
                count: 5_000,
                example: "CoreDNS answers slowly".into(),
            }),
        ),
        entry(
            "02:03:00",
            incident_event(IncidentEvent::RunOpened {
                run: RunId(7),
                playbook: "coredns-saturated".into(),
                digest: "1a2b3c4d5e6f".into(),
                because: "its alert fires".into(),
            }),
        ),
        entry("02:03:01", run(RunEvent::Claimed { epoch: 1, worker: "bot-1".into() })),
        entry("02:03:01", run(RunEvent::Entered { phase: Phase::Diagnose, because: "the run begins".into() })),
        entry("02:03:01", run(RunEvent::TargetRead { object: Some(json!({})) })),
        entry(
            "02:03:02",
            run(RunEvent::Read {
                step: step("diagnose.p99"),
                output: json!({ "value": 0.412 }),
                summary: "0.412".into(),
            }),
        ),
        entry("02:03:02", checked(ConditionKind::DoneIf, false, "the latency is back to normal")),
        entry("02:03:02", checked(ConditionKind::Require, true, "pods are missing, and more of them would not help")),
        entry(
            "02:03:02",
            run(RunEvent::Entered { phase: Phase::Mitigate, because: "nothing speaks against it".into() }),
        ),
        entry(
            "02:03:03",
            run(RunEvent::Started {
                step: step("mitigate.scale"),
                attempt: 1,
                intent: intent(),
                deadline: at("02:04:03"),
                remedy: None,
            }),
        ),
        entry(
            "02:03:04",
            run(RunEvent::Done {
                step: step("mitigate.scale"),
                attempt: 1,
                output: json!({}),
                summary: "scaled deployment/coredns in kube-system 4 -> 6".into(),
                recovered: false,
            }),
        ),
        entry(
            "02:03:04",
            run(RunEvent::Verifying {
                step: step("mitigate.scale"),
                look_at: at("02:09:04"),
                give_up_at: at("02:15:04"),
            }),
        ),
    ]
}

fn look(time: &str, epoch: u64, verdict: Look, value: &str) -> Vec<TimelineEntry> {
    let looked = RunEvent::Looked {
        step: step("mitigate.scale"),
        verdict,
        summary: format!("p99 {value} < 0.1"),
        unanswered: false,
    };
    vec![entry(time, run(RunEvent::Claimed { epoch, worker: "bot-1".into() })), entry(time, run(looked))]
}

fn waits_for_look(time: &str, next: &str) -> TimelineEntry {
    entry(
        time,
        run(RunEvent::Verifying { step: step("mitigate.scale"), look_at: at(next), give_up_at: at("02:15:04") }),
    )
}

/// The night that the bot mends.
pub fn mended() -> Vec<TimelineEntry> {
    let mut timeline = beginning();
    timeline.extend(look("02:09:04", 2, Look::NotYet, "0.31"));
    timeline.push(waits_for_look("02:09:04", "02:09:34"));
    timeline.extend(look("02:09:34", 3, Look::NotYet, "0.18"));
    timeline.push(waits_for_look("02:09:34", "02:10:04"));
    timeline.extend(look("02:10:04", 4, Look::Good, "0.021"));
    timeline
        .push(entry("02:10:04", run(RunEvent::Ended { outcome: Outcome::Fixed, because: "p99 0.021 < 0.1".into() })));
    timeline.push(entry(
        "02:10:05",
        incident_event(IncidentEvent::RunEnded {
            run: RunId(7),
            outcome: Outcome::Fixed,
            because: "p99 0.021 < 0.1".into(),
        }),
    ));
    timeline.push(entry("02:10:05", incident_event(IncidentEvent::Mitigated { because: "RUN-7 fixed it".into() })));
    timeline.push(entry("02:11:30", incident_event(IncidentEvent::Cleared { count: 988, open: 4_012 })));
    timeline
}

/// The night that it does not.
pub fn not_mended() -> Vec<TimelineEntry> {
    let mut timeline = beginning();
    timeline.extend(look("02:09:04", 2, Look::NotYet, "0.31"));
    timeline.extend(look("02:15:04", 3, Look::Bad, "0.44"));
    timeline.push(entry(
        "02:15:04",
        run(RunEvent::Entered { phase: Phase::Escalate, because: "the verify failed".into() }),
    ));
    timeline.push(entry(
        "02:15:05",
        run(RunEvent::Told {
            step: step("escalate.1"),
            page: true,
            team: "platform".into(),
            text: "CoreDNS p99 is 0.412s".into(),
            role: None,
        }),
    ));
    timeline.push(entry(
        "02:15:05",
        run(RunEvent::Ended { outcome: Outcome::Escalated, because: "the verify failed".into() }),
    ));
    timeline
}

/// One of each, in the order in which they are declared.
pub fn every_event() -> Vec<TimelineEntry> {
    let mut n = 0;
    let mut next = |what| {
        n += 1;
        TimelineEntry { at: at("14:00:00") + chrono::TimeDelta::seconds(n), what }
    };
    let called_for = |reason, called: &[&str]| IncidentEvent::Paged {
        team: "platform".into(),
        reason,
        called: called.iter().map(|name| (*name).to_owned()).collect(),
    };
    let paged = |reason| called_for(reason, &[]);
    let called = |reason| called_for(reason, &["bob", "carol"]);
    let first = || Box::new(PageReason::SeverityOne);
    let incident: Vec<IncidentEvent> = vec![
        IncidentEvent::Opened { because: "CoreDNSLatencyHigh fires".into() },
        IncidentEvent::Joined { alert: "PostgresDown".into(), count: 1, example: "db-1 does not answer".into() },
        IncidentEvent::Joined { alert: "PostgresDown".into(), count: 4_012, example: "db-1 does not answer".into() },
        IncidentEvent::Cleared { count: 1, open: 2 },
        IncidentEvent::Cleared { count: 2, open: 0 },
        IncidentEvent::RunOpened {
            run: RunId(7),
            playbook: "coredns-saturated".into(),
            digest: "1a2b3c4d5e6f".into(),
            because: "alice asked for it".into(),
        },
        IncidentEvent::RunNotOpened { playbook: "coredns-saturated".into(), because: "3 runs in 1h are enough".into() },
        IncidentEvent::RunEnded { run: RunId(7), outcome: Outcome::Fixed, because: "p99 0.021 < 0.1".into() },
        paged(PageReason::SeverityOne),
        paged(PageReason::Uncovered),
        paged(PageReason::Overdue),
        paged(PageReason::StillFires { run: RunId(7), outcome: Outcome::Fixed }),
        IncidentEvent::Held { alert: "DNSSlow".into(), count: 2, until: at("02:13:00") },
        IncidentEvent::PageUpdated { team: "platform".into(), reason: PageReason::Escalated { run: RunId(7) } },
        IncidentEvent::Severity { from: Severity::S3, to: Severity::S1, because: "DNSSlow fires".into() },
        paged(PageReason::Escalated { run: RunId(7) }),
        paged(PageReason::NotRun { because: "the target is unknown".into() }),
        called(PageReason::Unanswered { of: first(), page: PageId(5), made_at: at("02:13:00") }),
        called(PageReason::Asked { by: "alice".into(), note: Some("I need a DBA".into()), of: Some(first()) }),
        called(PageReason::Assigned { by: "alice".into(), to: "bob".into(), note: None, of: None }),
        called(PageReason::Untouched { by: "bob".into(), since: at("02:14:10") }),
        called(PageReason::CallOverdue { since: at("02:28:00") }),
        IncidentEvent::Acknowledged { by: "alice (discord)".into() },
        IncidentEvent::Mitigated { because: "RUN-7 fixed it".into() },
        IncidentEvent::Resolved { by: "alice (discord)".into(), because: "a cable".into() },
        IncidentEvent::Reopened { because: "PostgresDown fires again".into() },
        answered(Verdict::Approve, None, None),
        answered(Verdict::Approve, None, Some("1 of 2")),
        answered(Verdict::Deny, None, None),
        answered(Verdict::Deny, Some("the replica is being rebuilt by hand"), None),
        IncidentEvent::Remark { text: "the trigger's condition could not be decided".into() },
        IncidentEvent::Unknown,
    ];
    let s = || step("mitigate.scale");
    let summary = || "scale deployment/coredns in kube-system 4 -> 6".to_owned();
    let preview = the_approval(ApprovalState::Open).preview;
    let checked = |condition, held| RunEvent::Checked {
        step: step("diagnose.2"),
        condition,
        held,
        because: "pods are missing".into(),
        expression: String::new(),
        role: None,
    };
    let failed = |class| RunEvent::Failed {
        step: s(),
        attempt: 2,
        class,
        error: "the cluster did not answer".into(),
        held: false,
    };
    let runs: Vec<RunEvent> = vec![
        RunEvent::Claimed { epoch: 2, worker: "bot-1".into() },
        RunEvent::TargetRead { object: Some(json!({})) },
        RunEvent::TargetRead { object: None },
        RunEvent::Entered { phase: Phase::Diagnose, because: "the run begins".into() },
        RunEvent::Entered { phase: Phase::Escalate, because: "the verify failed".into() },
        checked(ConditionKind::DoneIf, true),
        checked(ConditionKind::DoneIf, false),
        checked(ConditionKind::Require, true),
        checked(ConditionKind::Require, false),
        checked(ConditionKind::When, true),
        checked(ConditionKind::When, false),
        RunEvent::Read { step: step("diagnose.p99"), output: json!({}), summary: "0.412".into() },
        RunEvent::Read { step: step("diagnose.3"), output: json!({}), summary: "4 pods, all ready".into() },
        failed(FailureClass::Retry),
        failed(FailureClass::Fail),
        failed(FailureClass::NeedsHuman),
        RunEvent::Waiting {
            step: s(),
            until: at("14:20:00"),
            because: "RUN-6 works on the same target".into(),
            waits_for: None,
        },
        RunEvent::Waited { step: s() },
        RunEvent::Skipped { step: step("escalate.2"), because: "the logs could not be read".into() },
        RunEvent::Proposed { preview: preview.clone() },
        RunEvent::ApprovalAsked {
            approval: ApprovalId(3),
            preview: preview.clone(),
            expires_at: at("14:20:00"),
            before: None,
            terms: None,
        },
        RunEvent::ApprovalAsked {
            approval: ApprovalId(3),
            preview: preview.clone(),
            expires_at: at("14:20:00"),
            before: Some(s()),
            terms: Some(Box::new(ApprovalTerms {
                people: 2,
                of: Approvers::Team("databases".into()),
                not_of: Some("ada".into()),
                question: Some("Scale CoreDNS?".into()),
                ..ApprovalTerms::default()
            })),
        },
        RunEvent::ApprovalAnswered {
            approval: ApprovalId(3),
            verdict: Some(Verdict::Deny),
            by: "alice".into(),
            waited: None,
            reason: Some("the replica is being rebuilt by hand".into()),
        },
        RunEvent::ApprovalAnswered {
            approval: ApprovalId(3),
            verdict: None,
            by: String::new(),
            waited: None,
            reason: None,
        },
        RunEvent::Started { step: s(), attempt: 1, intent: intent(), deadline: at("14:20:00"), remedy: None },
        RunEvent::Done { step: s(), attempt: 1, output: json!({}), summary: summary(), recovered: false },
        RunEvent::Done { step: s(), attempt: 1, output: json!({}), summary: summary(), recovered: true },
        RunEvent::Unneeded {
            step: s(),
            summary: "deployment/coredns has 6 replicas already".into(),
            output: json!({}),
        },
        RunEvent::Verifying { step: s(), look_at: at("14:09:00"), give_up_at: at("14:15:00") },
        RunEvent::Looked { step: s(), verdict: Look::Good, summary: "p99 0.021 < 0.1".into(), unanswered: false },
        RunEvent::Looked { step: s(), verdict: Look::NotYet, summary: "p99 0.21 < 0.1".into(), unanswered: false },
        RunEvent::Looked { step: s(), verdict: Look::Bad, summary: "p99 2.1 > 1".into(), unanswered: false },
        RunEvent::Told {
            step: s(),
            page: true,
            team: "platform".into(),
            text: "look at it".into(),
            role: Some(ActingRole::Storage),
        },
        RunEvent::Told { step: s(), page: false, team: "platform".into(), text: "scaled".into(), role: None },
        RunEvent::AlertResolved,
        RunEvent::CancelAsked { by: "alice (discord)".into() },
        RunEvent::Braked { by: "FRZ-3 (anna: moving the storage)".into() },
        RunEvent::Ended { outcome: Outcome::NothingToDo, because: "the latency is back to normal".into() },
        RunEvent::Unknown,
    ];
    let mut entries: Vec<TimelineEntry> = Vec::new();
    entries.extend(incident.into_iter().map(incident_event).map(&mut next));
    entries.extend(runs.into_iter().map(run).map(&mut next));
    entries
}

fn answered(verdict: Verdict, reason: Option<&str>, progress: Option<&str>) -> IncidentEvent {
    IncidentEvent::Answered {
        approval: ApprovalId(3),
        verdict,
        by: "alice (discord)".into(),
        reason: reason.map(str::to_owned),
        progress: progress.map(str::to_owned),
    }
}
