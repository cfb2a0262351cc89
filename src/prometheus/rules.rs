//! Which alerting rules a Prometheus has:
//! <https://prometheus.io/docs/prometheus/latest/querying/api/#rules>. vmalert, Thanos and Mimir
//! answer in the same form.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use super::PrometheusError;
use crate::http::{HttpAuth, HttpClient, HttpError, api_url};
use crate::model::redact;

/// The largest answer that is read, in bytes. It has what fires now, too, where a version does not
/// leave that out when it is asked to.
const LARGEST: usize = 64 * 1024 * 1024;
/// The most that is told of an answer that says no, and of the name of a group or a file, in
/// characters.
const TOLD: usize = 300;
/// So many rules are taken: those of many clusters.
const MOST: usize = 50_000;

/// A rule that makes alerts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertRule {
    pub name: String,
    /// The group that it belongs to, and the file of that.
    pub group: String,
    pub file: String,
    /// As they are written: with what is filled in by each alert.
    pub labels: BTreeMap<String, String>,
}

/// Why the rules are not known.
#[derive(Debug, thiserror::Error)]
pub enum RulesError {
    #[error(transparent)]
    Setup(#[from] PrometheusError),
    #[error("prometheus did not tell its rules: {0}")]
    Away(String),
    #[error("prometheus did not tell its rules, but answered {status}: {told}")]
    Refused { status: String, told: String },
    #[error("prometheus has more than {MOST} alerting rules; ask one of a single cluster")]
    TooMany,
}

#[derive(Deserialize)]
struct Answer {
    status: String,
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    #[serde(default)]
    name: String,
    #[serde(default)]
    file: String,
    #[serde(default)]
    rules: Vec<Rule>,
}

#[derive(Deserialize)]
struct Rule {
    name: String,
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    labels: Option<BTreeMap<String, String>>,
}

/// The alerting rules that it has now. `url` is what comes before `/api/v1/rules`.
///
/// # Errors
/// When that is no http or https URL, or there is no whole answer.
pub async fn alert_rules(url: &str, auth: Option<HttpAuth>, timeout: Duration) -> Result<Vec<AlertRule>, RulesError> {
    let wrong = |message: String| PrometheusError::Url { url: url.to_owned(), message };
    let mut rules = api_url(url, "/api/v1/rules").map_err(wrong)?;
    rules.query_pairs_mut().append_pair("type", "alert").append_pair("exclude_alerts", "true");
    let client = HttpClient::new(&rules, auth, timeout, LARGEST).map_err(PrometheusError::Client)?;
    let answer = client.send(client.get(&rules)).await.map_err(|error| match error {
        HttpError::Away(message) => RulesError::Away(message),
        error @ HttpError::TooLarge(_) => RulesError::Away(error.to_string()),
    })?;
    let rules = parse(&answer.body).ok_or_else(|| {
        // What it is made of lies at its beginning, if it says anything to people.
        let body = String::from_utf8_lossy(answer.body.get(..8 * TOLD).unwrap_or(&answer.body));
        RulesError::Refused { status: answer.status.to_string(), told: told(&redact(&body)) }
    })?;
    if rules.len() > MOST { Err(RulesError::TooMany) } else { Ok(rules) }
}

/// The beginning of a text, on one line.
fn told(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).take(TOLD).collect()
}

/// `None`: it is none, or says no. Of more than can be taken, one more is.
fn parse(body: &[u8]) -> Option<Vec<AlertRule>> {
    let answer: Answer = serde_json::from_slice(body).ok()?;
    if answer.status != "success" {
        return None;
    }
    let rules = answer.data.groups.into_iter().flat_map(|Group { name, file, rules }| {
        let (group, file) = (told(&name), told(&file));
        // What does not know the parameter gives recording rules, too.
        let alerting = rules.into_iter().filter(|rule| rule.kind != "recording" && !rule.name.is_empty());
        alerting.map(move |Rule { name, labels, .. }| {
            let (group, file) = (group.clone(), file.clone());
            AlertRule { name, group, file, labels: labels.unwrap_or_default() }
        })
    });
    Some(rules.take(MOST + 1).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn alerting_rules_are_read_and_what_is_no_answer_is_none() {
        let rules = json!([
            { "type": "alerting", "name": "Odd", "labels": { "severity": "page" }, "alerts": [{ "state": "firing" }] },
            { "type": "recording", "name": "job:odd:rate5m" },
            { "type": "alerting", "name": "Plain" },
        ]);
        let group = json!({ "name": "g", "file": "/etc/rules.yaml", "rules": rules, "interval": 60 });
        let body = json!({ "status": "success", "data": { "groups": [group] } }).to_string();
        let read = parse(body.as_bytes()).unwrap();
        assert_eq!(read.iter().map(|rule| rule.name.as_str()).collect::<Vec<_>>(), ["Odd", "Plain"]);
        assert_eq!((read[0].labels["severity"].as_str(), read[0].file.as_str()), ("page", "/etc/rules.yaml"));
        for no in ["", "<html>", "{}", r#"{"status":"error","error":"no","data":{"groups":[]}}"#] {
            assert_eq!(parse(no.as_bytes()), None, "{no}");
        }
    }
}
