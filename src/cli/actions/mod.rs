//! `dogwatch actions`: what a step can do, as each action declares it.

mod markdown;
mod text;

use clap::ValueEnum;

use super::output::{Exit, Failure, say};
use crate::action::{Declaration, declarations};
use crate::language::{closest, list};

/// List what a step of a playbook can do, or explain one action
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dogwatch actions                             all actions, in a line each
  dogwatch actions k8s.scale                   its arguments, output, rights, and an example
  dogwatch actions k8s.scale -o json
  dogwatch actions -o markdown > docs/reference/actions.md

No server is asked: it is what this program can do.")]
pub(super) struct Args {
    /// Which action: `k8s.scale`
    #[arg(value_name = "NAME")]
    name: Option<String>,

    /// How: text, json or markdown
    #[arg(long, short, value_name = "FORMAT", value_enum, default_value_t = Format::Text, hide_possible_values = true)]
    output: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    // No doc comments here: they would make the help text long.
    Text,
    Json,
    Markdown,
}

pub(super) fn go(args: &Args) -> anyhow::Result<Exit> {
    let text = match &args.name {
        None => match args.output {
            Format::Text => text::all(declarations()),
            Format::Json => serde_json::to_string_pretty(declarations())?,
            Format::Markdown => markdown::reference(declarations()),
        },
        Some(name) => {
            let action = find(name)?;
            match args.output {
                Format::Text => text::one(action),
                Format::Json => serde_json::to_string_pretty(action)?,
                Format::Markdown => markdown::section(action),
            }
        }
    };
    say(&text)?;
    Ok(Exit::Done)
}

fn find(name: &str) -> anyhow::Result<&'static Declaration> {
    let names = || declarations().iter().map(|action| action.name);
    declarations().iter().copied().find(|action| action.name == name).ok_or_else(|| {
        let meant = match closest(name, names()).or_else(|| without_prefix(name)) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("the actions are {}", list(names())),
        };
        Failure::usage(format!("there is no action `{name}`; {meant}"))
    })
}

/// `k8s.scale` for `scale`, where there is but one that ends so.
fn without_prefix(name: &str) -> Option<&'static str> {
    let mut found = declarations().iter().map(|action| action.name).filter(|action| {
        action.rsplit_once('.').is_some_and(|(_, last)| last == name || closest(name, [last]).is_some())
    });
    let first = found.next()?;
    found.next().is_none().then_some(first)
}
