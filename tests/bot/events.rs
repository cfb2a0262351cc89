//! Events of a source of the kind `generic`, from their JSON to incidents.

use std::sync::Arc;

use dogwatch::clock::Clock as _;
use dogwatch::intake::{Form, Mapping};
use dogwatch::model::*;
use dogwatch::worker::settle;
use serde_json::{Value, json};

use crate::incidents::Shift;

/// By its labels, and by a key that stays while its labels change.
const BY_LABELS: &str = "{ name: event.title, status: event.state, labels: { host: event.host } }";
const BY_KEY: &str = "{ name: event.title, status: event.state, key: event.id, labels: { severity: event.level }, starts_at: \"event.?at.orValue('')\" }";

async fn lets_in(shift: &Shift, map: &str, event: Value) {
    let form = Form::Generic(Arc::new(Mapping::compile(&serde_saphyr::from_str(map).unwrap()).unwrap()));
    let delivered = form.parse("snmp".into(), shift.clock.now(), &[], event.to_string().as_bytes()).unwrap();
    shift.store.accept_delivery(delivered).await.unwrap();
}

async fn comes(shift: &Shift, map: &str, event: Value) {
    lets_in(shift, map, event).await;
    settle(&shift.workers).await.unwrap();
}

fn link(state: &str) -> Value {
    json!({ "title": "LinkDown", "host": "sw-1", "state": state })
}

fn problem(state: &str, level: &str, at: Option<&str>) -> Value {
    json!({ "title": "DiskFull", "id": 17, "state": state, "level": level, "at": at })
}

#[tokio::test]
async fn what_repeats_no_start_is_one_firing_until_its_end_is_told() {
    let shift = Shift::begin().await;
    for _ in 0..3 {
        comes(&shift, BY_LABELS, link("down")).await;
        shift.passes(4).await;
    }
    assert_eq!(shift.told().await, ["INC-1 open 1/1 runs=0"]);
    // The same, in a body that says something else too.
    comes(&shift, BY_LABELS, json!([link("down"), { "title": "LinkDown", "host": "sw-2", "state": "down" }])).await;
    assert_eq!(shift.told().await, ["INC-1 open 2/2 runs=0"]);
    comes(&shift, BY_LABELS, link("ok")).await;
    comes(&shift, BY_LABELS, link("ok")).await;
    assert_eq!(shift.told().await, ["INC-1 open 1/2 runs=0"]);
    // At once and long after: what fires after its end is a new firing, and waits for nothing.
    comes(&shift, BY_LABELS, link("down")).await;
    assert_eq!(shift.told().await, ["INC-1 open 2/3 runs=0"]);
    comes(&shift, BY_LABELS, link("ok")).await;
    shift.passes(600).await;
    comes(&shift, BY_LABELS, link("down")).await;
    assert_eq!(shift.told().await, ["INC-1 open 2/4 runs=0"]);
}

#[tokio::test]
async fn an_end_before_or_without_its_firing_is_harmless() {
    let shift = Shift::begin().await;
    comes(&shift, BY_LABELS, link("ok")).await;
    assert!(shift.told().await.is_empty());
    comes(&shift, BY_LABELS, link("down")).await;
    assert_eq!(shift.told().await, ["INC-1 open 1/1 runs=0"]);
}

#[tokio::test]
async fn what_is_told_last_counts_also_when_all_of_it_waits() {
    for (told, open, all) in [("FF", 1, 1), ("FE", 0, 1), ("FEF", 1, 2), ("FEFE", 0, 2), ("EF", 1, 1), ("FFEEF", 1, 2)]
    {
        let shift = Shift::begin().await;
        for word in told.chars() {
            lets_in(&shift, BY_LABELS, link(if word == 'F' { "down" } else { "ok" })).await;
            shift.clock.advance(std::time::Duration::from_millis(1));
        }
        settle(&shift.workers).await.unwrap();
        let incidents = shift.incidents().await;
        let count = |of: fn(&Incident) -> u64| incidents.iter().map(of).sum::<u64>();
        assert_eq!(count(|incident| incident.open_episodes), open, "{told}");
        assert!(count(|incident| incident.episodes) <= all, "{told}");
    }
}

#[tokio::test]
async fn a_key_holds_firing_and_end_together_and_what_becomes_worse_pages_anew() {
    for at in [None, Some("2026-03-02T01:00:00Z")] {
        let shift = Shift::begin().await;
        comes(&shift, BY_KEY, problem("problem", "warning", at)).await;
        assert_eq!(shift.pages().await.len(), 1, "{at:?}");
        shift.says("alice", Command::Ack { incident: IncidentId(1) }).await;
        comes(&shift, BY_KEY, problem("problem", "info", at)).await;
        assert_eq!(shift.told().await, ["INC-1 acknowledged 1/1 runs=0"], "milder is no news");
        comes(&shift, BY_KEY, problem("problem", "critical", at)).await;
        assert_eq!(shift.incidents().await[0].severity, Severity::S1, "{at:?}");
        assert_eq!(shift.pages().await.len(), 2, "whoever has it has seen less: {:?}", shift.pages().await);
        let timeline = shift.timeline(1).await;
        assert!(timeline.contains("is worse now: critical"), "{timeline}");
        comes(&shift, BY_KEY, problem("problem", "critical", at)).await;
        assert_eq!(shift.pages().await.len(), 2);
        comes(&shift, BY_KEY, problem("ok", "none", at)).await;
        assert_eq!(shift.told().await, ["INC-1 resolved 0/2 runs=0"], "{at:?}");
    }
}

#[tokio::test]
async fn an_event_that_cannot_be_mapped_is_told_to_a_person() {
    let shift = Shift::begin().await;
    comes(&shift, BY_LABELS, json!([link("down"), { "title": "LinkDown", "state": "down" }])).await;
    assert_eq!(shift.told().await, ["INC-1 open 1/1 runs=0", "INC-2 open 0/0 runs=0"]);
    let timeline = shift.timeline(2).await;
    assert!(timeline.contains("events[1].labels.host: `event.host` is not there"), "{timeline}");
}
