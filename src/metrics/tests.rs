use super::*;
use crate::model::PageId;

#[test]
fn what_was_counted_is_told() {
    let metrics = Metrics::new();
    metrics.notification(NotificationResult::Accepted);
    metrics.notification(NotificationResult::Duplicate);
    metrics.notification(NotificationResult::Duplicate);
    metrics.alerts(3, 1);
    metrics.accept_took(Duration::from_millis(3));
    metrics.run_ended("coredns-saturated", Outcome::NothingToDo);
    metrics.mutation("k8s.scale", MutationResult::Done);
    let made = |last| PagesMade {
        last: PageId(last),
        by_team_and_severity: [(("platform".to_owned(), "S1".to_owned()), 1)].into(),
    };
    metrics.pages_made(metrics.pages_counted(), &made(7));
    // Another scrape at the same time found the same.
    metrics.pages_made(PageId(0), &made(7));
    metrics.delivery_failed("discord");
    metrics.looked_up(LookupResult::TimedOut);
    metrics.command("api", true);
    metrics.worker_stuck("engine", Duration::from_secs(130));
    metrics.oldest_due("runs", Duration::from_secs(7));
    let incidents = [(("open".to_owned(), "S2".to_owned()), 2)].into();
    let levels = Levels { open_episodes: 412, incidents, ..Levels::default() };
    let text = metrics.render(Some(&levels)).unwrap();
    for line in [
        r#"dogwatch_notifications_total{result="accepted"} 1"#,
        r#"dogwatch_notifications_total{result="duplicate"} 2"#,
        r#"dogwatch_alerts_total{status="firing"} 3"#,
        r#"dogwatch_accept_seconds_bucket{le="0.004"} 1"#,
        r#"dogwatch_accept_seconds_bucket{le="0.002"} 0"#,
        r#"dogwatch_runs_total{playbook="coredns-saturated",outcome="nothing_to_do"} 1"#,
        r#"dogwatch_mutations_total{action="k8s.scale",result="done"} 1"#,
        r#"dogwatch_pages_total{team="platform",severity="S1"} 1"#,
        r#"dogwatch_deliveries_failed_total{sink="discord"} 1"#,
        r#"dogwatch_lookups_total{result="timed_out"} 1"#,
        r#"dogwatch_lookups_total{result="forbidden"} 0"#,
        r#"dogwatch_commands_total{via="api",result="refused"} 1"#,
        r#"dogwatch_incidents{state="open",severity="S2"} 2"#,
        r#"dogwatch_worker_stuck_seconds{worker="engine"} 130"#,
        r#"dogwatch_oldest_due_seconds{queue="runs"} 7"#,
        "dogwatch_open_episodes 412",
        "dogwatch_store_up 1",
        "# EOF",
    ] {
        assert!(text.lines().any(|found| found == line), "no line `{line}` in\n{text}");
    }
}

#[test]
fn a_silent_store_shows_and_what_was_closed_is_gone() {
    let metrics = Metrics::new();
    let incidents = [(("open".to_owned(), "S2".to_owned()), 2)].into();
    metrics.render(Some(&Levels { incidents, ..Levels::default() })).unwrap();
    let text = metrics.render(Some(&Levels::default())).unwrap();
    assert!(!text.contains("dogwatch_incidents{"), "{text}");
    assert!(metrics.render(None).unwrap().contains("dogwatch_store_up 0"));
}
