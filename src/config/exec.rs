//! `exec`: which programs steps may run in containers.

use serde::Deserialize;

use crate::action::Commands;
use crate::action::command::Allowed;
use crate::notify::Findings;

/// What whoever runs the bot allows, and so says of each that it changes nothing; no playbook does.
/// Empty: no program is run in a container.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ExecConfig {
    /// Each a program and its arguments, word by word: `[df, -P, "*"]`. `*` stands for one value
    /// that does not begin with `-`, and `--stanza=*` for that option with any such value. Shells,
    /// interpreters and programs that run others are refused.
    pub allow: Vec<Vec<String>>,
}

impl ExecConfig {
    /// What may be run. What is wrong, the check refuses.
    pub fn commands(&self) -> Commands {
        Commands::of(self.allow.iter().filter_map(|argv| Allowed::parse(argv).ok()))
    }

    pub(super) fn findings(&self) -> Findings {
        let mut findings = Findings::default();
        for (n, argv) in self.allow.iter().enumerate() {
            if let Err(why) = Allowed::parse(argv) {
                let remedy =
                    "take the entry out, or write a program that only looks, and its arguments: `[df, -P, \"*\"]`";
                findings.problem(&format!("allow.{n}"), why, remedy);
            }
        }
        findings
    }
}
