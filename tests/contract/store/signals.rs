//! The front door and its queue.

use super::*;

pub async fn a_signal_is_accepted_once_however_often_it_comes(story: Story) {
    let first = story.signal("a").await;
    assert_eq!(story.signal("a").await, first);
    assert_eq!(story.store.pending_signals(10).await.unwrap().len(), 1);
    assert_eq!(story.store.reply(first).await.unwrap(), None);
    let reply = CommandReply::granted("done");
    story.store.apply(first, Decision { changes: vec![], reply: Some(reply.clone()) }).await.unwrap();
    assert_eq!(story.store.reply(first).await.unwrap(), Some(reply));
    assert_eq!(story.signal("a").await, first);
    assert!(story.store.pending_signals(10).await.unwrap().is_empty());
}

pub async fn a_known_key_with_another_command_is_not_taken_for_the_one_before(story: Story) {
    let person = Person { name: "ada".into(), via: Via::Api, id: "ada".into(), role: Some(Role::Responder) };
    let asks = async |command: Command| {
        let body = SignalBody::Command { person: person.clone(), command };
        let signal = Signal { source: "api".into(), key: "k".into(), received_at: morning(), body };
        story.store.accept(&signal).await.unwrap()
    };
    let ack = |n| Command::Ack { incident: IncidentId(n) };
    let Accepted::New(id) = asks(ack(1)).await else { panic!() };
    assert_eq!(asks(ack(2)).await, Accepted::Other(id));
    assert_eq!(asks(ack(1)).await, Accepted::Again(id));
    story.store.apply(id, Decision::default()).await.unwrap();
    assert_eq!(asks(ack(2)).await, Accepted::Other(id));
    assert_eq!(asks(ack(1)).await, Accepted::Again(id));
    assert!(story.store.pending_signals(10).await.unwrap().is_empty());
}

pub async fn pieces_are_worked_on_one_by_one_and_one_that_is_set_aside_keeps_no_other_back(story: Story) {
    let piece = |n: u32| {
        let body = Notification {
            receiver: n.to_string(),
            group_key: "g".into(),
            truncated: 0,
            left_out: LeftOut::default(),
            alerts: Vec::new(),
            unauthenticated: false,
        };
        serde_json::to_string(&SignalBody::Notification(body)).unwrap()
    };
    let delivered = || Delivered {
        source: "alertmanager".into(),
        received_at: morning(),
        parts: vec![DeliveredPart {
            key: "k".into(),
            lane: Lane::Usual,
            may_end: false,
            pieces: (0..4).map(piece).collect(),
        }],
        alerts: 0,
        firing: 0,
        left_out: LeftOut::default(),
        beats: Vec::new(),
    };
    let [Accepted::New(id)] = story.store.accept_delivery(delivered()).await.unwrap()[..] else { panic!() };
    assert_eq!(story.store.accept_delivery(delivered()).await.unwrap(), [Accepted::Again(id)]);
    for n in 0..4 {
        let next = story.store.next_signal(Whose::InTurn { after: "" }).await.unwrap().unwrap();
        let SignalBody::Notification(next) = next.signal.unwrap().body else { panic!() };
        assert_eq!(next.receiver, n.to_string());
        if n == 1 {
            story.store.set_aside(id, "for a test", Decision::default()).await.unwrap();
        } else {
            story.store.apply(id, Decision::default()).await.unwrap();
        }
    }
    assert_eq!(story.store.next_signal(Whose::InTurn { after: "" }).await.unwrap(), None);
    assert!(matches!(story.store.apply(id, Decision::default()).await, Err(StoreError::Fenced(_))));
    assert_eq!(story.store.levels().await.unwrap().set_aside_signals, 1);
}

pub async fn who_goes_first_is_the_lane_and_in_it_the_order(story: Story) {
    let lets_in = async |key: &str, lane| {
        let part = DeliveredPart { key: key.into(), lane, may_end: false, pieces: vec!["{}".into()] };
        let (source, parts, left_out) = ("alertmanager".into(), vec![part], LeftOut::default());
        let delivered =
            Delivered { source, received_at: morning(), parts, alerts: 0, firing: 0, left_out, beats: Vec::new() };
        story.store.accept_delivery(delivered).await.unwrap()[0].id()
    };
    let usual = lets_in("usual", Lane::Usual).await;
    let urgent = lets_in("urgent", Lane::Urgent).await;
    let later = lets_in("urgent, later", Lane::Urgent).await;
    let person = lets_in("person", Lane::People).await;
    assert_eq!(story.store.next_signal(Whose::Oldest).await.unwrap().unwrap().id, usual);
    let unreadable = story.store.pending_signals(1).await.unwrap_err();
    assert!(matches!(unreadable, StoreError::UnreadableSignal { id, .. } if id == usual), "{unreadable}");
    for id in [person, urgent, later, usual] {
        let next = story.store.next_signal(Whose::InTurn { after: "" }).await.unwrap().unwrap();
        assert_eq!(next.id, id);
        assert!(next.signal.is_err(), "it cannot be read, and is there all the same");
        story.store.apply(id, Decision::default()).await.unwrap();
    }
}

pub async fn a_try_is_counted_before_the_work_and_is_there_after_a_death(story: Story) {
    let (first, second, third) = (story.signal("a").await, story.signal("b").await, story.signal("c").await);
    assert_eq!(story.store.begin_signal(first, 1).await.unwrap(), [second]);
    let story = story.reopens().await;
    assert_eq!(story.store.next_signal(Whose::InTurn { after: "" }).await.unwrap().unwrap().tries, 1);
    assert_eq!(story.store.begin_signal(first, 0).await.unwrap(), []);
    assert_eq!(story.store.next_signal(Whose::InTurn { after: "" }).await.unwrap().unwrap().tries, 2);
    story.store.apply(first, Decision::default()).await.unwrap();
    let next = story.store.next_signal(Whose::InTurn { after: "" }).await.unwrap().unwrap();
    assert_eq!((next.id, next.tries), (second, 1));
    assert_eq!(story.store.begin_signal(second, 5).await.unwrap(), [third]);
}

pub async fn a_no_is_kept_as_a_no(story: Story) {
    let asked = story.signal("a").await;
    let no = CommandReply::declined("there is no INC-9");
    story.store.apply(asked, Decision { changes: vec![], reply: Some(no.clone()) }).await.unwrap();
    assert_eq!(story.store.reply(asked).await.unwrap(), Some(no));
}

pub async fn a_redelivery_is_worked_on_again_behind_what_may_have_ended_it(story: Story) {
    let told = story.signal("a").await;
    let waiting = async || -> Vec<SignalId> {
        story.store.pending_signals(10).await.unwrap().into_iter().map(|(id, _)| id).collect()
    };
    story.store.apply(told, Decision::default()).await.unwrap();
    story.signal("b").await;
    story.signal("a").await;
    assert_eq!(waiting().await.len(), 1, "nothing ended");
    let end = story.signal_of("end", vec![over("coredns-0")]).await;
    // It is worked on behind that, and once, however often it comes and whoever is at work.
    for _ in 0..3 {
        let again = story.signal("a").await;
        assert!(again > end);
        assert_eq!(waiting().await.last(), Some(&again));
        assert_eq!(waiting().await.len(), 3);
    }
    // What waits before the end keeps its place, and has another one behind it.
    let before = story.signal("b").await;
    assert!(before > end);
    assert_eq!(waiting().await.len(), 4);
    let late = story.store.apply(told, Decision::default()).await.unwrap_err();
    assert!(matches!(late, StoreError::Fenced(_)), "{late}");
    let story = story.reopens().await;
    assert_eq!(story.store.pending_signals(10).await.unwrap().len(), 4);
}

fn over(fingerprint: &str) -> Alert {
    Alert {
        given: None,
        in_order: false,
        fingerprint: fingerprint.into(),
        status: AlertStatus::Resolved,
        labels: [("alertname".to_owned(), ALERT.to_owned())].into(),
        annotations: BTreeMap::new(),
        starts_at: morning(),
        ends_at: Some(morning()),
        generator_url: String::new(),
    }
}

pub async fn a_signal_that_is_put_off_comes_once_and_at_its_time(story: Story) {
    let id = incident(&story, "coredns", 1).await;
    let until = morning() + Duration::from_secs(600);
    let body = SignalBody::RunEnded { run: RunId(1), outcome: Outcome::Fixed, because: String::new() };
    let signal = Signal { source: "alertmanager".into(), key: "held".into(), received_at: morning(), body };
    let event = IncidentEvent::Held { alert: "CoreDNSLatencyHigh".into(), count: 1, until };
    for _ in 0..2 {
        let notes = vec![(IncidentRef::Existing(id), event.clone())];
        story.decide(vec![Change::Hold { signal: Box::new(signal.clone()), lane: Lane::Usual, until, notes }]).await;
    }
    let story = story.reopens().await;
    assert!(story.store.pending_signals(10).await.unwrap().is_empty());
    assert_eq!(story.store.next_signal_due().await.unwrap(), Some(until));
    let levels = story.store.levels().await.unwrap();
    assert_eq!((levels.pending_signals, levels.held_signals), (0, 1));
    let timeline = story.store.timeline(id).await.unwrap();
    let held = timeline.iter().filter(|entry| entry.what == TimelineWhat::Incident(event.clone()));
    assert_eq!(held.count(), 1, "the same again is no news: {timeline:?}");
    story.clock.set(until);
    let (held, came) = story.store.pending_signals(10).await.unwrap().pop().expect("it is time");
    assert_eq!(came.key, "held");
    story.store.apply(held, Decision::default()).await.unwrap();
    assert_eq!(story.store.next_signal_due().await.unwrap(), None);
}

pub async fn what_is_set_aside_is_out_of_the_way_and_kept(story: Story) {
    let first = story.signal("a").await;
    let second = story.signal("b").await;
    let changes = vec![Change::OpenIncident(new_incident("set aside"))];
    let decision = Decision { changes, reply: Some(CommandReply::declined("it cannot be read")) };
    let applied = story.store.set_aside(first, "it cannot be read", decision.clone()).await.unwrap();
    assert_eq!(applied.incidents.len(), 1);
    let pending = story.store.pending_signals(10).await.unwrap();
    assert_eq!(pending.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [second]);
    assert_eq!(story.store.reply(first).await.unwrap().unwrap().text, "it cannot be read");
    assert_eq!(story.store.levels().await.unwrap().set_aside_signals, 1);
    let again = story.store.set_aside(first, "once more", decision).await.unwrap_err();
    assert!(matches!(again, StoreError::Fenced(_)), "{again}");
}

pub async fn writes_from_many_sides_are_all_kept(story: Story) {
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..200 {
        let store = story.store.clone();
        let at = story.clock.now();
        tasks.spawn(async move {
            let body = SignalBody::RunEnded { run: RunId(1), outcome: Outcome::Fixed, because: String::new() };
            let signal = Signal { source: "test".into(), key: n.to_string(), received_at: at, body };
            store.accept(&signal).await.unwrap();
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    assert_eq!(story.store.pending_signals(1_000).await.unwrap().len(), 200);
}

pub async fn a_bell_rings_for_those_who_have_something_to_do(story: Story) {
    let Bells { signals, decisions, runs, outbox, .. } = story.store.bells();
    let mut bells = [signals, decisions, runs, outbox].map(|bell| bell.listen());
    let mut rung = || {
        bells.each_mut().map(|bell| {
            let rung = bell.has_changed().unwrap();
            bell.mark_unchanged();
            rung
        })
    };
    assert_eq!(rung(), [false; 4]);
    let signal = story.signal("a").await;
    assert!(rung()[0], "somebody is to decide");
    let changes = vec![Change::OpenIncident(new_incident("coredns"))];
    story.store.apply(signal, Decision { changes, reply: None }).await.unwrap();
    let [_, decided, _, to_tell] = rung();
    assert!(decided && to_tell, "who asked has an answer, and chat a message");
    let run = run(&story, IncidentId(1), "coredns").await;
    assert!(rung()[2], "it is due");
    story.ends(run, Outcome::Fixed, "p99 is low").await;
    let [to_decide, _, free, to_tell] = rung();
    assert!(to_decide && free && to_tell, "its end came in, its locks are free, and its message is another");
}

pub async fn the_sources_of_a_lane_take_turns(story: Story) {
    let lets_in = async |source: &str, key: &str, lane| {
        let part = DeliveredPart { key: key.into(), lane, may_end: false, pieces: vec!["{}".into()] };
        let delivered = Delivered {
            source: source.into(),
            received_at: morning(),
            parts: vec![part],
            alerts: 0,
            firing: 0,
            left_out: LeftOut::default(),
            beats: Vec::new(),
        };
        story.store.accept_delivery(delivered).await.unwrap();
    };
    for n in 0..5 {
        lets_in("noisy", &format!("n{n}"), Lane::Usual).await;
    }
    lets_in("calm", "c0", Lane::Usual).await;
    lets_in("other", "o0", Lane::Usual).await;
    lets_in("other", "o1", Lane::Urgent).await;
    let mut after = String::new();
    let mut order = Vec::new();
    while let Some(next) = story.store.next_signal(Whose::InTurn { after: &after }).await.unwrap() {
        order.push(next.source.clone());
        story.store.apply(next.id, Decision::default()).await.unwrap();
        after = next.source;
    }
    assert_eq!(order, ["other", "calm", "noisy", "other", "noisy", "noisy", "noisy", "noisy"], "the urgent first");
}
