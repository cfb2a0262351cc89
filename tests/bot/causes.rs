//! What has one cause is one incident with a page or two, however its alerts come; and no join
//! hides what joins.

use std::time::Duration;

use dogwatch::clock::Clock;
use dogwatch::cluster::sim::build;
use dogwatch::model::*;
use dogwatch::store::*;
use dogwatch::worker::settle;

use super::bot::Bot;
use super::incidents::{Shift, alert};

const CLAIMS: &str = r#"
apiVersion: dogwatch/v1
kind: Playbook
metadata: { name: claims, version: 1.0.0, owner: platform }
summary: a volume fills up
severity: S2
autonomy: auto
page_by: 30m
triggers:
  - alert: ClaimFull
target: { kind: PersistentVolumeClaim, from: alert }
diagnose:
  - wait: 1m
escalate:
  - page: { message: "{{target.name}}" }
"#;

/// How a route of Alertmanager may group what it sends.
#[derive(Clone, Copy, Debug)]
enum GroupBy {
    Each,
    Namespace,
    Alert,
}

impl GroupBy {
    fn key(self, n: usize) -> String {
        match self {
            GroupBy::Each => format!("each {n}"),
            GroupBy::Namespace => format!("namespace {}", n % 20),
            GroupBy::Alert => "alert".to_owned(),
        }
    }
}

/// Alerts of one name on many objects, delivered group by group as Alertmanager does.
async fn storm(shift: &Shift, by: GroupBy, name: &str, severity: &str, count: usize) {
    let now = shift.clock.now();
    let mut groups: std::collections::BTreeMap<String, Vec<Alert>> = Default::default();
    for n in 0..count {
        let (claim, namespace) = (format!("data-{n}"), format!("db-{}", n % 20));
        let labels = [("persistentvolumeclaim", &*claim), ("namespace", &*namespace), ("severity", severity)];
        groups.entry(by.key(n)).or_default().push(alert(name, &labels, now, AlertStatus::Firing));
    }
    for (key, alerts) in groups {
        shift.delivers(&key, alerts).await;
    }
}

/// Those that are not part of another one.
async fn roots(shift: &Shift) -> Vec<Incident> {
    let all = shift.incidents().await;
    all.into_iter().filter(|incident| incident.merged.is_none()).collect()
}

#[tokio::test]
async fn a_storm_is_one_incident_and_two_pages_at_most_whatever_alertmanager_groups_by() {
    for by in [GroupBy::Each, GroupBy::Namespace, GroupBy::Alert] {
        for (name, severity) in [("NobodyKnows", "critical"), ("NobodyKnows", "warning"), ("ClaimFull", "warning")] {
            let shift = Shift::with(&[CLAIMS]).await;
            storm(&shift, by, name, severity, 60).await;
            let roots = roots(&shift).await;
            assert_eq!(roots.len(), 1, "{by:?} {name}: {:?}", shift.told().await);
            assert_eq!((roots[0].open_episodes, roots[0].episodes), (60, 60), "{by:?} {name}");
            assert!(shift.pages().await.len() <= 2, "{by:?} {name}: {:?}", shift.pages().await);
            let runs = shift.store.runs_under_way().await.unwrap().len();
            assert_eq!(runs, if name == "ClaimFull" { 3 } else { 0 }, "{by:?}");
            let objects = shift.store.objects_of(roots[0].id, 100).await.unwrap();
            assert_eq!(objects.len(), 60, "each is listed");
        }
    }
}

#[tokio::test]
async fn what_has_nothing_to_do_with_a_storm_is_paged_at_once() {
    let shift = Shift::begin().await;
    storm(&shift, GroupBy::Each, "NobodyKnows", "critical", 30).await;
    shift.fires("PatroniNoLeader", &[("cluster_name", "pg-7"), ("severity", "critical")]).await;
    storm(&shift, GroupBy::Each, "NobodyKnows", "critical", 60).await;
    let pages = shift.pages().await;
    assert_eq!(pages.len(), 3, "{pages:?}");
    let lonely = roots(&shift).await.into_iter().find(|incident| incident.title.contains("PatroniNoLeader")).unwrap();
    assert!(pages.contains(&format!("{} SeverityOne", lonely.id)), "{pages:?}");
}

#[tokio::test]
async fn two_of_a_name_are_two_and_three_are_one() {
    let shift = Shift::begin().await;
    let database = async |name: &str| {
        let labels = [("statefulset", name), ("namespace", "db"), ("severity", "critical")];
        shift.delivers(name, vec![alert("PostgresDown", &labels, shift.clock.now(), AlertStatus::Firing)]).await;
    };
    database("a").await;
    shift.passes(2).await;
    database("b").await;
    assert_eq!(shift.told().await, ["INC-1 open 1/1 runs=0", "INC-2 open 1/1 runs=0"]);
    shift.passes(2).await;
    database("c").await;
    assert_eq!(shift.told().await, ["INC-1 open 3/3 runs=0", "INC-2 resolved 0/1 runs=0"]);
    let timeline = shift.timeline(1).await;
    assert!(timeline.contains("one cause: PostgresDown began in many places within minutes"), "{timeline}");
    assert!(timeline.contains("INC-2 is part of it"), "{timeline}");
    let parts = shift.store.incident(IncidentId(2)).await.unwrap().unwrap();
    assert_eq!(parts.merged, Some(Merged { into: IncidentId(1), root: IncidentId(1) }));
    // Hours later, another one is another matter.
    shift.passes(60).await;
    database("d").await;
    assert_eq!(roots(&shift).await.len(), 2);
}

#[tokio::test]
async fn teams_are_called_each_for_its_own() {
    let rules =
        dogwatch::incident::IncidentRules { teams: ["dba".to_owned(), "web".to_owned()].into(), ..Default::default() };
    let shift = Shift::with_rules(&[], rules).await;
    for n in 0..8 {
        let (pod, team) = (format!("p-{n}"), if n % 2 == 0 { "dba" } else { "web" });
        let labels = [("pod", &*pod), ("namespace", "x"), ("team", team), ("severity", "critical")];
        shift.delivers(&pod, vec![alert("Down", &labels, shift.clock.now(), AlertStatus::Firing)]).await;
    }
    let roots = roots(&shift).await;
    let told: Vec<_> = roots.iter().map(|incident| (incident.team.as_str(), incident.open_episodes)).collect();
    assert_eq!(told, [("dba", 4), ("web", 4)]);
}

#[tokio::test]
async fn what_is_on_a_sick_node_is_told_with_the_node() {
    let shift = Shift::begin().await;
    shift.fires("NodeNotReady", &[("node", "n7"), ("severity", "critical")]).await;
    for (name, pod) in [("PostgresDown", "pg-1-0"), ("PodNotReady", "web-0"), ("BackupFailed", "backup-3")] {
        let labels = [("pod", pod), ("namespace", "db"), ("node", "n7"), ("severity", "warning")];
        shift.delivers(pod, vec![alert(name, &labels, shift.clock.now(), AlertStatus::Firing)]).await;
    }
    assert_eq!(shift.told().await, ["INC-1 open 4/4 runs=0"]);
    let elsewhere = [("pod", "pg-2-0"), ("namespace", "db"), ("node", "n8"), ("severity", "warning")];
    shift.delivers("else", vec![alert("PostgresLags", &elsewhere, shift.clock.now(), AlertStatus::Firing)]).await;
    assert_eq!(roots(&shift).await.len(), 2);
}

#[tokio::test]
async fn different_alerts_on_one_node_are_one_from_the_third_on() {
    let shift = Shift::begin().await;
    for (name, pod) in [("PostgresDown", "pg-1-0"), ("PodNotReady", "web-0"), ("BackupFailed", "backup-3")] {
        let labels = [("pod", pod), ("namespace", "db"), ("node", "n7"), ("severity", "warning")];
        shift.delivers(pod, vec![alert(name, &labels, shift.clock.now(), AlertStatus::Firing)]).await;
    }
    let roots = roots(&shift).await;
    assert_eq!((roots.len(), roots[0].open_episodes), (1, 3), "{:?}", shift.told().await);
    assert_eq!(roots[0].grouping.to_string(), "they began within minutes on the node n7");
    // The cause comes last.
    shift.fires("NodeNotReady", &[("node", "n7"), ("severity", "critical")]).await;
    assert_eq!(shift.told().await[0], "INC-1 open 4/4 runs=0");
    assert_eq!(shift.incidents().await[0].severity, Severity::S1, "it is as bad as the worst");
}

#[tokio::test]
async fn what_kube_state_metrics_runs_on_is_no_cause() {
    let shift = Shift::begin().await;
    for (name, claim) in [("ClaimPending", "a"), ("ClaimLost", "b"), ("ClaimFull", "c")] {
        let labels = [
            ("persistentvolumeclaim", claim),
            ("namespace", "db"),
            ("node", "where-ksm-runs"),
            ("job", "kube-state-metrics"),
        ];
        shift.delivers(claim, vec![alert(name, &labels, shift.clock.now(), AlertStatus::Firing)]).await;
    }
    assert_eq!(roots(&shift).await.len(), 3);
}

#[tokio::test]
async fn a_join_tells_whoever_has_the_page_within_a_minute_and_no_more_often() {
    let shift = Shift::begin().await;
    let sent = async || {
        let taken = shift.store.take_deliveries(&["console"], 100, Duration::from_secs(1)).await.unwrap();
        let mut pages = 0;
        for delivery in taken {
            pages += u64::from(matches!(delivery.subject, DeliverySubject::Page { .. }));
            shift.store.delivered(delivery.id, None, None, None).await.unwrap();
        }
        pages
    };
    let down = async |n: usize| {
        let name = format!("pg-{n}");
        let labels = [("statefulset", &*name), ("namespace", "db"), ("severity", "critical")];
        shift.delivers(&name, vec![alert("PostgresDown", &labels, shift.clock.now(), AlertStatus::Firing)]).await;
    };
    for n in 0..3 {
        down(n).await;
    }
    assert_eq!(sent().await, 2, "two of them are two pages, and the first of them tells of the third");
    shift.says("alice", Command::Ack { incident: IncidentId(1) }).await;
    assert_eq!(sent().await, 0);
    for n in 3..40 {
        down(n).await;
        shift.clock.advance(Duration::from_secs(1));
        settle(&shift.workers).await.unwrap();
    }
    let mut told = sent().await;
    for _ in 0..60 {
        shift.clock.advance(Duration::from_secs(1));
        told += sent().await;
    }
    assert!((1..=2).contains(&told), "37 that joined in 37 seconds are told of {told} times");
    assert_eq!(shift.pages().await.len(), 2, "nobody is called twice for one thing");
    let timeline = shift.timeline(1).await;
    assert_eq!(timeline.matches("whoever was paged hears that").count(), 2, "{timeline}");
}

#[tokio::test]
async fn whoever_took_it_before_a_page_was_due_is_paged_for_what_joins() {
    let shift = Shift::with(&[CLAIMS]).await;
    storm(&shift, GroupBy::Alert, "ClaimFull", "warning", 3).await;
    shift.says("alice", Command::Ack { incident: IncidentId(1) }).await;
    assert!(shift.pages().await.is_empty());
    shift.clock.advance(Duration::from_secs(90));
    let labels = [("persistentvolumeclaim", "another"), ("namespace", "db")];
    shift.fires("ClaimFull", &labels).await;
    assert_eq!(shift.pages().await, ["INC-1 Joined { alerts: 1 }"]);
}

#[tokio::test]
async fn one_that_is_mended_does_not_pass_for_all() {
    let shift = Shift::with(&[CLAIMS]).await;
    storm(&shift, GroupBy::Alert, "ClaimFull", "warning", 10).await;
    assert_eq!(shift.told().await, ["INC-1 open 10/10 runs=3"]);
    let timeline = shift.timeline(1).await;
    assert!(timeline.contains("runs on 3 targets in an hour show whether it helps"), "{timeline}");
    for _ in 0..3 {
        shift.run_ends(Outcome::Fixed).await;
    }
    assert_eq!(shift.told().await, ["INC-1 open 10/10 runs=3"], "seven of them were not looked at");
    shift.passes(31).await;
    assert_eq!(shift.pages().await, ["INC-1 Overdue"], "a person hears of it");
}

#[tokio::test]
async fn an_incident_that_is_part_of_another_one_answers() {
    let shift = Shift::begin().await;
    storm(&shift, GroupBy::Each, "NobodyKnows", "critical", 5).await;
    let said = shift.says("alice", Command::Ack { incident: IncidentId(2) }).await;
    assert!(said.starts_with("INC-2 is part of INC-1: INC-1 is yours"), "{said}");
    let unanswered = shift.store.unanswered_pages().await.unwrap();
    assert!(unanswered.is_empty(), "the pages of both are answered: {unanswered:?}");
}

#[tokio::test]
async fn what_escalated_stays_open_also_as_a_part() {
    let shift = Shift::with(&[CLAIMS]).await;
    let since = shift.clock.now();
    storm(&shift, GroupBy::Each, "ClaimFull", "warning", 2).await;
    // The page of the second is what a person has to look at.
    shift.run_ends(Outcome::Fixed).await;
    shift.run_ends(Outcome::Escalated).await;
    assert_eq!(shift.pages().await.len(), 1);
    let labels = [("persistentvolumeclaim", "data-7"), ("namespace", "db-7"), ("severity", "warning")];
    shift.delivers("third", vec![alert("ClaimFull", &labels, since, AlertStatus::Firing)]).await;
    assert_eq!(roots(&shift).await.len(), 1);
    let all = [("data-0", "db-0"), ("data-1", "db-1"), ("data-7", "db-7")];
    shift.passes(3).await;
    for (claim, namespace) in all {
        let labels = [("persistentvolumeclaim", claim), ("namespace", namespace), ("severity", "warning")];
        shift.resolves("ClaimFull", &labels, since).await;
    }
    let root = &roots(&shift).await[0];
    assert_ne!(root.state, IncidentState::Resolved, "{:?}", shift.told().await);
}

#[tokio::test]
async fn what_a_source_may_not_start_hides_nothing_of_others() {
    let may_start = dogwatch::model::SourceRights { by_source: Default::default(), others: MayStart::Nothing };
    let rules = dogwatch::incident::IncidentRules { may_start, ..Default::default() };
    let shift = Shift::with_rules(&[], rules).await;
    let pod = [("pod", "pg-0"), ("namespace", "db"), ("severity", "warning")];
    shift.fires("A", &pod).await;
    // The same object, of another source that may speak of nothing.
    let now = shift.clock.now();
    let body = SignalBody::Notification(Notification {
        receiver: "r".into(),
        group_key: "g".into(),
        truncated: 0,
        left_out: Default::default(),
        alerts: vec![alert("A", &pod, now, AlertStatus::Firing)],
        unauthenticated: false,
    });
    let signal = Signal { source: "tenant".into(), key: "1".into(), received_at: now, body };
    shift.store.accept(&signal).await.unwrap();
    settle(&shift.workers).await.unwrap();
    assert_eq!(roots(&shift).await.len(), 2);
}

fn incident(n: i64) -> IncidentId {
    IncidentId(n)
}

async fn two_apart(shift: &Shift) {
    shift.fires("DiskSlow", &[("pod", "a"), ("namespace", "x"), ("severity", "critical")]).await;
    shift
        .delivers(
            "h",
            vec![alert("NetSlow", &[("pod", "b"), ("namespace", "y")], shift.clock.now(), AlertStatus::Firing)],
        )
        .await;
}

#[tokio::test]
async fn a_person_puts_two_together_and_takes_them_apart_again() {
    let shift = Shift::begin().await;
    two_apart(&shift).await;
    let merge = Command::Merge { incidents: vec![incident(2)], into: incident(1) };
    assert_eq!(shift.says("alice", merge.clone()).await, "INC-2 is part of INC-1 now; /split INC-2 takes it back");
    assert_eq!(shift.told().await, ["INC-1 open 2/2 runs=0", "INC-2 resolved 0/1 runs=0"]);
    assert_eq!(shift.says("bob", merge).await, "INC-2 is part of INC-1 already");
    // What fires about the part goes on in the whole.
    let more = alert("NetDown", &[("pod", "b"), ("namespace", "y")], shift.clock.now(), AlertStatus::Firing);
    shift.delivers("h2", vec![more]).await;
    assert_eq!(shift.told().await[0], "INC-1 open 3/3 runs=0");

    let split = Command::Split { incident: incident(2), object: None };
    let said = shift.says("bob", split.clone()).await;
    assert_eq!(
        said,
        "INC-2 is an incident of its own again, and no part of INC-1; /ack INC-2 if it is yours; if it fires, somebody is paged in \
         15m unless somebody takes it"
    );
    assert_eq!(shift.told().await, ["INC-1 open 2/2 runs=0", "INC-2 open 1/1 runs=0"]);
    let (whole, part) = (shift.timeline(1).await, shift.timeline(2).await);
    assert!(
        whole.contains("INC-2 is part of it, says alice") && whole.contains("bob has split INC-2 from it"),
        "{whole}"
    );
    assert!(part.contains("it is part of INC-1 from now on, says alice"), "{part}");
    let why = shift.why(incident(1)).await;
    assert!(why.contains("a person has put others to them"), "{why}");
    let said = shift.says("carol", split).await;
    assert!(said.contains("is part of no other incident") && said.contains("--object"), "{said}");
}

#[tokio::test]
async fn what_a_person_took_apart_the_bot_does_not_put_together_again() {
    let shift = Shift::begin().await;
    storm(&shift, GroupBy::Each, "NobodyKnows", "critical", 4).await;
    shift.says("alice", Command::Split { incident: incident(2), object: None }).await;
    storm(&shift, GroupBy::Each, "NobodyKnows", "critical", 12).await;
    assert_eq!(shift.told().await, ["INC-1 open 11/11 runs=0", "INC-2 open 1/1 runs=0"]);
    // It comes again, and belongs to its own.
    shift.passes(2).await;
    let labels = [("persistentvolumeclaim", "data-1"), ("namespace", "db-1"), ("severity", "critical")];
    shift.fires("NobodyKnows2", &labels).await;
    assert_eq!(shift.told().await[1], "INC-2 open 2/2 runs=0");
}

#[tokio::test]
async fn one_object_is_taken_out_and_put_back() {
    let shift = Shift::with(&[CLAIMS]).await;
    storm(&shift, GroupBy::Alert, "ClaimFull", "warning", 5).await;
    let object = |text: &str| Command::Split { incident: incident(1), object: Some(text.to_owned()) };
    let said = shift.says("alice", object("Pod/x/y")).await;
    assert!(said.contains("nothing fires about `Pod/x/y`") && said.contains("/objects INC-1"), "{said}");
    let said = shift.says("alice", object("PersistentVolumeClaim/db-0/data-0")).await;
    assert!(said.starts_with("PersistentVolumeClaim/db-0/data-0 is an incident of its own"), "{said}");
    assert_eq!(shift.told().await, ["INC-1 open 4/4 runs=2", "INC-2 open 1/1 runs=1"]);
    shift.says("alice", Command::Merge { incidents: vec![incident(2)], into: incident(1) }).await;
    assert_eq!(shift.told().await[0], "INC-1 open 5/5 runs=3");
    let page_at = shift.incidents().await[0].page_at;
    assert!(page_at.is_some(), "somebody is paged about all of it");
}

#[tokio::test]
async fn parts_of_parts_go_where_they_belong() {
    let shift = Shift::begin().await;
    two_apart(&shift).await;
    shift.delivers("i", vec![alert("CpuHot", &[("node", "n1")], shift.clock.now(), AlertStatus::Firing)]).await;
    shift.says("a", Command::Merge { incidents: vec![incident(3)], into: incident(2) }).await;
    shift.says("a", Command::Merge { incidents: vec![incident(2)], into: incident(1) }).await;
    assert_eq!(shift.told().await[0], "INC-1 open 3/3 runs=0");
    let of = async |n: i64| shift.store.incident(incident(n)).await.unwrap().unwrap().merged.map(|merged| merged.root);
    assert_eq!((of(2).await, of(3).await), (Some(incident(1)), Some(incident(1))));
    let said = shift.says("a", Command::Ack { incident: incident(3) }).await;
    assert!(said.starts_with("INC-3 is part of INC-1: "), "{said}");
    shift.says("a", Command::Split { incident: incident(2), object: None }).await;
    assert_eq!((of(2).await, of(3).await), (None, Some(incident(2))));
    assert_eq!(
        shift.told().await,
        ["INC-1 acknowledged 1/1 runs=0", "INC-2 open 2/2 runs=0", "INC-3 resolved 0/1 runs=0"]
    );
    let refused = shift.says("a", Command::Merge { incidents: vec![incident(3)], into: incident(1) }).await;
    assert!(refused.contains("INC-3 is part of INC-2"), "{refused}");
    let itself = shift.says("a", Command::Merge { incidents: vec![incident(1)], into: incident(1) }).await;
    assert_eq!(itself, "INC-1 is itself; name two");
}

/// Two alerts of different names start it, and its runs have the same trouble.
pub fn alike() -> String {
    let stops =
        "  - require: target.spec.storageClassName == 'expandable'\n    because: the storage class cannot expand";
    CLAIMS
        .replace("name: claims,", "name: alike,")
        .replace("  - alert: ClaimFull", "  - alert: ClaimFull\n  - alert: ClaimNearlyFull")
        .replace("  - wait: 1m", stops)
}

#[tokio::test]
async fn runs_that_stop_for_the_same_reason_are_one_incident_with_one_page() {
    let claims = ["data-0", "data-1"].map(|name| build::pending_pvc("db", name, "fast", "100Gi"));
    let mut bot = Bot::begins(&[&alike()], claims.to_vec()).await;
    for (name, claim) in [("ClaimFull", "data-0"), ("ClaimNearlyFull", "data-1")] {
        bot.fires(name, &[("persistentvolumeclaim", claim), ("namespace", "db")]).await;
    }
    bot.settles().await;
    bot.pages(["platform escalated"]).await;
    let part = bot.store().incident(IncidentId(2)).await.unwrap().unwrap();
    assert_eq!(part.root(), IncidentId(1));
    let timeline = bot.store().timeline(IncidentId(1)).await.unwrap();
    let timeline = dogwatch::message::timeline_lines(&timeline).join("\n");
    let said = "INC-2 is part of it: runs of alike stopped for the same reason: the storage class cannot expand";
    assert!(timeline.contains(said), "{timeline}");
    // A person takes it apart, and it stays so.
    bot.says("alice", Command::Split { incident: IncidentId(2), object: None }).await;
    assert_eq!(bot.store().incident(IncidentId(2)).await.unwrap().unwrap().root(), IncidentId(2));
}

/// One body has the third of a name, and more about what is taken in by that.
#[tokio::test]
async fn what_is_told_of_a_part_in_the_body_that_makes_it_one_counts_in_the_whole() {
    let shift = Shift::begin().await;
    let down = |name: &str, status| {
        let labels = [("statefulset", name), ("namespace", "db"), ("severity", "critical")];
        alert("PostgresDown", &labels, super::incidents::two_in_the_morning(), status)
    };
    shift.delivers("a", vec![down("a", AlertStatus::Firing)]).await;
    shift.delivers("b", vec![down("b", AlertStatus::Firing)]).await;
    let lags = [("statefulset", "b"), ("namespace", "db"), ("severity", "warning")];
    let lags = alert("PostgresLags", &lags, shift.clock.now(), AlertStatus::Firing);
    let body =
        vec![down("c", AlertStatus::Firing), lags, down("a", AlertStatus::Resolved), down("b", AlertStatus::Resolved)];
    shift.delivers("all", body).await;
    assert_eq!(shift.told().await, ["INC-1 open 2/4 runs=0", "INC-2 resolved 0/1 runs=0"]);
    let objects = shift.store.objects_of(incident(1), 10).await.unwrap();
    let shown: Vec<&str> = objects.iter().map(|row| row.shown()).collect();
    assert_eq!(shown, ["StatefulSet/db/b", "StatefulSet/db/c"]);
}
