//! `dogwatch resolve`: it is over.

use super::client::{ServerArgs, ask};
use super::output::Exit;
use crate::model::{Command, IncidentId};

/// Close an incident, and stop its runs
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  dogwatch resolve INC-7 --note 'a cable; replaced it'

An alert that fires again later opens it again.")]
pub(super) struct Args {
    /// Its number: INC-7, or just 7
    incident: IncidentId,

    /// What it was, for the timeline and the handoff
    #[arg(long, short)]
    note: Option<String>,

    #[command(flatten)]
    server: ServerArgs,
}

pub(super) async fn go(args: Args) -> anyhow::Result<Exit> {
    ask(&args.server, &Command::Resolve { incident: args.incident, note: args.note }).await
}
