//! `k8s.get`: one object as it is now.

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::json;

use super::amounts::Flag;
use super::{ActionError, AnyArg, Arg, Describe, Kind, Output, Read, StepContext, World, objects};
use crate::cluster::Access;

/// Reads one object. Changes nothing; may be repeated at will.
///
/// Arguments: `kind` (written out, as the rights follow from it; Secrets are refused), `namespace` (the target's by
/// default), `name`, `optional: true` where it may be absent.
///
/// Output: `found`, and `object` without its managed fields; an empty object when it is absent.
///
/// Errors: an object that is absent, unless it is `optional`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct K8sGet {
    kind: Arg<Kind>,
    namespace: Option<Arg<String>>,
    name: Arg<String>,
    optional: Option<Arg<Flag>>,
}

/// The kind must stand in the playbook as it is: `dogwatch rbac` must know which rights to ask for.
pub(super) fn written_out(kind: &Arg<Kind>) -> Result<(), String> {
    match kind.literal() {
        Some(_) => Ok(()),
        None => Err("`kind` must be written out, as the rights that the playbook needs follow from it".into()),
    }
}

impl Describe for K8sGet {
    fn name(&self) -> &'static str {
        "k8s.get"
    }

    fn args(&self) -> Vec<(&'static str, &dyn AnyArg)> {
        vec![("kind", &self.kind), ("namespace", &self.namespace), ("name", &self.name), ("optional", &self.optional)]
    }

    fn check(&self) -> Result<(), String> {
        written_out(&self.kind)
    }

    fn access(&self, _target_kind: &str) -> Vec<Access> {
        self.kind.literal().map(|kind| kind.access("get")).into_iter().collect()
    }

    fn output_fields(&self) -> Option<&'static [&'static str]> {
        Some(&["found", "object"])
    }
}

#[async_trait]
impl Read for K8sGet {
    async fn read(&self, world: &World, step: StepContext<'_>) -> Result<Output, ActionError> {
        let kind = self.kind.resolve(step.scope)?;
        let key = objects::key(&step, kind, self.namespace.as_ref(), &self.name)?;
        let optional = self.optional.as_ref().map(|flag| flag.resolve(step.scope)).transpose()?;
        match world.cluster.get(&key).await? {
            Some(object) => {
                let fields = json!({ "found": true, "object": objects::without_bookkeeping(&object) });
                Ok(Output::new(fields, format!("{key} is there")))
            }
            None if optional.is_some_and(|optional| optional.0) => {
                Ok(Output::new(json!({ "found": false, "object": {} }), format!("{key} is not there")))
            }
            None => Err(ActionError::fail(format!("{key} is not there; where it may be absent, say `optional: true`"))),
        }
    }

    fn as_describe(&self) -> &dyn Describe {
        self
    }
}
