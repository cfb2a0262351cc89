//! `/help`. The command line has a help of its own.

use super::Definition;
use crate::model::{Command, Role};

pub(super) static COMMAND: Definition = Definition {
    word: "help",
    help: "what can be asked for",
    example: "/help",
    arguments: &[],
    needs: Role::Viewer,
    only_looks: true,
    shell: None,
    read: |_| Ok(Command::Help),
};
