//! What no run may change.

use super::text::{clip, moment};
use crate::model::Freeze;

/// The freezes that hold, a line for each.
pub fn freezes_text(freezes: &[Freeze]) -> String {
    if freezes.is_empty() {
        return "nothing is frozen here; a ConfigMap in the cluster may freeze as well".to_owned();
    }
    freezes.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// `FRZ-3 freezes namespace db since 2026-03-02 02:00 UTC, until somebody ends it (anna: an upgrade); /unfreeze FRZ-3`.
fn line(freeze: &Freeze) -> String {
    let until = match freeze.until {
        Some(until) => format!("until {}", moment(until)),
        None => "until somebody ends it".to_owned(),
    };
    format!(
        "{id} freezes {} since {}, {until} ({}: {}); /unfreeze {id}",
        freeze.scope,
        moment(freeze.made_at),
        clip(&freeze.by, 80),
        clip(&freeze.reason, 300),
        id = freeze.id,
    )
}
