//! Whether a Deployment rolls out: what `k8s.rollout_pause` and `k8s.rollout_resume` share.

pub(in crate::action) mod pause;
pub(in crate::action) mod resume;

use super::switch::{Switch, is_on};
use super::{field_owner, objects};
use crate::action::typed::{Typed as _, output};
use crate::action::{ActionError, Field, Output, StepContext, World};
use crate::cluster::Object;
use crate::model::Intent;

/// The API server leaves out what is `false`.
const PAUSED: Switch = Switch { path: &["spec", "paused"], keeps_off: false };

output! {
    struct OfDeployment {
        /// The Deployment's name
        deployment: String,
        /// Whether it rolls out nothing now
        paused: bool,
    }
}

const FIELDS: &[Field] = OfDeployment::FIELDS;

fn output(name: &str, paused: bool, summary: impl Into<String>) -> Output {
    Output::new(&OfDeployment { deployment: name.to_owned(), paused }, summary)
}

fn made(intent: &Intent) -> Output {
    output(&intent.object.name, is_on(&intent.after), intent.summary.clone())
}

/// The target as it is now, which must be a Deployment.
async fn deployment(world: &World, step: &StepContext<'_>) -> Result<Object, ActionError> {
    if step.target.is_a("StatefulSet") {
        return Err(ActionError::needs_human(format!(
            "{} cannot be paused: a StatefulSet is held by the `partition` of its rollingUpdate, below which ordinals stay, and \
             which one that is is for a person to say",
            step.target
        )));
    }
    if !step.target.is_a("Deployment") {
        return Err(ActionError::fail(format!("{} cannot be paused; only Deployments can", step.target)));
    }
    objects::live_target(world.cluster.as_ref(), step).await
}

/// Whether the field is to be changed here at all.
fn may_change(deployment: &Object) -> Result<(), ActionError> {
    if deployment.is_going() {
        return Err(ActionError::fail(format!("{} is being deleted", deployment.key())));
    }
    let kept = field_owner::controller(deployment).or_else(|| field_owner::keeper(deployment, PAUSED.path));
    kept.map_or(Ok(()), |who| Err(ActionError::needs_human(who)))
}
