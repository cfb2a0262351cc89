//! The cases of one file, several at once.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::runtime::Handle;
use tokio::task::JoinSet;

use super::document::CaseFile;
use super::missing::Shown;
use super::report::CaseReport;
use super::run::run_case;
use crate::message::timeline_lines;
use crate::playbook::Playbook;

/// Runs all cases of a file, twice as many at once as there are processors, and gives what came of
/// them in the file's order: none touches what another one has.
pub async fn side_by_side(
    playbook: Arc<Playbook>,
    others: Vec<Arc<Playbook>>,
    file: CaseFile,
) -> anyhow::Result<Vec<(CaseReport, Shown)>> {
    let (others, file) = (Arc::new(others), Arc::new(file));
    // Each waits for its database half of the time.
    let at_once = 2 * std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let mut came = BTreeMap::new();
    let mut running = JoinSet::new();
    let mut waiting = 0..file.cases.len();
    loop {
        while running.len() < at_once
            && let Some(n) = waiting.next()
        {
            let (playbook, others, file) = (playbook.clone(), others.clone(), file.clone());
            let runtime = Handle::current();
            // A thread of its own for each, whatever runtime the caller has.
            running.spawn_blocking(move || (n, runtime.block_on(run_one(&playbook, &others, &file, n))));
        }
        let Some(done) = running.join_next().await else { break };
        let (n, case) = done.context("a case came to no end")?;
        came.insert(n, case?);
    }
    Ok(came.into_values().collect())
}

async fn run_one(
    playbook: &Arc<Playbook>,
    others: &[Arc<Playbook>],
    file: &CaseFile,
    n: usize,
) -> anyhow::Result<(CaseReport, Shown)> {
    let case = &file.cases[n];
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let mut told = CaseReport {
        name: case.value.name.clone(),
        line: case.referenced.line(),
        wrong: Vec::new(),
        lasted: Duration::ZERO,
        timeline: Vec::new(),
    };
    let came = match run_case(playbook, others, file, &case.value, folder.path()).await {
        Ok(came) => came,
        Err(error) => {
            told.wrong.push(format!("the case cannot be set up: {error:#}"));
            return Ok((told, Shown::default()));
        }
    };
    told.lasted = came.lasted;
    if !came.wrong.is_empty() {
        told.timeline = timeline_lines(&came.timeline);
    }
    told.wrong = came.wrong;
    let (branches, doubted) = (came.branches, came.doubted);
    Ok((told, Shown { branches, doubted, had_no_samples: came.had_no_samples }))
}
