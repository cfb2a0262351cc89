//! What outlives a process, and who may look at it.

use super::*;

pub async fn everything_is_there_after_a_restart(story: Story) {
    let id = incident(&story, "coredns", 3).await;
    let run = run(&story, id, "coredns").await;
    let claimed = story.claims("one").await.unwrap();
    done(story.store.append(claimed.at, noted("a")).await.unwrap());
    story.signal("waiting").await;
    let story = story.reopens().await;
    assert_eq!(story.store.incident(id).await.unwrap().unwrap().open_episodes, 3);
    assert_eq!(story.store.run_log(run).await.unwrap().len(), 2);
    assert_eq!(story.store.pending_signals(10).await.unwrap().len(), 1);
    let timeline = story.store.timeline(id).await.unwrap();
    assert!(timeline.iter().any(|entry| matches!(&entry.what, TimelineWhat::Run(of, _) if *of == run)));
    let claimed = story.claims("two").await.expect("the process that held its lease is gone");
    assert_eq!((claimed.run.id, claimed.at.epoch), (run, 2));
}

pub async fn somebody_may_look_beside_the_server_and_without_it_but_not_write(story: Story) {
    let id = incident(&story, "coredns", 1).await;
    let reader = story.place.open_for_reading(story.clock.clone()).await.unwrap();
    assert_eq!(reader.incident(id).await.unwrap().unwrap().id, id);
    let later = incident(&story, "another", 1).await;
    assert!(reader.incident(later).await.unwrap().is_some(), "it sees what is committed meanwhile");
    let due = DuePage { state: IncidentState::Open, reopens: None, page: overdue() };
    assert!(reader.page_now(id, due).await.is_err());
    story.place.close().await;
    drop(reader);
    let reader = story.place.open_for_reading(story.clock.clone()).await.unwrap();
    assert!(reader.incident(later).await.unwrap().is_some());
}
