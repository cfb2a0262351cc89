//! Runs: who has one, when it wakes, and its log.

use super::*;

pub async fn a_run_belongs_to_one_worker_until_its_lease_is_over(story: Story) {
    let id = incident(&story, "coredns", 1).await;
    let run = run(&story, id, "coredns").await;
    let first = story.claims("one").await.expect("it is due");
    assert_eq!((first.run.id, first.at.epoch, first.log.len()), (run, 1, 1));
    assert!(story.claims("two").await.is_none());
    story.clock.advance(LEASE);
    let second = story.claims("two").await.expect("the lease is over");
    assert_eq!((second.at.epoch, second.fruitless_claims), (2, 2));
    let late = story.store.append(first.at, noted("late")).await.unwrap_err();
    assert!(matches!(late, StoreError::Fenced(_)), "{late}");
    story.store.append(second.at, noted("in time")).await.unwrap();
}

pub async fn whoever_gets_on_with_a_run_keeps_it(story: Story) {
    let id = incident(&story, "coredns", 1).await;
    run(&story, id, "coredns").await;
    let mut at = story.claims("one").await.unwrap().at;
    for _ in 0..3 {
        story.clock.advance(LEASE * 3 / 4);
        assert!(story.claims("two").await.is_none(), "the last record prolonged the lease");
        at = done(story.store.append(at, Append { prolong: Some(LEASE), ..noted("a") }).await.unwrap());
    }
    story.clock.advance(LEASE);
    assert!(story.claims("two").await.is_some());
}

pub async fn the_log_has_no_gap_and_no_fork(story: Story) {
    let id = incident(&story, "coredns", 1).await;
    let run = run(&story, id, "coredns").await;
    let claimed = story.claims("one").await.unwrap();
    let next = done(story.store.append(claimed.at, noted("a")).await.unwrap());
    assert!(story.store.append(claimed.at, noted("b")).await.is_err(), "the same position twice");
    done(story.store.append(next, noted("c")).await.unwrap());
    assert_eq!(story.store.run_log(run).await.unwrap().len(), 3);
}

pub async fn a_parked_run_wakes_at_its_time_or_when_something_comes_in(story: Story) {
    let id = incident(&story, "coredns", 1).await;
    let run = run(&story, id, "coredns").await;
    let claimed = story.claims("one").await.unwrap();
    let until = morning() + Duration::from_secs(600);
    story.store.append(claimed.at, Append { park_until: Some(until), ..Append::default() }).await.unwrap();
    assert!(story.claims("one").await.is_none());
    assert_eq!(story.store.next_run_due().await.unwrap(), Some(until));
    story.decide(vec![Change::ToRun { run, item: InboxItem::AlertResolved }]).await;
    let claimed = story.claims("one").await.expect("woken");
    assert_eq!(claimed.inbox.len(), 1);
    assert_eq!(claimed.inbox[0].1, InboxItem::AlertResolved);
    let taken = Append { consumes: vec![claimed.inbox[0].0], park_until: Some(until), ..noted("taken") };
    story.store.append(claimed.at, taken).await.unwrap();
    assert!(story.claims("one").await.is_none());
    story.clock.set(until);
    assert!(story.claims("one").await.unwrap().inbox.is_empty());
}

pub async fn the_engine_hears_of_a_timer_that_was_set(story: Story) {
    let id = incident(&story, "coredns", 1).await;
    run(&story, id, "coredns").await;
    let claimed = story.claims("one").await.unwrap();
    // Another worker finds nothing due before the end of the lease, and rests until then.
    let bell = story.store.bells().runs.listen();
    assert_eq!(story.store.next_run_due().await.unwrap(), Some(morning() + LEASE));
    let at = done(story.store.append(claimed.at, noted("a")).await.unwrap());
    assert!(!bell.has_changed().unwrap());
    let until = morning() + Duration::from_secs(5);
    story.store.append(at, Append { park_until: Some(until), ..Append::default() }).await.unwrap();
    assert!(bell.has_changed().unwrap());
    assert_eq!(story.store.next_run_due().await.unwrap(), Some(until));
}

pub async fn a_run_never_wakes_before_its_time_however_exact_that_is(story: Story) {
    let id = incident(&story, "coredns", 1).await;
    run(&story, id, "coredns").await;
    let claimed = story.claims("one").await.unwrap();
    let until = morning() + Duration::from_nanos(1_000_000_001);
    story.store.append(claimed.at, Append { park_until: Some(until), ..Append::default() }).await.unwrap();
    assert!(story.store.next_run_due().await.unwrap().unwrap() >= until);
}

pub async fn what_came_in_while_a_run_parked_wakes_it_at_once(story: Story) {
    let id = incident(&story, "coredns", 1).await;
    let run = run(&story, id, "coredns").await;
    let claimed = story.claims("one").await.unwrap();
    story.decide(vec![Change::ToRun { run, item: InboxItem::Cancel { by: "alice".into() } }]).await;
    let until = morning() + Duration::from_secs(600);
    story.store.append(claimed.at, Append { park_until: Some(until), ..Append::default() }).await.unwrap();
    assert!(story.claims("one").await.is_some());
}

pub async fn no_mutation_begins_over_an_inbox_or_without_its_lock(story: Story) {
    let id = incident(&story, "coredns", 1).await;
    let (first, second) = (run(&story, id, "coredns").await, run(&story, id, "coredns-2").await);
    let locks = || vec!["Deployment/kube-system/coredns".to_owned()];
    let guard = || Append { guard: Some(Guard { locks: locks(), ..Guard::default() }), ..noted("start") };
    let one = story.claims("one").await.unwrap();
    let two = story.claims("two").await.unwrap();
    assert_eq!((one.run.id, two.run.id), (first, second));
    let one_at = done(story.store.append(one.at, guard()).await.unwrap());
    let refused = story.store.append(two.at, guard()).await.unwrap();
    assert_eq!(refused, Appended::Locked { key: "Deployment/kube-system/coredns".into(), by: first });
    assert_eq!(story.store.run_log(second).await.unwrap().len(), 1, "a refused append writes nothing");
    story.decide(vec![Change::ToRun { run: first, item: InboxItem::AlertResolved }]).await;
    let refused = story.store.append(one_at, guard()).await.unwrap();
    assert!(matches!(refused, Appended::InboxFirst(items) if items.len() == 1));
    let end = Append { end: Some((Outcome::Cancelled, "enough".into())), ..noted("end") };
    done(story.store.append(one_at, end).await.unwrap());
    done(story.store.append(two.at, guard()).await.unwrap());
}

pub async fn the_end_of_a_run_comes_in_through_the_front_door(story: Story) {
    let id = incident(&story, "coredns", 1).await;
    let run = run(&story, id, "coredns").await;
    let claimed = story.claims("one").await.unwrap();
    let end = Append { end: Some((Outcome::Fixed, "p99 is low".into())), ..noted("end") };
    let at = done(story.store.append(claimed.at, end).await.unwrap());
    let (_, signal) = story.store.pending_signals(10).await.unwrap().pop().unwrap();
    let ended = SignalBody::RunEnded { run, outcome: Outcome::Fixed, because: "p99 is low".into() };
    assert_eq!(signal.body, ended);
    assert!(story.store.append(at, noted("after the end")).await.is_err());
    story.clock.advance(LEASE * 2);
    assert!(story.claims("one").await.is_none());
}

pub async fn the_history_of_a_playbook_on_a_target_is_the_newest_first(story: Story) {
    let id = incident(&story, "coredns", 1).await;
    let first = run(&story, id, "coredns").await;
    run(&story, id, "another").await;
    story.opens_run_on(id, "restart", target("coredns")).await;
    story.passes(10);
    let second = run(&story, id, "coredns").await;
    story.ends(first, Outcome::Fixed, "p99 is low").await;
    let history = async |since| story.store.run_history(PLAYBOOK, &target("coredns").key(), since).await.unwrap();
    let all = history(morning()).await;
    let told: Vec<_> = all.iter().map(|run| (run.id, run.incident, run.outcome)).collect();
    assert_eq!(told, [(second, id, None), (first, id, Some(Outcome::Fixed))]);
    assert_eq!((all[1].created_at, all[1].ended_at), (morning(), Some(story.clock.now())));
    let later = history(morning() + Duration::from_secs(600)).await;
    assert_eq!(later.iter().map(|run| run.id).collect::<Vec<_>>(), [second], "what began at that time is in it");
}

pub async fn what_was_done_about_a_target_is_told_whatever_the_playbook(story: Story) {
    let id = incident(&story, "coredns", 1).await;
    let first = run(&story, id, "coredns").await;
    run(&story, id, "another").await;
    story.passes(10);
    let second = story.opens_run_on(id, "restart", target("coredns")).await;
    story.ends(first, Outcome::Fixed, "p99 is low").await;
    let about = async |since, limit| story.store.runs_about(&target("coredns").key(), since, limit).await.unwrap();
    let all = about(morning(), 20).await;
    let told: Vec<_> = all.iter().map(|run| (run.run, run.playbook.as_str(), run.outcome)).collect();
    assert_eq!(told, [(second, "restart", None), (first, PLAYBOOK, Some(Outcome::Fixed))]);
    assert_eq!((all[1].began, all[1].because.as_deref()), (morning(), Some("p99 is low")));
    assert_eq!(about(morning(), 1).await.len(), 1);
    let later = about(morning() + Duration::from_secs(600), 20).await;
    assert_eq!(later.iter().map(|run| run.run).collect::<Vec<_>>(), [second], "what began at that time is in it");
}

pub async fn runs_are_listed_by_incident_while_under_way_and_by_when_they_ended(story: Story) {
    let (first, second) = (incident(&story, "coredns", 1).await, incident(&story, "another", 1).await);
    let (one, two) = (run(&story, first, "a").await, run(&story, first, "b").await);
    let three = run(&story, second, "c").await;
    let numbers = |runs: Vec<Run>| runs.iter().map(|run| run.id).collect::<Vec<_>>();
    assert_eq!(numbers(story.store.runs_of(first).await.unwrap()), [one, two]);
    assert_eq!(numbers(story.store.runs_under_way().await.unwrap()), [one, two, three]);
    story.ends(two, Outcome::Fixed, "p99 is low").await;
    story.passes(1);
    story.ends(one, Outcome::Escalated, "it is beyond me").await;
    let minute = |n: u64| morning() + Duration::from_secs(60 * n);
    let ended = async |from, to| numbers(story.store.runs_ended(minute(from), minute(to)).await.unwrap());
    assert_eq!(ended(0, 1).await, [two], "the end is no part of it");
    assert_eq!(ended(0, 2).await, [two, one], "in the order in which they ended");
    assert_eq!(numbers(story.store.runs_under_way().await.unwrap()), [three]);
    let read = story.store.run(one).await.unwrap().unwrap();
    assert_eq!((read.outcome, read.because.as_deref()), (Some(Outcome::Escalated), Some("it is beyond me")));
    assert_eq!(story.store.run(RunId(99)).await.unwrap(), None);
}

pub async fn a_playbook_s_text_is_kept_by_its_digest(story: Story) {
    let playbook = |text: &str| PlaybookRef { name: "p".into(), version: "1.0.0".into(), digest: Digest::of(text) };
    for text in ["one", "two", "one"] {
        story.store.keep_playbook(&playbook(text), text).await.unwrap();
    }
    let source = async |text: &str| story.store.playbook_source(&Digest::of(text)).await.unwrap();
    assert_eq!((source("one").await.as_deref(), source("two").await.as_deref()), (Some("one"), Some("two")));
    assert_eq!(source("three").await, None);
    let id = incident(&story, "coredns", 1).await;
    story.opens_run(id, "one").await;
    assert_eq!(story.claims("worker").await.unwrap().playbook_source, "one", "what a run was opened with");
}

pub async fn what_a_playbook_was_and_how_it_did_is_known(story: Story) {
    let playbook = |name: &str, text: &str| {
        let (name, digest) = (name.to_owned(), Digest::of(text));
        PlaybookRef { name, version: "1.0.0".into(), digest }
    };
    for (name, text) in [("p", "one"), ("q", "other"), ("p", "two")] {
        story.store.keep_playbook(&playbook(name, text), text).await.unwrap();
        story.clock.advance(Duration::from_secs(60));
    }
    let kept = story.store.kept_playbooks("p").await.unwrap();
    let told: Vec<_> = kept.iter().map(|kept| (&kept.reference.digest, kept.runs)).collect();
    assert_eq!(told, [(&Digest::of("two"), 0), (&Digest::of("one"), 0)], "the newest first");
    assert_eq!(kept[0].first_seen - kept[1].first_seen, chrono::TimeDelta::seconds(120));
    assert_eq!(story.store.kept_playbooks("r").await.unwrap(), []);

    assert_eq!(story.store.playbook_runs(&["coredns", "p"]).await.unwrap(), []);
    let id = incident(&story, "coredns", 1).await;
    let (one, two) = (story.opens_run(id, "coredns").await, story.opens_run(id, "coredns").await);
    story.ends(one, Outcome::Fixed, "it helped").await;
    let runs = story.store.playbook_runs(&["coredns", "p"]).await.unwrap();
    let [only] = runs.as_slice() else { panic!("{runs:?}") };
    assert_eq!((only.playbook.as_str(), only.last.id, only.all), ("coredns", two, 2));
    let reference = only.last.playbook.clone();
    assert_eq!(story.store.kept_playbooks("coredns").await.unwrap()[0].reference, reference);
    assert_eq!(story.store.kept_playbooks("coredns").await.unwrap()[0].runs, 2);
}

pub async fn what_a_run_leaves_in_its_inbox_wakes_it_no_more(story: Story) {
    let id = incident(&story, "coredns", 1).await;
    let run = run(&story, id, "coredns").await;
    let claimed = story.claims("one").await.unwrap();
    story.decide(vec![Change::ToRun { run, item: InboxItem::AlertResolved }]).await;
    let Appended::Done { at, inbox } = story.store.append(claimed.at, noted("a")).await.unwrap() else { panic!() };
    let leaves = inbox.iter().map(|(number, _)| *number).collect();
    let until = morning() + Duration::from_secs(600);
    story.store.append(at, Append { leaves, park_until: Some(until), ..Append::default() }).await.unwrap();
    assert!(story.claims("one").await.is_none());
    story.clock.set(until);
    assert_eq!(story.claims("one").await.unwrap().inbox, inbox, "it is there still");
}

pub async fn a_run_pages_once_and_what_it_has_to_add_is_told_in_chat(story: Story) {
    let id = incident(&story, "coredns", 1).await;
    let run = run(&story, id, "coredns").await;
    let page = NewPage { reason: PageReason::Escalated { run }, text: Some("look at it".into()), ..overdue() };
    let append = || Append { pages: vec![page.clone()], notices: vec!["so far".into()], ..Append::default() };
    let told = async || -> Vec<String> {
        let taken = story.store.take_deliveries(&["console"], 10, LEASE).await.unwrap();
        let text = |delivery: &Delivery| match &delivery.subject {
            DeliverySubject::Notice { text, .. } => Some(text.clone()),
            _ => None,
        };
        taken.iter().filter_map(text).collect()
    };
    story.logs(run, append()).await;
    assert_eq!(told().await, ["so far"]);
    story.logs(run, append()).await;
    assert_eq!(told().await, ["so far", "look at it"]);
    assert_eq!(story.store.pages_of(id).await.unwrap().len(), 1);
}

pub async fn what_was_done_for_an_object_is_found_until_it_is_long_ago(story: Story) {
    let id = incident(&story, "coredns", 1).await;
    let first = run(&story, id, "coredns").await;
    let scale = Remedy { action: "k8s.scale".into(), object: target("coredns") };
    let lately = async |not: RunId| {
        let since = story.clock.now() - TimeDelta::hours(1);
        story.store.earlier_remedies(&scale, not, since).await.unwrap()
    };
    story.mutates(first, "mitigate.scale", "4 -> 6", 4.into(), 6.into()).await;
    let other = RunId(first.0 + 1);
    assert_eq!(lately(first).await, [], "what it did itself");
    let found = lately(other).await;
    assert_eq!((found.len(), found[0].run, found[0].end.as_ref()), (1, first, None));
    assert_eq!(found[0].intent.as_ref().unwrap().summary, "4 -> 6");

    story.ends(first, Outcome::Fixed, "it helped").await;
    story.passes(60);
    let end = lately(other).await.remove(0).end.expect("it is over");
    assert_eq!((end.outcome, end.because.as_str(), end.at), (Some(Outcome::Fixed), "it helped", morning()));
    // The same stretch of time has passed, whatever the time is called.
    story.store.move_what_waits(TimeDelta::hours(5)).await.unwrap();
    story.clock.advance(Duration::from_secs(5 * 3_600));
    assert_eq!(lately(other).await.len(), 1);
    story.passes(1);
    assert_eq!(lately(other).await, []);

    for elsewhere in [
        Remedy { action: "k8s.delete_pod".into(), ..scale.clone() },
        Remedy { object: target("other"), ..scale.clone() },
    ] {
        assert_eq!(story.store.earlier_remedies(&elsewhere, other, DateTime::UNIX_EPOCH).await.unwrap(), []);
    }
}

pub async fn what_failed_for_certain_was_not_done(story: Story) {
    let id = incident(&story, "coredns", 1).await;
    let run = run(&story, id, "coredns").await;
    let scale = Remedy { action: "k8s.scale".into(), object: target("coredns") };
    story.mutates(run, "mitigate.scale", "4 -> 6", 4.into(), 6.into()).await;
    let failed = |attempt, class| {
        let step: StepAddress = "mitigate.scale".parse().unwrap();
        let event = RunEvent::Failed { step, attempt, class, error: "no".into(), held: false };
        Append { events: vec![event], ..Append::default() }
    };
    let count =
        async || story.store.earlier_remedies(&scale, RunId(run.0 + 1), DateTime::UNIX_EPOCH).await.unwrap().len();
    story.logs(run, failed(2, FailureClass::Fail)).await;
    story.logs(run, failed(1, FailureClass::NeedsHuman)).await;
    assert_eq!(count().await, 1, "another attempt, and one of which nobody knows");
    story.logs(run, failed(1, FailureClass::Retry)).await;
    assert_eq!(count().await, 0);
}
