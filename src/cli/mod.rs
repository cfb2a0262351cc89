//! The command line: one file for each subcommand that is not asked of a server, and `asked` for
//! those that are.

mod actions;
mod against;
mod asked;
mod check;
mod client;
mod completions;
mod coverage;
mod demo;
mod docs;
mod drill;
mod handoff;
mod kinds;
pub mod logging;
mod named;
mod oncall;
mod output;
mod page;
mod rbac;
mod schema;
mod serve;
mod shipped;
mod snapshot;
mod test;
mod yaml;

use std::future::Future;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Parser, Subcommand};

use crate::files::{ShippedFiles, ship};

pub use output::{Colour, Exit, Failure};

/// SRE runbook automation and incident bot for Kubernetes.
#[derive(Debug, Parser)]
#[command(name = "dogwatch", version, max_term_width = 100, after_help = EXAMPLES, arg_required_else_help = true)]
struct Cli {
    /// When to use colours: auto (on a terminal, unless NO_COLOR is set), always or never
    #[arg(long, global = true, value_enum, default_value_t = Colour::Auto, hide_possible_values = true)]
    color: Colour,

    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  dogwatch demo                             a night with 10,000 simulated databases
  dogwatch serve --config dogwatch.yaml     the bot itself
  dogwatch test                             the cases of the playbooks, in virtual time
  dogwatch drill pvc-filling                a game day: you are on call, the cluster is simulated
  dogwatch check playbooks/                 look for mistakes in playbooks
  dogwatch actions k8s.scale                what a step can do, and how it is written
  dogwatch incidents                        what is open
  dogwatch why INC-7                        why the bot did what it did
  dogwatch ack INC-7                        I have seen it, and own it
  dogwatch run pvc-filling --set namespace=db --set name=data-pg-7 --dry-run
  dogwatch oncall who                       who is called now

Exit codes: 0 done, 1 something is wrong or was refused, 2 wrong usage or configuration, \
3 the server cannot be reached.";

#[derive(Debug, Subcommand)]
enum Command {
    Demo(demo::Args),
    Serve(serve::Args),
    Check(check::Args),
    Coverage(coverage::Args),
    Test(test::Args),
    Drill(drill::Args),
    Snapshot(snapshot::Args),
    Actions(actions::Args),
    Rbac(rbac::Args),
    Kinds(kinds::Args),
    #[command(flatten)]
    Asked(asked::Asked),
    Oncall(oncall::Args),
    Page(page::Args),
    Handoff(handoff::Args),
    Shipped(shipped::Args),
    Docs(docs::Args),
    Schema(schema::Args),
    Completions(completions::Args),
}

/// Reads the command line, does what it says, and gives the exit code. `shipped`: the files that come with the program.
pub fn main(shipped: ShippedFiles) -> ExitCode {
    ship(shipped);
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no errors; clap knows which stream each belongs on.
            let _ = error.print();
            return Exit::from_clap(&error).into();
        }
    };
    cli.color.choose();
    match cli.command.go() {
        Ok(exit) => exit.into(),
        Err(error) => output::fail(&error).into(),
    }
}

impl Command {
    fn go(self) -> anyhow::Result<Exit> {
        match self {
            Command::Serve(args) => serve::go(&args),
            Command::Demo(args) => wait(demo::go(args)),
            Command::Check(args) => wait(check::go(&args)),
            Command::Coverage(args) => wait(coverage::go(&args)),
            Command::Test(args) => wait(test::go(args)),
            Command::Drill(args) => wait(drill::go(args)),
            Command::Snapshot(args) => wait(snapshot::go(args)),
            Command::Actions(args) => actions::go(&args),
            Command::Rbac(args) => rbac::go(&args),
            Command::Kinds(args) => wait(kinds::go(args)),
            Command::Asked(asked) => wait(asked.go()),
            Command::Oncall(args) => wait(oncall::go(args)),
            Command::Page(args) => wait(page::go(args)),
            Command::Handoff(args) => wait(handoff::go(args)),
            Command::Shipped(args) => shipped::go(&args),
            Command::Docs(args) => docs::go(&args),
            Command::Schema(args) => schema::go(&args),
            Command::Completions(args) => completions::go(&args),
        }
    }
}

/// Runs to its end on a runtime of its own.
fn wait<T>(task: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.context("the runtime could not be started")?.block_on(task)
}
