//! Slack: a message for each page. A bot edits it as the page goes on; an incoming webhook cannot,
//! and a short message follows instead.
//!
//! | event | as a bot | by a webhook |
//! | --- | --- | --- |
//! | trigger | `chat.postMessage` with mentions | the same message |
//! | update, acknowledge, resolve | `chat.update` by channel and `ts`, no mentions | a line, no mentions |
//!
//! <https://docs.slack.dev/reference/methods/chat.postMessage>
//! <https://docs.slack.dev/reference/methods/chat.update>
//! <https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks>

mod message;
mod settings;
mod trouble;

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use reqwest::{Client, StatusCode, Url};
use serde::Deserialize;
use serde_json::Value;

use super::answer::ask;
use super::chat;
use super::hook::Hook;
use super::http::client_for;
use super::{BuildError, Parcel, ParcelKind, Sink, SinkError};
use crate::http::api_url;
use crate::message::Room;
use crate::model::Secret;
use message::Letter;
pub use settings::SlackSettings;
use trouble::{Trouble, of_webhook};

/// Where Slack's API is.
const API: &str = "https://slack.com/api";

/// Writes to one workspace.
pub struct SlackSink {
    way: Way,
}

/// How it comes there.
enum Way {
    Bot(Bot),
    /// To the one channel that it was made for.
    Webhook(Hook),
}

/// An app's bot, as whom messages are written and edited.
struct Bot {
    client: Client,
    post: Url,
    update: Url,
    token: Secret,
    /// Where pages of teams go that have no other channel.
    channel: String,
}

/// A message of Slack's: a channel, and the time by which it is known there.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    channel: String,
    ts: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.channel, self.ts)
    }
}

impl FromStr for Place {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (channel, ts) = text.split_once('/').ok_or(())?;
        Ok(Self { channel: channel.to_owned(), ts: ts.to_owned() })
    }
}

/// What a method answers, also when it does nothing: then with 200, too.
#[derive(Deserialize)]
struct Told {
    ok: bool,
    #[serde(default)]
    error: String,
    /// The right that is missing.
    #[serde(default)]
    needed: String,
    channel: Option<String>,
    ts: Option<String>,
}

impl SlackSink {
    /// As a bot. `api`: where the methods are; `channel`: where pages go of teams that have no
    /// other one.
    ///
    /// # Errors
    /// When `api` may not be sent to.
    pub fn bot(api: &str, token: Secret, channel: &str, timeout: Duration) -> Result<Self, BuildError> {
        let (client, _) = client_for(api, &[], timeout)?;
        let url = |method: &str| api_url(api, method).map_err(BuildError::Other);
        let (post, update) = (url("/chat.postMessage")?, url("/chat.update")?);
        Ok(Self { way: Way::Bot(Bot { client, post, update, token, channel: channel.to_owned() }) })
    }

    /// By an incoming webhook, whose URL is the secret.
    ///
    /// # Errors
    /// When it is no URL that may be sent to.
    pub fn webhook(url: &Secret, timeout: Duration) -> Result<Self, BuildError> {
        Ok(Self { way: Way::Webhook(Hook::new(url, "pages.slack.webhook", timeout)?) })
    }
}

#[async_trait]
impl Sink for SlackSink {
    fn name(&self) -> &str {
        "slack"
    }

    fn room(&self) -> Room {
        Room::Units(message::ROOM)
    }

    fn hears_ends(&self) -> bool {
        true
    }

    /// Slack takes about one message a second in a channel.
    fn at_once(&self) -> usize {
        1
    }

    async fn send(&self, parcel: &Parcel) -> Result<Option<String>, SinkError> {
        match &self.way {
            Way::Bot(bot) => Ok(Some(bot.bring(parcel).await?.to_string())),
            Way::Webhook(hook) => bring_by(hook, parcel).await.map(|()| None),
        }
    }
}

impl Bot {
    /// Where it stands then.
    async fn bring(&self, parcel: &Parcel) -> Result<Place, SinkError> {
        let previous = parcel.previous.as_deref().and_then(|previous| previous.parse::<Place>().ok());
        // Whoever is called anew is called by a new message: an edit wakes nobody.
        if let Some(place) = previous.filter(|_| !chat::calls(parcel)) {
            let letter = Letter::new(parcel);
            match self.write(&self.update, &place.channel, Some(&place.ts), &letter, parcel.at).await {
                Ok(_) => return Ok(place),
                Err(trouble) if trouble.is_of_message() || trouble.is_of_channel() => {
                    tracing::info!(incident = %parcel.incident.id, %place, %trouble,
                        "the message cannot be edited any more; making a new one");
                }
                Err(trouble) => return Err(trouble.refusal(&place.channel)),
            }
        }
        self.create(parcel).await
    }

    async fn create(&self, parcel: &Parcel) -> Result<Place, SinkError> {
        let wanted = parcel.channel.as_deref().unwrap_or(&self.channel);
        let mut letter = Letter::new(parcel);
        match self.write(&self.post, wanted, None, &letter, parcel.at).await {
            Ok(place) => Ok(place),
            // Better in another channel than nowhere: somebody is to be woken.
            Err(trouble) if trouble.is_of_channel() && wanted != self.channel && parcel.kind == ParcelKind::Page => {
                tracing::error!(team = parcel.team, channel = wanted, %trouble,
                    "the team's channel takes no page; set it right in oncall.yaml. The page goes to `pages.slack.channel`");
                letter.add_remark(&format!(
                    "the channel {wanted} of team {} takes no page: {trouble}; set it right in oncall.yaml",
                    parcel.team
                ));
                let posted = self.write(&self.post, &self.channel, None, &letter, parcel.at).await;
                posted.map_err(|trouble| trouble.refusal(&self.channel))
            }
            Err(trouble) => Err(trouble.refusal(wanted)),
        }
    }

    /// Posts the message, or edits the one of `ts`. What Slack does not take as it is laid out, it
    /// gets in a few words: a page must come.
    async fn write(
        &self,
        method: &Url,
        channel: &str,
        ts: Option<&str>,
        letter: &Letter,
        now: DateTime<Utc>,
    ) -> Result<Place, Trouble> {
        match self.call(method, &letter.to(channel, ts), now).await {
            Err(trouble) if trouble.is_of_form() => {
                tracing::error!(%trouble, "slack takes no message as it is laid out, and gets it in a few words; please report this");
                self.call(method, &letter.brief_to(channel, ts), now).await
            }
            called => called,
        }
    }

    async fn call(&self, method: &Url, body: &Value, now: DateTime<Utc>) -> Result<Place, Trouble> {
        let request = self.client.post(method.clone()).bearer_auth(self.token.expose());
        // Slack warns of a body of which it is not told the character set.
        let request = request.header("Content-Type", "application/json; charset=utf-8").body(body.to_string());
        let answer = ask(request, method, now).await.map_err(Trouble::Other)?;
        if let Some(trouble) = answer.trouble("Slack") {
            return Err(Trouble::Other(trouble));
        }
        let told: Option<Told> = serde_json::from_slice(&answer.body).ok();
        match told {
            Some(Told { ok: true, channel: Some(channel), ts: Some(ts), .. }) if answer.status == StatusCode::OK => {
                Ok(Place { channel, ts })
            }
            Some(Told { ok: false, error, needed, .. }) => Err(Trouble::of(&answer, error, needed)),
            _ if answer.status.is_success() => Err(Trouble::Other(answer.no_yes("Slack", "`\"ok\": true`"))),
            _ => Err(Trouble::Other(SinkError::fail(format!(
                "{}; look at what it says, and at `pages.slack.api_url`",
                answer.told("Slack")
            )))),
        }
    }
}

async fn bring_by(hook: &Hook, parcel: &Parcel) -> Result<(), SinkError> {
    let is_page = parcel.kind == ParcelKind::Page && !chat::calls(parcel);
    let letter = if is_page { Letter::of_news(parcel) } else { Letter::new(parcel) };
    match post_by(hook, &letter.alone(), parcel.at).await {
        Err(trouble) if trouble.is_of_form() => {
            tracing::error!(%trouble, "slack takes no message as it is laid out, and gets it in a few words; please report this");
            post_by(hook, &letter.brief(), parcel.at).await.map_err(|trouble| of_webhook(&trouble))
        }
        posted => posted.map_err(|trouble| of_webhook(&trouble)),
    }
}

async fn post_by(hook: &Hook, body: &Value, now: DateTime<Utc>) -> Result<(), Trouble> {
    let answer = hook.post(body, now).await.map_err(Trouble::Other)?;
    let text = answer.text();
    match answer.trouble("Slack") {
        Some(trouble) => Err(Trouble::Other(trouble)),
        None if answer.status == StatusCode::OK && text == "ok" => Ok(()),
        None if answer.status.is_success() => Err(Trouble::Other(answer.no_yes("Slack", "`ok`"))),
        None => Err(Trouble::of(&answer, text, String::new())),
    }
}
