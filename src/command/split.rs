//! `/split INC-2`: it is another matter.

use super::{Argument, Definition, Given, ParseError, Shell, Value};
use crate::model::{Command, IncidentId, Role};

pub(super) static COMMAND: Definition = Definition {
    word: "split",
    help: "it is no part of another incident; or one object is no part of it",
    example: "/split INC-2",
    arguments: &[
        Argument::word("incident", Value::Incident, "INCIDENT", "its number: INC-2, or just 2"),
        Argument::option("object", Value::Text, "OBJECT", "one of those that `/objects INC-2` lists"),
    ],
    needs: Role::Responder,
    only_looks: false,
    shell: Some(Shell {
        about: "Take an incident out of the one that it was made part of, or one object out of an incident",
        more: "\
Examples:
  dogwatch split INC-2
  dogwatch split INC-1 --object StatefulSet/db/pg-7

It is open again, for whoever is on call, and joins others by nothing but the object that it is about. `dogwatch merge` \
puts it back.",
    }),
    read,
};

fn read(given: &Given) -> Result<Command, ParseError> {
    let incident: IncidentId = given.required("incident")?;
    Ok(Command::Split { incident, object: given.one("object").map(str::to_owned) })
}
