//! The story of the night.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use chrono::{DateTime, TimeZone, Utc};
use tokio::sync::watch;

use super::alerts::{DemoAlert, body};
use super::fleet::{self, Database};
use super::folder;
use super::network::network;
use super::screen::{Screen, Tone, thousands};
use crate::clock::{Clock, ManualClock};
use crate::cluster::sim::Fault;
use crate::files::Mode;
use crate::handoff::{Around, Template, WhichShift, file_name, shift_of, summarise, write};
use crate::incident::IncidentRules;
use crate::intake::parse_notification;
use crate::language::parse_quantity;
use crate::message::{count, timeline_line};
use crate::model::{
    ConditionKind, FailureClass, FreezeMapNow, IncidentId, Look, ObjectKey, Outcome, PageBudgets, RunEvent,
};
use crate::oncall::OnCall;
use crate::playbook::{Catalog, Playbook};
use crate::prometheus::ScriptedPrometheus;
use crate::rehearse::{Setting, Stage};
use crate::store::Sinks;
use crate::store::sqlite::Durability;
use crate::store::{IncidentFilter, IncidentStore, RunStore, SignalStore, TimelineEntry, TimelineWhat};

/// The founding playbooks, as they are shipped.
const PLAYBOOKS: [(&str, &str); 4] = [
    ("coredns-saturated.yaml", include_str!("../../../playbooks/dns/coredns-saturated.yaml")),
    ("pvc-filling.yaml", include_str!("../../../playbooks/storage/pvc-filling.yaml")),
    ("pvc-pending.yaml", include_str!("../../../playbooks/storage/pvc-pending.yaml")),
    ("backup-timeout.yaml", include_str!("../../../playbooks/backup/backup-timeout.yaml")),
];

const ONCALL: &str = r#"
apiVersion: dogwatch/v1
kind: OnCall
members: [{ name: ada }, { name: grace }]
teams:
  - name: platform
    rotation: { time_zone: UTC, start: 2026-03-01, handoff: { at: ["08:00", "20:00"], every: 1d }, members: [ada, grace] }
  - name: databases
    rotation: { time_zone: UTC, start: 2026-03-01, handoff: { at: ["08:00", "20:00"], every: 1d }, members: [grace, ada] }
"#;

/// What the demo may be asked for.
#[derive(Debug, Clone)]
pub struct DemoOptions {
    /// How many databases the cluster has.
    pub databases: usize,
    /// Where the database and the handoff go.
    pub folder: PathBuf,
}

/// Plays the night.
///
/// # Errors
/// When the folder cannot be written, nobody reads any more, or the bot itself fails.
pub async fn demo(options: DemoOptions, screen: Screen) -> anyhow::Result<()> {
    let mut night = Night::begin(options, screen).await?;
    night.dns_saturates().await?;
    night.volume_fills().await?;
    night.claim_waits().await?;
    night.backup_hangs().await?;
    night.shift_ends().await
}

struct Night {
    stage: Stage,
    screen: Screen,
    options: DemoOptions,
    oncall: OnCall,
    /// How many lines of each incident's timeline were shown.
    shown: HashMap<IncidentId, usize>,
    bytes: usize,
    alerts: usize,
    /// Real time, for the figures at the end.
    started: Duration,
    clock: crate::clock::SystemClock,
}

impl Night {
    async fn begin(options: DemoOptions, mut screen: Screen) -> anyhow::Result<Self> {
        let clock = crate::clock::SystemClock::default();
        let started = clock.monotonic();
        std::fs::create_dir_all(options.folder.join("handoffs"))
            .with_context(|| format!("cannot make the folder {}", options.folder.display()))?;
        let database = folder::make_room(&options.folder)?;
        let evening = Utc.with_ymd_and_hms(2026, 3, 2, 1, 55, 0).single().context("the demo's date")?;
        let time = Arc::new(ManualClock::new(evening));
        let text = format!("A simulated cluster with {} PostgreSQL databases comes up", thousands(options.databases));
        screen.title(evening, &text).await?;
        let bar = Screen::progress(options.databases as u64);
        let cluster = fleet::come_up(time.clone(), options.databases, |there| bar.set_position(there as u64))?;
        bar.finish_and_clear();
        let prometheus = Arc::new(ScriptedPrometheus::default());
        let mut playbooks = Vec::new();
        for (name, text) in PLAYBOOKS {
            let parsed = Playbook::parse(name.as_ref(), text);
            playbooks.push(parsed.map_err(|problems| {
                anyhow::anyhow!(problems.iter().map(|problem| problem.render(false)).collect::<Vec<_>>().join("\n"))
            })?);
        }
        let (catalog, _) = Catalog::of(playbooks);
        let (_, catalog) = watch::channel(Arc::new(catalog));
        let stage = Stage::set(Setting {
            clock: time,
            cluster,
            rights: None,
            prometheus,
            web: Arc::default(),
            network: Arc::new(network()),
            databases: Arc::default(),
            alertmanager: Arc::default(),
            past: Vec::new(),
            catalog,
            rules: IncidentRules::default(),
            database,
            durability: Durability::Full,
            sinks: Sinks { budgets: PageBudgets::usual(), ..Sinks::default() },
        })
        .await?;
        let oncall = OnCall::parse("oncall.yaml", ONCALL)?;
        let shown = HashMap::new();
        let mut night = Self { stage, screen, options, oncall, shown, bytes: 0, alerts: 0, started, clock };
        night.describe().await?;
        Ok(night)
    }

    async fn describe(&mut self) -> anyhow::Result<()> {
        let mut parts = Vec::new();
        for (kind, many) in [
            ("StatefulSet", "StatefulSets"),
            ("Pod", "pods"),
            ("PersistentVolumeClaim", "claims"),
            ("CronJob", "backup CronJobs"),
            ("Node", "nodes"),
        ] {
            parts.push(format!("{} {many}", thousands(self.stage.cluster.objects(kind, "").len())));
        }
        let took = (self.clock.monotonic() - self.started).as_secs_f32();
        let text = format!("       {}; up in {took:.1} s", parts.join(", "));
        Ok(self.screen.line(Tone::Quiet, &text).await?)
    }

    async fn dns_saturates(&mut self) -> anyhow::Result<()> {
        let coredns = ObjectKey::new("Deployment", "kube-system", "coredns");
        let pods = {
            let cluster = self.stage.cluster.clone();
            move || cluster.object(&coredns).and_then(|d| d.number("/status/readyReplicas")).unwrap_or(0)
        };
        // Six pods can carry the load, four cannot.
        let carry = pods.clone();
        let p99 = move || Some(if carry() >= 6 { 0.021 } else { 1.4 });
        let prometheus = self.stage.prometheus.clone();
        let answered = pods.clone();
        let many = self.options.databases * 6 / 10;
        prometheus.follows("coredns_dns_request_duration_seconds_bucket", p99);
        prometheus.follows("coredns_dns_responses_total", move || Some(if answered() >= 6 { 0.0 } else { 0.03 }));
        prometheus.follows("probe_success", move || Some(if pods() >= 6 { 0.0 } else { many as f64 }));
        prometheus.follows("coredns_proxy_request_duration_seconds_bucket", || Some(0.012));
        prometheus.follows("coredns_forward_healthcheck_broken_total", || Some(0.0));
        prometheus.follows("container_cpu_cfs_throttled_periods_total", || Some(0.4));
        self.until(2, 0).await?;
        let since = self.now();
        self.title("CoreDNS saturates").await?;
        let slow = vec![DemoAlert::dns_slow(since)];
        self.fires("CoreDNSLatencyHigh", &slow).await?;
        // As Alertmanager does it: a fragment first, the rest one group_interval later.
        let failing: Vec<DemoAlert> = (0..many).map(|n| DemoAlert::cannot_resolve(Database(n), since)).collect();
        let (first, rest) = failing.split_at(many.min(300));
        self.fires("PostgresNameResolutionFailing", first).await?;
        self.passes(Duration::from_secs(60)).await?;
        if !rest.is_empty() {
            self.fires("PostgresNameResolutionFailing", rest).await?;
        }
        self.passes(Duration::from_secs(9 * 60)).await?;
        self.resolves("PostgresNameResolutionFailing", &failing).await?;
        self.resolves("CoreDNSLatencyHigh", &slow).await?;
        self.passes(Duration::from_secs(60)).await
    }

    async fn volume_fills(&mut self) -> anyhow::Result<()> {
        self.until(3, 17).await?;
        let database = Database(self.options.databases / 3);
        let claim = ObjectKey::new("PersistentVolumeClaim", database.namespace(), database.claim());
        let cluster = self.stage.cluster.clone();
        // 94 GiB of data, whatever the size of the volume is.
        let used = move || {
            let size = parse_quantity(cluster.object(&claim)?.text("/status/capacity/storage")).ok()?;
            Some(94.0 * 1024.0_f64.powi(3) / size)
        };
        self.stage.prometheus.follows("deriv(kubelet_volume_stats_used_bytes", || Some(40_000.0));
        self.stage.prometheus.follows("kubelet_volume_stats_available_bytes", used);
        self.title(&format!("The volume of {} is nearly full", database.name())).await?;
        let alerts = vec![DemoAlert::filling_up(database, self.now())];
        self.fires("KubePersistentVolumeFillingUp", &alerts).await?;
        self.passes(Duration::from_secs(10 * 60)).await?;
        self.resolves("KubePersistentVolumeFillingUp", &alerts).await?;
        self.passes(Duration::from_secs(60)).await
    }

    async fn claim_waits(&mut self) -> anyhow::Result<()> {
        self.until(4, 2).await?;
        let database = Database(self.options.databases / 2);
        let claim = fleet::pending_claim(database);
        self.title(&format!("A claim of {} asks for a storage class that is not there", database.name())).await?;
        self.stage.cluster.apply(&claim, "kubectl")?;
        self.passes(Duration::from_secs(20 * 60)).await?;
        let alert = DemoAlert::claim_pending(claim.namespace().to_owned(), claim.name().to_owned(), self.now());
        self.fires("PersistentVolumeClaimPending", &[alert]).await?;
        self.passes(Duration::from_secs(20 * 60)).await
    }

    async fn backup_hangs(&mut self) -> anyhow::Result<()> {
        self.until(5, 10).await?;
        let database = Database(self.options.databases * 2 / 3);
        let key = ObjectKey::new("CronJob", database.namespace(), database.cronjob());
        let cronjob = self.stage.cluster.object(&key).context("the backup's CronJob")?;
        let backup = fleet::hanging_backup(database, &cronjob);
        self.stage.cluster.fault(Fault::JobHangs { job: backup.key(), times: 1 });
        self.stage.cluster.apply(&backup, "kube-controller-manager")?;
        self.stage.cluster.jobs_take(Duration::from_secs(25 * 60));
        self.stage.prometheus.follows("pgbackrest_stanza_backup_complete_bytes", || Some(0.0));
        self.stage.prometheus.follows("container_network_receive_bytes_total", || Some(112.0));
        self.stage.prometheus.follows("ALERTS", || Some(1.0));
        self.passes(Duration::from_secs(60)).await?;
        self.title(&format!("The backup of {} hangs, and copies nothing any more", database.name())).await?;
        let alerts = vec![DemoAlert::backup_timeout(database, self.now())];
        self.fires("PgBackRestBackupTimeout", &alerts).await?;
        self.passes(Duration::from_secs(45 * 60)).await?;
        self.resolves("PgBackRestBackupTimeout", &alerts).await?;
        self.passes(Duration::from_secs(60)).await
    }

    async fn shift_ends(&mut self) -> anyhow::Result<()> {
        self.until(8, 0).await?;
        self.title("The shift ends").await?;
        let now = self.now();
        let template = Template::built_in()?;
        let mut written = Vec::new();
        for team in ["platform", "databases"] {
            let shift = shift_of(&self.oncall, team, WhichShift::Previous, now)?;
            let (store, budget) = (self.stage.store.as_ref(), PageBudgets::usual().of(team));
            let around = Around { budget, freeze_map: &FreezeMapNow::default(), catalog: &Catalog::default() };
            let summary = summarise(store, &self.oncall, around, (team, shift), now).await?;
            let text = template.render(&summary)?;
            let zone = self.oncall.team(team)?.rotation.time_zone();
            let name = file_name(team, shift.to, zone);
            let file = write(&self.options.folder.join("handoffs"), Mode::GROUP, &name, &text)?;
            written.push(file.path().to_owned());
        }
        let ended = self.stage.store.runs_ended(now - chrono::Days::new(1), now).await?;
        let fixed = ended.iter().filter(|run| run.outcome == Some(Outcome::Fixed)).count();
        let escalated = ended.iter().filter(|run| run.outcome == Some(Outcome::Escalated)).count();
        let incidents =
            self.stage.store.incidents(IncidentFilter::ResolvedSince(now - chrono::Days::new(1))).await?.len();
        let called = self.stage.store.pages(now - chrono::Days::new(1), now).await?;
        let pages = called.iter().filter(|page| page.severity.pages()).count();
        let took = (self.clock.monotonic() - self.started).as_secs_f32();
        let figures = format!(
            "       {} alerts ({:.1} MB of webhooks) became {}; {fixed} fixed, {escalated} escalated, {}, {} without one; {took:.1} s",
            thousands(self.alerts),
            self.bytes as f64 / 1e6,
            count(incidents as u64, "incident"),
            count(pages as u64, "page"),
            count((called.len() - pages) as u64, "call"),
        );
        self.screen.line(Tone::Title, &figures).await?;
        self.stage.store.close().await;
        self.epilogue(&written).await
    }

    async fn epilogue(&mut self, written: &[PathBuf]) -> anyhow::Result<()> {
        let folder = self.options.folder.display().to_string();
        let mut lines = vec![String::new(), "The handoffs:".to_owned()];
        lines.extend(written.iter().map(|path| format!("  {}", path.display())));
        lines.extend([
            "The database, with every decision:".to_owned(),
            format!("  {folder}/demo.db"),
            "Next:".to_owned(),
            "  dogwatch check playbooks        # what a playbook looks like, and what is wrong with one".to_owned(),
            "  dogwatch test playbooks         # their cases, in virtual time".to_owned(),
            "  README.md, \"Run it\"             # a bot of your own: secrets, rotations, a cluster".to_owned(),
        ]);
        for line in lines {
            self.screen.line(Tone::Plain, &line).await?;
        }
        Ok(())
    }

    fn now(&self) -> DateTime<Utc> {
        self.stage.clock.now()
    }

    async fn title(&mut self, text: &str) -> anyhow::Result<()> {
        let now = self.now();
        Ok(self.screen.title(now, text).await?)
    }

    /// Lets the night go on until that time of day.
    async fn until(&mut self, hour: u32, minute: u32) -> anyhow::Result<()> {
        let then = self.now().date_naive().and_hms_opt(hour, minute, 0).context("a time of day")?.and_utc();
        let lasting = (then - self.now()).to_std().unwrap_or_default();
        self.passes(lasting).await
    }

    /// Lets time pass, and shows what happens in it.
    async fn passes(&mut self, lasting: Duration) -> anyhow::Result<()> {
        let end = self.now() + lasting;
        loop {
            let next = self.stage.settle().await.map_err(anyhow::Error::from_boxed)?;
            self.show().await?;
            match next {
                Some(next) if next < end => self.stage.clock.set(next),
                _ if self.now() < end => self.stage.clock.set(end),
                _ => return Ok(()),
            }
        }
    }

    async fn fires(&mut self, group: &str, alerts: &[DemoAlert]) -> anyhow::Result<()> {
        self.deliver(group, alerts, None).await
    }

    async fn resolves(&mut self, group: &str, alerts: &[DemoAlert]) -> anyhow::Result<()> {
        let now = self.now();
        self.deliver(group, alerts, Some(now)).await
    }

    async fn deliver(
        &mut self,
        group: &str,
        alerts: &[DemoAlert],
        ends_at: Option<DateTime<Utc>>,
    ) -> anyhow::Result<()> {
        let body = body(group, alerts, ends_at);
        let before = self.clock.monotonic();
        let delivered = parse_notification("alertmanager", self.now(), &body)?;
        self.stage.store.accept_delivery(delivered).await?;
        let took = (self.clock.monotonic() - before).as_millis();
        self.bytes += body.len();
        if ends_at.is_none() {
            self.alerts += alerts.len();
        }
        let what = if ends_at.is_some() { "resolved" } else { "firing" };
        let kb = body.len().div_ceil(1024);
        let text = format!(
            "       alertmanager: {} {group} {what} in one body of {kb} kB, durable after {took} ms",
            thousands(alerts.len())
        );
        self.screen.line(Tone::Quiet, &text).await?;
        Ok(())
    }

    /// Shows what the timelines say that was not shown yet.
    async fn show(&mut self) -> anyhow::Result<()> {
        let since = self.now() - chrono::Days::new(1);
        let mut incidents = self.stage.store.incidents(IncidentFilter::ResolvedSince(since)).await?;
        incidents.sort_by_key(|incident| incident.id);
        for incident in incidents {
            let timeline = self.stage.store.timeline(incident.id).await?;
            let shown = self.shown.entry(incident.id).or_default();
            let news = timeline.get(*shown..).unwrap_or_default();
            *shown = timeline.len();
            for line in news.iter().filter(|entry| is_news(entry)).filter_map(timeline_line) {
                let first = line.lines().next().unwrap_or_default();
                self.screen.line(Tone::of(first), &format!("       {} {first}", incident.id)).await?;
            }
        }
        Ok(())
    }
}

/// What a watcher wants to see: not each look of a verify, and a change when it is made, not also when it begins.
fn is_news(entry: &TimelineEntry) -> bool {
    let TimelineWhat::Run(_, event) = &entry.what else { return true };
    !matches!(
        event,
        RunEvent::Started { .. }
            | RunEvent::Verifying { .. }
            | RunEvent::Waiting { .. }
            | RunEvent::Failed { class: FailureClass::Retry, .. }
            | RunEvent::Looked { verdict: Look::NotYet, .. }
            | RunEvent::Checked { condition: ConditionKind::When, .. }
    )
}
