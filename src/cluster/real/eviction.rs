//! Evictions, <https://kubernetes.io/docs/concepts/scheduling-eviction/api-eviction/>.

use axum::http::Request as HttpRequest;
use kube::core::Status;
use serde_json::{Value, json};

use super::{RealCluster, asked, path};
use crate::cluster::{ClusterError, Evict, Kind};

impl RealCluster {
    pub(super) async fn evict_pod(&self, evict: &Evict) -> Result<(), ClusterError> {
        let asked = asked("evict", &evict.key);
        let key = &evict.key;
        Kind::POD.check_key(key).map_err(|message| asked.refused(message))?;
        if key.kind != "Pod" {
            return Err(asked.refused("only pods are evicted"));
        }
        if evict.uid.is_empty() {
            return Err(asked.refused("no uid was given, and so another pod of that name could be hit"));
        }
        let uri = format!("{}/{}/eviction", path(&Kind::POD, &key.namespace), key.name);
        let uri = if evict.dry_run { format!("{uri}?dryRun=All") } else { uri };
        // kube's own writes `delete_options`, which the server passes over, and the UID with it.
        let body = json!({
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": { "namespace": key.namespace, "name": key.name },
            "deleteOptions": { "preconditions": { "uid": evict.uid } },
        });
        let request = HttpRequest::post(uri)
            .header("content-type", "application/json")
            .body(body.to_string().into_bytes())
            .map_err(kube::core::request::Error::BuildRequest);
        let answer = self.send(&asked, request).await?;
        let text = |pointer: &str| answer.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        match (text("/kind"), text("/status")) {
            ("Status", "Success") | ("Eviction", _) => Ok(()),
            // A refusal may come under the code of a success.
            ("Status", "Failure") => match serde_json::from_value::<Status>(answer.clone()) {
                Ok(status) => Err(asked.answered(&status)),
                Err(error) => Err(asked.unavailable(format!("its answer is no Status: {error}"))),
            },
            _ => Err(asked.unavailable("its answer does not say whether the pod is evicted")),
        }
    }
}
