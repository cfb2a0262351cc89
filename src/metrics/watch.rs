//! Who comes no further, and what waits: set by whoever watches the workers.

use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use super::labels::{QueueLabel, WorkerLabel};
use super::levels::Level;

#[derive(Debug, Default)]
pub(super) struct WatchGauges {
    pub stuck: Family<WorkerLabel, Level>,
    pub oldest_due: Family<QueueLabel, Level>,
}

impl WatchGauges {
    pub fn register(registry: &mut Registry) -> Self {
        let gauges = Self::default();
        let help = "For how long a worker has come no further; 0: it does, or has nothing to do";
        registry.register("worker_stuck_seconds", help, gauges.stuck.clone());
        let help = "How long what is due and was not taken has waited, by queue";
        registry.register("oldest_due_seconds", help, gauges.oldest_due.clone());
        gauges
    }
}
