//! `dogwatch run`: a playbook, because a person wants it.

use std::collections::BTreeMap;

use super::client::{ServerArgs, ask};
use super::output::{Exit, Failure};
use crate::model::Command;

/// Run a playbook, or show what it would do
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dogwatch run coredns-saturated --dry-run       diagnose for real, show the changes, make none
  dogwatch run pvc-filling --set namespace=db --set name=data-pg-7

What you ask for asks back before it changes anything: answer with `dogwatch approve`.")]
pub(super) struct Args {
    /// The playbook's name
    playbook: String,

    /// An input; also `namespace` and `name`, where the playbook takes its target from the alert
    #[arg(long = "set", short, value_name = "NAME=VALUE", value_parser = parse_setting)]
    set: Vec<(String, String)>,

    /// Show what it would do, and do nothing
    #[arg(long, short = 'n')]
    dry_run: bool,

    #[command(flatten)]
    server: ServerArgs,
}

pub(super) async fn go(args: Args) -> anyhow::Result<Exit> {
    let mut set = BTreeMap::new();
    for (name, value) in args.set {
        if set.insert(name.clone(), value).is_some() {
            return Err(Failure::usage(format!("`{name}` is set twice; keep one of the two")));
        }
    }
    ask(&args.server, &Command::Run { playbook: args.playbook, set, dry_run: args.dry_run }).await
}

fn parse_setting(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => Ok((name.trim().to_owned(), value.to_owned())),
        _ => Err("write it as NAME=VALUE".to_owned()),
    }
}
