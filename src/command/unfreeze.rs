//! `/unfreeze FRZ-3`: runs may change things again.

use super::{Argument, Definition, Given, ParseError, Shell, Value};
use crate::model::{Command, Role};

pub(super) static COMMAND: Definition = Definition {
    word: "unfreeze",
    help: "end a freeze; new runs may change things there again",
    example: "/unfreeze FRZ-3",
    arguments: &[Argument::word("freeze", Value::Freeze, "FREEZE", "its number: FRZ-3, or just 3")],
    needs: Role::Responder,
    only_looks: false,
    shell: Some(Shell {
        about: "End a freeze",
        more: "\
Examples:
  dogwatch unfreeze FRZ-3

What other freezes cover stays frozen; `dogwatch freezes` lists them. What fires from now on runs its playbook; for what \
fires already, `dogwatch run` begins one. A ConfigMap that freezes is deleted with kubectl.",
    }),
    read,
};

fn read(given: &Given) -> Result<Command, ParseError> {
    Ok(Command::Unfreeze { id: given.required("freeze")? })
}
