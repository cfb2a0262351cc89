//! Custom resources that report failure by a condition. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::settings::{Reports, WatchedFor};
use super::sighting::{Sighting, is_watched};
use crate::cluster::Object;

/// Whether the object reports failure in that way. One that does not have the condition yet reports
/// nothing.
pub(super) fn judge(object: &Object, reports: &Reports) -> Option<Sighting> {
    let conditions = object.at("/status/conditions")?.as_array()?;
    let text =
        |condition: &Value, field: &str| condition.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
    let condition = conditions.iter().find(|condition| text(condition, "type") == reports.condition)?;
    if !is_watched(object) || !text(condition, "status").eq_ignore_ascii_case(&reports.status) {
        return None;
    }
    let why = [text(condition, "reason"), text(condition, "message")];
    let why: Vec<String> = why.into_iter().filter(|text| !text.is_empty()).collect();
    let says = format!("{} is {}", reports.condition, reports.status);
    let own = [("kind", &*reports.kind), ("name", object.name()), ("condition", &*reports.condition)];
    Some(Sighting {
        what: WatchedFor::ReportsFailure(reports.clone()),
        namespace: object.namespace().to_owned(),
        own: own.map(|(label, value)| (label.to_owned(), value.to_owned())).into(),
        besides: BTreeMap::new(),
        about: format!("{} {}", reports.kind, object.name()),
        pods: BTreeMap::new(),
        containers: BTreeSet::new(),
        says: if why.is_empty() { says } else { format!("{says}: {}", why.join(": ")) },
        at_worst: None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// As cert-manager writes it.
    fn certificate(status: &str) -> Object {
        Object(json!({
            "apiVersion": "cert-manager.io/v1", "kind": "Certificate", "metadata": { "namespace": "shop", "name": "web-tls" },
            "status": { "conditions": [
                { "type": "Issuing", "status": "True", "reason": "Renewing" },
                { "type": "Ready", "status": status, "reason": "Expired", "message": "Certificate expired on Sunday" },
            ] },
        }))
    }

    fn reports() -> Reports {
        Reports { kind: "Certificate.cert-manager.io".into(), condition: "Ready".into(), status: "False".into() }
    }

    #[test]
    fn the_condition_that_is_named_says_it() {
        let seen = judge(&certificate("False"), &reports()).unwrap();
        assert_eq!(seen.about, "Certificate.cert-manager.io web-tls");
        assert_eq!(seen.says, "Ready is False: Expired: Certificate expired on Sunday");
        assert_eq!(judge(&certificate("True"), &reports()), None);
        assert_eq!(judge(&certificate("Unknown"), &reports()), None);
    }

    #[test]
    fn what_says_nothing_yet_reports_nothing() {
        let silent = certificate("False").with(&json!({ "status": null }));
        assert_eq!(judge(&silent, &reports()), None);
        let other = Reports { condition: "Stalled".into(), ..reports() };
        assert_eq!(judge(&certificate("False"), &other), None);
    }
}
