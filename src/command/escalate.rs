//! `/escalate INC-7 I need a DBA`: one more is called.

use super::{Argument, Definition, Given, ParseError, Shell, Value};
use crate::model::{Command, IncidentId, Role};

pub(super) static COMMAND: Definition = Definition {
    word: "escalate",
    help: "call whoever comes next in the team's escalation, at once",
    example: "/escalate INC-7 I need a second pair of eyes",
    arguments: &[
        Argument::word("incident", Value::Incident, "INCIDENT", "its number: INC-7, or just 7"),
        Argument::text("note", "NOTE", "what you need, for whoever is called").short('n'),
    ],
    needs: Role::Responder,
    only_looks: false,
    shell: Some(Shell {
        about: "Call whoever comes next in the team's escalation, at once",
        more: "\
Examples:
  dogwatch escalate INC-7
  dogwatch escalate INC-7 --note 'the replica is corrupt: I need a DBA'
  dogwatch escalate INC-7 --note storage       calls the experts of that area of oncall.yaml

It does not wait for the time that whoever was called has, and pages whatever the severity or a window says. It calls \
somebody else than you, whoever has the incident and who was called last. If they do not acknowledge either, the escalation \
of oncall.yaml goes on from there. `dogwatch why INC-7` tells who was called.",
    }),
    read,
};

fn read(given: &Given) -> Result<Command, ParseError> {
    let incident: IncidentId = given.required("incident")?;
    Ok(Command::Escalate { incident, note: given.one("note").map(str::to_owned) })
}
