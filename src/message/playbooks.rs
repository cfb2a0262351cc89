//! The playbooks, how they did, and what they were.

use chrono::{DateTime, NaiveDate, Utc};
use similar::TextDiff;

use super::text::{clip, count, moment, time, verbatim, width};
use crate::model::{Autonomy, PlaybookRef, Severity};
use crate::store::{KeptPlaybook, PlaybookRuns};

/// A playbook that counts, or would.
#[derive(Debug, Clone, PartialEq)]
pub struct PlaybookRow {
    pub reference: PlaybookRef,
    pub owner: String,
    pub severity: Severity,
    pub autonomy: Autonomy,
    /// How many cases stand beside it, or why nobody can tell.
    pub cases: Result<usize, String>,
    pub review_by: Option<NaiveDate>,
    /// What the configuration sets of it, in words.
    pub set_here: Vec<String>,
    /// The configuration lets nothing start it.
    pub is_disabled: bool,
}

/// The longest change that is shown, in lines.
const LINES: usize = 200;

/// The playbooks in columns, by their names, with the last run of each.
pub fn playbooks_table(rows: &[PlaybookRow], runs: &[PlaybookRuns], now: DateTime<Utc>) -> String {
    if rows.is_empty() {
        return "no playbook counts: `dogwatch check` says what is wrong with those of the folder".to_owned();
    }
    let mut lines =
        vec![["PLAYBOOK", "VERSION", "OWNER", "SEV", "AUTONOMY", "CASES", "RUNS", "LAST"].map(str::to_owned)];
    lines.extend(rows.iter().map(|row| cells(row, runs, now)));
    let mut widths = [0; 8];
    for line in &lines {
        for (widest, cell) in widths.iter_mut().zip(line) {
            *widest = width(cell).max(*widest);
        }
    }
    let padded = lines.iter().map(|line| {
        let cells = line.iter().zip(widths).map(|(cell, widest)| format!("{cell}{}", " ".repeat(widest - width(cell))));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    });
    let mut told: Vec<String> = padded.collect();
    for row in rows {
        told.extend(set_here(row));
        if let Err(error) = &row.cases {
            told.push(format!("the cases of {} cannot be read: {}", row.reference.name, clip(error, 200)));
        }
        if let Some(by) = row.review_by.filter(|by| *by <= now.date_naive()) {
            told.push(format!("{} was to be reviewed by {by} ({})", row.reference.name, clip(&row.owner, 63)));
        }
    }
    told.join("\n")
}

fn cells(row: &PlaybookRow, runs: &[PlaybookRuns], now: DateTime<Utc>) -> [String; 8] {
    let ran = runs.iter().find(|runs| runs.playbook == row.reference.name);
    let last = ran.map_or("never".to_owned(), |runs| {
        let run = &runs.last;
        let came = run.outcome.map_or("under way".to_owned(), |outcome| outcome.to_string());
        let at = run.ended_at.unwrap_or(run.created_at);
        let at = if now - at < chrono::TimeDelta::hours(20) { time(at) } else { at.format("%Y-%m-%d").to_string() };
        format!("{} {came}, {at}", run.id)
    });
    [
        clip(&row.reference.name, 63),
        clip(&row.reference.version, 20),
        clip(&row.owner, 20),
        row.severity.to_string(),
        autonomy(row),
        row.cases.as_ref().map_or("?".to_owned(), ToString::to_string),
        ran.map_or(0, |runs| runs.all).to_string(),
        last,
    ]
}

/// A star: it is not what the file says.
fn autonomy(row: &PlaybookRow) -> String {
    match row {
        PlaybookRow { is_disabled: true, .. } => "disabled".to_owned(),
        PlaybookRow { set_here, autonomy, .. } if set_here.is_empty() => autonomy.to_string(),
        row => format!("{} *", row.autonomy),
    }
}

/// What dogwatch.yaml sets of it, in a line.
fn set_here(row: &PlaybookRow) -> Option<String> {
    let name = clip(&row.reference.name, 63);
    if row.is_disabled {
        return Some(format!("{name} is disabled by the configuration (playbooks.settings.{name}.enabled)"));
    }
    let set = clip(&row.set_here.join("; "), 300);
    (!set.is_empty()).then(|| format!("* dogwatch.yaml sets of {name}: {set}"))
}

/// Each content that was kept of a playbook, the newest first. `row`: it as it is now, where it is
/// there.
pub fn playbook_history(name: &str, kept: &[KeptPlaybook], row: Option<&PlaybookRow>) -> String {
    let counts = row.filter(|row| !row.is_disabled).map(|row| &row.reference);
    if kept.is_empty() {
        return format!("nothing was kept of a playbook `{}`; /playbooks lists those that count", clip(name, 63));
    }
    let lines = kept.iter().map(|kept| {
        let reference = &kept.reference;
        let counts = counts.is_some_and(|counts| counts.digest == reference.digest);
        let now = if counts { ", counts now" } else { "" };
        let runs = count(kept.runs, "run");
        format!(
            "{} {} since {}: {runs}{now}",
            clip(&reference.version, 20),
            reference.digest.short(),
            moment(kept.first_seen)
        )
    });
    let mut told: Vec<String> = vec![clip(name, 63)];
    told.extend(lines.map(|line| format!("  {line}")));
    if let Some(set) = row.and_then(set_here) {
        told.push(format!("  {set}"));
    } else if counts.is_none() {
        told.push("  none of them counts now: the playbook was taken away, or has a mistake".to_owned());
    }
    told.join("\n")
}

/// What is another in `to` than in `from`, as `diff -u` writes it.
pub fn playbook_diff(from: (&PlaybookRef, &str), to: (&PlaybookRef, &str)) -> String {
    let called = |reference: &PlaybookRef| {
        format!("{} {} {}", clip(&reference.name, 63), clip(&reference.version, 20), reference.digest.short())
    };
    let (old, new) = (called(from.0), called(to.0));
    if from.1 == to.1 {
        return format!("{old} and {new} are the same");
    }
    let diff = TextDiff::from_lines(from.1, to.1);
    let diff = diff.unified_diff().context_radius(3).header(&old, &new).to_string();
    let mut lines: Vec<String> = diff.lines().map(|line| verbatim(line, 300)).collect();
    if lines.len() > LINES {
        let more = lines.len() - LINES;
        lines.truncate(LINES);
        lines.push(format!("... and {}", count(more as u64, "more line")));
    }
    lines.join("\n")
}
