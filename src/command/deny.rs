//! `/deny APR-7 why`: the answer to a question of the bot.

use super::{Argument, Definition, Given, ParseError, Shell, Value};
use crate::model::{Command, Role, Verdict};

pub(super) static COMMAND: Definition = Definition {
    word: "deny",
    help: "no to a question of the bot",
    example: "/deny APR-7 the replica is being rebuilt by hand",
    arguments: &[
        Argument::word("approval", Value::Approval, "APPROVAL", "its number: APR-3, or just 3"),
        Argument::text("reason", "REASON", "why not: whoever is paged reads it"),
    ],
    needs: Role::Responder,
    only_looks: false,
    shell: Some(Shell {
        about: "Refuse the changes that a run asked about: it changes nothing and pages a person",
        more: "\
Examples:
  dogwatch deny APR-3
  dogwatch deny APR-3 --reason 'the replica is being rebuilt by hand'

Whoever may answer questions at all may say no, also where the playbook wants the yes of others. The reason stands \
on the timeline, in the page and in the handoff; who denied by a button gives it so afterwards.",
    }),
    read,
};

fn read(given: &Given) -> Result<Command, ParseError> {
    let approval = given.required("approval")?;
    Ok(match given.one("reason") {
        Some(reason) => Command::DenyBecause { approval, reason: reason.to_owned() },
        None => Command::Approve { approval, verdict: Verdict::Deny, digest: None },
    })
}
