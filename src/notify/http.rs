//! What sinks over HTTP have in common: to whom they may send, and what an answer means.

use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::header::{DATE, HeaderMap, HeaderName, RETRY_AFTER};
use reqwest::{Client, Response, Url};

use super::{SinkError, WebhookError};
use crate::http::with_causes;
use crate::model::redact;
use crate::proxy::{Proxy, is_loopback};

/// A client for the hosts of `allow_hosts`, or of the URL's own where that is empty; `timeout` is
/// for one request as a whole.
///
/// # Errors
/// When the URL may not be sent to.
pub(super) fn client_for(url: &str, allow_hosts: &[String], timeout: Duration) -> Result<(Client, Url), WebhookError> {
    let url = Url::parse(url).map_err(|error| WebhookError::Url(error.to_string()))?;
    let host = url.host_str().unwrap_or_default().to_owned();
    let here = is_loopback(&host);
    match url.scheme() {
        "https" => {}
        "http" if here => {}
        "http" => return Err(WebhookError::Plain(host)),
        other => return Err(WebhookError::Url(format!("`{other}` is not https"))),
    }
    if !allow_hosts.is_empty() && !allow_hosts.iter().any(|allowed| allowed.eq_ignore_ascii_case(&host)) {
        return Err(WebhookError::NotAllowed(host));
    }
    crate::tls::install_provider();
    // A redirect would carry the page, and the token, to a host that nobody has allowed.
    let mut builder = Client::builder().timeout(timeout).redirect(reqwest::redirect::Policy::none());
    if here {
        builder = builder.no_proxy();
    }
    let client = builder.build().map_err(|error| WebhookError::Client(error.to_string()))?;
    Ok((client, url))
}

/// How long the receiver wants to be left alone
/// (<https://www.rfc-editor.org/rfc/rfc9110#field.retry-after>). A date is told by its own clock,
/// so it counts from the date of its answer, and from `now` only where that has none.
pub(super) fn asked_to_wait(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let header = |name: HeaderName| headers.get(name)?.to_str().ok().map(str::trim);
    let after = header(RETRY_AFTER)?;
    if let Ok(seconds) = after.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = |text: &str| DateTime::parse_from_rfc2822(text).ok().map(|date| date.to_utc());
    let until = date(after)?;
    // One that has passed asks for no time at all.
    Some((until - header(DATE).and_then(date).unwrap_or(now)).to_std().unwrap_or_default())
}

/// The beginning of what the receiver says about it: enough to put it right.
pub(super) async fn excerpt(answer: Response) -> String {
    /// More is read than is shown: a secret that is cut in the middle does not look like one.
    const READ: usize = 4 * 1024;
    shown(&beginning(answer, READ).await)
}

/// What is shown of what a receiver says.
pub(super) fn shown(said: &[u8]) -> String {
    const SHOWN: usize = 200;
    let text = String::from_utf8_lossy(said);
    redact(&text)
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(SHOWN)
        .collect::<String>()
        .trim()
        .to_owned()
}

pub(super) fn not_sent(url: &Url, error: reqwest::Error) -> SinkError {
    let through = if error.is_connect() { Proxy::blame(url.as_str()) } else { String::new() };
    let error = error.without_url();
    let reason = format!("{}{through}", with_causes(&error));
    if error.is_timeout() { SinkError::no_answer(reason) } else { SinkError::retry(reason) }
}

/// As much of an answer as that, and a little more; less where its end is not told.
pub(super) async fn beginning(mut answer: Response, longest: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while bytes.len() <= longest
        && let Ok(Some(chunk)) = answer.chunk().await
    {
        bytes.extend_from_slice(&chunk);
    }
    bytes
}

/// The whole of an answer that is no longer than that.
pub(super) async fn whole(mut answer: Response, longest: usize) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    loop {
        match answer.chunk().await {
            Ok(Some(chunk)) if bytes.len() + chunk.len() > longest => {
                return Err(format!("the answer is longer than {longest} bytes"));
            }
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
            Ok(None) => return Ok(bytes),
            Err(error) => return Err(format!("the answer broke off: {}", error.without_url())),
        }
    }
}
