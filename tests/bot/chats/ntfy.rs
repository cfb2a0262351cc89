//! ntfy: phones that listen to topics.

use std::sync::Arc;

use dogwatch::model::PageEvent;
use dogwatch::notify::{NtfyAuth, NtfySink, Sink as _, SinkError};
use insta::assert_snapshot;

use super::{SOON, begins, contact, hostile, is_silent, long, paged, refusal, secret};
use crate::bot::{Bot, minutes};
use crate::budget::fires;
use crate::world::chats::ntfy::{Ntfy, TOKEN};

fn sink(ntfy: &Ntfy) -> NtfySink {
    NtfySink::new(&ntfy.url, Some(NtfyAuth::Token(secret(TOKEN))), "all-pages", SOON).unwrap()
}

async fn paging() -> (Bot, Ntfy) {
    let ntfy = Ntfy::start().await;
    let bot = begins(vec![Arc::new(sink(&ntfy))]).await;
    (bot, ntfy)
}

/// The topics of all messages but the first.
fn sorted(ntfy: &Ntfy, but: usize) -> Vec<String> {
    let mut topics: Vec<String> = ntfy.messages().iter().skip(but).map(|message| message.topic.clone()).collect();
    topics.sort();
    topics
}

#[tokio::test]
async fn who_is_called_hears_it_on_their_phone_and_of_its_end() {
    let (mut bot, ntfy) = paging().await;
    fires(&mut bot, "ApiDown", "api", "critical").await;
    bot.passes(minutes(2)).await;
    bot.types("anna", "/ack INC-1").await;
    bot.passes(minutes(2)).await;
    bot.types("anna", "/resolve INC-1 a cable").await;
    let mut heard = ntfy.heard();
    // Topics are told at once.
    heard.chunks_mut(2).for_each(<[String]>::sort);
    assert_snapshot!(heard.join("\n"), @"
    alice-phone 5: [S1] INC-1 ApiDown namespace=api deployment=api: it is not well
    all-pages 5: [S1] INC-1 ApiDown namespace=api deployment=api: it is not well
    alice-phone 2: [S1] INC-1 ApiDown namespace=api deployment=api: it is not well
    all-pages 2: [S1] INC-1 ApiDown namespace=api deployment=api: it is not well
    alice-phone 2: [S1] INC-1 (over) ApiDown namespace=api deployment=api: it is not well
    all-pages 2: [S1] INC-1 (over) ApiDown namespace=api deployment=api: it is not well
    ");
    let messages = ntfy.messages();
    assert_snapshot!(messages[0].message, @"
    alice, for team platform

    why a person is needed:
    it is S1, which pages at once; no playbook is run for it

    what fires:
    1 alert since 2026-03-02 01:55:00 UTC
    ApiDown: it is not well
    deployment=api, namespace=api

    what the bot did:
    nothing: no playbook was run

    what changed in the two hours before:
    nothing that the bot knows of

    what to type next:
    kubectl -n api describe deployment api
    /why INC-1 (or: dogwatch why INC-1) tells all that the bot saw and decided

    to acknowledge, so that nobody else is called:
    /ack INC-1 (or: dogwatch ack INC-1)

    query: http://prometheus.example/graph?g0.expr=up+%3D%3D+0&g0.tab=1
    ");
    let ends: Vec<&str> = messages[2..].iter().map(|message| message.message.as_str()).collect();
    assert_eq!(ends, [["anna has acknowledged it"; 2], ["resolved by anna: a cable"; 2]].concat());
    assert_eq!(messages[0].whole["tags"], serde_json::json!(["rotating_light"]));
    assert!(messages.iter().all(|message| message.whole["sequence_id"] == messages[0].whole["sequence_id"]));
}

#[tokio::test]
async fn what_is_less_is_less_loud() {
    let (mut bot, ntfy) = paging().await;
    fires(&mut bot, "QueueStuck", "queue", "warning").await;
    assert!(ntfy.heard().iter().all(|heard| heard.contains(" 4: [S2] ")), "{:#?}", ntfy.heard());
}

#[tokio::test]
async fn a_team_has_a_topic_of_its_own_and_another_one_is_better_than_none() {
    for refused in [None, Some((403, 40_301)), Some((400, 40_010))] {
        let (mut bot, ntfy) = paging().await;
        if let Some(refused) = refused {
            ntfy.server().refusing.insert("databases-pages".into(), refused);
        }
        bot.types("dan", "/page test databases").await;
        let topics = sorted(&ntfy, 0);
        let own = if refused.is_some() { "all-pages" } else { "databases-pages" };
        assert!(topics.len() == 2 && topics.contains(&own.to_owned()) && topics.contains(&"carol-phone".to_owned()));
        let last = ntfy.messages().into_iter().find(|message| message.topic == own).unwrap().message;
        assert_eq!(last.contains("the topic databases-pages takes no page"), refused.is_some(), "{last}");
        // What follows is told where the page went.
        bot.types("carol", "/ack INC-1").await;
        assert_eq!(sorted(&ntfy, 2), topics);
    }
}

#[tokio::test]
async fn whoever_has_it_is_not_woken_again_by_an_attempt_for_others() {
    let ntfy = Ntfy::start().await;
    let sink = sink(&ntfy);
    let mut parcel = paged();
    parcel.mention = vec![contact("alice", Some("alice-phone")), contact("bob", Some("bob-phone"))];
    ntfy.server().refusing.insert("bob-phone".into(), (503, 0));
    assert!(matches!(refusal(&sink, &parcel).await, SinkError::Retry { .. }));
    assert!(matches!(refusal(&sink, &parcel).await, SinkError::Retry { .. }));
    assert_eq!(sorted(&ntfy, 0), ["alice-phone", "all-pages"]);
    ntfy.server().refusing.clear();
    let told = sink.send(&parcel).await.unwrap();
    assert_eq!(told.as_deref(), Some("alice-phone all-pages bob-phone"));
    assert_eq!(sorted(&ntfy, 2), ["bob-phone"]);
    // Another event is told to all.
    (parcel.event, parcel.previous, parcel.outcome) = (Some(PageEvent::Resolve), told, Some("over".into()));
    sink.send(&parcel).await.unwrap();
    assert_eq!(ntfy.messages().len(), 6);
}

#[tokio::test]
async fn whoever_is_called_again_after_an_end_is_called_again() {
    let ntfy = Ntfy::start().await;
    let sink = sink(&ntfy);
    let mut parcel = paged();
    parcel.mention = vec![contact("alice", Some("alice-phone")), contact("bob", Some("bob-phone"))];
    ntfy.server().refusing.insert("bob-phone".into(), (503, 0));
    refusal(&sink, &parcel).await;
    (parcel.event, parcel.outcome) = (Some(PageEvent::Acknowledge), Some("anna has acknowledged it".into()));
    refusal(&sink, &parcel).await;
    parcel.event = Some(PageEvent::Trigger);
    refusal(&sink, &parcel).await;
    let loud = |heard: &&String| heard.starts_with("alice-phone 5");
    assert_eq!(ntfy.heard().iter().filter(loud).count(), 2, "{:#?}", ntfy.heard());
}

#[tokio::test]
async fn an_update_is_not_as_loud_as_a_page() {
    let ntfy = Ntfy::start().await;
    let mut parcel = paged();
    parcel.previous = sink(&ntfy).send(&parcel).await.unwrap();
    parcel.event = Some(PageEvent::Update);
    parcel.mention = vec![contact("carol", Some("carol-phone"))];
    sink(&ntfy).send(&parcel).await.unwrap();
    assert_eq!(ntfy.heard(), ["all-pages 5: [S1] INC-7 the shop is down", "all-pages 3: [S1] INC-7 the shop is down"]);
    assert!(ntfy.messages()[1].message.contains("S1 pages at once"));
}

#[tokio::test]
async fn links_are_pressed_and_lead_where_they_say() {
    let ntfy = Ntfy::start().await;
    sink(&ntfy).send(&paged()).await.unwrap();
    let mut hostile = hostile();
    hostile.mention.clear();
    sink(&ntfy).send(&hostile).await.unwrap();
    let [ours, theirs] = &ntfy.messages()[..] else { panic!() };
    let url = "https://wiki.example.org/shop?a=1&b=2";
    assert_eq!(ours.whole["click"], url);
    assert_eq!(ours.whole["actions"], serde_json::json!([{ "action": "view", "label": "runbook", "url": url }]));
    assert!(theirs.whole.get("click").is_none() && theirs.whole.get("actions").is_none(), "{:#}", theirs.whole);
    assert!(theirs.whole.get("markdown").is_none());
}

#[tokio::test]
async fn whoever_alone_reads_a_topic_acknowledges_by_a_button() {
    let ntfy = Ntfy::start().await;
    let mut parcel = paged();
    let link = |name: &str| Some(format!("https://dogwatch.example.org/ack/9.1.{name}.signature"));
    parcel.mention = vec![
        dogwatch::notify::Contact { ack_url: link("alice"), ..contact("alice", Some("alice-phone")) },
        dogwatch::notify::Contact { ack_url: link("bob"), ..contact("bob", Some("shared")) },
        dogwatch::notify::Contact { ack_url: link("carol"), ..contact("carol", Some("shared")) },
        dogwatch::notify::Contact { ack_url: link("dan"), ..contact("dan", Some("all-pages")) },
    ];
    sink(&ntfy).send(&parcel).await.unwrap();
    for message in ntfy.messages() {
        let labels: Vec<&str> = message.whole["actions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|action| action["label"].as_str().unwrap())
            .collect();
        let is_own = message.topic == "alice-phone";
        assert_eq!(labels, if is_own { vec!["Acknowledge", "runbook"] } else { vec!["runbook"] }, "{}", message.topic);
        assert_eq!(message.whole.to_string().contains("/ack/"), is_own);
    }
}

#[tokio::test]
async fn a_page_without_end_fits_and_says_how_to_see_the_rest() {
    let ntfy = Ntfy::start().await;
    for sign in ["x", "\"", "é", "\u{1F600}", "a b", "漢"] {
        sink(&ntfy).send(&long(sign)).await.unwrap();
        let message = ntfy.messages().pop().unwrap().message;
        assert!(message.contains("/why INC-7 (or: dogwatch why INC-7) tells all"), "{message}");
        assert!(message.len() > 2_500, "{}: {message}", message.len());
    }
}

#[tokio::test]
async fn only_ntfys_own_yes_is_one() {
    let ntfy = Ntfy::start().await;
    for body in [
        "",
        "<html></html>",
        r#"{"id":"x","event":"message","topic":"another"}"#,
        r#"{"id":"","event":"message","topic":"all-pages"}"#,
        r#"{"id":"x","event":"keepalive","topic":"all-pages"}"#,
    ] {
        ntfy.server().faults.refuse(200, &[], body);
        let error = refusal(&sink(&ntfy), &paged()).await;
        assert!(is_silent(&error), "{body}: {error}");
    }
}

#[tokio::test]
async fn what_ntfy_refuses_says_what_to_do() {
    let ntfy = Ntfy::start().await;
    for (status, code, next) in [
        (403, 40_301, "let the account of `pages.ntfy` write to the topic all-pages"),
        (404, 40_401, "write the root of the server in `pages.ntfy.url`"),
        (413, 41_303, "please report it"),
    ] {
        let body = format!(r#"{{"code":{code},"http":{status},"error":"no"}}"#);
        ntfy.server().faults.refuse(status, &[], &body);
        let refused = refusal(&sink(&ntfy), &paged()).await;
        assert!(refused.is_refusal() && refused.to_string().contains(next), "{refused}");
    }
    let stranger = NtfySink::new(&ntfy.url, Some(NtfyAuth::Token(secret("tk_wrong"))), "all-pages", SOON).unwrap();
    let refused = refusal(&stranger, &paged()).await;
    assert!(refused.is_refusal() && refused.to_string().contains("put a token or password"), "{refused}");
    ntfy.server().faults.refuse(429, &[], r#"{"code":42901,"http":429,"error":"limit reached"}"#);
    assert!(matches!(refusal(&sink(&ntfy), &paged()).await, SinkError::Retry { after: Some(_), .. }));
    ntfy.server().faults.refuse(500, &[], "");
    assert!(matches!(refusal(&sink(&ntfy), &paged()).await, SinkError::Retry { after: None, .. }));
    let password = secret("hunter2hunter2");
    let basic = NtfyAuth::Basic { username: "dogwatch".into(), password };
    let by_password = NtfySink::new(&ntfy.url, Some(basic), "all-pages", SOON).unwrap();
    by_password.send(&paged()).await.unwrap();
    assert_eq!(ntfy.messages().len(), 1);
}
