//! Finding cases, running them, and saying what came of them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;

use super::branches::{WayAt, branches};
use super::handed_to::handed_to;
use super::missing::{Missing, Shown, missing};
use super::read::read_cases;
use super::side_by_side::side_by_side;
use crate::cluster::Kinds;
use crate::diagnostics::Diagnostics;
use crate::files;
use crate::playbook::{LARGEST_PLAYBOOK, Playbook, files_of};

/// What the cases of one playbook came to.
#[derive(Debug)]
pub struct PlaybookReport {
    /// The playbook's file.
    pub path: PathBuf,
    pub name: String,
    pub version: String,
    pub cases: Vec<CaseReport>,
    /// The branches that no case entered, and how many there are.
    pub not_entered: Vec<WayAt>,
    pub branches: usize,
    /// What no case shows, and one should.
    pub missing: Vec<Missing>,
    /// Why its cases could not be run at all.
    pub error: Option<String>,
}

/// What one case came to.
#[derive(Debug)]
pub struct CaseReport {
    pub name: String,
    pub line: u64,
    /// Empty: it passed.
    pub wrong: Vec<String>,
    /// In the case's own time.
    pub lasted: Duration,
    /// What happened, for a case that failed.
    pub timeline: Vec<String>,
}

impl PlaybookReport {
    pub fn passed(&self) -> usize {
        self.cases.iter().filter(|case| case.wrong.is_empty()).count()
    }

    pub fn failed(&self) -> usize {
        self.cases.len() - self.passed() + usize::from(self.error.is_some())
    }
}

/// Runs the cases of every playbook in `folder`, or of the one playbook that it names. `kinds`:
/// what is known beside Kubernetes' own. `told` hears of each playbook when it is done.
///
/// # Errors
/// When the folder cannot be read, or there is nowhere to put the rehearsals' databases.
pub async fn test_folder(
    folder: &Path,
    kinds: &Arc<Kinds>,
    mut told: impl FnMut(&PlaybookReport),
) -> anyhow::Result<Vec<PlaybookReport>> {
    let mut reports = Vec::new();
    for path in playbook_files(folder)? {
        let report = test_playbook(&path, kinds).await?;
        told(&report);
        reports.push(report);
    }
    Ok(reports)
}

/// The files of playbooks in a folder and the folders in it; of a file, that or the playbook of the cases in it.
///
/// # Errors
/// When the folder cannot be read.
pub fn playbook_files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    if files::is_file(folder) {
        let name = folder.to_string_lossy();
        let playbook = name.strip_suffix(".cases.yaml").map_or(folder.to_owned(), |stem| format!("{stem}.yaml").into());
        return Ok(vec![playbook]);
    }
    Ok(files_of(folder).with_context(|| format!("cannot read the folder {}", folder.display()))?.playbooks)
}

async fn test_playbook(path: &Path, kinds: &Arc<Kinds>) -> anyhow::Result<PlaybookReport> {
    let mut report = PlaybookReport {
        path: path.to_owned(),
        name: path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
        version: String::new(),
        cases: Vec::new(),
        not_entered: Vec::new(),
        branches: 0,
        missing: Vec::new(),
        error: None,
    };
    let source = match files::read_in_place(path, LARGEST_PLAYBOOK) {
        Ok(source) => source,
        Err(error) => return Ok(PlaybookReport { error: Some(error.to_string()), ..report }),
    };
    let playbook = match Playbook::parse_with(path, &source, kinds) {
        Ok(playbook) => Arc::new(playbook),
        Err(problems) => {
            return Ok(PlaybookReport { error: Some(Diagnostics(problems).to_string()), ..report });
        }
    };
    report.name.clone_from(&playbook.name);
    report.version.clone_from(&playbook.version);
    let all = branches(&playbook);
    report.branches = all.len();
    let others = handed_to(&playbook);
    let cases_path = path.with_extension("cases.yaml");
    let mut shown = Shown::default();
    match read_cases(&cases_path, Some(&playbook)) {
        Ok(Some(file)) => {
            for (told, of_case) in side_by_side(playbook.clone(), others, file).await? {
                shown.add(of_case);
                report.cases.push(told);
            }
        }
        Ok(None) => {}
        Err(wrong) => report.error = Some(wrong.to_string()),
    }
    report.missing = missing(&playbook, &shown);
    report.not_entered = all.into_iter().filter(|branch| !shown.branches.contains(branch)).collect();
    Ok(report)
}
