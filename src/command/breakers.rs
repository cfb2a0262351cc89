//! `/breakers`: the playbooks of which no run changes anything, as others did not help.

use super::{Definition, Given, ParseError, Shell};
use crate::model::{Command, Role};

pub(super) static COMMAND: Definition = Definition {
    word: "breakers",
    help: "playbooks of which no run begins a change, as others did not help",
    example: "/breakers",
    arguments: &[],
    needs: Role::Viewer,
    only_looks: true,
    shell: Some(Shell {
        about: "List the playbooks whose breaker is open or ramp has stopped, since when and why",
        more: "\
Examples:
  dogwatch breakers

`engine.limits.breaker` says how many runs that did not help open one. It stays open until `dogwatch close`.
The first run that does not help stops the ramp of its playbook (`engine.limits.ramp`) for a time, or until `dogwatch close`.",
    }),
    read,
};

fn read(_: &Given) -> Result<Command, ParseError> {
    Ok(Command::Breakers)
}
