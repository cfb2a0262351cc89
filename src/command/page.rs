//! `/page test databases`: whether a team is reached.

use super::{Argument, Definition, Given, ParseError, Value};
use crate::model::{Command, Role, Severity};

pub(super) static COMMAND: Definition = Definition {
    word: "page",
    help: "send a team a page that says that it is a test, the way of all pages",
    example: "/page test databases",
    arguments: &[
        Argument::word("what", Value::OneOf { what: "sort of page", words: &["test"] }, "test", "a test"),
        Argument::word("team", Value::Text, "TEAM", "who is to be reached"),
        Argument::option("severity", Value::OneOf { what: "severity of a test", words: &["s1", "s2"] }, "S1", "S1 or S2 (else)"),
    ],
    needs: Role::Responder,
    only_looks: false,
    // It waits for what comes of it, and so is a subcommand of its own.
    shell: None,
    read,
};

fn read(given: &Given) -> Result<Command, ParseError> {
    let severity = if given.one("severity") == Some("s1") { Severity::S1 } else { Severity::S2 };
    Ok(Command::TestPage { team: given.required("team")?, severity })
}
