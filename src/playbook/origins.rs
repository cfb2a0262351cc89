//! Whom a playbook asks over HTTP.

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
}
