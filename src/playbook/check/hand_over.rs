//! To which playbook a run is handed over. Whether that is there, and takes what it is given, only
//! the catalog knows: see `hand_overs`.

use super::Checker;
use super::visible::Visible;
use crate::playbook::document::HandOver;
use crate::playbook::load::{RawHandOver, place};

pub(super) fn check(checker: &mut Checker<'_>, sees: Visible<'_>, raw: RawHandOver) -> Option<HandOver> {
    let playbook = checker.required(raw.playbook, &raw.seen, "`hand_over_to`", "playbook", "NAME")?;
    let sees = Visible { now: false, ..sees };
    let target = match raw.target {
        Some(text) => Some(checker.template(&text, sees)?),
        None => None,
    };
    let mut inputs = Vec::new();
    for (name, text) in raw.inputs.map(|inputs| inputs.values).unwrap_or_default() {
        inputs.push((name.value.clone(), checker.template(&text, sees)?));
    }
    let (at, playbook, branch) = (place(&playbook), playbook.value, raw.branch);
    raw.seen.broken.is_empty().then_some(HandOver { playbook, target, inputs, branch, at })
}
