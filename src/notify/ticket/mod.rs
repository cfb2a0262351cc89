//! Tickets: what pages nobody, in the tracker of its team. One folder for each way to make one.
//!
//! Making an issue cannot be repeated, and a bot may die before it hears of what it made. So each
//! issue and each comment holds a mark, and what has it is looked for before anything is made.

mod github;
mod gitlab;
mod render;
pub(super) mod trouble;
mod webhook;

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use reqwest::header::HeaderMap;
use reqwest::{Client, RequestBuilder, StatusCode, Url};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::http::{asked_to_wait, client_for, excerpt, not_sent, whole};
use super::{Parcel, Sink, SinkError, TicketLetter, WebhookError};
use crate::message::{PageText, ticket_body, ticket_comment, ticket_title};
use crate::model::{Secret, redact};
use crate::store::TicketPlace;

pub use github::GitHub;
pub use gitlab::GitLab;
pub use webhook::TicketWebhook;

/// How to reach a tracker.
#[derive(Debug, Clone)]
pub struct TrackerOptions {
    /// Where its API is.
    pub url: String,
    pub token: Option<Secret>,
    /// The hosts that may be sent to. Empty: the URL's own.
    pub allow_hosts: Vec<String>,
    /// For one request as a whole.
    pub timeout: Duration,
    pub labels: Vec<String>,
}

/// A tracker of issues.
#[async_trait]
pub trait Tracker: Send + Sync + 'static {
    /// The issue that holds that mark, of those made since a little before `made_at`: the first,
    /// where there are several.
    async fn find(&self, marker: &str, made_at: DateTime<Utc>) -> Result<Option<Issue>, SinkError>;

    async fn create(&self, title: &str, body: &str) -> Result<Issue, SinkError>;

    /// The comment that holds that mark, of those written since.
    async fn find_comment(
        &self,
        issue: &str,
        marker: &str,
        since: Option<DateTime<Utc>>,
    ) -> Result<Option<Comment>, SinkError>;

    /// Gives back when it was written, by the tracker's clock.
    async fn comment(&self, issue: &str, body: &str) -> Result<Option<DateTime<Utc>>, SinkError>;

    async fn edit_comment(&self, issue: &str, comment: &str, body: &str) -> Result<(), SinkError>;

    /// Opens or closes it. May be repeated.
    async fn set_open(&self, issue: &str, open: bool) -> Result<(), SinkError>;
}

/// An issue as its tracker tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    /// Its number.
    pub id: String,
    pub url: Option<String>,
    pub open: bool,
    pub created_at: Option<DateTime<Utc>>,
}

/// A comment that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    pub id: String,
    pub body: String,
    pub written_at: Option<DateTime<Utc>>,
}

/// A comment as GitHub and GitLab tell of it.
#[derive(Deserialize)]
struct ToldComment {
    id: u64,
    body: Option<String>,
    created_at: Option<DateTime<Utc>>,
}

/// Keeps tickets in a tracker.
pub struct TicketSink<T> {
    name: String,
    tracker: T,
    /// Whether a ticket is closed when its incident is over.
    closes: bool,
}

impl<T: Tracker> TicketSink<T> {
    /// `name`: as the configuration calls it.
    pub fn new(name: &str, tracker: T, closes: bool) -> Self {
        Self { name: sink_name(name), tracker, closes }
    }

    /// The issue, made unless it is there. `None`: its incident is over, and nobody made one.
    async fn place(
        &self,
        parcel: &Parcel,
        letter: &TicketLetter,
        page: &PageText,
    ) -> Result<Option<TicketPlace>, SinkError> {
        let issue = match self.tracker.find(&letter.marker, letter.made_at).await? {
            Some(issue) => issue,
            None if !letter.open => return Ok(None),
            None => {
                let body = ticket_body(page, &parcel.incident, self.closes);
                let title = ticket_title(page);
                self.tracker.create(&title, &marked(&body, &letter.marker)).await?
            }
        };
        Ok(Some(TicketPlace {
            id: issue.id,
            url: issue.url.and_then(|url| shown_url(&url)),
            open: issue.open,
            comments: 0,
            written_at: issue.created_at,
            told: letter.facts.clone(),
        }))
    }

    /// Tells the news, once: a comment that an earlier attempt wrote is that one, perhaps with more
    /// in it by now.
    async fn tell(&self, parcel: &Parcel, letter: &TicketLetter, place: &mut TicketPlace) -> Result<(), SinkError> {
        let (marker, since) = (&letter.comment_marker, place.written_at);
        let body = marked(&ticket_comment(&parcel.incident, &letter.news), marker);
        let written_at = match self.tracker.find_comment(&place.id, marker, since).await? {
            None => self.tracker.comment(&place.id, &body).await?,
            Some(comment) => {
                if comment.body != body {
                    self.tracker.edit_comment(&place.id, &comment.id, &body).await?;
                }
                comment.written_at
            }
        };
        place.comments += 1;
        place.written_at = written_at.or(since);
        place.told = letter.facts.clone();
        Ok(())
    }
}

#[async_trait]
impl<T: Tracker> Sink for TicketSink<T> {
    fn name(&self) -> &str {
        &self.name
    }

    async fn send(&self, parcel: &Parcel) -> Result<Option<String>, SinkError> {
        let (letter, page) = parts(parcel)?;
        let mut place = match &letter.place {
            Some(place) => place.clone(),
            None => match self.place(parcel, letter, page).await? {
                Some(place) => place,
                None => return Ok(None),
            },
        };
        if !letter.news.is_empty() {
            self.tell(parcel, letter, &mut place).await?;
        }
        if place.open != letter.open {
            if letter.open || self.closes {
                self.tracker.set_open(&place.id, letter.open).await?;
            }
            place.open = letter.open;
            place.told = letter.facts.clone();
        }
        external(&place)
    }
}

/// What a sink is called in the outbox.
fn sink_name(name: &str) -> String {
    format!("ticket:{name}")
}

fn parts(parcel: &Parcel) -> Result<(&TicketLetter, &PageText), SinkError> {
    let parts = parcel.ticket.as_ref().zip(parcel.page.as_ref());
    parts.ok_or_else(|| SinkError::fail(format!("a {} is no ticket; this is a fault of dogwatch", parcel.kind.name())))
}

fn external(place: &TicketPlace) -> Result<Option<String>, SinkError> {
    let written = serde_json::to_string(place);
    written.map(Some).map_err(|error| SinkError::fail(format!("where the ticket is cannot be kept: {error}")))
}

/// A text with the mark by which it is found. Nobody who reads it sees that.
fn marked(text: &str, marker: &str) -> String {
    format!("{text}\n\n<!-- {marker} -->")
}

/// An address as it may be kept and shown: one of the web, of bounded length, without secrets.
fn shown_url(url: &str) -> Option<String> {
    const LONGEST: usize = 500;
    let is_web = url.starts_with("https://") || url.starts_with("http://");
    let is_plain = url.len() <= LONGEST && url.chars().all(|c| c.is_ascii_graphic());
    (is_web && is_plain && redact(url) == url).then(|| url.to_owned())
}

/// The API of a tracker over HTTP.
struct Api {
    client: Client,
    base: Url,
    token: Option<Secret>,
    /// `GitHub`, and what its part of the tracker is called, as errors name it.
    who: &'static str,
    what: String,
}

/// The longest answer that is read: fifty issues with as much text as they may have.
const LONGEST_ANSWER: usize = 8 * 1024 * 1024;

/// So many issues are asked for at once.
const PAGE: usize = 50;

/// So many pages of them are looked through: nobody makes more issues while one is tried.
const PAGES: usize = 20;

/// The tracker's clock may be behind ours by so much.
const SKEW: chrono::TimeDelta = chrono::TimeDelta::hours(6);

impl Api {
    fn new(options: &TrackerOptions, who: &'static str, what: &str) -> Result<Self, WebhookError> {
        let (client, base) = client_for(&options.url, &options.allow_hosts, options.timeout)?;
        Ok(Self { client, base, token: options.token.clone(), who, what: what.to_owned() })
    }

    /// The address of these parts below the base. Each is one part, whatever is in it.
    fn url(&self, parts: &[&str], query: &[(&str, &str)]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(parts);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }

    /// Asks, and reads the answer.
    async fn ask<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, SinkError> {
        let mut request = request.header("User-Agent", concat!("dogwatch/", env!("CARGO_PKG_VERSION")));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token.expose());
        }
        let answer = request.send().await.map_err(|error| not_sent(&self.base, error))?;
        let status = answer.status();
        if !status.is_success() {
            let wait = self.asked_to_wait(status, answer.headers());
            return Err(self.refusal(status, wait, &excerpt(answer).await));
        }
        let body = whole(answer, LONGEST_ANSWER).await.map_err(SinkError::no_answer)?;
        serde_json::from_slice(&body).map_err(|error| {
            SinkError::no_answer(format!("{} answered something that is no answer of its API: {error}", self.who))
        })
    }

    /// The comment with that mark, page by page; `request`: for the page of that number.
    /// `is_before`: neither that comment nor one behind it is looked for.
    async fn find_comment(
        &self,
        marker: &str,
        request: impl Fn(&str) -> RequestBuilder + Send + Sync,
        is_before: impl Fn(&ToldComment) -> bool + Send + Sync,
    ) -> Result<Option<Comment>, SinkError> {
        for page in 1..=PAGES {
            let told: Vec<ToldComment> = self.ask(request(&page.to_string())).await?;
            let is_last = told.len() < PAGE || told.iter().any(&is_before);
            for ToldComment { id, body, created_at } in told {
                let body = body.unwrap_or_default();
                if body.contains(marker) {
                    return Ok(Some(Comment { id: id.to_string(), body, written_at: created_at }));
                }
            }
            if is_last {
                break;
            }
        }
        // Twice the same comment does less harm than none.
        Ok(None)
    }

    /// How long to leave it alone, where it says that we ask too much.
    fn asked_to_wait(&self, status: StatusCode, headers: &HeaderMap) -> Option<Duration> {
        let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<i64>().ok();
        let is_spent = number("x-ratelimit-remaining") == Some(0) || number("ratelimit-remaining") == Some(0);
        let is_limit = status == StatusCode::TOO_MANY_REQUESTS
            || status == StatusCode::FORBIDDEN && (is_spent || headers.contains_key("retry-after"));
        if !is_limit && !status.is_server_error() {
            return None;
        }
        let now = headers.get("date").and_then(|date| DateTime::parse_from_rfc2822(date.to_str().ok()?).ok());
        let now = now.map(|now| now.to_utc());
        let reset = number("x-ratelimit-reset").or(number("ratelimit-reset"));
        let until_reset = || {
            let until = DateTime::from_timestamp(reset?, 0)?;
            Some((until - now?).to_std().unwrap_or_default())
        };
        asked_to_wait(headers, now.unwrap_or_default()).or_else(until_reset).or(is_limit.then_some(LIMITED))
    }

    /// What an answer other than yes means, and what to do about it.
    fn refusal(&self, status: StatusCode, wait: Option<Duration>, said: &str) -> SinkError {
        let (who, what) = (self.who, &self.what);
        let said = if said.is_empty() { String::new() } else { format!(": {said}") };
        let message = format!("{who} answered {status} for {what}{said}");
        let passes = status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT;
        if wait.is_some() || passes {
            return SinkError::Retry { message, after: wait };
        }
        let next = match status.as_u16() {
            401 => "put a token that it takes where `token` of this sink says, and start again".to_owned(),
            403 => format!("give the token the right to write issues of {what}"),
            404 => format!("check that {what} is there and written as it is called, and that the token may see it"),
            410 => format!("issues are disabled for {what}, or this one was deleted: enable them"),
            422 | 400 => "it does not take this ticket as it is: check its `labels`".to_owned(),
            301 | 302 | 307 | 308 => format!("{what} has moved, and redirects are not followed: write its new name"),
            _ => "look at what it says".to_owned(),
        };
        SinkError::fail(format!("{message}; {next}"))
    }

    fn too_many(&self) -> SinkError {
        let (who, what, most) = (self.who, &self.what, PAGE * PAGES);
        SinkError::retry(format!("{who} has more than {most} new issues of {what}: nobody knows if the ticket is one"))
    }
}

/// How long to leave a tracker alone that says that we ask too much, and not for how long.
const LIMITED: Duration = Duration::from_secs(60);
