//! The commands, each said once: its words and arguments, who may ask it, and what it is for. The
//! line of text that chat, console and API take, Discord's slash commands, the command line's
//! subcommands and `/help` all follow from that.
//!
//! A command is one file here and one line below. What it asks for is a variant of [`Command`];
//! what follows from that is decided elsewhere: where people look in `chat`, where something
//! changes in `incident`.

mod definition;
mod given;
mod line;
mod listing;
#[cfg(test)]
pub(crate) mod samples;
#[cfg(test)]
mod tests;
mod value;

pub use definition::{Argument, Definition, Need, Shape, Shell};
pub use given::{Given, MOST_INCIDENTS};
pub use line::{parse_command, quoted};
pub use listing::help_text;
pub use value::Value;

use crate::model::{Command, Role, Verdict};

/// One line for each: its file, and what it asks for.
macro_rules! commands {
    ($($file:ident: $pattern:pat,)*) => {
        $(mod $file;)*

        /// All commands, in the order in which they are listed.
        pub static COMMANDS: &[&Definition] = &[$(&$file::COMMAND),*];

        impl Command {
            /// What asks for it.
            pub fn definition(&self) -> &'static Definition {
                match self {
                    $($pattern => &$file::COMMAND,)*
                }
            }
        }
    };
}

commands! {
    incidents: Command::Incidents(_),
    why: Command::Why { .. },
    timeline: Command::Timeline { .. },
    log: Command::RunLog { .. },
    objects: Command::Objects { .. },
    ack: Command::Ack { .. }
        | Command::AckMany { .. }
        | Command::AckAllOf { .. }
        | Command::ClosedAtPager { .. },
    take: Command::Take { .. },
    release: Command::Release { .. },
    escalate: Command::Escalate { .. },
    assign: Command::Assign { .. },
    resolve: Command::Resolve { .. } | Command::ResolveMany { .. },
    merge: Command::Merge { .. },
    split: Command::Split { .. },
    run: Command::Run { .. },
    silence: Command::Silence { .. },
    unsilence: Command::Unsilence { .. },
    windows: Command::Windows,
    freeze: Command::Freeze { .. },
    unfreeze: Command::Unfreeze { .. },
    freezes: Command::Freezes,
    breakers: Command::Breakers,
    close: Command::CloseBreaker { .. },
    approve: Command::Approve { verdict: Verdict::Approve, .. },
    deny: Command::Approve { verdict: Verdict::Deny, .. } | Command::DenyBecause { .. },
    approvals: Command::Approvals,
    page: Command::TestPage { .. },
    oncall: Command::Oncall { .. } | Command::TakeShift { .. },
    override_: Command::Override { .. },
    unoverride: Command::EndOverride { .. },
    playbooks: Command::Playbooks { .. },
    handoff: Command::Handoff,
    help: Command::Help,
}

impl Command {
    /// Its word, without its arguments: for logs.
    pub fn word(&self) -> &'static str {
        self.definition().word
    }

    /// The least role that may ask this.
    pub fn needs(&self) -> Role {
        match self {
            Command::TakeShift { .. } => Role::Responder,
            _ if self.is_dry_run() => Role::Viewer,
            _ => self.definition().needs,
        }
    }

    /// Whether it only looks. What changes something comes in as a durable signal; what only looks
    /// is answered at once.
    pub fn only_looks(&self) -> bool {
        let changes = matches!(self, Command::TakeShift { .. });
        self.is_dry_run() || (self.definition().only_looks && !changes)
    }

    fn is_dry_run(&self) -> bool {
        matches!(self, Command::Run { dry_run: true, .. })
    }
}

/// A text that is no command: what is wrong, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}; {instead}")]
pub struct ParseError {
    pub what: String,
    pub instead: String,
}

impl ParseError {
    fn new(what: impl Into<String>, instead: impl Into<String>) -> Self {
        Self { what: what.into(), instead: instead.into() }
    }
}

/// The command of that word.
pub fn command_called(word: &str) -> Option<&'static Definition> {
    COMMANDS.iter().copied().find(|command| command.word == word)
}

/// With a capital letter at its beginning.
pub fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// What somebody wrote, fit to be quoted in an error.
fn shown(text: &str) -> String {
    crate::message::clip(text, 40)
}
