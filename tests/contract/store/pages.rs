//! Pages: which are made, and once.

use super::*;

pub async fn one_page_for_each_spell_and_level(story: Story) {
    let id = incident(&story, "coredns", 1).await;
    let at = IncidentRef::Existing(id);
    for _ in 0..3 {
        story.page(id, PageReason::Overdue).await;
    }
    let all = || async { story.store.pages(morning(), morning() + Duration::from_secs(86_400)).await.unwrap() };
    assert_eq!(all().await.len(), 1);
    story.decide(vec![Change::Resolve { incident: at, by_itself: false }, Change::Reopen { incident: at }]).await;
    story.page(id, PageReason::Overdue).await;
    let pages = all().await;
    assert_eq!(pages.len(), 2);
    assert_ne!(pages[0].key, pages[1].key);
    assert!(pages[0].acknowledged_at.is_some(), "a page of an incident that is resolved needs nobody any more");
}

pub async fn what_becomes_worse_is_another_page_of_the_same_spell(story: Story) {
    let id = incident(&story, "coredns", 1).await;
    let at = IncidentRef::Existing(id);
    story.page(id, PageReason::Uncovered).await;
    story.ack(id, "ada").await;
    story.decide(vec![Change::Severity { incident: at, severity: Severity::S1 }]).await;
    story.page(id, PageReason::SeverityOne).await;
    let pages = story.store.pages(morning(), morning() + Duration::from_secs(60)).await.unwrap();
    let told: Vec<_> = pages.iter().map(|page| (page.key.as_str(), page.acknowledged_at.is_some())).collect();
    assert_eq!(told, [("dogwatch-INC-1-1-1-S2", true), ("dogwatch-INC-1-1-1-S1", false)]);
    let group = |severity: &str| (("platform".to_owned(), severity.to_owned()), 1);
    let first = story.store.pages_made(PageId(0)).await.unwrap();
    assert_eq!((first.last, first.by_team_and_severity), (PageId(2), [group("S1"), group("S2")].into()));
    let later = story.store.pages_made(PageId(1)).await.unwrap();
    assert_eq!((later.last, later.by_team_and_severity), (PageId(2), [group("S1")].into()));
    assert_eq!(story.store.pages_made(PageId(2)).await.unwrap().last, PageId(2), "none is new");
}

pub async fn a_page_that_is_due_is_made_once(story: Story) {
    let id = incident(&story, "coredns", 1).await;
    let at = morning() + Duration::from_secs(600);
    story.decide(vec![Change::PageAt { incident: IncidentRef::Existing(id), at: Some(at) }]).await;
    assert_eq!(story.store.due_pages(story.clock.now()).await.unwrap(), (vec![], Some(at)));
    story.clock.set(at);
    assert_eq!(story.store.due_pages(at).await.unwrap().0.len(), 1);
    let due = DuePage { state: IncidentState::Open, reopens: None, page: overdue() };
    let decided_before = DuePage { state: IncidentState::Acknowledged, ..due.clone() };
    assert!(!story.store.page_now(id, decided_before).await.unwrap(), "it is not as it was decided about");
    assert!(story.store.page_now(id, due.clone()).await.unwrap());
    assert!(!story.store.page_now(id, due).await.unwrap());
}

pub async fn a_page_says_where_it_goes_and_how_that_stands(story: Story) {
    let (id, other) = (incident(&story, "coredns", 1).await, incident(&story, "another", 1).await);
    story.page(id, PageReason::SeverityOne).await;
    story.page(other, PageReason::Uncovered).await;
    let taken = story.store.take_deliveries(&["webhook"], 1, LEASE).await.unwrap().pop().unwrap();
    let retry_at = morning() + Duration::from_secs(5);
    story.store.delivery_failed(taken.id, "503", Some(retry_at), false, None).await.unwrap();
    let pages = story.store.pages_of(id).await.unwrap();
    assert_eq!(pages.len(), 1);
    assert_eq!((pages[0].incident, &pages[0].reason), (id, &PageReason::SeverityOne));
    assert_eq!(story.store.page(pages[0].id).await.unwrap().as_ref(), Some(&pages[0]));
    let stands: Vec<_> = pages[0]
        .deliveries
        .iter()
        .map(|delivery| (delivery.sink.as_str(), delivery.attempts, delivery.error.as_deref(), delivery.due_at))
        .collect();
    assert_eq!(stands, [("console", 0, None, Some(morning())), ("webhook", 1, Some("503"), Some(retry_at))]);
    assert_eq!(story.store.page(PageId(99)).await.unwrap(), None);
}

pub async fn a_page_is_unanswered_until_somebody_acknowledges_or_resolves(story: Story) {
    let [first, second, third] = ["one", "two", "three"].map(|name| incident(&story, name, 1));
    let (first, second, third) = (first.await, second.await, third.await);
    for id in [third, first, second] {
        story.page(id, PageReason::Overdue).await;
    }
    let unanswered = async || -> Vec<IncidentId> {
        story.store.unanswered_pages().await.unwrap().iter().map(|page| page.incident).collect()
    };
    assert_eq!(unanswered().await, [third, first, second], "in the order in which they were made");
    story.ack(first, "ada").await;
    story.resolve(second, "ada").await;
    assert_eq!(unanswered().await, [third]);
    story.resolves_by_itself(third).await;
    assert_eq!(unanswered().await, [third], "it has reached nobody, and so nobody knows");
}

pub async fn pages_of_a_time_are_those_that_were_made_in_it(story: Story) {
    for name in ["one", "two", "three"] {
        let id = incident(&story, name, 1).await;
        story.page(id, PageReason::Overdue).await;
        story.passes(1);
    }
    let minute = |n: u64| morning() + Duration::from_secs(60 * n);
    let of = async |from, to| -> Vec<i64> {
        story.store.pages(minute(from), minute(to)).await.unwrap().iter().map(|page| page.id.0).collect()
    };
    assert_eq!(of(0, 1).await, [1], "the end is no part of it");
    assert_eq!(of(1, 9).await, [2, 3]);
    assert_eq!(of(3, 9).await, [0; 0]);
}

pub async fn a_page_for_what_was_mitigated_opens_it_again(story: Story) {
    let id = incident(&story, "coredns", 1).await;
    let at = IncidentRef::Existing(id);
    story.decide(vec![Change::Mitigate { incident: at }, Change::PageAt { incident: at, at: Some(morning()) }]).await;
    let reopens = Some("its alerts still fire".to_owned());
    let due = DuePage { state: IncidentState::Mitigated, reopens, page: overdue() };
    assert!(story.store.page_now(id, due).await.unwrap());
    let found = story.store.incident(id).await.unwrap().unwrap();
    assert_eq!((found.state, found.page_at), (IncidentState::Open, None));
    let timeline = story.store.timeline(id).await.unwrap();
    let told = |entry: &TimelineEntry| matches!(entry.what, TimelineWhat::Incident(IncidentEvent::Reopened { .. }));
    assert!(timeline.iter().any(told), "{timeline:?}");
}
