//! Coming, staying and leaving.

use std::time::Duration;

use dogwatch::chat::discord::DiscordError;
use dogwatch::discord::DiscordOptions;
use dogwatch::model::{IncidentState, Secret};

use super::night::{Night, SOON, alice, options};
use crate::world::discord::Discord;
use crate::world::wait::wait_until;

#[tokio::test]
async fn a_wrong_token_keeps_the_bot_from_starting() {
    let mut night = Night::falls().await;
    let wrong = DiscordOptions { token: Secret::new("hunter2"), ..options(&night.discord) };
    let error = night.listens_with(wrong).await.expect_err("a wrong token");
    assert!(matches!(error, DiscordError::Token), "{error:?}");
    let error = error.to_string();
    assert!(
        error.starts_with("discord refuses the bot's token; put the current one") && !error.contains("hunter2"),
        "{error}"
    );
}

#[tokio::test]
async fn what_is_configured_wrong_is_named_at_the_start() {
    let mut night = Night::falls().await;
    let right = options(&night.discord);
    for (wrong, says) in [
        (DiscordOptions { application: 7, ..right.clone() }, format!("set it to {}", right.application)),
        (
            DiscordOptions { channel: 77, ..right.clone() },
            "the channel 77 of `chat.discord.channel` cannot be used".into(),
        ),
        (DiscordOptions { guild: 9, ..right.clone() }, "is not on the server 9 of `chat.discord.guild`".into()),
    ] {
        let error = night.listens_with(wrong).await.expect_err("something is wrong").to_string();
        assert!(error.contains(&says), "{says} is not in {error}");
    }
    assert_eq!(night.discord.identifies(), 0);
}

#[tokio::test]
async fn the_bot_starts_without_discord_and_comes_when_it_is_back() {
    let mut night = Night::falls().await;
    night.discord.is_down(true);
    night.listens().await.expect("an outage of Discord is none of ours");
    night.discord.is_down(false);
    let reply = night.discord.slash(&alice(), night.incidents, "/incidents").await;
    assert_eq!(reply.text(), "no open incident");
}

#[tokio::test]
async fn a_lost_connection_is_resumed_and_nothing_is_missed() {
    let night = Night::on_discord().await;
    night.fires("DiskSlow", &[("severity", "info")], "the disk is slow").await;
    night.card("INC-1", "open").await;
    night.discord.slash(&alice(), night.incidents, "/help").await;
    night.discord.drops_connections();
    // Nobody hears this before the bot is back.
    let asked = night.discord.types(&alice(), night.incidents, "/ack incident:INC-1").await;
    night.discord.wait_for_resumes(1).await;
    assert_eq!(night.discord.reply(asked).await.text(), "INC-1 is yours: DiskSlow: the disk is slow");
    night.discord.asks_to_reconnect();
    night.discord.wait_for_resumes(2).await;
    let reply = night.discord.slash(&alice(), night.incidents, "/incidents").await;
    assert!(reply.text().contains("acknowledged"), "{}", reply.text());
    assert_eq!(night.discord.identifies(), 1);
}

/// The library connects again by itself and for ever, so that nothing but this tells that nobody can ask.
#[tokio::test]
async fn whoever_watches_the_bot_sees_that_it_is_away() {
    let night = Night::on_discord().await;
    let is = async |connected: u8| {
        let line = format!("dogwatch_chat_connected{{chat=\"discord\"}} {connected}");
        let shows = async || night.metrics().lines().any(|found| found == line);
        wait_until(SOON, &line, shows).await;
    };
    is(1).await;
    night.discord.is_down(true);
    night.discord.drops_connections();
    is(0).await;
    night.discord.is_down(false);
    is(1).await;
}

#[tokio::test]
async fn a_session_that_is_gone_is_begun_anew_without_registering_again() {
    let night = Night::on_discord().await;
    night.discord.slash(&alice(), night.incidents, "/help").await;
    night.discord.closes_connections(4009);
    night.discord.wait_for_identifies(2).await;
    night.discord.slash(&alice(), night.incidents, "/help").await;
    assert_eq!(night.asked("PUT /applications/"), [200]);
}

#[tokio::test]
async fn commands_are_registered_however_long_it_takes() {
    let mut night = Night::falls().await;
    night.discord.fails_next_on("PUT /applications/", 503, None);
    night.discord.never_answers_next_on("PUT /applications/");
    night.listens().await.unwrap();
    night.discord.slash(&alice(), night.incidents, "/help").await;
    let commands = night.discord.commands();
    let names: Vec<&str> = commands.iter().map(|command| command.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "incidents",
            "why",
            "ack",
            "resolve",
            "run",
            "silence",
            "unsilence",
            "windows",
            "approve",
            "deny",
            "handoff",
            "help"
        ]
    );
    assert!(commands.iter().all(|command| command.guild == Some(night.discord.guild_id())));
}

#[tokio::test]
async fn the_bot_says_goodbye_and_answers_who_asked_before() {
    let mut night = Night::on_discord().await;
    night.fires("DiskSlow", &[("severity", "info")], "the disk is slow").await;
    night.card("INC-1", "open").await;
    night.discord.fails_next_on("PATCH /webhooks/", 503, None);
    let asked = night.discord.types(&alice(), night.incidents, "/ack incident:INC-1").await;
    let is_tried = async || !night.asked("PATCH /webhooks/").is_empty();
    wait_until(SOON, "the answer is under way", is_tried).await;
    night.stop.cancel();
    night.listened().await.expect("a clean end");
    night.discord.wait_for_goodbye().await;
    assert!(!night.discord.shows_bot_online());
    assert_eq!(night.discord.reply(asked).await.text(), "INC-1 is yours: DiskSlow: the disk is slow");
    assert_eq!(night.incident(1).await.state, IncidentState::Acknowledged);
}

#[tokio::test]
async fn the_bot_can_leave_before_it_has_come() {
    let mut night = Night::falls().await;
    night.discord.is_down(true);
    night.listens().await.unwrap();
    night.stop.cancel();
    let left = tokio::time::timeout(SOON, night.listened()).await;
    left.expect("nobody waits for Discord").expect("a clean end");
}

#[tokio::test]
async fn the_bot_can_leave_while_the_gateway_takes_nobody() {
    let discord = Discord::start().await;
    let mut night = Night::with(discord).await;
    // REST works, and whoever asks for the gateway's hello waits for ever.
    let deaf = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    night.discord.sends_bots_to(&format!("ws://{}", deaf.local_addr().unwrap()));
    night.listens().await.unwrap();
    let (_held, _) = deaf.accept().await.unwrap();
    night.stop.cancel();
    let left = tokio::time::timeout(SOON, night.listened()).await;
    left.expect("nobody waits for the gateway").expect("a clean end");
}

#[tokio::test]
async fn whoever_gives_the_bot_up_ends_it() {
    let mut night = Night::on_discord().await;
    night.discord.slash(&alice(), night.incidents, "/help").await;
    night.stops_serving();
    night.discord.wait_for_goodbye().await;
}

#[tokio::test]
async fn a_token_that_is_reset_ends_it_with_the_reason() {
    let mut night = Night::on_discord().await;
    night.discord.slash(&alice(), night.incidents, "/help").await;
    night.discord.closes_connections(4004);
    let ended = tokio::time::timeout(Duration::from_secs(60), night.listened()).await.expect("it ends");
    assert!(matches!(ended, Err(DiscordError::Token)), "{ended:?}");
}
