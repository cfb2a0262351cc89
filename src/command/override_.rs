//! `/override platform bob --until 8h a dentist`: somebody covers.

use super::oncall::{LAYER, read_layer};
use super::silence::read_start;
use super::{Argument, Definition, Given, Need, ParseError, Value};
use crate::model::{Command, Role, Start};

pub(super) static COMMAND: Definition = Definition {
    word: "override",
    help: "a member covers for whoever is on call by the rotation, for a time",
    example: "/override platform bob --from 2026-03-02T08:00Z --until 8h a dentist",
    arguments: &[
        Argument::word("team", Value::Text, "TEAM", "the team"),
        Argument::word("member", Value::Text, "MEMBER", "who covers, by the name in oncall.yaml"),
        Argument {
            need: Need::Required,
            ..Argument::option("until", Value::Start, "TIME", "its end: 2026-03-02T18:00Z, or 8h after its beginning")
        },
        Argument::option("from", Value::Start, "TIME", "its beginning, if not now: 2026-03-02T08:00Z, or 30m from now"),
        Argument::option("whom", Value::Text, "MEMBER", "only while it would be the turn of this member"),
        Argument::option("layer", LAYER, "LAYER", "primary, if nothing is said, or secondary"),
        Argument { need: Need::Required, ..Argument::text("reason", "REASON", "why, for whoever wonders") },
    ],
    needs: Role::Responder,
    only_looks: false,
    shell: None,
    read,
};

fn read(given: &Given) -> Result<Command, ParseError> {
    let text = |name| given.one(name).unwrap_or_default().to_owned();
    Ok(Command::Override {
        team: text("team"),
        layer: read_layer(given).unwrap_or_default(),
        member: text("member"),
        whom: given.one("whom").map(str::to_owned),
        from: given.one("from").and_then(read_start),
        until: given.one("until").and_then(read_start).unwrap_or(Start::InSecs(0)),
        reason: text("reason"),
    })
}
