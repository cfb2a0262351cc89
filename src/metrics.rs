//! What the bot counts, for Prometheus.
//!
//! One [`Metrics`] is shared by all who count. Levels (how many incidents are open) are not counted here but read from
//! the store when somebody asks: see [`Levels`].

mod format;
mod labels;
mod levels;
mod pager_events;
mod pages;
mod reload;
mod watch;

use std::fmt;
use std::sync::atomic::AtomicI64;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

pub use self::format::Format;
use self::labels::{
    ChatLabel, CommandLabels, LeftOutLabels, LimitLabel, MutationLabels, PageLabels, ResultLabel, RunLabels, SinkLabel,
    StatusLabel, ViaLabels,
};
use self::labels::{QueueLabel, WorkerLabel};
pub use self::levels::Levels;
use self::levels::{Level, LevelGauges};
pub use self::pager_events::PagerEvent;
pub use self::pages::PagesMade;
use self::reload::ReloadCounts;
use self::watch::WatchGauges;
use crate::model::{LeftOut, Outcome};

/// All counters. Counting never fails and never waits.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    notifications: Family<ResultLabel, Counter>,
    alerts: Family<StatusLabel, Counter>,
    left_out: Family<LeftOutLabels, Counter>,
    accept_seconds: Histogram,
    commands: Family<CommandLabels, Counter>,
    guesses: Family<ViaLabels, Counter>,
    connections_cut: Counter,
    runs: Family<RunLabels, Counter>,
    mutations: Family<MutationLabels, Counter>,
    over_limit: Family<LimitLabel, Counter>,
    lookups: Family<ResultLabel, Counter>,
    pages: Family<PageLabels, Counter>,
    pages_counted: AtomicI64,
    deliveries_failed: Family<SinkLabel, Counter>,
    pager_events: Family<ResultLabel, Counter>,
    clock_set: Counter,
    connected: Family<ChatLabel, Level>,
    observes_only: Level,
    freeze_map: Level,
    levels: Mutex<LevelGauges>,
    watch: WatchGauges,
    reload: ReloadCounts,
}

/// What became of a notification at the front door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotificationResult {
    Accepted,
    /// Durable already: delivered again, or by another peer.
    Duplicate,
    Malformed,
    Unauthorised,
    TooLarge,
    /// The body did not arrive in time.
    TooSlow,
    /// Too many at once, here or in the store.
    Overloaded,
    /// The store did not take it.
    Failed,
}

impl NotificationResult {
    const ALL: [Self; 8] = [
        Self::Accepted,
        Self::Duplicate,
        Self::Malformed,
        Self::Unauthorised,
        Self::TooLarge,
        Self::TooSlow,
        Self::Overloaded,
        Self::Failed,
    ];

    fn word(self) -> &'static str {
        match self {
            NotificationResult::Accepted => "accepted",
            NotificationResult::Duplicate => "duplicate",
            NotificationResult::Malformed => "malformed",
            NotificationResult::Unauthorised => "unauthorised",
            NotificationResult::TooLarge => "too_large",
            NotificationResult::TooSlow => "too_slow",
            NotificationResult::Overloaded => "overloaded",
            NotificationResult::Failed => "failed",
        }
    }
}

/// What became of an attempt to change something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MutationResult {
    Done,
    /// It was so already.
    Unneeded,
    Failed,
}

impl MutationResult {
    fn word(self) -> &'static str {
        match self {
            MutationResult::Done => "done",
            MutationResult::Unneeded => "unneeded",
            MutationResult::Failed => "failed",
        }
    }
}

/// What became of asking the cluster about the objects of a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LookupResult {
    Answered,
    /// A right is missing; the rest was answered.
    Forbidden,
    Failed,
    TimedOut,
    /// It was left in peace: it failed a moment ago, or is slow.
    NotAsked,
}

impl LookupResult {
    const ALL: [Self; 5] = [Self::Answered, Self::Forbidden, Self::Failed, Self::TimedOut, Self::NotAsked];

    fn word(self) -> &'static str {
        match self {
            LookupResult::Answered => "answered",
            LookupResult::Forbidden => "forbidden",
            LookupResult::Failed => "failed",
            LookupResult::TimedOut => "timed_out",
            LookupResult::NotAsked => "not_asked",
        }
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("dogwatch");
        let build = Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "The version that runs", build);
        // Half a millisecond to eight seconds: a commit to a good disk takes one to ten milliseconds.
        let accept_seconds = Histogram::new(exponential_buckets(0.0005, 2.0, 15));
        let help = "From the last byte of a notification to its being durable";
        registry.register_with_unit("accept", help, Unit::Seconds, accept_seconds.clone());
        let connections_cut = Counter::default();
        let help = "Connections that were closed, as their places were needed";
        registry.register("connections_cut", help, connections_cut.clone());
        let mut metrics = Self {
            notifications: family(&mut registry, "notifications", "Deliveries of Alertmanager, by what became of them"),
            alerts: family(&mut registry, "alerts", "Alerts in accepted notifications, by status"),
            left_out: family(&mut registry, "left_out", "What of notifications was not taken, by what it is and why"),
            commands: family(&mut registry, "commands", "Commands, by the way they came and whether they were refused"),
            guesses: family(
                &mut registry,
                "authentication_failures",
                "Requests with a wrong secret or none, by the door",
            ),
            connections_cut,
            runs: family(&mut registry, "runs", "Runs that ended, by playbook and outcome"),
            mutations: family(&mut registry, "mutations", "Changes to the cluster, by action and result"),
            over_limit: family(
                &mut registry,
                "changes_held_by_limits",
                "How often a change was held up by a limit over all runs, by limit",
            ),
            lookups: family(
                &mut registry,
                "lookups",
                "Notifications about whose objects the cluster was to be asked, by what became of it",
            ),
            pages: family(&mut registry, "pages", "Pages that were made, by team and severity"),
            deliveries_failed: family(&mut registry, "deliveries_failed", "Deliveries that did not arrive, by sink"),
            pager_events: family(
                &mut registry,
                "pagerduty_events",
                "Events that PagerDuty's webhook has brought, by what became of them",
            ),
            clock_set: Counter::default(),
            connected: Family::default(),
            observes_only: Level::default(),
            freeze_map: Level::default(),
            pages_counted: AtomicI64::new(0),
            levels: Mutex::new(LevelGauges::register(&mut registry)),
            watch: WatchGauges::register(&mut registry),
            reload: ReloadCounts::register(&mut registry),
            accept_seconds,
            registry,
        };
        let clock_set = metrics.clock_set.clone();
        metrics.registry.register("clock_set", "How often the wall clock was set, and what waits was moved", clock_set);
        let connected = metrics.connected.clone();
        metrics.registry.register("chat_connected", "Whether people can ask there, by chat", connected);
        let observes_only = metrics.observes_only.clone();
        let help = "Whether another bot, or a missing right, keeps this one from changing the cluster";
        metrics.registry.register("observes_only", help, observes_only);
        let freeze_map = metrics.freeze_map.clone();
        let help =
            "Whether the ConfigMap that freezes holds something up, or cannot be read, which holds up everything";
        metrics.registry.register("frozen_by_config_map", help, freeze_map);
        // A series that is not there yet has no rate when it first counts: these are watched from the beginning.
        for result in NotificationResult::ALL {
            metrics.notifications.get_or_create(&ResultLabel { result: result.word() }).inc_by(0);
        }
        for result in LookupResult::ALL {
            metrics.lookups.get_or_create(&ResultLabel { result: result.word() }).inc_by(0);
        }
        for result in PagerEvent::ALL {
            metrics.pager_events.get_or_create(&ResultLabel { result: result.word() }).inc_by(0);
        }
        metrics.alerts(0, 0);
        for via in ["webhook", "api", "pagerduty"] {
            metrics.guesses.get_or_create(&ViaLabels { via }).inc_by(0);
        }
        metrics.left_out(&LeftOut::default());
        metrics
    }

    /// A notification came, and this became of it.
    pub fn notification(&self, result: NotificationResult) {
        self.notifications.get_or_create(&ResultLabel { result: result.word() }).inc();
    }

    /// The cluster was to be asked about the objects of a notification, and this became of it.
    pub fn looked_up(&self, result: LookupResult) {
        self.lookups.get_or_create(&ResultLabel { result: result.word() }).inc();
    }

    /// So many alerts were in a notification that was accepted.
    pub fn alerts(&self, firing: u64, resolved: u64) {
        for (status, count) in [("firing", firing), ("resolved", resolved)] {
            self.alerts.get_or_create(&StatusLabel { status }).inc_by(count);
        }
    }

    /// So much was left out of a notification that was accepted: by our bounds, by who sent it, or
    /// as it cannot be read.
    pub fn left_out(&self, left_out: &LeftOut) {
        for (what, by, count) in [
            ("alerts", "bounds", left_out.alerts),
            ("labels", "bounds", left_out.labels),
            ("alerts", "sender", left_out.by_sender),
            ("alerts", "damage", left_out.damaged),
        ] {
            self.left_out.get_or_create(&LeftOutLabels { what, by }).inc_by(count);
        }
    }

    /// How long it took to make a notification durable.
    pub fn accept_took(&self, took: Duration) {
        self.accept_seconds.observe(took.as_secs_f64());
    }

    /// A command came in, by `discord`, `console` or `api`.
    pub fn command(&self, via: &str, refused: bool) {
        let result = if refused { "refused" } else { "taken" };
        self.commands.get_or_create(&CommandLabels { via: via.to_owned(), result }).inc();
    }

    /// Somebody showed a wrong secret or none, at the `webhook` or the `api`.
    pub fn authentication_failed(&self, via: &'static str) {
        self.guesses.get_or_create(&ViaLabels { via }).inc();
    }

    /// A connection was closed, as its place was needed.
    pub fn connection_cut(&self) {
        self.connections_cut.inc();
    }

    /// A run ended.
    pub fn run_ended(&self, playbook: &str, outcome: Outcome) {
        let labels = RunLabels { playbook: playbook.to_owned(), outcome: outcome.to_string().replace(' ', "_") };
        self.runs.get_or_create(&labels).inc();
    }

    /// What became of an attempt to change something.
    pub fn mutation(&self, action: &str, result: MutationResult) {
        let labels = MutationLabels { action: action.to_owned(), result: result.word() };
        self.mutations.get_or_create(&labels).inc();
    }

    /// A change was held up by that limit.
    pub fn over_limit(&self, limit: &'static str) {
        self.over_limit.get_or_create(&LimitLabel { limit }).inc();
    }

    /// A pager's webhook has brought an event, and this became of it.
    pub fn pager_event(&self, result: PagerEvent) {
        self.pager_events.get_or_create(&ResultLabel { result: result.word() }).inc();
    }

    /// The wall clock was set, and what waits was moved.
    pub fn clock_was_set(&self) {
        self.clock_set.inc();
    }

    /// A delivery did not arrive; it may be tried again.
    pub fn delivery_failed(&self, sink: &str) {
        self.deliveries_failed.get_or_create(&SinkLabel { sink: sink.to_owned() }).inc();
    }

    /// Whether people can ask on this chat. One that is not configured has no series.
    pub fn chat_connected(&self, chat: &'static str, connected: bool) {
        self.connected.get_or_create(&ChatLabel { chat }).set(u64::from(connected));
    }

    /// Whether the ConfigMap that freezes holds something up, or cannot be read.
    pub fn freeze_map(&self, freezes: bool) {
        self.freeze_map.set(u64::from(freezes));
    }

    /// Whether this bot changes nothing in the cluster, whatever its playbooks say.
    pub fn observes_only(&self, observes: bool) {
        self.observes_only.set(u64::from(observes));
    }

    /// For how long a worker has come no further.
    pub fn worker_stuck(&self, worker: &str, stuck: Duration) {
        self.watch.stuck.get_or_create(&WorkerLabel { worker: worker.to_owned() }).set(stuck.as_secs());
    }

    /// How long what is due and was not taken has waited.
    pub fn oldest_due(&self, queue: &str, waited: Duration) {
        self.watch.oldest_due.get_or_create(&QueueLabel { queue: queue.to_owned() }).set(waited.as_secs());
    }

    /// Everything in OpenMetrics 1.0, which [`Format::write`] makes into another format. `None`:
    /// the store did not say how much there is of what; `store_up` is 0 then, and the levels are
    /// left as they were.
    ///
    /// # Errors
    /// None in practice: writing to a String does not fail.
    pub fn render(&self, levels: Option<&Levels>) -> Result<String, fmt::Error> {
        // Held while the text is made, so that two who ask do not see each other's levels half set.
        let gauges = self.levels.lock().unwrap_or_else(PoisonError::into_inner);
        gauges.set(levels);
        let mut text = String::with_capacity(4_096);
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

fn family<L>(registry: &mut Registry, name: &str, help: &str) -> Family<L, Counter>
where
    L: EncodeLabelSet + Clone + std::hash::Hash + Eq + fmt::Debug + Send + Sync + 'static,
{
    let family = Family::default();
    registry.register(name, help, family.clone());
    family
}

#[cfg(test)]
mod tests;
