//! Running one case: a whole bot on a simulated cluster, through as much virtual time as it needs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeZone, Utc};
use tokio::sync::watch;

use super::branches::{WayAt, taken};
use super::document::{Case, CaseFile, During};
use super::items::judge_items;
use super::script;
use super::times::fill;
use crate::clock::{Clock, ManualClock};
use crate::cluster::Object;
use crate::cluster::sim::{Fault, SimCluster};
use crate::engine::RunState;
use crate::incident::{GroupingRules, HomeCluster, IncidentRules};
use crate::model::{
    Alert, AlertStatus, Command, IncidentId, Notification, Outcome, Person, Role, Run, RunEvent, Signal, SignalBody,
    Verdict, Via,
};
use crate::playbook::{Catalog, Playbook, rights};
use crate::prometheus::ScriptedPrometheus;
use crate::rehearse::{Setting, Stage};
use crate::store::Sinks;
use crate::store::sqlite::Durability;
use crate::store::{IncidentFilter, IncidentStore, Page, PageReason, RunStore, TimelineEntry};

/// The longest that a case may take, in its own time.
const LONGEST: Duration = Duration::from_secs(48 * 3_600);

/// What came of a case.
#[derive(Debug, Default)]
pub struct Came {
    /// What is not as expected; empty when the case passes.
    pub wrong: Vec<String>,
    pub branches: BTreeSet<WayAt>,
    /// How long it took, in its own time.
    pub lasted: Duration,
    pub timeline: Vec<TimelineEntry>,
}

/// Runs a case in `folder`, which is for it alone.
///
/// # Errors
/// When the case itself cannot be set up: a manifest without a kind, a time that is none.
pub async fn run_case(source: &str, file: &CaseFile, case: &Case, folder: &Path) -> anyhow::Result<Came> {
    let begin = Utc.with_ymd_and_hms(2026, 3, 2, 2, 0, 0).single().unwrap_or_default();
    let clock = Arc::new(ManualClock::new(begin));
    let mut playbook = Playbook::from_store(source).map_err(anyhow::Error::msg)?;
    if let Some(autonomy) = case.autonomy {
        playbook.autonomy = autonomy;
    }
    let cluster = SimCluster::from_objects(clock.clone(), objects(file, case, begin)?)?;
    // The bot has just the rights that `dogwatch rbac` prints for this playbook: what it lacks is found here.
    let rights = Some(rights(&playbook).into_iter().collect());
    for fault in &case.faults {
        cluster.fault(fault.clone());
    }
    let prometheus = Arc::new(ScriptedPrometheus::default());
    for answers in case.prometheus.iter().chain(&file.prometheus) {
        script::answer(&prometheus, &cluster, answers)?;
    }
    let name = playbook.name.clone();
    let (catalog, _) = Catalog::of(vec![playbook]);
    let (_catalog, catalog) = watch::channel(Arc::new(catalog));
    let stage = Stage::set(Setting {
        clock,
        cluster,
        rights,
        prometheus,
        catalog,
        rules: IncidentRules {
            cluster: HomeCluster { name: file.cluster.clone(), ..HomeCluster::default() },
            // A case's faults are meant for what its playbook asks.
            grouping: GroupingRules { look_up: false, ..GroupingRules::default() },
            ..IncidentRules::default()
        },
        database: folder.join("case.db"),
        durability: Durability::None,
        sinks: Sinks::default(),
    })
    .await?;
    // What is there at the beginning comes to rest first: pods start, claims bind.
    stage.pass(Duration::from_secs(60)).await.map_err(anyhow::Error::from_boxed)?;
    let play = Play { stage, case, name, begin: begin + Duration::from_secs(60) };
    let came = play.run().await;
    play.stage.store.close().await;
    came
}

/// The file's manifests and the case's own.
fn objects(file: &CaseFile, case: &Case, now: DateTime<Utc>) -> anyhow::Result<Vec<Object>> {
    let mut by_key: BTreeMap<String, Object> = BTreeMap::new();
    for manifest in file.objects.iter().chain(&case.objects) {
        let mut manifest = manifest.clone();
        fill(&mut manifest, now).map_err(anyhow::Error::msg)?;
        let object = Object(manifest);
        anyhow::ensure!(!object.kind().is_empty(), "a manifest has no kind: {}", object.0);
        by_key.insert(key_of(&object), object);
    }
    for key in &case.without {
        let known = by_key.keys().cloned().collect::<Vec<_>>().join(", ");
        anyhow::ensure!(by_key.remove(key).is_some(), "`without: {key}`: there are only {known}");
    }
    Ok(by_key.into_values().collect())
}

fn key_of(object: &Object) -> String {
    let parts = [object.kind(), object.namespace(), object.name()];
    parts.iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join("/")
}

struct Play<'a> {
    stage: Stage,
    case: &'a Case,
    name: String,
    begin: DateTime<Utc>,
}

impl Play<'_> {
    async fn run(&self) -> anyhow::Result<Came> {
        let mut wrong = Vec::new();
        match &self.case.alert {
            Some(_) => self.notify(AlertStatus::Firing).await?,
            None => self.ask("begin", self.run_command()).await?,
        }
        let mut during = self.case.during.iter().collect::<Vec<_>>();
        during.sort_by_key(|during| during.after.0);
        let mut during = during.into_iter().peekable();
        let end = self.begin + LONGEST;
        loop {
            let next = self.stage.settle().await.map_err(anyhow::Error::from_boxed)?;
            if self.stage.store.runs_under_way().await?.is_empty() {
                break;
            }
            let happens = during.peek().map(|during| self.begin + during.after.0);
            let next = [next, happens].into_iter().flatten().min().unwrap_or(end);
            if next >= end {
                break;
            }
            self.stage.clock.set(next);
            if happens.is_some_and(|at| at <= next)
                && let Some(during) = during.next()
            {
                self.happens(during, &mut wrong).await?;
            }
        }
        for late in during {
            wrong.push(format!("what should happen after {} never did: the run had ended before", late.after));
        }
        self.judge(wrong).await
    }

    async fn happens(&self, during: &During, wrong: &mut Vec<String>) -> anyhow::Result<()> {
        for manifest in &during.objects {
            let mut manifest = manifest.clone();
            fill(&mut manifest, self.stage.clock.now()).map_err(anyhow::Error::msg)?;
            self.stage.cluster.apply(&Object(manifest), "somebody-else")?;
        }
        if during.alert_resolves {
            self.notify(AlertStatus::Resolved).await?;
        }
        for (person, verdict) in [(&during.approve, Verdict::Approve), (&during.deny, Verdict::Deny)] {
            if let Some(person) = person {
                let open = self.stage.store.open_approvals().await?;
                if open.is_empty() {
                    wrong.push(format!("{person} should answer after {}, and nothing was asked then", during.after));
                }
                for approval in open {
                    let command = Command::Approve { approval: approval.id, verdict, digest: None };
                    self.ask(person, command).await?;
                }
            }
        }
        if let Some(person) = &during.resolve {
            for incident in self.stage.store.incidents(IncidentFilter::Unresolved).await? {
                self.ask(person, Command::Resolve { incident: incident.id, note: None }).await?;
            }
        }
        Ok(())
    }

    async fn notify(&self, status: AlertStatus) -> anyhow::Result<()> {
        let Some(alert) = &self.case.alert else { return Ok(()) };
        let mut labels = alert.labels.clone();
        labels.insert("alertname".into(), alert.name.clone());
        let now = self.stage.clock.now();
        let alert = Alert {
            given: None,
            in_order: false,
            fingerprint: "5e1f".into(),
            status,
            labels,
            annotations: alert.annotations.clone(),
            starts_at: self.begin,
            ends_at: (status == AlertStatus::Resolved).then_some(now),
            generator_url: String::new(),
        };
        let body = SignalBody::Notification(Notification {
            receiver: "case".into(),
            group_key: "case".into(),
            truncated: 0,
            left_out: Default::default(),
            alerts: vec![alert],
            unauthenticated: false,
        });
        let key = format!("{status:?} {now}");
        self.stage.accept(&Signal { source: "alertmanager".into(), key, received_at: now, body }).await?;
        Ok(())
    }

    fn run_command(&self) -> Command {
        Command::Run { playbook: self.name.clone(), set: self.case.set.clone(), dry_run: false }
    }

    async fn ask(&self, who: &str, command: Command) -> anyhow::Result<()> {
        let person = Person { name: who.into(), via: Via::Console, id: who.into(), role: Some(Role::Responder) };
        let now = self.stage.clock.now();
        let key = format!("{who} {now} {command:?}");
        let body = SignalBody::Command { person, command };
        self.stage.accept(&Signal { source: "case".into(), key, received_at: now, body }).await?;
        Ok(())
    }

    async fn judge(&self, wrong: Vec<String>) -> anyhow::Result<Came> {
        let store = &self.stage.store;
        let now = self.stage.clock.now();
        let mut came = Came { wrong, lasted: (now - self.begin).to_std().unwrap_or_default(), ..Came::default() };
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
            if let Some(because) = handed_over(&pages)
                && self.case.expect.outcome == Outcome::Escalated
            {
                let wanted = self.case.expect.because.as_deref().unwrap_or_default();
                if !because.contains(wanted) {
                    came.wrong.push(format!("expected it to end because `{wanted}`, and no run was opened: {because}"));
                }
                self.judge_changes(&[], &mut came.wrong);
                self.judge_pages(&pages, &[], &mut came.wrong);
                return Ok(came);
            }
            came.wrong.push(match &self.case.alert {
                Some(alert) => format!(
                    "no run was opened: is {} one of the playbook's triggers, does its `where` hold, and do the labels name the target?",
                    alert.name
                ),
                None => "no run was opened: can the target be told from `set`?".into(),
            });
            return Ok(came);
        };
        let log = store.run_log(run.id).await?;
        judge_items(&self.case.expect.items, &RunState::of(&log, None), &mut came.wrong);
        let log: Vec<RunEvent> = log.into_iter().map(|(_, event)| event).collect();
        came.branches = taken(&log);
        self.judge_end(run, &mut came.wrong);
        self.judge_changes(&log, &mut came.wrong);
        self.judge_pages(&pages, &log, &mut came.wrong);
        self.judge_faults(&mut came.wrong);
        Ok(came)
    }

    fn judge_end(&self, run: &Run, wrong: &mut Vec<String>) {
        let expect = &self.case.expect;
        let because = run.because.as_deref().unwrap_or_default();
        match run.outcome {
            Some(outcome) if outcome == expect.outcome => {}
            Some(outcome) => {
                wrong.push(format!("expected the outcome {}, and it {outcome}: {because}", expect.outcome))
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
        let mut changes: Vec<&str> = Vec::new();
        let mut started = "";
        for event in log {
            match event {
                RunEvent::Started { intent, .. } => started = &intent.summary,
                RunEvent::Done { .. } => changes.push(started),
                _ => {}
            }
        }
        let expected: Vec<&str> = self.case.expect.changes.iter().map(String::as_str).collect();
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

    /// The text counts also where somebody was paged before, at `page_by`: then what the playbook tells follows as a notice.
    fn judge_pages(&self, pages: &[Page], log: &[RunEvent], wrong: &mut Vec<String>) {
        let expect = &self.case.expect;
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
fn handed_over(pages: &[Page]) -> Option<&str> {
    pages.iter().find_map(|page| match &page.reason {
        PageReason::NotRun { because } => Some(because.as_str()),
        _ => None,
    })
}

/// Each on its line, as the file of cases has them.
fn listed(changes: &[&str]) -> String {
    match changes {
        [] => "[]".to_owned(),
        changes => changes.iter().map(|change| format!("\n- {change}")).collect(),
    }
}
