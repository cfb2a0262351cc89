//! `/release INC-7`: the bot may work on it again.

use super::{Argument, Definition, Given, ParseError, Shell, Value};
use crate::model::{Command, IncidentId, Role};

pub(super) static COMMAND: Definition = Definition {
    word: "release",
    help: "the bot may begin runs for it again, after somebody took it",
    example: "/release INC-7",
    arguments: &[Argument::word("incident", Value::Incident, "INCIDENT", "its number: INC-7, or just 7")],
    needs: Role::Responder,
    only_looks: false,
    shell: Some(Shell {
        about: "Let the bot begin runs for an incident again that somebody took",
        more: "\
Example:
  dogwatch release INC-7

It stays whose it is. What fires in it from now on runs its playbook; for what fires already, `dogwatch run` begins one.",
    }),
    read,
};

fn read(given: &Given) -> Result<Command, ParseError> {
    let incident: IncidentId = given.required("incident")?;
    Ok(Command::Release { incident })
}
