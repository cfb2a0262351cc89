//! The programs that steps run in containers where the bot's configuration says whether they may.

use super::{Playbook, Step, StepKind};
use crate::action::Word;

impl Playbook {
    /// The steps that run a program: which one, as far as it is known before the run.
    pub fn commands(&self) -> impl Iterator<Item = (&Step, Vec<Word>)> {
        self.all_steps().filter_map(|step| match &step.kind {
            StepKind::Action(action) => Some((step, action.describe().command()?)),
            _ => None,
        })
    }
}
