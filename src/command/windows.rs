//! `/windows`: what pages nobody at the moment, and what will not.

use super::{Definition, Given, ParseError, Shell};
use crate::model::{Command, Role};

pub(super) static COMMAND: Definition = Definition {
    word: "windows",
    help: "the maintenance windows now and to come, and what each holds back",
    example: "/windows",
    arguments: &[],
    needs: Role::Viewer,
    only_looks: true,
    shell: Some(Shell {
        about: "List the maintenance windows that are active or to come, with what each holds back",
        more: "\
Examples:
  dogwatch windows

Also those that have ended within the last 24 hours. `dogwatch silence` opens one, and `dogwatch unsilence` ends it.",
    }),
    read,
};

fn read(_: &Given) -> Result<Command, ParseError> {
    Ok(Command::Windows)
}
