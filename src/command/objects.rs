//! `/objects INC-7`: all that an incident is about.

use super::{Argument, Definition, Given, ParseError, Shell, Value};
use crate::model::{Command, IncidentId, Role};

pub(super) static COMMAND: Definition = Definition {
    word: "objects",
    help: "each object that something fires about in an incident",
    example: "/objects INC-7",
    arguments: &[Argument::word("incident", Value::Incident, "INCIDENT", "its number: INC-7, or just 7")],
    needs: Role::Viewer,
    only_looks: true,
    shell: Some(Shell {
        about: "List each object that something fires about in an incident",
        more: "\
Example:
  dogwatch objects INC-7",
    }),
    read,
};

fn read(given: &Given) -> Result<Command, ParseError> {
    let incident: IncidentId = given.required("incident")?;
    Ok(Command::Objects { incident })
}
