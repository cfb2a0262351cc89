//! Maintenance windows, and what they hold back.

use chrono::{DateTime, Utc};

use super::text::{clip, count, moment};
use crate::model::{Window, redact};
use crate::store::HeldIncident;

/// As many incidents of one window are named.
const NAMED: usize = 10;

/// The windows, each with what it holds back; `held` is what the store tells of them.
pub fn windows_text(windows: &[Window], held: &[HeldIncident], now: DateTime<Utc>) -> String {
    if windows.is_empty() {
        return "no maintenance window is active or to come".to_owned();
    }
    let mut lines = Vec::new();
    for window in windows {
        let of_it: Vec<&HeldIncident> = held.iter().filter(|held| held.window == window.id).collect();
        lines.push(format!("{} {}", window.id, standing(window, now)));
        lines.push(format!("    covers {}", clip(&redact(&window.scope.to_string()), 300)));
        lines.push(format!(
            "    {}: {} (by {})",
            clip(&window.owner, 80),
            clip(&window.reason, 300),
            clip(&window.via, 80)
        ));
        lines.push(format!("    {}", held_text(&of_it)));
        for held in of_it.iter().take(NAMED) {
            let firing = match held.firing {
                0 => "nothing fires any more".to_owned(),
                n => format!("{} firing", count(n, "alert")),
            };
            let (id, severity, state) = (held.incident, held.severity, held.state);
            lines.push(format!("        {id} {severity} {state}, {firing}: {}", clip(&held.title, 120)));
        }
        if of_it.len() > NAMED {
            lines.push(format!("        ... and {}", count((of_it.len() - NAMED) as u64, "more incident")));
        }
    }
    lines.join("\n")
}

fn standing(window: &Window, now: DateTime<Utc>) -> String {
    let (from, until) = (moment(window.starts_at), moment(window.ends_at));
    if now < window.starts_at && window.ends_at > window.starts_at {
        return format!("begins at {from}, until {until}");
    }
    if now < window.ends_at {
        return format!("is active until {until}");
    }
    match &window.ended_by {
        Some(by) => format!("was ended at {until} by {}", clip(by, 80)),
        None => format!("has ended at {until}"),
    }
}

/// `held back: 3 incidents, 12 alerts, 2 pages`.
fn held_text(held: &[&HeldIncident]) -> String {
    if held.is_empty() {
        return "has held nothing back".to_owned();
    }
    let alerts = held.iter().map(|held| held.alerts).sum();
    let pages = held.iter().map(|held| held.pages).sum();
    let incidents = count(held.len() as u64, "incident");
    format!("held back: {incidents}, {}, {}", count(alerts, "alert"), count(pages, "page"))
}
