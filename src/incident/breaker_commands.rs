//! What follows when a person closes a breaker.

use crate::model::Person;
use crate::store::{Change, CommandReply, Decision};

/// Runs of the playbook may change things again.
pub(super) fn decide_close_breaker(playbook: &str, is_open: bool, reason: &str, person: &Person) -> Decision {
    let change =
        Change::CloseBreaker { playbook: playbook.to_owned(), by: person.name.clone(), reason: reason.to_owned() };
    let reply = match is_open {
        true => {
            format!(
                "the breaker of {playbook} is closed: its runs may change things again; where a ramp holds, the first of them alone"
            )
        }
        false => format!("the breaker of {playbook} was not open; what did not help before counts no more"),
    };
    Decision { changes: vec![change], reply: Some(CommandReply::granted(reply)) }
}
