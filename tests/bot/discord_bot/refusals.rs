//! What Discord refuses for good, and what somebody has to do about it.

use chrono::Utc;
use dogwatch::discord::DiscordOptions;
use dogwatch::message::{Colour, PageText};
use dogwatch::model::{IncidentId, Secret, Severity};
use dogwatch::notify::{DiscordSink, Parcel, ParcelKind, Sink as _, SinkError};

use super::night::options;
use crate::world::discord::Discord;
use crate::world::parcels;

fn parcel() -> Parcel {
    let mut parcel = Parcel {
        kind: ParcelKind::Card,
        key: "dogwatch-INC-1".into(),
        event: None,
        at: Utc::now(),
        title: "INC-1 S3 open: the disk is slow".into(),
        body: "owner: nobody yet".into(),
        page: None,
        colour: Colour::Amber,
        ..parcels::page(PageText::default())
    };
    (parcel.incident.id, parcel.incident.severity) = (IncidentId(1), Severity::S3);
    parcel
}

async fn refused(options: &DiscordOptions, parcel: &Parcel) -> SinkError {
    DiscordSink::new(options).send(parcel).await.expect_err("Discord refuses it")
}

fn fails_with(error: &SinkError, says: &[&str]) {
    let SinkError::Fail { message } = error else { panic!("worth trying again? {error:?}") };
    for part in says {
        assert!(message.contains(part), "{part} is not in {message}");
    }
}

#[tokio::test]
async fn a_channel_that_is_not_there_is_named() {
    let discord = Discord::start().await;
    let error = refused(&DiscordOptions { channel: 77, ..options(&discord) }, &parcel()).await;
    fails_with(
        &error,
        &["(404, code 10003): Unknown Channel", "check that the channel 77 is there, in `chat.discord.channel`"],
    );
}

#[tokio::test]
async fn a_channel_in_which_the_bot_may_not_write_is_named() {
    let discord = Discord::start().await;
    discord.fails_next_on("POST /channels/", 403, None);
    let error = refused(&options(&discord), &parcel()).await;
    fails_with(&error, &["(403", "send messages, embed links"]);
}

#[tokio::test]
async fn a_wrong_token_is_not_shown_and_what_to_do_is() {
    let discord = Discord::start().await;
    let error = refused(&DiscordOptions { token: Secret::new("hunter2"), ..options(&discord) }, &parcel()).await;
    fails_with(&error, &["(401", "put the bot's current token where `chat.discord.token` says"]);
    assert!(!error.to_string().contains("hunter2"), "{error}");
}

#[tokio::test]
async fn who_is_not_there_is_asked_again_later() {
    let discord = Discord::start().await;
    let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", gone.local_addr().unwrap());
    drop(gone);
    let error = refused(&DiscordOptions { api_url: Some(url), ..options(&discord) }, &parcel()).await;
    let SinkError::Retry { message, .. } = &error else { panic!("given up? {error:?}") };
    assert!(message.contains("discord is not reachable: Connection refused"), "{message}");
}

#[tokio::test]
async fn a_message_in_a_channel_that_is_closed_to_the_bot_is_made_anew_in_its_new_one() {
    let discord = Discord::start().await;
    let old = DiscordSink::new(&DiscordOptions { channel: discord.channel("old"), ..options(&discord) });
    let first = old.send(&parcel()).await.unwrap().expect("an id");
    let new = DiscordSink::new(&options(&discord));
    let edited = new.send(&Parcel { previous: Some(first.clone()), ..parcel() }).await.unwrap();
    assert_eq!(edited.as_ref(), Some(&first), "an incident stays where it was told first");
    discord.fails_next_on("PATCH /channels/", 403, None);
    let second = new.send(&Parcel { previous: Some(first.clone()), ..parcel() }).await.unwrap().expect("an id");
    assert!(second != first && second.starts_with(&discord.channel("incidents").to_string()), "{second}");
}

#[tokio::test]
async fn an_id_that_is_none_of_ours_makes_a_new_message() {
    let discord = Discord::start().await;
    let sink = DiscordSink::new(&options(&discord));
    for previous in ["console", "0/0", "1/", "x/y"] {
        discord.forgets_nonces();
        let made = sink.send(&Parcel { previous: Some(previous.into()), ..parcel() }).await.unwrap();
        assert!(made.is_some_and(|made| made.contains('/')), "{previous}");
    }
}
