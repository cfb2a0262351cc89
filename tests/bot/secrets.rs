//! Secrets reach nothing that people read: a bot's whole story, with one in everything that comes
//! from elsewhere.

use std::collections::BTreeMap;

use dogwatch::clock::Clock as _;
use dogwatch::cluster::sim::build;
use dogwatch::message::{PagingFacts, WhyFacts, timeline_lines, why};
use dogwatch::model::*;
use dogwatch::store::*;
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection as _, Row as _, SqliteConnection};

use crate::bot::{Bot, minutes};

/// Part of each secret of these stories, and of nothing else.
const LEAK: &str = "Leak7";

const LOOKS: &str = r#"
apiVersion: dogwatch/v1
kind: Playbook
metadata: { name: looks, version: 1.0.0, owner: shop }
summary: the shop is slow
severity: S2
autonomy: auto
page_by: 2h
triggers:
  - alert: ShopSlow
target: { kind: Deployment, namespace: shop, name: "{{inputs.name}}" }
inputs:
  name: { type: string, default: web }
diagnose:
  - id: object
    k8s.get: { kind: Deployment, namespace: shop, name: web }
  - id: p99
    prometheus.query: { expr: shop_latency_seconds }
  - require: p99.value > 100.0
    because: it is fast again
escalate:
  - notice: { message: "notice: {{alert.annotations.description}}" }
  - page: { message: "page: {{alert.annotations.description}}; {{because}}" }
"#;

fn secret(n: u32) -> String {
    format!("password={LEAK}x{n}")
}

fn alert(bot: &Bot, name: &str, labels: &[(&str, &str)]) -> Alert {
    let mut all: BTreeMap<String, String> =
        labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    all.insert("alertname".into(), name.into());
    all.insert("dsn".into(), format!("postgres://app:{LEAK}y@db/x"));
    all.insert("api_token".into(), format!("{LEAK}z"));
    Alert {
        fingerprint: format!("{name} {}", secret(1)),
        given: None,
        in_order: false,
        status: AlertStatus::Firing,
        labels: all,
        annotations: BTreeMap::from([
            ("summary".to_owned(), format!("it says {}", secret(2))),
            (
                "description".to_owned(),
                format!("the pass\u{200b}word is {LEAK}\u{200d}q, see https://app:{LEAK}@x.example/"),
            ),
        ]),
        starts_at: bot.clock.now(),
        ends_at: None,
        generator_url: format!("http://prometheus/graph?token={LEAK}g"),
    }
}

async fn comes_in(bot: &mut Bot, alerts: Vec<Alert>) -> SignalId {
    let key = format!("{}", bot.clock.now());
    let body = SignalBody::Notification(Notification {
        receiver: "dogwatch".into(),
        group_key: format!("{{}}:{{{}}}", secret(3)),
        truncated: 0,
        left_out: Default::default(),
        alerts,
        unauthenticated: false,
    });
    let signal = Signal { source: "alertmanager".into(), key, received_at: bot.clock.now(), body };
    let id = bot.store().accept(&signal).await.unwrap().id();
    bot.settles().await;
    id
}

fn asks_for(name: &str) -> Command {
    let set = BTreeMap::from([("name".to_owned(), name.to_owned())]);
    Command::Run { playbook: "looks".into(), set, dry_run: false }
}

/// Every cell of every table.
async fn cells(bot: &Bot) -> Vec<String> {
    let file = bot.folder.path().join("bot.db");
    let mut connection = SqliteConnection::connect(&format!("sqlite://{}", file.display())).await.unwrap();
    let tables: Vec<String> = sqlx::query_scalar("SELECT name FROM sqlite_master WHERE type = 'table'")
        .fetch_all(&mut connection)
        .await
        .unwrap();
    assert!(tables.len() > 10, "{tables:?}");
    let mut cells = Vec::new();
    for table in tables {
        let rows =
            sqlx::query(AssertSqlSafe(format!("SELECT * FROM \"{table}\""))).fetch_all(&mut connection).await.unwrap();
        for row in rows {
            for n in 0..row.len() {
                let bytes = row.try_get_unchecked::<Vec<u8>, _>(n).unwrap_or_default();
                cells.push(format!("{table}: {}", String::from_utf8_lossy(&bytes)));
            }
        }
    }
    connection.close().await.unwrap();
    cells
}

async fn leaks_nothing(bot: &Bot) {
    let leaking: Vec<String> = cells(bot).await.into_iter().filter(|cell| cell.contains(LEAK)).collect();
    assert!(leaking.is_empty(), "{leaking:#?}");
}

#[tokio::test]
async fn no_row_holds_a_secret_once_it_was_decided_about() {
    let mut web = build::deployment("shop", "web", 4);
    web.0["metadata"]["annotations"] = json!({ "note": secret(9), "admin-password": format!("{LEAK}w") });
    let mut bot = Bot::begins(&[LOOKS], vec![web]).await;
    bot.prometheus.answers_in_turn("shop_latency_seconds", &[Some(0.4)]);
    let covered = alert(&bot, "ShopSlow", &[]);
    comes_in(&mut bot, vec![covered]).await;
    leaks_nothing(&bot).await;
    bot.end().await;
    leaks_nothing(&bot).await;

    let unknown = alert(&bot, &format!("Odd {}", secret(4)), &[("severity", "critical")]);
    bot.passes(minutes(1)).await;
    comes_in(&mut bot, vec![unknown.clone()]).await;
    bot.passes(minutes(1)).await;
    // The same alert is recognised although its row says something else.
    comes_in(&mut bot, vec![unknown.clone()]).await;
    let incidents = bot.store().incidents(IncidentFilter::Unresolved).await.unwrap();
    assert_eq!(incidents.len(), 2, "{incidents:#?}");
    assert!(incidents.iter().any(|incident| incident.title.contains("Odd password=***")), "{incidents:#?}");

    let person = format!("eve {}", secret(5));
    bot.says(&person, Command::Ack { incident: IncidentId(2) }).await;
    bot.passes(minutes(1)).await;
    assert!(bot.says(&person, Command::Ack { incident: IncidentId(2) }).await.contains("is yours already"));
    let note = format!("I put {} back", secret(6));
    bot.says(&person, Command::Resolve { incident: IncidentId(2), note: Some(note) }).await;
    bot.says("eve", Command::Run { playbook: secret(7), set: BTreeMap::new(), dry_run: false }).await;
    let refused = bot.says("eve", asks_for(&secret(8))).await;
    assert!(!refused.contains(LEAK), "{refused}");
    // A name that Kubernetes would take.
    let token = "glpat-abcdefghijklmnopqrst";
    let refused = bot.says("eve", asks_for(token)).await;
    assert!(refused.contains("must not be acted on") && !refused.contains(token), "{refused}");
    bot.passes(minutes(30)).await;

    let over = Alert { status: AlertStatus::Resolved, ends_at: Some(bot.clock.now()), ..unknown };
    comes_in(&mut bot, vec![over]).await;
    leaks_nothing(&bot).await;
    let texts = bot.page_texts().await;
    assert!(texts.contains("page: the pass\u{200b}word is ***"), "{texts}");

    for id in [IncidentId(1), IncidentId(2)] {
        let store = bot.store();
        let incident = store.incident(id).await.unwrap().unwrap();
        let timeline = store.timeline(id).await.unwrap();
        let lines = timeline_lines(&timeline).join("\n");
        assert!(!lines.contains(LEAK) && !lines.contains('\u{200b}'), "{lines}");
        let (runs, episodes) = (store.runs_of(id).await.unwrap(), store.episodes(id, 9).await.unwrap());
        let said = why(&WhyFacts {
            incident: &incident,
            episodes: &episodes,
            runs: &runs,
            timeline: &timeline,
            pages: &[],
            now: bot.clock.now(),
            paging: PagingFacts::default(),
        });
        assert!(!said.contains(LEAK), "{said}");
    }
}

#[tokio::test]
async fn what_is_set_aside_is_masked() {
    let bot = Bot::begins(&[LOOKS], Vec::new()).await;
    let body = SignalBody::Notification(Notification {
        receiver: "dogwatch".into(),
        group_key: secret(1),
        truncated: 0,
        alerts: vec![alert(&bot, "ShopSlow", &[])],
        left_out: Default::default(),
        unauthenticated: false,
    });
    let signal = Signal { source: "alertmanager".into(), key: secret(2), received_at: bot.clock.now(), body };
    let id = bot.store().accept(&signal).await.unwrap().id();
    let again = bot.store().accept(&signal).await.unwrap();
    assert_eq!(again, Accepted::Again(id), "it is recognised by a key that is not stored as it is");
    bot.store().set_aside(id, &format!("it said {}", secret(3)), Decision::default()).await.unwrap();
    leaks_nothing(&bot).await;
    let cells = cells(&bot).await;
    assert!(cells.iter().any(|cell| cell.contains("\"group_key\":\"password=***\"")), "{cells:#?}");
    assert!(cells.iter().any(|cell| cell == "signal: it said password=***"), "{cells:#?}");
}

#[tokio::test]
async fn what_would_act_on_a_secret_calls_somebody_instead() {
    let by_label = LOOKS.replace("namespace: shop, name: \"{{inputs.name}}\"", "from: alert");
    assert_ne!(by_label, LOOKS);
    let mut bot = Bot::begins(&[&by_label], vec![build::deployment("shop", "web", 4)]).await;
    let asks = alert(&bot, "ShopSlow", &[("namespace", "shop"), ("deployment", &secret(1))]);
    comes_in(&mut bot, vec![asks]).await;
    assert!(bot.runs().await.is_empty());
    bot.pages(["shop not run"]).await;
    leaks_nothing(&bot).await;
}
