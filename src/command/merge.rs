//! `/merge INC-2 --into INC-1`: they have one cause.

use super::{Argument, Definition, Given, ParseError, Shell, Value};
use crate::model::{Command, IncidentId, Role};

pub(super) static COMMAND: Definition = Definition {
    word: "merge",
    help: "they are part of another incident, which goes on for all of them",
    example: "/merge INC-2 --into INC-1",
    arguments: &[
        Argument::words("incident", Value::Incident, "INCIDENT", "those that become part of it: INC-2, or just 2"),
        Argument::option("into", Value::Incident, "INCIDENT", "the one that takes them in").required(),
    ],
    needs: Role::Responder,
    only_looks: false,
    shell: Some(Shell {
        about: "Put incidents with one cause together",
        more: "\
Examples:
  dogwatch merge INC-2 --into INC-1
  dogwatch merge INC-2 INC-3 --into INC-1

Their alerts, runs and pages go on in that incident, and their numbers answer for it. `dogwatch split INC-2` takes one \
back.",
    }),
    read,
};

fn read(given: &Given) -> Result<Command, ParseError> {
    let into: IncidentId = given.required("into")?;
    Ok(Command::Merge { incidents: given.incidents("incident"), into })
}
