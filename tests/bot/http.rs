//! What services answer over HTTP, in a run.

use dogwatch::model::*;
use dogwatch::web::{Scripted, WebAnswer};

use crate::bot::{Bot, minutes};
use crate::evidence::front;

const SLOW: &str = "
apiVersion: dogwatch/v1
kind: Playbook
metadata: { name: front-slow, version: 1.0.0, owner: platform }
summary: the front end is slow
severity: S2
autonomy: auto
page_by: 1h
triggers: [{ alert: FrontSlow }]
target: { kind: Deployment, namespace: web, name: front }
diagnose:
  - id: health
    http.request: { url: \"http://front.web.svc:8080/health/{{alert.labels.part}}?verbose={{alert.labels.part}}\" }
  - require: health.status != 503 && health.?json.?queue.?length.orValue(0) < 100
    because: \"its queue is full: {{health.json.queue.length}} ({{health.summary}})\"
mitigate:
  - id: scale
    k8s.scale: { by: 50%, max: 10 }
    verify: { query: health, until: status == 200 && json.queue.length == 0, settle: 1m, every: 1m, within: 5m }
escalate:
  - page: { message: \"{{because}}\" }
";

fn says(status: u16, body: &str) -> Scripted {
    let content_type = "application/json".to_owned();
    Scripted::Answers(WebAnswer { status, body: body.into(), content_type, ..WebAnswer::default() })
}

async fn slow(answers: Vec<Scripted>) -> Bot {
    let mut bot = Bot::begins(&[SLOW], front()).await;
    bot.passes(minutes(10)).await;
    bot.web.answers_in_turn("http://front.web.svc:8080/health", answers);
    bot
}

#[tokio::test]
async fn what_a_service_answers_decides() {
    let mut bot = slow(vec![says(200, r#"{"queue": {"length": 7}}"#), says(200, r#"{"queue": {"length": 0}}"#)]).await;
    bot.fires("FrontSlow", &[("part", "db x&y")]).await;
    let (outcome, because) = bot.end().await;
    assert_eq!(outcome, Outcome::Fixed, "{because}: {:#?}", bot.log().await);
    assert_eq!(bot.web.asked()[0], "GET http://front.web.svc:8080/health/db%20x%26y?verbose=db%20x%26y");
    bot.keeps_the_laws().await;
}

/// Whoever may fire an alert must not say what else is asked.
#[tokio::test]
async fn a_label_never_climbs_out_of_its_place_in_the_path() {
    for part in ["db/../../admin", "..", "db%2f..%2fadmin", "a\\..\\admin"] {
        let mut bot = slow(vec![says(200, r#"{"queue": {"length": 0}}"#)]).await;
        bot.fires("FrontSlow", &[("part", part)]).await;
        let (outcome, because) = bot.end().await;
        assert_eq!(outcome, Outcome::Escalated, "{part}");
        assert!(
            because.contains("the value of `alert.labels.part`") && because.contains("leads elsewhere"),
            "{because}"
        );
        assert_eq!(bot.web.asked(), Vec::<String>::new(), "{part}");
    }
}

#[tokio::test]
async fn a_full_queue_is_for_a_person() {
    let mut bot = slow(vec![says(200, r#"{"queue": {"length": 512}}"#)]).await;
    bot.fires("FrontSlow", &[("part", "db")]).await;
    let (outcome, because) = bot.end().await;
    assert_eq!(outcome, Outcome::Escalated);
    let told = "its queue is full: 512 (GET http://front.web.svc:8080/health/db: 200 OK, 26 bytes)";
    assert_eq!(because, told);
}

/// It is tried again, and nothing is changed without an answer.
#[tokio::test]
async fn no_answer_is_no_good_answer() {
    let mut bot = slow(vec![Scripted::Away("operation timed out".into())]).await;
    bot.fires("FrontSlow", &[("part", "db")]).await;
    bot.passes(minutes(5)).await;
    let (outcome, because) = bot.end().await;
    assert_eq!(outcome, Outcome::Escalated);
    assert!(because.contains("http://front.web.svc:8080 did not answer: operation timed out"), "{because}");
    assert!(bot.web.asked().len() > 1);
}

#[tokio::test]
async fn whom_the_configuration_does_not_name_nobody_asks_twice() {
    let mut bot = Bot::begins(&[SLOW], front()).await;
    bot.passes(minutes(10)).await;
    bot.fires("FrontSlow", &[("part", "db")]).await;
    let (outcome, because) = bot.end().await;
    assert_eq!(outcome, Outcome::Escalated);
    assert!(because.contains("write there `- url: http://front.web.svc:8080`"), "{because}");
    assert_eq!(bot.web.asked().len(), 1);
}

#[tokio::test]
async fn what_a_service_says_of_secrets_stands_nowhere() {
    let body = r#"{"queue": {"length": 512}, "password": "hunter2hunter2", "url": "postgres://a:hunter2hunter2@db/x"}"#;
    let mut bot = slow(vec![says(200, body)]).await;
    bot.fires("FrontSlow", &[("part", "db")]).await;
    bot.end().await;
    let log = format!("{:?}", bot.log().await);
    assert!(log.contains("512") && !log.contains("hunter2"), "{log}");
}
