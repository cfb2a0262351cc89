//! A wall clock that is set: what waits is moved with it.

use super::*;

/// The wall clock is set by `by`, and the store is told as the timekeeper tells it.
async fn is_set(story: &Story, by: TimeDelta) {
    story.clock.step(story.clock.now() + by);
    story.store.move_what_waits(by).await.unwrap();
    story.clock.follow(by);
}

pub async fn what_waits_waits_as_long_as_it_was_meant_to(story: Story) {
    let id = incident(&story, "coredns", 1).await;
    let minute = |n: i64| morning() + TimeDelta::minutes(n);
    let run = run(&story, id, "coredns").await;
    story.asks(run, "scale 4 -> 6", minute(30)).await;
    story.logs(run, Append { park_until: Some(minute(20)), ..Append::default() }).await;
    let body = SignalBody::RunEnded { run: RunId(9), outcome: Outcome::Fixed, because: String::new() };
    let held = Signal { source: "alertmanager".into(), key: "held".into(), received_at: morning(), body };
    let at = IncidentRef::Existing(id);
    let hold = Change::Hold { signal: Box::new(held), lane: Lane::Usual, until: minute(10), notes: vec![] };
    story.decide(vec![hold, Change::PageAt { incident: at, at: Some(minute(15)) }]).await;
    for delivery in story.store.take_deliveries(&["console"], 10, LEASE).await.unwrap() {
        story.store.delivery_failed(delivery.id, "503", Some(minute(5)), false, None).await.unwrap();
    }
    let told = async || {
        let wait = |at: Option<DateTime<Utc>>| (at.unwrap() - story.clock.now()).num_minutes();
        [
            wait(story.store.next_delivery_due(&["console"]).await.unwrap()),
            wait(story.store.next_signal_due().await.unwrap()),
            wait(story.store.due_pages(story.clock.now()).await.unwrap().1),
            wait(story.store.next_run_due().await.unwrap()),
            wait(story.store.open_approvals().await.unwrap().pop().map(|question| question.expires_at)),
        ]
    };
    assert_eq!(told().await, [5, 10, 15, 20, 30]);
    for by in [TimeDelta::hours(2), TimeDelta::days(-400)] {
        let bells = story.store.bells();
        let listening =
            [&bells.signals, &bells.decisions, &bells.runs, &bells.outbox, &bells.clock].map(|b| b.listen());
        is_set(&story, by).await;
        // A question says until when it may be answered, and so is told anew, at once.
        for delivery in story.store.take_deliveries(&["console"], 10, LEASE).await.unwrap() {
            assert!(matches!(delivery.subject, DeliverySubject::Approval { .. }), "{delivery:?}");
            let retry_at = story.clock.now() + TimeDelta::minutes(5);
            story.store.delivery_failed(delivery.id, "503", Some(retry_at), false, None).await.unwrap();
        }
        assert_eq!(told().await, [5, 10, 15, 20, 30], "by {by}");
        assert!(listening.iter().all(|bell| bell.has_changed().unwrap()), "everybody looks again");
    }
}

pub async fn those_for_whom_something_waits_are_told_and_history_keeps_its_times(story: Story) {
    let (waits, calm) = (incident(&story, "coredns", 1).await, incident(&story, "another", 1).await);
    let run = run(&story, waits, "coredns").await;
    story.claims("one").await.unwrap();
    is_set(&story, TimeDelta::hours(-1)).await;
    let remarks = async |id| {
        let timeline = story.store.timeline(id).await.unwrap();
        let remark = |entry: &&TimelineEntry| matches!(&entry.what, TimelineWhat::Incident(IncidentEvent::Remark { text }) if text.contains("set back by 1h"));
        timeline.iter().filter(remark).count()
    };
    assert_eq!((remarks(waits).await, remarks(calm).await), (1, 0));
    let log = story.store.run_log(run).await.unwrap();
    assert_eq!(log[0].0, morning(), "it was told at that time");
    let moved = RunEvent::ClockMoved { by_micros: -3_600_000_000 };
    assert_eq!(log.last().map(|(_, event)| event), Some(&moved));
    assert_eq!(story.store.incident(waits).await.unwrap().unwrap().opened_at, morning());
    let history = story.store.run_history(PLAYBOOK, &target("coredns").key(), story.clock.now()).await.unwrap();
    assert_eq!(history.len(), 1, "a limit counts time that has passed: it was opened just now");
}

pub async fn a_clock_that_was_set_is_remembered_by_the_next_process(story: Story) {
    let id = incident(&story, "coredns", 1).await;
    let at = morning() + Duration::from_secs(600);
    story.decide(vec![Change::PageAt { incident: IncidentRef::Existing(id), at: Some(at) }]).await;
    is_set(&story, TimeDelta::hours(-3)).await;
    let story = story.reopens().await;
    let moved = at - TimeDelta::hours(3);
    assert_eq!(story.store.due_pages(story.clock.now()).await.unwrap().1, Some(moved), "it is moved once");
}
