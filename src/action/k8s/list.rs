//! `k8s.list`: all objects that match.

use async_trait::async_trait;
use serde_json::Value;

use super::named::{named, written_out};
use super::objects;
use crate::action::amounts::Count;
use crate::action::typed::{Arguments as _, Typed as _, arguments, output};
use crate::action::{
    AT_WILL, Action, ActionError, Declaration, Declared, Effect, Named, Output, Read, Right, StepContext, World, holes,
};
use crate::cluster::{KindName, ListQuery};
use crate::language::Arg;
use crate::model::Autonomy;

arguments! {
    pub(in crate::action) struct K8sList {
        /// Of what kind; written out, as the rights follow from it. Secrets are refused
        kind: Arg<KindName>,
        /// In which namespace; written out. By default the target's, or the target where it is one
        namespace: Option<Arg<String>>,
        /// A label selector as kubectl takes it, with plain holes such as `{{inputs.x}}`
        labels: Option<Arg<String>>,
        /// A field selector, in the same way
        fields: Option<Arg<String>>,
        /// The most objects that may match
        limit: Option<Arg<Count>> = "500",
    }
}

output! {
    struct Listed {
        /// The objects in the order of their names, without managed fields, pod templates,
        /// containers and data; of a CronJob's `jobTemplate` its labels
        items: Vec<Value>,
        /// How many they are
        count: usize,
    }
}

impl Declared for K8sList {
    const DECLARATION: Declaration = Declaration {
        name: "k8s.list",
        summary: "Lists all objects that match",
        effect: Effect::Reads,
        about: "None at all is an answer, and no error: `count` is 0.",
        errors: "More than `limit` objects match, as half a list would be taken for a whole one; a hole in a selector is filled \
            with anything but letters, digits and `_ . : / @ -`.",
        repeated: AT_WILL,
        way_back: None,
        arguments: Self::ARGUMENTS,
        output: Listed::FIELDS,
        rights: &[Right::on_named(&["list"])],
        most_autonomy: Autonomy::Auto,
        example: "\
- id: jobs
  k8s.list: { kind: Job, labels: \"database={{target.metadata.name}}\", limit: 50 }
",
    };

    fn named(&self) -> Named {
        named(Some(&self.kind), self.namespace.as_ref())
    }

    fn into_action(self) -> Action {
        Action::Read(Box::new(self))
    }

    fn check(&self) -> Result<(), String> {
        written_out(&self.kind, self.namespace.as_ref())?;
        holes::check_plain("labels", &self.labels)?;
        holes::check_plain("fields", &self.fields)
    }
}

#[async_trait]
impl Read for K8sList {
    async fn read(&self, world: &World, step: StepContext<'_>) -> Result<Output, ActionError> {
        let kind = world.cluster.kind(&self.kind.resolve(step.scope)?).await?;
        let namespace = match &self.namespace {
            _ if !kind.namespaced => String::new(),
            Some(namespace) => objects::safe_name(namespace.resolve(step.scope)?, "namespace")?,
            None => step.target.place().to_owned(),
        };
        let selector = |name: &str, arg: &Option<Arg<String>>| -> Result<String, ActionError> {
            let Some(arg) = arg else { return Ok(String::new()) };
            holes::refuse_syntax(name, arg, step.scope)?;
            Ok(arg.resolve(step.scope)?)
        };
        let query = ListQuery {
            kind: kind.id.into(),
            namespace,
            labels: selector("labels", &self.labels)?,
            fields: selector("fields", &self.fields)?,
            limit: self.limit(step.scope)?.0 as usize,
        };
        let found = world.cluster.list(&query).await?;
        let items: Vec<Value> = found.iter().map(objects::list_item).collect();
        let summary = format!("{} {} found", items.len(), kind.id);
        Ok(Output::new(&Listed { count: items.len(), items }, summary))
    }
}
