//! `dogwatch completions`: what a shell needs to complete the command line.

use clap::CommandFactory as _;
use clap_complete::Shell;

use super::output::{Exit, say};

/// Print a script with which a shell completes commands and options
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  source <(dogwatch completions bash)                                     this bash
  dogwatch completions bash > ~/.local/share/bash-completion/completions/dogwatch
  dogwatch completions zsh > ~/.zfunc/_dogwatch                           with `fpath+=~/.zfunc` before `compinit`
  dogwatch completions fish > ~/.config/fish/completions/dogwatch.fish")]
pub(super) struct Args {
    /// Which: bash, zsh, fish, elvish or powershell
    #[arg(value_name = "SHELL", value_enum, hide_possible_values = true)]
    shell: Shell,
}

pub(super) fn go(args: &Args) -> anyhow::Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut super::Cli::command(), "dogwatch", &mut script);
    say(String::from_utf8(script)?.trim_end())?;
    Ok(Exit::Done)
}
