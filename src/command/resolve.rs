//! `/resolve INC-7 it was the disk`: it is over.

use super::{Argument, Definition, Given, ParseError, Shell, Value};
use crate::model::{Command, Role};

pub(super) static COMMAND: Definition = Definition {
    word: "resolve",
    help: "it is over; the note may say what it was",
    example: "/resolve INC-7 it was the disk",
    arguments: &[
        Argument::words("incident", Value::Incident, "INCIDENT", "their numbers: INC-7, or just 7"),
        Argument::text("note", "NOTE", "what it was, for the timeline and the handoff").short('n'),
    ],
    needs: Role::Responder,
    only_looks: false,
    shell: Some(Shell {
        about: "Close incidents, and stop their runs",
        more: "\
Examples:
  dogwatch resolve INC-7 --note 'a cable; replaced it'
  dogwatch resolve INC-7 INC-8 --note 'one switch had both'

Each incident has an answer of its own, and the exit code is 0 only if all are resolved; at most 50 at once. An alert \
that fires again later opens it again.",
    }),
    read,
};

fn read(given: &Given) -> Result<Command, ParseError> {
    Ok(Command::resolve(given.incidents("incident"), given.one("note").map(str::to_owned)))
}
