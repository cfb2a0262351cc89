//! `/freeze namespace=db --for 2h moving the storage`: the bot changes nothing there.

use super::{Argument, Definition, Given, ParseError, Shell, Value, shown};
use crate::model::{Command, FreezeScope, Role, parse_duration};

pub(super) static COMMAND: Definition = Definition {
    word: "freeze",
    help: "no run changes anything there, from the answer on",
    example: "/freeze namespace=db --for 2h moving the storage",
    arguments: &[
        Argument::word("what", Value::Freezable, "WHAT", "all, namespace=NAME or playbook=NAME"),
        Argument::option("for", Value::Duration, "TIME", "how long, up to 30d; without, until somebody unfreezes it"),
        Argument::text("reason", "REASON", "why, for whoever reads it at night"),
    ],
    needs: Role::Responder,
    only_looks: false,
    shell: Some(Shell {
        about: "Have no run change anything, in all of the cluster, a namespace, or by a playbook",
        more: "\
Examples:
  dogwatch freeze all --reason 'the storage is moved'
  dogwatch freeze namespace=db --for 2h --reason 'an upgrade by hand'
  dogwatch freeze playbook=coredns-saturated --reason 'it made things worse'

The answer is durable, and says what was started before it: no change begins after it. Alerts page as always, and new runs \
diagnose and show what they would do. A run under way is stopped; a group of steps that was begun is finished. Without \
--for it lasts until `dogwatch unfreeze`; `dogwatch freezes` lists them, and names the ConfigMap in the cluster that does \
the same where this server cannot be reached.",
    }),
    read,
};

fn read(given: &Given) -> Result<Command, ParseError> {
    let lasting_secs = given.one("for").and_then(|text| parse_duration(text).ok()).map(|lasting| lasting.as_secs());
    // Whoever has to stop it now need not say why.
    let reason = given.one("reason").unwrap_or("no reason given").to_owned();
    let is_scope = |word: &&str| word.contains('=') && word.parse::<FreezeScope>().is_ok();
    if let Some(other) = reason.split_whitespace().find(is_scope) {
        return Err(ParseError::new(
            format!("one freeze covers one thing, and `{}` would only be its reason", shown(other)),
            "freeze each of them in a command of its own",
        ));
    }
    Ok(Command::Freeze { scope: given.required("what")?, lasting_secs, reason })
}
