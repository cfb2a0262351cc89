//! `/deny APR-7`: the answer to a question of the bot.

use super::{Argument, Definition, Given, ParseError, Shell, Value};
use crate::model::{Command, Role, Verdict};

pub(super) static COMMAND: Definition = Definition {
    word: "deny",
    help: "no to a question of the bot",
    example: "/deny APR-7",
    arguments: &[Argument::word("approval", Value::Approval, "APPROVAL", "its number: APR-3, or just 3")],
    needs: Role::Responder,
    only_looks: false,
    shell: Some(Shell {
        about: "Refuse the changes that a run asked about: it changes nothing and pages a person",
        more: "\
Example:
  dogwatch deny APR-3",
    }),
    read,
};

fn read(given: &Given) -> Result<Command, ParseError> {
    Ok(Command::Approve { approval: given.required("approval")?, verdict: Verdict::Deny, digest: None })
}
