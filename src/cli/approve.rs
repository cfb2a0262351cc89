//! `dogwatch approve` and `dogwatch deny`: the answer to a question of the bot.

use super::client::{ServerArgs, ask};
use super::output::Exit;
use crate::model::{ApprovalId, Command, Verdict};

/// Let a run make the changes that it asked about
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dogwatch why INC-7             shows the question and what would be changed
  dogwatch approve APR-3

The answer is for what was shown: if the target has changed meanwhile, nothing is changed, and the run escalates: a \
person is paged.")]
pub(super) struct ApproveArgs {
    /// Its number: APR-3, or just 3
    approval: ApprovalId,

    #[command(flatten)]
    server: ServerArgs,
}

/// Refuse the changes that a run asked about: it changes nothing and pages a person
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  dogwatch deny APR-3")]
pub(super) struct DenyArgs {
    /// Its number: APR-3, or just 3
    approval: ApprovalId,

    #[command(flatten)]
    server: ServerArgs,
}

pub(super) async fn approve(args: ApproveArgs) -> anyhow::Result<Exit> {
    ask(&args.server, &Command::Approve { approval: args.approval, verdict: Verdict::Approve, digest: None }).await
}

pub(super) async fn deny(args: DenyArgs) -> anyhow::Result<Exit> {
    ask(&args.server, &Command::Approve { approval: args.approval, verdict: Verdict::Deny, digest: None }).await
}
