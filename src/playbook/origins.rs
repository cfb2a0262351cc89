//! Whom a playbook asks over HTTP, and looks at on the network.

use super::{Playbook, Step, StepKind};
use crate::language::Location;
use crate::web::Origin;

impl Playbook {
    /// The steps that ask somebody over HTTP: whom, and where that stands.
    pub fn origins(&self) -> impl Iterator<Item = (&Step, Origin, Location)> {
        self.all_steps().filter_map(|step| match &step.kind {
            StepKind::Action(action) => action.describe().origin().map(|(origin, at)| (step, origin, at)),
            _ => None,
        })
    }

    /// The steps that look at a host which is written out: which one, and where that stands.
    pub fn hosts(&self) -> impl Iterator<Item = (&Step, String, Location)> {
        self.all_steps().filter_map(|step| match &step.kind {
            StepKind::Action(action) => action.describe().host().map(|(host, at)| (step, host, at)),
            _ => None,
        })
    }
}
