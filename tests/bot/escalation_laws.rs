//! Whatever happens to incidents, receivers and the bot: while nobody has what pages, somebody is
//! called again in time, and nobody more often than the policy says.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use dogwatch::clock::Clock as _;
use dogwatch::model::{AckTimes, AckTimesOf, IncidentId, IncidentState};
use dogwatch::store::{EscalationStore as _, IncidentFilter, IncidentStore as _, PageReason, WindowStore as _};
use proptest::prelude::*;

use crate::bot::pager::Pager;
use crate::bot::{Bot, minutes};
use crate::budget::fires;
use crate::budget_laws::{Happens, happens};

#[derive(Debug, Clone)]
enum Event {
    Of(Happens),
    GoesAway,
    ComesBack,
    AsksForOneMore(i64),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let ours = prop_oneof![
        1 => Just(Event::GoesAway),
        3 => Just(Event::ComesBack),
        2 => (1..9_i64).prop_map(Event::AsksForOneMore),
    ];
    (happens(), proptest::collection::vec((any::<prop::sample::Index>(), ours), 0..8)).prop_map(|(happens, ours)| {
        let mut events: Vec<Event> = happens.into_iter().map(Event::Of).collect();
        for (at, event) in ours {
            events.insert(at.index(events.len()), event);
        }
        events
    })
}

/// What waits for somebody has a time at which somebody is called, no further off than S2 allows.
async fn somebody_is_called_in_time(bot: &Bot) {
    let store = bot.store();
    let unanswered = store.unanswered_pages().await.unwrap();
    for incident in store.incidents(IncidentFilter::Unresolved).await.unwrap() {
        // Whoever is called for the page that tells of a folded one is called for that, too: an
        // older page, of before it was over and came back, asks for nobody else.
        let last = unanswered.iter().filter(|page| page.incident == incident.id).max_by_key(|page| page.id);
        let waits = last.is_some_and(|page| page.severity.pages() && !page.is_folded() && !page.is_call());
        let is_held = incident.held_until.is_some() || incident.page_at.is_some();
        if !waits || is_held || !incident.severity.pages() || incident.merged.is_some() || incident.open_episodes == 0 {
            continue;
        }
        let escalation = store.escalation_of(incident.id).await.unwrap();
        let due_at = escalation.as_ref().and_then(|escalation| escalation.due_at);
        let windows = store.windows_of(incident.id).await.unwrap();
        assert!(
            due_at.is_some_and(|due_at| due_at <= bot.clock.now() + TimeDelta::minutes(15)) || !windows.is_empty(),
            "nobody is called again: {incident:#?} {escalation:#?} {unanswered:#?}"
        );
    }
    for incident in store.incidents(IncidentFilter::Unresolved).await.unwrap() {
        let is_over = incident.merged.is_some() || incident.state == IncidentState::Resolved;
        assert!(!is_over || store.escalation_of(incident.id).await.unwrap().is_none(), "{incident:#?}");
    }
}

/// Of two calls in a row, the second comes no earlier than the first had time to answer. What came
/// into an incident with a part of it is due when it was there.
async fn nobody_is_called_too_often(bot: &Bot) {
    let (from, to) = (bot.started() - TimeDelta::days(3), bot.started() + TimeDelta::days(10));
    let mut last: BTreeMap<IncidentId, DateTime<Utc>> = BTreeMap::new();
    let mut made_for = BTreeMap::new();
    for page in bot.store().pages(from, to).await.unwrap() {
        made_for.insert(page.id, page.made_for);
        let before = last.insert(page.made_for, page.created_at);
        let PageReason::Unanswered { made_at, page: unanswered, .. } = page.reason else { continue };
        assert!(page.created_at - made_at >= TimeDelta::minutes(5), "{page:#?}");
        let before = before.filter(|_| made_for.get(&unanswered) == Some(&page.made_for));
        assert!(before.is_none_or(|before| page.created_at - before >= TimeDelta::minutes(5)), "{page:#?}");
    }
}

async fn holds(story: Vec<Event>) {
    let mut bot = Bot::begins(&[], vec![]).await;
    let pager = Pager::new("pager", bot.clock.clone());
    bot.pagers = vec![pager.clone()];
    bot.sinks.ack_times = Arc::new(AckTimesOf { usual: AckTimes::usual(), ..AckTimesOf::default() });
    bot.is_restarted().await;
    let is_set = story.iter().any(|event| matches!(event, Event::Of(Happens::SetsTheClock(_))));
    fires(&mut bot, "ApiDown", "api", "critical").await;
    for event in story {
        match event {
            Event::Of(happens) => happens.to(&mut bot).await,
            Event::GoesAway => pager.is_away(),
            Event::ComesBack => pager.is_back(),
            Event::AsksForOneMore(id) => {
                bot.types("anna", &format!("/escalate INC-{id}")).await;
            }
        }
        bot.settles().await;
        somebody_is_called_in_time(&bot).await;
    }
    pager.is_back();
    bot.passes(minutes(61)).await;
    somebody_is_called_in_time(&bot).await;
    if !is_set {
        nobody_is_called_too_often(&bot).await;
    }
    let mut seen = BTreeMap::new();
    for got in pager.got() {
        let first = seen.entry(got.key).or_insert_with(|| got.people.clone());
        assert_eq!(*first, got.people, "one key calls one time");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nobody_is_forgotten_or_called_too_often(story in events()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(holds(story));
    }
}
