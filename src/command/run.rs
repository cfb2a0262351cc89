//! `/run pvc-filling`: a playbook, because a person wants it.

use super::{Argument, Definition, Given, ParseError, Shell, Value, shown};
use crate::model::{Command, Role};

pub(super) static COMMAND: Definition = Definition {
    word: "run",
    help: "run a playbook now",
    example: "/run coredns-saturated max_replicas=8 --dry-run",
    arguments: &[
        Argument::word("playbook", Value::Text, "PLAYBOOK", "the playbook's name"),
        Argument::pairs("set", "an input; also `kind`, `namespace` and `name`, where the alert would say the target").short('s'),
        Argument::flag("dry-run", "show what it would do now; nothing is changed, and every role may ask").short('n'),
    ],
    needs: Role::Responder,
    only_looks: false,
    shell: Some(Shell {
        about: "Run a playbook, or show what it would do",
        more: "\
Examples:
  dogwatch run coredns-saturated --dry-run       diagnose for real, show the changes, make none
  dogwatch run pvc-filling --set namespace=db --set name=data-pg-7

What you ask for asks back before it changes anything: answer with `dogwatch approve`.",
    }),
    read,
};

fn read(given: &Given) -> Result<Command, ParseError> {
    let playbook: String = given.required("playbook")?;
    if playbook.contains('=') {
        return Err(ParseError::new(
            format!("the playbook must stand before `{}`", shown(&playbook)),
            format!("write it like {}", COMMAND.example),
        ));
    }
    Ok(Command::Run { playbook, set: given.pairs("set"), dry_run: given.flag("dry-run") })
}
