//! Tickets: what pages nobody, in the tracker of its team, and work that outlives its incident
//! (`work`). One folder for each way to make one.
//!
//! Making an issue or a comment cannot be repeated, and an answer may be lost, or the bot die
//! before it hears it. So each holds a mark; that it is tried is written down before it is sent;
//! and after a try of which nobody heard, what has the mark is looked for before it is sent again.
//! A tracker shows what was made a moment ago only after a while: so long it is not looked for.

mod api;
mod github;
mod gitlab;
mod limit;
mod render;
pub(super) mod trouble;
mod webhook;
mod work;

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use reqwest::Url;

use super::{Parcel, Sink, SinkError, TicketLetter};
use crate::message::{PageText, ticket_body, ticket_comment, ticket_retitled, ticket_title};
use crate::model::{Secret, redact};
use crate::store::{TicketPlace, TicketSite};

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
    /// Which part of it.
    fn site(&self) -> &TicketSite;

    /// The issue that holds that mark, of those made since: the first, where there are several.
    async fn find(&self, marker: &str, since: DateTime<Utc>) -> Result<Option<Issue>, SinkError>;

    /// # Errors
    /// [`SinkError::MayBeDone`] when nobody knows whether it is made.
    async fn create(&self, title: &str, body: &str) -> Result<Issue, SinkError>;

    /// The comment that holds that mark, of those written since.
    async fn find_comment(
        &self,
        issue: &str,
        marker: &str,
        since: Option<DateTime<Utc>>,
    ) -> Result<Option<Comment>, SinkError>;

    /// Gives back when it was written, by the tracker's clock.
    ///
    /// # Errors
    /// [`SinkError::MayBeDone`] when nobody knows whether it is written.
    async fn comment(&self, issue: &str, body: &str) -> Result<Option<DateTime<Utc>>, SinkError>;

    async fn edit_comment(&self, issue: &str, comment: &str, body: &str) -> Result<(), SinkError>;

    /// How it is called now.
    async fn title(&self, issue: &str) -> Result<String, SinkError>;

    /// The issue as it is now; `None`: it is there no more.
    async fn issue(&self, issue: &str) -> Result<Option<Issue>, SinkError>;

    /// Opens or closes it, and calls it so. May be repeated.
    async fn change(&self, issue: &str, change: &IssueChange) -> Result<(), SinkError>;
}

/// An issue as its tracker tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    /// Its number.
    pub id: String,
    pub title: String,
    pub url: Option<String>,
    pub open: bool,
    pub created_at: Option<DateTime<Utc>>,
}

/// What is changed of an issue; `None` stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IssueChange {
    pub title: Option<String>,
    pub open: Option<bool>,
}

/// A comment that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    pub id: String,
    pub body: String,
    pub written_at: Option<DateTime<Utc>>,
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

    /// The issue, made unless it is there, and what is to be told in it: of one that was found
    /// nobody knows how much it says. `None`: its incident is over, and nobody made one.
    async fn place(
        &self,
        parcel: &Parcel,
        letter: &TicketLetter,
        page: &PageText,
    ) -> Result<Option<(TicketPlace, Vec<String>)>, SinkError> {
        let found = match letter.tried_at {
            Some(tried_at) => self.tracker.find(&letter.marker, tried_at - SKEW).await?,
            None => None,
        };
        let (issue, news) = match found {
            Some(issue) => {
                let title = ticket_retitled(&issue.title, letter.facts.severity);
                self.change(&issue.id, IssueChange { title, open: None }).await?;
                (issue, letter.standing.clone())
            }
            None if !letter.open => return Ok(None),
            None => {
                let body = ticket_body(page, &parcel.incident, self.closes);
                (self.tracker.create(&ticket_title(page), &marked(&body, &letter.marker)).await?, Vec::new())
            }
        };
        let place = TicketPlace {
            id: issue.id,
            url: issue.url.and_then(|url| shown_url(&url)),
            open: issue.open,
            comments: letter.comments,
            written_at: issue.created_at,
            told: letter.facts.clone(),
            site: Some(self.tracker.site().clone()),
            work: None,
        };
        Ok(Some((place, news)))
    }

    /// Tells the news, once: a comment that an earlier attempt wrote is that one, perhaps with more
    /// in it by now.
    async fn tell(
        &self,
        parcel: &Parcel,
        letter: &TicketLetter,
        news: &[String],
        place: &mut TicketPlace,
    ) -> Result<(), SinkError> {
        let (marker, since) = (&letter.comment_marker, place.written_at);
        let body = marked(&ticket_comment(&parcel.incident, news), marker);
        let found = match letter.tried_at {
            Some(_) => self.tracker.find_comment(&place.id, marker, since).await?,
            None => None,
        };
        let written_at = match found {
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
        Ok(())
    }

    async fn change(&self, issue: &str, change: IssueChange) -> Result<(), SinkError> {
        if change == IssueChange::default() {
            return Ok(());
        }
        self.tracker.change(issue, &change).await
    }

    /// Its title with the severity of now; what somebody has made of the rest of it stays.
    async fn retitled(&self, letter: &TicketLetter, place: &TicketPlace) -> Result<Option<String>, SinkError> {
        if place.told.severity == letter.facts.severity || letter.facts.replaced {
            return Ok(None);
        }
        Ok(ticket_retitled(&self.tracker.title(&place.id).await?, letter.facts.severity))
    }
}

#[async_trait]
impl<T: Tracker> Sink for TicketSink<T> {
    fn name(&self) -> &str {
        &self.name
    }

    fn site(&self) -> Option<&TicketSite> {
        Some(self.tracker.site())
    }

    /// Trackers want to be asked for one thing after the other.
    /// <https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api>
    fn at_once(&self) -> usize {
        1
    }

    async fn send(&self, parcel: &Parcel) -> Result<Option<String>, SinkError> {
        if let Some(letter) = &parcel.work {
            return external(&work::file(&self.tracker, letter, parcel.incident.id, parcel.at).await?);
        }
        let (letter, page) = parts(parcel)?;
        let (mut place, news) = match &letter.place {
            Some(place) => (place.clone(), letter.news.clone()),
            None => match self.place(parcel, letter, page).await? {
                Some(placed) => placed,
                None => return Ok(None),
            },
        };
        // What may be repeated goes first: behind a comment nothing may fail, as that would be
        // written again before it can be found.
        let title = self.retitled(letter, &place).await?;
        let open = (place.open != letter.open && (letter.open || self.closes)).then_some(letter.open);
        self.change(&place.id, IssueChange { title, open }).await?;
        if !news.is_empty() {
            self.tell(parcel, letter, &news, &mut place).await?;
        }
        place.open = letter.open;
        place.told = letter.facts.clone();
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

/// An address as it may be kept and shown, which the tracker says: one of the web, of bounded
/// length, without secrets, whose host is what it looks like, and that is no markup anywhere.
fn shown_url(url: &str) -> Option<String> {
    const LONGEST: usize = 500;
    let is_plain = |c: char| {
        c.is_ascii_graphic() && !matches!(c, '<' | '>' | '`' | '"' | '\\' | '(' | ')' | '[' | ']' | '|' | '*')
    };
    let parsed = Url::parse(url).ok()?;
    let is_web = matches!(parsed.scheme(), "https" | "http") && parsed.username().is_empty() && !url.contains('@');
    let fits = url.len() <= LONGEST && url.chars().all(is_plain);
    (is_web && fits && redact(url) == url).then(|| url.to_owned())
}

/// The tracker's clock may be behind ours by so much.
const SKEW: chrono::TimeDelta = chrono::TimeDelta::hours(6);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_a_tracker_tells_is_one_and_nothing_else() {
        for good in ["https://github.com/acme/db/issues/1", "http://gitlab.local:8080/a/b/-/issues/7#note_1"] {
            assert_eq!(shown_url(good).as_deref(), Some(good));
        }
        let long = format!("https://x/{}", "a".repeat(500));
        for bad in [
            "javascript:alert(1)",
            "https://github.com@evil.example/",
            "https://x/](https://evil.example)",
            "https://x/ @everyone",
            "https://x/\u{1b}[31m",
            "https://x/<@1>",
            "https://",
            &long,
        ] {
            assert_eq!(shown_url(bad), None, "{bad}");
        }
    }
}
