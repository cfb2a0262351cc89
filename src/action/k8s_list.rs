//! `k8s.list`: all objects that match.

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Value, json};

use super::amounts::Count;
use super::k8s_get::{right, written_out};
use super::{ActionError, Describe, Kind, Output, Read, StepContext, World, holes, objects};
use crate::cluster::{Access, ListQuery};
use crate::language::{AnyArg, Arg};

/// Lists objects. Changes nothing; may be repeated at will.
///
/// Arguments: `kind` and `namespace` (written out; Secrets are refused; the target's namespace by default), `labels` and `fields`
/// (selectors as kubectl takes them, with plain `{{holes}}`), `limit` (500 by default).
///
/// Output: `items`, in the order of their names, each without managed fields, pod templates, containers and data; `count`.
/// None at all is an answer here, not an error: `count` is 0.
///
/// Errors: more than `limit` objects, as half a list would be taken for a whole one.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct K8sList {
    kind: Arg<Kind>,
    namespace: Option<Arg<String>>,
    labels: Option<Arg<String>>,
    fields: Option<Arg<String>>,
    limit: Option<Arg<Count>>,
}

const DEFAULT_LIMIT: Count = Count(500);

impl Describe for K8sList {
    fn name(&self) -> &'static str {
        "k8s.list"
    }

    fn args(&self) -> Vec<(&'static str, &dyn AnyArg)> {
        vec![
            ("kind", &self.kind),
            ("namespace", &self.namespace),
            ("labels", &self.labels),
            ("fields", &self.fields),
            ("limit", &self.limit),
        ]
    }

    fn check(&self) -> Result<(), String> {
        written_out(&self.kind, self.namespace.as_ref())?;
        holes::check_plain("labels", &self.labels)?;
        holes::check_plain("fields", &self.fields)
    }

    fn access(&self, _target_kind: &str) -> Vec<Access> {
        right("list", &self.kind, self.namespace.as_ref())
    }

    fn output_fields(&self) -> Option<&'static [&'static str]> {
        Some(&["items", "count"])
    }
}

#[async_trait]
impl Read for K8sList {
    async fn read(&self, world: &World, step: StepContext<'_>) -> Result<Output, ActionError> {
        let kind = self.kind.resolve(step.scope)?;
        let namespace = match &self.namespace {
            _ if !kind.is_namespaced() => String::new(),
            Some(namespace) => objects::safe_name(namespace.resolve(step.scope)?, "namespace")?,
            None => step.target.namespace.clone(),
        };
        let selector = |name: &str, arg: &Option<Arg<String>>| -> Result<String, ActionError> {
            let Some(arg) = arg else { return Ok(String::new()) };
            holes::refuse_syntax(name, arg, step.scope)?;
            Ok(arg.resolve(step.scope)?)
        };
        let query = ListQuery {
            kind: kind.as_str().into(),
            namespace,
            labels: selector("labels", &self.labels)?,
            fields: selector("fields", &self.fields)?,
            limit: self.limit.as_ref().map_or(Ok(DEFAULT_LIMIT), |limit| limit.resolve(step.scope))?.0 as usize,
        };
        let found = world.cluster.list(&query).await?;
        let items: Vec<Value> = found.iter().map(objects::list_item).collect();
        let summary = format!("{} {} found", items.len(), kind.as_str());
        Ok(Output::new(json!({ "count": items.len(), "items": items }), summary))
    }

    fn as_describe(&self) -> &dyn Describe {
        self
    }
}
