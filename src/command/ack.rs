//! `/ack INC-7`: somebody has it.

use super::{Argument, Definition, Given, ParseError, Shell, Value};
use crate::model::{Command, Role};

pub(super) static COMMAND: Definition = Definition {
    word: "ack",
    help: "I have seen it, and own it",
    example: "/ack INC-7",
    arguments: &[
        Argument::words("incident", Value::Incident, "INCIDENT", "their numbers: INC-7, or just 7").or("all-of"),
        Argument::option("all-of", Value::Text, "TEAM", "all of this team that wait for somebody now").or("incident"),
    ],
    needs: Role::Responder,
    only_looks: false,
    shell: Some(Shell {
        about: "Acknowledge incidents: you have seen them, own them, and nobody else is paged for them",
        more: "\
Examples:
  dogwatch ack INC-7
  dogwatch ack INC-7 INC-8 INC-12
  dogwatch ack --all-of databases        all that wait for somebody; the answer names them

Each incident has an answer of its own, and the exit code is 0 only if all are acknowledged; at most 50 at once. The \
name on the timeline is that of your token in `server.api_tokens`. A run goes on; `dogwatch resolve` stops it.",
    }),
    read,
};

fn read(given: &Given) -> Result<Command, ParseError> {
    Ok(match given.one("all-of") {
        Some(team) => Command::AckAllOf { team: team.to_owned() },
        None => Command::ack(given.incidents("incident")),
    })
}
