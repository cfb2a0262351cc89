//! Handoffs that were written.

use super::*;

pub async fn a_handoff_is_remembered_once_and_the_last_that_is_over_is_told(story: Story) {
    let hour = |n: i64| morning() + TimeDelta::hours(n);
    let handoff = |team: &str, from: i64, to: i64| HandoffRecord {
        team: team.into(),
        from: hour(from),
        to: hour(to),
        path: format!("{team}-{to}.md"),
        written_at: hour(0),
    };
    let last = async |team: &str| story.store.last_handoff(team).await.unwrap().map(|record| record.path);
    assert_eq!(last("platform").await, None);
    assert!(story.store.keep_handoff(&handoff("platform", -24, -12)).await.unwrap());
    assert!(story.store.keep_handoff(&handoff("platform", -12, 0)).await.unwrap());
    let again = HandoffRecord { path: "elsewhere.md".into(), ..handoff("platform", -12, 0) };
    assert!(!story.store.keep_handoff(&again).await.unwrap());
    assert!(story.store.keep_handoff(&handoff("platform", 12, 24)).await.unwrap(), "by a clock that was ahead");
    assert!(story.store.keep_handoff(&handoff("databases", -12, -1)).await.unwrap());
    assert_eq!(last("platform").await.as_deref(), Some("platform-0.md"));
    assert_eq!(last("databases").await.as_deref(), Some("databases--1.md"));
    let story = story.reopens().await;
    assert_eq!(story.store.last_handoff("platform").await.unwrap(), Some(handoff("platform", -12, 0)));
}
