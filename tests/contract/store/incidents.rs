//! Incidents as they are looked for and listed, and their timelines.

use super::*;

pub async fn the_latest_incident_of_a_grouping_is_found(story: Story) {
    story.incident(Severity::S2, "coredns", ALERT, 0).await;
    let latest = story.incident(Severity::S2, "coredns", ALERT, 0).await;
    let other = story.incident(Severity::S2, "another", ALERT, 0).await;
    let asked = ["target:coredns", "target:another", "target:never"];
    let found = story.store.incidents_by_grouping(&asked).await.unwrap();
    let mut found: Vec<_> = found.into_iter().map(|(grouping, view)| (grouping, view.incident.id)).collect();
    found.sort();
    assert_eq!(found, [("target:another".to_owned(), other), ("target:coredns".to_owned(), latest)]);
}

pub async fn an_incident_is_viewed_with_its_runs_under_way_and_what_waits_for_somebody(story: Story) {
    let (quiet, busy) = (incident(&story, "coredns", 1).await, incident(&story, "another", 1).await);
    let (ended, under_way) = (run(&story, busy, "a").await, run(&story, busy, "b").await);
    story.ends(ended, Outcome::Escalated, "it is beyond me").await;
    story.page(busy, PageReason::Escalated { run: ended }).await;
    let views = story.store.incident_views(&[busy, IncidentId(99), quiet]).await.unwrap();
    let told: Vec<_> = views
        .iter()
        .map(|view| (view.incident.id, view.runs.iter().map(|run| run.id).collect::<Vec<_>>(), view.escalated()))
        .collect();
    assert_eq!(told, [(quiet, vec![], None), (busy, vec![under_way], Some(ended))]);
    story.ack(busy, "ada").await;
    let views = story.store.incident_views(&[busy]).await.unwrap();
    assert_eq!((views.len(), views[0].escalated()), (1, None), "somebody has looked");
}

pub async fn incidents_are_listed_the_worst_first_by_when_they_were_open(story: Story) {
    let minor = story.incident(Severity::S3, "minor", ALERT, 1).await;
    let over = story.incident(Severity::S1, "over", ALERT, 1).await;
    story.passes(10);
    story.resolve(over, "ada").await;
    story.passes(10);
    let major = story.incident(Severity::S1, "major", ALERT, 1).await;
    let minute = |n: u64| morning() + Duration::from_secs(60 * n);
    let listed = async |filter| -> Vec<IncidentId> {
        story.store.incidents(filter).await.unwrap().iter().map(|incident| incident.id).collect()
    };
    assert_eq!(listed(IncidentFilter::Unresolved).await, [major, minor]);
    assert_eq!(listed(IncidentFilter::ResolvedSince(minute(10))).await, [over, major, minor]);
    assert_eq!(listed(IncidentFilter::ResolvedSince(minute(11))).await, [major, minor]);
    assert_eq!(listed(IncidentFilter::Touching { from: minute(0), to: minute(20) }).await, [over, minor]);
    assert_eq!(listed(IncidentFilter::Touching { from: minute(11), to: minute(20) }).await, [minor]);
    assert_eq!(story.store.incident(IncidentId(99)).await.unwrap(), None);
}

pub async fn a_timeline_holds_the_logs_of_the_runs_in_their_place(story: Story) {
    let id = incident(&story, "coredns", 1).await;
    story.passes(1);
    let run = run(&story, id, "coredns").await;
    story.passes(1);
    story.ends(run, Outcome::Fixed, "p99 is low").await;
    story.passes(1);
    story.ack(id, "ada").await;
    let timeline = story.store.timeline(id).await.unwrap();
    let told: Vec<(i64, &str)> = timeline
        .iter()
        .map(|entry| {
            let what = match &entry.what {
                TimelineWhat::Incident(IncidentEvent::Opened { .. }) => "opened",
                TimelineWhat::Incident(IncidentEvent::RunOpened { .. }) => "run opened",
                TimelineWhat::Run(of, RunEvent::Claimed { .. }) if *of == run => "claimed",
                TimelineWhat::Run(of, RunEvent::Ended { .. }) if *of == run => "ended",
                TimelineWhat::Incident(IncidentEvent::Acknowledged { .. }) => "acknowledged",
                other => panic!("{other:?}"),
            };
            ((entry.at - morning()).num_minutes(), what)
        })
        .collect();
    assert_eq!(told, [(0, "opened"), (1, "run opened"), (2, "claimed"), (2, "ended"), (3, "acknowledged")]);
}

pub async fn levels_tell_how_much_there_is_of_what(story: Story) {
    assert_eq!(story.store.levels().await.unwrap(), Levels::default());
    let id = story.incident(Severity::S1, "coredns", ALERT, 3).await;
    let over = incident(&story, "another", 2).await;
    story.resolve(over, "ada").await;
    run(&story, id, "coredns").await;
    story.page(id, PageReason::SeverityOne).await;
    story.signal("waits").await;
    story.passes(2);
    let expected = Levels {
        pending_signals: 1,
        oldest_signal_age: Duration::from_secs(120),
        open_episodes: 3,
        incidents: [(("open".to_owned(), "S1".to_owned()), 1)].into(),
        runs_under_way: 1,
        // A message for each incident, and the page on its two sinks.
        deliveries_waiting: 4,
        unacknowledged_pages: 1,
        undelivered_pages: 1,
        undelivered_for: 120,
        ..Levels::default()
    };
    assert_eq!(story.store.levels().await.unwrap(), expected);
}
