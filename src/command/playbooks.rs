//! `/playbooks`: what there is, and how it did; `/playbooks history NAME`; `/playbooks diff NAME`.

use super::{Argument, Definition, Given, ParseError, Shell, Value};
use crate::model::{Command, PlaybookQuestion, Role};

pub(super) static COMMAND: Definition = Definition {
    word: "playbooks",
    help: "the playbooks and how they did; history NAME: what each was; diff NAME: what has changed",
    example: "/playbooks history pvc-filling",
    arguments: &[
        Argument::word(
            "question",
            Value::OneOf { what: "question about playbooks", words: &["list", "history", "diff"] },
            "QUESTION",
            "list (else), history or diff",
        )
        .optional(),
        Argument::word("name", Value::Text, "NAME", "of which playbook: for history and diff").optional(),
        Argument::word("from", Value::Text, "FROM", "for diff: a version or the beginning of a digest").optional(),
        Argument::word("to", Value::Text, "TO", "for diff: another one, and not what counts now").optional(),
    ],
    needs: Role::Viewer,
    only_looks: true,
    shell: Some(Shell {
        about: "List the playbooks with their last runs, or what was kept of one",
        more: "\
Examples:
  dogwatch playbooks                                    owner, autonomy, cases, last run and what came of it
  dogwatch playbooks history pvc-filling                each content that counted, with its runs
  dogwatch playbooks diff pvc-filling                   what has changed since the one before
  dogwatch playbooks diff pvc-filling 1.0.0 3f9a1c2e    between a version and a content

Each content that ever counted is kept by its digest: a run does what the one said that it was opened with. What the cases of a \
playbook enter, `dogwatch test` tells.",
    }),
    read,
};

fn read(given: &Given) -> Result<Command, ParseError> {
    let text = |argument: &str| given.one(argument).map(str::to_owned);
    // Whoever names none is told so where names are known.
    let name = text("name").unwrap_or_default();
    let question = match given.one("question") {
        Some("history") => PlaybookQuestion::History { name },
        Some("diff") => PlaybookQuestion::Diff { name, from: text("from"), to: text("to") },
        _ => PlaybookQuestion::List,
    };
    Ok(Command::Playbooks { question })
}
