//! Slack, as a bot and by an incoming webhook.

use std::sync::Arc;

use dogwatch::model::{PageEvent, Severity};
use dogwatch::notify::{Sink as _, SinkError, SlackSink};
use insta::assert_snapshot;

use super::{SOON, begins, contact, hostile, is_silent, long, paged, refusal, secret};
use crate::bot::{Bot, minutes};
use crate::budget::{fires, resolves};
use crate::why::asks_with;
use crate::world::chats::slack::{Message, OF_HOOK, Slack, TOKEN};

const CHANNEL: &str = "C0PLATFORM";

fn bot_of(slack: &Slack) -> SlackSink {
    SlackSink::bot(&slack.api(), secret(TOKEN), CHANNEL, SOON).unwrap()
}

fn hook_of(slack: &Slack) -> SlackSink {
    SlackSink::webhook(&secret(&slack.hook()), SOON).unwrap()
}

async fn as_a_bot() -> (Bot, Slack) {
    let slack = Slack::start().await;
    let bot = begins(vec![Arc::new(bot_of(&slack))]).await;
    (bot, slack)
}

#[tokio::test]
async fn a_page_is_one_message_that_is_edited_to_its_end() {
    let (mut bot, slack) = as_a_bot().await;
    fires(&mut bot, "ApiDown", "api", "critical").await;
    let [message] = &slack.messages()[..] else { panic!("{:#?}", slack.messages()) };
    assert_eq!((message.channel.as_str(), &message.mentions[..]), (CHANNEL, &["@U0ALICE00".to_owned()][..]));
    assert_eq!(message.text, "\u{1F4DF} alice: [S1] INC-1 ApiDown namespace=api deployment=api: it is not well");
    assert_snapshot!(message.shown(), @"
    📟 [S1] INC-1 ApiDown namespace=api deployment=api: it is not well
    <@U0ALICE00>, for team `platform`
    *why a person is needed:*
    ```
    it is S1, which pages at once; no playbook is run for it
    ```
    *what fires:*
    ```
    1 alert since 2026-03-02 01:55:00 UTC
    ApiDown: it is not well
    deployment=api, namespace=api
    ```
    *what the bot did:*
    ```
    nothing: no playbook was run
    ```
    *what changed in the two hours before:*
    ```
    nothing that the bot knows of
    ```
    *what to type next:*
    ```
    kubectl -n api describe deployment api
    /why INC-1 (or: dogwatch why INC-1) tells all that the bot saw and decided
    ```
    *to acknowledge, so that nobody else is called:*
    ```
    /ack INC-1 (or: dogwatch ack INC-1)
    ```
    query: <http://prometheus.example/graph?g0.expr=up+%3D%3D+0&g0.tab=1>
    ");
    bot.passes(minutes(2)).await;
    bot.types("anna", "/ack INC-1").await;
    let message = slack.messages()[0].clone();
    assert!(message.shown().contains("anna has acknowledged it"), "{}", message.shown());
    bot.passes(minutes(2)).await;
    bot.types("anna", "/resolve INC-1 a *cable*").await;
    let [message] = &slack.messages()[..] else { panic!("{:#?}", slack.messages()) };
    assert!(message.shown().contains("resolved by anna: a *cable*"), "{}", message.shown());
    assert_eq!((message.edits, message.mentions.len()), (2, 1), "nobody is mentioned by an edit");
    assert!(message.text.starts_with('\u{2705}'), "{}", message.text);
}

#[tokio::test]
async fn the_next_level_is_a_message_of_its_own_and_both_hear_the_end() {
    let (mut bot, slack) = as_a_bot().await;
    fires(&mut bot, "ApiDown", "api", "critical").await;
    bot.passes(minutes(6)).await;
    resolves(&mut bot, "ApiDown", "api", "critical").await;
    bot.types("anna", "/resolve INC-1").await;
    bot.passes(minutes(1)).await;
    let messages = slack.messages();
    assert_eq!(messages.len(), 2);
    assert!(messages.iter().all(|message| message.mentions == ["@U0ALICE00"]), "{messages:#?}");
    assert!(messages.iter().all(|message| message.shown().contains("resolved by")), "{messages:#?}");
}

#[tokio::test]
async fn what_joins_is_told_in_the_same_message() {
    let (mut bot, slack) = as_a_bot().await;
    bot.fires("ApiDown", &[("severity", "critical"), ("namespace", "a"), ("deployment", "api")]).await;
    bot.passes(minutes(2)).await;
    bot.fires("ApiSlow", &[("severity", "critical"), ("namespace", "a"), ("deployment", "api")]).await;
    bot.passes(minutes(2)).await;
    let [message] = &slack.messages()[..] else { panic!("{:#?}", slack.messages()) };
    assert!(message.edits > 0 && message.shown().contains("ApiSlow"), "{}", message.shown());
    assert_eq!(message.mentions, ["@U0ALICE00"]);
}

#[tokio::test]
async fn a_team_has_a_channel_of_its_own_and_another_one_is_better_than_none() {
    for (error, told) in [
        (None, None),
        (Some("not_in_channel"), Some("Slack refuses it: not_in_channel")),
        (Some("channel_not_found"), Some("Slack refuses it: channel_not_found")),
        (Some("is_archived"), Some("Slack refuses it: is_archived")),
    ] {
        let (mut bot, slack) = as_a_bot().await;
        if let Some(error) = error {
            slack.refuses_in("C0DATABASES", error);
        }
        bot.types("dan", "/page test databases").await;
        let [message] = &slack.messages()[..] else { panic!("{:#?}", slack.messages()) };
        assert_eq!(message.channel, if error.is_some() { CHANNEL } else { "C0DATABASES" });
        assert_eq!(message.mentions, ["@U0CAROL00"]);
        let shown = message.shown();
        assert_eq!(told.is_some(), shown.contains("set it right in oncall.yaml"), "{shown}");
        assert!(shown.contains(told.unwrap_or_default()), "{shown}");
    }
}

#[tokio::test]
async fn a_message_that_is_gone_is_written_anew_and_mentions_nobody() {
    for error in ["message_not_found", "edit_window_closed", "cant_update_message"] {
        let slack = Slack::start().await;
        let sink = bot_of(&slack);
        let mut parcel = paged();
        parcel.mention = vec![contact("alice", Some("U0ALICE00"))];
        parcel.previous = sink.send(&parcel).await.unwrap();
        slack.forgets();
        slack.workspace().faults.refuse(200, &[], &format!("{{\"ok\":false,\"error\":\"{error}\"}}"));
        (parcel.event, parcel.outcome) = (Some(PageEvent::Acknowledge), Some("anna has acknowledged it".into()));
        let anew = sink.send(&parcel).await.unwrap();
        assert!(anew.is_some() && anew != parcel.previous);
        let [message] = &slack.messages()[..] else { panic!("{:#?}", slack.messages()) };
        assert!(message.mentions.is_empty() && message.shown().contains("anna has acknowledged it"), "{message:#?}");
    }
}

#[tokio::test]
async fn whoever_is_called_again_is_called_by_a_new_message() {
    let slack = Slack::start().await;
    let sink = bot_of(&slack);
    let mut parcel = paged();
    parcel.mention = vec![contact("alice", Some("U0ALICE00"))];
    parcel.previous = sink.send(&parcel).await.unwrap();
    sink.send(&parcel).await.unwrap();
    assert_eq!(slack.messages().len(), 2);
    parcel.event = Some(PageEvent::Update);
    sink.send(&parcel).await.unwrap();
    let messages = slack.messages();
    assert_eq!(messages.iter().map(|message| message.edits).collect::<Vec<_>>(), [1, 0]);
    assert!(messages.iter().all(|message| message.mentions == ["@U0ALICE00"]));
}

#[tokio::test]
async fn texts_of_others_mention_nobody_and_are_no_markup() {
    let slack = Slack::start().await;
    for sink in [bot_of(&slack), hook_of(&slack)] {
        sink.send(&hostile()).await.unwrap();
        let message = slack.messages().pop().unwrap();
        assert!(message.mentions.is_empty(), "{message:#?}");
        let marked: Vec<&str> = message
            .blocks
            .iter()
            .filter(|block| block["text"]["type"] == "mrkdwn")
            .map(|block| block["text"]["text"].as_str().unwrap())
            .collect();
        // Outside of code only our own words stand, and the only links are those that say where
        // they lead.
        for text in &marked {
            let outside: String = text.replace("```", "\u{0}").split('\u{0}').step_by(2).collect();
            let outside: String = outside.split('`').step_by(2).collect();
            assert!(!outside.contains("evil") && !outside.contains('<') && !outside.contains("_i_"), "{outside}");
        }
        assert!(marked.iter().all(|text| text.matches("```").count() % 2 == 0), "{marked:#?}");
    }
}

#[tokio::test]
async fn a_page_without_end_fits_and_says_how_to_see_the_rest() {
    let slack = Slack::start().await;
    for sign in ["x", "&", "<>", "`", "é", "\u{1F600}", "a b"] {
        for sink in [bot_of(&slack), hook_of(&slack)] {
            sink.send(&long(sign)).await.unwrap();
            let message = slack.messages().pop().unwrap();
            assert!(message.blocks.len() > 3, "it is no brief one: {message:#?}");
            let shown = message.shown();
            assert!(
                shown.contains("/why INC-7 (or: dogwatch why INC-7) tells all") && shown.contains("/ack INC-7"),
                "{shown}"
            );
            assert!(shown.contains("kubectl -n shop get pods"), "{shown}");
        }
    }
    assert!(slack.workspace().requests.iter().all(|request| request.ends_with(" ok")), "at the first attempt");
}

#[tokio::test]
async fn what_slack_does_not_take_as_it_is_laid_out_comes_in_a_few_words() {
    let slack = Slack::start().await;
    let mut parcel = paged();
    parcel.mention = vec![contact("alice", Some("U0ALICE00"))];
    slack.workspace().faults.refuse(200, &[], r#"{"ok":false,"error":"invalid_blocks"}"#);
    bot_of(&slack).send(&parcel).await.unwrap();
    slack.workspace().faults.refuse(400, &[], "invalid_blocks");
    hook_of(&slack).send(&parcel).await.unwrap();
    for message in slack.messages() {
        assert!(message.blocks.is_empty() && message.mentions == ["@U0ALICE00"], "{message:#?}");
        assert!(
            message.text.contains("[S1] INC-7 the shop is down\n/why INC-7 (or: dogwatch why INC-7) tells all"),
            "{message:#?}"
        );
    }
}

#[tokio::test]
async fn what_slack_refuses_says_what_to_do() {
    for (error, next) in [
        ("invalid_auth", "bot token (`xoxb-...`) where `pages.slack.token` says"),
        ("token_revoked", "`pages.slack.token`"),
        ("missing_scope", "give the app the scope `chat:write`"),
        ("not_in_channel", "invite the app to the channel C0PLATFORM"),
        ("channel_not_found", "in `pages.slack.channel` or the team's `channels.slack`"),
        ("is_archived", "the channel C0PLATFORM is archived"),
        ("restricted_action_read_only_channel", "let the app post in the channel C0PLATFORM"),
        ("something_new", "https://docs.slack.dev/reference/methods/chat.postMessage"),
    ] {
        let slack = Slack::start().await;
        slack.refuses_in(CHANNEL, error);
        let refused = refusal(&bot_of(&slack), &paged()).await;
        let said = refused.to_string();
        assert!(refused.is_refusal() && said.contains(error) && said.contains(next), "{said}");
        assert!(slack.messages().is_empty());
    }
    let wrong = Slack::start().await;
    let sink = SlackSink::bot(&wrong.api(), secret("xoxb-another-token"), CHANNEL, SOON).unwrap();
    let error = refusal(&sink, &paged()).await.to_string();
    assert!(error.contains("invalid_auth") && !error.contains("xoxb-another"), "{error}");
}

#[tokio::test]
async fn a_page_that_slack_refuses_is_told_of_and_comes_once_somebody_has_put_it_right() {
    let (mut bot, slack) = as_a_bot().await;
    slack.refuses_in(CHANNEL, "not_in_channel");
    fires(&mut bot, "ApiDown", "api", "critical").await;
    let why = asks_with(&bot, bot.rules.oncall.clone(), "/why INC-1").await;
    assert!(why.contains("Slack refuses it: not_in_channel; invite the app to the channel C0PLATFORM"), "{why}");
    slack.workspace().refusing.clear();
    bot.passes(minutes(8)).await;
    let first = &slack.messages()[0];
    assert!(first.shown().contains("INC-1 ApiDown") && first.mentions == ["@U0ALICE00"], "{first:#?}");
}

#[tokio::test]
async fn what_passes_is_tried_again_and_a_limit_is_kept() {
    let slack = Slack::start().await;
    for sink in [bot_of(&slack), hook_of(&slack)] {
        slack.workspace().faults.refuse(429, &[("retry-after", "40")], r#"{"ok":false,"error":"ratelimited"}"#);
        let SinkError::Retry { after, .. } = refusal(&sink, &paged()).await else { panic!() };
        assert_eq!(after.map(|after| after.as_secs()), Some(40));
        slack.workspace().faults.refuse(503, &[], "busy");
        assert!(matches!(refusal(&sink, &paged()).await, SinkError::Retry { after: None, .. }));
        slack.workspace().faults.refuse(302, &[("location", "https://elsewhere.test/")], "");
        assert!(refusal(&sink, &paged()).await.to_string().contains("redirects are not followed"));
    }
    slack.workspace().faults.refuse(200, &[], r#"{"ok":false,"error":"internal_error"}"#);
    assert!(matches!(refusal(&bot_of(&slack), &paged()).await, SinkError::Retry { .. }));
}

#[tokio::test]
async fn only_slacks_own_yes_is_one() {
    let slack = Slack::start().await;
    for body in ["<html>log in to the hotel's network</html>", "", r#"{"ok":true}"#, r#"{"fine":1}"#, "ok"] {
        slack.workspace().faults.refuse(200, &[], body);
        let error = refusal(&bot_of(&slack), &paged()).await;
        assert!(is_silent(&error), "{body}: {error}");
    }
    for body in ["<html></html>", "", r#"{"ok":true}"#, "okay"] {
        slack.workspace().faults.refuse(200, &[], body);
        let error = refusal(&hook_of(&slack), &paged()).await;
        assert!(is_silent(&error), "{body}: {error}");
    }
    assert!(slack.messages().is_empty());
}

#[tokio::test]
async fn a_webhook_tells_what_becomes_of_a_page_in_a_line() {
    let slack = Slack::start().await;
    let mut bot = begins(vec![Arc::new(hook_of(&slack))]).await;
    fires(&mut bot, "ApiDown", "api", "critical").await;
    bot.passes(minutes(2)).await;
    bot.types("anna", "/ack INC-1").await;
    bot.passes(minutes(2)).await;
    bot.types("anna", "/resolve INC-1 a cable").await;
    let messages = slack.messages();
    assert_eq!(messages.iter().map(|message| message.mentions.len()).collect::<Vec<_>>(), [1, 0, 0]);
    assert!(messages.iter().all(|message| message.channel == OF_HOOK));
    let short: Vec<String> = messages[1..].iter().map(Message::shown).collect();
    assert_snapshot!(short.join("\n\n"), @"
    👤 [S1] INC-1 ApiDown namespace=api deployment=api: it is not well
    anna has acknowledged it

    ✅ [S1] INC-1 (over) ApiDown namespace=api deployment=api: it is not well
    resolved by anna: a cable
    ");
}

#[tokio::test]
async fn a_webhook_that_is_no_more_says_what_to_do_and_not_where_it_was() {
    let slack = Slack::start().await;
    for (status, word, next) in [
        (404, "no_service", "make a new one, put its URL where `pages.slack.webhook` says"),
        (410, "channel_is_archived", "make a webhook for another one"),
        (403, "action_prohibited", "let webhooks post in its channel"),
        (400, "something_new", "check the URL that `pages.slack.webhook` names"),
    ] {
        slack.workspace().faults.refuse(status, &[], word);
        let error = refusal(&hook_of(&slack), &paged()).await;
        assert!(error.is_refusal() && error.to_string().contains(next) && error.to_string().contains(word), "{error}");
    }
    let url = slack.hook();
    slack.workspace().faults.refuse(
        404,
        &[],
        &format!("nothing at {url}, nor at {}", &url[url.find("/services").unwrap()..]),
    );
    let sink = hook_of(&slack);
    dogwatch::model::declare_secret(&url);
    let error = refusal(&sink, &paged()).await.to_string();
    assert!(!error.contains("XXXX"), "{error}");
    drop(slack);
    let error = refusal(&sink, &paged()).await;
    assert!(matches!(error, SinkError::Retry { .. }) && !error.to_string().contains("/services"), "{error}");
}

#[tokio::test]
async fn what_is_no_url_is_not_shown() {
    for (text, says) in [
        ("hunter2:secret", "`pages.slack.webhook` names holds no URL"),
        ("hooks.slack.com/services/T0/B0/x", "holds no URL"),
        ("http://hooks.slack.example/services/T0/B0/hunter2", "plain http"),
    ] {
        let error = SlackSink::webhook(&secret(text), SOON).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains(says) && !error.contains("hunter2") && !error.contains("B0"), "{error}");
    }
}

#[tokio::test]
async fn an_update_of_a_webhooks_page_says_why_and_where_to_look() {
    let slack = Slack::start().await;
    let mut parcel = paged();
    parcel.event = Some(PageEvent::Update);
    parcel.incident.severity = Severity::S2;
    hook_of(&slack).send(&parcel).await.unwrap();
    let [message] = &slack.messages()[..] else { panic!() };
    assert_snapshot!(message.shown(), @"
    📟 [S1] INC-7 the shop is down
    there is more to say: S1 pages at once; /why INC-7 (or: dogwatch why INC-7) tells all
    ");
}
