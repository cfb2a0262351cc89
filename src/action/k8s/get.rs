//! `k8s.get`: one object as it is now.

use async_trait::async_trait;
use serde_json::{Value, json};

use super::named::{named, written_out};
use super::objects;
use crate::action::amounts::Flag;
use crate::action::typed::{Arguments as _, Typed as _, arguments, output};
use crate::action::{
    AT_WILL, Action, ActionError, Declaration, Declared, Effect, Named, Output, Read, Right, StepContext, World,
};
use crate::cluster::KindName;
use crate::language::Arg;
use crate::model::Autonomy;

arguments! {
    pub(in crate::action) struct K8sGet {
        /// Of what kind; written out, as the rights follow from it. Secrets are refused
        kind: Arg<KindName>,
        /// In which namespace; written out. The target's by default
        namespace: Option<Arg<String>>,
        /// Its name
        name: Arg<String>,
        /// Whether it may be absent
        optional: Option<Arg<Flag>> = "false",
    }
}

output! {
    struct Got {
        /// Whether it is there
        found: bool,
        /// The object without its managed fields; empty when it is absent
        object: Value,
    }
}

impl Declared for K8sGet {
    const DECLARATION: Declaration = Declaration {
        name: "k8s.get",
        summary: "Reads one object as it is now",
        effect: Effect::Reads,
        about: "The object is read without its managed fields and the copy of itself that `kubectl apply` leaves.",
        errors: "The object is absent, unless it is `optional`.",
        repeated: AT_WILL,
        way_back: None,
        arguments: Self::ARGUMENTS,
        output: Got::FIELDS,
        rights: &[Right::on_named(&["get"])],
        most_autonomy: Autonomy::Auto,
        example: "\
- id: class
  k8s.get: { kind: StorageClass, name: \"{{target.spec.storageClassName}}\", optional: true }
",
    };

    fn named(&self) -> Named {
        named(Some(&self.kind), self.namespace.as_ref())
    }

    fn into_action(self) -> Action {
        Action::Read(Box::new(self))
    }

    fn check(&self) -> Result<(), String> {
        written_out(&self.kind, self.namespace.as_ref())
    }
}

#[async_trait]
impl Read for K8sGet {
    async fn read(&self, world: &World, step: StepContext<'_>) -> Result<Output, ActionError> {
        let kind = world.cluster.kind(&self.kind.resolve(step.scope)?).await?;
        let key = objects::key(&step, kind, self.namespace.as_ref(), &self.name)?;
        let is_optional = self.optional(step.scope)?.0;
        match world.cluster.get(&key).await? {
            Some(object) => {
                let got = Got { found: true, object: objects::without_bookkeeping(&object) };
                Ok(Output::new(&got, format!("{key} is there")))
            }
            None if is_optional => {
                Ok(Output::new(&Got { found: false, object: json!({}) }, format!("{key} is not there")))
            }
            None => Err(ActionError::fail(format!("{key} is not there; where it may be absent, say `optional: true`"))),
        }
    }
}
