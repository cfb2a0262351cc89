//! Tickets of what pages nobody.

use super::*;

/// What a tracker's sink gives back.
fn place(url: &str, ticket: &Ticket, incident: &Incident) -> String {
    let told = TicketFacts {
        severity: incident.severity,
        state: incident.state,
        spell: incident.spell,
        alerts: incident.episodes,
        owner: None,
        runs: Vec::new(),
        reason: String::new(),
        part_of: None,
        replaced: ticket.replaced,
    };
    let (id, url, written_at) = ("7".to_owned(), Some(url.to_owned()), None);
    serde_json::to_string(&TicketPlace { id, url, open: true, comments: 0, written_at, told, site: None, work: None }).unwrap()
}

/// What an attempt in vain came to; what the timeline is told of it, and whether that is a refusal.
fn failure(is_lost: bool, trouble: Option<(&str, bool)>) -> TicketFailure {
    let trouble = trouble.map(|(text, is_refusal)| TicketTrouble { text: text.into(), is_refusal });
    TicketFailure { is_lost, left_alone: None, trouble }
}

/// What is due for a tracker.
async fn take(story: &Story, sink: &str) -> Vec<Delivery> {
    story.store.take_deliveries(&[sink], 10, LEASE).await.unwrap()
}

async fn begins(story: Story) -> Story {
    let by_team = BTreeMap::from([("databases".to_owned(), "ticket:db".to_owned())]);
    let tickets = TicketSinks { by_team, others: Some("ticket:ops".into()), ..Default::default() };
    story.reopens_with(Sinks { tickets, ..story::sinks(&["console"], &["webhook"]) }).await
}

pub async fn one_ticket_for_each_incident_and_tracker(story: Story) {
    let story = begins(story).await;
    let incident = story.incident_of("platform", Severity::S3, "a disk", "Disk", 1, None).await;
    story.page(incident, PageReason::Overdue).await;
    story.page(incident, PageReason::Uncovered).await;
    let due = take(&story, "ticket:ops").await;
    let [Delivery { subject: DeliverySubject::Ticket { ticket }, .. }] = due.as_slice() else { panic!("{due:?}") };
    let made = story.store.ticket(*ticket).await.unwrap().unwrap();
    assert_eq!((made.incident, &*made.team, &made.reason), (incident, "platform", &PageReason::Uncovered));
    assert_eq!((made.marker(None), made.marker(None) == made.marker(Some(1))), (made.marker(None), false));
    let page = NewPage { level: 2, team: "databases".into(), reason: PageReason::Overdue, text: None };
    story.decide(vec![Change::Page { incident: IncidentRef::Existing(incident), page: page.clone() }]).await;
    story.decide(vec![Change::Ticket { incident: IncidentRef::Existing(incident), page }]).await;
    assert_eq!(story.store.tickets_of(&[incident]).await.unwrap().len(), 2);
    let worse = story.incident_of("platform", Severity::S2, "worse", "Disk", 1, None).await;
    story.page(worse, PageReason::Uncovered).await;
    assert!(story.store.tickets_of(&[worse]).await.unwrap().is_empty(), "it pages");
}

pub async fn a_ticket_is_found_again_and_told_of_what_changes(story: Story) {
    let story = begins(story).await;
    let id = story.incident_of("platform", Severity::S3, "a disk", "Disk", 1, None).await;
    story.page(id, PageReason::Overdue).await;
    let delivery = take(&story, "ticket:ops").await.pop().expect("it is to be made");
    let incident = story.store.incident(id).await.unwrap().unwrap();
    let made = story.store.tickets_of(&[id]).await.unwrap().remove(0);
    for is_refusal in [false, false, true, true, false] {
        let text = if is_refusal { "it is refused" } else { "it cannot be made" };
        story.store.ticket_failed(made.id, failure(false, Some((text, is_refusal)))).await.unwrap();
    }
    story.store.delivered(delivery.id, Some(&place("https://t/7", &made, &incident)), None, None).await.unwrap();
    let story = story.reopens().await;
    let again = story.store.tickets_of(&[id]).await.unwrap().remove(0);
    assert_eq!(again.marker(None), made.marker(None), "by any process");
    assert_eq!(again.place.unwrap().url.as_deref(), Some("https://t/7"));
    let timeline = story.store.timeline(id).await.unwrap();
    let told = |wanted: &IncidentEvent| {
        let is_it = |entry: &&TimelineEntry| entry.what == TimelineWhat::Incident(wanted.clone());
        timeline.iter().filter(is_it).count()
    };
    let url = Some("https://t/7".to_owned());
    assert_eq!(told(&IncidentEvent::Ticketed { sink: "ops".into(), ticket: "7".into(), url }), 1);
    for text in ["it cannot be made", "it is refused"] {
        assert_eq!(told(&IncidentEvent::Remark { text: text.into() }), 1);
    }

    // What can wait is told minutes later, an end at once.
    take(&story, "ticket:ops").await;
    story.ack(id, "ada").await;
    let in_minutes = story.clock.now() + TimeDelta::minutes(5);
    let is_told_later =
        |due: Option<DateTime<Utc>>| due.is_some_and(|due| due <= in_minutes && due > story.clock.now());
    assert!(is_told_later(story.store.next_delivery_due(&["ticket:ops"]).await.unwrap()));
    story.resolve(id, "ada").await;
    assert_eq!(take(&story, "ticket:ops").await.len(), 1);
}

/// The ticket of an incident, and its delivery, which is on its way.
async fn on_its_way(story: &Story) -> (IncidentId, Ticket, Delivery) {
    let id = story.incident_of("platform", Severity::S3, "a disk", "Disk", 1, None).await;
    story.page(id, PageReason::Overdue).await;
    let delivery = take(story, "ticket:ops").await.pop().expect("it is to be made");
    (id, story.store.tickets_of(&[id]).await.unwrap().remove(0), delivery)
}

pub async fn what_is_in_doubt_is_known_to_the_next_process_and_tried_no_earlier(story: Story) {
    let story = begins(story).await;
    let (id, made, delivery) = on_its_way(&story).await;
    assert_eq!((made.tried_at, made.lost), (None, 0));
    let tried_at = story.clock.now();
    story.store.ticket_tried(made.id, Duration::from_secs(80)).await.unwrap();
    let story = story.reopens().await;
    // Neither a change nor a second reason has it tried earlier.
    story.ack(id, "ada").await;
    story.page(id, PageReason::Uncovered).await;
    let due = story.store.next_delivery_due(&["ticket:ops"]).await.unwrap();
    assert_eq!(due, Some(tried_at + Duration::from_secs(80)));
    for lost in 1..=2 {
        story.clock.advance(Duration::from_secs(80));
        story.store.ticket_tried(made.id, Duration::from_secs(80)).await.unwrap();
        story.store.ticket_failed(made.id, failure(true, None)).await.unwrap();
        let now = story.store.ticket(made.id).await.unwrap().unwrap();
        assert_eq!((now.tried_at, now.lost), (Some(tried_at), lost), "since the first of them");
        assert_eq!(now.failing_since, Some(tried_at + Duration::from_secs(80)));
    }
    let incident = story.store.incident(id).await.unwrap().unwrap();
    story.store.delivered(delivery.id, Some(&place("https://t/7", &made, &incident)), None, None).await.unwrap();
    let now = story.store.ticket(made.id).await.unwrap().unwrap();
    assert_eq!((now.tried_at, now.lost, now.failing_since), (None, 0, None), "what became of it is known");
}

pub async fn a_tracker_that_is_left_alone_gets_nothing_from_anybody(story: Story) {
    let story = begins(story).await;
    let (_, made, delivery) = on_its_way(&story).await;
    let until = story.clock.now() + Duration::from_secs(600);
    let left_alone = Some((until, "429".to_owned()));
    let retry_at = Some(story.clock.now() + Duration::from_secs(1));
    story.store.delivery_failed(delivery.id, "429", retry_at, false, None).await.unwrap();
    let failure = TicketFailure { left_alone, ..failure(false, None) };
    story.store.ticket_failed(made.id, failure).await.unwrap();
    let story = story.reopens().await;
    let other = story.incident_of("platform", Severity::S3, "another", "Other", 1, None).await;
    story.page(other, PageReason::Overdue).await;
    assert!(take(&story, "ticket:ops").await.is_empty());
    assert_eq!(story.store.next_delivery_due(&["ticket:ops"]).await.unwrap(), Some(until), "nobody is late for it");
    let waits = story.store.tickets_of(&[other]).await.unwrap().remove(0);
    assert_eq!((waits.error.as_deref(), waits.due_at), (Some("429"), Some(until)));
    let page = NewPage { level: 1, team: "databases".into(), reason: PageReason::Overdue, text: None };
    story.decide(vec![Change::Ticket { incident: IncidentRef::Existing(other), page }]).await;
    assert_eq!(take(&story, "ticket:db").await.len(), 1, "another tracker is asked");
    // The wall clock is set: so much of it is left as before.
    story.store.move_what_waits(TimeDelta::hours(1)).await.unwrap();
    story.clock.advance(Duration::from_secs(3_600));
    assert!(take(&story, "ticket:ops").await.is_empty());
    story.clock.advance(Duration::from_secs(600));
    assert_eq!(take(&story, "ticket:ops").await.len(), 2);
    assert_eq!(story.store.tickets_of(&[other]).await.unwrap()[0].error, None);
}
