//! How much there is of what: not counted, but read from the store when somebody asks.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::labels::{HeartbeatLabels, IncidentLabels};

/// How much there is of what, at the moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Levels {
    pub pending_signals: u64,
    /// How long the one that came in first of those has waited, by the wall clock.
    pub oldest_signal_age: Duration,
    /// Could not be worked on.
    pub set_aside_signals: u64,
    /// Put off, as they may be echoes.
    pub held_signals: u64,
    pub open_episodes: u64,
    /// Unresolved incidents by (state, severity).
    pub incidents: BTreeMap<(String, String), u64>,
    pub runs_under_way: u64,
    pub deliveries_waiting: u64,
    pub unacknowledged_pages: u64,
    /// Those of them that have reached nobody.
    pub undelivered_pages: u64,
    /// The age of the oldest of those, in seconds; 0: there is none.
    pub undelivered_for: u64,
    /// Calls that are due and that nobody has made.
    pub calls_due: u64,
    /// Incidents that maintenance windows hold back.
    pub held_by_windows: u64,
    /// Freezes that hold.
    pub frozen: u64,
    /// Playbooks whose breaker is open.
    pub breakers: u64,
    /// Playbooks whose ramp has stopped, and whose breaker is not open.
    pub stopped_ramps: u64,
    /// Incidents whose page is told in another one's.
    pub folded: u64,
    /// How many seconds ago each heartbeat came, by (source, name).
    pub heartbeats: BTreeMap<(String, String), u64>,
}

pub(super) type Level = Gauge<u64, AtomicU64>;

#[derive(Debug, Default)]
pub(super) struct LevelGauges {
    store_up: Level,
    pending_signals: Level,
    oldest_signal_age: Level,
    set_aside_signals: Level,
    held_signals: Level,
    open_episodes: Level,
    incidents: Family<IncidentLabels, Level>,
    runs_under_way: Level,
    deliveries_waiting: Level,
    unacknowledged_pages: Level,
    pages_undelivered: Level,
    pages_undelivered_age: Level,
    calls_due: Level,
    held_by_windows: Level,
    frozen: Level,
    breakers: Level,
    stopped_ramps: Level,
    folded: Level,
    heartbeat_age: Family<HeartbeatLabels, Level>,
}

impl LevelGauges {
    pub fn register(registry: &mut Registry) -> Self {
        let gauges = Self::default();
        for (name, help, gauge) in [
            ("store_up", "Whether the store answers", &gauges.store_up),
            ("pending_signals", "Signals that nobody has worked on", &gauges.pending_signals),
            (
                "oldest_signal_age_seconds",
                "How long the signal has waited that came in first of those that nobody has worked on",
                &gauges.oldest_signal_age,
            ),
            ("set_aside_signals", "Signals that could not be worked on", &gauges.set_aside_signals),
            ("held_signals", "Signals that wait, as they may be echoes of what is over", &gauges.held_signals),
            ("open_episodes", "Alerts that fire", &gauges.open_episodes),
            ("runs_under_way", "Runs that have not ended", &gauges.runs_under_way),
            ("deliveries_waiting", "Deliveries that wait or are tried again", &gauges.deliveries_waiting),
            ("unacknowledged_pages", "Pages that nobody has acknowledged", &gauges.unacknowledged_pages),
            ("pages_undelivered", "Pages that have reached nobody", &gauges.pages_undelivered),
            (
                "pages_undelivered_age_seconds",
                "How long ago the oldest page was made that has reached nobody; 0: there is none",
                &gauges.pages_undelivered_age,
            ),
            (
                "calls_due",
                "People to be called again whose time has come; more than 0 for minutes: the escalation is stuck",
                &gauges.calls_due,
            ),
            (
                "held_by_windows",
                "Unresolved incidents of which a maintenance window holds something back",
                &gauges.held_by_windows,
            ),
            ("frozen", "Freezes that hold, in the bot's own database", &gauges.frozen),
            ("breakers_open", "Playbooks of which no run changes anything until a person says so", &gauges.breakers),
            (
                "ramps_stopped",
                "Playbooks of which no other run begins a change for a time, as one did not help",
                &gauges.stopped_ramps,
            ),
            (
                "folded_incidents",
                "Incidents whose page is told in another one's, as their team's budget is spent",
                &gauges.folded,
            ),
        ] {
            registry.register(name, help, gauge.clone());
        }
        registry.register("incidents", "Unresolved incidents, by state and severity", gauges.incidents.clone());
        registry.register(
            "heartbeat_age_seconds",
            "How long ago what must keep coming came last",
            gauges.heartbeat_age.clone(),
        );
        gauges
    }

    pub fn set(&self, levels: Option<&Levels>) {
        self.store_up.set(u64::from(levels.is_some()));
        let Some(levels) = levels else { return };
        self.pending_signals.set(levels.pending_signals);
        self.oldest_signal_age.set(levels.oldest_signal_age.as_secs());
        self.set_aside_signals.set(levels.set_aside_signals);
        self.held_signals.set(levels.held_signals);
        self.open_episodes.set(levels.open_episodes);
        self.runs_under_way.set(levels.runs_under_way);
        self.calls_due.set(levels.calls_due);
        self.deliveries_waiting.set(levels.deliveries_waiting);
        self.unacknowledged_pages.set(levels.unacknowledged_pages);
        self.pages_undelivered.set(levels.undelivered_pages);
        self.pages_undelivered_age.set(levels.undelivered_for);
        self.held_by_windows.set(levels.held_by_windows);
        self.frozen.set(levels.frozen);
        self.breakers.set(levels.breakers);
        self.stopped_ramps.set(levels.stopped_ramps);
        self.folded.set(levels.folded);
        self.incidents.clear();
        for ((state, severity), count) in &levels.incidents {
            let labels = IncidentLabels { state: state.clone(), severity: severity.clone() };
            self.incidents.get_or_create(&labels).set(*count);
        }
        self.heartbeat_age.clear();
        for ((source, heartbeat), age) in &levels.heartbeats {
            let labels = HeartbeatLabels { source: source.clone(), heartbeat: heartbeat.clone() };
            self.heartbeat_age.get_or_create(&labels).set(*age);
        }
    }
}
