//! The API of a tracker over HTTP: how it is asked, and how what may be there is looked for.

use chrono::{DateTime, Utc};
use reqwest::{Client, RequestBuilder, Url};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{Comment, Issue, TrackerOptions, limit};
use crate::model::{Digest, Secret};
use crate::notify::http::{beginning, client_for, not_sent, shown, whole};
use crate::notify::{SinkError, WebhookError};
use crate::store::TicketSite;

/// The longest answer that is read: fifty issues with as much text as they may have.
const LONGEST_ANSWER: usize = 8 * 1024 * 1024;

/// So much of a refusal is read.
const LONGEST_REFUSAL: usize = 4 * 1024;

/// So many issues or comments are asked for at once.
const PAGE: usize = 50;
pub(super) const PER_PAGE: &str = "50";

/// So many pages of what anybody made are looked through, and then so many of our own: in a busy
/// project those are few.
const PAGES_OF_ALL: usize = 4;
const PAGES_OF_OURS: usize = 20;

/// A tracker that asks as one account.
pub(super) struct Api {
    pub client: Client,
    base: Url,
    token: Option<Secret>,
    /// `GitHub`, and what its part of the tracker is called, as errors name it.
    pub who: &'static str,
    pub what: String,
    pub site: TicketSite,
}

/// What was asked for and not got.
struct Trouble {
    error: SinkError,
    /// It may have been done all the same.
    may_be_done: bool,
    /// What was asked for is not there, or elsewhere.
    is_gone: bool,
}

/// An issue as its tracker tells of it.
pub(super) trait ToldIssue: DeserializeOwned + Send {
    /// `None`: it is none.
    fn text(&self) -> Option<&str>;
    fn created_at(&self) -> Option<DateTime<Utc>>;
    fn issue(self) -> Issue;
}

/// A comment as GitHub and GitLab tell of it.
#[derive(Deserialize)]
pub(super) struct ToldComment {
    id: u64,
    body: Option<String>,
    pub created_at: Option<DateTime<Utc>>,
}

impl Api {
    /// `what`: the repository or project, in which letters are the same in both cases.
    pub fn new(options: &TrackerOptions, who: &'static str, what: &str) -> Result<Self, WebhookError> {
        let (client, base) = client_for(&options.url, &options.allow_hosts, options.timeout)?;
        let place = format!("{who} {} {}", base.as_str().trim_end_matches('/'), what.to_lowercase());
        let site = TicketSite { key: Digest::of(place).short().to_owned(), shown: what.to_owned() };
        Ok(Self { client, base, token: options.token.clone(), who, what: what.to_owned(), site })
    }

    /// The address of these parts below the base. Each is one part, whatever is in it.
    pub fn url(&self, parts: &[&str], query: &[(&str, &str)]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(parts);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }

    /// Asks for what may be repeated.
    pub async fn ask<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, SinkError> {
        self.answer(request).await.map_err(|trouble| trouble.error)
    }

    /// Asks for what may be there no more: deleted, or brought elsewhere. `None`: it is not there,
    /// or the tracker does not let it be seen.
    pub async fn ask_if_there<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<Option<T>, SinkError> {
        match self.answer(request).await {
            Ok(told) => Ok(Some(told)),
            Err(trouble) if trouble.is_gone => Ok(None),
            Err(trouble) => Err(trouble.error),
        }
    }

    /// Asks for what is there twice if it is asked for twice: an answer that is lost says nothing
    /// about whether it is there.
    pub async fn make<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, SinkError> {
        self.answer(request).await.map_err(|trouble| match trouble.error {
            error if !trouble.may_be_done => error,
            SinkError::Hold { message, after } => SinkError::MayBeDone { message, after: Some(after) },
            error => SinkError::MayBeDone { message: error.to_string(), after: None },
        })
    }

    async fn answer<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, Trouble> {
        let mut request = request.header("User-Agent", concat!("dogwatch/", env!("CARGO_PKG_VERSION")));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token.expose());
        }
        let answer = request.send().await.map_err(|error| {
            let may_be_done = !error.is_connect() && !error.is_builder();
            Trouble { error: not_sent(&self.base, error), may_be_done, is_gone: false }
        })?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        if !status.is_success() {
            let said = beginning(answer, LONGEST_REFUSAL).await;
            let wait = limit::asked_to_wait(status, &headers, &said);
            let error = limit::refusal((self.who, &self.what), status, wait, &shown(&said));
            let is_gone = matches!(status.as_u16(), 301 | 307 | 308 | 404 | 410);
            return Err(Trouble { error, may_be_done: limit::may_be_done(status), is_gone });
        }
        let lost = |error| Trouble { error, may_be_done: true, is_gone: false };
        let body = whole(answer, LONGEST_ANSWER).await.map_err(|error| lost(SinkError::no_answer(error)))?;
        serde_json::from_slice(&body).map_err(|error| {
            lost(SinkError::no_answer(format!("{} answered something that is no answer of its API: {error}", self.who)))
        })
    }

    /// The oldest issue with that mark, made since. `request`: for a page by its number, the newest
    /// first, of what an account made or of all; `account`: that as which we ask. Where there is
    /// more than anybody looks through, it counts as not there: one too many does less harm than
    /// none.
    pub async fn find_issue<T: ToldIssue>(
        &self,
        marker: &str,
        since: DateTime<Utc>,
        request: impl Fn(&str, Option<&str>) -> RequestBuilder + Send + Sync,
        account: impl Future<Output = Option<String>> + Send,
    ) -> Result<Option<Issue>, SinkError> {
        let (found, is_all) = self.look::<T>(marker, since, PAGES_OF_ALL, |page| request(page, None)).await?;
        if found.is_some() || is_all {
            return Ok(found);
        }
        let Some(account) = account.await else { return Ok(None) };
        let (found, _) = self.look::<T>(marker, since, PAGES_OF_OURS, |page| request(page, Some(&account))).await?;
        Ok(found)
    }

    /// `true`: these were all.
    async fn look<T: ToldIssue>(
        &self,
        marker: &str,
        since: DateTime<Utc>,
        pages: usize,
        request: impl Fn(&str) -> RequestBuilder + Send + Sync,
    ) -> Result<(Option<Issue>, bool), SinkError> {
        let mut found: Option<Issue> = None;
        for page in 1..=pages {
            let told: Vec<T> = self.ask(request(&page.to_string())).await?;
            let is_before = |told: &T| told.created_at().is_some_and(|created| created < since);
            let is_last = told.len() < PAGE || told.iter().any(is_before);
            let last = told.into_iter().rfind(|told| told.text().is_some_and(|text| text.contains(marker)));
            found = last.map(ToldIssue::issue).or(found);
            if is_last {
                return Ok((found, true));
            }
        }
        Ok((found, false))
    }

    /// The comment with that mark, page by page; `request`: for the page of that number.
    /// `is_before`: neither that comment nor one behind it is looked for.
    pub async fn find_comment(
        &self,
        marker: &str,
        request: impl Fn(&str) -> RequestBuilder + Send + Sync,
        is_before: impl Fn(&ToldComment) -> bool + Send + Sync,
    ) -> Result<Option<Comment>, SinkError> {
        for page in 1..=PAGES_OF_OURS {
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
}
