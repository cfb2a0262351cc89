//! `/unoverride OVR-7`: the rotation counts again.

use super::{Argument, Definition, Given, ParseError, Value};
use crate::model::{Command, Role};

pub(super) static COMMAND: Definition = Definition {
    word: "unoverride",
    help: "end an override before its time: the rotation counts again",
    example: "/unoverride OVR-7",
    arguments: &[Argument::word("override", Value::Override, "OVERRIDE", "which one; /oncall who names it")],
    needs: Role::Responder,
    only_looks: false,
    shell: None,
    read: |given: &Given| -> Result<Command, ParseError> {
        Ok(Command::EndOverride { id: given.required("override")? })
    },
};
