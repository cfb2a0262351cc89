//! `dogwatch handoff`: the report of a shift, also while the server is down.

use std::path::PathBuf;
use std::sync::Arc;

use clap::ValueEnum;
use tokio::sync::watch;

use super::oncall;
use super::output::{Exit, Failure, say, warn};
use crate::app::all_playbooks;
use crate::clock::{Clock as _, SystemClock};
use crate::cluster::Kinds;
use crate::config::Config;
use crate::handoff::{HandoffError, Reporter, Template, WhichShift, Written};
use crate::incident::read_overrides;
use crate::oncall::Roster;
use crate::store::sqlite::SqliteStore;

/// Write the report of a shift, from the server's own database
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dogwatch handoff                                     the shift so far, to handoffs/
  dogwatch handoff --out -                             to the terminal
  dogwatch handoff --team databases --shift previous

It looks into the database that the configuration names, and needs no server. A file that says \
something else already is not overwritten: the new report lies beside it.")]
pub(super) struct Args {
    /// The configuration, which says where database, rotations and template are
    #[arg(long, short, value_name = "FILE", default_value = "dogwatch.yaml")]
    config: PathBuf,

    /// Only this team; else all of them
    #[arg(long)]
    team: Option<String>,

    /// `current` goes on, `previous` is the last one that has ended
    #[arg(long, value_enum, default_value_t = Which::Current, hide_possible_values = true)]
    shift: Which,

    /// Another folder than `handoff.dir`; `-` is the terminal
    #[arg(long, short, value_name = "DIR|-")]
    out: Option<PathBuf>,
}

// No doc comments here: they would make the help text long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Which {
    Current,
    Previous,
}

pub(super) async fn go(args: Args) -> anyhow::Result<Exit> {
    let config = Config::load(&args.config)?;
    let oncall = oncall::load(&config.oncall.file)?;
    let template = Template::load(config.handoff.template.as_deref()).map_err(Failure::usage)?;
    let teams: Vec<String> = match &args.team {
        Some(team) => vec![oncall.team(team).map_err(Failure::usage)?.name.clone()],
        None => oncall.teams().iter().map(|team| team.name.clone()).collect(),
    };
    let clock = Arc::new(SystemClock::default());
    let store = Arc::new(SqliteStore::open_for_reading(&config.store.sqlite, clock.clone()).await?);
    // Who was on call is told by the overrides, too.
    let roster = Roster::new(oncall);
    read_overrides(&*store, &roster, clock.now()).await?;
    // What is wrong with them is for `dogwatch check`; which kinds there are, no cluster is asked.
    let (catalog, _) = all_playbooks(&config, &Arc::new(Kinds::of_a_cluster()));
    let reporter = Reporter::new(store.clone(), clock, roster, template)
        .with_mode(config.handoff.mode)
        .with_budgets(config.pages.budgets())
        .with_catalog(watch::channel(Arc::new(catalog)).1);
    let which = match args.shift {
        Which::Current => WhichShift::Current,
        Which::Previous => WhichShift::Previous,
    };
    let dir = args.out.unwrap_or(config.handoff.dir);
    for team in &teams {
        let shift = match reporter.shift(team, which) {
            // One team that begins later keeps nothing back from the others.
            Err(error @ (HandoffError::NotBegun(_) | HandoffError::Gap(_))) if args.team.is_none() => {
                warn(error);
                continue;
            }
            other => other?,
        };
        if dir.as_os_str() == "-" {
            say(&reporter.report(team, shift).await?.1)?;
            continue;
        }
        let (_, written) = reporter.write(&dir, team, shift).await?;
        if let Written::Beside { kept, .. } = &written {
            warn(format!("{} says something else and was left as it is", kept.display()));
        }
        say(&written.path().display().to_string())?;
    }
    store.close().await;
    Ok(Exit::Done)
}
