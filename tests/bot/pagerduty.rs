//! PagerDuty: what it hears of pages, and what its people do there.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use dogwatch::chat::Desk;
use dogwatch::message::PageText;
use dogwatch::model::*;
use dogwatch::notify::{PagerDutySink, Parcel, RoutingKeys, Sink as _};
use dogwatch::store::{IncidentStore as _, Sinks, Standing};

use dogwatch::server::{PagerDutyWebhook, Readiness, Server, Settings, router};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::bot::{Bot, minutes};
use crate::budget::fires;
use crate::why::Nothing;
use crate::world::pagerduty::{DATABASES, PLATFORM, PagerDuty, WEBHOOK_SECRET, user, webhook};
use crate::world::parcels::page as parcel;

/// A playbook of the databases' team that needs a person whenever it runs.
const LOOK: &str = r#"
apiVersion: dogwatch/v1
kind: Playbook
metadata: { name: look, version: 1.0.0, owner: databases }
summary: the disk is slow
severity: S2
autonomy: auto
triggers:
  - alert: DiskSlow
target: { kind: Deployment, namespace: kube-system, name: coredns }
diagnose:
  - require: "false"
    because: the disk is full
escalate:
  - page: { message: look at the disk }
"#;

fn sink(url: &str, keys: &[(&str, &str)]) -> Arc<PagerDutySink> {
    let secret = |key: &str| Secret::new(key);
    let of_others = keys.iter().find(|(team, _)| team.is_empty()).map(|(_, key)| secret(key));
    let of_teams: BTreeMap<String, Secret> =
        keys.iter().filter(|(team, _)| !team.is_empty()).map(|(team, key)| ((*team).to_owned(), secret(key))).collect();
    let keys = RoutingKeys::new(of_others, of_teams);
    Arc::new(PagerDutySink::new(url, keys, Duration::from_secs(5)).unwrap())
}

fn sinks() -> Sinks {
    let name = || ["pagerduty".to_owned()].into();
    Sinks { hear_ends: name(), escalate: name(), ..crate::world::story::sinks(&[], &["pagerduty"]) }
}

/// A bot whose pages go to PagerDuty: by one key for all, and another one for the databases.
async fn begins() -> (Bot, PagerDuty) {
    let mut bot = Bot::begins(&[LOOK], crate::crashes::coredns()).await;
    let pagerduty = PagerDuty::start().await;
    bot.sinks = sinks();
    bot.trackers = vec![sink(&pagerduty.url, &[("", PLATFORM), ("databases", DATABASES)])];
    bot.is_restarted().await;
    (bot, pagerduty)
}

/// Why the page of the last attempt has not come.
async fn trouble(bot: &Bot) -> String {
    let pages = bot.store().unanswered_pages().await.unwrap();
    let trouble = pages.iter().flat_map(|page| &page.deliveries).find_map(|delivery| delivery.error.clone());
    trouble.expect("it has not come")
}

#[tokio::test]
async fn a_page_is_one_incident_there_until_it_is_over() {
    let (mut bot, pagerduty) = begins().await;
    fires(&mut bot, "ApiDown", "api", "critical").await;
    bot.passes(minutes(60)).await;
    assert_eq!(pagerduty.heard(), ["trigger INC-1-1-S1 platform"], "it calls the next itself");
    bot.types("anna", "/ack INC-1").await;
    bot.passes(minutes(2)).await;
    assert_eq!(pagerduty.incidents()[0].status, "acknowledged");
    bot.types("anna", "/resolve INC-1 a cable").await;
    bot.passes(minutes(2)).await;
    assert_eq!(pagerduty.heard()[1..], ["acknowledge INC-1-1-S1 platform", "resolve INC-1-1-S1 platform"]);
    let incidents = pagerduty.incidents();
    assert_eq!(incidents.len(), 1);
    assert_eq!((incidents[0].status, incidents[0].calls), ("resolved", 1));
}

#[tokio::test]
async fn an_event_says_what_a_person_needs() {
    let (mut bot, pagerduty) = begins().await;
    bot.fires("DiskSlow", &[("severity", "warning"), ("namespace", "kube-system")]).await;
    bot.passes(minutes(1)).await;
    let mut event = pagerduty.events().remove(0);
    event["dedup_key"] = event["dedup_key"].as_str().unwrap().replacen(bot.store().mark(), "3f9a1c2e", 1).into();
    insta::assert_snapshot!(serde_json::to_string_pretty(&event).unwrap(), @r#"
    {
      "client": "Dogwatch",
      "dedup_key": "dogwatch-3f9a1c2e-INC-1-1-S2",
      "event_action": "trigger",
      "links": [],
      "payload": {
        "class": "the disk is slow: deployment/coredns in kube-system",
        "component": "deployment/coredns",
        "custom_details": {
          "incident": "INC-1",
          "on call": "bob",
          "team": "databases",
          "to acknowledge": "/ack INC-1 (or: dogwatch ack INC-1)",
          "what changed before": "- 02:00:00: deployment/coredns was created\n- 02:00:00: rollout of deployment/coredns: NewReplicaSetAvailable: ReplicaSet \"coredns-tvkk4msgn7\" has successfully progressed.",
          "what fires": "1 alert since 2026-03-02 02:00:00 UTC, about deployment/coredns in kube-system\nDiskSlow\nnamespace=kube-system",
          "what the playbook says": "look at the disk",
          "what to type next": "kubectl -n kube-system describe deployment coredns\n/why INC-1 (or: dogwatch why INC-1) tells all that the bot saw and decided",
          "what was done": "nothing",
          "what was found": "- requirement not met: the disk is full",
          "why a person is needed": "RUN-1 of look stopped and needs a person: the disk is full"
        },
        "group": "kube-system",
        "severity": "error",
        "source": "deployment/coredns in kube-system",
        "summary": "[S2] INC-1 deployment/coredns in kube-system: the disk is slow",
        "timestamp": "2026-03-02T02:00:00Z"
      },
      "routing_key": "R0DATABASES000000000000000000000"
    }
    "#);
}

#[tokio::test]
async fn a_team_has_its_own_service_and_what_that_opened_ends_there() {
    let (mut bot, pagerduty) = begins().await;
    bot.fires("DiskSlow", &[("severity", "warning")]).await;
    bot.passes(minutes(1)).await;
    assert_eq!(pagerduty.heard(), ["trigger INC-1-1-S2 databases"]);
    // The team gets another service, and the former one is now that of all others.
    bot.trackers = vec![sink(&pagerduty.url, &[("", DATABASES), ("databases", PLATFORM)])];
    bot.is_restarted().await;
    bot.types("anna", "/resolve INC-1").await;
    bot.passes(minutes(1)).await;
    assert_eq!(pagerduty.heard()[1..], ["resolve INC-1-1-S2 databases"]);
    assert_eq!(pagerduty.incidents()[0].status, "resolved");
}

#[tokio::test]
async fn a_lost_answer_opens_no_second_incident() {
    let (mut bot, pagerduty) = begins().await;
    pagerduty.loses_an_answer();
    fires(&mut bot, "ApiDown", "api", "critical").await;
    bot.passes(minutes(2)).await;
    assert_eq!(pagerduty.heard(), ["trigger INC-1-1-S1 platform"; 2]);
    assert_eq!(pagerduty.incidents().len(), 1);
    bot.types("anna", "/resolve INC-1").await;
    bot.passes(minutes(2)).await;
    assert_eq!(pagerduty.incidents()[0].status, "resolved");
}

#[tokio::test]
async fn only_pagerdutys_own_yes_is_one() {
    for (status, body, says) in [
        (200, "<html>Sign in</html>", "the answer 200 OK is not PagerDuty's: <html>Sign in</html>"),
        (200, r#"{"status":"success","dedup_key":"x"}"#, "is not PagerDuty's"),
        (202, r#"{"status":"success","dedup_key":"another"}"#, "look at `pages.pagerduty.api_url`"),
        (202, "", "the answer 202 Accepted is not PagerDuty's"),
        (301, "moved", "redirects are not followed"),
        (
            400,
            r#"{"status":"invalid event","message":"Event object is invalid","errors":["Invalid routing key"]}"#,
            "PagerDuty does not take the event: Invalid routing key; look at `pages.pagerduty.routing_key`",
        ),
        (403, "no", "PagerDuty answered 403 Forbidden: no; look at `pages.pagerduty.routing_key`"),
    ] {
        let (mut bot, pagerduty) = begins().await;
        pagerduty.says(status, &[], body);
        fires(&mut bot, "ApiDown", "api", "critical").await;
        let trouble = trouble(&bot).await;
        assert!(trouble.contains(says), "{status} {body}: {trouble}");
        assert!(!trouble.contains(PLATFORM), "{trouble}");
        // It is tried on all the same: somebody may put it right.
        bot.passes(minutes(8)).await;
        assert_eq!(pagerduty.heard(), ["trigger INC-1-1-S1 platform"], "{status} {body}");
    }
}

#[tokio::test]
async fn who_is_limited_comes_again_when_it_may() {
    let (mut bot, pagerduty) = begins().await;
    pagerduty.says(429, &[("retry-after", "90")], "");
    pagerduty.says(429, &[], "");
    pagerduty.says(503, &[], "later");
    fires(&mut bot, "ApiDown", "api", "critical").await;
    let limited = trouble(&bot).await;
    assert!(limited.contains("429 Too Many Requests: too many events for `pages.pagerduty.routing_key`"), "{limited}");
    bot.passes(Duration::from_secs(89)).await;
    assert_eq!(trouble(&bot).await, limited);
    bot.passes(minutes(5)).await;
    assert_eq!(pagerduty.heard(), ["trigger INC-1-1-S1 platform"]);
}

/// The bot's server, for what comes back from PagerDuty. It serves until it is dropped.
struct Door {
    url: String,
    _server: JoinSet<()>,
}

impl Door {
    async fn of(bot: &Bot) -> Self {
        let (store, clock, nothing) = (bot.store().clone(), bot.clock.clone(), Arc::new(Nothing));
        let desk = Desk::new(store.clone(), clock.clone(), Arc::default(), nothing.clone(), nothing);
        let pagerduty = PagerDutyWebhook { secret: Secret::new(WEBHOOK_SECRET), oncall: bot.rules.oncall.clone() };
        let settings = Settings { pagerduty: Some(pagerduty), ..Settings::default() };
        let readiness = Arc::new(Readiness::default());
        let server = Server::new(store, clock, Arc::new(desk), Arc::default(), readiness, settings);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1/pagerduty", listener.local_addr().unwrap());
        let app = router(Arc::new(server));
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, _server: server }
    }

    async fn hears(&self, (body, signature): (Vec<u8>, String)) {
        let request = reqwest::Client::builder().no_proxy().build().unwrap().post(&self.url);
        let request = request.header("content-type", "application/json").header("x-pagerduty-signature", signature);
        assert_eq!(request.body(body).send().await.unwrap().status(), 202);
    }
}

#[tokio::test]
async fn who_acknowledges_there_has_it_here_and_nothing_comes_back_of_that() {
    let (mut bot, pagerduty) = begins().await;
    fires(&mut bot, "ApiDown", "api", "critical").await;
    let key = pagerduty.incidents()[0].key.clone();
    let door = Door::of(&bot).await;
    let acknowledged = webhook("01A", "incident.acknowledged", user("ada"), &key);
    door.hears(acknowledged.clone()).await;
    bot.passes(minutes(1)).await;
    let incident = bot.incident(1).await;
    assert_eq!((incident.state, incident.owner.as_deref()), (IncidentState::Acknowledged, Some("ada")));
    let told = bot.tells(1).await;
    assert!(told.iter().any(|line| line.contains("ada has acknowledged it")), "{told:?}");
    // Somebody else takes it; a redelivery does not give it back.
    bot.types("bob", "/ack INC-1").await;
    door.hears(acknowledged).await;
    bot.passes(minutes(1)).await;
    assert_eq!(bot.incident(1).await.owner.as_deref(), Some("bob"));
    // What the bot does there itself comes back, too.
    let service = serde_json::json!({ "id": "PS", "summary": "Dogwatch", "type": "inbound_integration_reference" });
    door.hears(webhook("01B", "incident.acknowledged", service, &key)).await;
    bot.passes(minutes(10)).await;
    assert_eq!(pagerduty.heard(), ["trigger INC-1-1-S1 platform", "acknowledge INC-1-1-S1 platform"]);
    assert_eq!(bot.tells(1).await.len(), told.len() + 1);
}

#[tokio::test]
async fn what_is_closed_there_goes_on_here_and_is_not_opened_there_again() {
    let (mut bot, pagerduty) = begins().await;
    fires(&mut bot, "ApiDown", "api", "critical").await;
    let key = pagerduty.incidents()[0].key.clone();
    let door = Door::of(&bot).await;
    door.hears(webhook("01A", "incident.resolved", user("Earline Greenholt"), &key)).await;
    bot.passes(minutes(5)).await;
    let incident = bot.incident(1).await;
    assert_eq!((incident.state, incident.owner.as_deref()), (IncidentState::Acknowledged, Some("Earline Greenholt")));
    let told = bot.tells(1).await.join("\n");
    assert!(told.contains("Earline Greenholt has acknowledged it"), "{told}");
    let says = "Earline Greenholt (pagerduty) has resolved it there, which is no proof that it is over";
    assert!(told.contains(says) && told.contains("/resolve INC-1"), "{told}");
    assert_eq!(pagerduty.heard(), ["trigger INC-1-1-S1 platform"], "what is closed there hears nothing more");
    bot.types("bob", "/resolve INC-1").await;
    let answer = webhook("01C", "incident.resolved", user("ada"), &key);
    door.hears(answer).await;
    bot.passes(minutes(1)).await;
    assert_eq!(bot.incident(1).await.state, IncidentState::Resolved);
}

#[tokio::test]
async fn an_acknowledgement_of_a_part_is_one_of_the_whole() {
    let (mut bot, pagerduty) = begins().await;
    fires(&mut bot, "ApiDown", "api", "critical").await;
    fires(&mut bot, "CartDown", "cart", "critical").await;
    bot.passes(minutes(1)).await;
    let keys: Vec<String> = pagerduty.incidents().into_iter().map(|incident| incident.key).collect();
    assert_eq!(keys.len(), 2);
    bot.types("bob", "/merge INC-2 --into INC-1").await;
    let door = Door::of(&bot).await;
    door.hears(webhook("01A", "incident.acknowledged", user("ada"), &keys[1])).await;
    bot.passes(minutes(1)).await;
    assert_eq!(bot.incident(1).await.owner.as_deref(), Some("ada"));
    let statuses: Vec<&str> = pagerduty.incidents().iter().map(|incident| incident.status).collect();
    assert_eq!(statuses, ["acknowledged", "acknowledged"]);
}

#[tokio::test]
async fn an_acknowledgement_of_what_became_worse_since_is_none_of_that() {
    let (mut bot, pagerduty) = begins().await;
    bot.fires("ApiSlow", &[("severity", "warning")]).await;
    bot.passes(minutes(1)).await;
    bot.fires("ApiSlow", &[("severity", "critical")]).await;
    bot.passes(minutes(1)).await;
    let keys: Vec<String> = pagerduty.incidents().into_iter().map(|incident| incident.key).collect();
    assert_eq!(keys.len(), 2);
    let door = Door::of(&bot).await;
    door.hears(webhook("01A", "incident.acknowledged", user("ada"), &keys[0])).await;
    bot.passes(minutes(1)).await;
    assert_eq!(bot.incident(1).await.owner, None);
    door.hears(webhook("01B", "incident.acknowledged", user("ada"), &keys[1])).await;
    bot.passes(minutes(1)).await;
    assert_eq!(bot.incident(1).await.owner.as_deref(), Some("ada"));
}

#[tokio::test]
async fn a_page_that_is_too_long_is_cut_and_says_where_all_of_it_is() {
    let pagerduty = PagerDuty::start().await;
    let sink = sink(&pagerduty.url, &[("", PLATFORM)]);
    let found: Vec<String> = (0..40_000).map(|n| format!("\"{n}\" \u{e4}\u{2028}")).collect();
    let page = PageText {
        reason: "the disk is full".into(),
        found_heading: "found:".into(),
        found,
        next: vec!["/why INC-7".into()],
        ..PageText::default()
    };
    let opened_by = sink.send(&parcel(page)).await.unwrap().unwrap();
    assert!(opened_by.starts_with("routing_key@") && !opened_by.contains("PLATFORM"), "{opened_by}");
    let details = pagerduty.events()[0]["payload"]["custom_details"].clone();
    let text = details["text"].as_str().unwrap();
    assert!(text.contains("the disk is full") && text.contains("/why INC-7") && text.len() < 200_000, "{text}");
    assert_eq!(details["all of it"], "dogwatch why INC-7");
}

#[tokio::test]
async fn news_of_what_somebody_has_opens_nothing_anew() {
    let pagerduty = PagerDuty::start().await;
    let sink = sink(&pagerduty.url, &[("", PLATFORM)]);
    let page = PageText { reason: "the disk is full".into(), ..PageText::default() };
    let opened_by = sink.send(&parcel(page.clone())).await.unwrap();
    let news = |standing| Parcel {
        event: Some(PageEvent::Update),
        standing: Some(standing),
        previous: opened_by.clone(),
        ..parcel(page.clone())
    };
    assert_eq!(sink.send(&news(Standing::Open)).await.unwrap(), opened_by);
    assert_eq!(sink.send(&news(Standing::Acknowledged)).await.unwrap(), opened_by);
    assert_eq!(pagerduty.heard(), ["trigger INC-7-1-S1 platform"; 2]);
}
