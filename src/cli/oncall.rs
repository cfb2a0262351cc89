//! `dogwatch oncall`: who is called. What only looks is told from the file, or by a bot; what
//! changes something is asked of a bot.

use std::path::PathBuf;

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use clap::Subcommand;

use super::client::{ServerArgs, ask, asked};
use super::output::{Exit, Failure, say};
use crate::app::parse_oncall;
use crate::clock::{Clock as _, SystemClock};
use crate::command::quoted;
use crate::config::Config;
use crate::files;
use crate::model::Layer;
use crate::oncall::{Asking, OnCall};

/// Ask who is on call, and change it
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Question,
}

#[derive(Debug, Subcommand)]
enum Question {
    Who(WhoArgs),
    Schedule(ScheduleArgs),
    Gaps(GapsArgs),
    Check(CheckArgs),
    Ical(IcalArgs),
    Override(OverrideArgs),
    Unoverride(UnoverrideArgs),
    Take(TakeArgs),
}

/// Say who is on call, until when, and who comes next
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dogwatch oncall who
  dogwatch oncall who --team platform --at 2026-03-02T08:00:00Z
  dogwatch oncall who --file oncall.yaml --at '2026-03-02 08:00'     UTC
  dogwatch oncall who --server http://dogwatch:8080                  with the overrides")]
struct WhoArgs {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    whence: Whence,
}

/// List the shifts to come
#[derive(Debug, clap::Args)]
struct ScheduleArgs {
    #[command(flatten)]
    which: Which,
    /// So many days
    #[arg(long, default_value_t = 14, value_parser = clap::value_parser!(u32).range(1..=366))]
    days: u32,
    #[command(flatten)]
    whence: Whence,
}

/// List the times to come in which nobody is on call
#[derive(Debug, clap::Args)]
struct GapsArgs {
    #[command(flatten)]
    which: Which,
    /// So many days
    #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u32).range(1..=366))]
    days: u32,
    #[command(flatten)]
    whence: Whence,
}

/// Look for gaps, overlaps and people whom nobody can reach, in the next 90 days
#[derive(Debug, clap::Args)]
struct CheckArgs {
    #[command(flatten)]
    whence: Whence,
}

/// Write the shifts to come as a calendar (iCalendar, RFC 5545)
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dogwatch oncall ical platform > platform.ics
  dogwatch oncall ical alice --days 30 --server http://dogwatch:8080 > alice.ics

A shift has the same UID whenever it is written: who imports the calendar anew has no shift twice.")]
struct IcalArgs {
    /// A team or a member; without one, all teams
    name: Option<String>,
    /// So many days
    #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u32).range(1..=366))]
    days: u32,
    #[command(flatten)]
    whence: Whence,
}

/// Have a member cover for whoever is on call by the rotation
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dogwatch oncall override platform bob --until 8h --reason 'a dentist'
  dogwatch oncall override platform bob --from 2026-03-02T08:00Z --until 2026-03-04T08:00Z --reason 'a wedding'

A responder may do this for teams in which they take turns, and an admin for all.")]
struct OverrideArgs {
    team: String,
    /// Who covers
    member: String,
    /// Its end: 2026-03-02T18:00Z, or 8h after its beginning
    #[arg(long, value_name = "TIME")]
    until: String,
    /// Its beginning, if not now: 2026-03-02T08:00Z, or 30m from now
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Only while it would be the turn of this member
    #[arg(long, value_name = "MEMBER")]
    whom: Option<String>,
    /// primary or secondary
    #[arg(long, value_parser = Layer::ALL.map(Layer::name), hide_possible_values = true)]
    layer: Option<String>,
    /// Why, for whoever wonders
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    server: ServerArgs,
}

/// End an override before its time
#[derive(Debug, clap::Args)]
struct UnoverrideArgs {
    /// Which one: OVR-7
    #[arg(value_name = "OVERRIDE")]
    id: String,
    #[command(flatten)]
    server: ServerArgs,
}

/// Cover from now on, until the end of the shift
#[derive(Debug, clap::Args)]
struct TakeArgs {
    /// The team; it need not be said where you take turns in one only
    team: Option<String>,
    /// Until then instead: 2026-03-02T18:00Z, or 4h from now
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// primary or secondary
    #[arg(long, value_parser = Layer::ALL.map(Layer::name), hide_possible_values = true)]
    layer: Option<String>,
    #[command(flatten)]
    server: ServerArgs,
}

#[derive(Debug, clap::Args)]
struct Which {
    /// Only this team
    #[arg(long)]
    team: Option<String>,

    /// At that time: `2026-03-02T08:00:00+01:00`, or `2026-03-02 08:00` in UTC
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    at: Option<DateTime<Utc>>,

    /// primary or secondary
    #[arg(long, value_parser = Layer::ALL.map(Layer::name), hide_possible_values = true)]
    layer: Option<String>,
}

/// Where the answer comes from.
#[derive(Debug, clap::Args)]
struct Whence {
    /// The file with teams and rotations
    #[arg(long, short, value_name = "FILE", default_value = "oncall.yaml", conflicts_with = "config")]
    file: PathBuf,

    /// The configuration that names that file
    #[arg(long, short, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Ask the bot there, which knows the overrides, and not the file
    #[arg(long, value_name = "URL", conflicts_with_all = ["file", "config"])]
    server: Option<String>,

    /// The file that holds your token of the bot; else it is taken from DOGWATCH_TOKEN
    #[arg(long, value_name = "FILE", requires = "server")]
    token_file: Option<PathBuf>,
}

/// A question that only looks.
struct Look<'a> {
    word: &'static str,
    team: Option<&'a str>,
    layer: Option<&'a str>,
    at: Option<DateTime<Utc>>,
    days: Option<u32>,
    whence: &'a Whence,
}

pub(super) async fn go(args: Args) -> anyhow::Result<Exit> {
    match &args.command {
        Question::Who(WhoArgs { which, whence }) => Look::of("who", which, None, whence).go().await,
        Question::Schedule(ScheduleArgs { which, days, whence }) => {
            Look::of("schedule", which, Some(*days), whence).go().await
        }
        Question::Gaps(GapsArgs { which, days, whence }) => Look::of("gaps", which, Some(*days), whence).go().await,
        Question::Check(CheckArgs { whence }) => {
            Look { word: "check", team: None, layer: None, at: None, days: None, whence }.go().await
        }
        Question::Ical(IcalArgs { name, days, whence }) => {
            let team = name.as_deref();
            Look { word: "ical", team, layer: None, at: None, days: Some(*days), whence }.go().await
        }
        Question::Override(asked) => {
            let mut line = format!("/override {} {}", quoted(&asked.team), quoted(&asked.member));
            line += &option("until", Some(&asked.until));
            line += &option("from", asked.from.as_ref());
            line += &option("whom", asked.whom.as_ref());
            line += &option("layer", asked.layer.as_ref());
            ask(&asked.server, &format!("{line} -- {}", asked.reason.trim())).await
        }
        Question::Unoverride(asked) => ask(&asked.server, &format!("/unoverride {}", quoted(&asked.id))).await,
        Question::Take(asked) => {
            let team = asked.team.as_ref().map(|team| format!(" {}", quoted(team))).unwrap_or_default();
            let until = option("until", asked.until.as_ref());
            let layer = option("layer", asked.layer.as_ref());
            ask(&asked.server, &format!("/oncall take{team}{until}{layer}")).await
        }
    }
}

/// ` --until 8h`.
fn option(name: &str, value: Option<&String>) -> String {
    value.map(|value| format!(" --{name} {}", quoted(value))).unwrap_or_default()
}

impl<'a> Look<'a> {
    fn of(word: &'static str, which: &'a Which, days: Option<u32>, whence: &'a Whence) -> Self {
        let (team, layer) = (which.team.as_deref(), which.layer.as_deref());
        Self { word, team, layer, at: which.at, days, whence }
    }

    async fn go(&self) -> anyhow::Result<Exit> {
        let told = match &self.whence.server {
            Some(server) => asked(&ServerArgs::new(server, self.whence.token_file.clone()), &self.line()).await?,
            None => self.by_the_file()?,
        };
        // A calendar's lines end so, and its text may have lost that on its way.
        let told = if self.word == "ical" { told.replace('\r', "").replace('\n', "\r\n") } else { told };
        say(&told)?;
        if self.whence.server.is_none() {
            // Beside the answer, which programs read.
            anstream::eprintln!("by the file alone: --server asks the bot, which knows the overrides");
        }
        Ok(Exit::Done)
    }

    fn by_the_file(&self) -> anyhow::Result<String> {
        let file = match &self.whence.config {
            Some(config) => Config::load(config)?.oncall.file,
            None => self.whence.file.clone(),
        };
        let oncall = load(&file)?;
        let layer = self.layer.and_then(Layer::called);
        let at = self.at.unwrap_or_else(|| SystemClock::default().now());
        let lasting = self.days.map(|days| TimeDelta::days(days.into()));
        let asking = Asking { team: self.team, layer, at, lasting };
        match self.word {
            "schedule" => oncall.tell_schedule(asking).map_err(Failure::usage),
            "gaps" => oncall.tell_gaps(asking).map_err(Failure::usage),
            "check" => Ok(oncall.tell_findings(asking)),
            "ical" => oncall.calendar(asking).map_err(Failure::usage),
            _ => oncall.tell_who(asking).map_err(Failure::usage),
        }
    }

    fn line(&self) -> String {
        let team = self.team.map(|team| format!(" {}", quoted(team))).unwrap_or_default();
        let at = self.at.map(|at| format!(" --at {}", at.format("%FT%TZ"))).unwrap_or_default();
        let days = self.days.map(|days| format!(" --for {days}d")).unwrap_or_default();
        let layer = self.layer.map(|layer| format!(" --layer {layer}")).unwrap_or_default();
        format!("/oncall {}{team}{at}{days}{layer}", self.word)
    }
}

/// Reads an `oncall.yaml`.
pub(super) fn load(file: &std::path::Path) -> anyhow::Result<OnCall> {
    let name = file.display().to_string();
    let text = files::read_text(file, files::DOCUMENT).map_err(|error| {
        Failure::usage(format!("{name} cannot be read: {error}; say where it is with --file or --config"))
    })?;
    parse_oncall(file, &text).map_err(Failure::of_file)
}

fn parse_time(text: &str) -> Result<DateTime<Utc>, String> {
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Ok(at.to_utc());
    }
    NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M")
        .map(|at| at.and_utc())
        .map_err(|_| "write it as `2026-03-02T08:00:00Z`, or `2026-03-02 08:00` in UTC".to_owned())
}
