//! The coverage, for people: totals, a bar for each folder of playbooks, then lists, worst first.

use std::collections::BTreeMap;

use super::decide::{Meant, Rule, Verdict};
use super::idle::{Idle, Started};
use super::{Coverage, Lacking};
use crate::message::{clip, count, thousands};
use crate::model::SEVERITY_LABELS;

/// How long a bar is, in characters.
const BAR: usize = 20;
/// So many lines has a list.
const LINES: usize = 200;
/// So much of a name is shown, in characters.
const NAME: usize = 80;
/// So many names are listed in a line.
const NAMES: usize = 4;

/// Rules of which verdict.
type Which = fn(&Verdict) -> bool;

impl Coverage {
    /// Over many lines.
    pub fn text(&self) -> String {
        let totals = self.totals();
        let mut text = format!(
            "{}: {} a playbook, {} may have one, {} none ({} %)\n",
            count(totals.rules as u64, "alert rule"),
            have(totals.covered),
            thousands(totals.maybe as u64),
            have(totals.none()),
            totals.percent()
        );
        let starting = self.playbooks.iter().filter(|playbook| playbook.starts()).count();
        let verb = if starting == 1 { "starts" } else { "start" };
        text.push_str(&format!("{starting} of {} {verb} here\n", count(self.playbooks.len() as u64, "playbook")));
        text.push_str(&self.bars());
        let verdicts: [(Which, &str); 4] = [
            (|it| matches!(it, Verdict::None { .. }), "without a playbook"),
            (|it| matches!(it, Verdict::RuledOut { .. }), "that the `where` of each playbook rules out"),
            (
                |it| matches!(it, Verdict::Undecided { .. }),
                "that several playbooks answer alike, so that none of them runs",
            ),
            (|it| matches!(it, Verdict::Maybe { .. }), "that may have a playbook, by labels that only the alert has"),
        ];
        for (is, title) in verdicts {
            let rules: Vec<&(Rule, Verdict)> = self.rules.iter().filter(|(_, verdict)| is(verdict)).collect();
            text.push_str(&list(&format!("Alert rules {title}"), rules.len(), &rule_lines(&rules)));
        }
        let idle: Vec<&Started> = self.playbooks.iter().filter(|playbook| !playbook.starts()).collect();
        let lines = columns(idle.iter().map(|it| vec![it.severity.to_string(), named(&it.name), why(it)]).collect());
        text.push_str(&list("Playbooks that nothing starts here", idle.len(), &lines));
        let other: Vec<&Started> =
            self.playbooks.iter().filter(|playbook| playbook.starts() && playbook.rules == 0).collect();
        let lines = columns(other.iter().map(|it| vec![it.severity.to_string(), named(&it.name), by(it)]).collect());
        text.push_str(&list("Playbooks that something else than a rule starts", other.len(), &lines));
        if let Some(lacking) = &self.lacking {
            let told = |(name, lacking): (&String, &Lacking)| vec![named(name), metrics(lacking)];
            let lines = columns(lacking.iter().map(told).collect());
            let title =
                "Playbooks that ask for series which Prometheus does not have now; some are there only in trouble";
            text.push_str(&list(title, lacking.len(), &lines));
        }
        text.push_str(&self.covered(totals.covered));
        text
    }

    fn bars(&self) -> String {
        let mut folders: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
        for playbook in &self.playbooks {
            let (starting, all) = folders.entry(&playbook.folder).or_default();
            *starting += usize::from(playbook.starts());
            *all += 1;
        }
        let row = |(folder, (starting, all)): (&str, (usize, usize))| {
            let full = (starting * BAR).checked_div(all).unwrap_or(0);
            let bar = format!("{}{}", "#".repeat(full), ".".repeat(BAR - full));
            let folder = if folder.is_empty() { "." } else { folder };
            vec![folder.to_owned(), bar, format!("{starting} of {all}")]
        };
        columns(folders.into_iter().map(row).collect()).iter().map(|line| format!("  {line}\n")).collect()
    }

    fn covered(&self, rules: usize) -> String {
        let mut by_playbook: BTreeMap<String, BTreeMap<&str, usize>> = BTreeMap::new();
        for (rule, verdict) in &self.rules {
            let Verdict::Covered { by, unless } = verdict else { continue };
            let or = if unless.is_empty() { String::new() } else { format!(" (or {})", names(unless)) };
            *by_playbook.entry(format!("{}{or}", named(by))).or_default().entry(&rule.name).or_default() += 1;
        }
        let row = |(playbook, alerts): (String, BTreeMap<&str, usize>)| {
            let alerts = alerts.into_iter().map(|(alert, n)| times(&named(alert), n));
            vec![playbook, alerts.collect::<Vec<_>>().join(", ")]
        };
        list("Alert rules with a playbook", rules, &columns(by_playbook.into_iter().map(row).collect()))
    }
}

fn have(n: usize) -> String {
    format!("{} {}", thousands(n as u64), if n == 1 { "has" } else { "have" })
}

fn named(name: &str) -> String {
    clip(name, NAME)
}

fn times(name: &str, n: usize) -> String {
    if n == 1 { name.to_owned() } else { format!("{name} ({n})") }
}

/// `a, b and 3 more`
fn names(all: &[String]) -> String {
    let shown: Vec<String> = all.iter().take(NAMES).map(|name| named(name)).collect();
    match all.len().saturating_sub(NAMES) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// A list with its title; nothing of nothing. `n`: how many there are, of which a line may tell
/// several.
fn list(title: &str, n: usize, lines: &[String]) -> String {
    if n == 0 {
        return String::new();
    }
    let mut text = format!("\n{title} ({}):\n", thousands(n as u64));
    for line in lines.iter().take(LINES) {
        text.push_str(&format!("  {line}\n"));
    }
    if let Some(more) = lines.len().checked_sub(LINES).filter(|more| *more > 0) {
        text.push_str(&format!("  ... and {} more; `--format json` has all\n", thousands(more as u64)));
    }
    text
}

/// Rows as lines, with all but the last column of one width.
fn columns(rows: Vec<Vec<String>>) -> Vec<String> {
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..rows.first().map_or(0, Vec::len)).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(widths.iter().copied()).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

/// A line for each name, severity and verdict; the first of several rules says where.
fn rule_lines(rules: &[&(Rule, Verdict)]) -> Vec<String> {
    let mut rows: Vec<(Vec<String>, usize)> = Vec::new();
    let mut known: BTreeMap<(String, &str, String), usize> = BTreeMap::new();
    for (rule, verdict) in rules {
        let said = SEVERITY_LABELS.iter().find_map(|label| rule.labels.get(*label)).map_or("-", String::as_str);
        let (said, news) = (clip(said, 12), told(verdict));
        if let Some(row) =
            known.get(&(said.clone(), rule.name.as_str(), news.clone())).and_then(|index| rows.get_mut(*index))
        {
            row.1 += 1;
            continue;
        }
        known.insert((said.clone(), rule.name.as_str(), news.clone()), rows.len());
        let place = clip(&place(rule), 2 * NAME);
        let last = if news.is_empty() { place } else { format!("{place}: {news}") };
        rows.push((vec![said, named(&rule.name), last], 1));
    }
    let row = |(mut row, n): (Vec<String>, usize)| {
        if let Some(name) = row.get_mut(1) {
            *name = times(name, n);
        }
        row
    };
    columns(rows.into_iter().map(row).collect())
}

fn place(rule: &Rule) -> String {
    match rule.at.line {
        Some(line) => format!("{}:{line}", rule.at.source),
        None => format!("{} ({})", rule.at.source, rule.at.group),
    }
}

fn told(verdict: &Verdict) -> String {
    match verdict {
        Verdict::None { meant: None } => String::new(),
        Verdict::None { meant: Some(Meant { alert, by, same_letters }) } => {
            let (by, alert) = (names(by), named(alert));
            match same_letters {
                true => format!("by a playbook it is written `{alert}` ({by})"),
                false => format!("did you mean `{alert}` ({by})?"),
            }
        }
        Verdict::Maybe { by } => format!("{}?", names(by)),
        Verdict::Covered { by, .. } => named(by),
        Verdict::RuledOut { by } | Verdict::Undecided { by } => names(by),
    }
}

fn why(playbook: &Started) -> String {
    match &playbook.idle {
        None => String::new(),
        Some(Idle::NoAlerts) => "it waits for no alert: a person starts it, or another playbook".to_owned(),
        Some(Idle::NoRule { alerts }) => format!("no rule is called {}", names(alerts)),
        Some(Idle::RuledOut { alerts }) => format!("its `where` rules out each {}", names(alerts)),
        Some(Idle::Undecided { alerts }) => format!("others answer {} alike, so that none of them runs", names(alerts)),
        Some(Idle::Taken { alerts }) => format!("others answer {}, or its `where` rules them out", names(alerts)),
    }
}

fn by(playbook: &Started) -> String {
    let planned = playbook.is_planned.then(|| "its schedule".to_owned());
    let sighted = "what Dogwatch itself sees, where a source of the kind `cluster` looks for it";
    let sighted = playbook.is_sighted.then(|| sighted.to_owned());
    let handed = (!playbook.handed_by.is_empty()).then(|| format!("a hand-over of {}", names(&playbook.handed_by)));
    planned.into_iter().chain(sighted).chain(handed).collect::<Vec<_>>().join("; ")
}

fn metrics(lacking: &Lacking) -> String {
    let unknown = (!lacking.unknown.is_empty()).then(|| format!("not known of {}", names(&lacking.unknown)));
    let there = (!lacking.metrics.is_empty()).then(|| names(&lacking.metrics));
    there.into_iter().chain(unknown).collect::<Vec<_>>().join("; ")
}
