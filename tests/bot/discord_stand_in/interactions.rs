//! Slash commands and buttons, and how they are answered.

use std::time::Duration;

use serde_json::json;
use serenity::all::{ButtonStyle, ChannelId, CreateActionRow, CreateButton, CreateMessage};

use super::small_bot::{ALICE, Bot, alice, code};
use crate::world::discord::{Button, Discord};

#[tokio::test]
async fn a_deferred_answer_is_waited_for_and_knows_who_asked() {
    let discord = Discord::start().await;
    let _bot = Bot::start(&discord).await;
    let (incidents, sre) = (discord.channel("incidents"), discord.role("sre"));

    let reply = discord
        .slash(&alice().with_roles(["sre"]), incidents, "/ack incident:INC-1 note:it's mine: really urgent:true")
        .await;
    assert_eq!(
        reply.text(),
        format!("alice ({ALICE}) with roles [{sre}] acks INC-1: it's mine: really, urgent\nINC-1\nowner: alice")
    );
    assert!(reply.deferred && !reply.updated && !reply.is_ephemeral());
    assert!(reply.after < Duration::from_secs(3), "Discord gives a bot 3 seconds, this took {:?}", reply.after);
    assert_eq!(reply.message.edits, 0, "filling a deferred answer is no edit");
    let followups = discord.wait_for_followups(&reply, 1).await;
    assert_eq!(followups.len(), 1);
    assert_eq!(followups[0].text(), "noted");
    assert!(followups[0].is_ephemeral());
    assert_eq!(discord.messages(incidents).len(), 1, "others do not see an ephemeral message");
}

#[tokio::test]
async fn subcommands_and_direct_answers() {
    let discord = Discord::start().await;
    let _bot = Bot::start(&discord).await;
    let incidents = discord.channel("incidents");
    let reply = discord.slash(&alice(), incidents, "/oncall who team:platform").await;
    assert_eq!(reply.text(), "on call for platform");
    assert!(reply.is_ephemeral() && !reply.deferred);
    assert!(discord.messages(incidents).is_empty());
}

#[tokio::test]
async fn buttons_change_their_message_or_answer_beside_it() {
    let discord = Discord::start().await;
    let bot = Bot::start(&discord).await;
    discord.wait_for_ready().await;
    let incidents = discord.channel("incidents");
    let buttons = ["update", "defer", "answer"]
        .map(|id| CreateButton::new(id).label(id.to_uppercase()).style(ButtonStyle::Danger));
    let posted = CreateMessage::new().content("Scale it?").components(vec![CreateActionRow::Buttons(buttons.to_vec())]);
    let posted = ChannelId::new(incidents).send_message(&bot.http, posted).await.expect("post");
    let message = discord.wait_for_message(|message| message.text() == "Scale it?").await;
    assert_eq!(message.id, posted.id.get());
    let first = Button { label: "UPDATE".into(), custom_id: "update".into(), disabled: false, style: 4 };
    assert_eq!((message.buttons().len(), &message.buttons()[0]), (3, &first));

    let updated = discord.presses(&alice(), message.id, &message.button("UPDATE")).await;
    assert_eq!(updated.text(), "alice pressed update");
    assert!(updated.updated && !updated.deferred);
    let deferred = discord.presses(&alice(), message.id, "defer").await;
    assert_eq!(deferred.text(), "alice pressed defer");
    assert!(deferred.updated && deferred.deferred);
    assert_eq!(deferred.message.edits, 2);
    let answered = discord.presses(&alice(), message.id, "answer").await;
    assert!(!answered.updated && answered.is_ephemeral());
    assert_eq!(answered.text(), "alice pressed answer");
    assert_eq!(discord.messages(incidents).len(), 1);
}

#[tokio::test]
#[should_panic(expected = "option \"incident\" of /ack is required")]
async fn what_the_client_would_not_send_cannot_be_typed() {
    let discord = Discord::start().await;
    let _bot = Bot::start(&discord).await;
    discord.types(&alice(), discord.channel("incidents"), "/ack note:nothing").await;
}

#[tokio::test]
#[should_panic(expected = "the button \"go\" is disabled")]
async fn a_disabled_button_cannot_be_pressed() {
    let discord = Discord::start().await;
    let row = CreateActionRow::Buttons(vec![CreateButton::new("go").label("Go").disabled(true)]);
    let channel = ChannelId::new(discord.channel("incidents"));
    let sent = channel.send_message(discord.http(), CreateMessage::new().components(vec![row])).await.expect("post");
    discord.clicks(&alice(), sent.id.get(), "go");
}

#[tokio::test]
async fn an_interaction_is_answered_once_and_in_time() {
    let discord = Discord::start().await;
    let bot = Bot::start(&discord).await;
    let incidents = discord.channel("incidents");
    let reply = discord.slash(&alice(), incidents, "/echo text:hello").await;
    let token = format!("interaction-{}", reply.interaction);
    let answer = json!({ "type": 4, "data": { "content": "again" } });
    let twice = bot
        .http
        .create_interaction_response(reply.interaction.into(), &token, &answer, vec![])
        .await
        .expect_err("twice");
    assert_eq!(code(&twice), (400, 40060));
    let original = bot.http.get_original_interaction_response(&token).await.expect("read");
    assert_eq!(original.content, "hello");
    bot.http.delete_original_interaction_response(&token).await.expect("delete");

    discord.expires_next_interaction();
    let late = discord.types(&alice(), incidents, "/echo text:late").await;
    let said = bot.wait_for_failure().await;
    assert_eq!(code(&said), (404, 10062));
    let timeout = tokio::time::timeout(Duration::from_millis(50), discord.reply(late)).await;
    assert!(timeout.is_err(), "the user sees nothing");
    assert!(discord.messages(incidents).is_empty());
}

#[tokio::test]
async fn an_interaction_may_come_twice() {
    let discord = Discord::start().await;
    let bot = Bot::start(&discord).await;
    let incidents = discord.channel("incidents");
    discord.repeats_next_interaction();
    assert_eq!(discord.slash(&alice(), incidents, "/echo text:hello").await.text(), "hello");
    assert_eq!(code(&bot.wait_for_failure().await), (400, 40060));
    assert_eq!(discord.messages(incidents).len(), 1);
}
