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
    serde_json::to_string(&TicketPlace { id, url, open: true, comments: 0, written_at, told }).unwrap()
}

/// What is due for a tracker.
async fn take(story: &Story, sink: &str) -> Vec<Delivery> {
    story.store.take_deliveries(&[sink], 10, LEASE).await.unwrap()
}

async fn begins(story: Story) -> Story {
    let by_team = BTreeMap::from([("databases".to_owned(), "ticket:db".to_owned())]);
    let tickets = TicketSinks { by_team, others: Some("ticket:ops".into()) };
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
    story.store.ticket_trouble(made.id, "it cannot be made").await.unwrap();
    story.store.ticket_trouble(made.id, "it cannot be made").await.unwrap();
    story.store.delivered(delivery.id, Some(&place("https://t/7", &made, &incident))).await.unwrap();
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
    assert_eq!(told(&IncidentEvent::Remark { text: "it cannot be made".into() }), 1);

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
