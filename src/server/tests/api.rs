//! Commands, health, metrics, and what is not there.

use std::io::Write;

use super::*;

impl TestServer {
    async fn asks(&self, who: &str, command: &str) -> (u16, Value) {
        self.asks_with(who, command, None).await
    }

    async fn asks_with(&self, who: &str, command: &str, key: Option<&str>) -> (u16, Value) {
        let mut request = self.client.post(self.url("/v1/commands")).bearer_auth(format!("token-of-{who}"));
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        let response = request.json(&json!({ "command": command })).send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    /// Answers every command with what was asked and by whom, until the world ends.
    fn decides(&self) -> JoinSet<()> {
        let store = self.store.clone();
        let mut bell = store.bells().signals.listen();
        let mut decider = JoinSet::new();
        decider.spawn(async move {
            loop {
                bell.borrow_and_update();
                for (id, signal) in store.pending_signals(100).await.unwrap() {
                    let SignalBody::Command { person, command } = signal.body else { continue };
                    let said = format!("{person}: {}", command.word());
                    let reply = Some(CommandReply { granted: !said.ends_with("deny"), text: said });
                    store.apply(id, Decision { changes: Vec::new(), reply }).await.unwrap();
                }
                if bell.changed().await.is_err() {
                    return;
                }
            }
        });
        decider
    }
}

#[tokio::test]
async fn a_command_is_answered() {
    let world = TestServer::new().await;
    let _decider = world.decides();
    assert_eq!(world.asks("victor", "/incidents").await, (200, json!({ "reply": "no open incident", "ok": true })));
    assert_eq!(world.asks("alice", "/ack INC-1").await, (200, json!({ "reply": "alice (api): ack", "ok": true })));
    let (status, answer) = world.asks("victor", "/incidents --severity S1 -o json").await;
    let list: Value = serde_json::from_str(answer["reply"].as_str().unwrap()).unwrap();
    assert_eq!((status, list), (200, json!({ "incidents": [], "left_out": 0 })));
}

#[tokio::test]
async fn a_command_that_cannot_be_done_says_why() {
    let world = TestServer::new().await;
    let (status, answer) = world.asks("alice", "/akc INC-1").await;
    assert_eq!(status, 400);
    assert_eq!(answer, json!({ "reply": "`akc` is no command; did you mean /ack?", "ok": false }));
    let _decider = world.decides();
    let declined = world.asks("alice", "/deny APR-1").await;
    assert_eq!(declined, (409, json!({ "reply": "alice (api): deny", "ok": false })));
    let (status, answer) = world.asks("victor", "/ack INC-1").await;
    assert_eq!((status, &answer["ok"]), (403, &json!(false)));
    assert!(answer["reply"].as_str().unwrap().contains("needs the role responder"), "{answer}");
    assert_eq!(world.asks("alice", "/why INC-9").await.0, 400);
    assert_eq!(world.asks("alice", "/run other --dry-run").await.1["reply"], "there is no playbook `other`");
    world.place.close().await;
    assert_eq!(world.asks("alice", "/ack INC-1").await.0, 503);
}

#[tokio::test]
async fn the_same_key_is_the_same_command() {
    let world = TestServer::new().await;
    let _decider = world.decides();
    for _ in 0..3 {
        assert_eq!(world.asks_with("alice", "/ack INC-1", Some("k-1")).await.0, 200);
    }
    let (status, answer) = world.asks_with("alice", "/resolve INC-1", Some("k-1")).await;
    assert_eq!((status, &answer["ok"]), (409, &json!(false)), "never the answer to another asking");
    assert!(answer["reply"].as_str().unwrap().contains("nothing was done"), "{answer}");
    let (_, answer) = world.asks_with("alice", "/resolve INC-1", Some("k-2")).await;
    assert_eq!(answer["reply"], "alice (api): resolve");
    assert_eq!(world.asks_with("alice", "/help", Some("")).await.0, 400);
    assert_eq!(world.asks_with("alice", "/help", Some(&"k".repeat(201))).await.0, 400);
}

#[tokio::test]
async fn whoever_has_no_token_may_ask_nothing() {
    let world = TestServer::new().await;
    let post = || world.posts("/v1/commands").body(r#"{"command":"/incidents"}"#);
    for request in [
        post(),
        post().bearer_auth("wrong"),
        post().bearer_auth(TOKEN),
        post().basic_auth("alice", Some("token-of-alice")),
    ] {
        let response = request.send().await.unwrap();
        assert!(response.headers().contains_key("www-authenticate"));
        assert_eq!(refusal(response).await.0, 401);
    }
    assert_eq!(world.counts(r#"dogwatch_commands_total{via="api",result="refused"}"#).await, 4);
    let open =
        TestServer::with(Settings { api_tokens: Vec::new(), sources: alertmanager(None, false), ..settings() }).await;
    let request = open.posts("/v1/commands").bearer_auth("").body(r#"{"command":"/incidents"}"#);
    let (status, _, _, hint) = refusal(request.send().await.unwrap()).await;
    assert_eq!((status, hint.as_str()), (401, "no token is configured: set server.api_tokens"));
}

#[tokio::test]
async fn a_body_that_holds_no_command_is_refused() {
    let world = TestServer::new().await;
    let post = |body: Vec<u8>| world.posts("/v1/commands").bearer_auth("token-of-alice").body(body).send();
    for wrong in ["", "{}", "/incidents", r#"{"command":7}"#] {
        let (status, _, at, hint) = refusal(post(wrong.into()).await.unwrap()).await;
        assert_eq!(status, 400, "{wrong}");
        assert!(at.starts_with("line 1") && hint.contains("command"), "{at} {hint}");
    }
    assert_eq!(refusal(post(vec![b' '; 100_000]).await.unwrap()).await.0, 413);
}

#[tokio::test]
async fn it_is_ready_when_the_workers_work_and_the_store_answers() {
    let world = TestServer::new().await;
    assert_eq!(world.get("/healthz").await.status(), 200);
    let (status, error, _, _) = refusal(world.get("/readyz").await).await;
    assert_eq!((status, error.as_str()), (503, "the workers have not been started yet"));
    world.readiness.ready();
    assert_eq!(world.get("/readyz").await.status(), 200);
    world.readiness.not_ready("it is stopping");
    assert_eq!(refusal(world.get("/readyz").await).await.1, "it is stopping");
    world.readiness.ready();
    world.place.close().await;
    assert_eq!(refusal(world.get("/readyz").await).await.1, "the store does not answer");
    assert_eq!(world.get("/healthz").await.status(), 200);
}

#[tokio::test]
async fn metrics_are_for_prometheus() {
    let world = TestServer::new().await;
    let response = world.get("/metrics").await;
    assert_eq!(response.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    let text = response.text().await.unwrap();
    assert!(text.contains("# TYPE dogwatch_notifications_total counter") && !text.contains("# EOF"), "{text}");
    assert!(text.contains("dogwatch_store_up 1"), "{text}");
    let request = world.client.get(world.url("/metrics")).header("accept", "application/openmetrics-text, */*;q=0.1");
    let response = request.send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "application/openmetrics-text; version=1.0.0; charset=utf-8");
    let text = response.text().await.unwrap();
    assert!(text.contains("# TYPE dogwatch_notifications counter") && text.ends_with("# EOF\n"), "{text}");
    assert!(text.contains("# UNIT dogwatch_accept_seconds seconds"), "{text}");
}

#[tokio::test]
async fn what_is_not_there_says_what_is() {
    let world = TestServer::new().await;
    for path in ["/", "/v1/alerts", "/metrics/"] {
        let (status, _, at, hint) = refusal(world.get(path).await).await;
        assert_eq!((status, at), (404, format!("GET {path}")));
        assert!(hint.contains("POST /v1/alertmanager"), "{hint}");
    }
    let response = world.get("/v1/alertmanager").await;
    assert_eq!(response.headers()["allow"], "POST");
    assert_eq!(refusal(response).await.0, 405);
}

/// A log that a test can read.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn no_secret_comes_into_the_log() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber =
        tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(move || writer.clone()).finish();
    // All of this test runs on one thread, so all of it is logged.
    let logging = tracing::subscriber::set_default(subscriber);
    let world = TestServer::new().await;
    let post = |path: &str| world.posts(path);
    post("/v1/alertmanager").bearer_auth("guess-hunter2").body(body(1)).send().await.unwrap();
    post("/v1/alertmanager?token=query-hunter2").bearer_auth(TOKEN).body(body(1)).send().await.unwrap();
    let wrong = body(1).replace("\"firing\"", "\"password=value-hunter2\"");
    post("/v1/alertmanager").bearer_auth(TOKEN).body(wrong).send().await.unwrap();
    world.asks("alice", "/why INC-1").await;
    drop(logging);
    let bytes = log.0.lock().unwrap().clone();
    // What the client and its libraries log is theirs; ours is what stands under our names.
    let text = String::from_utf8(bytes).unwrap();
    let ours: Vec<&str> =
        text.lines().filter(|line| line.contains("dogwatch") || line.contains("tower_http")).collect();
    assert!(ours.iter().any(|line| line.contains("a notification was refused")), "{text}");
    assert!(ours.iter().any(|line| line.contains("a notification came in")), "{text}");
    for line in ours {
        for secret in ["hunter2", TOKEN, "token-of-alice"] {
            assert!(!line.contains(secret), "{line}");
        }
    }
}

#[tokio::test]
async fn a_command_that_is_too_long_is_not_sent_to_the_setting_for_webhooks() {
    let world = TestServer::new().await;
    let (status, refusal) = world.asks("alice", &"/help ".repeat(20_000)).await;
    assert_eq!(status, 413);
    assert_eq!(refusal["hint"], "send one command, which is one line");
}
