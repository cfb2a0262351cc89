//! What comes and goes is told once as that, and held open until it is quiet.

use dogwatch::model::*;

use super::incidents::Shift;

const POD: &[(&str, &str)] = &[("pod", "pg-0"), ("namespace", "db"), ("severity", "critical")];

async fn comes_and_goes(shift: &Shift, times: usize) {
    for _ in 0..times {
        let since = shift.fires("PostgresDown", POD).await;
        shift.passes(1).await;
        shift.resolves("PostgresDown", POD, since).await;
        shift.passes(4).await;
    }
}

#[tokio::test]
async fn what_flaps_is_told_once_as_that_however_often_it_comes() {
    let shift = Shift::begin().await;
    comes_and_goes(&shift, 12).await;
    let pages = shift.pages().await;
    assert_eq!(pages.len(), 3, "{pages:?}");
    assert!(pages[2].starts_with("INC-1 Flapping { times: 3, since: 2026-03-02T02:00:00Z }"), "{pages:?}");
    assert_eq!(shift.told().await, ["INC-1 open 0/12 runs=0"]);
    let timeline = shift.timeline(1).await;
    assert!(timeline.contains("it flaps: it opened 3 times since 02:00 UTC, and is held open"), "{timeline}");
    // Quiet for as long as it would be opened again.
    shift.passes(24).await;
    assert_eq!(shift.incidents().await[0].state, IncidentState::Open);
    shift.passes(3).await;
    assert_eq!(shift.told().await, ["INC-1 resolved 0/12 runs=0"]);
    assert!(shift.timeline(1).await.contains("nothing has fired for 30 minutes"));
}

#[tokio::test]
async fn whoever_has_it_keeps_it_while_it_flaps() {
    let shift = Shift::begin().await;
    comes_and_goes(&shift, 3).await;
    shift.says("alice", Command::Ack { incident: IncidentId(1) }).await;
    comes_and_goes(&shift, 4).await;
    assert_eq!(shift.pages().await.len(), 3);
    let incident = &shift.incidents().await[0];
    assert_eq!((incident.state, incident.owner.as_deref()), (IncidentState::Acknowledged, Some("alice")));
}

#[tokio::test]
async fn what_comes_twice_is_no_flapping() {
    let shift = Shift::begin().await;
    comes_and_goes(&shift, 2).await;
    assert_eq!(shift.told().await, ["INC-1 resolved 0/2 runs=0"]);
    let pages = shift.pages().await;
    assert!(pages.iter().all(|page| page == "INC-1 SeverityOne"), "{pages:?}");
}

#[tokio::test]
async fn a_restart_forgets_nothing_of_what_is_held() {
    let shift = Shift::begin().await;
    comes_and_goes(&shift, 5).await;
    // It is a signal that waits: whoever starts next goes on with it.
    assert!(shift.store.levels().await.unwrap().held_signals >= 1);
    shift.says("bob", Command::Resolve { incident: IncidentId(1), note: None }).await;
    shift.passes(60).await;
    let timeline = shift.timeline(1).await;
    assert!(!timeline.contains("nothing has fired"), "what a person closed is closed: {timeline}");
}
