//! `dogwatch check`: mistakes, before they cost a night.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anstyle::{AnsiColor, Style};

use super::output::{Exit, Failure, say};
use crate::app::{
    no_playbooks, parse_oncall, unknown_budgets, unknown_contacts, unknown_page_teams, unknown_teams,
    unknown_ticket_teams, unmatched_queries,
};
use crate::clock::{Clock as _, SystemClock};
use crate::config::{Config, ConfigError};
use crate::files::{self, FileError};
use crate::handoff::Template;
use crate::maintenance::parse_maintenance;
use crate::oncall::OnCall;
use crate::playbook::{Catalog, LARGEST_PLAYBOOK, Playbook, Problem, ProblemSeverity};

/// Look for mistakes in playbooks and in the configuration, without a cluster or a server
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  dogwatch check                               the playbooks in playbooks/
  dogwatch check my/pvc-filling.yaml           one file
  dogwatch check --config dogwatch.yaml        the configuration, and all that it names

Each mistake comes with its place and with what to write instead. Warnings alone are no failure.")]
pub(super) struct Args {
    /// Folders and files of playbooks
    #[arg(value_name = "DIR|FILE")]
    paths: Vec<PathBuf>,

    /// Also this configuration, and what it names
    #[arg(long, short, value_name = "FILE")]
    config: Option<PathBuf>,
}

pub(super) fn go(args: &Args) -> anyhow::Result<Exit> {
    let mut found = Found::default();
    let mut paths = args.paths.clone();
    let config = match &args.config {
        Some(path) => found.configuration(path)?,
        None => None,
    };
    if paths.is_empty() {
        match &config {
            // That it is not there was told by the check of the configuration.
            Some(config) => paths.extend(Some(config.playbooks.dir.clone()).filter(|dir| dir.is_dir())),
            // A configuration that cannot be read does not say where the playbooks are.
            None if args.config.is_some() => {}
            None => paths.push(PathBuf::from("playbooks")),
        }
    }
    for path in &paths {
        found.playbooks(path)?;
    }
    if let Some(config) = &config {
        let wrong: Vec<Problem> =
            found.loaded.iter().flat_map(|playbook| unmatched_queries(config, playbook)).collect();
        found.loaded.retain(|playbook| wrong.iter().all(|problem| problem.path != playbook.path));
        found.problems(&wrong);
    }
    if let Some(oncall) = found.oncall.take() {
        unknown_teams(&oncall, found.loaded.iter().map(Arc::as_ref)).iter().for_each(|wrong| found.error(wrong));
        let budgets = config.as_ref().map(|config| config.pages.budgets()).unwrap_or_default();
        unknown_budgets(&oncall, &budgets).iter().for_each(|warning| found.warning(warning));
        let of_tickets = config.as_ref().map(|config| unknown_ticket_teams(&oncall, config)).unwrap_or_default();
        let of_sinks = config.as_ref().map(|config| unknown_page_teams(&oncall, config)).unwrap_or_default();
        of_tickets.iter().chain(&of_sinks).for_each(|wrong| found.error(wrong));
        let contacts = config.as_ref().map(|config| unknown_contacts(&oncall, config)).unwrap_or_default();
        contacts.iter().for_each(|wrong| found.error(wrong));
        let findings = oncall.findings(SystemClock::default().now());
        findings.iter().for_each(|finding| found.warning(&finding.to_string()));
    }
    found.end()
}

/// What was looked at, and what was found.
#[derive(Default)]
struct Found {
    errors: usize,
    warnings: usize,
    loaded: Vec<Arc<Playbook>>,
    oncall: Option<OnCall>,
    text: String,
}

impl Found {
    /// `None`: it cannot be read far enough to go on with it.
    fn configuration(&mut self, path: &Path) -> anyhow::Result<Option<Config>> {
        let config = match Config::load(path) {
            Ok(config) => config,
            Err(error) => {
                self.error(&error.to_string());
                return Ok(None);
            }
        };
        match config.check() {
            Ok(warnings) => warnings.iter().for_each(|warning| self.warning(warning)),
            Err(ConfigError::Wrong(problems)) => problems.iter().for_each(|problem| self.error(&problem.to_string())),
            Err(error) => self.error(&error.to_string()),
        }
        // What is not there at all was told by the check.
        let file = config.oncall.file.display().to_string();
        match files::read_text(&config.oncall.file, files::DOCUMENT) {
            Ok(text) => match parse_oncall(&config.oncall.file, &text) {
                Ok(oncall) => {
                    if let Err(error) = oncall.team(&config.oncall.default_team) {
                        self.error(&format!("`oncall.default_team`: {error}"));
                    }
                    self.oncall = Some(oncall);
                }
                Err(error) => self.error(&error.to_string()),
            },
            Err(error) if config.oncall.file.is_file() => self.error(&format!("{file} cannot be read: {error}")),
            Err(_) => {}
        }
        if let Some(path) = &config.maintenance.file {
            let file = path.display().to_string();
            match files::read_text(path, files::DOCUMENT) {
                Ok(text) => {
                    if let Err(error) = parse_maintenance(&file, &text) {
                        self.error(&error.to_string());
                    }
                }
                Err(error) => self.error(&format!("`maintenance.file`: {file} cannot be read: {error}")),
            }
        }
        if config.handoff.template.as_ref().is_some_and(|template| template.is_file())
            && let Err(error) = Template::load(config.handoff.template.as_deref())
        {
            self.error(&error.to_string());
        }
        Ok(Some(config))
    }

    fn playbooks(&mut self, path: &Path) -> anyhow::Result<()> {
        if path.is_dir() {
            let (catalog, problems) = Catalog::load(path);
            self.loaded.extend(catalog.iter().cloned());
            self.problems(&problems);
            if catalog.iter().next().is_none() && problems.is_empty() {
                self.warning(&no_playbooks(path));
            }
            return Ok(());
        }
        let shown = path.display();
        if path.to_string_lossy().ends_with(".cases.yaml") {
            return Err(Failure::usage(format!("{shown} holds the cases of a playbook: `dogwatch test` reads them")));
        }
        let text = files::read_in_place(path, LARGEST_PLAYBOOK).map_err(|error| match error {
            FileError::NoText => Failure::usage(format!("{shown} is no text (it is not UTF-8)")),
            _ => Failure::usage(format!("{shown} cannot be read: {error}; name a folder or file of playbooks")),
        })?;
        match Playbook::parse(path, &text) {
            Ok(playbook) => {
                self.problems(&playbook.warnings);
                self.loaded.push(Arc::new(playbook));
            }
            Err(problems) => self.problems(&problems),
        }
        Ok(())
    }

    fn problems(&mut self, problems: &[Problem]) {
        for problem in problems {
            match problem.severity {
                ProblemSeverity::Error => self.errors += 1,
                ProblemSeverity::Warning => self.warnings += 1,
            }
            // The stream takes the colours out where they don't belong.
            self.text.push_str(&problem.render(true));
            self.text.push('\n');
        }
    }

    fn error(&mut self, message: &str) {
        self.errors += 1;
        self.text.push_str(&line("error", AnsiColor::Red, message));
    }

    fn warning(&mut self, message: &str) {
        self.warnings += 1;
        self.text.push_str(&line("warning", AnsiColor::Yellow, message));
    }

    fn end(mut self) -> anyhow::Result<Exit> {
        let plural = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
        self.text.push_str(&format!(
            "{} without errors; {}, {}\n",
            plural(self.loaded.len(), "playbook"),
            plural(self.errors, "error"),
            plural(self.warnings, "warning")
        ));
        say(&self.text)?;
        Ok(if self.errors == 0 { Exit::Done } else { Exit::Problems })
    }
}

fn line(word: &str, colour: AnsiColor, message: &str) -> String {
    let style = Style::new().bold().fg_color(Some(colour.into()));
    format!("{style}{word}{style:#}: {message}\n\n")
}
