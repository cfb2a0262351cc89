//! What a receiver's answer means, whoever gives it.

use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::{RequestBuilder, StatusCode, Url};
use serde_json::Value;

use super::SinkError;
use super::http::{asked_to_wait, not_sent, shown, whole};

/// The longest answer that is read: a yes is a few words, and a refusal a few lines.
const LONGEST_ANSWER: usize = 64 * 1024;

/// How long a receiver is left alone that says that it is asked too much, and not for how long.
const LIMITED: Duration = Duration::from_secs(30);

/// What a receiver answered, in whole.
pub(super) struct Answer {
    pub status: StatusCode,
    pub body: Vec<u8>,
    /// How long it wants to be left alone.
    after: Option<Duration>,
}

/// Sends a request; gives whatever is answered.
///
/// # Errors
/// When nothing is, or only a part of it.
pub(super) async fn ask(request: RequestBuilder, url: &Url, now: DateTime<Utc>) -> Result<Answer, SinkError> {
    let agent = concat!("dogwatch/", env!("CARGO_PKG_VERSION"));
    let answer = request.header("User-Agent", agent).send().await.map_err(|error| not_sent(url, error))?;
    let (status, after) = (answer.status(), asked_to_wait(answer.headers(), now));
    let body = whole(answer, LONGEST_ANSWER).await.map_err(SinkError::no_answer)?;
    Ok(Answer { status, body, after })
}

impl Answer {
    /// Its text, without what is around it.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).trim().to_owned()
    }

    pub fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// `Slack answered 403 Forbidden: action_prohibited`.
    pub fn told(&self, who: &str) -> String {
        match shown(&self.body) {
            said if said.is_empty() => format!("{who} answered {}", self.status),
            said => format!("{who} answered {}: {said}", self.status),
        }
    }

    /// What it means where that is the same for all: it is asked too much, it fails, it sends us
    /// elsewhere.
    pub fn trouble(&self, who: &str) -> Option<SinkError> {
        let message = self.told(who);
        if self.status == StatusCode::TOO_MANY_REQUESTS {
            return Some(self.limit(message));
        }
        if self.status.is_server_error() || self.status == StatusCode::REQUEST_TIMEOUT {
            return Some(SinkError::Retry { message, after: self.after });
        }
        let elsewhere = format!("{message}; redirects are not followed: write the address that it has now");
        self.status.is_redirection().then(|| SinkError::fail(elsewhere))
    }

    /// It is asked too much: another way is taken at once, and it is asked again when it says.
    pub fn limit(&self, message: String) -> SinkError {
        SinkError::Retry { message, after: Some(self.after.unwrap_or(LIMITED)) }
    }

    /// A yes by its status whose body is not the receiver's own: a proxy or a portal on the way may
    /// have given it, and nobody knows whether the page has come.
    pub fn no_yes(&self, who: &str, yes: &str) -> SinkError {
        SinkError::no_answer(format!("{}, and not {yes}, as {who} does: is there a proxy on the way?", self.told(who)))
    }
}
