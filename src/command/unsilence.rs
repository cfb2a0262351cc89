//! `/unsilence WIN-7`: a maintenance window is over before its time.

use super::{Argument, Definition, Given, ParseError, Shell, Value};
use crate::model::{Command, Role};

pub(super) static COMMAND: Definition = Definition {
    word: "unsilence",
    help: "end a maintenance window; what still fires pages",
    example: "/unsilence WIN-7",
    arguments: &[Argument::word("window", Value::Window, "WINDOW", "its number: WIN-7, or just 7")],
    needs: Role::Responder,
    only_looks: false,
    shell: Some(Shell {
        about: "End a maintenance window before its time",
        more: "\
Examples:
  dogwatch unsilence WIN-7

What it covered and still fires pages at once. One that has not begun is taken back.",
    }),
    read,
};

fn read(given: &Given) -> Result<Command, ParseError> {
    Ok(Command::Unsilence { window: given.required("window")? })
}
