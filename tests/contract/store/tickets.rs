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
    serde_json::to_string(&TicketPlace { id, url, open: true, comments: 0, written_at, told, site: None, work: None })
        .unwrap()
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

fn work(key: &str) -> NewTicket {
    NewTicket {
        team: "platform".into(),
        title: format!("raise {key}"),
        text: "as it is full".into(),
        key: key.into(),
        again: Duration::from_secs(30 * 24 * 3_600),
        left_out: None,
    }
}

/// An incident that pages, with a run that files these.
async fn files(story: &Story, title: &str, tickets: Vec<NewTicket>) -> (IncidentId, RunId) {
    let id = story.incident_of("platform", Severity::S2, title, title, 1, None).await;
    let run = story.opens_run(id, title).await;
    story.logs(run, Append { tickets, ..Append::default() }).await;
    (id, run)
}

pub async fn work_is_filed_once_for_its_key_and_outlives_its_incident(story: Story) {
    let story = begins(story).await;
    let (one, run) = files(&story, "one", vec![work("disk"), work("disk"), work("other")]).await;
    let made = story.store.tickets_of(&[one]).await.unwrap();
    let titles: Vec<&str> = made.iter().map(|ticket| ticket.work.as_ref().unwrap().title.as_str()).collect();
    assert_eq!(titles, ["raise disk", "raise other"], "what the incident has is not filed again");
    let filed = made[0].work.clone().unwrap();
    assert_eq!((filed.run, filed.again, filed.before), (run, Duration::from_secs(30 * 24 * 3_600), None));
    assert_eq!(made[0].text.as_deref(), Some("as it is full"));
    assert_eq!(take(&story, "ticket:ops").await.len(), 2);
    // The same for another incident, before anybody knows where it is.
    let (two, _) = files(&story, "two", vec![work("disk")]).await;
    assert!(take(&story, "ticket:ops").await.is_empty(), "it is one with that");
    let incident = story.store.incident(one).await.unwrap().unwrap();
    story.clock.advance(LEASE);
    let due = take(&story, "ticket:ops").await;
    let is_of = |delivery: &&Delivery| delivery.subject == DeliverySubject::Ticket { ticket: made[0].id };
    let delivery = due.iter().find(is_of).expect("it is tried on");
    let mut lies = TicketPlace::parse(&place("https://t/7", &made[0], &incident)).unwrap();
    lies.work = Some(FiledWork { at: story.clock.now(), told_at: story.clock.now(), times: 1, again_at: None });
    let external = serde_json::to_string(&lies).unwrap();
    story.store.delivered(delivery.id, Some(&external), None, None).await.unwrap();
    for id in [one, two] {
        let timeline = story.store.timeline(id).await.unwrap();
        let filed = |entry: &&TimelineEntry| matches!(&entry.what, TimelineWhat::Incident(IncidentEvent::Filed { url, before: None, .. }) if url.as_deref() == Some("https://t/7"));
        assert_eq!(timeline.iter().filter(filed).count(), 1, "{id}: {timeline:#?}");
        let ticket = story.store.tickets_of(&[id]).await.unwrap().remove(0);
        assert_eq!(ticket.place.as_ref(), Some(&lies));
    }
    // The end of the incident has nothing told there.
    story.resolve(one, "ada").await;
    story.clock.advance(Duration::from_secs(3_600));
    assert!(take(&story, "ticket:ops").await.iter().all(|delivery| !is_of(&delivery)));
    // For a third one it is looked at again, and known where it was.
    let story = story.reopens().await;
    let (three, _) = files(&story, "three", vec![work("disk")]).await;
    let again = story.store.tickets_of(&[three]).await.unwrap().remove(0);
    assert_eq!((again.place, again.work.unwrap().before), (None, Some(lies)));
    assert!(again.id > made[1].id && again.due_at.is_some());
}

pub async fn work_that_is_filed_nowhere_is_told_of(story: Story) {
    let told = async |story: &Story, id| {
        let timeline = story.store.timeline(id).await.unwrap();
        let because = timeline.into_iter().filter_map(|entry| match entry.what {
            TimelineWhat::Incident(IncidentEvent::NotFiled { because, title, .. }) => {
                Some(format!("{title}: {because}"))
            }
            _ => None,
        });
        because.collect::<Vec<_>>()
    };
    let (id, _) = files(&story, "none", vec![work("disk")]).await;
    let because = "no tracker is configured for team platform (`tickets` of dogwatch.yaml)";
    assert_eq!(told(&story, id).await, [format!("raise disk: {because}")]);
    let notices = take(&story, "console").await;
    let is_told = |delivery: &Delivery| matches!(&delivery.subject, DeliverySubject::Notice { text, .. } if text.contains("raise disk\nas it is full"));
    assert!(notices.iter().any(is_told), "{notices:?}");
    // A tracker gets so many new ones a day.
    let story = begins(story).await;
    let many = (0..21).map(|n| work(&format!("disk {n}"))).collect();
    let (id, _) = files(&story, "many", many).await;
    assert_eq!(story.store.tickets_of(&[id]).await.unwrap().len(), 20);
    assert_eq!(told(&story, id).await, ["raise disk 20: ops gets at most 20 a day"]);
    story.clock.advance(Duration::from_secs(24 * 3_600));
    let (id, _) = files(&story, "next day", vec![work("disk 20")]).await;
    assert_eq!(story.store.tickets_of(&[id]).await.unwrap().len(), 1);
}
