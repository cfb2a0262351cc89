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
    story.store.delivery_failed(card.id, "503", Some(retry_at), None).await.unwrap();
    assert_eq!(story.store.next_delivery_due(&["console"]).await.unwrap(), Some(retry_at));
    story.clock.set(retry_at);
    let card = take().await.pop().expect("again");
    assert_eq!(card.attempts, 1);
    story.decide(vec![Change::Mitigate { incident: IncidentRef::Existing(id) }]).await;
    story.store.delivered(card.id, Some("message-1"), None).await.unwrap();
    let card = take().await.pop().expect("it changed on the way");
    story.store.delivered(card.id, None, None).await.unwrap();
    assert!(take().await.is_empty());
    assert_eq!(story.store.external_message("console", id).await.unwrap().as_deref(), Some("message-1"));
}

pub async fn what_is_given_up_is_tried_again_when_it_changed_on_the_way(story: Story) {
    let id = incident(&story, "coredns", 1).await;
    let take = || async { story.store.take_deliveries(&["console"], 10, LEASE).await.unwrap() };
    let card = take().await.pop().expect("the incident's message");
    story.decide(vec![Change::Mitigate { incident: IncidentRef::Existing(id) }]).await;
    story.store.delivery_failed(card.id, "400", None, None).await.unwrap();
    let card = take().await.pop().expect("there is something new to tell");
    story.store.delivery_failed(card.id, "400", None, None).await.unwrap();
    assert!(take().await.is_empty());
    assert_eq!(story.store.next_delivery_due(&["console"]).await.unwrap(), None);
}

pub async fn a_page_goes_to_another_sink_once(story: Story) {
    let id = incident(&story, "coredns", 1).await;
    story.page(id, PageReason::Overdue).await;
    let page = story.store.take_deliveries(&["webhook"], 10, LEASE).await.unwrap().pop().expect("the page");
    let later = morning() + Duration::from_secs(900);
    let fails = async || story.store.delivery_failed(page.id, "429", Some(later), Some("telephone")).await.unwrap();
    assert!(fails().await);
    assert!(!fails().await, "it is there already");
    assert_eq!(story.store.next_delivery_due(&["telephone"]).await.unwrap(), Some(morning()));
    let other = story.store.take_deliveries(&["telephone"], 10, LEASE).await.unwrap().pop().expect("the same page");
    assert_eq!((other.subject, other.attempts, other.external), (page.subject, 0, None));
    story.store.delivered(other.id, None, None).await.unwrap();
    assert!(!fails().await, "not after it arrived there either");
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
