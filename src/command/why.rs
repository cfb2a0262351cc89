//! `/why INC-7`: the decisions about an incident.

use super::{Argument, Definition, Given, ParseError, Shell, Value};
use crate::model::{Command, IncidentId, Role};

pub(super) static COMMAND: Definition = Definition {
    word: "why",
    help: "why the bot did what it did",
    example: "/why INC-7",
    arguments: &[Argument::word("incident", Value::Incident, "INCIDENT", "its number: INC-7, or just 7")],
    needs: Role::Viewer,
    only_looks: true,
    shell: Some(Shell {
        about: "Explain each decision about an incident: what joined, what was run, what was changed, who was paged",
        more: "\
Example:
  dogwatch why INC-7",
    }),
    read,
};

fn read(given: &Given) -> Result<Command, ParseError> {
    let incident: IncidentId = given.required("incident")?;
    Ok(Command::Why { incident })
}
