//! The API server's audit log: the independent witness of what the bot user really did.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::wait::wait_for;

/// What a policy has the API server write down: reads of the user as metadata, writes with what was sent and answered,
/// of everybody else nothing.
pub fn policy(user: &str) -> Value {
    json!({
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "rules": [
            { "level": "Metadata", "users": [user], "verbs": ["get", "list", "watch"] },
            { "level": "RequestResponse", "users": [user] },
            { "level": "None" },
        ],
    })
}

/// Every request of the user so far, in the order in which they came in.
#[derive(Debug, Clone)]
pub struct Audit {
    pub requests: Vec<AuditedRequest>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct AuditedRequest {
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`
    pub verb: String,
    /// The API group; empty for the core group.
    pub group: String,
    /// The plural; empty for a request that is not about a resource (`/version`).
    pub resource: String,
    /// `status`, `scale`, `eviction`; empty for the resource itself.
    pub subresource: String,
    pub namespace: String,
    /// Empty for a list, or when the server makes the name.
    pub name: String,
    /// The path with the query.
    pub uri: String,
    /// The HTTP status; `None` while the request is under way, as a watch is.
    pub code: Option<u16>,
    /// The body that was sent: an object, a patch, delete options; null for a read.
    pub request_object: Value,
    /// The body that was answered; null for a read.
    pub response_object: Value,
}

impl Audit {
    /// Reads the log. A request that the server had taken up before this is waited for, so that whatever a client has
    /// an answer to is here with its code.
    pub(super) async fn read(log: &Path) -> Self {
        let taken_up = ids(&read_events(log), |event| event["verb"] != "watch");
        wait_for(Duration::from_secs(30), "the API server has answered what it took up", async || {
            let events = read_events(log);
            let answered = ids(&events, |event| event["stage"] == "ResponseComplete" || event["stage"] == "Panic");
            taken_up.is_subset(&answered).then(|| Self::from_events(&events))
        })
        .await
    }

    /// The requests in one namespace.
    pub fn within(&self, namespace: &str) -> Self {
        Self { requests: self.requests.iter().filter(|request| request.namespace == namespace).cloned().collect() }
    }

    /// The writes that were asked for: neither dry runs nor access reviews, which change nothing. Also those that the
    /// server refused: see [`AuditedRequest::succeeded`].
    pub fn mutations(&self) -> Vec<&AuditedRequest> {
        self.requests.iter().filter(|request| request.is_mutation()).collect()
    }

    /// Each request is logged as it is taken up and again when it is answered; the latest word counts.
    fn from_events(events: &[Value]) -> Self {
        let mut latest: BTreeMap<String, (usize, AuditedRequest)> = BTreeMap::new();
        for (position, event) in events.iter().enumerate() {
            let first = latest.get(&text(event, "/auditID")).map_or(position, |(first, _)| *first);
            latest.insert(text(event, "/auditID"), (first, AuditedRequest::from_event(event)));
        }
        let mut requests: Vec<_> = latest.into_values().collect();
        requests.sort_by_key(|(first, _)| *first);
        Self { requests: requests.into_iter().map(|(_, request)| request).collect() }
    }
}

impl AuditedRequest {
    /// Whether the server did it.
    pub fn succeeded(&self) -> bool {
        self.code.is_some_and(|code| (200..300).contains(&code))
    }

    pub fn is_mutation(&self) -> bool {
        let writes = ["create", "update", "patch", "delete", "deletecollection"].contains(&self.verb.as_str());
        writes && !self.is_dry_run() && self.group != "authorization.k8s.io"
    }

    /// In the query, in delete options, or in the delete options of an eviction.
    pub fn is_dry_run(&self) -> bool {
        self.uri.contains("dryRun=All")
            || ["/dryRun", "/deleteOptions/dryRun"]
                .iter()
                .any(|pointer| self.request_object.pointer(pointer).is_some_and(|dry_run| dry_run == &json!(["All"])))
    }

    fn from_event(event: &Value) -> Self {
        Self {
            verb: text(event, "/verb"),
            group: text(event, "/objectRef/apiGroup"),
            resource: text(event, "/objectRef/resource"),
            subresource: text(event, "/objectRef/subresource"),
            namespace: text(event, "/objectRef/namespace"),
            name: text(event, "/objectRef/name"),
            uri: text(event, "/requestURI"),
            code: event.pointer("/responseStatus/code").and_then(Value::as_u64).and_then(|code| code.try_into().ok()),
            request_object: event["requestObject"].clone(),
            response_object: event["responseObject"].clone(),
        }
    }
}

/// What an assertion shows: `patch deployments/web/scale 200`.
impl std::fmt::Display for AuditedRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.verb)?;
        let path = [&self.resource, &self.name, &self.subresource];
        let path: Vec<&str> = path.into_iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
        write!(f, " {}", if path.is_empty() { self.uri.clone() } else { path.join("/") })?;
        match self.code {
            Some(code) => write!(f, " {code}"),
            None => write!(f, " (under way)"),
        }
    }
}

fn ids(events: &[Value], wanted: impl Fn(&Value) -> bool) -> BTreeSet<String> {
    events.iter().filter(|event| wanted(event)).map(|event| text(event, "/auditID")).collect()
}

/// A last line that is still being written has no end of line yet, and is left for the next look.
fn read_events(log: &Path) -> Vec<Value> {
    let content = std::fs::read(log).unwrap_or_else(|error| panic!("cannot read {}: {error}", log.display()));
    let whole = content.iter().rposition(|byte| *byte == b'\n').map_or(&[][..], |end| &content[..end]);
    let event = |line| serde_json::from_slice(line).unwrap_or_else(|error| panic!("{}: {error}", log.display()));
    whole.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(event).collect()
}

fn text(event: &Value, pointer: &str) -> String {
    event.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}
