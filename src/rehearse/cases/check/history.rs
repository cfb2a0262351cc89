//! What was done before a case.

use serde_saphyr::Spanned;

use super::Check;
use crate::diagnostics::{Code, Location};
use crate::playbook::StepKind;
use crate::rehearse::cases::history::EarlierRun;

impl Check<'_> {
    /// Whether the playbook asks what was before; what goes on behind a hand-over may.
    pub(super) fn history(&mut self, runs: &[Spanned<EarlierRun>]) {
        let (Some(first), Some(playbook)) = (runs.first(), self.playbook) else { return };
        let asks = |kind: &StepKind| match kind {
            StepKind::Action(action) => action.describe().name() == "history.runs",
            _ => false,
        };
        if playbook.hand_overs().next().is_some() || playbook.all_steps().any(|step| asks(&step.kind)) {
            return;
        }
        let at: Location = first.referenced.into();
        let message = format!("no step of the playbook `{}` asks what was done before", playbook.name);
        self.error(Code::UnknownName, at, message, "take `history` away, or add a step with `history.runs`");
    }
}
