//! Loops: one thing for each of many, in waves.
//!
//! The list goes on the log once, each wave when it begins, and each item when it is over. What is
//! between those are the records of the item's own steps, under addresses with its key.

mod list;
mod plan;
mod run;
mod state;
mod told;

pub(super) use list::{item_read, list};
pub(super) use plan::{goes_on_when_resolved, plan};
pub use state::{ItemState, Loop};

use crate::model::{ItemKey, StepAddress};

/// The address of what is asked before the wave of that number, counted from 0. No item's key
/// begins so ([`list`]).
const GUARD: char = '#';

fn guard_key(wave: usize) -> Option<ItemKey> {
    ItemKey::new(format!("{GUARD}{}", wave + 1)).ok()
}

/// The `foreach` itself, for one of its items.
fn of_item(address: &StepAddress, key: &ItemKey) -> StepAddress {
    address.for_items(std::slice::from_ref(key))
}
