//! Who covers for whoever is on call by the rotation.

use super::*;

fn new_override(member: &str, from: i64, until: i64) -> NewOverride {
    NewOverride {
        team: "platform".into(),
        layer: Layer::Primary,
        member: member.into(),
        whom: Some("bob".into()),
        from: morning() + TimeDelta::minutes(from),
        until: morning() + TimeDelta::minutes(until),
        reason: "a wedding, with password=hunter2-hunter2".into(),
        by: "bob".into(),
        via: "console".into(),
    }
}

async fn keeps(story: &Story, member: &str, from: i64, until: i64) -> OverrideId {
    let id = story.store.next_override_id().await.unwrap();
    let kept = Box::new(new_override(member, from, until));
    story.decide(vec![Change::KeepOverride { id, kept }]).await;
    id
}

async fn since(story: &Story, minutes: i64) -> Vec<i64> {
    let since = morning() + TimeDelta::minutes(minutes);
    story.store.overrides_since(since).await.unwrap().iter().map(|kept| kept.id.0).collect()
}

pub async fn an_override_is_kept_until_long_after_its_end(story: Story) {
    let late = keeps(&story, "ada", 0, 600).await;
    let early = keeps(&story, "carol", -60, 60).await;
    assert_eq!((late, early), (OverrideId(1), OverrideId(2)));
    let story = story.reopens().await;
    assert_eq!(since(&story, 0).await, [1, 2], "in the order in which they were made");
    assert_eq!(since(&story, 60).await, [1], "one ends where it says");
    assert_eq!(since(&story, 600).await, Vec::<i64>::new());
    story.passes(100_000);
    assert_eq!(since(&story, 0).await, [1, 2], "what is over is history");
    let kept = story.store.override_of(early).await.unwrap().unwrap();
    let new = new_override("carol", -60, 60);
    assert_eq!((&kept.team, &kept.member, &kept.whom), (&new.team, &new.member, &new.whom));
    assert_eq!((kept.from, kept.until, kept.layer, kept.made_at), (new.from, new.until, Layer::Primary, morning()));
    assert_eq!((kept.by.as_str(), kept.via.as_str(), &kept.ended), ("bob", "console", &None));
    assert!(kept.reason.starts_with("a wedding") && !kept.reason.contains("hunter2"), "{}", kept.reason);
    assert_eq!(story.store.override_of(OverrideId(7)).await.unwrap(), None);
    assert_eq!(story.store.next_override_id().await.unwrap(), OverrideId(3));
}

pub async fn whoever_ends_an_override_ends_it_once_and_now(story: Story) {
    let id = keeps(&story, "ada", 0, 60).await;
    story.passes(10);
    let end = |by: &str| Change::EndOverride { id, by: by.into() };
    story.decide(vec![end("bob"), end("carol")]).await;
    let ended = async |story: &Story| story.store.override_of(id).await.unwrap().unwrap();
    let at = morning() + TimeDelta::minutes(10);
    assert_eq!(ended(&story).await.ended, Some((at, "bob".to_owned())));
    story.passes(10);
    story.decide(vec![end("dan")]).await;
    let kept = ended(&story).await;
    assert_eq!((kept.ended, kept.until), (Some((at, "bob".to_owned())), morning() + TimeDelta::minutes(60)));
    let over = keeps(&story, "ada", 0, 15).await;
    story.decide(vec![Change::EndOverride { id: over, by: "bob".into() }]).await;
    assert_eq!(story.store.override_of(over).await.unwrap().unwrap().ended, None, "it was over by itself");
}

pub async fn a_bell_rings_for_who_is_on_call_and_for_nothing_else(story: Story) {
    let bell = story.store.bells().overrides.listen();
    incident(&story, "coredns", 1).await;
    assert!(!bell.has_changed().unwrap());
    let id = keeps(&story, "ada", 0, 60).await;
    assert!(bell.has_changed().unwrap());
    let bell = story.store.bells().overrides.listen();
    story.decide(vec![Change::EndOverride { id, by: "bob".into() }]).await;
    assert!(bell.has_changed().unwrap());
}
