//! `dogwatch demo`: a night with ten thousand databases.

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::time::Duration;

use super::output::Exit;
use crate::rehearse::{DemoOptions, Screen, demo};

/// A night with 10,000 simulated databases, in under a minute
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dogwatch demo                                the whole night
  dogwatch demo --databases 200                a small fleet
  dogwatch demo --out /tmp/night               the database and the handoffs go there

The bot is the real one, down to its SQLite file and the bodies that Alertmanager sends. The cluster, \
Prometheus and the time are simulated. Nothing outside the folder is touched.")]
pub(super) struct Args {
    /// How many databases the cluster has
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(10..=50_000))]
    databases: u32,

    /// Where the database and the handoffs go
    #[arg(long, value_name = "DIR", default_value = "dogwatch-demo")]
    out: PathBuf,

    /// Do not rest between the lines, also on a terminal
    #[arg(long)]
    fast: bool,
}

pub(super) async fn go(args: Args) -> anyhow::Result<Exit> {
    // Fast enough to watch, slow enough to read.
    const REST: Duration = Duration::from_millis(120);
    let is_watched = std::io::stdout().is_terminal();
    let screen = Screen {
        out: Box::new(anstream::stdout()),
        // The stream takes colours out where nobody would see them.
        coloured: true,
        rest: if is_watched && !args.fast { REST } else { Duration::ZERO },
    };
    let options = DemoOptions { databases: usize::try_from(args.databases)?, folder: args.out };
    demo(options, screen).await?;
    Ok(Exit::Done)
}
