//! `/assign INC-7 erin`: somebody else is to have it.

use super::{Argument, Definition, Given, ParseError, Shell, Value};
use crate::model::{Command, IncidentId, Role};

pub(super) static COMMAND: Definition = Definition {
    word: "assign",
    help: "call somebody, or a team, to take it over",
    example: "/assign INC-7 erin it is her migration",
    arguments: &[
        Argument::word("incident", Value::Incident, "INCIDENT", "its number: INC-7, or just 7"),
        Argument::word("to", Value::Text, "WHO", "a member of oncall.yaml, or a team"),
        Argument::text("note", "NOTE", "what it is about, for whoever is called").short('n'),
    ],
    needs: Role::Responder,
    only_looks: false,
    shell: Some(Shell {
        about: "Call somebody, or a team, to take an incident over",
        more: "\
Examples:
  dogwatch assign INC-7 erin --note 'it is her migration'
  dogwatch assign INC-7 databases        it is that team's from now on, and whoever is on call there is called

Whoever it is given to is paged, whatever the severity or a window says, and has it with `dogwatch ack`; until then it stays \
whose it was. If they do not acknowledge in time, the escalation of the incident's team goes on. To take it yourself: \
`dogwatch take INC-7`.",
    }),
    read,
};

fn read(given: &Given) -> Result<Command, ParseError> {
    let incident: IncidentId = given.required("incident")?;
    let to = given.one("to").unwrap_or_default().to_owned();
    Ok(Command::Assign { incident, to, note: given.one("note").map(str::to_owned) })
}
