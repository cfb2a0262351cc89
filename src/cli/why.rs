//! `dogwatch why`: the decisions about an incident.

use super::client::{ServerArgs, ask};
use super::output::Exit;
use crate::model::{Command, IncidentId};

/// Explain each decision about an incident: what joined, what was run, what was changed, who was paged
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  dogwatch why INC-7")]
pub(super) struct Args {
    /// Its number: INC-7, or just 7
    incident: IncidentId,

    #[command(flatten)]
    server: ServerArgs,
}

pub(super) async fn go(args: Args) -> anyhow::Result<Exit> {
    ask(&args.server, &Command::Why { incident: args.incident }).await
}
