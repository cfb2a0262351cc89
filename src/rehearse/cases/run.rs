//! Running one case: a whole bot on a simulated cluster, through as much virtual time as it needs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeZone, Utc};
use serde_json::json;
use tokio::sync::watch;

use super::branches::WayAt;
use super::document::{Case, CaseFile, During, WebAnswers};
use super::network::{self, NetworkAnswers};
use super::sql::{self, SqlAnswers};
use super::times::fill;
use super::{alertmanager, history, script};
use crate::alertmanager::{FiringNow, ScriptedAlertmanager};
use crate::clock::{Clock, ManualClock};
use crate::cluster::Object;
use crate::cluster::sim::SimCluster;
use crate::incident::{GroupingRules, HomeCluster, IncidentRules};
use crate::model::{
    Alert, AlertStatus, Approvers, Command, Notification, Person, Role, Signal, SignalBody, StepAddress, Verdict, Via,
};
use crate::network::ScriptedNetwork;
use crate::oncall::OnCall;
use crate::playbook::{ApprovalRule, Catalog, Playbook, rights};
use crate::prometheus::ScriptedPrometheus;
use crate::rehearse::{Setting, Stage};
use crate::sql::ScriptedDatabases;
use crate::store::Sinks;
use crate::store::sqlite::Durability;
use crate::store::{IncidentFilter, IncidentStore, RunStore, TimelineEntry};
use crate::web::ScriptedWeb;

/// The longest that a case may take, in its own time.
pub const LONGEST: Duration = Duration::from_secs(48 * 3_600);

/// What came of a case.
#[derive(Debug, Default)]
pub struct Came {
    /// What is not as expected; empty when the case passes.
    pub wrong: Vec<String>,
    pub branches: BTreeSet<WayAt>,
    /// The changes of which it was in doubt whether they were made, as their answers were lost.
    pub doubted: BTreeSet<StepAddress>,
    /// Prometheus had no samples for what was asked.
    pub had_no_samples: bool,
    /// How long it took, in its own time.
    pub lasted: Duration,
    pub timeline: Vec<TimelineEntry>,
}

/// Runs a case in `folder`, which is for it alone. `others`: the playbooks that it may be handed
/// over to.
///
/// # Errors
/// When the case itself cannot be set up: a manifest without a kind, a time that is none.
pub async fn run_case(
    playbook: &Arc<Playbook>,
    others: &[Arc<Playbook>],
    file: &CaseFile,
    case: &Case,
    folder: &Path,
) -> anyhow::Result<Came> {
    let play = Play::set(playbook, others, file, case, folder).await?;
    let came = play.run().await;
    play.stage.store.close().await;
    came
}

impl<'a> Play<'a> {
    /// Sets the stage, and lets what is there come to rest.
    ///
    /// # Errors
    /// As [`run_case`].
    pub async fn set(
        playbook: &Arc<Playbook>,
        others: &[Arc<Playbook>],
        file: &CaseFile,
        case: &'a Case,
        folder: &Path,
    ) -> anyhow::Result<Self> {
        let begin = Utc.with_ymd_and_hms(2026, 3, 2, 2, 0, 0).single().unwrap_or_default();
        let clock = Arc::new(ManualClock::new(begin));
        let kinds = &playbook.kinds;
        let name = playbook.name.clone();
        let playbook = match case.autonomy {
            Some(autonomy) => {
                let read = Playbook::from_store_with(&playbook.source, kinds).map_err(anyhow::Error::msg)?;
                Arc::new(Playbook { autonomy, ..read })
            }
            None => playbook.clone(),
        };
        let cluster = SimCluster::of_kinds(clock.clone(), kinds.custom(), objects(file, case, begin)?)?;
        let playbooks: Vec<Arc<Playbook>> = others.iter().cloned().chain([playbook]).collect();
        // The bot has just the rights that `dogwatch rbac` prints for these playbooks: what it
        // lacks is found here.
        let rights = Some(playbooks.iter().flat_map(|playbook| rights(playbook)).collect());
        for fault in &case.faults {
            cluster.fault(fault.clone());
        }
        for log in file.logs.iter().chain(&case.logs) {
            cluster.writes_log(log.clone());
        }
        for program in file.exec.iter().chain(&case.exec) {
            cluster.has_program(program.clone());
        }
        let prometheus = Arc::new(ScriptedPrometheus::default());
        for answers in case.prometheus.iter().chain(&file.prometheus) {
            script::answer(&prometheus, &cluster, &answers.value)?;
        }
        let web = Arc::new(ScriptedWeb::default());
        for WebAnswers { url, answers } in case.http.iter().chain(&file.http).map(|answers| &answers.value) {
            web.answers_in_turn(url, answers.iter().map(script::reply).collect());
        }
        let network = Arc::new(ScriptedNetwork::default());
        for NetworkAnswers { asked, answers } in case.network.iter().chain(&file.network).map(|answers| &answers.value)
        {
            network.answers_in_turn(asked, answers.iter().map(|answer| network::reply(answer, begin)).collect());
        }
        let databases = Arc::new(ScriptedDatabases::default());
        for SqlAnswers { statement, pod, answers } in case.sql.iter().chain(&file.sql).map(|answers| &answers.value) {
            databases.answers_in_turn(statement, pod, answers.iter().map(sql::reply).collect());
        }
        let said = [file.alertmanager.as_ref(), case.alertmanager.as_ref()];
        let alertmanager = Arc::new(alertmanager::scripted(said, begin));
        let past = history::past(file, case, begin);
        for session in case.sessions.iter().chain(&file.sessions) {
            databases.begins(sql::session(session));
        }
        let oncall = roster(file, case, &playbooks)?;
        let (catalog, _) = Catalog::of_shared(playbooks.into_iter());
        let (_catalog, catalog) = watch::channel(Arc::new(catalog));
        let stage = Stage::set(Setting {
            clock,
            cluster,
            rights,
            prometheus,
            web,
            network,
            databases,
            alertmanager: alertmanager.clone(),
            past,
            catalog,
            rules: IncidentRules {
                oncall: oncall.into(),
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
        Ok(Play { stage, alertmanager, case, name, begin: begin + Duration::from_secs(60) })
    }
}

/// Who is of which team: as the file says, or whoever answers in the case of each that is asked.
///
/// # Errors
/// A name that nobody can have.
fn roster(file: &CaseFile, case: &Case, playbooks: &[Arc<Playbook>]) -> anyhow::Result<OnCall> {
    let of = |(owner, rule): (&str, &ApprovalRule)| match &rule.of {
        Some(Approvers::Team(team)) => Some(team.clone()),
        None => Some(owner.to_owned()),
        Some(Approvers::Named(_) | Approvers::Anybody) => None,
    };
    let during = case.during.iter().map(|during| &during.value);
    let answer = during.flat_map(|during| during.approve.names().iter().chain(during.deny.names()));
    let answer: BTreeSet<&String> = answer.collect();
    let mut teams: BTreeMap<String, Vec<String>> = file.teams.clone();
    if teams.is_empty() && !answer.is_empty() {
        let rules = |playbook: &'_ Arc<Playbook>| {
            let owner = playbook.owner.as_str();
            playbook.approvals().into_iter().filter_map(|rule| of((owner, rule))).collect::<Vec<String>>()
        };
        let asked = playbooks.iter().flat_map(rules);
        teams = asked.map(|team| (team, answer.iter().map(|name| (*name).clone()).collect())).collect();
    }
    teams.retain(|_, members| !members.is_empty());
    if teams.is_empty() {
        return Ok(OnCall::default());
    }
    let members: BTreeSet<&String> = teams.values().flatten().chain(answer).collect();
    let rotation = |members: &Vec<String>| json!({ "time_zone": "UTC", "start": "2026-01-05", "handoff": { "at": "09:00", "every": "1w" }, "members": members });
    let text = json!({
        "apiVersion": "dogwatch/v1",
        "kind": "OnCall",
        "members": members.iter().map(|name| json!({ "name": name })).collect::<Vec<_>>(),
        "teams": teams.iter().map(|(name, of)| json!({ "name": name, "rotation": rotation(of) })).collect::<Vec<_>>(),
    });
    // JSON is YAML.
    OnCall::parse("teams", &text.to_string()).map_err(|wrong| anyhow::anyhow!("`teams` of the cases: {wrong}"))
}

/// The file's manifests and the case's own.
fn objects(file: &CaseFile, case: &Case, now: DateTime<Utc>) -> anyhow::Result<Vec<Object>> {
    let mut by_key: BTreeMap<String, Object> = BTreeMap::new();
    for manifest in file.objects.iter().chain(&case.objects) {
        let mut manifest = manifest.value.clone();
        fill(&mut manifest, now).map_err(anyhow::Error::msg)?;
        let object = Object(manifest);
        by_key.insert(key_of(&object), object);
    }
    for key in &case.without {
        by_key.remove(&key.value);
    }
    Ok(by_key.into_values().collect())
}

/// `Pod/kube-system/coredns-1`, as `without` has it.
pub(super) fn key_of(object: &Object) -> String {
    let key = object.key();
    let parts = [&*key.kind, &*key.namespace, &*key.name];
    parts.iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join("/")
}

/// A case on its stage.
pub struct Play<'a> {
    pub stage: Stage,
    alertmanager: Arc<ScriptedAlertmanager>,
    pub case: &'a Case,
    /// The playbook's name.
    pub name: String,
    /// When the alert fires.
    pub begin: DateTime<Utc>,
}

impl Play<'_> {
    async fn run(&self) -> anyhow::Result<Came> {
        let mut wrong = Vec::new();
        self.start().await?;
        let mut during = self.case.during.iter().map(|during| &during.value).collect::<Vec<_>>();
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

    /// The alert fires, the planned time comes, or the person asks for the run.
    pub async fn start(&self) -> anyhow::Result<()> {
        match &self.case.alert {
            Some(_) => self.notify(AlertStatus::Firing).await,
            None if self.case.planned => self.comes_to_its_time().await,
            None => self.ask("begin", self.run_command()).await,
        }
    }

    async fn comes_to_its_time(&self) -> anyhow::Result<()> {
        let at = self.stage.clock.now();
        let body = SignalBody::Planned { playbook: self.name.clone(), at };
        self.stage.accept(&Signal { source: "schedule".into(), key: "case".into(), received_at: at, body }).await?;
        Ok(())
    }

    async fn happens(&self, during: &During, wrong: &mut Vec<String>) -> anyhow::Result<()> {
        self.world_changes(during).await?;
        let answers = [(&during.approve, Verdict::Approve), (&during.deny, Verdict::Deny)];
        let answers =
            answers.into_iter().flat_map(|(people, verdict)| people.names().iter().map(move |it| (it, verdict)));
        for (person, verdict) in answers {
            let open = self.stage.store.open_approvals().await?;
            if open.is_empty() {
                wrong.push(format!("{person} should answer after {}, and nothing was asked then", during.after));
            }
            for approval in open {
                let approval = approval.id;
                let command = match during.reason.clone().filter(|_| verdict == Verdict::Deny) {
                    Some(reason) => Command::DenyBecause { approval, reason },
                    None => Command::Approve { approval, verdict, digest: None },
                };
                self.ask(person, command).await?;
            }
            self.stage.settle().await.map_err(anyhow::Error::from_boxed)?;
        }
        if let Some(person) = &during.resolve {
            for incident in self.stage.store.incidents(IncidentFilter::Unresolved).await? {
                self.ask(person, Command::Resolve { incident: incident.id, note: None }).await?;
            }
        }
        Ok(())
    }

    /// What happens without anybody of ours.
    pub async fn world_changes(&self, during: &During) -> anyhow::Result<()> {
        for manifest in &during.objects {
            let mut manifest = manifest.value.clone();
            fill(&mut manifest, self.stage.clock.now()).map_err(anyhow::Error::msg)?;
            let object = Object(manifest);
            self.stage.cluster.apply(&object, "somebody-else")?;
            // A manifest that is applied leaves the status as it is; here it says what is so from
            // now on.
            if let Some(status) = object.at("/status") {
                self.stage.cluster.change(&object.key(), &json!({ "status": status }), "somebody-else")?;
            }
        }
        if during.alert_resolves {
            self.notify(AlertStatus::Resolved).await?;
        }
        Ok(())
    }

    async fn notify(&self, status: AlertStatus) -> anyhow::Result<()> {
        let Some(alert) = &self.case.alert else { return Ok(()) };
        let labels = alertmanager::labelled(&alert.name, &alert.labels);
        let now = self.stage.clock.now();
        match status {
            AlertStatus::Firing => self.alertmanager.fires(FiringNow {
                labels: labels.clone(),
                starts_at: self.begin,
                silenced_by: Vec::new(),
                inhibited_by: Vec::new(),
            }),
            AlertStatus::Resolved => self.alertmanager.ends(&labels),
        }
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

    /// Somebody gives a command.
    pub async fn ask(&self, who: &str, command: Command) -> anyhow::Result<()> {
        let person = Person { name: who.into(), via: Via::Console, id: who.into(), role: Some(Role::Responder) };
        let now = self.stage.clock.now();
        let key = format!("{who} {now} {command:?}");
        let body = SignalBody::Command { person, command };
        self.stage.accept(&Signal { source: "case".into(), key, received_at: now, body }).await?;
        Ok(())
    }
}
