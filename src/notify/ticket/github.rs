//! Issues of GitHub, and of GitHub Enterprise.
//! <https://docs.github.com/en/rest/issues/issues?apiVersion=2022-11-28>

use async_trait::async_trait;
use chrono::{DateTime, SecondsFormat, Utc};
use reqwest::{Method, RequestBuilder};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::api::{Api, PER_PAGE, ToldComment, ToldIssue};
use super::{Comment, Issue, IssueChange, Tracker, TrackerOptions};
use crate::notify::{SinkError, WebhookError};
use crate::store::TicketSite;

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
    title: String,
    html_url: Option<String>,
    state: String,
    body: Option<String>,
    created_at: Option<DateTime<Utc>>,
    pull_request: Option<Value>,
}

impl ToldIssue for Told {
    fn text(&self) -> Option<&str> {
        self.body.as_deref().filter(|_| self.pull_request.is_none())
    }

    fn created_at(&self) -> Option<DateTime<Utc>> {
        self.created_at
    }

    fn issue(self) -> Issue {
        let (id, open) = (self.number.to_string(), self.state == "open");
        Issue { id, title: self.title, url: self.html_url, open, created_at: self.created_at }
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
        self.asks(method, &parts, query)
    }

    fn asks(&self, method: Method, parts: &[&str], query: &[(&str, &str)]) -> RequestBuilder {
        let request = self.api.client.request(method, self.api.url(parts, query));
        request.header("Accept", "application/vnd.github+json").header("X-GitHub-Api-Version", "2022-11-28")
    }

    /// Whose token it is; not every token may ask that.
    async fn account(&self) -> Option<String> {
        #[derive(Deserialize)]
        struct Account {
            login: String,
        }
        let told = self.api.ask::<Account>(self.asks(Method::GET, &["user"], &[])).await;
        told.inspect_err(|error| tracing::debug!(%error, "the token does not say whose it is")).ok().map(|me| me.login)
    }
}

#[async_trait]
impl Tracker for GitHub {
    fn site(&self) -> &TicketSite {
        &self.api.site
    }

    /// Lists, and does not search, whose index is later still. Labels are not asked for: without
    /// the right to set them they are left out silently.
    async fn find(&self, marker: &str, since: DateTime<Utc>) -> Result<Option<Issue>, SinkError> {
        let changed_since = since.to_rfc3339_opts(SecondsFormat::Secs, true);
        let request = |page: &str, creator: Option<&str>| {
            let mut query = vec![
                ("state", "all"),
                ("sort", "created"),
                ("direction", "desc"),
                ("since", &changed_since),
                ("per_page", PER_PAGE),
                ("page", page),
            ];
            query.extend(creator.map(|creator| ("creator", creator)));
            self.request(Method::GET, &[], &query)
        };
        self.api.find_issue::<Told>(marker, since, request, self.account()).await
    }

    async fn create(&self, title: &str, body: &str) -> Result<Issue, SinkError> {
        let new = json!({ "title": title, "body": body, "labels": self.labels });
        let told: Told = self.api.make(self.request(Method::POST, &[], &[]).json(&new)).await?;
        Ok(told.issue())
    }

    async fn find_comment(
        &self,
        issue: &str,
        marker: &str,
        since: Option<DateTime<Utc>>,
    ) -> Result<Option<Comment>, SinkError> {
        let since = since.unwrap_or_default().to_rfc3339_opts(SecondsFormat::Secs, true);
        let request = |page: &str| {
            let query = [("since", since.as_str()), ("per_page", PER_PAGE), ("page", page)];
            self.request(Method::GET, &[issue, "comments"], &query)
        };
        self.api.find_comment(marker, request, |_| false).await
    }

    async fn comment(&self, issue: &str, body: &str) -> Result<Option<DateTime<Utc>>, SinkError> {
        let request = self.request(Method::POST, &[issue, "comments"], &[]).json(&json!({ "body": body }));
        let told: ToldComment = self.api.make(request).await?;
        Ok(told.created_at)
    }

    async fn edit_comment(&self, _: &str, comment: &str, body: &str) -> Result<(), SinkError> {
        let request = self.request(Method::PATCH, &["comments", comment], &[]).json(&json!({ "body": body }));
        self.api.ask::<Value>(request).await.map(|_| ())
    }

    async fn title(&self, issue: &str) -> Result<String, SinkError> {
        self.api.ask::<Told>(self.request(Method::GET, &[issue], &[])).await.map(|told| told.title)
    }

    async fn issue(&self, issue: &str) -> Result<Option<Issue>, SinkError> {
        let told = self.api.ask_if_there::<Told>(self.request(Method::GET, &[issue], &[])).await?;
        Ok(told.map(ToldIssue::issue))
    }

    async fn change(&self, issue: &str, change: &IssueChange) -> Result<(), SinkError> {
        let mut fields = Map::new();
        fields.extend(change.title.as_ref().map(|title| ("title".to_owned(), json!(title))));
        if let Some(open) = change.open {
            let (state, reason) = if open { ("open", "reopened") } else { ("closed", "completed") };
            fields.extend([("state".to_owned(), json!(state)), ("state_reason".to_owned(), json!(reason))]);
        }
        self.api.ask::<Value>(self.request(Method::PATCH, &[issue], &[]).json(&fields)).await.map(|_| ())
    }
}
