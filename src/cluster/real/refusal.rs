//! What the API server's refusals mean to us.

use kube::core::Status;

use super::connect::with_causes;
use crate::cluster::ClusterError;

/// What was asked, for messages.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    /// `patch`
    pub verb: &'static str,
    /// `deployment/coredns in kube-system`
    pub what: String,
    pub kind: String,
}

impl Asked {
    /// `patch deployment/coredns in kube-system`
    pub fn phrase(&self) -> String {
        format!("{} {}", self.verb, self.what)
    }

    pub fn unavailable(&self, message: impl Into<String>) -> ClusterError {
        ClusterError::Unavailable { what: self.phrase(), message: message.into() }
    }

    pub fn refused(&self, message: impl Into<String>) -> ClusterError {
        ClusterError::Refused { what: self.phrase(), message: message.into() }
    }

    /// What went wrong, in our words.
    pub fn failed(&self, error: &kube::Error) -> ClusterError {
        match error {
            kube::Error::Api(status) => self.answered(status),
            kube::Error::BuildRequest(error) => self.refused(with_causes(error)),
            kube::Error::SerdeError(error) => self.unavailable(format!("its answer is no JSON object: {error}")),
            other => self.unavailable(with_causes(other)),
        }
    }

    /// The server answered with a `Status`, <https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/>.
    pub fn answered(&self, status: &Status) -> ClusterError {
        let message = brief(&status.message);
        match status.code {
            404 if names_an_object(status) && is_about_a_namespace(status) && self.kind != "Namespace" => {
                ClusterError::NotFound(format!("the namespace of {}", self.what))
            }
            404 if names_an_object(status) => ClusterError::NotFound(self.what.clone()),
            404 => ClusterError::UnknownKind(self.kind.clone()),
            409 if status.is_already_exists() => ClusterError::AlreadyExists(self.what.clone()),
            409 => ClusterError::Conflict { what: self.what.clone(), message },
            // A UID that does not fit is a conflict on deletion and on `scale`, but here an invalid change of the UID.
            422 if is_about_the_uid(status) => ClusterError::Conflict { what: self.what.clone(), message },
            401 => ClusterError::Unauthorized { what: self.phrase() },
            // The quota is not ours to raise, and no role of ours would help.
            403 if message.contains("exceeded quota") => self.refused(message),
            403 => ClusterError::Forbidden { what: self.phrase(), message },
            429 if let Some(budget) = disruption_budget(status) => {
                ClusterError::Budget { what: self.phrase(), message: format!("{message} {budget}") }
            }
            // Not a failure of the server: somebody has to take one of the two budgets away.
            500 if message.contains("more than one PodDisruptionBudget") => self.refused(message),
            // 410: the list changed while it was read page by page, too long ago for the server to remember.
            408 | 410 | 429 | 500.. => self.unavailable(format!("{message} ({})", status.code)),
            code => self.refused(format!("{message} ({code})")),
        }
    }
}

/// A path that the server does not serve is a 404 as well, but one without a name.
fn names_an_object(status: &Status) -> bool {
    status.details.as_ref().is_some_and(|details| !details.name.is_empty())
}

fn is_about_a_namespace(status: &Status) -> bool {
    status.details.as_ref().is_some_and(|details| details.kind == "namespaces")
}

/// What the budget says that does not allow an eviction.
fn disruption_budget(status: &Status) -> Option<&str> {
    let causes = status.details.as_ref().map(|details| details.causes.as_slice()).unwrap_or_default();
    causes.iter().find(|cause| cause.reason == "DisruptionBudget").map(|cause| cause.message.as_str())
}

fn is_about_the_uid(status: &Status) -> bool {
    let causes = status.details.as_ref().map(|details| details.causes.as_slice()).unwrap_or_default();
    !causes.is_empty() && causes.iter().all(|cause| cause.field == "metadata.uid")
}

/// The most that a message says.
const LONGEST: usize = 400;

/// The server's message without the value that it complains about: with strict validation that is the whole object,
/// which is long and nobody else's business.
fn brief(message: &str) -> String {
    const VALUE: &str = "Invalid value: ";
    let mut text = String::new();
    let mut rest = message;
    while let Some(at) = rest.find(VALUE) {
        let (before, value) = rest.split_at(at);
        let value = &value[VALUE.len()..];
        text.push_str(before);
        match end_of_value(value).filter(|end| *end > 80) {
            Some(end) => {
                text.push_str("invalid");
                rest = &value[end..];
            }
            None => {
                text.push_str(VALUE);
                rest = value;
            }
        }
    }
    text.push_str(rest);
    let text = text.trim_start_matches(" \"\" is invalid: ");
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

/// Where a quoted text or a JSON object ends.
fn end_of_value(value: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut quoted = false;
    let mut escaped = false;
    for (at, c) in value.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '{' | '[' if !quoted => depth += 1,
            '}' | ']' if !quoted => depth = depth.checked_sub(1)?,
            _ => {}
        }
        if depth == 0 && !quoted && !escaped && matches!(c, '"' | '}' | ']') {
            return Some(at + c.len_utf8());
        }
        if at == 0 && !matches!(c, '"' | '{' | '[') {
            return None;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn status(code: u16, reason: &str, message: &str, details: Value) -> kube::Error {
        let text = json!({ "kind": "Status", "code": code, "reason": reason, "message": message, "details": details });
        kube::Error::Api(Box::new(serde_json::from_value(text).unwrap()))
    }

    fn patch_failed(error: &kube::Error) -> ClusterError {
        let what = "deployment/web in shop".to_owned();
        Asked { verb: "patch", what, kind: "Deployment".into() }.failed(error)
    }

    #[test]
    fn each_refusal_is_told_apart() {
        let what = "deployment/web in shop".to_owned();
        let named = json!({ "name": "web", "kind": "deployments" });

        let absent = status(404, "NotFound", "deployments.apps \"web\" not found", named.clone());
        assert_eq!(patch_failed(&absent), ClusterError::NotFound(what.clone()));
        let unserved = status(404, "NotFound", "the server could not find the requested resource", json!({}));
        assert_eq!(patch_failed(&unserved), ClusterError::UnknownKind("Deployment".into()));
        let no_namespace = status(404, "NotFound", "", json!({ "name": "shop", "kind": "namespaces" }));
        assert_eq!(patch_failed(&no_namespace).to_string(), "the namespace of deployment/web in shop is not there");

        let exists = status(409, "AlreadyExists", "exists", named.clone());
        assert_eq!(patch_failed(&exists), ClusterError::AlreadyExists(what.clone()));
        let changed = status(409, "Conflict", "modified", named.clone());
        assert_eq!(patch_failed(&changed), ClusterError::Conflict { what: what.clone(), message: "modified".into() });
        let uid = json!({ "name": "web", "causes": [{ "field": "metadata.uid" }, { "field": "metadata.uid" }] });
        assert!(matches!(patch_failed(&status(422, "Invalid", "immutable", uid)), ClusterError::Conflict { .. }));

        assert!(matches!(patch_failed(&status(401, "Unauthorized", "", json!({}))), ClusterError::Unauthorized { .. }));
        assert!(matches!(patch_failed(&status(403, "Forbidden", "", named.clone())), ClusterError::Forbidden { .. }));
        let quota = status(403, "Forbidden", "claims \"x\" is forbidden: exceeded quota: storage", named.clone());
        assert!(matches!(patch_failed(&quota), ClusterError::Refused { .. }));
        for code in [400, 405, 413, 415, 422] {
            let refused = status(code, "", "no", named.clone());
            assert!(matches!(patch_failed(&refused), ClusterError::Refused { .. }), "{code}");
        }
        for code in [408, 410, 429, 500, 502, 503, 504] {
            let unavailable = status(code, "", "later", named.clone());
            assert!(matches!(patch_failed(&unavailable), ClusterError::Unavailable { .. }), "{code}");
        }
    }

    #[test]
    fn a_disruption_budget_is_no_overload() {
        let asked = Asked { verb: "evict", what: "pod/web-1 in shop".into(), kind: "Pod".into() };
        let why = "Cannot evict pod as it would violate the pod's disruption budget.";
        let cause = "The disruption budget web needs 2 healthy pods and has 2 currently";
        let causes = json!({ "causes": [{ "reason": "DisruptionBudget", "message": cause }] });
        let refused = asked.failed(&status(429, "TooManyRequests", why, causes));
        assert_eq!(
            refused.to_string(),
            format!(
                "a disruption budget does not allow for now to evict pod/web-1 in shop: {why} {cause}; `kubectl get pdb` shows what it waits for"
            )
        );
        assert!(refused.is_transient());
        let two = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.";
        let refused = asked.failed(&status(500, "", two, json!({})));
        assert!(matches!(&refused, ClusterError::Refused { .. }) && !refused.is_transient(), "{refused}");
    }

    #[test]
    fn a_message_does_not_carry_the_whole_object() {
        let object = json!({ "data": { "password": "hunter2", "more": "x".repeat(100) } }).to_string();
        let message = format!(
            " \"\" is invalid: patch: Invalid value: {}: strict decoding error: unknown field \"spec.replica\"",
            json!(object)
        );
        assert_eq!(brief(&message), "patch: invalid: strict decoding error: unknown field \"spec.replica\"");
        let bare = format!("Job \"b\" is invalid: spec.template: Invalid value: {object}: field is immutable");
        assert_eq!(brief(&bare), "Job \"b\" is invalid: spec.template: invalid: field is immutable");
    }

    #[test]
    fn a_short_value_stays_in_the_message() {
        let message = "spec.replicas: Invalid value: -3: must be greater than or equal to 0";
        assert_eq!(brief(message), message);
        let name = "metadata.name: Invalid value: \"C_x\": a lowercase name must consist of letters";
        assert_eq!(brief(name), name);
        assert_eq!(brief(&"y".repeat(10_000)).chars().count(), LONGEST + 3);
    }
}
