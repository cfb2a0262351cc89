//! Issues of GitLab, whoever hosts it. <https://docs.gitlab.com/api/issues/>

use async_trait::async_trait;
use chrono::{DateTime, SecondsFormat, Utc};
use reqwest::{Method, RequestBuilder};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Api, Comment, Issue, PAGE, PAGES, SKEW, ToldComment, Tracker, TrackerOptions};
use crate::notify::{SinkError, WebhookError};

/// One project.
pub struct GitLab {
    api: Api,
    project: String,
    labels: Vec<String>,
}

#[derive(Deserialize)]
struct Told {
    iid: u64,
    web_url: Option<String>,
    state: String,
    description: Option<String>,
    created_at: Option<DateTime<Utc>>,
}

impl Told {
    fn issue(self) -> Issue {
        let open = self.state == "opened";
        Issue { id: self.iid.to_string(), url: self.web_url, open, created_at: self.created_at }
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
}

#[async_trait]
impl Tracker for GitLab {
    async fn find(&self, marker: &str, made_at: DateTime<Utc>) -> Result<Option<Issue>, SinkError> {
        let since = (made_at - SKEW).to_rfc3339_opts(SecondsFormat::Secs, true);
        let per_page = PAGE.to_string();
        let mut found: Option<Issue> = None;
        for page in 1..=PAGES {
            let page = page.to_string();
            let query = [
                ("scope", "all"),
                ("order_by", "created_at"),
                ("sort", "desc"),
                ("created_after", &since),
                ("per_page", &per_page),
                ("page", &page),
            ];
            let told: Vec<Told> = self.api.ask(self.request(Method::GET, &[], &query)).await?;
            let is_last = told.len() < PAGE;
            for told in told {
                if told.description.as_ref().is_some_and(|text| text.contains(marker)) {
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
        let new = json!({ "title": title, "description": body, "labels": self.labels.join(",") });
        let told: Told = self.api.ask(self.request(Method::POST, &[], &[]).json(&new)).await?;
        Ok(told.issue())
    }

    /// The newest first: those before are older than what was written last.
    async fn find_comment(
        &self,
        issue: &str,
        marker: &str,
        since: Option<DateTime<Utc>>,
    ) -> Result<Option<Comment>, SinkError> {
        let per_page = PAGE.to_string();
        let request = |page: &str| {
            let query = [("sort", "desc"), ("order_by", "created_at"), ("per_page", &per_page), ("page", page)];
            self.request(Method::GET, &[issue, "notes"], &query)
        };
        let is_before = |note: &ToldComment| note.created_at.is_some_and(|at| since.is_some_and(|since| at < since));
        self.api.find_comment(marker, request, is_before).await
    }

    async fn comment(&self, issue: &str, body: &str) -> Result<Option<DateTime<Utc>>, SinkError> {
        let request = self.request(Method::POST, &[issue, "notes"], &[]).json(&json!({ "body": body }));
        let told: ToldComment = self.api.ask(request).await?;
        Ok(told.created_at)
    }

    async fn edit_comment(&self, issue: &str, comment: &str, body: &str) -> Result<(), SinkError> {
        let request = self.request(Method::PUT, &[issue, "notes", comment], &[]).json(&json!({ "body": body }));
        self.api.ask::<Value>(request).await.map(|_| ())
    }

    async fn set_open(&self, issue: &str, open: bool) -> Result<(), SinkError> {
        let change = json!({ "state_event": if open { "reopen" } else { "close" } });
        self.api.ask::<Value>(self.request(Method::PUT, &[issue], &[]).json(&change)).await.map(|_| ())
    }
}
