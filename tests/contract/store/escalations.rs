//! Who is called next, and when.

use super::*;

const FIVE: TimeDelta = TimeDelta::minutes(5);

/// The store where S1 has five minutes, and S2 fifteen.
async fn with_times(story: Story) -> Story {
    let ack_times = Arc::new(AckTimesOf { usual: AckTimes::usual(), ..AckTimesOf::default() });
    story.reopens_with(Sinks { ack_times, ..story::sinks(&["console"], &["console", "webhook"]) }).await
}

async fn paged(story: &Story, severity: Severity) -> IncidentId {
    let id = story.incident(severity, &format!("a disk of {severity}"), ALERT, 1).await;
    story.page(id, PageReason::Overdue).await;
    id
}

async fn acks(story: &Story, id: IncidentId) {
    let incident = IncidentRef::Existing(id);
    story.asked_by("anna", vec![Change::Acknowledge { incident, by: "anna".into() }]).await;
}

async fn of(story: &Story, id: IncidentId) -> Option<Escalation> {
    story.store.escalation_of(id).await.unwrap()
}

fn bob(page: PageId) -> NextCall {
    let of = Box::new(PageReason::Overdue);
    NextCall {
        team: "platform".into(),
        owner: None,
        people: vec!["bob".into()],
        by_name: false,
        reason: PageReason::Unanswered { of, page, made_at: morning() },
        text: None,
        step: Some(1),
        within: None,
    }
}

pub async fn a_page_that_goes_out_has_a_time_at_which_the_next_is_called(story: Story) {
    let story = with_times(story).await;
    let (worse, bad) = (paged(&story, Severity::S1).await, paged(&story, Severity::S2).await);
    let first = of(&story, worse).await.unwrap();
    assert_eq!(
        (first.step, first.why.clone(), first.due_at),
        (Some(0), EscalationWhy::Unanswered, Some(morning() + FIVE))
    );
    assert_eq!(of(&story, bad).await.unwrap().due_at, Some(morning() + TimeDelta::minutes(15)));
    assert_eq!(story.store.due_escalations(story.clock.now()).await.unwrap(), (vec![], Some(morning() + FIVE)));
    story.passes(20);
    let story = story.reopens().await;
    let (due, next) = story.store.due_escalations(story.clock.now()).await.unwrap();
    assert_eq!(due.iter().map(|due| due.incident).collect::<Vec<_>>(), [worse, bad], "the worst first");
    assert_eq!(next, None);
    // What is no page has none.
    let id = story.incident(Severity::S3, "a trend", ALERT, 1).await;
    story.page(id, PageReason::Overdue).await;
    assert_eq!(of(&story, id).await, None);
}

pub async fn a_call_is_made_once_and_is_a_page_of_its_own(story: Story) {
    let story = with_times(story).await;
    let id = paged(&story, Severity::S1).await;
    story.passes(5);
    let due = of(&story, id).await.unwrap();
    let call = || Escalated::Calls(Box::new(bob(due.page.unwrap())));
    assert!(story.store.escalate(&due, call()).await.unwrap());
    assert!(!story.store.escalate(&due, call()).await.unwrap(), "it is another one by now");
    let pages = story.store.pages_of(id).await.unwrap();
    assert_eq!(pages.iter().map(|page| (page.level, page.called.len())).collect::<Vec<_>>(), [(1, 0), (2, 1)]);
    assert_ne!(pages[0].key, pages[1].key);
    assert_eq!(pages[1].deliveries.len(), 2, "it goes where pages go");
    let next = of(&story, id).await.unwrap();
    assert_eq!((next.step, next.page, next.due_at), (Some(1), Some(pages[1].id), Some(morning() + FIVE * 2)));
    // What is more to be said is said to whoever was called last.
    story.page(id, PageReason::Escalated { run: RunId(1) }).await;
    let pages = story.store.pages_of(id).await.unwrap();
    assert_eq!(pages.len(), 2);
    assert_eq!(pages[1].reason, PageReason::Escalated { run: RunId(1) });
    assert_eq!(of(&story, id).await.unwrap(), next, "and takes no time from them");
}

pub async fn whoever_has_it_ends_the_calls_and_has_a_time_to_touch_it(story: Story) {
    let story = with_times(story).await;
    let id = paged(&story, Severity::S1).await;
    acks(&story, id).await;
    let due = of(&story, id).await.unwrap();
    assert_eq!(due.why, EscalationWhy::Untouched);
    let touched = due.due_at.unwrap();
    assert_eq!(touched, morning() + TimeDelta::from_std(Severity::S1.mitigate_within().unwrap()).unwrap());
    story.passes(10);
    story.asked_by("anna", vec![Change::Touch { incident: IncidentRef::Existing(id) }]).await;
    assert_eq!(of(&story, id).await.unwrap().due_at, Some(touched + TimeDelta::minutes(10)));
    story.resolve(id, "anna").await;
    assert_eq!(of(&story, id).await, None);
    assert!(!story.store.escalate(&due, Escalated::Ends).await.unwrap());
}

pub async fn what_a_person_asks_for_is_due_at_once_and_nothing_replaces_it(story: Story) {
    let story = with_times(story).await;
    let id = paged(&story, Severity::S2).await;
    let why = EscalationWhy::Asked { by: "anna".into(), note: None };
    let incident = IncidentRef::Existing(id);
    story.asked_by("anna", vec![Change::Call { incident, why: why.clone() }]).await;
    let asked = of(&story, id).await.unwrap();
    assert_eq!((&asked.why, asked.due_at), (&why, Some(morning())));
    acks(&story, id).await;
    assert_eq!(of(&story, id).await.unwrap().why, why, "the page to come is no less asked for");
    story.store.escalate(&asked, Escalated::Declined { because: "there is nobody else".into() }).await.unwrap();
    assert_eq!(of(&story, id).await.unwrap().why, EscalationWhy::Unanswered, "as it was before");
    let told = story.store.timeline(id).await.unwrap();
    let remark = IncidentEvent::Remark { text: "there is nobody else".into() };
    assert!(told.iter().any(|entry| entry.what == TimelineWhat::Incident(remark.clone())));
}

pub async fn at_the_end_of_a_policy_nobody_is_due(story: Story) {
    let story = with_times(story).await;
    let id = paged(&story, Severity::S1).await;
    story.passes(5);
    let due = of(&story, id).await.unwrap();
    assert!(story.store.escalate(&due, Escalated::IsAtItsEnd).await.unwrap());
    assert_eq!(of(&story, id).await.unwrap().due_at, None);
    story.passes(60);
    assert_eq!(story.store.due_escalations(story.clock.now()).await.unwrap(), (vec![], None));
    story.page(id, PageReason::Escalated { run: RunId(1) }).await;
    assert_eq!(of(&story, id).await.unwrap().due_at, None, "more to say is no new round");
}

pub async fn a_page_has_arrived_when_it_first_came_to_somebody(story: Story) {
    let story = with_times(story).await;
    let id = paged(&story, Severity::S1).await;
    let arrived = async || story.store.pages_of(id).await.unwrap()[0].arrived_at;
    let brings = async |sink: &str| {
        for delivery in story.store.take_deliveries(&[sink], 10, Duration::from_secs(1)).await.unwrap() {
            story.store.delivered(delivery.id, None, None, None).await.unwrap();
        }
    };
    brings("console").await;
    assert_eq!(arrived().await, None, "nobody looks at it at night");
    story.passes(1);
    brings("webhook").await;
    assert_eq!(arrived().await, Some(morning() + TimeDelta::minutes(1)));
    story.passes(1);
    story.page(id, PageReason::Escalated { run: RunId(1) }).await;
    brings("webhook").await;
    assert_eq!(arrived().await, Some(morning() + TimeDelta::minutes(1)), "the first time stays");
}

pub async fn a_clock_that_is_set_moves_who_is_called_next(story: Story) {
    let story = with_times(story).await;
    let id = paged(&story, Severity::S1).await;
    story.store.move_what_waits(TimeDelta::hours(3)).await.unwrap();
    assert_eq!(of(&story, id).await.unwrap().due_at, Some(morning() + TimeDelta::hours(3) + FIVE));
}
