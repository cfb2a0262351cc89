//! `/handoff`: the shift so far. On the command line, `dogwatch handoff` writes the report from the
//! database itself.

use super::Definition;
use crate::model::{Command, Role};

pub(super) static COMMAND: Definition = Definition {
    word: "handoff",
    help: "the shift so far, as the handoff will tell it",
    example: "/handoff",
    arguments: &[],
    needs: Role::Viewer,
    only_looks: true,
    shell: None,
    read: |_| Ok(Command::Handoff),
};
