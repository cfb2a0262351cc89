//! Issues of GitHub, and of GitHub Enterprise.
//! <https://docs.github.com/en/rest/issues/issues?apiVersion=2022-11-28>

use async_trait::async_trait;
use chrono::{DateTime, SecondsFormat, Utc};
use reqwest::{Method, RequestBuilder};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Api, Comment, Issue, PAGE, PAGES, SKEW, ToldComment, Tracker, TrackerOptions};
use crate::notify::{SinkError, WebhookError};

/// One repository.
pub struct GitHub {
    api: Api,
    owner: String,
    repository: String,
    labels: Vec<String>,
}

/// What is read of an issue. A pull request is told of as one, too.
#[derive(Deserialize)]
struct Told {
    number: u64,
    html_url: Option<String>,
    state: String,
    body: Option<String>,
    created_at: Option<DateTime<Utc>>,
    pull_request: Option<Value>,
}

impl Told {
    fn issue(self) -> Issue {
        let open = self.state == "open";
        Issue { id: self.number.to_string(), url: self.html_url, open, created_at: self.created_at }
    }
}

impl GitHub {
    /// `repository`: `owner/name`.
    ///
    /// # Errors
    /// When the URL may not be sent to.
    pub fn new(options: &TrackerOptions, repository: &str) -> Result<Self, WebhookError> {
        let api = Api::new(options, "GitHub", repository)?;
        let (owner, name) = repository.split_once('/').unwrap_or((repository, ""));
        Ok(Self { api, owner: owner.to_owned(), repository: name.to_owned(), labels: options.labels.clone() })
    }

    fn request(&self, method: Method, parts: &[&str], query: &[(&str, &str)]) -> RequestBuilder {
        let of_repository = ["repos", &self.owner, &self.repository, "issues"];
        let parts: Vec<&str> = of_repository.into_iter().chain(parts.iter().copied()).collect();
        let request = self.api.client.request(method, self.api.url(&parts, query));
        request.header("Accept", "application/vnd.github+json").header("X-GitHub-Api-Version", "2022-11-28")
    }
}

#[async_trait]
impl Tracker for GitHub {
    /// Lists, and does not search: what was made a moment ago is not in the index of the search
    /// yet. Labels are not asked for: without the right to set them they are left out silently.
    async fn find(&self, marker: &str, made_at: DateTime<Utc>) -> Result<Option<Issue>, SinkError> {
        let since = (made_at - SKEW).to_rfc3339_opts(SecondsFormat::Secs, true);
        let per_page = PAGE.to_string();
        let mut found: Option<Issue> = None;
        for page in 1..=PAGES {
            let page = page.to_string();
            let query = [
                ("state", "all"),
                ("sort", "created"),
                ("direction", "desc"),
                ("since", &since),
                ("per_page", &per_page),
                ("page", &page),
            ];
            let told: Vec<Told> = self.api.ask(self.request(Method::GET, &[], &query)).await?;
            let is_last = told.len() < PAGE
                || told.iter().any(|told| told.created_at.is_some_and(|created| created < made_at - SKEW));
            for told in told {
                let is_it = told.pull_request.is_none() && told.body.as_ref().is_some_and(|body| body.contains(marker));
                if is_it {
                    found = Some(told.issue());
                }
            }
            if is_last {
                return Ok(found);
            }
        }
        found.map(Some).ok_or_else(|| self.api.too_many())
    }

    async fn create(&self, title: &str, body: &str) -> Result<Issue, SinkError> {
        let new = json!({ "title": title, "body": body, "labels": self.labels });
        let told: Told = self.api.ask(self.request(Method::POST, &[], &[]).json(&new)).await?;
        Ok(told.issue())
    }

    async fn find_comment(
        &self,
        issue: &str,
        marker: &str,
        since: Option<DateTime<Utc>>,
    ) -> Result<Option<Comment>, SinkError> {
        let since = since.unwrap_or_default().to_rfc3339_opts(SecondsFormat::Secs, true);
        let per_page = PAGE.to_string();
        let request = |page: &str| {
            let query = [("since", since.as_str()), ("per_page", &per_page), ("page", page)];
            self.request(Method::GET, &[issue, "comments"], &query)
        };
        self.api.find_comment(marker, request, |_| false).await
    }

    async fn comment(&self, issue: &str, body: &str) -> Result<Option<DateTime<Utc>>, SinkError> {
        let request = self.request(Method::POST, &[issue, "comments"], &[]).json(&json!({ "body": body }));
        let told: ToldComment = self.api.ask(request).await?;
        Ok(told.created_at)
    }

    async fn edit_comment(&self, _: &str, comment: &str, body: &str) -> Result<(), SinkError> {
        let request = self.request(Method::PATCH, &["comments", comment], &[]).json(&json!({ "body": body }));
        self.api.ask::<Value>(request).await.map(|_| ())
    }

    async fn set_open(&self, issue: &str, open: bool) -> Result<(), SinkError> {
        let (state, reason) = if open { ("open", "reopened") } else { ("closed", "completed") };
        let change = json!({ "state": state, "state_reason": reason });
        self.api.ask::<Value>(self.request(Method::PATCH, &[issue], &[]).json(&change)).await.map(|_| ())
    }
}
