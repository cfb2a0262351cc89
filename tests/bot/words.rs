//! What alerts say in their own words: how bad it is, which object and which cluster they are
//! about.

use std::collections::BTreeMap;
use std::sync::Arc;

use dogwatch::clock::Clock as _;
use dogwatch::incident::{HomeCluster, IncidentRules};
use dogwatch::intake::{Sender, parse_notification};
use dogwatch::message::incidents_table;
use dogwatch::model::*;
use dogwatch::store::*;
use dogwatch::worker::settle;
use serde_json::json;

use crate::bot::{Bot, minutes};
use crate::crashes::coredns;
use crate::incidents::{PLAYBOOK, Shift, alert, two_in_the_morning};

/// Titles, in order.
async fn titles(shift: &Shift) -> Vec<String> {
    shift.incidents().await.into_iter().map(|incident| incident.title).collect()
}

/// Pages that go to somebody, and those that only stand in chat.
async fn pages(store: &dyn Store) -> (usize, usize) {
    let (from, to) = (two_in_the_morning(), two_in_the_morning() + minutes(7 * 24 * 60));
    let all = store.pages(from, to).await.unwrap();
    let sent = all.iter().filter(|page| !page.deliveries.is_empty()).count();
    (sent, all.len() - sent)
}

/// What people see of what is open.
async fn list(shift: &Shift) -> String {
    let unanswered = shift.store.unanswered_pages().await.unwrap();
    incidents_table(&shift.incidents().await, &unanswered, shift.clock.now(), false)
}

#[tokio::test]
async fn a_word_of_others_calls_somebody_or_lets_them_sleep() {
    use Severity::{S1, S2, S3, S4};
    for (word, severity) in [
        ("P1", S1),
        ("sev-1", S1),
        ("fatal", S1),
        ("Disaster", S1),
        ("warning", S2),
        ("purple", S2),
        ("ticket", S3),
        ("minor", S3),
        ("ok", S4),
    ] {
        let shift = Shift::begin().await;
        shift.fires("Disk", &[("severity", word)]).await;
        assert_eq!(shift.incidents().await[0].severity, severity, "{word}");
        assert_eq!(shift.pages().await.len(), usize::from(severity <= S2), "{word}");
        let is_remarked = shift.timeline(1).await.contains("what the severity `purple` of Disk means is not known");
        assert_eq!(is_remarked, word == "purple");
    }
}

#[tokio::test]
async fn an_operators_words_count_at_the_door_and_behind_it() {
    let severities = Arc::new(Severities::with([("warning".to_owned(), Severity::S3)]));
    let shift = Shift::with_rules(&[], IncidentRules { severities, ..IncidentRules::default() }).await;
    shift.fires("Disk", &[("severity", "warning")]).await;
    assert_eq!(shift.incidents().await[0].severity, Severity::S3);
    assert!(shift.pages().await.is_empty());
}

#[tokio::test]
async fn an_s3_run_that_escalates_wakes_nobody_and_is_not_forgotten() {
    let shift = Shift::with(&[&PLAYBOOK.replace("severity: S2", "severity: S3")]).await;
    let since = shift.fires("DNSSlow", &[]).await;
    shift.run_ends(Outcome::Escalated).await;
    assert_eq!(pages(&*shift.store).await, (0, 1), "no page goes anywhere");
    shift.passes(60).await;
    shift.resolves("DNSSlow", &[], since).await;
    shift.passes(60).await;
    assert_eq!(shift.told().await, ["INC-1 open 0/1 runs=1"], "nobody has looked at it");
    assert!(list(&shift).await.contains("NEEDS A PERSON: DNS is slow"), "{}", list(&shift).await);
    let timeline = shift.timeline(1).await;
    assert!(
        timeline.contains("a person of team platform is needed, and nobody is paged: RUN-1 needs a person"),
        "{timeline}"
    );
    shift.says("alice", Command::Ack { incident: IncidentId(1) }).await;
    assert!(!list(&shift).await.contains("NEEDS A PERSON"));
    assert_eq!(shift.store.levels().await.unwrap().undelivered_pages, 0);
}

#[tokio::test]
async fn what_nobody_takes_care_of_in_time_is_asked_in_chat() {
    let shift = Shift::with(&[&PLAYBOOK.replace("severity: S2", "severity: S3")]).await;
    shift.fires("DNSSlow", &[]).await;
    shift.passes(11).await;
    assert_eq!((shift.pages().await, pages(&*shift.store).await), (vec!["INC-1 Overdue".to_owned()], (0, 1)));
    let told = shift.store.take_deliveries(&["console"], 50, minutes(1)).await.unwrap();
    let text = "a person of team platform is needed; nobody is paged, as it is S3".to_owned();
    let notice = DeliverySubject::Notice { incident: IncidentId(1), text };
    assert_eq!(told.iter().filter(|delivery| delivery.subject == notice).count(), 1, "{told:?}");
    assert!(!told.iter().any(|delivery| matches!(delivery.subject, DeliverySubject::Page { .. })), "{told:?}");
    let levels = shift.store.levels().await.unwrap();
    assert_eq!((levels.unacknowledged_pages, levels.undelivered_pages), (0, 0));
}

#[tokio::test]
async fn nobody_is_woken_for_s3_by_a_restart_or_by_its_page_by() {
    let playbook = PLAYBOOK.replace("severity: S2", "severity: S3").replace("diagnose:", "diagnose:\n  - wait: 20m");
    let mut bot = Bot::begins(&[&playbook], coredns()).await;
    bot.fires("DNSSlow", &[]).await;
    bot.passes(minutes(11)).await;
    bot.pages(["platform overdue"]).await;
    assert_eq!(pages(&**bot.store()).await, (0, 1));
    bot.is_restarted().await;
    bot.passes(minutes(60)).await;
    assert_eq!(pages(&**bot.store()).await.0, 0, "it is brought to no pager either");
}

#[tokio::test]
async fn what_becomes_worse_than_s3_pages() {
    let worse = PLAYBOOK.replace("name: dns,", "name: dns-down,").replace("severity: S2", "severity: S1");
    let worse = worse.replace("  - alert: DNSSlow\n  - alert: NameResolutionFailing\n", "  - alert: DNSDown\n");
    let shift = Shift::with(&[&PLAYBOOK.replace("severity: S2", "severity: S3"), &worse]).await;
    shift.fires("DNSSlow", &[]).await;
    shift.run_ends(Outcome::Escalated).await;
    assert_eq!(pages(&*shift.store).await, (0, 1));
    shift.fires("DNSDown", &[]).await;
    assert_eq!(pages(&*shift.store).await, (1, 1));
    assert!(shift.timeline(1).await.contains("severity S3 -> S1"));
}

/// What waited when the words changed is decided about before what comes then, in whatever lane
/// that is.
#[tokio::test]
async fn what_waits_keeps_its_place_when_the_words_change() {
    let shift = Shift::begin().await;
    let body = |status: &str, severities: &Severities| {
        let labels = json!({ "alertname": "Disk", "severity": "ticket" });
        let alert = json!({ "status": status, "labels": labels, "startsAt": "2026-03-02T01:00:00Z", "endsAt": "2026-03-02T02:00:00Z" });
        let body = json!({ "version": "4", "groupKey": "g", "alerts": [alert] }).to_string();
        let sender = Sender { severities, ..Sender::from("alertmanager") };
        parse_notification(sender, shift.clock.now(), body.as_bytes()).unwrap()
    };
    shift.store.sorts_by(&Severities::usual().digest()).await.unwrap();
    shift.store.accept_delivery(body("firing", Severities::usual())).await.unwrap();
    let others = Severities::with([("ticket".to_owned(), Severity::S1)]);
    shift.store.sorts_by(&others.digest()).await.unwrap();
    shift.store.accept_delivery(body("resolved", &others)).await.unwrap();
    settle(&shift.workers).await.unwrap();
    assert_eq!(shift.told().await, ["INC-1 resolved 0/1 runs=0"]);
}

const CLAIM: &str = r#"
apiVersion: dogwatch/v1
kind: Playbook
metadata: { name: claim, version: 1.0.0, owner: platform }
summary: A claim is full
severity: S2
autonomy: auto
triggers:
  - alert: ClaimFull
target: { kind: PersistentVolumeClaim, from: alert }
diagnose:
  - wait: 1m
escalate:
  - page: { message: "{{target.name}} in {{target.namespace}}; {{alert.labels.namespace}}" }
"#;

#[tokio::test]
async fn an_object_is_found_under_the_names_that_a_scrape_gives() {
    let shift = Shift::with(&[
        CLAIM,
        &CLAIM
            .replace("name: claim,", "name: pod,")
            .replace("ClaimFull", "PodSick")
            .replace("PersistentVolumeClaim", "Pod"),
    ])
    .await;
    let labels =
        [("namespace", "monitoring"), ("exported_namespace", "databases"), ("pvc", "data-0"), ("pod", "exporter-0")];
    shift.fires("ClaimFull", &labels).await;
    let incident = &shift.incidents().await[0];
    let wanted = Target { kind: "PersistentVolumeClaim".into(), namespace: "databases".into(), name: "data-0".into() };
    assert_eq!(incident.target, Some(wanted));
    let timeline = shift.timeline(1).await;
    assert!(
        timeline.contains("exported_namespace=databases: namespace=monitoring is where ClaimFull was scraped"),
        "{timeline}"
    );
    assert!(timeline.contains("namespace=databases persistentvolumeclaim=data-0"), "{timeline}");

    shift.fires("PodSick", &labels).await;
    assert_eq!(shift.told().await[1], "INC-2 open 1/1 runs=0", "the pod can be in either");
    assert!(shift.pages().await[0].contains("says namespace=monitoring and exported_namespace=databases"));
    let own = BTreeMap::from([("namespace".to_owned(), vec!["exported_namespace".to_owned()])]);
    let labels_of = Arc::new(LabelNames::with(own));
    let pods = CLAIM.replace("ClaimFull", "PodSick").replace("PersistentVolumeClaim", "Pod");
    let shift = Shift::with_rules(&[&pods], IncidentRules { labels: labels_of, ..IncidentRules::default() }).await;
    shift.fires("PodSick", &labels).await;
    assert_eq!(titles(&shift).await, ["A claim is full: pod/exporter-0 in databases"]);
}

#[tokio::test]
async fn a_title_says_where_also_when_there_is_a_summary() {
    let shift = Shift::begin().await;
    let mut sick =
        alert("NodeSick", &[("node", "node-7"), ("instance", "10.0.0.7:9100")], shift.clock.now(), AlertStatus::Firing);
    sick.annotations = BTreeMap::from([("summary".to_owned(), "Node is not ready.".to_owned())]);
    let mut told = alert("Disk", &[("node", "node-8"), ("cluster", "eu-2")], shift.clock.now(), AlertStatus::Firing);
    told.annotations = BTreeMap::from([("summary".to_owned(), "The disk of node-8 is full.".to_owned())]);
    shift.delivers("g", vec![sick, told]).await;
    let mut titles = titles(&shift).await;
    titles.sort();
    assert_eq!(titles, ["Disk cluster=eu-2: The disk of node-8 is full.", "NodeSick node=node-7: Node is not ready."]);
}

#[tokio::test]
async fn what_is_about_another_cluster_changes_nothing_here() {
    let cluster = HomeCluster { name: Some("eu-1".into()), ..HomeCluster::default() };
    let shift = Shift::with_rules(&[PLAYBOOK], IncidentRules { cluster, ..IncidentRules::default() }).await;
    for cluster in ["eu-2", "eu-3"] {
        shift.fires("DNSSlow", &[("cluster", cluster)]).await;
        shift.fires("Disk", &[("cluster", cluster), ("severity", "critical")]).await;
    }
    let mut told = shift.told().await;
    assert_eq!(
        told,
        [1, 2, 3, 4].map(|n| format!("INC-{n} open 1/1 runs=0")),
        "each cluster's is an incident of its own"
    );
    assert_eq!(
        titles(&shift).await,
        ["DNSSlow cluster=eu-2", "Disk cluster=eu-2", "DNSSlow cluster=eu-3", "Disk cluster=eu-3"]
    );
    let because = "it is about the cluster eu-2, and this bot works on eu-1";
    assert!(shift.pages().await[0].contains(because), "{:?}", shift.pages().await);
    assert_eq!(shift.pages().await[1], "INC-2 SeverityOne");
    assert!(shift.timeline(1).await.contains(&format!("playbook dns is not run: {because}")));
    shift.fires("DNSSlow", &[("cluster", "eu-1")]).await;
    shift.fires("NameResolutionFailing", &[]).await;
    told = shift.told().await;
    assert_eq!(told[4], "INC-5 open 2/2 runs=1", "its own, and what says nothing");
    assert_eq!(titles(&shift).await[4], "DNS is slow: deployment/coredns in kube-system");
}

#[tokio::test]
async fn without_a_name_every_cluster_is_this_one_and_is_told() {
    let shift = Shift::begin().await;
    shift.fires("DNSSlow", &[("cluster", "eu-2")]).await;
    assert_eq!(shift.told().await, ["INC-1 open 1/1 runs=1"]);
    assert_eq!(titles(&shift).await, ["DNS is slow: deployment/coredns in kube-system (cluster=eu-2)"]);
}
