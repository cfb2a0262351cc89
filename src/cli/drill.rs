//! `dogwatch drill`: a game day in the terminal.

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;

use super::kinds::KindsArgs;
use super::named::{ShippedArgs, playbook_called};
use super::output::{Exit, Failure};
use crate::clock::{Clock as _, SystemClock};
use crate::rehearse::cases::read_cases;
use crate::rehearse::{Screen, Table, drill};

/// Play a case of a playbook as if it happened: you are on call, and the cluster is simulated
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dogwatch drill pvc-filling                   one of its cases, whichever
  dogwatch drill pvc-filling --seed 7          that one again
  dogwatch drill pvc-filling --all             one after the other
  printf 'approve\\n' | dogwatch drill coredns-saturated --seed 2

An alert fires, the bot says what it does, and wherever it needs somebody it asks what you do: ack, take, approve, deny, \
resolve NOTE, wait 5m. Time is simulated, and passes only while you wait. At the end stands what happened, how long \
it took, and which case it was.")]
pub(super) struct Args {
    /// The playbook's name
    #[arg(value_name = "NAME")]
    playbook: String,

    /// The folder of the playbooks, or the playbook's file [default: playbooks]
    #[arg(long, value_name = "DIR|FILE", conflicts_with = "shipped")]
    playbooks: Option<PathBuf>,

    #[command(flatten)]
    shipped: ShippedArgs,

    /// Which of its cases; without it, another one each time
    #[arg(long, value_name = "N")]
    seed: Option<u64>,

    /// All of its cases, one after the other
    #[arg(long, conflicts_with = "seed")]
    all: bool,

    #[command(flatten)]
    kinds: KindsArgs,
}

pub(super) async fn go(args: Args) -> anyhow::Result<Exit> {
    let playbook = playbook_called(&args.playbook, &args.shipped.folder(args.playbooks.as_deref()), &args.kinds)?;
    let path = playbook.path.with_extension("cases.yaml");
    let none = || {
        let message = format!("{} has no case in which the playbook runs; a drill plays one of them", path.display());
        Failure::with(Exit::Problems, message)
    };
    let file = read_cases(&path, Some(&playbook)).map_err(Failure::of_file)?.ok_or_else(none)?;
    let cases: Vec<_> = file.cases.iter().map(|case| &case.value).filter(|case| !case.expect.value.no_run).collect();
    let count = u64::try_from(cases.len())?;
    let seed = args.seed.unwrap_or_else(|| u64::from(SystemClock::default().now().timestamp_subsec_micros()));
    let picked = usize::try_from(seed.checked_rem(count).ok_or_else(none)?)?;
    let cases = if args.all { cases } else { cases.into_iter().skip(picked).take(1).collect() };
    let stdin = std::io::stdin();
    let echo = !stdin.is_terminal();
    let mut typed = stdin.lock();
    // The stream takes colours out where nobody would see them.
    let screen = Screen { out: Box::new(anstream::stdout()), coloured: true, rest: Duration::ZERO };
    let mut table = Table { screen, typed: &mut typed, echo };
    for case in cases {
        let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
        drill(&playbook, &file, case, folder.path(), &mut table).await?;
    }
    if !args.all {
        anstream::println!("  the same again: dogwatch drill {} --seed {picked}", args.playbook);
    }
    Ok(Exit::Done)
}
