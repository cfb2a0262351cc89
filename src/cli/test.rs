//! `dogwatch test`: the cases beside the playbooks.

mod from;

use std::path::PathBuf;

use anstyle::{AnsiColor, Style};

use super::client::ServerArgs;
use super::kinds::KindsArgs;
use super::named::ShippedArgs;
use super::output::{Exit, Failure};
use crate::diagnostics::{Diagnostic, Diagnostics};
use crate::model::{HumanDuration, RunId};
use crate::rehearse::cases::{PlaybookReport, test_folder};

/// Run the cases beside playbooks on a simulated cluster, in virtual time
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dogwatch test                                        all playbooks in playbooks/ and its folders
  dogwatch test playbooks/storage                      those of one folder
  dogwatch test playbooks/storage/pvc-filling.yaml     one playbook
  dogwatch test --shipped dns                          those of a folder that comes with the program
  dogwatch test --from RUN-7 --out new.yaml            writes a case of a real run, which the server knows

A case stands in NAME.cases.yaml beside NAME.yaml: what is there, what happens, and what must come of it. \
What a playbook hands over to, and kinds, are looked for up to the folder called playbooks, or that has a kinds.yaml. \
The bot has just the rights that `dogwatch rbac` prints for the playbook. \
What no case entered is listed; so is a change of which no case loses the answer, and a playbook that asks Prometheus \
and has no case in which there are no samples.

Of a run (--from), the playbook is looked for in DIR|FILE, and secrets are masked. What the run's log does not hold \
stands in the file as a comment; so does what comes out otherwise than in the run.")]
pub(super) struct Args {
    /// The folder of the playbooks, or one of them [default: playbooks]; with --shipped, such as dns
    /// or dns/coredns-saturated.yaml
    #[arg(value_name = "DIR|FILE")]
    path: Option<PathBuf>,

    #[command(flatten)]
    shipped: ShippedArgs,

    /// Fail also when no case enters a branch, loses the answer to a change, or has a query without
    /// samples
    #[arg(long)]
    all_branches: bool,

    /// Test nothing, but write a file with a case of this run: what fired, what was there and
    /// answered, and what came of it
    #[arg(long, value_name = "RUN")]
    from: Option<RunId>,

    /// Where that file goes, which must not be there yet; without it, to the standard output
    #[arg(long, value_name = "FILE", requires = "from")]
    out: Option<PathBuf>,

    #[command(flatten)]
    kinds: KindsArgs,

    #[command(flatten)]
    server: ServerArgs,
}

pub(super) async fn go(args: Args) -> anyhow::Result<Exit> {
    let path = args.shipped.folder(args.path.as_deref());
    if let Some(run) = args.from {
        return from::go(run, &path, &args.kinds, args.out.as_deref(), &args.server).await;
    }
    let (kinds, wrong) = args.kinds.read([path.as_path()]);
    if wrong.iter().any(Diagnostic::is_error) {
        return Err(Failure::of_file(Diagnostics(wrong)));
    }
    let reports = test_folder(&path, &kinds, show).await?;
    let passed: usize = reports.iter().map(PlaybookReport::passed).sum();
    let failed: usize = reports.iter().map(PlaybookReport::failed).sum();
    let branches: usize = reports.iter().map(|report| report.branches).sum();
    let not_entered: usize = reports.iter().map(|report| report.not_entered.len()).sum();
    anstream::println!("{} of {branches} branches entered", branches - not_entered);
    anstream::println!("{passed} passed, {failed} failed");
    let is_missing = reports.iter().any(|report| !report.missing.is_empty());
    let is_enough = failed == 0 && (!args.all_branches || (not_entered == 0 && !is_missing));
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
    if report.error.is_some() {
        return;
    }
    for branch in &report.not_entered {
        anstream::println!("  {quiet}not entered  {branch}{quiet:#}");
    }
    for missing in &report.missing {
        anstream::println!("  {quiet}no case      {missing}{quiet:#}");
    }
}
