//! What people see, and what scripts go by.

use std::fmt;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use anstyle::{AnsiColor, Style};
use anyhow::Context as _;
use clap::ValueEnum;

use crate::config::ConfigError;
use crate::diagnostics::Diagnostics;
use crate::model::redact;

/// How it went, as the process's exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    Done = 0,
    /// Something is wrong, or was refused.
    Problems = 1,
    /// Wrong usage or configuration.
    Usage = 2,
    /// The server cannot be reached.
    Unreachable = 3,
}

impl Exit {
    pub(super) fn from_clap(error: &clap::Error) -> Self {
        if error.exit_code() == 0 { Exit::Done } else { Exit::Usage }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}

/// An error that knows its exit code.
#[derive(Debug)]
pub struct Failure {
    pub exit: Exit,
    pub message: String,
    /// What is wrong with a file that was named.
    pub wrong: Option<Diagnostics>,
}

impl Failure {
    pub(super) fn with(exit: Exit, message: impl Into<String>) -> anyhow::Error {
        Self { exit, message: message.into(), wrong: None }.into()
    }

    /// A file that was named is wrong.
    pub(super) fn of_file(wrong: Diagnostics) -> anyhow::Error {
        Self { exit: Exit::Usage, message: wrong.to_string(), wrong: Some(wrong) }.into()
    }

    pub(super) fn usage(error: impl fmt::Display) -> anyhow::Error {
        Self::with(Exit::Usage, error.to_string())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Colour {
    // No doc comments here: they would make each help text long.
    Auto,
    Always,
    Never,
}

impl Colour {
    /// Makes it so for all that is written from now on.
    pub(super) fn choose(self) {
        match self {
            Colour::Auto => anstream::ColorChoice::Auto,
            Colour::Always => anstream::ColorChoice::Always,
            Colour::Never => anstream::ColorChoice::Never,
        }
        .write_global();
    }
}

/// Tells what went wrong, with all that is behind it.
pub(super) fn fail(error: &anyhow::Error) -> Exit {
    // Whoever read has seen enough (`| head`).
    if error.chain().filter_map(|cause| cause.downcast_ref::<std::io::Error>()).any(is_broken_pipe) {
        return Exit::Done;
    }
    let style = Style::new().bold().fg_color(Some(AnsiColor::Red.into()));
    match diagnostics(error) {
        Some(wrong) => anstream::eprint!("{}", wrong.render(true)),
        None => {
            // What a server or a database answers is in it.
            let said = format!("{error:#}");
            anstream::eprintln!("{style}error{style:#}: {}", redact(&said));
        }
    }
    match error.downcast_ref::<Failure>() {
        Some(failure) => failure.exit,
        None if error.is::<ConfigError>() => Exit::Usage,
        None => Exit::Problems,
    }
}

/// What is wrong with a file, where that is all there is to say.
fn diagnostics(error: &anyhow::Error) -> Option<&Diagnostics> {
    if let Some(ConfigError::Wrong(wrong)) = error.downcast_ref() {
        return Some(wrong);
    }
    error.downcast_ref::<Failure>().and_then(|failure| failure.wrong.as_ref()).or_else(|| error.downcast_ref())
}

fn is_broken_pipe(error: &std::io::Error) -> bool {
    error.kind() == std::io::ErrorKind::BrokenPipe
}

/// Tells something that is no failure.
pub(super) fn warn(message: impl fmt::Display) {
    let style = Style::new().bold().fg_color(Some(AnsiColor::Yellow.into()));
    anstream::eprintln!("{style}warning{style:#}: {message}");
}

/// Writes an answer, with a line end if it has none. A reader that went away (`| head`) is no failure.
pub(super) fn say(text: &str) -> anyhow::Result<()> {
    let mut out = anstream::stdout().lock();
    let end = if text.ends_with('\n') { "" } else { "\n" };
    match write!(out, "{text}{end}").and_then(|()| out.flush()) {
        Err(error) if is_broken_pipe(&error) => Ok(()),
        other => Ok(other?),
    }
}

/// Writes a text into a new file, or shows it.
///
/// # Errors
/// There is a file of that name already, or it cannot be written.
pub(super) fn say_or_write(text: &str, out: Option<&Path>) -> anyhow::Result<()> {
    let Some(path) = out else { return say(text) };
    let mut file = File::create_new(path)
        .map_err(|error| Failure::usage(format!("{} cannot be written: {error}; name a new file", path.display())))?;
    file.write_all(text.as_bytes()).with_context(|| format!("{} cannot be written", path.display()))
}
