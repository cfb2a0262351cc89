//! `dogwatch schema`: what editors need to know of a file.

use clap::ValueEnum;
use serde_json::Value;

use super::output::{Exit, say};
use crate::{config, oncall, playbook, rehearse};

/// Print the JSON Schema of a kind of file, for editors that complete and check
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dogwatch schema playbook > playbook.schema.json

Editors with yaml-language-server find it by the first line of a file:
  # yaml-language-server: $schema=playbook.schema.json

It is JSON Schema, draft 2020-12. It says less than `dogwatch check`: names, conditions and texts are only looked at there.")]
pub(super) struct Args {
    /// Which: playbook, cases, oncall or config
    #[arg(value_name = "KIND", value_enum, hide_possible_values = true)]
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    // No doc comments here: they would make the help text long.
    Playbook,
    Cases,
    Oncall,
    Config,
}

pub(super) fn go(args: &Args) -> anyhow::Result<Exit> {
    let schema: Value = match args.kind {
        Kind::Playbook => playbook::schema(),
        Kind::Cases => rehearse::cases::schema(),
        Kind::Oncall => oncall::schema(),
        Kind::Config => config::schema(),
    };
    say(&serde_json::to_string_pretty(&schema)?)?;
    Ok(Exit::Done)
}
