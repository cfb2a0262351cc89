//! What is wrong with the configuration and the files that it names.

use std::path::Path;
use std::sync::Arc;

use super::Found;
use crate::app::{
    parse_oncall, unfit_approvers, unknown_budgets, unknown_contacts, unknown_page_teams, unknown_people,
    unknown_set_teams, unknown_teams, unknown_ticket_teams, unknown_watch_teams,
};
use crate::clock::{Clock as _, SystemClock};
use crate::config::{Config, ConfigError};
use crate::diagnostics::{Code, Diagnostics};
use crate::files;
use crate::handoff::Template;
use crate::maintenance::parse_maintenance;
use crate::oncall::{Finding, OnCall};

impl Found {
    /// `None`: it cannot be read far enough to go on with it.
    pub(super) fn configuration(&mut self, path: &Path) -> anyhow::Result<Option<Config>> {
        let config = match Config::load(path) {
            Ok(config) => config,
            Err(error) => {
                self.unusable(path, error);
                return Ok(None);
            }
        };
        match config.check() {
            Ok(warnings) => warnings.iter().for_each(|warning| self.warning(Code::Doubtful, path, warning)),
            Err(error) => self.unusable(path, error),
        }
        self.diagnostics.extend(config.odd_characters());
        // What is not there at all was told by the check.
        let file = &config.oncall.file;
        match files::read_text(file, files::DOCUMENT) {
            Ok(text) => match parse_oncall(file, &text) {
                Ok(oncall) => {
                    if let Err(error) = oncall.team(&config.oncall.default_team) {
                        self.error(Code::UnknownTeam, path, &format!("`oncall.default_team`: {error}"));
                    }
                    self.odd(file, &text);
                    self.oncall = Some(oncall);
                }
                Err(Diagnostics(wrong)) => {
                    self.diagnostics.extend(wrong);
                    self.odd(file, &text);
                }
            },
            Err(error) if file.is_file() => {
                self.error(Code::Unreadable, file, &format!("the file cannot be read: {error}"));
            }
            Err(_) => {}
        }
        if let Some(planned) = &config.maintenance.file {
            let file = planned.display().to_string();
            let read = files::read_text(planned, files::DOCUMENT);
            read.iter().for_each(|text| self.odd(planned, text));
            match read.map(|text| parse_maintenance(&file, &text)) {
                Ok(Ok(_)) => {}
                Ok(Err(Diagnostics(wrong))) => self.diagnostics.extend(wrong),
                Err(error) => {
                    let message = format!("`maintenance.file`: {file} cannot be read: {error}");
                    self.error(Code::MissingPath, path, &message);
                }
            }
        }
        if let Some(template) = config.handoff.template.as_deref().filter(|template| template.is_file())
            && let Err(error) = Template::load(Some(template))
        {
            self.error(Code::InvalidTemplate, template, &error.to_string());
        }
        Ok(Some(config))
    }

    fn unusable(&mut self, path: &Path, error: ConfigError) {
        match error {
            ConfigError::Wrong(Diagnostics(wrong)) => self.diagnostics.extend(wrong),
            error @ ConfigError::Unreadable { .. } => self.error(Code::Unreadable, path, &error.to_string()),
        }
    }

    /// What names teams and sinks that are not there, and what of who is on call looks wrong.
    pub(super) fn teams(&mut self, oncall: &OnCall, config: &Config) {
        let (file, named_in) = (&config.oncall.file, config.path());
        for wrong in unknown_teams(oncall, self.loaded.iter().map(Arc::as_ref)) {
            self.error(Code::UnknownTeam, file, &wrong);
        }
        self.diagnostics.extend(unknown_set_teams(oncall, config));
        for wrong in unfit_approvers(oncall, config, self.loaded.iter().map(Arc::as_ref)) {
            self.error(Code::UnknownTeam, file, &wrong);
        }
        for warning in unknown_people(oncall, config) {
            self.warning(Code::UnknownName, named_in, &warning);
        }
        for wrong in unknown_watch_teams(oncall, config) {
            self.error(Code::UnknownTeam, named_in, &wrong);
        }
        for warning in unknown_budgets(oncall, &config.pages.budgets()) {
            self.warning(Code::UnknownTeam, named_in, &warning);
        }
        for wrong in unknown_ticket_teams(oncall, config).iter().chain(&unknown_page_teams(oncall, config)) {
            self.error(Code::UnknownTeam, named_in, wrong);
        }
        for wrong in unknown_contacts(oncall, config) {
            self.error(Code::UnknownName, file, &wrong);
        }
        // What is odd in the file was told with its place.
        let findings = oncall.findings(SystemClock::default().now());
        for finding in findings.iter().filter(|finding| !matches!(finding, Finding::Odd(_))) {
            self.warning(Code::UncoveredTime, file, &finding.to_string());
        }
    }
}
