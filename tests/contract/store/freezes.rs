//! What no run may change, and what nobody but a person works on.

use super::*;

async fn freezes(story: &Story, scope: FreezeScope, minutes: Option<i64>) -> FreezeId {
    let id = story.store.next_freeze_id().await.unwrap();
    let until = minutes.map(|minutes| morning() + TimeDelta::minutes(minutes));
    let freeze = NewFreeze {
        scope,
        reason: "a storm, with password=hunter2-hunter2".into(),
        by: "anna".into(),
        via: "console".into(),
        until,
    };
    story.decide(vec![Change::KeepFreeze { id, freeze: Box::new(freeze) }]).await;
    id
}

async fn active(story: &Story) -> Vec<i64> {
    let now = story.clock.now();
    story.store.freezes_at(now).await.unwrap().iter().map(|freeze| freeze.id.0).collect()
}

pub async fn a_freeze_holds_until_its_end_or_until_somebody_ends_it(story: Story) {
    freezes(&story, FreezeScope::Namespace("db".into()), Some(10)).await;
    let endless = freezes(&story, FreezeScope::All, None).await;
    let story = story.reopens().await;
    assert_eq!(active(&story).await, [1, 2]);
    assert_eq!(story.store.levels().await.unwrap().frozen, 2);
    let kept = story.store.freeze(FreezeId(1)).await.unwrap().unwrap();
    assert_eq!(
        (kept.scope, kept.by.as_str(), kept.via.as_str()),
        (FreezeScope::Namespace("db".into()), "anna", "console")
    );
    assert!(kept.reason.starts_with("a storm") && !kept.reason.contains("hunter2"), "{}", kept.reason);
    story.passes(10);
    assert_eq!(active(&story).await, [2], "it ends where it says");
    let end = |by: &str| Change::EndFreeze { id: endless, by: by.into() };
    story.decide(vec![end("bob"), end("carol")]).await;
    let ended = story.store.freeze(endless).await.unwrap().unwrap().ended;
    assert_eq!(ended, Some((morning() + TimeDelta::minutes(10), "bob".to_owned())));
    assert_eq!(active(&story).await, Vec::<i64>::new());
    story.decide(vec![Change::EndFreeze { id: FreezeId(1), by: "bob".into() }]).await;
    assert_eq!(story.store.freeze(FreezeId(1)).await.unwrap().unwrap().ended, None, "it was over by itself");
    assert_eq!(story.store.next_freeze_id().await.unwrap(), FreezeId(3));
    assert_eq!(story.store.freeze(FreezeId(9)).await.unwrap(), None);
}

pub async fn no_mutation_begins_that_a_freeze_covers(story: Story) {
    let id = incident(&story, "coredns", 1).await;
    let run = run(&story, id, "coredns").await;
    let playbook = story.store.run(run).await.unwrap().unwrap().playbook.name;
    let at = story.claims("one").await.unwrap().at;
    let guard = |namespace: &str, finishes_group| {
        let guard = Guard { namespaces: vec![namespace.to_owned()], finishes_group, ..Guard::default() };
        Append { guard: Some(guard), ..noted("start") }
    };
    for scope in [
        FreezeScope::All,
        FreezeScope::Namespace("kube-system".into()),
        FreezeScope::Namespace("elsewhere".into()),
        FreezeScope::Playbook(playbook),
    ] {
        let id = freezes(&story, scope, None).await;
        let refused = story.store.append(at, guard("elsewhere", false)).await.unwrap();
        assert!(matches!(&refused, Appended::Frozen(freeze) if freeze.id == id), "{refused:?}");
        assert_eq!(story.store.run_log(run).await.unwrap().len(), 1, "a refused append writes nothing");
        story.decide(vec![Change::EndFreeze { id, by: "bob".into() }]).await;
    }
    freezes(&story, FreezeScope::Namespace("shop".into()), None).await;
    freezes(&story, FreezeScope::Playbook("another".into()), None).await;
    let at = done(story.store.append(at, guard("elsewhere", false)).await.unwrap());
    freezes(&story, FreezeScope::All, None).await;
    done(story.store.append(at, guard("elsewhere", true)).await.unwrap());
}

pub async fn the_reply_names_what_was_started_and_is_not_known_to_be_over(story: Story) {
    let id = incident(&story, "coredns", 1).await;
    let run = run(&story, id, "coredns").await;
    let at = story.claims("one").await.unwrap().at;
    let digest = story.store.run(run).await.unwrap().unwrap().playbook.digest;
    let started = RunEvent::Started {
        step: "mitigate.scale".parse().unwrap(),
        attempt: 1,
        intent: Intent {
            summary: "scale 4 -> 6".into(),
            object: ObjectKey::new("Deployment", "kube-system", "coredns"),
            uid: "u".into(),
            resource_version: "1".into(),
            before: 4.into(),
            after: 6.into(),
            marker: "m".into(),
        },
        deadline: morning(),
        remedy: None,
    };
    let reply = async |of: StartedOf| {
        let signal = story.signal(&format!("{of:?} {}", story.store.run_log(run).await.unwrap().len())).await;
        let reply = Some(CommandReply::granted("yes"));
        let groups = BTreeMap::from([(digest.clone(), Groups::new())]);
        let changes = vec![Change::TellStarted { of, groups }];
        story.store.apply(signal, Decision { changes, reply }).await.unwrap();
        story.store.reply(signal).await.unwrap().unwrap().text
    };
    let of = |name: &str| StartedOf::Frozen(FreezeScope::Namespace(name.into()));
    assert_eq!(reply(of("kube-system")).await, "yes");
    let at = done(story.store.append(at, Append { events: vec![started], ..Append::default() }).await.unwrap());
    let named = format!("yes\nstarted before, and not stopped: {run}: scale 4 -> 6");
    assert_eq!(reply(of("kube-system")).await, named);
    assert_eq!(reply(StartedOf::Incident(id)).await, named);
    assert_eq!(reply(of("shop")).await, "yes");
    let done_now = RunEvent::Done {
        step: "mitigate.scale".parse().unwrap(),
        attempt: 1,
        output: 6.into(),
        summary: "scaled".into(),
        recovered: false,
    };
    done(story.store.append(at, Append { events: vec![done_now], ..Append::default() }).await.unwrap());
    assert_eq!(reply(StartedOf::Frozen(FreezeScope::All)).await, "yes");
}

pub async fn who_took_an_incident_is_known_until_it_is_given_back_or_over(story: Story) {
    let id = incident(&story, "coredns", 1).await;
    let incident = IncidentRef::Existing(id);
    let taken = async || story.store.incident_views(&[id]).await.unwrap().remove(0).taken_by;
    let take = |by: &str| Change::Take { incident, by: by.into() };
    assert_eq!(taken().await, None);
    story.decide(vec![take("anna")]).await;
    story.decide(vec![take("bob")]).await;
    assert_eq!(taken().await.as_deref(), Some("bob"));
    story.decide(vec![Change::GiveBack { incident }]).await;
    assert_eq!(taken().await, None);
    story.decide(vec![take("anna"), Change::Resolve { incident, by_itself: true }]).await;
    assert_eq!(taken().await.as_deref(), Some("anna"), "what opens again is still hers");
    story.decide(vec![Change::Reopen { incident }, Change::Resolve { incident, by_itself: false }]).await;
    assert_eq!(taken().await, None);
}
