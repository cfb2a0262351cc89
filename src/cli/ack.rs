//! `dogwatch ack`: somebody has it.

use super::client::{ServerArgs, ask};
use super::output::Exit;
use crate::model::{Command, IncidentId};

/// Acknowledge an incident: you have seen it, own it, and nobody else is paged for it
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  dogwatch ack INC-7

The name on the timeline is that of your token in `server.api_tokens`. A run goes on; `dogwatch resolve` stops it.")]
pub(super) struct Args {
    /// Its number: INC-7, or just 7
    incident: IncidentId,

    #[command(flatten)]
    server: ServerArgs,
}

pub(super) async fn go(args: Args) -> anyhow::Result<Exit> {
    ask(&args.server, &Command::Ack { incident: args.incident }).await
}
