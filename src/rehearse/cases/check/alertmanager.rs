//! What fires in Alertmanager in a case.

use serde_saphyr::Spanned;

use super::Check;
use crate::diagnostics::{Code, Location};
use crate::playbook::StepKind;
use crate::rehearse::cases::alertmanager::OtherAlert;

impl Check<'_> {
    /// Whether each entry is an alert, and the playbook asks for them; what goes on behind a
    /// hand-over may.
    pub(super) fn other_alerts(&mut self, alerts: Option<&Vec<Spanned<OtherAlert>>>) {
        let alerts = alerts.map(Vec::as_slice).unwrap_or_default();
        for alert in alerts {
            let (at, alert): (Location, _) = (alert.referenced.into(), &alert.value);
            match (alert.name.is_empty(), alert.fails) {
                (true, None) => {
                    let remedy = "write `name: PodDown`, or `fails: no_answer`";
                    self.error(Code::MissingField, at, "an alert needs a `name`", remedy);
                }
                (false, Some(_)) => {
                    let message = "Alertmanager does not answer, and tells of an alert all the same";
                    self.error(Code::Contradiction, self.source.find(at, "fails"), message, "keep one of the two");
                }
                _ => {}
            }
        }
        let (Some(first), Some(playbook)) = (alerts.first(), self.playbook) else { return };
        let asks = |kind: &StepKind| match kind {
            StepKind::Action(action) => action.describe().name() == "alertmanager.alerts",
            _ => false,
        };
        if playbook.hand_overs().next().is_some() || playbook.all_steps().any(|step| asks(&step.kind)) {
            return;
        }
        let message = format!("no step of the playbook `{}` asks what else fires", playbook.name);
        let remedy = "take `alertmanager` away, or add a step with `alertmanager.alerts`";
        self.error(Code::UnknownName, first.referenced.into(), message, remedy);
    }
}
