//! `dogwatch oncall`: who is called.

use std::path::PathBuf;

use chrono::{DateTime, NaiveDateTime, Utc};
use clap::Subcommand;

use super::output::{Exit, Failure, say};
use crate::clock::{Clock as _, SystemClock};
use crate::config::Config;
use crate::files;
use crate::oncall::{OnCall, Team};

/// Ask who is on call
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Question,
}

#[derive(Debug, Subcommand)]
enum Question {
    Who(WhoArgs),
}

/// Say who is on call, until when, and who comes next
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dogwatch oncall who
  dogwatch oncall who --team platform --at 2026-03-02T08:00:00Z
  dogwatch oncall who --file oncall.yaml --at '2026-03-02 08:00'     UTC")]
struct WhoArgs {
    /// Only this team
    #[arg(long)]
    team: Option<String>,

    /// At that time: `2026-03-02T08:00:00+01:00`, or `2026-03-02 08:00` in UTC
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    at: Option<DateTime<Utc>>,

    /// The file with teams and rotations
    #[arg(long, short, value_name = "FILE", default_value = "oncall.yaml", conflicts_with = "config")]
    file: PathBuf,

    /// The configuration that names that file
    #[arg(long, short, value_name = "FILE")]
    config: Option<PathBuf>,
}

pub(super) fn go(args: &Args) -> anyhow::Result<Exit> {
    let Question::Who(args) = &args.command;
    let file = match &args.config {
        Some(config) => Config::load(config)?.oncall.file,
        None => args.file.clone(),
    };
    let oncall = load(&file)?;
    let at = args.at.unwrap_or_else(|| SystemClock::default().now());
    let teams: Vec<&Team> = match &args.team {
        Some(team) => vec![oncall.team(team).map_err(Failure::usage)?],
        None => oncall.teams().iter().collect(),
    };
    let lines: Vec<String> = teams.into_iter().map(|team| who(&oncall, team, at)).collect::<Result<_, _>>()?;
    say(&lines.join("\n"))?;
    Ok(Exit::Done)
}

/// Reads an `oncall.yaml`.
pub(super) fn load(file: &std::path::Path) -> anyhow::Result<OnCall> {
    let name = file.display().to_string();
    let text = files::read_text(file, files::DOCUMENT).map_err(|error| {
        Failure::usage(format!("{name} cannot be read: {error}; say where it is with --file or --config"))
    })?;
    OnCall::parse(&name, &text).map_err(Failure::usage)
}

fn who(oncall: &OnCall, team: &Team, at: DateTime<Utc>) -> anyhow::Result<String> {
    let zone = team.rotation.time_zone();
    let local = |at: DateTime<Utc>| at.with_timezone(&zone).format("%a %Y-%m-%d %H:%M").to_string();
    let Some(watch) = oncall.who(&team.name, at)? else {
        let begins = oncall.next_handoff(&team.name, at)?;
        return Ok(format!("{}: nobody; its rotation begins {} {zone}", team.name, local(begins)));
    };
    let next = oncall.who(&team.name, watch.shift.to)?.map_or("nobody".to_owned(), |next| next.member.name.clone());
    let until = local(watch.shift.to);
    Ok(format!("{}: {} until {until} {zone}, then {next}", team.name, watch.member.name))
}

fn parse_time(text: &str) -> Result<DateTime<Utc>, String> {
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Ok(at.to_utc());
    }
    NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M")
        .map(|at| at.and_utc())
        .map_err(|_| "write it as `2026-03-02T08:00:00Z`, or `2026-03-02 08:00` in UTC".to_owned())
}
