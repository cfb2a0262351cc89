//! The programs that playbooks run in containers, held against the configuration.

use crate::config::Config;
use crate::diagnostics::{Code, Diagnostic, SourceText};
use crate::playbook::Playbook;

/// The steps that run a program in a container that this bot may not run: an error, or where the
/// playbook goes on without, a warning.
pub(super) fn unallowed_commands(config: &Config, playbook: &Playbook) -> Vec<Diagnostic> {
    let commands = config.exec.commands();
    let unallowed = playbook.commands().filter_map(|(step, words)| {
        let why = commands.refusal(&words)?;
        let source = SourceText { path: &playbook.path, text: &playbook.source };
        if !step.goes_on_without {
            return Some(source.error(Code::CommandNotAllowed, step.at, why));
        }
        // Where nothing is run at all, that is as it is meant.
        (!commands.is_empty()).then(|| playbook.warning(Code::CommandNotAllowed, step.at, why))
    });
    unallowed.collect()
}
