//! PagerDuty, by its Events API v2 (<https://developer.pagerduty.com/docs/events-api-v2-overview>).
//!
//! | of a page | event | key |
//! | --- | --- | --- |
//! | trigger, update | `trigger` | [`Parcel::pager_key`] as `dedup_key` |
//! | acknowledge | `acknowledge` | the same |
//! | resolve | `resolve` | the same |
//!
//! News of a page that somebody has are not told there: nobody is called by them, and where the
//! incident was closed there they would open it anew.
//!
//! All levels of a page are one incident there, and PagerDuty calls the next by its own policy. A
//! service has one routing key: what was opened by one is acknowledged and resolved by it
//! ([`keys`]). What people do there comes back by its webhook (`server::pagerduty`).

mod event;
mod keys;
mod settings;

use std::time::Duration;

use async_trait::async_trait;
use reqwest::{Client, Response, StatusCode, Url};
use serde::Deserialize;

use super::http::{asked_to_wait, beginning, client_for, excerpt, not_sent, shown};
use super::{Parcel, ParcelKind, Sink, SinkError, WebhookError};
use crate::message::Room;
use crate::model::{PageEvent, redact};
use crate::store::Standing;
use event::event;
pub use keys::RoutingKeys;
pub use settings::PagerDutySettings;

/// Where PagerDuty takes events; in its European region it is `https://events.eu.pagerduty.com`.
pub const API_URL: &str = "https://events.pagerduty.com";

/// The whole text of a page, with room for what else is in an event, which may have 512 KB.
const ROOM: usize = 64_000;

/// How long to wait where it limits and does not say how long: its limits are counted by the
/// minute.
const LIMITED: Duration = Duration::from_secs(60);

/// More of an answer is read by nobody.
const LONGEST_ANSWER: usize = 16 * 1024;

/// Sends events to PagerDuty.
pub struct PagerDutySink {
    client: Client,
    url: Url,
    keys: RoutingKeys,
}

impl PagerDutySink {
    /// `timeout` is for one request as a whole.
    ///
    /// # Errors
    /// When nothing may be sent to that URL.
    pub fn new(api_url: &str, keys: RoutingKeys, timeout: Duration) -> Result<Self, WebhookError> {
        let enqueue = format!("{}/v2/enqueue", api_url.trim_end_matches('/'));
        let (client, url) = client_for(&enqueue, &[], timeout)?;
        Ok(Self { client, url, keys })
    }
}

#[async_trait]
impl Sink for PagerDutySink {
    fn name(&self) -> &str {
        "pagerduty"
    }

    fn room(&self) -> Room {
        Room::Units(ROOM)
    }

    fn hears_ends(&self) -> bool {
        true
    }

    fn escalates(&self) -> bool {
        true
    }

    async fn send(&self, parcel: &Parcel) -> Result<Option<String>, SinkError> {
        if parcel.kind != ParcelKind::Page {
            return Err(SinkError::fail("PagerDuty takes pages alone; tell the rest in a chat"));
        }
        let news = if parcel.previous.is_some() { PageEvent::Update } else { PageEvent::Trigger };
        let what = parcel.event.unwrap_or(news);
        // Where a person has closed it at PagerDuty, the same key again would open it anew, and
        // call.
        if what == PageEvent::Update && parcel.standing.is_some_and(|standing| standing != Standing::Open) {
            return Ok(parcel.previous.clone());
        }
        let key = self.keys.of(parcel.previous.as_deref(), &parcel.team)?;
        let event = event(parcel, what, key.secret.expose());
        let answer = self.client.post(self.url.clone()).json(&event).send().await;
        let answer = answer.map_err(|error| not_sent(&self.url, error))?;
        if answer.status().is_success() {
            is_taken(answer, &parcel.pager_key).await?;
            return Ok(Some(key.told()));
        }
        Err(refused(answer, &key.name, parcel).await)
    }
}

/// What it answers to an event.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Answer {
    status: String,
    message: String,
    dedup_key: String,
    errors: Vec<String>,
}

/// Whether PagerDuty itself has taken it: a proxy or a portal may say 200, too.
async fn is_taken(answer: Response, dedup_key: &str) -> Result<(), SinkError> {
    let status = answer.status();
    let said = beginning(answer, LONGEST_ANSWER).await;
    let read = serde_json::from_slice::<Answer>(&said).unwrap_or_default();
    if status == StatusCode::ACCEPTED && read.status == "success" && read.dedup_key == dedup_key {
        return Ok(());
    }
    Err(SinkError::fail(format!(
        "the answer {status} is not PagerDuty's: {}; look at `pages.pagerduty.api_url`, and at proxies on the way",
        shown(&said)
    )))
}

async fn refused(answer: Response, key: &str, parcel: &Parcel) -> SinkError {
    let status = answer.status();
    let after = asked_to_wait(answer.headers(), parcel.at);
    match status {
        StatusCode::BAD_REQUEST => {
            let said = beginning(answer, LONGEST_ANSWER).await;
            let told = match serde_json::from_slice::<Answer>(&said).unwrap_or_default() {
                Answer { errors, .. } if !errors.is_empty() => errors.join("; "),
                Answer { message, .. } if !message.is_empty() => message,
                _ => String::from_utf8_lossy(&said).into_owned(),
            };
            let told = shown(redact(&told).as_bytes());
            SinkError::fail(format!(
                "PagerDuty does not take the event: {told}; look at `pages.pagerduty.{key}`, which has to be the \
                 integration key of an Events API v2 integration"
            ))
        }
        // The limit is that of one service: the others need not wait for it.
        StatusCode::TOO_MANY_REQUESTS => SinkError::Retry {
            message: format!("PagerDuty answered {status}: too many events for `pages.pagerduty.{key}`"),
            after: Some(after.unwrap_or(LIMITED)),
        },
        _ => {
            let message = match excerpt(answer).await {
                said if said.is_empty() => format!("PagerDuty answered {status}"),
                said => format!("PagerDuty answered {status}: {said}"),
            };
            match status {
                StatusCode::REQUEST_TIMEOUT => SinkError::Retry { message, after },
                status if status.is_server_error() => SinkError::Retry { message, after },
                status if status.is_redirection() => {
                    SinkError::fail(format!("{message}; redirects are not followed: look at `pages.pagerduty.api_url`"))
                }
                _ => SinkError::fail(format!("{message}; look at `pages.pagerduty.{key}` and `api_url`")),
            }
        }
    }
}
