//! Conversations about playbooks whose target may be of several kinds: the alert's labels say which
//! it is.

use dogwatch::cluster::Object;
use dogwatch::cluster::sim::build;
use dogwatch::model::*;

use crate::bot::{Bot, minutes};

/// Scales up whatever serves.
const SLOW: &str = r#"
apiVersion: dogwatch/v1
kind: Playbook
metadata: { name: slow, version: 1.0.0, owner: shop }
summary: something that serves is slow
severity: S2
autonomy: auto
page_by: 2h
triggers:
  - alert: Slow
target: { kind: [Deployment, StatefulSet], from: alert }
diagnose:
  - id: p99
    prometheus.query: { expr: latency_seconds }
mitigate:
  - id: scale
    k8s.scale: { to: 6, max: 10 }
    verify: { query: p99, until: value < 0.1, settle: 1m, every: 30s, within: 5m }
    undo: never
escalate:
  - page: { message: "{{because}}" }
"#;

/// Finds out that something is slow.
const SICK: &str = r#"
apiVersion: dogwatch/v1
kind: Playbook
metadata: { name: sick, version: 1.0.0, owner: shop }
summary: the database is sick
severity: S2
autonomy: auto
page_by: 2h
triggers:
  - alert: Sick
target: { kind: statefulsets.apps, namespace: shop, name: db }
diagnose:
  - choose:
      - branch: it runs
        when: target.spec.replicas > 0
        hand_over_to: { playbook: slow }
      - otherwise: it is off
        escalate: nobody knows why
escalate:
  - page: { message: "{{because}}" }
"#;

fn objects() -> Vec<Object> {
    vec![build::deployment("shop", "web", 4), build::statefulset("shop", "db", 2)]
}

async fn bot(playbooks: &[&str]) -> Bot {
    let bot = Bot::begins(playbooks, objects()).await;
    bot.prometheus.answers_in_turn("latency", &[Some(0.4), Some(0.02), Some(0.4), Some(0.02)]);
    bot
}

const WEB: [(&str, &str); 2] = [("namespace", "shop"), ("deployment", "web")];
const DB: [(&str, &str); 2] = [("namespace", "shop"), ("statefulset", "db")];
const WEB_UP: &str = "scale deployment/web in shop 4 -> 6";
const DB_UP: &str = "scale statefulset/db in shop 2 -> 6";

async fn targets(bot: &Bot) -> Vec<String> {
    bot.runs().await.into_iter().map(|run| run.target.key()).collect()
}

#[tokio::test]
async fn one_playbook_is_about_what_the_alert_names() {
    let mut bot = bot(&[SLOW]).await;
    bot.fires("Slow", &WEB).await;
    bot.does(WEB_UP).await;
    bot.ends(Outcome::Fixed).await;
    bot.fires("Slow", &DB).await;
    bot.does(DB_UP).await;
    bot.ends(Outcome::Fixed).await;
    assert_eq!(targets(&bot).await, ["Deployment/shop/web", "StatefulSet/shop/db"]);
    bot.pages([]).await;
}

/// What names none of them, or two, is about nobody knows what: a person looks.
#[tokio::test]
async fn what_names_none_or_two_goes_to_a_person() {
    let both = [("namespace", "shop"), ("deployment", "web"), ("statefulset", "db")];
    for (labels, told) in [
        (
            &[("namespace", "shop"), ("pod", "web-1"), ("statefulset", "")][..],
            "the alert Slow has none of the labels `deployment` and `statefulset`, which say whether the target is a \
             Deployment or StatefulSet",
        ),
        (
            &both[..],
            "the alert Slow names deployment=web and statefulset=db, and which of them is the target is not certain",
        ),
    ] {
        let mut bot = bot(&[SLOW]).await;
        bot.fires("Slow", labels).await;
        bot.passes(minutes(5)).await;
        assert!(bot.runs().await.is_empty());
        bot.pages(["shop not run"]).await;
        let why = crate::why::asks(&bot, "/why INC-1").await;
        assert!(why.contains(told), "{why}");
        bot.does_nothing_more().await;
    }
}

#[tokio::test]
async fn a_person_says_of_which_kind_it_is() {
    let mut bot = bot(&[SLOW]).await;
    for (given, told) in [
        ("", "whether the target is a Deployment or StatefulSet is not known without an alert; give it as `kind=...`"),
        ("kind=DaemonSet ", "the target cannot be of the kind `DaemonSet`; it is a Deployment or StatefulSet"),
    ] {
        let reply = bot.types("anna", &format!("/run slow {given}namespace=shop name=db")).await;
        assert!(reply.contains(told), "{reply}");
    }
    assert!(bot.runs().await.is_empty());
    bot.types("anna", "/run slow kind=statefulset namespace=shop name=db").await;
    bot.approves("anna").await;
    bot.does(DB_UP).await;
    bot.ends(Outcome::Fixed).await;
    assert_eq!(targets(&bot).await, ["StatefulSet/shop/db"]);
}

#[tokio::test]
async fn what_is_handed_over_is_of_its_own_kind() {
    let mut bot = bot(&[SICK, SLOW]).await;
    bot.fires("Sick", &[]).await;
    bot.does(DB_UP).await;
    bot.ends(Outcome::Fixed).await;
    assert_eq!(targets(&bot).await, ["StatefulSet/shop/db", "StatefulSet/shop/db"]);
}

/// A label of its own where the alerts have one.
#[tokio::test]
async fn the_playbook_may_say_the_label_of_each() {
    let slow = SLOW.replace("from: alert }", "from: alert, label: { deployments.apps: app, StatefulSet: database } }");
    let mut bot = bot(&[&slow]).await;
    bot.fires("Slow", &[("namespace", "shop"), ("database", "db"), ("deployment", "exporter")]).await;
    bot.does(DB_UP).await;
    bot.ends(Outcome::Fixed).await;
    bot.fires("Slow", &[("namespace", "shop"), ("app", "web")]).await;
    bot.does(WEB_UP).await;
}

/// The text that was pinned says the kinds, and the run has its object: a restart changes nothing.
#[tokio::test]
async fn a_restart_in_the_middle_changes_nothing() {
    let slow = SLOW.replace("diagnose:\n", "diagnose:\n  - wait: 10m\n");
    let mut bot = bot(&[&slow]).await;
    bot.fires("Slow", &DB).await;
    bot.has_no_playbooks();
    bot.is_restarted().await;
    bot.passes(minutes(11)).await;
    bot.does(DB_UP).await;
    bot.ends(Outcome::Fixed).await;
}
