//! `/oncall who platform`: who is on call, and for how long; `/oncall take platform`: I am, from
//! now on.

use super::silence::read_start;
use super::{Argument, Definition, Given, ParseError, Value};
use crate::model::{Command, Layer, OncallQuestion, Role, parse_duration};

pub(super) static COMMAND: Definition = Definition {
    word: "oncall",
    help: "who is on call; schedule, gaps, check, ical; take: I cover until the end of the shift",
    example: "/oncall who platform",
    arguments: &[
        Argument::word(
            "question",
            Value::OneOf { what: "question about who is on call", words: QUESTIONS },
            "QUESTION",
            "who, schedule, gaps, check or ical; take: you cover from now on, as a responder of the team",
        ),
        Argument::word("team", Value::Text, "TEAM", "only this team; for ical a team or a member").optional(),
        Argument::option("at", Value::Start, "TIME", "then and not now: 2026-03-02T02:00Z, or 30m from now"),
        Argument::option("for", Value::Duration, "TIME", "so far ahead, up to 366d: 14d for a schedule, 90d for gaps"),
        Argument::option("until", Value::Start, "TIME", "for take: until then, and not until the end of the shift"),
        Argument::option("layer", LAYER, "LAYER", "primary or secondary"),
    ],
    needs: Role::Viewer,
    only_looks: true,
    shell: None,
    read,
};

const QUESTIONS: &[&str] = &["who", "schedule", "gaps", "check", "ical", "take"];

pub(super) const LAYER: Value = Value::OneOf { what: "layer", words: &[Layer::Primary.name(), Layer::Secondary.name()] };

fn read(given: &Given) -> Result<Command, ParseError> {
    let team = given.one("team").map(str::to_owned);
    let layer = read_layer(given);
    let question = match given.one("question") {
        Some("take") => {
            let until = given.one("until").and_then(read_start);
            return Ok(Command::TakeShift { team, layer: layer.unwrap_or_default(), until });
        }
        Some("schedule") => OncallQuestion::Schedule,
        Some("gaps") => OncallQuestion::Gaps,
        Some("check") => OncallQuestion::Check,
        Some("ical") => OncallQuestion::Ical,
        _ => OncallQuestion::Who,
    };
    let at = given.one("at").and_then(read_start);
    let lasting = given.one("for").and_then(|text| parse_duration(text).ok());
    Ok(Command::Oncall { question, team, layer, at, lasting_secs: lasting.map(|lasting| lasting.as_secs()) })
}

pub(super) fn read_layer(given: &Given) -> Option<Layer> {
    given.one("layer").and_then(Layer::called)
}
