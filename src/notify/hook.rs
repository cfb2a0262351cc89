//! A webhook of a chat, whose URL is a secret.

use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::{Client, Url};
use serde_json::Value;

use super::answer::{Answer, ask};
use super::http::client_for;
use super::{BuildError, SinkError, WebhookError};
use crate::model::{Secret, declare_secret};

/// The least of a part of a URL that is as much a secret as all of it.
const SECRET: usize = 20;

/// Where a chat takes messages: the URL is a secret, as whoever knows it may write there.
pub(super) struct Hook {
    client: Client,
    url: Url,
}

impl Hook {
    /// `field`: where the configuration names the secret.
    ///
    /// # Errors
    /// When it is no URL, or one that others could read what is sent to.
    pub fn new(url: &Secret, field: &str, timeout: Duration) -> Result<Self, BuildError> {
        let (client, url) = client_for(url.expose(), &[], timeout).map_err(|error| match error {
            // What stands there may be another secret: nothing of it is shown.
            WebhookError::Url(_) => BuildError::Other(format!(
                "what `{field}` names holds no URL; put the whole URL of the webhook there, from the `https` on"
            )),
            error => BuildError::Http(error),
        })?;
        // Receivers tell of a part of it alone. A short one is none, and a word of other texts.
        let parts = url.query_pairs().map(|(_, value)| value.into_owned()).chain([url.path().to_owned()]);
        parts.filter(|part| part.len() >= SECRET).for_each(|part| declare_secret(&part));
        Ok(Self { client, url })
    }

    pub async fn post(&self, body: &Value, now: DateTime<Utc>) -> Result<Answer, SinkError> {
        ask(self.client.post(self.url.clone()).json(body), &self.url, now).await
    }
}
