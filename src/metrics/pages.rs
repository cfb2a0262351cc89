//! Pages, which the store holds and which are counted as they are found there.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use super::Metrics;
use super::labels::PageLabels;
use crate::model::PageId;

/// Pages that were made since others were counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PagesMade {
    /// The number of the last of them, or, where there is none, of the last that was counted.
    pub last: PageId,
    pub by_team_and_severity: BTreeMap<(String, String), u64>,
}

impl Metrics {
    /// Up to which page they are counted.
    pub fn pages_counted(&self) -> PageId {
        PageId(self.pages_counted.load(Ordering::Relaxed))
    }

    /// Counts the pages that were made after `after`, unless somebody else has done so meanwhile.
    /// The first time it is all that the store holds: a restart loses none.
    pub fn pages_made(&self, after: PageId, made: &PagesMade) {
        let (before, last) = (after.0, made.last.0);
        if self.pages_counted.compare_exchange(before, last, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            for ((team, severity), count) in &made.by_team_and_severity {
                let labels = PageLabels { team: team.clone(), severity: severity.clone() };
                self.pages.get_or_create(&labels).inc_by(*count);
            }
        }
    }
}
