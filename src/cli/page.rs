//! `dogwatch page test`: whether a team is reached, seen to its end.

use std::collections::BTreeSet;
use std::time::Duration;

use clap::Subcommand;

use super::client::{ServerArgs, asked};
use super::output::{Exit, Failure, say, warn};
use crate::clock::{Clock as _, SystemClock};
use crate::command::quoted;
use crate::model::{HumanDuration, IncidentId};

/// See whether a team is reached
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Page,
}

#[derive(Debug, Subcommand)]
enum Page {
    Test(TestArgs),
}

/// Send a test page to a team, and wait until somebody acknowledges it
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dogwatch page test databases
  dogwatch page test databases --severity S1 --within 1h

The page goes the way of all pages: to whoever is on call, by the sinks of `pages.sinks`, and on by the team's escalation \
while nobody acknowledges it. It says that it is a test. Each step is told as it happens. Whoever acknowledges it ends it; \
after the time of --within it is ended all the same, and the exit code is 1.")]
struct TestArgs {
    /// Who is to be reached
    team: String,
    /// S1 or S2, which may have other times and people
    #[arg(long, default_value = "S2", value_parser = ["S1", "S2", "s1", "s2"])]
    severity: String,
    /// How long somebody has to acknowledge it
    #[arg(long, default_value = "30m")]
    within: HumanDuration,
    /// Say the incident's number, and do not wait
    #[arg(long)]
    no_wait: bool,
    #[command(flatten)]
    server: ServerArgs,
}

/// What stands on the timeline of a test that somebody has acknowledged.
const REACHED: &str = "the test has reached them";

/// How often it is asked what has happened since.
const EVERY: Duration = Duration::from_secs(2);

pub(super) async fn go(args: Args) -> anyhow::Result<Exit> {
    let Page::Test(args) = args.command;
    let line = format!("/page test {} --severity {}", quoted(&args.team), args.severity);
    let reply = asked(&args.server, &line).await?;
    say(&reply)?;
    if args.no_wait {
        return Ok(Exit::Done);
    }
    let told = reply.split_once(':').and_then(|(id, _)| id.trim().parse::<IncidentId>().ok());
    let Some(id) = told else {
        return Err(Failure::with(Exit::Problems, "the server does not say which incident the test is".to_owned()));
    };
    follow(&args, id).await
}

/// Tells what happens until it is over.
async fn follow(args: &TestArgs, id: IncidentId) -> anyhow::Result<Exit> {
    let clock = SystemClock::default();
    let (begun, mut known) = (clock.monotonic(), BTreeSet::new());
    let mut unanswered = 0_u32;
    loop {
        match asked(&args.server, &format!("/timeline {id}")).await {
            Ok(text) => {
                unanswered = 0;
                let (head, lines) = text.split_once('\n').unwrap_or((&text, ""));
                for line in lines.lines().filter(|line| known.insert((*line).to_owned())) {
                    say(line)?;
                }
                if head.contains(" is resolved") {
                    if lines.contains(REACHED) {
                        return Ok(Exit::Done);
                    }
                    let why = format!("{id} was ended, and nobody of team {} has acknowledged it", args.team);
                    return Err(Failure::with(Exit::Problems, why));
                }
            }
            // The bot may be started anew meanwhile: the page goes on all the same.
            Err(error) if unanswered < 30 => {
                if unanswered == 0 {
                    warn(format!("{error}; asking again"));
                }
                unanswered += 1;
            }
            Err(error) => return Err(error),
        }
        if clock.monotonic().saturating_sub(begun) >= args.within.0 {
            let over = format!("/resolve {id} nobody has acknowledged the test within {}", args.within);
            asked(&args.server, &over).await?;
            let why = format!("nobody of team {} has acknowledged {id} within {}", args.team, args.within);
            return Err(Failure::with(Exit::Problems, why));
        }
        tokio::select! {
            () = clock.sleep_until(clock.now() + EVERY) => {}
            Ok(()) = tokio::signal::ctrl_c() => {
                // Else it would go on through the whole team.
                asked(&args.server, &format!("/resolve {id} the test was stopped")).await?;
                return Err(Failure::with(Exit::Problems, format!("stopped; {id} is ended")));
            }
        }
    }
}
