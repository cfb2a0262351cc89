//! `dogwatch incidents`: what is open.

use super::client::{ServerArgs, ask};
use super::output::Exit;
use crate::model::Command;

/// List the incidents that are not resolved
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dogwatch incidents            what is open, the worst first
  dogwatch incidents --all      also what was resolved in the last 24 hours")]
pub(super) struct Args {
    /// Also those that were resolved in the last 24 hours
    #[arg(long, short)]
    all: bool,

    #[command(flatten)]
    server: ServerArgs,
}

pub(super) async fn go(args: Args) -> anyhow::Result<Exit> {
    ask(&args.server, &Command::Incidents { all: args.all }).await
}
