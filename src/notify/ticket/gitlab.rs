//! Issues of GitLab, whoever hosts it. <https://docs.gitlab.com/api/issues/>

use async_trait::async_trait;
use chrono::{DateTime, SecondsFormat, Utc};
use reqwest::{Method, RequestBuilder};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::api::{Api, PER_PAGE, ToldComment, ToldIssue};
use super::{Comment, Issue, IssueChange, Tracker, TrackerOptions};
use crate::notify::{SinkError, WebhookError};
use crate::store::TicketSite;

/// One project.
pub struct GitLab {
    api: Api,
    project: String,
    labels: Vec<String>,
}

#[derive(Deserialize)]
struct Told {
    iid: u64,
    title: String,
    web_url: Option<String>,
    state: String,
    description: Option<String>,
    created_at: Option<DateTime<Utc>>,
}

impl ToldIssue for Told {
    fn text(&self) -> Option<&str> {
        self.description.as_deref()
    }

    fn created_at(&self) -> Option<DateTime<Utc>> {
        self.created_at
    }

    fn issue(self) -> Issue {
        let (id, open) = (self.iid.to_string(), self.state == "opened");
        Issue { id, title: self.title, url: self.web_url, open, created_at: self.created_at }
    }
}

impl GitLab {
    /// `project`: `group/project`, or its number.
    ///
    /// # Errors
    /// When the URL may not be sent to.
    pub fn new(options: &TrackerOptions, project: &str) -> Result<Self, WebhookError> {
        let api = Api::new(options, "GitLab", project)?;
        Ok(Self { api, project: project.to_owned(), labels: options.labels.clone() })
    }

    fn request(&self, method: Method, parts: &[&str], query: &[(&str, &str)]) -> RequestBuilder {
        let of_project = ["projects", &self.project, "issues"];
        let parts: Vec<&str> = of_project.into_iter().chain(parts.iter().copied()).collect();
        self.api.client.request(method, self.api.url(&parts, query))
    }

    /// Whose token it is; not every token may ask that.
    async fn account(&self) -> Option<String> {
        #[derive(Deserialize)]
        struct Account {
            username: String,
        }
        let request = self.api.client.request(Method::GET, self.api.url(&["user"], &[]));
        let told = self.api.ask::<Account>(request).await;
        told.inspect_err(|error| tracing::debug!(%error, "the token does not say whose it is"))
            .ok()
            .map(|me| me.username)
    }
}

#[async_trait]
impl Tracker for GitLab {
    fn site(&self) -> &TicketSite {
        &self.api.site
    }

    async fn find(&self, marker: &str, since: DateTime<Utc>) -> Result<Option<Issue>, SinkError> {
        let created_after = since.to_rfc3339_opts(SecondsFormat::Secs, true);
        let request = |page: &str, author: Option<&str>| {
            let mut query = vec![
                ("scope", "all"),
                ("order_by", "created_at"),
                ("sort", "desc"),
                ("created_after", &created_after),
                ("per_page", PER_PAGE),
                ("page", page),
            ];
            query.extend(author.map(|author| ("author_username", author)));
            self.request(Method::GET, &[], &query)
        };
        self.api.find_issue::<Told>(marker, since, request, self.account()).await
    }

    async fn create(&self, title: &str, body: &str) -> Result<Issue, SinkError> {
        let new = json!({ "title": title, "description": body, "labels": self.labels.join(",") });
        let told: Told = self.api.make(self.request(Method::POST, &[], &[]).json(&new)).await?;
        Ok(told.issue())
    }

    /// The newest first: those before are older than what was written last.
    async fn find_comment(
        &self,
        issue: &str,
        marker: &str,
        since: Option<DateTime<Utc>>,
    ) -> Result<Option<Comment>, SinkError> {
        let request = |page: &str| {
            let query = [("sort", "desc"), ("order_by", "created_at"), ("per_page", PER_PAGE), ("page", page)];
            self.request(Method::GET, &[issue, "notes"], &query)
        };
        let is_before = |note: &ToldComment| note.created_at.is_some_and(|at| since.is_some_and(|since| at < since));
        self.api.find_comment(marker, request, is_before).await
    }

    async fn comment(&self, issue: &str, body: &str) -> Result<Option<DateTime<Utc>>, SinkError> {
        let request = self.request(Method::POST, &[issue, "notes"], &[]).json(&json!({ "body": body }));
        let told: ToldComment = self.api.make(request).await?;
        Ok(told.created_at)
    }

    async fn edit_comment(&self, issue: &str, comment: &str, body: &str) -> Result<(), SinkError> {
        let request = self.request(Method::PUT, &[issue, "notes", comment], &[]).json(&json!({ "body": body }));
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
        let state = |open: bool| if open { "reopen" } else { "close" };
        fields.extend(change.open.map(|open| ("state_event".to_owned(), json!(state(open)))));
        self.api.ask::<Value>(self.request(Method::PUT, &[issue], &[]).json(&fields)).await.map(|_| ())
    }
}
