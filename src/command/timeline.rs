//! `/timeline INC-7`: what happened, in its order.

use super::{Argument, Definition, Given, ParseError, Shell, Value};
use crate::model::{Command, IncidentId, Role};

pub(super) static COMMAND: Definition = Definition {
    word: "timeline",
    help: "what happened to an incident, in its order, and where its pages went",
    example: "/timeline INC-7",
    arguments: &[Argument::word("incident", Value::Incident, "INCIDENT", "its number: INC-7, or just 7")],
    needs: Role::Viewer,
    only_looks: true,
    shell: Some(Shell {
        about: "Tell what happened to an incident, in its order, and where its pages went",
        more: "\
Example:
  dogwatch timeline INC-7

`dogwatch why INC-7` says why.",
    }),
    read,
};

fn read(given: &Given) -> Result<Command, ParseError> {
    let incident: IncidentId = given.required("incident")?;
    Ok(Command::Timeline { incident })
}
