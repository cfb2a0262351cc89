//! `/freezes`: what no run may change.

use super::{Definition, Given, ParseError, Shell};
use crate::model::{Command, Role};

pub(super) static COMMAND: Definition = Definition {
    word: "freezes",
    help: "what is frozen: since when, until when, by whom and why",
    example: "/freezes",
    arguments: &[],
    needs: Role::Viewer,
    only_looks: true,
    shell: Some(Shell {
        about: "List what no run may change, since when, until when, by whom and why",
        more: "\
Examples:
  dogwatch freezes

`dogwatch freeze` freezes, and `dogwatch unfreeze` ends it. The last line says which ConfigMap in the cluster \
is asked too, and what it froze when it was read last.",
    }),
    read,
};

fn read(_: &Given) -> Result<Command, ParseError> {
    Ok(Command::Freezes)
}
