//! Acknowledging by a link, without a login.

use super::*;
use crate::clock::Clock as _;
use crate::intake::command_signal;
use crate::model::{Command, Grouping, PageId, Person, Severity, Via};
use crate::store::{Change, IncidentRef, NewIncident, NewPage, PageReason};

fn links() -> AckLinks {
    AckLinks::new("https://bot.example", Secret::new("what signs links"))
}

/// The path of a link for ada, whose page was made so long ago.
fn link(hours: i64) -> String {
    let made_at = SystemClock::default().now() - chrono::TimeDelta::hours(hours);
    links().url(PageId(1), "ada <b>", made_at).strip_prefix("https://bot.example").unwrap().to_owned()
}

/// A server with an incident that is paged for.
async fn paged() -> TestServer {
    paged_by(Settings { ack_links: Some(links()), ..settings() }).await
}

pub(super) async fn paged_by(settings: Settings) -> TestServer {
    let world = TestServer::with(settings).await;
    let person = Person { name: "x".into(), via: Via::Api, id: "x".into(), role: Some(Role::Responder) };
    let asked = command_signal(&person, Command::Help, None, SystemClock::default().now());
    let id = world.store.accept(&asked).await.unwrap().id();
    let incident = NewIncident {
        grouping: Grouping::SetAside,
        gathers: Vec::new(),
        shares: Vec::new(),
        title: "orders is <script>down</script>".into(),
        severity: Severity::S1,
        target: None,
        team: "platform".into(),
        playbook: None,
    };
    let page = NewPage { level: 1, team: "platform".into(), reason: PageReason::SeverityOne, text: None };
    let changes = vec![Change::OpenIncident(incident), Change::Page { incident: IncidentRef::New(0), page }];
    world.store.apply(id, Decision { changes, reply: None }).await.unwrap();
    world
}

#[tokio::test]
async fn a_link_shows_what_it_is_about_and_only_its_button_acknowledges() {
    let world = paged().await;
    let shown = world.get(&link(1)).await;
    assert_eq!(shown.status(), 200);
    for (name, value) in
        [("cache-control", "no-store"), ("referrer-policy", "no-referrer"), ("x-robots-tag", "noindex")]
    {
        assert_eq!(shown.headers()[name], value);
    }
    assert!(shown.headers()["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'"));
    let text = shown.text().await.unwrap();
    assert!(text.contains("<h1>[S1] INC-1</h1>") && text.contains("Acknowledge as ada &lt;b&gt;"), "{text}");
    assert!(text.contains("orders is &lt;script&gt;down&lt;/script&gt;") && !text.contains("<script>"), "{text}");
    assert_eq!(world.pending().await, [], "nobody acknowledges by looking");

    let mut acknowledging = JoinSet::new();
    let (client, url) = (world.client.clone(), world.url(&link(1)));
    acknowledging.spawn(async move { client.post(url).send().await.unwrap() });
    let mut bell = world.store.bells().signals.listen();
    let (id, signal) = loop {
        bell.borrow_and_update();
        if let Some(pending) = world.store.pending_signals(10).await.unwrap().pop() {
            break pending;
        }
        bell.changed().await.unwrap();
    };
    let SignalBody::Command { person, command } = signal.body else { panic!("{signal:?}") };
    assert_eq!((person.to_string().as_str(), person.role), ("ada <b> (link)", Some(Role::Responder)));
    let incident = crate::model::IncidentId(1);
    assert_eq!(command, Command::Ack { incident });
    let (by, incident) = (person.name, IncidentRef::Existing(incident));
    let reply = Some(CommandReply::granted("INC-1 is yours"));
    let changes = vec![Change::Acknowledge { incident, by }];
    world.store.apply(id, Decision { changes, reply }).await.unwrap();
    let done = acknowledging.join_next().await.unwrap().unwrap();
    assert_eq!(done.status(), 200);
    let text = done.text().await.unwrap();
    assert!(text.contains("INC-1 is yours") && text.contains("It is acknowledged."), "{text}");

    // Again, by a second press or a reload, it is the same asking.
    let again = world.client.post(world.url(&link(1))).send().await.unwrap();
    assert!(again.text().await.unwrap().contains("INC-1 is yours"));
    assert_eq!(world.pending().await, []);
    let shown = world.get(&link(1)).await.text().await.unwrap();
    assert!(shown.contains("Somebody has it since") && !shown.contains("<form"), "{shown}");
}

#[tokio::test]
async fn a_link_that_is_none_or_too_old_does_nothing_and_says_what_to_do() {
    let world = paged().await;
    let old = world.client.post(world.url(&link(25))).send().await.unwrap();
    assert_eq!(old.status(), 410);
    let text = old.text().await.unwrap();
    assert!(text.contains("this link has expired") && text.contains("/ack INC-1"), "{text}");
    let right = link(1);
    for wrong in [format!("{right}0"), right.replace("/ack/1.", "/ack/2."), "/ack/x".to_owned(), "/ack/..".to_owned()] {
        let got = world.client.post(world.url(&wrong)).send().await.unwrap();
        assert_eq!(got.status(), 404, "{wrong}");
    }
    assert_eq!(world.pending().await, []);
    assert!(world.counts(r#"dogwatch_authentication_failures_total{via="link"}"#).await >= 3);
}

#[tokio::test]
async fn without_a_public_url_there_are_no_links() {
    let world = TestServer::new().await;
    assert_eq!(world.get(&link(1)).await.status(), 404);
    assert_eq!(world.client.post(world.url(&link(1))).send().await.unwrap().status(), 404);
}
