//! PagerDuty's webhook, as PagerDuty and others call it.

use super::links::paged_by;
use super::*;
use crate::model::{Command, IncidentId, Via};
use crate::oncall::{OnCall, Roster};
use crate::signature::sign;

const SECRET: &str = "what-pagerduty-signs-by";

const ONCALL: &str = "
apiVersion: dogwatch/v1
kind: OnCall
members: [{ name: ada, email: ada@example.org }, { name: bob }]
teams:
  - name: platform
    rotation: { time_zone: UTC, start: 2026-01-05, handoff: { at: \"09:00\", every: 1w }, members: [ada] }
";

/// A server that hears PagerDuty, with an incident that is paged for.
async fn paged() -> TestServer {
    let oncall = Roster::new(OnCall::parse("oncall.yaml", ONCALL).unwrap());
    let pagerduty = Some(PagerDutyWebhook { secret: Secret::new(SECRET), oncall });
    paged_by(Settings { pagerduty, ..settings() }).await
}

fn event(id: &str, event_type: &str, agent: Value, key: &str) -> Value {
    json!({ "event": {
        "id": id, "event_type": event_type, "resource_type": "incident", "occurred_at": "2026-03-02T02:03:00.000Z",
        "agent": agent, "client": null, "data": { "id": "PT4KHLK", "type": "incident", "incident_key": key },
    } })
}

fn user(name: &str) -> Value {
    json!({ "id": "PXPGF42", "summary": name, "type": "user_reference", "html_url": "https://acme.pagerduty.com/users/PXPGF42" })
}

impl TestServer {
    /// The key of its incident there.
    fn key(&self) -> String {
        format!("dogwatch-{}-INC-1-1-S1", self.store.mark())
    }

    async fn hears(&self, body: impl ToString, signatures: &str) -> u16 {
        let request = self.posts("/v1/pagerduty").header("x-pagerduty-signature", signatures);
        request.body(body.to_string()).send().await.unwrap().status().as_u16()
    }

    /// What PagerDuty itself sends.
    async fn is_told(&self, event: &Value) -> u16 {
        let signature = sign(&Secret::new(SECRET), event.to_string().as_bytes());
        self.hears(event, &format!("v1={signature}")).await
    }

    async fn events(&self, result: &str) -> u64 {
        self.counts(&format!("dogwatch_pagerduty_events_total{{result=\"{result}\"}}")).await
    }
}

#[tokio::test]
async fn who_acknowledges_there_acknowledges_here_and_only_once() {
    let world = paged().await;
    let told = event("01EVENT", "incident.acknowledged", user("ada"), &world.key());
    for _ in 0..3 {
        assert_eq!(world.is_told(&told).await, 202);
    }
    let pending = world.pending().await;
    assert_eq!(pending.len(), 1, "it is durable, and once: {pending:?}");
    let (source, key) = (pending[0].source.as_str(), pending[0].key.as_str());
    assert_eq!((source, key), ("pagerduty", "01EVENT"));
    let SignalBody::Command { person, command } = &pending[0].body else { panic!("{pending:?}") };
    assert_eq!(*command, Command::Ack { incident: IncidentId(1) });
    assert_eq!((person.to_string().as_str(), person.via), ("ada (pagerduty)", Via::PagerDuty));
    assert_eq!(person.role, Some(Role::Responder));
    assert_eq!((world.events("acknowledged").await, world.events("duplicate").await), (1, 2));
}

#[tokio::test]
async fn what_is_closed_there_is_only_acknowledged_here() {
    let world = paged().await;
    assert_eq!(world.is_told(&event("1", "incident.resolved", user("bob"), &world.key())).await, 202);
    let pending = world.pending().await;
    let SignalBody::Command { command, .. } = &pending[0].body else { panic!("{pending:?}") };
    assert_eq!(*command, Command::ClosedAtPager { incident: IncidentId(1) });
    assert_eq!(world.events("resolved").await, 1);
}

#[tokio::test]
async fn a_person_is_known_by_name_or_address_and_else_as_pagerduty_says() {
    let world = paged().await;
    let by_address = json!({ "id": "P1", "summary": "Ada L.", "email": "ada@example.org", "type": "user_reference" });
    let nameless = json!({ "id": "P2", "type": "user_reference" });
    let agents = [user("bob"), by_address, user("ada@example.org"), user("Earl\n<@1> Green\u{202e}"), nameless];
    for (n, agent) in agents.into_iter().enumerate() {
        assert_eq!(world.is_told(&event(&format!("{n}"), "incident.acknowledged", agent, &world.key())).await, 202);
    }
    let named = world.pending().await.into_iter().map(|signal| match signal.body {
        SignalBody::Command { person, .. } => person.name,
        other => panic!("{other:?}"),
    });
    assert_eq!(named.collect::<Vec<_>>(), ["bob", "ada", "ada", "Earl <@1> Green<U+202E>", "PagerDuty's P2"]);
}

#[tokio::test]
async fn what_nothing_follows_from_is_answered_all_the_same() {
    let world = paged().await;
    let key = world.key();
    let mark = world.store.mark().to_owned();
    let other_mark = if mark == "00000000" { "11111111" } else { "00000000" };
    let ours = json!({ "id": "PSERV", "summary": "Dogwatch", "type": "inbound_integration_reference" });
    let acknowledged = |key: &str| event("1", "incident.acknowledged", user("ada"), key);
    for (told, result) in [
        (event("1", "incident.acknowledged", ours.clone(), &key), "no_person"),
        (event("1", "incident.resolved", ours, &key), "no_person"),
        (event("1", "incident.acknowledged", Value::Null, &key), "no_person"),
        (event("1", "incident.unacknowledged", user("ada"), &key), "other_type"),
        (event("1", "incident.reassigned", user("ada"), &key), "other_type"),
        (json!({ "event": { "id": "1", "event_type": "pagey.ping", "data": { "message": "hi" } } }), "other_type"),
        (acknowledged(&key.replace(&mark, other_mark)), "other_database"),
        (acknowledged(&key.replace("INC-1-", "INC-2-")), "unknown_incident"),
        (acknowledged(&key.replace("-S1", "-S2")), "unknown_incident"),
        (acknowledged(&key.replace("-1-S1", "")), "unknown_incident"),
        (acknowledged("baf7cf21b1da41b4b0221008339ff357"), "unknown_incident"),
        (acknowledged(""), "unknown_incident"),
        (event(&"x".repeat(201), "incident.acknowledged", user("ada"), &key), "unreadable"),
        (json!({ "event": { "event_type": "incident.acknowledged" } }), "unreadable"),
        (json!([]), "unreadable"),
    ] {
        let before = world.events(result).await;
        assert_eq!(world.is_told(&told).await, 202, "{told}");
        assert_eq!(world.events(result).await, before + 1, "{result}: {told}");
    }
    assert_eq!(world.pending().await, []);
}

#[tokio::test]
async fn only_a_right_signature_over_what_came_opens() {
    let world = paged().await;
    let told = event("1", "incident.acknowledged", user("ada"), &world.key());
    let text = told.to_string();
    let right = sign(&Secret::new(SECRET), text.as_bytes());
    let wrong = sign(&Secret::new("another secret"), text.as_bytes());
    let many = vec![format!("v1={wrong}"); 8].join(",");
    for (body, signatures) in [
        (text.clone(), String::new()),
        (text.clone(), right.clone()),
        (text.clone(), format!("v2={right}")),
        (text.clone(), format!("v1={wrong}")),
        (text.replace("ada", "bob"), format!("v1={right}")),
        (format!("{text} "), format!("v1={right}")),
        (text.clone(), format!("{many},v1={right}")),
    ] {
        assert_eq!(world.hears(&body, &signatures).await, 401, "{signatures}");
    }
    assert_eq!(world.pending().await, []);
    assert_eq!(world.counts(r#"dogwatch_authentication_failures_total{via="pagerduty"}"#).await, 7);
    // While a secret is changed, both sign.
    assert_eq!(world.hears(&text, &format!("v1={wrong}, v1={right}")).await, 202);
    assert_eq!(world.pending().await.len(), 1);
}

#[tokio::test]
async fn guesses_are_limited_and_pagerduty_is_not() {
    let world = paged().await;
    let told = event("1", "incident.acknowledged", user("ada"), &world.key());
    let mut heard = Vec::new();
    for _ in 0..12 {
        heard.push(world.hears(&told, "v1=00").await);
    }
    assert_eq!(heard[..10], [401; 10]);
    assert_eq!(heard[11], 429);
    assert_eq!(world.is_told(&told).await, 202);
}

#[tokio::test]
async fn who_sends_slowly_keeps_pagerduty_from_nothing() {
    use tokio::io::AsyncWriteExt as _;
    let world = paged().await;
    let mut slow = Vec::new();
    for _ in 0..200 {
        let mut stream = tokio::net::TcpStream::connect(world.address).await.unwrap();
        let head = "POST /v1/pagerduty HTTP/1.1\r\nhost: a\r\ncontent-length: 200000\r\n\r\nx";
        stream.write_all(head.as_bytes()).await.unwrap();
        slow.push(stream);
    }
    let told = event("1", "incident.acknowledged", user("ada"), &world.key());
    assert_eq!(world.is_told(&told).await, 202);
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_and_without_a_secret_there_is_no_route() {
    let world = paged().await;
    assert_eq!(world.hears("x".repeat(300 * 1024), "v1=00").await, 413);
    let mut long = event("1", "incident.acknowledged", user("ada"), &world.key());
    long["event"]["data"]["body"] = "x".repeat(200 * 1024).into();
    assert_eq!(world.is_told(&long).await, 202);
    let without = TestServer::new().await;
    assert_eq!(without.hears("{}", "v1=00").await, 404);
}
