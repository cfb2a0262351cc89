//! Alertmanager's API, version 2:
//! <https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml>.

use std::collections::BTreeSet;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use reqwest::Url;

use super::answer::{firing_now, inhibited, listed, silences};
use super::{Alertmanager, Alerts, AlertsQuery, FiringNow, Quiet};
use crate::http::{HttpAuth, HttpClient, HttpError, api_url};

/// The largest answer that is read: Alertmanager keeps silences for five days after their end, and
/// some make one for each deployment.
const LARGEST: usize = 16 * 1024 * 1024;

/// Why it is not known what is quiet, or what fires.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AlertmanagerError {
    #[error("`{url}` is no URL of an Alertmanager: {message}; write it as `http://alertmanager.monitoring:9093`")]
    Url { url: String, message: String },
    #[error("the HTTP client cannot be set up: {0}")]
    Client(String),
    #[error("no alertmanager is configured; set `alertmanager.url` in dogwatch.yaml")]
    NotConfigured,
    #[error("alertmanager did not answer: {0}")]
    Unavailable(String),
    #[error("alertmanager refused `{path}` with {status}: {said}")]
    Refused { path: &'static str, status: u16, said: String },
    #[error("alertmanager's answer to `{path}` is none of version 2 of its API: {message}")]
    Unreadable { path: &'static str, message: String },
}

/// Asks an Alertmanager, or whatever speaks its API. One of a cluster knows what all of them know.
#[derive(Debug)]
pub struct HttpAlertmanager {
    client: HttpClient,
    silences: Url,
    inhibited: Url,
    alerts: Url,
}

const SILENCES: &str = "/api/v2/silences";
const INHIBITED: &str = "/api/v2/alerts?active=false&silenced=false&unprocessed=false&inhibited=true";
const ALERTS: &str = "/api/v2/alerts";

/// So many names, of so many bytes, stand in a question; where there are more, all alerts are asked
/// for.
const MOST_NAMES: usize = 30;
const LONGEST_NAMES: usize = 1_500;

impl HttpAlertmanager {
    /// `url` is what comes before `/api/v2`. Nothing is asked yet.
    ///
    /// # Errors
    /// When it is no http or https URL.
    pub fn new(url: &str, auth: Option<HttpAuth>, timeout: Duration) -> Result<Self, AlertmanagerError> {
        let at = |path| api_url(url, path).map_err(|message| AlertmanagerError::Url { url: url.to_owned(), message });
        let (silences, inhibited, alerts) = (at(SILENCES)?, at(INHIBITED)?, at(ALERTS)?);
        let client = HttpClient::new(&silences, auth, timeout, LARGEST).map_err(AlertmanagerError::Client)?;
        Ok(Self { client, silences, inhibited, alerts })
    }

    async fn ask(&self, url: &Url, path: &'static str) -> Result<Vec<u8>, AlertmanagerError> {
        let answer = self.client.send(self.client.get(url)).await.map_err(|error| match error {
            HttpError::Away(message) => AlertmanagerError::Unavailable(message),
            HttpError::TooLarge(_) => AlertmanagerError::Unreadable { path, message: error.to_string() },
        })?;
        if answer.status.is_success() {
            return Ok(answer.body);
        }
        let said = String::from_utf8_lossy(&answer.body);
        let said = said.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(200).collect();
        Err(AlertmanagerError::Refused { path, status: answer.status.as_u16(), said })
    }
}

#[async_trait]
impl Alertmanager for HttpAlertmanager {
    async fn quiet(&self, now: DateTime<Utc>) -> Result<Quiet, AlertmanagerError> {
        let mut quiet = Quiet::default();
        let unreadable = |path| move |message| AlertmanagerError::Unreadable { path, message };
        silences(&self.ask(&self.silences, SILENCES).await?, &mut quiet).map_err(unreadable(SILENCES))?;
        inhibited(&self.ask(&self.inhibited, INHIBITED).await?, now, &mut quiet).map_err(unreadable(INHIBITED))?;
        Ok(quiet)
    }

    async fn firing(&self, names: &BTreeSet<&str>) -> Result<BTreeSet<String>, AlertmanagerError> {
        let mut url = self.alerts.clone();
        if names.len() <= MOST_NAMES && names.iter().map(|name| name.len()).sum::<usize>() <= LONGEST_NAMES {
            url.query_pairs_mut().append_pair("filter", &any_of(names));
        }
        let body = self.ask(&url, ALERTS).await?;
        listed(&body).map_err(|message| AlertmanagerError::Unreadable { path: ALERTS, message })
    }
}

#[async_trait]
impl Alerts for HttpAlertmanager {
    async fn alerts(&self, query: &AlertsQuery) -> Result<Vec<FiringNow>, AlertmanagerError> {
        let mut url = self.alerts.clone();
        url.query_pairs_mut()
            .append_pair("silenced", if query.silenced { "true" } else { "false" })
            .append_pair("inhibited", if query.inhibited { "true" } else { "false" })
            .extend_pairs(query.matchers.iter().map(|matcher| ("filter", matcher.quoted())));
        let body = self.ask(&url, ALERTS).await?;
        firing_now(&body).map_err(|message| AlertmanagerError::Unreadable { path: ALERTS, message })
    }
}

/// A matcher of alerts that have one of these names.
fn any_of(names: &BTreeSet<&str>) -> String {
    let names: Vec<String> = names.iter().map(|name| regex::escape(name)).collect();
    let names = names.join("|").replace('\\', r"\\").replace('"', r#"\""#).replace('\n', r"\n");
    format!("alertname=~\"{names}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_no_patterns() {
        let names = BTreeSet::from(["Pod.Down", "a\"b\n", "c\\d"]);
        assert_eq!(any_of(&names), r#"alertname=~"Pod\\.Down|a\"b\n|c\\\\d""#);
    }

    #[test]
    fn what_is_no_url_says_how_to_write_one() {
        for wrong in ["alertmanager:9093", "ftp://alertmanager", "", "http://"] {
            let error = HttpAlertmanager::new(wrong, None, Duration::from_secs(1)).unwrap_err().to_string();
            assert!(error.contains("write it as"), "{wrong}");
        }
    }
}
