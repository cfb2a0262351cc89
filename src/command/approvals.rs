//! `/approvals`: the questions that wait for an answer.

use super::{Definition, Given, ParseError, Shell};
use crate::model::{Command, Role};

pub(super) static COMMAND: Definition = Definition {
    word: "approvals",
    help: "the questions that wait for an answer: of whom, until when, and who has said yes",
    example: "/approvals",
    arguments: &[],
    needs: Role::Viewer,
    only_looks: true,
    shell: Some(Shell {
        about: "List the questions of runs that wait for an answer",
        more: "\
Examples:
  dogwatch approvals

Each says what would be changed, whom it asks, who has said yes, and until when it waits. `dogwatch approve` and \
`dogwatch deny` answer.",
    }),
    read,
};

fn read(_: &Given) -> Result<Command, ParseError> {
    Ok(Command::Approvals)
}
