//! `/close playbook=pvc-filling the storage is mended`: its runs may change things again.

use super::{Argument, Definition, Given, ParseError, Shell, Value};
use crate::model::{Command, Role};

pub(super) static COMMAND: Definition = Definition {
    word: "close",
    help: "close the breaker of a playbook: its runs may change things again",
    example: "/close playbook=pvc-filling the storage is mended",
    arguments: &[
        Argument::word("playbook", Value::Text, "PLAYBOOK", "the playbook whose breaker it is: its name, or playbook=NAME"),
        Argument::text("reason", "REASON", "what was found, for whoever reads it at night").required(),
    ],
    needs: Role::Responder,
    only_looks: false,
    shell: Some(Shell {
        about: "Close the breaker of a playbook, and have its ramp begin anew",
        more: "\
Examples:
  dogwatch close playbook=pvc-filling --reason 'the storage is mended'

What did not help before counts no more. Its next run is alone until its verify held, where `engine.limits.ramp` says so.",
    }),
    read,
};

fn read(given: &Given) -> Result<Command, ParseError> {
    let named: String = given.required("playbook")?;
    let playbook = named.strip_prefix("playbook=").unwrap_or(&named).to_owned();
    Ok(Command::CloseBreaker { playbook, reason: given.required("reason")? })
}
