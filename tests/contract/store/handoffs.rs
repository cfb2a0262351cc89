//! What a shift hands over, and the handoffs that were written.

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

pub async fn a_shift_of_some_teams_is_viewed_with_what_it_leaves(story: Story) {
    let of = async |team: &str, title: &str| story.incident_of(team, Severity::S2, title, ALERT, 1, None).await;
    let before = of("platform", "over before").await;
    story.resolve(before, "ada").await;
    story.passes(60);
    let open = of("platform", "open").await;
    let over = of("platform", "over").await;
    let databases = of("databases", "of another team").await;
    let orphan = of("gone", "of nobody's team").await;
    let mut runs = Vec::new();
    for id in [open, over, databases, orphan] {
        story.page(id, PageReason::Uncovered).await;
        let (ends, goes_on) = (run(&story, id, "a").await, run(&story, id, "b").await);
        story.ends(ends, Outcome::Escalated, "it is beyond me").await;
        runs.extend([ends, goes_on]);
    }
    for goes_on in [runs[1], runs[5], runs[7]] {
        story.asks(goes_on, "scale 4 -> 6", morning() + Duration::from_secs(9_000)).await;
    }
    story.ends(runs[3], Outcome::Fixed, "p99 is low").await;
    story.resolve(over, "ada").await;
    story.passes(60);
    let later = of("platform", "opened after the shift").await;
    let gone = of("platform", "opened and over after the shift").await;
    story.resolve(gone, "ada").await;

    let hour = |n: u64| morning() + Duration::from_secs(3_600 * n);
    let view = async |teams| story.store.shift_view(&teams, hour(1), hour(2)).await.unwrap();
    let platform = view(Teams::One("platform".into())).await;
    let incidents = |view: &ShiftView| view.incidents.iter().map(|incident| incident.id).collect::<Vec<_>>();
    let ids = |runs: &[Run]| runs.iter().map(|run| run.id).collect::<Vec<_>>();
    let paged = |pages: &[Page]| pages.iter().map(|page| page.incident).collect::<Vec<_>>();
    assert_eq!(incidents(&platform), [open, over, later]);
    assert_eq!(ids(&platform.runs_of_open), [runs[0], runs[1]]);
    assert_eq!(ids(&platform.runs_under_way), [runs[1]]);
    assert_eq!(ids(&platform.runs_ended), [runs[0], runs[2], runs[3]]);
    assert_eq!(platform.approvals.iter().map(|approval| approval.run).collect::<Vec<_>>(), [runs[1]]);
    assert_eq!((paged(&platform.pages), paged(&platform.unanswered)), (vec![open, over], vec![open]));

    let others = view(Teams::AllBut(vec!["platform".into(), "databases".into()])).await;
    assert_eq!(incidents(&others), [orphan], "a team that nobody knows is none of those");
    assert_eq!((ids(&others.runs_under_way), paged(&others.unanswered)), (vec![runs[7]], vec![orphan]));
    assert_eq!(incidents(&view(Teams::everybody()).await), [open, over, databases, orphan, later]);
    assert_eq!(view(Teams::One("nobody".into())).await, ShiftView::default());
}
