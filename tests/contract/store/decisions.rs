//! Carrying out what is decided about a signal: all of it, once, or nothing.

use super::*;

pub async fn a_signal_is_decided_about_once(story: Story) {
    let signal = story.signal("a").await;
    let decision = Decision { changes: vec![Change::OpenIncident(new_incident("coredns"))], reply: None };
    story.store.apply(signal, decision.clone()).await.unwrap();
    let again = story.store.apply(signal, decision).await.unwrap_err();
    assert!(matches!(again, StoreError::Fenced(_)), "{again}");
    assert_eq!(story.store.incidents(IncidentFilter::Unresolved).await.unwrap().len(), 1);
}

pub async fn a_decision_that_fails_leaves_nothing_behind(story: Story) {
    let signal = story.signal("a").await;
    let changes = vec![Change::OpenIncident(new_incident("coredns")), episode(IncidentRef::New(7), "x")];
    story.store.apply(signal, Decision { changes, reply: None }).await.unwrap_err();
    assert!(story.store.incidents(IncidentFilter::Unresolved).await.unwrap().is_empty());
    assert_eq!(story.store.pending_signals(10).await.unwrap().len(), 1, "it is still to be worked on");
}

pub async fn what_can_never_be_done_is_told_from_what_may_pass(story: Story) {
    let signal = story.signal("a").await;
    let twice = || episode(IncidentRef::New(0), "x");
    let changes = vec![Change::OpenIncident(new_incident("coredns")), twice(), twice()];
    let refused = story.store.apply(signal, Decision { changes, reply: None }).await.unwrap_err();
    assert!(matches!(refused, StoreError::Refused { .. }) && !refused.passes(), "{refused}");
    story.place.close().await;
    let closed = story.store.apply(signal, Decision::default()).await.unwrap_err();
    assert!(matches!(closed, StoreError::Failed { .. }) && closed.passes(), "{closed}");
}

pub async fn ten_thousand_episodes_are_one_decision(story: Story) {
    let id = incident(&story, "coredns", 10_000).await;
    let found = story.store.incident(id).await.unwrap().unwrap();
    assert_eq!((found.open_episodes, found.episodes), (10_000, 10_000));
    let names: Vec<String> = (0..10_000).map(|n| format!("coredns-{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    assert_eq!(story.store.latest_episodes("alertmanager", &names).await.unwrap().len(), 10_000);
    assert_eq!(story.store.levels().await.unwrap().open_episodes, 10_000);
}
