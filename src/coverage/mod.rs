//! Which of a site's alerting rules have a playbook, and which playbooks have an alerting rule.
//!
//! `read` and `files` take rules from what a site has, `decide` says of each which playbooks would
//! answer its alerts, `idle` looks the other way round, and `report` and `json` tell both.

mod decide;
mod files;
mod idle;
mod json;
mod lines;
mod read;
mod report;
mod values;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use decide::{Meant, Rule, Triggers, Verdict, Whence};
pub use files::RuleFiles;
pub use idle::{Idle, Started};

use crate::playbook::Playbook;

/// What a look at a site's rules and at its playbooks came to.
pub struct Coverage {
    /// Each rule with who answers it, worst first.
    pub rules: Vec<(Rule, Verdict)>,
    /// Each playbook with what starts it, worst first.
    pub playbooks: Vec<Started>,
    /// For playbooks by name, what they ask a Prometheus for that it does not have now; `None`:
    /// none was asked.
    pub lacking: Option<BTreeMap<String, Lacking>>,
}

/// What a Prometheus does not have now that a playbook asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lacking {
    /// Names of metrics.
    pub metrics: Vec<String>,
    /// Names of metrics about which it did not answer.
    pub unknown: Vec<String>,
}

/// How many rules came to what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    pub rules: usize,
    pub covered: usize,
    pub maybe: usize,
    /// The three ways of having none.
    pub ruled_out: usize,
    pub undecided: usize,
    pub unknown: usize,
}

impl Totals {
    /// Rules whose alerts no playbook answers.
    pub fn none(&self) -> usize {
        self.ruled_out + self.undecided + self.unknown
    }

    /// Of a hundred rules, how many have a playbook for certain, rounded down; 0 of no rules.
    pub fn percent(&self) -> usize {
        (self.covered * 100).checked_div(self.rules).unwrap_or(0)
    }
}

impl Coverage {
    /// `roots`: the folders in which the playbooks were looked for; `sighted`: alerts that the bot
    /// itself makes, of what it sees in the cluster.
    pub fn of(rules: Vec<Rule>, playbooks: &[Arc<Playbook>], roots: &[PathBuf], sighted: &[&str]) -> Self {
        let triggers = Triggers::of(playbooks, &rules);
        let mut rules: Vec<(Rule, Verdict)> = rules
            .into_iter()
            .map(|rule| {
                let verdict = triggers.answer(&rule);
                (rule, verdict)
            })
            .collect();
        rules.sort_by(|(a, of_a), (b, of_b)| {
            (of_a.rank(), a.severity(), &a.name, &a.at).cmp(&(of_b.rank(), b.severity(), &b.name, &b.at))
        });
        let playbooks = idle::started(&rules, playbooks, sighted, &|path: &Path| within(path, roots));
        Self { rules, playbooks, lacking: None }
    }

    pub fn totals(&self) -> Totals {
        let mut totals = Totals { rules: self.rules.len(), ..Totals::default() };
        for (_, verdict) in &self.rules {
            *match verdict {
                Verdict::Covered { .. } => &mut totals.covered,
                Verdict::Maybe { .. } => &mut totals.maybe,
                Verdict::RuledOut { .. } => &mut totals.ruled_out,
                Verdict::Undecided { .. } => &mut totals.undecided,
                Verdict::None { .. } => &mut totals.unknown,
            } += 1;
        }
        totals
    }
}

/// The folder of a playbook, from the one on in which it was looked for: empty for that itself.
fn within(path: &Path, roots: &[PathBuf]) -> String {
    let folder = path.parent().unwrap_or(Path::new(""));
    let beside = roots.iter().find_map(|root| folder.strip_prefix(root).ok());
    beside.unwrap_or(Path::new("")).display().to_string()
}
