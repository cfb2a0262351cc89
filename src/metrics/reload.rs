//! What was read again while the bot works.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use super::Metrics;
use super::labels::WhatLabel;
use super::levels::Level;

#[derive(Debug, Default)]
pub(super) struct ReloadCounts {
    failed: Family<WhatLabel, Level>,
    reloads: Family<WhatLabel, Counter>,
    last_success: Family<WhatLabel, Level>,
}

impl ReloadCounts {
    pub fn register(registry: &mut Registry) -> Self {
        let counts = Self::default();
        let help = "Whether something in the file has a mistake, so that an earlier version counts, by what it is";
        registry.register("reload_failed", help, counts.failed.clone());
        registry.register("reloads", "How often something new in the file was taken", counts.reloads.clone());
        let help = "When the file was last read without a mistake, in seconds since 1970";
        registry.register("reload_last_success_timestamp_seconds", help, counts.last_success.clone());
        counts
    }
}

impl Metrics {
    /// Whether what lies in the file counts in whole.
    pub fn reload_failed(&self, what: &'static str, failed: bool) {
        self.reload.failed.get_or_create(&WhatLabel { what }).set(u64::from(failed));
        self.reload.reloads.get_or_create(&WhatLabel { what }).inc_by(0);
    }

    /// Something new was taken.
    pub fn reloaded(&self, what: &'static str) {
        self.reload.reloads.get_or_create(&WhatLabel { what }).inc();
    }

    /// It was read without a mistake, at that time in seconds since 1970.
    pub fn read_well(&self, what: &'static str, at: u64) {
        self.reload.last_success.get_or_create(&WhatLabel { what }).set(at);
    }
}
