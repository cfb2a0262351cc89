//! `/log RUN-7`: what a run decided and did, record by record, for programs.

use super::{Argument, Definition, Given, ParseError, Shell, Value};
use crate::model::{Command, Role, RunId};

pub(super) static COMMAND: Definition = Definition {
    word: "log",
    help: "a run and its log as JSON, for programs",
    example: "/log RUN-7",
    arguments: &[Argument::word("run", Value::Run, "RUN", "its number: RUN-7, or just 7")],
    needs: Role::Viewer,
    only_looks: true,
    shell: Some(Shell {
        about: "Print a run and its log as JSON, secrets masked",
        more: "\
Examples:
  dogwatch log RUN-7 | jq -r '.log[] | .at + \" \" + .event.kind'
  dogwatch test --from RUN-7                       a case of it

`dogwatch why INC-7` says the same for people.",
    }),
    read,
};

fn read(given: &Given) -> Result<Command, ParseError> {
    let run: RunId = given.required("run")?;
    Ok(Command::RunLog { run })
}
