//! Connecting, registering, losing the connection, leaving.

use std::time::Duration;

use serenity::all::{Command, CreateCommand, GatewayError, GatewayIntents, GuildId};
use serenity::client::ClientBuilder;
use serenity::http::HttpBuilder;

use super::small_bot::{Bot, alice, code, commands, form_errors};
use crate::world::discord::Discord;

#[tokio::test]
async fn a_bot_connects_and_registers_its_commands() {
    let discord = Discord::start().await;
    let bot = Bot::start(&discord).await;
    discord.wait_for_ready().await;

    discord.slash(&alice(), discord.channel("incidents"), "/echo text:hello").await;
    let names: Vec<_> = discord.commands().into_iter().map(|command| (command.name, command.guild)).collect();
    let guild = Some(discord.guild_id());
    assert_eq!(names, [("ack".into(), guild), ("echo".into(), guild), ("oncall".into(), guild)]);
    assert_eq!(discord.commands()[0].description, "Acknowledge an incident");
    assert_eq!(discord.commands()[0].options[0]["required"], true);
    assert_eq!(bot.http.application_id().map(u64::from), Some(discord.application_id()));
}

#[tokio::test]
async fn commands_can_be_registered_everywhere_and_read_back() {
    let discord = Discord::start().await;
    let http = discord.http();
    http.set_application_id(discord.application_id().into());
    let first = Command::set_global_commands(&http, commands()).await.expect("register");
    let second = Command::set_global_commands(&http, commands()).await.expect("register again");
    assert_eq!(first[0].id, second[0].id, "a command that keeps its name keeps its id");
    assert_eq!(http.get_global_commands().await.expect("read").len(), 3);
    assert_eq!(discord.commands()[0].guild, None);

    let twice = vec![commands().remove(0), commands().remove(0)];
    let refused = Command::set_global_commands(&http, twice).await.expect_err("two of one name");
    assert_eq!(form_errors(&refused), [("1".to_owned(), "APPLICATION_COMMANDS_DUPLICATE_NAME".to_owned())]);
    let guild = GuildId::new(discord.guild_id());
    let bad = guild
        .set_commands(&http, vec![CreateCommand::new("Ack").description("x".repeat(101))])
        .await
        .expect_err("a bad name");
    assert_eq!(form_errors(&bad).len(), 2, "{bad:?}");
    let elsewhere = GuildId::new(1).set_commands(&http, commands()).await.expect_err("another server");
    assert_eq!(code(&elsewhere), (404, 10004));
    assert!(guild.get_commands(&http).await.expect("read").is_empty());
}

#[tokio::test]
async fn a_wrong_token_is_refused() {
    let discord = Discord::start().await;
    let http = HttpBuilder::new("a.wrong.token").proxy(discord.api_url()).ratelimiter_disabled(true).build();
    let refused = http.get_current_user().await.expect_err("a wrong token");
    assert_eq!(code(&refused), (401, 0));
    let client = ClientBuilder::new_with_http(http, GatewayIntents::empty());
    let ended = client.await.expect("build").start().await.expect_err("a wrong token");
    assert!(matches!(ended, serenity::Error::Gateway(GatewayError::InvalidAuthentication)), "{ended:?}");
    assert_eq!(discord.identifies(), 0);

    let http = discord.http();
    assert_eq!(http.get_current_user().await.expect("read").name, "dogwatch");
    assert_eq!(http.get_current_application_info().await.expect("read").id.get(), discord.application_id());
    assert!(http.get_bot_gateway().await.expect("read").url.starts_with("ws://127.0.0.1:"));
}

#[tokio::test]
async fn an_intent_that_needs_permission_ends_the_connection() {
    let discord = Discord::start().await;
    let client = ClientBuilder::new_with_http(discord.http(), GatewayIntents::MESSAGE_CONTENT);
    let ended = client.await.expect("build").start().await.expect_err("not allowed");
    assert!(matches!(ended, serenity::Error::Gateway(GatewayError::DisallowedGatewayIntents)), "{ended:?}");
}

#[tokio::test]
async fn the_bot_resumes_when_asked_to_reconnect_and_no_interaction_is_lost() {
    let discord = Discord::start().await;
    let _bot = Bot::start(&discord).await;
    let incidents = discord.channel("incidents");
    discord.slash(&alice(), incidents, "/echo text:before").await;

    discord.asks_to_reconnect();
    discord.wait_for_resumes(1).await;
    let reply = discord.slash(&alice(), incidents, "/echo text:after").await;
    assert_eq!(reply.text(), "after");
    assert_eq!(discord.identifies(), 1);
}

#[tokio::test]
async fn a_lost_connection_is_resumed_and_what_was_missed_comes_then() {
    let discord = Discord::start().await;
    let _bot = Bot::start(&discord).await;
    let incidents = discord.channel("incidents");
    discord.slash(&alice(), incidents, "/echo text:before").await;

    discord.drops_connections();
    let missed = discord.types(&alice(), incidents, "/echo text:missed").await;
    assert_eq!(discord.reply(missed).await.text(), "missed");
    discord.closes_connections(4000);
    let reply = discord.slash(&alice(), incidents, "/echo text:after").await;
    assert_eq!(reply.text(), "after");
    discord.invalidates_session(true);
    discord.wait_for_resumes(3).await;
    assert_eq!((discord.identifies(), discord.messages(incidents).len()), (1, 3), "no interaction came twice");
}

#[tokio::test]
async fn an_invalid_session_is_forgotten() {
    let discord = Discord::start().await;
    let _bot = Bot::start(&discord).await;
    discord.wait_for_ready().await;
    discord.invalidates_session(false);
    assert!(!discord.shows_bot_online());
}

/// The library takes 5 to 10 seconds for each of these, so they run side by side.
#[tokio::test]
async fn the_slow_ways_back() {
    tokio::join!(
        a_session_that_is_gone_is_started_anew(4007),
        a_session_that_is_gone_is_started_anew(4009),
        after_an_outage_the_bot_comes_back(),
        a_dead_connection_is_noticed_by_its_heartbeats(),
        a_connection_closed_without_a_code_is_noticed_at_the_next_heartbeat(),
    );
}

/// With 4009 the library forgets its session at once; with 4007 it tries to resume, and is told that the session is invalid.
async fn a_session_that_is_gone_is_started_anew(code: u16) {
    let discord = Discord::start().await;
    let _bot = Bot::start(&discord).await;
    discord.wait_for_ready().await;
    discord.closes_connections(code);
    discord.wait_for_identifies(2).await;
    let reply = discord.slash(&alice(), discord.channel("incidents"), "/echo text:again").await;
    assert_eq!(reply.text(), "again");
}

async fn after_an_outage_the_bot_comes_back() {
    let discord = Discord::start().await;
    let bot = Bot::start(&discord).await;
    let incidents = discord.channel("incidents");
    discord.slash(&alice(), incidents, "/echo text:before").await;
    discord.is_down(true);
    assert!(!discord.is_connected());
    let refused = bot.http.get_current_user().await.expect_err("an outage");
    assert_eq!(code(&refused).0, 503);
    discord.wait_for_refused_connections(2).await;
    discord.is_down(false);
    let reply = discord.slash(&alice(), incidents, "/echo text:back").await;
    assert_eq!(reply.text(), "back");
}

async fn a_dead_connection_is_noticed_by_its_heartbeats() {
    let discord = Discord::start_with_heartbeat(Duration::from_millis(600)).await;
    let _bot = Bot::start(&discord).await;
    discord.wait_for_heartbeats(3).await;
    assert_eq!(discord.identifies(), 1);
    discord.acknowledges_heartbeats(false);
    discord.wait_for_identifies(2).await;
}

/// serenity 0.12 does not see this end. It reads on in a busy loop, until it has to send a heartbeat.
async fn a_connection_closed_without_a_code_is_noticed_at_the_next_heartbeat() {
    let discord = Discord::start_with_heartbeat(Duration::from_millis(600)).await;
    let _bot = Bot::start(&discord).await;
    discord.wait_for_ready().await;
    discord.closes_connections_without_code();
    discord.wait_for_identifies(2).await;
}

#[tokio::test]
async fn the_bot_says_goodbye() {
    let discord = Discord::start().await;
    let bot = Bot::start(&discord).await;
    discord.wait_for_ready().await;
    assert!(discord.shows_bot_online());
    bot.stop().await.expect("a clean end");
    discord.wait_for_goodbye().await;
    assert!(!discord.shows_bot_online());
}

/// serenity goes to the real Discord when it cannot read the gateway's address. So whoever uses it has to set the address.
#[tokio::test]
async fn an_address_of_the_gateway_that_cannot_be_read_can_be_set() {
    let discord = Discord::start().await;
    let http = discord.http();
    let gateway = http.get_gateway().await.expect("read").url;
    discord.fails_next_on("GET /gateway", 500, None);
    let mut client = ClientBuilder::new_with_http(http, GatewayIntents::empty()).await.expect("build");
    assert_eq!(*client.ws_url.lock().await, "wss://gateway.discord.gg");
    *client.ws_url.lock().await = gateway;
    tokio::select! {
        ended = client.start() => panic!("ended: {ended:?}"),
        () = discord.wait_for_ready() => {}
    }
}
