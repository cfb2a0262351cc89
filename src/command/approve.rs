//! `/approve APR-7`: the answer to a question of the bot.

use super::{Argument, Definition, Given, ParseError, Shell, Value};
use crate::model::{Command, Role, Verdict};

pub(super) static COMMAND: Definition = Definition {
    word: "approve",
    help: "yes to a question of the bot",
    example: "/approve APR-7",
    arguments: &[Argument::word("approval", Value::Approval, "APPROVAL", "its number: APR-3, or just 3")],
    needs: Role::Responder,
    only_looks: false,
    shell: Some(Shell {
        about: "Let a run make the changes that it asked about",
        more: "\
Examples:
  dogwatch why INC-7             shows the question and what would be changed
  dogwatch approve APR-3

The answer is for what was shown: if the target has changed meanwhile, nothing is changed, and the run escalates: a \
person is paged.",
    }),
    read,
};

fn read(given: &Given) -> Result<Command, ParseError> {
    Ok(Command::Approve { approval: given.required("approval")?, verdict: Verdict::Approve, digest: None })
}
