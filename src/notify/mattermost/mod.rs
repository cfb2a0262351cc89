//! Mattermost: a message by an incoming webhook. It cannot be edited, so that what becomes of a
//! page is a short message without mentions.
//!
//! | event | what is sent |
//! | --- | --- |
//! | trigger | a text with `@name` for who is called, and an attachment with the page |
//! | update, acknowledge, resolve | a line |
//!
//! <https://developers.mattermost.com/integrate/webhooks/incoming/>

mod message;
mod settings;

use std::time::Duration;

use async_trait::async_trait;
use reqwest::StatusCode;
use serde_json::Value;

use super::answer::Answer;
use super::chat::calls;
use super::hook::Hook;
use super::{BuildError, Parcel, ParcelKind, Sink, SinkError};
use crate::message::Room;
use crate::model::Secret;
use message::Letter;
pub use settings::MattermostSettings;

/// Writes to one team of Mattermost's: to the webhook's channel, or to that of whoever is paged.
pub struct MattermostSink {
    hook: Hook,
}

impl MattermostSink {
    /// `url`: of the incoming webhook.
    ///
    /// # Errors
    /// When it is no URL that may be sent to.
    pub fn new(url: &Secret, timeout: Duration) -> Result<Self, BuildError> {
        Ok(Self { hook: Hook::new(url, "pages.mattermost.url", timeout)? })
    }

    async fn post(&self, letter: &Letter, channel: Option<&str>, parcel: &Parcel) -> Result<(), Refused> {
        let answer = self.hook.post(&letter.to(channel), parcel.at).await.map_err(Refused::Otherwise)?;
        if answer.status == StatusCode::OK && answer.text() == "ok" {
            return Ok(());
        }
        Err(refused(&answer))
    }
}

#[async_trait]
impl Sink for MattermostSink {
    fn name(&self) -> &str {
        "mattermost"
    }

    fn room(&self) -> Room {
        Room::Units(message::ROOM)
    }

    fn hears_ends(&self) -> bool {
        true
    }

    async fn send(&self, parcel: &Parcel) -> Result<Option<String>, SinkError> {
        let is_page = parcel.kind == ParcelKind::Page && !calls(parcel);
        let mut letter = if is_page { Letter::of_news(parcel) } else { Letter::new(parcel) };
        let channel = parcel.channel.as_deref();
        match self.post(&letter, channel, parcel).await {
            Ok(()) => Ok(None),
            // Better in the webhook's own channel than nowhere: somebody is to be woken.
            Err(Refused::Channel(said)) if parcel.kind == ParcelKind::Page => {
                let Some(channel) = channel else { return Err(Refused::Channel(said).into()) };
                tracing::error!(
                    team = parcel.team,
                    channel,
                    said,
                    "the team's channel takes no page; set it right in oncall.yaml. The page goes to the webhook's channel"
                );
                letter.add_remark(&format!(
                    "the channel {channel} of team {} takes no page: {said}; set it right in oncall.yaml",
                    parcel.team
                ));
                Ok(self.post(&letter, None, parcel).await.map(|()| None)?)
            }
            Err(refused) => Err(refused.into()),
        }
    }
}

/// Why Mattermost does not have it.
enum Refused {
    /// Another channel may take it.
    Channel(String),
    Otherwise(SinkError),
}

impl From<Refused> for SinkError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Channel(said) => SinkError::fail(format!(
                "{said}; check that the webhook's channel is there, and that whoever made the webhook may post there"
            )),
            Refused::Otherwise(error) => error,
        }
    }
}

/// What an answer means that is no yes: an error of the API is JSON with an `id`.
fn refused(answer: &Answer) -> Refused {
    let told = answer.json().unwrap_or_default();
    let id = told.get("id").and_then(Value::as_str).unwrap_or_default();
    let said = answer.told("Mattermost");
    let fail = |next: &str| Refused::Otherwise(SinkError::fail(format!("{said}; {next}")));
    match id.trim_end_matches(".app_error") {
        "web.incoming_webhook.channel" | "web.incoming_webhook.channel_locked" | "web.incoming_webhook.permissions"
            if !answer.status.is_server_error() =>
        {
            Refused::Channel(said)
        }
        // It is a server error by its status (501), and passes only when somebody changes it.
        "web.incoming_webhook.disabled" => fail("have an admin enable incoming webhooks in the System Console"),
        "web.incoming_webhook.invalid" => fail(
            "the webhook is there no more: make a new one, put its URL where `pages.mattermost.url` says, and start again",
        ),
        "web.incoming_webhook.user" => {
            fail("whoever made the webhook is there no more: make a new one, and start again")
        }
        _ => match answer.trouble("Mattermost") {
            Some(trouble) => Refused::Otherwise(trouble),
            None if answer.status.is_success() => Refused::Otherwise(answer.no_yes("Mattermost", "`ok`")),
            None => fail("check the URL that `pages.mattermost.url` names"),
        },
    }
}
