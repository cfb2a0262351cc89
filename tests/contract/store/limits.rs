//! Limits over all runs: what is counted, and who refuses.

use super::*;

fn intent(namespace: &str) -> Intent {
    Intent {
        summary: "scale 4 -> 6".into(),
        object: ObjectKey::new("Deployment", namespace, "coredns"),
        uid: "u".into(),
        resource_version: "1".into(),
        before: 4.into(),
        after: 6.into(),
        marker: "m".into(),
    }
}

fn rate(text: &str) -> Option<Rate> {
    Some(text.parse().unwrap())
}

fn starts(step: &str, namespace: &str, fleet: FleetLimits) -> Append {
    let step = format!("mitigate.{step}").parse().unwrap();
    let started = RunEvent::Started { step, attempt: 1, intent: intent(namespace), deadline: morning(), remedy: None };
    Append {
        events: vec![started],
        guard: Some(Guard { namespaces: vec![namespace.to_owned()], ..Guard::default() }),
        limits: RunLimits { fleet, ..RunLimits::default() },
        ..Append::default()
    }
}

fn ends(outcome: Outcome, fleet: FleetLimits) -> Append {
    let because = "so it is".to_owned();
    Append {
        events: vec![RunEvent::Ended { outcome, because: because.clone() }],
        end: Some((outcome, because)),
        did_not_help: outcome == Outcome::Escalated,
        limits: RunLimits { fleet, ..RunLimits::default() },
        ..Append::default()
    }
}

fn refused(appended: Appended) -> String {
    match appended {
        Appended::OverLimit(over) => over.limit.to_owned(),
        other => panic!("it was not refused: {other:?}"),
    }
}

/// A run of the playbook on a target of its own, claimed.
async fn begun(story: &Story, n: u32) -> LogPosition {
    let id = incident(story, &format!("coredns-{n}"), 1).await;
    run(story, id, &format!("coredns-{n}")).await;
    story.claims("one").await.unwrap().at
}

pub async fn a_limit_is_counted_in_the_transaction_that_starts(story: Story) {
    let fleet = FleetLimits {
        mutations: rate("2 per 10m"),
        mutations_per_namespace: rate("1 per 10m"),
        ..FleetLimits::default()
    };
    let one = begun(&story, 1).await;
    let one = done(story.store.append(one, starts("scale", "db", fleet)).await.unwrap());
    let again = done(story.store.append(one, starts("scale", "db", fleet)).await.unwrap());
    let limit = refused(story.store.append(again, starts("more", "db", fleet)).await.unwrap());
    assert_eq!(limit, "engine.limits.mutations_per_namespace");
    let group = |append: Append| Append { guard: Some(Guard { finishes_group: true, ..Guard::default() }), ..append };
    let finished = done(story.store.append(again, group(starts("more", "db", fleet))).await.unwrap());
    let two = begun(&story, 2).await;
    let limit = refused(story.store.append(two, starts("scale", "web", fleet)).await.unwrap());
    assert_eq!(limit, "engine.limits.mutations", "what a group finishes counts as well");
    let story = story.reopens().await;
    assert_eq!(refused(story.store.append(two, starts("scale", "web", fleet)).await.unwrap()), limit);
    let at_once = FleetLimits { at_once: Some(1), ..FleetLimits::default() };
    assert_eq!(
        refused(story.store.append(two, starts("scale", "web", at_once)).await.unwrap()),
        "engine.limits.at_once"
    );
    done(story.store.append(finished, ends(Outcome::Fixed, fleet)).await.unwrap());
    done(story.store.append(two, starts("scale", "web", at_once)).await.unwrap());
    story.passes(10);
    let three = begun(&story, 3).await;
    done(story.store.append(three, starts("scale", "db", fleet)).await.unwrap());
}

pub async fn a_breaker_opens_with_the_end_of_a_run_and_stays_until_a_person_closes_it(story: Story) {
    let fleet = FleetLimits { breaker: rate("2 per 1h"), ..FleetLimits::default() };
    for (n, outcome) in [(1, Outcome::Escalated), (2, Outcome::Fixed), (3, Outcome::Cancelled), (4, Outcome::Escalated)]
    {
        assert_eq!(story.store.breakers().await.unwrap(), []);
        let at = begun(&story, n).await;
        let at = done(story.store.append(at, starts("scale", "db", fleet)).await.unwrap());
        done(story.store.append(at, ends(outcome, fleet)).await.unwrap());
    }
    let story = story.reopens().await;
    story.passes(60 * 24);
    let open = story.store.breakers().await.unwrap();
    assert_eq!(open.len(), 1);
    assert_eq!(open[0].because, "RUN-1, RUN-4 did not help, and `engine.limits.breaker` is 2 per 1h");
    let five = begun(&story, 5).await;
    let limit = refused(story.store.append(five, starts("scale", "db", FleetLimits::default())).await.unwrap());
    assert_eq!(limit, "engine.limits.breaker", "whatever the file says since");
    let close = Change::CloseBreaker { playbook: open[0].playbook.clone(), by: "anna".into(), reason: "mended".into() };
    story.decide(vec![close]).await;
    assert_eq!(story.store.breakers().await.unwrap(), []);
    let at = done(story.store.append(five, starts("scale", "db", fleet)).await.unwrap());
    done(story.store.append(at, ends(Outcome::Escalated, fleet)).await.unwrap());
    assert_eq!(story.store.breakers().await.unwrap(), [], "what failed before counts no more");
    // What changed nothing has not failed.
    for n in 6..9 {
        let at = begun(&story, n).await;
        done(story.store.append(at, ends(Outcome::Escalated, fleet)).await.unwrap());
    }
    assert_eq!(story.store.breakers().await.unwrap(), []);
}

/// Until when it stops was told with the end: it is listed, counted and decided by that alone.
pub async fn a_ramp_that_has_stopped_stands_until_its_time_or_a_person(story: Story) {
    let fleet = |hours: u64| FleetLimits { ramp: Some(Duration::from_secs(3_600 * hours)), ..FleetLimits::default() };
    let stopped = async |story: &Story| {
        let ramps = story.store.stopped_ramps(story.clock.now()).await.unwrap();
        assert_eq!(story.store.levels().await.unwrap().stopped_ramps, ramps.len() as u64);
        ramps
    };
    let one = begun(&story, 1).await;
    let one = done(story.store.append(one, starts("scale", "db", fleet(1))).await.unwrap());
    assert_eq!(stopped(&story).await, []);
    let ended = story.clock.now();
    done(story.store.append(one, ends(Outcome::Escalated, fleet(1))).await.unwrap());
    let story = story.reopens().await;
    let ramps = stopped(&story).await;
    let told = ramps.iter().map(|ramp| (ramp.run, ramp.since, ramp.until)).collect::<Vec<_>>();
    assert_eq!(told, [(one.run, ended, ended + TimeDelta::hours(1))]);
    let two = begun(&story, 2).await;
    // The limit is another one by now, or none.
    for hours in [1, 9] {
        let limit = refused(story.store.append(two, starts("scale", "db", fleet(hours))).await.unwrap());
        assert_eq!(limit, "engine.limits.ramp");
    }
    story.passes(61);
    assert_eq!(stopped(&story).await, []);
    let two = done(story.store.append(two, starts("scale", "db", fleet(9))).await.unwrap());
    done(story.store.append(two, ends(Outcome::Escalated, fleet(9))).await.unwrap());
    let ramps = stopped(&story).await;
    assert_eq!(ramps.len(), 1);
    story.passes(1);
    let playbook = ramps[0].playbook.clone();
    story.decide(vec![Change::CloseBreaker { playbook, by: "anna".into(), reason: "mended".into() }]).await;
    assert_eq!(stopped(&story).await, []);
    let three = begun(&story, 3).await;
    let three = done(story.store.append(three, starts("scale", "db", fleet(1))).await.unwrap());
    // Of one whose breaker is open, that is what stands.
    let both = FleetLimits { breaker: rate("1 per 1h"), ..fleet(1) };
    done(story.store.append(three, ends(Outcome::Escalated, both)).await.unwrap());
    assert_eq!((stopped(&story).await, story.store.breakers().await.unwrap().len()), (vec![], 1));
}

/// Whoever decides that a run was held says so with its end.
pub async fn a_run_that_was_held_counts_for_no_limit_of_its_target(story: Story) {
    let limits = TargetLimits { runs: Some((1, Duration::from_secs(3_600))), cooldown: Some(Duration::from_secs(60)) };
    let too_often = async |story: &Story, n: u32| {
        let key = target(&format!("coredns-{n}")).key();
        let history = story.store.run_history(PLAYBOOK, &key, story.clock.now() - limits.look_back()).await.unwrap();
        assert_eq!(history.len(), 1);
        RunHead::too_often(&history, limits, story.clock.now())
    };
    for (n, held) in [(1, true), (2, false)] {
        let at = begun(&story, n).await;
        let end = Append { held, ..ends(Outcome::Escalated, FleetLimits::default()) };
        done(story.store.append(at, end).await.unwrap());
        assert_eq!(too_often(&story, n).await.is_some(), !held);
    }
}

/// Begins, ends and waits at random, and counts by hand what it was let.
pub async fn no_limit_is_exceeded_in_random_stories(story: Story) {
    let ramp = Some(Duration::from_secs(1_800));
    let fleet = FleetLimits { mutations: rate("4 per 10m"), at_once: Some(3), ramp, ..FleetLimits::default() };
    let mut seed = 20_260_302_u64;
    let mut random = |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    let (mut begun_at, mut open, mut accepted, mut limited) = (Vec::new(), Vec::new(), 0, 0);
    let (mut helped, mut n): (Vec<DateTime<Utc>>, _) = (Vec::new(), 0);
    for _ in 0..150 {
        let now = story.clock.now();
        match random(4) {
            0 if !open.is_empty() => {
                let at = open.remove(usize::try_from(random(open.len() as u64)).unwrap());
                done(story.store.append(at, ends(Outcome::Fixed, fleet)).await.unwrap());
                helped.push(now);
            }
            1 => story.passes(random(5)),
            _ => {
                n += 1;
                let at = begun(&story, n).await;
                // Nobody else claims it when its lease is over.
                let parked =
                    Append { park_until: Some(morning() + TimeDelta::days(9)), ..starts("scale", "db", fleet) };
                match story.store.append(at, parked).await.unwrap() {
                    Appended::Done { at, .. } => {
                        let recent = begun_at.iter().filter(|at| **at > now - TimeDelta::minutes(10)).count();
                        assert!(recent < 4, "{recent} were begun in ten minutes");
                        assert!(open.len() < 3, "{} go on", open.len());
                        // No more of those that helped count than are in the ramp's time.
                        let wave = 1_usize << (helped.len() + 1).ilog2();
                        assert!(open.len() < wave, "{} go on in a wave of {wave}", open.len());
                        begun_at.push(now);
                        open.push(at);
                        accepted += 1;
                    }
                    Appended::OverLimit(_) => {
                        limited += 1;
                        done(story.store.append(at, ends(Outcome::Cancelled, fleet)).await.unwrap());
                    }
                    other => panic!("{other:?}"),
                }
            }
        }
    }
    assert!(accepted > 15 && limited > 15, "{accepted} were let, {limited} were not: this would be no test");
}
