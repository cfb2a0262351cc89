//! What becomes of deliveries.

use super::*;

#[tokio::test]
async fn a_delivery_is_durable_before_it_is_accepted() {
    let world = TestServer::new().await;
    let response = world.delivers(fixture("0.34/group.json")).await;
    assert_eq!(response.status(), 200);
    let answer: Value = response.json().await.unwrap();
    assert_eq!(answer, json!({ "signal": "SIG-1", "alerts": 3, "duplicate": false }));
    let [signal] = world.pending().await.try_into().unwrap();
    assert_eq!(signal.source, "alertmanager");
    let SignalBody::Notification(notification) = signal.body else { panic!("{signal:?}") };
    assert_eq!(notification.alerts[2].label("pod"), Some("orders-2"));
    assert_eq!(world.counts(r#"dogwatch_notifications_total{result="accepted"}"#).await, 1);
    assert_eq!(world.counts(r#"dogwatch_alerts_total{status="firing"}"#).await, 3);
    assert_eq!(world.counts("dogwatch_accept_seconds_count").await, 1);
    assert_eq!(world.counts("dogwatch_pending_signals").await, 1);
}

#[tokio::test]
async fn what_its_sender_has_left_out_is_counted_and_answered() {
    let world = TestServer::new().await;
    let body = body(2).replace(r#""truncatedAlerts":0"#, r#""truncatedAlerts":40"#);
    let answer: Value = world.delivers(body.clone()).await.json().await.unwrap();
    assert_eq!(answer["left_out"], json!({ "alerts": 0, "labels": 0, "by_sender": 40 }));
    world.delivers(body).await;
    assert_eq!(world.counts(r#"dogwatch_left_out_total{what="alerts",by="sender"}"#).await, 40);
    assert_eq!(world.counts(r#"dogwatch_left_out_total{what="alerts",by="bounds"}"#).await, 0);
}

#[tokio::test]
async fn what_cannot_be_read_of_a_body_is_counted_and_answered_and_the_rest_is_taken() {
    let world = TestServer::new().await;
    let odd = String::from_utf8(fixture("0.34/group.json")).unwrap().replace("2025-03-01T02:01:00Z", "soon");
    let answer: Value = world.delivers(odd.clone()).await.json().await.unwrap();
    assert_eq!((&answer["alerts"], &answer["left_out"]["damaged"]), (&json!(2), &json!(1)));
    let why = answer["left_out"]["damage"][0].as_str().unwrap();
    assert!(why.starts_with("alerts[1].startsAt: no time"), "{why}");
    // The same again is no news; the same with its text cut off is.
    let again: Value = world.delivers(odd.clone()).await.json().await.unwrap();
    assert_eq!(again["duplicate"], json!(true));
    let cut: Value = world.delivers(odd[..odd.find("orders-2").unwrap()].to_owned()).await.json().await.unwrap();
    assert_eq!((&cut["alerts"], &cut["left_out"]["damaged"]), (&json!(1), &json!(2)));
    assert_eq!(world.counts(r#"dogwatch_left_out_total{what="alerts",by="damage"}"#).await, 3);
    assert_eq!(world.counts(r#"dogwatch_notifications_total{result="accepted"}"#).await, 2);
    let [first, _] = world.pending().await.try_into().unwrap();
    let SignalBody::Notification(notification) = first.body else { panic!("{first:?}") };
    assert_eq!(notification.left_out.damaged, 1);
}

#[tokio::test]
async fn a_secret_in_what_is_malformed_is_not_told_however_it_is_escaped() {
    let world = TestServer::new().await;
    for value in [
        "pass\u{200b}word=hunter2",
        "PASS\u{1b}[1mWORD=hunter2",
        "p\u{ad}assword: hunter2",
        "password=\nhunter2",
        "password\t=\thunter2",
    ] {
        for (wrong, says) in [
            (json!({ "version": "4", "groupKey": "g", "alerts": value }), "invalid type"),
            (json!({ "version": "4", "groupKey": "g", "alerts": [{ "labels": { value: 5 } }] }), "invalid type"),
            (json!({ "version": value, "groupKey": "g", "alerts": [] }), "it is no version"),
        ] {
            let answer = world.delivers(wrong.to_string()).await.text().await.unwrap();
            assert!(answer.contains(says) && !answer.contains("hunter2"), "{answer}");
        }
    }
}

#[tokio::test]
async fn the_same_delivery_again_changes_nothing() {
    let world = TestServer::new().await;
    for n in 0..5 {
        let answer: Value = world.delivers(fixture("0.25/firing.json")).await.json().await.unwrap();
        assert_eq!(answer["duplicate"], json!(n > 0));
        assert_eq!(answer["signal"], "SIG-1");
    }
    assert_eq!(world.pending().await.len(), 1);
    assert_eq!(world.counts(r#"dogwatch_notifications_total{result="duplicate"}"#).await, 4);
    assert_eq!(world.counts(r#"dogwatch_alerts_total{status="firing"}"#).await, 1);
}

#[tokio::test]
async fn three_peers_that_deliver_at_once_deliver_one_signal() {
    let world = TestServer::new().await;
    let deliveries = (0..30).map(|n| world.delivery(fixture(&format!("0.34/peer-{}.json", n % 3))).send());
    for response in futures_util::future::join_all(deliveries).await {
        assert_eq!(response.unwrap().status(), 200);
    }
    assert_eq!(world.pending().await.len(), 1);
    assert_eq!(world.counts(r#"dogwatch_notifications_total{result="duplicate"}"#).await, 29);
}

#[tokio::test]
async fn firing_resolved_and_firing_again_are_three_signals_in_their_order() {
    let world = TestServer::new().await;
    for name in ["firing", "resolved", "firing"] {
        assert_eq!(world.delivers(fixture(&format!("0.34/{name}.json"))).await.status(), 200);
    }
    let states: Vec<usize> = world.pending().await.iter().map(|signal| alerts_that_fire(&signal.body)).collect();
    assert_eq!(states, [1, 0, 1]);
    assert_eq!(world.counts(r#"dogwatch_alerts_total{status="resolved"}"#).await, 1);
}

fn alerts_that_fire(body: &SignalBody) -> usize {
    let SignalBody::Notification(notification) = body else { panic!("{body:?}") };
    notification.alerts.iter().filter(|alert| alert.ends_at.is_none()).count()
}

#[tokio::test]
async fn ten_thousand_alerts_come_in_one_body() {
    let world = TestServer::new().await;
    let body = body(10_000);
    assert!(body.len() > 4_000_000, "{}", body.len());
    let answer: Value = world.delivers(body).await.json().await.unwrap();
    assert_eq!(answer["alerts"], 10_000);
    assert_eq!(world.counts(r#"dogwatch_alerts_total{status="firing"}"#).await, 10_000);
    assert_eq!(world.pending().await.len(), 1);
}

#[tokio::test]
async fn what_is_no_notification_is_refused_with_the_place() {
    let world = TestServer::new().await;
    let wrong = String::from_utf8(fixture("0.34/firing.json")).unwrap().replace("2025-03-01T02:03:04.567Z", "soon");
    let (status, error, at, hint) = refusal(world.delivers(wrong).await).await;
    assert_eq!((status, at.as_str()), (400, "alerts[0].startsAt"));
    assert!(error.starts_with("no time: ") && hint.contains("2025-03-01T02:00:00Z"), "{error}; {hint}");
    let (status, error, at, _) = refusal(world.delivers(r#"{"version":"2"}"#).await).await;
    assert_eq!((status, at.as_str()), (400, "version"));
    assert!(error.contains("Alertmanager's `4` and Grafana's `1`"), "{error}");
    for nonsense in ["", "x", "[1,2]", "{\"version\":\"4\""] {
        assert_eq!(refusal(world.delivers(nonsense).await).await.0, 400, "{nonsense}");
    }
    assert_eq!(world.pending().await.len(), 0);
    assert_eq!(world.counts(r#"dogwatch_notifications_total{result="malformed"}"#).await, 6);
}

#[tokio::test]
async fn only_who_shows_the_token_may_deliver() {
    let world = TestServer::new().await;
    let deliver = |request: RequestBuilder| request.body(body(1)).send();
    let post = || world.posts("/v1/alertmanager");
    for (request, said) in [
        (post(), "nothing says who you are"),
        (post().bearer_auth("wrong"), "this is not the right secret"),
        (post().bearer_auth("token-of-alice"), "this is not the right secret"),
        (post().basic_auth("dogwatch", Some(TOKEN)), "this is not the right secret"),
    ] {
        let response = deliver(request).await.unwrap();
        let ways: Vec<_> = response.headers().get_all("www-authenticate").iter().cloned().collect();
        assert!(ways.iter().any(|way| way.to_str().unwrap().starts_with("Bearer")), "{ways:?}");
        let (status, error, _, hint) = refusal(response).await;
        assert_eq!((status, error.as_str()), (401, said));
        assert!(hint.contains("webhook_config"), "{hint}");
    }
    assert_eq!(world.pending().await.len(), 0);
    assert_eq!(world.counts(r#"dogwatch_notifications_total{result="unauthorised"}"#).await, 4);
}

#[tokio::test]
async fn a_user_and_a_password_do_as_well() {
    let webhook = Credential::Basic { username: "am".into(), password: Secret::new("p:w ä") };
    let world = TestServer::with(Settings { sources: alertmanager(Some(webhook), false), ..settings() }).await;
    let post = |user: &str, password: &str| {
        world.posts("/v1/alertmanager").basic_auth(user, Some(password)).body(body(1)).send()
    };
    assert_eq!(post("am", "p:w ä").await.unwrap().status(), 200);
    for (user, password) in [("am", "p:w"), ("", "p:w ä"), ("am", "")] {
        let response = post(user, password).await.unwrap();
        assert!(response.headers().contains_key("www-authenticate"));
        assert_eq!(refusal(response).await.0, 401, "{user} {password}");
    }
}

#[tokio::test]
async fn without_a_credential_the_door_is_open() {
    let world = TestServer::with(Settings { sources: alertmanager(None, false), ..settings() }).await;
    let response = world.posts("/v1/alertmanager").body(body(1)).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let vouched_for = TestServer::with(Settings { sources: alertmanager(None, true), ..settings() }).await;
    vouched_for.posts("/v1/alertmanager").body(body(1)).send().await.unwrap();
    // Something in front of the second one authenticates, and nothing does so for the first.
    for (world, unauthenticated) in [(&world, true), (&vouched_for, false)] {
        let [signal] = world.pending().await.try_into().unwrap();
        let SignalBody::Notification(notification) = signal.body else { panic!("{signal:?}") };
        assert_eq!(notification.unauthenticated, unauthenticated);
    }
}

#[tokio::test]
async fn a_slash_at_the_end_changes_nothing() {
    let world = TestServer::new().await;
    let delivery = || world.posts("/v1/alertmanager/").body(body(1));
    assert_eq!(delivery().send().await.unwrap().status(), 401);
    assert_eq!(delivery().bearer_auth(TOKEN).send().await.unwrap().status(), 200);
    let command = world.posts("/v1/commands/").bearer_auth("token-of-victor").body(r#"{"command":"/incidents"}"#);
    assert_eq!(command.send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_store_that_does_not_take_it_is_no_reason_to_forget_it() {
    let world = TestServer::new().await;
    world.place.close().await;
    let response = world.delivers(body(1)).await;
    assert_eq!(response.headers()["retry-after"], "5");
    let (status, error, _, hint) = refusal(response).await;
    assert_eq!((status, error.as_str()), (503, "the store does not take it"));
    assert!(hint.contains("again"), "{hint}");
    assert_eq!(world.counts(r#"dogwatch_notifications_total{result="failed"}"#).await, 1);
    assert_eq!(world.counts("dogwatch_store_up").await, 0);
}

#[tokio::test]
async fn a_storm_of_a_thousand_groups_is_taken_in() {
    let world = TestServer::new().await;
    let one = |n: usize| body(1).replace("\"groupKey\":\"{}", &format!("\"groupKey\":\"{n}"));
    let deliveries = (0..1_000).map(|n| world.delivery(one(n)).send());
    for response in futures_util::future::join_all(deliveries).await {
        assert_eq!(response.unwrap().status(), 200);
    }
    assert_eq!(world.pending().await.len(), 1_000);
}

/// A server that takes the events of a source of the kind `generic`.
async fn world_with_events() -> TestServer {
    let map = "{ alerts: body.events, name: event.title, status: event.state, labels: { host: event.host } }";
    let mapping = crate::intake::Mapping::compile(&serde_saphyr::from_str(map).unwrap()).unwrap();
    let source = Source {
        name: "snmp".into(),
        form: crate::intake::Form::Generic(Arc::new(mapping)),
        credential: Some(Credential::Bearer(Secret::new(TOKEN))),
        field: "sources.0.auth".into(),
        ..Source::default()
    };
    TestServer::with(Settings { sources: Sources::new(Some(Source::default()), vec![source]), ..settings() }).await
}

#[tokio::test]
async fn events_of_whoever_are_taken_in_as_their_map_says() {
    let world = world_with_events().await;
    let post = async |path: &str, body: &Value| {
        world.posts(path).bearer_auth(TOKEN).body(body.to_string()).send().await.unwrap()
    };
    let event = |host: &str, state: &str| json!({ "title": "LinkDown", "host": host, "state": state });
    let body = json!({ "events": [event("sw-1", "down"), { "title": "LinkDown" }, event("sw-2", "ok")] });
    let answer: Value = post("/v1/sources/snmp", &body).await.json().await.unwrap();
    assert_eq!((&answer["alerts"], &answer["left_out"]["damaged"]), (&json!(2), &json!(1)));
    let why = answer["left_out"]["damage"][0].as_str().unwrap();
    assert!(why.starts_with("events[1]") && why.contains("event.state"), "{why}");
    let again: Value = post("/v1/sources/snmp", &body).await.json().await.unwrap();
    assert_eq!(again["duplicate"], json!(true), "whenever it comes in");
    let [signal] = world.pending().await.try_into().unwrap();
    assert_eq!(signal.source, "snmp");
    let refused = refusal(post("/v1/sources/snmp", &json!({ "events": [{}] })).await).await;
    assert_eq!((refused.0, refused.2.as_str()), (400, "events[0].name"));
    let (status, ..) = refusal(world.posts("/v1/sources/snmp").body(body.to_string()).send().await.unwrap()).await;
    assert_eq!(status, 401);
    assert_eq!(world.counts(r#"dogwatch_left_out_total{what="alerts",by="damage"}"#).await, 1);
}

#[tokio::test]
async fn each_source_has_a_door_and_a_secret_of_its_own() {
    let source = |name: &str, form: Form, secret: &str| Source {
        name: name.into(),
        form,
        credential: Some(Credential::Bearer(Secret::new(secret))),
        field: format!("the auth of {name}"),
        ..Source::default()
    };
    let sources = vec![
        source("eu-1", Form::Alertmanager, "one"),
        source("us-1", Form::Alertmanager, "two"),
        source("cron", Form::Heartbeat, "three"),
    ];
    let world = TestServer::with(Settings { sources: Sources::new(None, sources), ..settings() }).await;
    let to = |path: &str, secret: &str| world.posts(path).bearer_auth(secret).body(fixture("0.34/group.json")).send();
    assert_eq!(to("/v1/sources/eu-1", "one").await.unwrap().status(), 200);
    assert_eq!(to("/v1/sources/us-1/", "two").await.unwrap().status(), 200);
    let sources: Vec<String> = world.pending().await.into_iter().map(|signal| signal.source).collect();
    assert!(sources.contains(&"eu-1".to_owned()) && sources.contains(&"us-1".to_owned()), "{sources:?}");
    let wrong = to("/v1/sources/eu-1", "two").await.unwrap();
    assert_eq!(wrong.status(), 401);
    assert!(wrong.text().await.unwrap().contains("the auth of eu-1"));
    // Nobody knows which of the two is meant.
    let short = to("/v1/alertmanager", "one").await.unwrap();
    assert_eq!(short.status(), 404);
    assert!(short.text().await.unwrap().contains("/v1/sources/NAME"));
    assert_eq!(to("/v1/sources/nobody", "one").await.unwrap().status(), 404);
    // A heartbeat is whatever is sent, or nothing.
    let calls = async |secret: &str| world.client.get(world.url("/v1/sources/cron")).bearer_auth(secret).send().await;
    assert_eq!(calls("three").await.unwrap().status(), 200);
    assert_eq!(calls("one").await.unwrap().status(), 401);
    let posted = world.client.post(world.url("/v1/sources/cron")).bearer_auth("three").body("backup done");
    assert_eq!(posted.send().await.unwrap().status(), 200);
    let heartbeats = world.store.heartbeats().await.unwrap();
    assert_eq!(heartbeats.iter().map(|it| (it.name.as_str(), it.beats)).collect::<Vec<_>>(), [("cron", 2)]);
    let read = world.client.get(world.url("/v1/sources/eu-1")).bearer_auth("one").send().await.unwrap();
    assert_eq!(read.status(), 405);
}
