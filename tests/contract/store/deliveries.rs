//! What is to be told to the world.

use super::*;

pub async fn a_delivery_is_repeated_until_it_arrives_and_again_when_its_subject_changed_on_the_way(story: Story) {
    let id = incident(&story, "coredns", 1).await;
    let hold = Duration::from_secs(60);
    let take = || async { story.store.take_deliveries(&["console"], 10, hold).await.unwrap() };
    let card = take().await.pop().expect("the incident's message");
    assert_eq!(card.subject, DeliverySubject::Card { incident: id });
    assert!(take().await.is_empty(), "it is on its way");
    let retry_at = morning() + Duration::from_secs(5);
    story.store.delivery_failed(card.id, "503", Some(retry_at), false, None).await.unwrap();
    assert_eq!(story.store.next_delivery_due(&["console"]).await.unwrap(), Some(retry_at));
    story.clock.set(retry_at);
    let card = take().await.pop().expect("again");
    assert_eq!(card.attempts, 1);
    story.decide(vec![Change::Mitigate { incident: IncidentRef::Existing(id) }]).await;
    story.store.delivered(card.id, Some("message-1"), None, None).await.unwrap();
    let card = take().await.pop().expect("it changed on the way");
    story.store.delivered(card.id, None, None, None).await.unwrap();
    assert!(take().await.is_empty());
    assert_eq!(story.store.external_message("console", id).await.unwrap().as_deref(), Some("message-1"));
}

pub async fn what_is_given_up_is_tried_again_when_it_changed_on_the_way(story: Story) {
    let id = incident(&story, "coredns", 1).await;
    let take = || async { story.store.take_deliveries(&["console"], 10, LEASE).await.unwrap() };
    let card = take().await.pop().expect("the incident's message");
    story.decide(vec![Change::Mitigate { incident: IncidentRef::Existing(id) }]).await;
    story.store.delivery_failed(card.id, "400", None, false, None).await.unwrap();
    let card = take().await.pop().expect("there is something new to tell");
    story.store.delivery_failed(card.id, "400", None, false, None).await.unwrap();
    assert!(take().await.is_empty());
    assert_eq!(story.store.next_delivery_due(&["console"]).await.unwrap(), None);
}

pub async fn a_page_goes_to_another_sink_once(story: Story) {
    let pages = PageOrder::new([["webhook"], ["telephone"]]);
    let story = story.reopens_with(Sinks { pages, ..story::sinks(&["console"], &[]) }).await;
    let id = incident(&story, "coredns", 1).await;
    story.page(id, PageReason::Overdue).await;
    let page = story.store.take_deliveries(&["webhook"], 10, LEASE).await.unwrap().pop().expect("the page");
    let later = morning() + Duration::from_secs(900);
    let fails = async || story.store.delivery_failed(page.id, "429", Some(later), true, None).await.unwrap();
    assert_eq!(fails().await, ["telephone"]);
    assert_eq!(fails().await, [""; 0], "it is there already");
    assert_eq!(story.store.next_delivery_due(&["telephone"]).await.unwrap(), Some(morning()));
    let other = story.store.take_deliveries(&["telephone"], 10, LEASE).await.unwrap().pop().expect("the same page");
    assert_eq!((other.subject, other.attempts, other.external), (page.subject, 0, None));
    story.store.delivered(other.id, None, None, None).await.unwrap();
    assert_eq!(fails().await, [""; 0], "not after it arrived there either");
}

pub async fn a_page_that_another_of_its_entry_has_goes_to_no_other(story: Story) {
    let pages = PageOrder::new([vec!["webhook", "console", "ntfy"], vec!["telephone", "email"]]);
    let story = story.reopens_with(Sinks { pages, ..story::sinks(&[], &[]) }).await;
    let id = incident(&story, "coredns", 1).await;
    story.page(id, PageReason::Overdue).await;
    let take =
        async |sink: &'static str| story.store.take_deliveries(&[sink], 10, LEASE).await.unwrap().pop().expect("it");
    let [webhook, console, ntfy] = [take("webhook").await, take("console").await, take("ntfy").await];
    let later = morning() + Duration::from_secs(900);
    let fails = async |of: &Delivery| story.store.delivery_failed(of.id, "503", Some(later), true, None).await.unwrap();
    story.store.delivered(ntfy.id, None, None, None).await.unwrap();
    assert_eq!(fails(&webhook).await, [""; 0], "somebody knows");
    story.store.delivered(console.id, None, None, None).await.unwrap();
    assert_eq!(fails(&ntfy).await, ["telephone", "email"], "nobody looks at the console");
}

pub async fn the_worst_page_is_delivered_first(story: Story) {
    for (name, severity) in [("a", Severity::S2), ("b", Severity::S1), ("c", Severity::S2)] {
        let id = story.incident(severity, name, name, 1).await;
        story.page(id, PageReason::Uncovered).await;
    }
    let taken = story.store.take_deliveries(&["webhook"], 2, LEASE).await.unwrap();
    let rest = story.store.take_deliveries(&["webhook"], 2, LEASE).await.unwrap();
    let page = |delivery: &Delivery| match delivery.subject {
        DeliverySubject::Page { page } => page.0,
        _ => 0,
    };
    let pages: Vec<i64> = taken.iter().chain(&rest).map(page).collect();
    assert_eq!(pages, [2, 1, 3]);
}

/// Whoever knows that one came knows that the receiver is back.
pub async fn where_one_arrives_again_what_failed_before_follows_at_once(story: Story) {
    let first = incident(&story, "coredns", 1).await;
    story.page(first, PageReason::Overdue).await;
    let second = story.incident(Severity::S1, "b", "b", 1).await;
    story.page(second, PageReason::SeverityOne).await;
    let later = morning() + Duration::from_secs(300);
    let take = || async { story.store.take_deliveries(&["webhook"], 10, LEASE).await.unwrap() };
    for page in take().await {
        story.store.delivery_failed(page.id, "503", Some(later), false, None).await.unwrap();
    }
    assert_eq!(story.store.next_delivery_due(&["webhook"]).await.unwrap(), Some(later));
    story.clock.set(later);
    let page = story.store.take_deliveries(&["webhook"], 1, LEASE).await.unwrap().pop().unwrap();
    story.store.delivery_failed(page.id, "503", Some(later + Duration::from_secs(300)), false, None).await.unwrap();
    let other = take().await.pop().unwrap();
    story.store.delivered(other.id, None, Some(Standing::Open), None).await.unwrap();
    assert_eq!(take().await.pop().map(|delivery| delivery.id), Some(page.id));
}

/// What a receiver knows of a page is known, and what it may know.
pub async fn what_a_receiver_knows_of_a_page_is_kept(story: Story) {
    let hear_ends = ["webhook".to_owned()].into();
    let story = story.reopens_with(Sinks { hear_ends, ..story::sinks(&["console"], &["webhook"]) }).await;
    let id = story.incident(Severity::S1, "a", "a", 1).await;
    story.page(id, PageReason::SeverityOne).await;
    let take = || async { story.store.take_deliveries(&["webhook"], 10, LEASE).await.unwrap().pop() };
    let first = take().await.unwrap();
    assert_eq!(first.told, None);
    story.store.delivery_failed(first.id, "no answer", Some(story.clock.now()), false, None).await.unwrap();
    assert_eq!(take().await.unwrap().told, Some(Told::Perhaps), "nobody heard what came of it");
    story.store.delivered(first.id, None, Some(Standing::Open), None).await.unwrap();
    assert_eq!(take().await, None);
    let incident = IncidentRef::Existing(id);
    story.decide(vec![Change::Acknowledge { incident, by: "ada".into() }]).await;
    let acknowledged = take().await.unwrap();
    assert_eq!((acknowledged.id, acknowledged.told), (first.id, Some(Told::Of(Standing::Open))));
    // It is over while that is on its way.
    story.decide(vec![Change::Resolve { incident, by_itself: false }]).await;
    assert_eq!(take().await, None, "what is on its way is looked at again when it has come");
    story.store.delivered(first.id, None, Some(Standing::Acknowledged), None).await.unwrap();
    assert_eq!(take().await.unwrap().told, Some(Told::Of(Standing::Acknowledged)));
    story.store.delivered(first.id, None, Some(Standing::Over), None).await.unwrap();
    assert_eq!(take().await, None);
}

pub async fn pages_are_delivered_before_messages(story: Story) {
    let id = incident(&story, "coredns", 1).await;
    story.page(id, PageReason::Overdue).await;
    let subjects: Vec<_> = story
        .store
        .take_deliveries(&["console"], 10, LEASE)
        .await
        .unwrap()
        .into_iter()
        .map(|delivery| delivery.subject)
        .collect();
    assert!(matches!(subjects[..], [DeliverySubject::Page { .. }, DeliverySubject::Card { .. }]), "{subjects:?}");
}

/// What is alike and follows each other is counted; what differs stands for itself.
pub async fn how_a_page_was_told_is_remembered(story: Story) {
    let id = incident(&story, "coredns", 1).await;
    story.page(id, PageReason::Overdue).await;
    let page = story.store.take_deliveries(&["webhook"], 10, LEASE).await.unwrap().pop().expect("the page");
    let attempt = |called: &str| Some(Attempt { event: PageEvent::Trigger, called: called.to_owned() });
    for (error, called) in [("503", "ada"), ("503", "ada"), ("503 token=hunter2hunter2", "ada"), ("503", "bob")] {
        story.clock.advance(Duration::from_secs(5));
        let retry_at = story.clock.now();
        story.store.delivery_failed(page.id, error, Some(retry_at), false, attempt(called)).await.unwrap();
    }
    story.store.delivered(page.id, None, Some(Standing::Open), attempt("bob")).await.unwrap();
    story.store.delivered(DeliveryId(page.id.0 + 1_000), None, None, attempt("nobody")).await.unwrap();
    let told = story.store.page_attempts(id).await.unwrap();
    let told: Vec<_> = told
        .iter()
        .map(|told| {
            (told.called.as_str(), told.attempts, told.error.as_deref(), (told.last_at - told.first_at).num_seconds())
        })
        .collect();
    assert_eq!(
        told,
        [
            ("ada", 2, Some("503"), 5),
            ("ada", 1, Some("503 token=***"), 0),
            ("bob", 1, Some("503"), 0),
            ("bob", 1, None, 0)
        ]
    );
}
