//! Holding what came of a case to what it expects.

use std::time::Duration;

use super::branches::taken;
use super::chosen::judge_branches;
use super::items::judge_items;
use super::missing::doubted;
use super::run::{Came, LONGEST, Play};
use super::tickets::judge_tickets;
use crate::clock::Clock as _;
use crate::cluster::sim::Fault;
use crate::engine::RunState;
use crate::model::{IncidentId, Outcome, Run, RunEvent};
use crate::store::{IncidentFilter, IncidentStore, Page, PageReason, RunStore};

impl Play<'_> {
    /// What came of it, and what of that is not as expected.
    pub(super) async fn judge(&self, wrong: Vec<String>) -> anyhow::Result<Came> {
        let store = &self.stage.store;
        let now = self.stage.clock.now();
        let mut came = Came { wrong, lasted: (now - self.begin).to_std().unwrap_or_default(), ..Came::default() };
        came.had_no_samples = self.stage.prometheus.had_no_samples();
        let incidents = store
            .incidents(IncidentFilter::ResolvedSince(self.begin - LONGEST))
            .await?
            .into_iter()
            .map(|incident| incident.id)
            .collect::<Vec<IncidentId>>();
        let mut runs = Vec::new();
        for incident in &incidents {
            runs.extend(store.runs_of(*incident).await?);
            came.timeline.extend(store.timeline(*incident).await?);
        }
        let pages = store.pages(self.begin, now + Duration::from_secs(1)).await?;
        let Some(run) = runs.first() else {
            if self.case.expect.value.no_run {
                came.wrong.extend(why_not_run(&pages).map(|because| {
                    format!(
                        "expected that this alert is not the playbook's, and it is, though nothing was run: {because}"
                    )
                }));
                return Ok(came);
            }
            if let Some(because) = why_not_run(&pages)
                && self.case.expect.value.outcome == Some(Outcome::Escalated)
            {
                let wanted = self.case.expect.value.because.as_deref().unwrap_or_default();
                if !because.contains(wanted) {
                    came.wrong.push(format!("expected it to end because `{wanted}`, and no run was opened: {because}"));
                }
                self.judge_changes(&[], &mut came.wrong);
                self.judge_pages(&pages, &[], &mut came.wrong);
                judge_tickets(&self.case.expect.value.tickets, &[], &mut came.wrong);
                return Ok(came);
            }
            came.wrong.push(match &self.case.alert {
                Some(alert) => format!(
                    "no run was opened: is {} one of the playbook's triggers, does its `where` hold, and do the labels name the \
                     target? Where it should be so, write `expect: {{ no_run: true }}`",
                    alert.name
                ),
                None => "no run was opened: can the target be told from `set`?".into(),
            });
            return Ok(came);
        };
        let log = store.run_log(run.id).await?;
        judge_items(&self.case.expect.value.items, &RunState::of(&log, None), &mut came.wrong);
        let log: Vec<RunEvent> = log.into_iter().map(|(_, event)| event).collect();
        came.branches = taken(&log);
        judge_branches(&self.case.expect.value.branches, &came.branches, &mut came.wrong);
        if self.case.expect.value.no_run {
            let outcome = run.outcome.map_or("still under way".to_owned(), |outcome| outcome.to_string());
            let because = run.because.as_deref().unwrap_or_default();
            came.wrong.push(format!(
                "expected that this alert is not the playbook's, and a run of it was opened ({outcome}: {because})"
            ));
            return Ok(came);
        }
        if self.case.faults.iter().any(|fault| matches!(fault, Fault::AnswerLost { .. })) {
            came.doubted = doubted(&log);
        }
        // What is handed over is one story.
        let mut log = log;
        for next in runs.iter().skip(1) {
            log.extend(store.run_log(next.id).await?.into_iter().map(|(_, event)| event));
        }
        self.judge_runs(&runs, &mut came.wrong);
        self.judge_end(runs.last().unwrap_or(run), &mut came.wrong);
        self.judge_changes(&log, &mut came.wrong);
        self.judge_pages(&pages, &log, &mut came.wrong);
        judge_tickets(&self.case.expect.value.tickets, &log, &mut came.wrong);
        self.judge_faults(&mut came.wrong);
        Ok(came)
    }

    /// Which playbooks it went through.
    fn judge_runs(&self, runs: &[Run], wrong: &mut Vec<String>) {
        let Some(expected) = &self.case.expect.value.runs else { return };
        let came: Vec<&str> = runs.iter().map(|run| run.playbook.name.as_str()).collect();
        if came != *expected {
            wrong.push(format!("expected runs of [{}], and they were of [{}]", expected.join(", "), came.join(", ")));
        }
    }

    fn judge_end(&self, run: &Run, wrong: &mut Vec<String>) {
        let expect = &self.case.expect.value;
        let because = run.because.as_deref().unwrap_or_default();
        match run.outcome {
            Some(outcome) if Some(outcome) == expect.outcome => {}
            Some(outcome) => {
                let wanted = expect.outcome.map_or_else(String::new, |wanted| wanted.to_string());
                wrong.push(format!("expected the outcome {wanted}, and it {outcome}: {because}"));
            }
            None => wrong.push(format!("it did not end within {} h", LONGEST.as_secs() / 3_600)),
        }
        if let Some(wanted) = &expect.because
            && !because.contains(wanted.as_str())
        {
            wrong.push(format!("expected it to end because `{wanted}`, and it was: {because}"));
        }
    }

    /// What the run says it changed, and what the cluster says was changed.
    fn judge_changes(&self, log: &[RunEvent], wrong: &mut Vec<String>) {
        let changes = changes(log.iter());
        let expected: Vec<&str> = self.case.expect.value.changes.iter().map(String::as_str).collect();
        if changes != expected {
            wrong.push(format!("expected the changes {}\nand it made {}", listed(&expected), listed(&changes)));
        }
        let seen = self.stage.cluster.writes().into_iter().filter(|mutation| !mutation.dry_run).count();
        if seen != changes.len() {
            wrong.push(format!("it tells of {} changes, and the cluster saw {seen}", changes.len()));
        }
    }

    /// A fault that nothing ran into shows nothing.
    fn judge_faults(&self, wrong: &mut Vec<String>) {
        let left = self.stage.cluster.faults();
        for fault in &self.case.faults {
            let is_counted = matches!(
                fault,
                Fault::Unavailable { .. } | Fault::AnswerLost { .. } | Fault::Conflict { .. } | Fault::JobHangs { .. }
            );
            if is_counted && left.contains(fault) {
                wrong.push(format!("nothing ran into the fault {fault:?}"));
            }
        }
    }

    /// The text counts also where somebody was paged before, at `page_by`: then what the playbook
    /// tells follows as a notice.
    fn judge_pages(&self, pages: &[Page], log: &[RunEvent], wrong: &mut Vec<String>) {
        let expect = &self.case.expect.value;
        let teams: Vec<&str> = pages.iter().map(|page| page.team.as_str()).collect();
        if teams != expect.pages {
            wrong.push(format!("expected to page {:?}, and it paged {teams:?}", expect.pages));
        }
        if let Some(wanted) = &expect.page_says {
            let mut texts: Vec<&str> = pages.iter().filter_map(|page| page.text.as_deref()).collect();
            texts.extend(log.iter().filter_map(|event| match event {
                RunEvent::Told { page: true, text, .. } => Some(text.as_str()),
                _ => None,
            }));
            texts.dedup();
            if !texts.iter().any(|text| text.contains(wanted.as_str())) {
                let said = if texts.is_empty() { "nothing".to_owned() } else { texts.join("\n--\n") };
                wrong.push(format!("expected a page that says `{wanted}`, and what is said is:\n{said}"));
            }
        }
    }
}

/// Why an alert went to a person without a run: to whoever expects it to escalate, that is the
/// same.
fn why_not_run(pages: &[Page]) -> Option<&str> {
    pages.iter().find_map(|page| match &page.reason {
        PageReason::NotRun { because } => Some(because.as_str()),
        _ => None,
    })
}

/// The changes that were made, in order, as the run tells them.
pub(super) fn changes<'l>(log: impl Iterator<Item = &'l RunEvent>) -> Vec<&'l str> {
    let mut started = "";
    let mut made = Vec::new();
    for event in log {
        match event {
            RunEvent::Started { intent, .. } => started = &intent.summary,
            RunEvent::Done { .. } => made.push(started),
            _ => {}
        }
    }
    made
}

/// Each on its line, as the file of cases has them.
fn listed(changes: &[&str]) -> String {
    match changes {
        [] => "[]".to_owned(),
        changes => changes.iter().map(|change| format!("\n- {change}")).collect(),
    }
}
