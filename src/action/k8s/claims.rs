//! Claims and the StatefulSets that they belong to.

use serde_json::Value;

use crate::action::ActionError;
use crate::cluster::{Cluster, Object, claim_origins};
use crate::model::ObjectKey;

/// The StatefulSet that a claim belongs to, by its name: nothing in a claim says so.
pub(super) async fn stateful_set_of(cluster: &dyn Cluster, claim: &Object) -> Result<Option<Object>, ActionError> {
    for (template, name) in claim_origins(claim.name()) {
        let key = ObjectKey::new("StatefulSet", claim.namespace(), name);
        let Some(set) = cluster.get(&key).await? else { continue };
        let templates = set.at("/spec/volumeClaimTemplates").and_then(Value::as_array);
        let is_its = templates
            .into_iter()
            .flatten()
            .any(|claim| claim.pointer("/metadata/name").and_then(Value::as_str) == Some(template));
        if is_its {
            return Ok(Some(set));
        }
    }
    Ok(None)
}
