//! What must keep coming, beside the list of incidents.

use chrono::{DateTime, Utc};

use super::text::{clip, count};
use crate::model::{Heartbeat, HumanDuration};

/// Lines in all: who has more of them looks at the metrics.
const LINES: usize = 10;

/// When each came last, those first that came longest ago; empty when there are none.
pub fn heartbeats_text(heartbeats: &[Heartbeat], now: DateTime<Utc>) -> String {
    if heartbeats.is_empty() {
        return String::new();
    }
    let mut by_age: Vec<&Heartbeat> = heartbeats.iter().collect();
    by_age.sort_by_key(|heartbeat| heartbeat.last_at);
    let mut lines = vec!["heartbeats:".to_owned()];
    lines.extend(by_age.iter().take(LINES).map(|heartbeat| {
        let seconds = (now - heartbeat.last_at).num_seconds().max(0).unsigned_abs();
        let ago = HumanDuration(std::time::Duration::from_secs(seconds));
        let over = if heartbeat.is_over { ", and is over by its sender's word" } else { "" };
        format!("  {} of {}: {ago} ago{over}", clip(&heartbeat.name, 80), clip(&heartbeat.key.source, 64))
    }));
    if by_age.len() > LINES {
        lines.push(format!("  … {} more", count((by_age.len() - LINES) as u64, "heartbeat")));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::HeartbeatKey;
    use crate::store::story::morning;

    #[test]
    fn the_oldest_comes_first() {
        let beat = |name: &str, minutes: i64, is_over| Heartbeat {
            key: HeartbeatKey { source: "eu-1".into(), key: name.into() },
            alert: None,
            name: name.into(),
            beats: 1,
            last_at: morning() - chrono::TimeDelta::minutes(minutes),
            is_over,
        };
        assert_eq!(heartbeats_text(&[], morning()), "");
        let text = heartbeats_text(&[beat("Watchdog", 2, false), beat("cron", 90, true)], morning());
        let expected =
            "heartbeats:\n  cron of eu-1: 1h30m ago, and is over by its sender's word\n  Watchdog of eu-1: 2m ago";
        assert_eq!(text, expected);
    }
}
