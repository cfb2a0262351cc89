//! The client of Discord's REST API.

use std::fmt;
use std::future::Future;
use std::str::FromStr;
use std::time::Duration;

use serenity::all::{ApplicationId, ChannelId, CreateAllowedMentions, MessageId};
use serenity::http::{Http, HttpBuilder};

use super::{DiscordConfig, Trouble};
use crate::model::Secret;
use crate::secret::SecretError;

/// What an operator says of Discord.
#[derive(Debug, Clone)]
pub struct DiscordOptions {
    /// The bot's token, without `Bot `.
    pub token: Secret,
    pub application: u64,
    /// The server; members of others may ask nothing.
    pub guild: u64,
    /// Where incidents are told. Whoever can write there may look.
    pub channel: u64,
    /// Ids of the server's roles.
    pub responders: Vec<u64>,
    pub admins: Vec<u64>,
    /// In the place of `https://discord.com`: a proxy that limits the rate, or a stand-in. There is no limit of our own then.
    pub api_url: Option<String>,
    /// How long one call may take, the waiting for its rate limit included.
    pub timeout: Duration,
}

/// Twenty seconds are given to a delivery, which may take two calls.
const TIMEOUT: Duration = Duration::from_secs(8);

impl DiscordOptions {
    /// As the configuration says; the token is read where it lies.
    ///
    /// # Errors
    /// When the token is not there.
    pub fn from_config(config: &DiscordConfig) -> Result<Self, SecretError> {
        Ok(Self {
            token: config.token.read()?,
            application: config.application_id,
            guild: config.guild,
            channel: config.channel,
            responders: config.roles.responder.clone(),
            admins: config.roles.admin.clone(),
            api_url: config.api_url.clone(),
            timeout: TIMEOUT,
        })
    }

    /// A client of the REST API. It belongs to the runtime that first uses it.
    pub fn http(&self) -> Http {
        crate::tls::install_provider();
        let builder = HttpBuilder::new(self.token.expose())
            .application_id(ApplicationId::new(self.application))
            // Nobody is pinged but by whom a message allows it.
            .default_allowed_mentions(CreateAllowedMentions::new());
        match &self.api_url {
            // The library ignores the proxy while its rate limiter is on.
            Some(base) => builder.proxy(base.trim_end_matches('/')).ratelimiter_disabled(true).build(),
            None => builder.build(),
        }
    }

    /// Makes calls end: the library itself waits for ever.
    pub fn api(&self) -> Api {
        Api { timeout: self.timeout }
    }
}

/// Bounds calls of the API in time, and says what went wrong in our words.
#[derive(Debug, Clone, Copy)]
pub struct Api {
    timeout: Duration,
}

impl Api {
    /// One call.
    ///
    /// # Errors
    /// Whatever Discord, or the way to it, has against it.
    pub async fn call<T>(&self, asked: impl Future<Output = serenity::Result<T>>) -> Result<T, Trouble> {
        match tokio::time::timeout(self.timeout, asked).await {
            Ok(answer) => answer.map_err(Trouble::from),
            Err(_) => Err(Trouble::Silent(self.timeout.as_secs())),
        }
    }
}

/// Where a message is: `<channel>/<message>`. The channel belongs to it, as the configured one may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    pub channel: ChannelId,
    pub message: MessageId,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.channel, self.message)
    }
}

impl FromStr for Place {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (channel, message) = text.split_once('/').ok_or(())?;
        // The library panics about an id of 0.
        let id = |text: &str| text.parse::<u64>().ok().filter(|id| *id != 0).ok_or(());
        Ok(Self { channel: ChannelId::new(id(channel)?), message: MessageId::new(id(message)?) })
    }
}
