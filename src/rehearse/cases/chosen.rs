//! Which branches a case expects to be taken.

use std::collections::{BTreeMap, BTreeSet};

use super::branches::{Way, WayAt, branches};
use super::document::Names;
use crate::model::StepAddress;
use crate::playbook::Playbook;

/// What a `choose` is called in a case: its id, or where it stands (`diagnose.2`).
fn called(choose: &StepAddress) -> String {
    choose.id().map_or_else(|| choose.to_string(), str::to_owned)
}

/// The branches of each `choose`, by what that is called, in the order of the playbook.
pub(super) fn choices(playbook: &Playbook) -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for WayAt { step, way } in branches(playbook) {
        if let Way::Chosen(branch) = way {
            found.entry(called(&step)).or_default().push(branch);
        }
    }
    found
}

/// Holds the branches that a run took to what a case expects: each of these, by whichever item of a
/// loop.
pub(super) fn judge_branches(expected: &BTreeMap<String, Names>, taken: &BTreeSet<WayAt>, wrong: &mut Vec<String>) {
    for (choose, expected) in expected {
        let taken: Vec<&str> = taken
            .iter()
            .filter(|at| called(&at.step) == *choose)
            .filter_map(|at| match &at.way {
                Way::Chosen(branch) => Some(branch.as_str()),
                _ => None,
            })
            .collect();
        for branch in expected.names().iter().filter(|branch| !taken.contains(&branch.as_str())) {
            let came = match taken.as_slice() {
                [] => "and the run did not come to it".to_owned(),
                taken => format!("and it was `{}`", taken.join("`, `")),
            };
            wrong.push(format!("expected that {choose} is `{branch}`, {came}"));
        }
    }
}
