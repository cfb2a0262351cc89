//! `/take INC-7`: I work on it by hand.

use super::{Argument, Definition, Given, ParseError, Shell, Value};
use crate::model::{Command, IncidentId, Role};

pub(super) static COMMAND: Definition = Definition {
    word: "take",
    help: "I work on it by hand: it is mine, its runs stop, and none begins",
    example: "/take INC-7",
    arguments: &[Argument::word("incident", Value::Incident, "INCIDENT", "its number: INC-7, or just 7")],
    needs: Role::Responder,
    only_looks: false,
    shell: Some(Shell {
        about: "Work on an incident by hand: it is yours, whoever had it, and its runs stop",
        more: "\
Example:
  dogwatch take INC-7

Its runs begin no further step, but for a group of steps that was begun, and no other run begins for it until \
`dogwatch release INC-7` or its end. The answer says what was started before. To own it and let its runs go on: \
`dogwatch ack INC-7`.",
    }),
    read,
};

fn read(given: &Given) -> Result<Command, ParseError> {
    let incident: IncidentId = given.required("incident")?;
    Ok(Command::Take { incident })
}
