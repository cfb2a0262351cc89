//! Many at once: one of them wins, and the others are told so.

use tokio::task::JoinSet;

use super::*;

/// What each of `n` comes to who all do it at once.
async fn at_once<T, F>(n: usize, does: impl Fn(usize) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let mut tasks = JoinSet::new();
    for number in 0..n {
        tasks.spawn(does(number));
    }
    tasks.join_all().await
}

fn won<T>(results: &[Result<T, StoreError>]) -> usize {
    let fenced = results.iter().filter(|result| matches!(result, Err(StoreError::Fenced(_)))).count();
    let won = results.iter().filter(|result| result.is_ok()).count();
    assert_eq!(won + fenced, results.len(), "nobody fails otherwise");
    won
}

pub async fn the_same_signal_from_many_sides_is_taken_in_once(story: Story) {
    let body = SignalBody::RunEnded { run: RunId(1), outcome: Outcome::Fixed, because: String::new() };
    let signal = Signal { source: "test".into(), key: "k".into(), received_at: morning(), body };
    let accepted = at_once(20, |_| {
        let (store, signal) = (story.store.clone(), signal.clone());
        async move { store.accept(&signal).await.unwrap() }
    });
    let accepted = accepted.await;
    assert_eq!(accepted.iter().filter(|accepted| matches!(accepted, Accepted::New(_))).count(), 1);
    assert!(accepted.iter().all(|other| other.id() == accepted[0].id()), "{accepted:?}");
    assert_eq!(story.store.pending_signals(10).await.unwrap().len(), 1);
}

pub async fn a_signal_that_many_decide_about_is_decided_about_once(story: Story) {
    let signal = story.signal("a").await;
    let applied = at_once(5, |_| {
        let store = story.store.clone();
        let decision = Decision { changes: vec![Change::OpenIncident(new_incident("coredns"))], reply: None };
        async move { store.apply(signal, decision).await }
    });
    assert_eq!(won(&applied.await), 1);
    assert_eq!(story.store.incidents(IncidentFilter::Unresolved).await.unwrap().len(), 1);
}

pub async fn each_run_is_claimed_by_one(story: Story) {
    let id = incident(&story, "coredns", 1).await;
    let mut runs = Vec::new();
    for n in 0..5 {
        runs.push(run(&story, id, &format!("coredns-{n}")).await);
    }
    let claimed = at_once(8, |n| {
        let store = story.store.clone();
        async move { store.claim_run(&format!("worker {n}"), LEASE).await.unwrap().map(|claimed| claimed.run.id) }
    });
    let mut claimed: Vec<RunId> = claimed.await.into_iter().flatten().collect();
    claimed.sort();
    assert_eq!(claimed, runs);
}

pub async fn one_place_in_a_log_is_written_by_one(story: Story) {
    let id = incident(&story, "coredns", 1).await;
    let run = run(&story, id, "coredns").await;
    let at = story.claims("one").await.unwrap().at;
    let appended = at_once(5, |n| {
        let store = story.store.clone();
        async move { store.append(at, noted(&n.to_string())).await }
    });
    assert_eq!(won(&appended.await), 1);
    assert_eq!(story.store.run_log(run).await.unwrap().len(), 2);
}

pub async fn a_lock_is_taken_by_one(story: Story) {
    let id = incident(&story, "coredns", 1).await;
    for n in 0..3 {
        run(&story, id, &format!("coredns-{n}")).await;
    }
    let mut held = Vec::new();
    while let Some(claimed) = story.claims("one").await {
        held.push(claimed.at);
    }
    let appended = at_once(held.len(), |n| {
        let (store, at) = (story.store.clone(), held[n]);
        // In another order: whoever takes several must not wait in a circle.
        let mut keys = vec!["a".to_owned(), "b".to_owned()];
        keys.rotate_left(n % 2);
        async move {
            store
                .append(at, Append { guard: Some(Guard { locks: keys, ..Guard::default() }), ..noted("start") })
                .await
                .unwrap()
        }
    });
    let appended = appended.await;
    let began = appended.iter().filter(|appended| matches!(appended, Appended::Done { .. })).count();
    let refused = appended.iter().filter(|appended| matches!(appended, Appended::Locked { .. })).count();
    assert_eq!((began, refused), (1, 2), "{appended:?}");
}

pub async fn a_page_that_many_find_due_is_made_once(story: Story) {
    let id = incident(&story, "coredns", 1).await;
    let due_at = Change::PageAt { incident: IncidentRef::Existing(id), at: Some(morning()) };
    story.decide(vec![due_at]).await;
    let paged = at_once(5, |_| {
        let store = story.store.clone();
        let due = DuePage { state: IncidentState::Open, reopens: None, page: overdue() };
        async move { store.page_now(id, due).await.unwrap() }
    });
    assert_eq!(paged.await.into_iter().filter(|paged| *paged).count(), 1);
    assert_eq!(story.store.pages_of(id).await.unwrap().len(), 1);
}

pub async fn a_delivery_is_taken_by_one(story: Story) {
    incident(&story, "coredns", 1).await;
    let taken = at_once(5, |_| {
        let store = story.store.clone();
        async move { store.take_deliveries(&["console"], 10, LEASE).await.unwrap().len() }
    });
    assert_eq!(taken.await.iter().sum::<usize>(), 1);
}
