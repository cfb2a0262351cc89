//! `k8s.get`: one object as it is now.

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::json;

use super::amounts::Flag;
use super::{ActionError, Describe, Kind, Output, Read, StepContext, World, objects};
use crate::cluster::Access;
use crate::language::{AnyArg, Arg};

/// Reads one object. Changes nothing; may be repeated at will.
///
/// Arguments: `kind` (written out, as the rights follow from it; Secrets are refused), `namespace` (written out; the target's by
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

/// Kind and namespace must stand in the playbook as they are: `dogwatch rbac` must know which rights to ask for.
pub(super) fn written_out(kind: &Arg<Kind>, namespace: Option<&Arg<String>>) -> Result<(), String> {
    let why = "must be written out, as the rights that the playbook needs follow from it";
    if kind.literal().is_none() {
        return Err(format!("`kind` {why}"));
    }
    match namespace.map(Arg::literal) {
        Some(None) => Err(format!("`namespace` {why}; leave it out for the target's")),
        None | Some(Some(_)) => Ok(()),
    }
}

/// The right to do `verb` to objects of `kind` in that namespace, or in the target's.
pub(super) fn right(verb: &str, kind: &Arg<Kind>, namespace: Option<&Arg<String>>) -> Vec<Access> {
    let Some(kind) = kind.literal() else { return Vec::new() };
    let namespace = namespace.filter(|_| kind.is_namespaced()).and_then(Arg::literal).cloned().unwrap_or_default();
    vec![Access { namespace, ..kind.access(verb) }]
}

impl Describe for K8sGet {
    fn name(&self) -> &'static str {
        "k8s.get"
    }

    fn args(&self) -> Vec<(&'static str, &dyn AnyArg)> {
        vec![("kind", &self.kind), ("namespace", &self.namespace), ("name", &self.name), ("optional", &self.optional)]
    }

    fn check(&self) -> Result<(), String> {
        written_out(&self.kind, self.namespace.as_ref())
    }

    fn access(&self, _target_kind: &str) -> Vec<Access> {
        right("get", &self.kind, self.namespace.as_ref())
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
