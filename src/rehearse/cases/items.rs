//! What became of the items of a run's loops.

use std::collections::BTreeMap;

use super::document::ExpectedItems;
use crate::engine::{Loop, RunState};
use crate::model::ItemOutcome;

/// Holds the loops of a run to what a case expects of them.
pub fn judge_items(expected: &BTreeMap<String, ExpectedItems>, run: &RunState, wrong: &mut Vec<String>) {
    for (id, expected) in expected {
        match run.loops.iter().find(|listed| listed.address.id() == Some(id)) {
            Some(listed) => {
                let became = became(listed);
                if became != *expected {
                    wrong.push(format!("expected of {id} {}\nand it was {}", told(expected), told(&became)));
                }
            }
            None => {
                wrong.push(format!("expected items of {id}, and the run has no loop of that id, or did not come to it"))
            }
        }
    }
}

/// What became of each.
pub(super) fn became(listed: &Loop) -> ExpectedItems {
    let mut became = ExpectedItems::default();
    for item in &listed.items {
        let list = match item.outcome() {
            Some(ItemOutcome::Done) => &mut became.done,
            Some(ItemOutcome::Unneeded) => &mut became.unneeded,
            Some(ItemOutcome::Failed) => &mut became.failed,
            Some(ItemOutcome::LeftAlone) => &mut became.left_alone,
            None => &mut became.untouched,
        };
        list.push(item.key.to_string());
    }
    became
}

/// As the file of cases has them.
fn told(items: &ExpectedItems) -> String {
    let ExpectedItems { done, unneeded, failed, left_alone, untouched } = items;
    let lists = [
        ("done", done),
        ("unneeded", unneeded),
        ("failed", failed),
        ("left_alone", left_alone),
        ("untouched", untouched),
    ];
    let lists = lists.into_iter().filter(|(_, keys)| !keys.is_empty());
    let lists: Vec<String> = lists.map(|(name, keys)| format!("{name}: [{}]", keys.join(", "))).collect();
    format!("{{ {} }}", lists.join(", "))
}
