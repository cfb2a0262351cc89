//! `dogwatch test`: the cases beside the playbooks.

use std::path::PathBuf;

use anstyle::{AnsiColor, Style};

use super::output::Exit;
use crate::model::HumanDuration;
use crate::rehearse::cases::{PlaybookReport, test_folder};

/// Run the cases beside playbooks on a simulated cluster, in virtual time
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dogwatch test                                all playbooks in playbooks/
  dogwatch test playbooks/pvc-filling.yaml     one playbook

A case stands in NAME.cases.yaml beside NAME.yaml: what is there, what happens, and what must come of it. \
The bot has just the rights that `dogwatch rbac` prints for the playbook. What no case entered is listed.")]
pub(super) struct Args {
    /// The folder of the playbooks, or one of them
    #[arg(value_name = "DIR|FILE", default_value = "playbooks")]
    path: PathBuf,

    /// Fail also when a branch of a playbook was entered by no case
    #[arg(long)]
    all_branches: bool,
}

pub(super) async fn go(args: Args) -> anyhow::Result<Exit> {
    let reports = test_folder(&args.path, show).await?;
    let passed: usize = reports.iter().map(PlaybookReport::passed).sum();
    let failed: usize = reports.iter().map(PlaybookReport::failed).sum();
    let branches: usize = reports.iter().map(|report| report.branches).sum();
    let not_entered: usize = reports.iter().map(|report| report.not_entered.len()).sum();
    anstream::println!("{} of {branches} branches entered", branches - not_entered);
    anstream::println!("{passed} passed, {failed} failed");
    let is_enough = failed == 0 && (not_entered == 0 || !args.all_branches);
    Ok(if is_enough { Exit::Done } else { Exit::Problems })
}

fn show(report: &PlaybookReport) {
    let good = Style::new().fg_color(Some(AnsiColor::Green.into()));
    let bad = Style::new().bold().fg_color(Some(AnsiColor::Red.into()));
    let quiet = Style::new().dimmed();
    anstream::println!("{} {}", report.name, report.version);
    if let Some(error) = &report.error {
        anstream::println!("  {bad}cannot be tested{bad:#}: {error}");
    }
    for case in &report.cases {
        let lasted = HumanDuration(case.lasted);
        if case.wrong.is_empty() {
            anstream::println!("  {good}ok{good:#}    {} {quiet}({lasted}){quiet:#}", case.name);
            continue;
        }
        let file = report.path.with_extension("cases.yaml");
        anstream::println!("  {bad}FAIL{bad:#}  {} ({}:{})", case.name, file.display(), case.line);
        for wrong in &case.wrong {
            anstream::println!("        {}", wrong.replace('\n', "\n        "));
        }
        for line in &case.timeline {
            anstream::println!("        {quiet}{line}{quiet:#}");
        }
    }
    if report.cases.is_empty() && report.error.is_none() {
        anstream::println!("  {quiet}no cases: write {}{quiet:#}", report.path.with_extension("cases.yaml").display());
    }
    let listed = if report.error.is_none() { report.not_entered.as_slice() } else { &[] };
    for branch in listed {
        anstream::println!("  {quiet}not entered  {branch}{quiet:#}");
    }
}
