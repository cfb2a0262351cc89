//! `dogwatch serve`: the bot itself.

use std::path::PathBuf;

use anyhow::Context as _;

use super::logging;
use super::output::Exit;
use crate::app::{self, Ending};
use crate::config::Config;

/// Run the bot: webhook, workers, chat
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dogwatch serve --config dogwatch.yaml
  dogwatch check --config dogwatch.yaml        what is wrong with the configuration, without starting

deploy/dogwatch.yaml is an example with every setting. SIGTERM and Ctrl-C stop the bot: what was begun is ended \
first, within 20 s; a second one ends it at once. After a kill it goes on where its log ends. \
SIGHUP has oncall.yaml, the playbooks and the configuration read again at once; a change is found within seconds without it.")]
pub(super) struct Args {
    /// The configuration
    #[arg(long, short, value_name = "FILE", default_value = "dogwatch.yaml", env = "DOGWATCH_CONFIG")]
    config: PathBuf,
}

pub(super) fn go(args: &Args) -> anyhow::Result<Exit> {
    // First of all: from here on a signal does what it says.
    let ending = Ending::watched()?;
    let config = Config::load(&args.config)?;
    logging::start(&config.log)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.context("the runtime could not be started")?;
    let served = runtime.block_on(app::serve(&config, &ending));
    // A console that waits for a line would keep the process: nobody answers it any more.
    runtime.shutdown_background();
    served?;
    Ok(Exit::Done)
}
