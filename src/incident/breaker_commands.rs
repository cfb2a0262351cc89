//! What follows when a person closes a breaker, or has a ramp that has stopped go on.

use crate::model::Person;
use crate::store::{Change, CommandReply, Decision};

/// Runs of the playbook may change things again.
pub(super) fn decide_close_breaker(
    playbook: &str,
    (is_open, has_stopped): (bool, bool),
    reason: &str,
    person: &Person,
) -> Decision {
    let change =
        Change::CloseBreaker { playbook: playbook.to_owned(), by: person.name.clone(), reason: reason.to_owned() };
    let reply = match (is_open, has_stopped) {
        (true, _) => {
            format!(
                "the breaker of {playbook} is closed: its runs may change things again; where a ramp holds, the first of them alone"
            )
        }
        (false, true) => {
            format!("the ramp of {playbook} goes on: its next run is alone until its verify held, and others follow")
        }
        (false, false) => format!("the breaker of {playbook} was not open; what did not help before counts no more"),
    };
    Decision { changes: vec![change], reply: Some(CommandReply::granted(reply)) }
}
