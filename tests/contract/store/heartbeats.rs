//! What must keep coming, as it came last.

use super::*;

fn beat(source: &str, key: &str, is_over: bool) -> Beat {
    let key = HeartbeatKey { source: source.into(), key: key.into() };
    Beat { key, alert: Some("Watchdog".into()), name: "Watchdog password=hunter2-hunter2".into(), is_over }
}

pub async fn a_heartbeat_is_counted_and_outlives_the_process(story: Story) {
    story.store.beat(vec![beat("eu", "f", false), beat("us", "f", false)]).await.unwrap();
    story.passes(5);
    story.store.beat(vec![beat("eu", "f", false)]).await.unwrap();
    let story = story.reopens().await;
    let all = story.store.heartbeats().await.unwrap();
    let told: Vec<_> = all.iter().map(|it| (it.key.source.as_str(), it.beats, it.last_at)).collect();
    assert_eq!(told, [("eu", 2, morning() + TimeDelta::minutes(5)), ("us", 1, morning())]);
    assert!(!all[0].name.contains("hunter2"), "{}", all[0].name);
}

pub async fn one_that_is_over_came_no_later_for_that(story: Story) {
    story.store.beat(vec![beat("eu", "f", false)]).await.unwrap();
    story.passes(5);
    story.store.beat(vec![beat("eu", "f", true)]).await.unwrap();
    let over = story.store.heartbeats().await.unwrap().remove(0);
    assert_eq!((over.is_over, over.beats, over.last_at), (true, 1, morning()));
    story.store.beat(vec![beat("eu", "f", false)]).await.unwrap();
    assert!(!story.store.heartbeats().await.unwrap()[0].is_over);
}

pub async fn what_is_forgotten_is_gone(story: Story) {
    story.store.beat(vec![beat("eu", "f", false)]).await.unwrap();
    let key = HeartbeatKey { source: "eu".into(), key: "f".into() };
    for _ in 0..2 {
        story.store.forget_heartbeat(&key).await.unwrap();
        assert!(story.store.heartbeats().await.unwrap().is_empty());
    }
}

pub async fn heartbeats_of_a_delivery_are_durable_with_it(story: Story) {
    let bell = story.store.bells().heartbeats.listen();
    let delivered = Delivered {
        source: "eu".into(),
        received_at: morning(),
        parts: Vec::new(),
        alerts: 1,
        firing: 1,
        left_out: LeftOut::default(),
        beats: vec![beat("eu", "f", false)],
    };
    assert!(story.store.accept_delivery(delivered).await.unwrap().is_empty());
    assert_eq!(story.store.heartbeats().await.unwrap().len(), 1);
    assert!(bell.has_changed().unwrap());
}
