//! Secrets are masked before a row is written.

use super::*;

/// Part of each secret of these checks, and of nothing else.
const LEAK: &str = "Leak7";

fn secret(n: u32) -> String {
    format!("password={LEAK}x{n}")
}

fn is_clean(what: impl std::fmt::Debug) {
    let what = format!("{what:?}");
    assert!(!what.contains(LEAK), "{what}");
}

pub async fn what_is_decided_is_written_without_secrets(story: Story) {
    let id = story.incident(Severity::S2, &secret(1), ALERT, 1).await;
    let fingerprint = format!("{}-0", secret(1));
    let known = story.store.latest_episodes("alertmanager", &[&fingerprint]).await.unwrap();
    let head = known[&fingerprint].clone();
    assert_eq!(head.incident, id, "what identifies it is compared as it came");
    let grouping = format!("target:{}", secret(1));
    assert_eq!(story.store.incidents_by_grouping(&[&grouping]).await.unwrap()[&grouping].incident.id, id);
    let said = [("summary".to_owned(), secret(2))].into();
    let page = NewPage { text: Some(secret(3)), ..overdue() };
    let at = IncidentRef::Existing(id);
    let signal = story.signal("a").await;
    let changes = vec![
        Change::Retell { episode: head.id, annotations: said },
        Change::Page { incident: at, page },
        Change::Note { incident: at, event: IncidentEvent::Remark { text: secret(4) } },
    ];
    story.store.apply(signal, Decision { changes, reply: Some(CommandReply::granted(secret(5))) }).await.unwrap();
    is_clean(story.store.incident(id).await.unwrap().unwrap());
    is_clean(story.store.episodes(id, 9).await.unwrap());
    is_clean(story.store.pages_of(id).await.unwrap());
    is_clean(story.store.timeline(id).await.unwrap());
    is_clean(story.store.reply(signal).await.unwrap().unwrap());
    story.decide(vec![Change::PageAt { incident: at, at: Some(morning()) }, Change::Reopen { incident: at }]).await;
    let page = NewPage { text: Some(secret(6)), ..overdue() };
    assert!(story.store.page_now(id, DuePage { state: IncidentState::Open, reopens: None, page }).await.unwrap());
    is_clean(story.store.pages_of(id).await.unwrap());
}

pub async fn what_a_run_says_is_written_without_secrets(story: Story) {
    let id = incident(&story, "coredns", 1).await;
    let run = run(&story, id, "coredns").await;
    story.asks(run, &secret(1), morning()).await;
    let event = RunEvent::CancelAsked { by: secret(2) };
    let notices = vec![secret(3)];
    let tickets = vec![NewTicket {
        team: "platform".into(),
        title: secret(5),
        text: secret(6),
        key: secret(7),
        again: LEASE,
        left_out: None,
    }];
    story.logs(run, Append { events: vec![event], notices, tickets, ..Append::default() }).await;
    is_clean(story.store.timeline(id).await.unwrap());
    is_clean(story.store.open_approvals().await.unwrap());
    is_clean(story.store.take_deliveries(&["console"], 10, LEASE).await.unwrap());
    story.ends(run, Outcome::Escalated, &secret(4)).await;
    is_clean(story.store.run_log(run).await.unwrap());
    is_clean(story.store.run(run).await.unwrap().unwrap());
    is_clean(story.store.pending_signals(10).await.unwrap());
}

pub async fn nothing_is_acted_on_that_masking_would_change(story: Story) {
    let id = incident(&story, "coredns", 1).await;
    let run = NewRun {
        playbook: PlaybookRef { name: PLAYBOOK.into(), version: "1.0.0".into(), digest: Digest::of("text") },
        playbook_source: "text".into(),
        target: target(&secret(1)),
        inputs: serde_json::Map::new(),
        alert: serde_json::Value::Null,
        alert_waited: None,
        autonomy: Autonomy::Auto,
        requested_by: None,
        pins: Vec::new(),
        handed_over: 0,
        because: "its alert fires".into(),
    };
    let signal = story.signal("a").await;
    let changes = vec![Change::OpenRun { incident: IncidentRef::Existing(id), run: Box::new(run) }];
    let refused = story.store.apply(signal, Decision { changes, reply: None }).await.unwrap_err();
    assert!(matches!(refused, StoreError::Refused { .. }), "{refused}");
    assert!(story.store.runs_of(id).await.unwrap().is_empty());
}
