//! Where tickets are made.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Checker;
use crate::config::{TicketConfig, TicketKind};
use crate::diagnostics::Code;

impl Checker<'_> {
    pub(super) fn tickets(&mut self) {
        let mut names: BTreeMap<&str, usize> = BTreeMap::new();
        let mut teams: BTreeMap<&str, usize> = BTreeMap::new();
        let mut others: Option<usize> = None;
        for (n, sink) in self.config.tickets.iter().enumerate() {
            let field = |of: &str| format!("tickets.{n}.{of}");
            let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
            if sink.name.is_empty() || sink.name.len() > 40 || !sink.name.chars().all(is_word) {
                let remedy = "write up to 40 letters, digits, `-`, `_` and `.`, such as `databases`";
                self.problem(Code::InvalidName, &field("name"), "this is no name of a sink for tickets", remedy);
            } else if let Some(other) = names.insert(&sink.name, n) {
                let message = format!("`{}` is the name of `tickets.{other}` too", sink.name);
                self.problem(
                    Code::DuplicateName,
                    &field("name"),
                    message,
                    "give each its own name: its tickets are known by it",
                );
            }
            for (at, team) in sink.teams.iter().enumerate() {
                if let Some(other) = teams.insert(team, n) {
                    let message = format!("the tickets of `{team}` are made by `tickets.{other}` already");
                    self.problem(
                        Code::Contradiction,
                        &field(&format!("teams.{at}")),
                        message,
                        "leave the team in one of the two",
                    );
                }
            }
            if sink.teams.is_empty()
                && let Some(other) = others.replace(n)
            {
                let message = format!("the tickets of all other teams are made by `tickets.{other}` already");
                self.problem(
                    Code::Contradiction,
                    &field("name"),
                    message,
                    "write `teams: [...]` beside one of the two",
                );
            }
            self.tracker(n, sink);
        }
    }

    fn tracker(&mut self, n: usize, sink: &TicketConfig) {
        let field = |of: &str| format!("tickets.{n}.{of}");
        if sink.address().is_empty() {
            self.problem(
                Code::MissingField,
                &field("kind"),
                "nothing says where tickets are sent",
                "write `url: https://...` beside it",
            );
        } else if let Some(host) = self.url(&field("url"), sink.address(), true)
            && !sink.allow_hosts.is_empty()
            && !sink.allow_hosts.iter().any(|allowed| allowed.eq_ignore_ascii_case(&host))
        {
            let remedy = format!("add `{host}` to `allow_hosts`, or send to one of its hosts");
            self.problem(Code::InvalidUrl, &field("url"), format!("`{host}` is not one of `allow_hosts`"), remedy);
        }
        let (wanted, unwanted) = match sink.kind {
            TicketKind::Webhook => (None, [("repository", &sink.repository), ("project", &sink.project)].to_vec()),
            TicketKind::GitHub => (Some(("repository", &sink.repository)), vec![("project", &sink.project)]),
            TicketKind::GitLab => (Some(("project", &sink.project)), vec![("repository", &sink.repository)]),
        };
        for (of, _) in unwanted.into_iter().filter(|(_, given)| given.is_some()) {
            self.problem(
                Code::Misplaced,
                &field(of),
                format!("this kind has no `{of}`"),
                "take it out, or write another `kind`",
            );
        }
        match wanted {
            Some((of, None)) => {
                let example = if of == "repository" { "owner/name" } else { "group/project" };
                let remedy = format!("write `{of}: {example}` beside it");
                self.problem(Code::MissingField, &field("kind"), "nothing says in what issues are made", remedy);
            }
            Some(("repository", Some(repository))) if !is_repository(repository) => self.problem(
                Code::InvalidValue,
                &field("repository"),
                format!("`{repository}` is no repository"),
                "write its owner and its name, such as `acme/databases`",
            ),
            Some(("project", Some(project))) if project.is_empty() || project.starts_with('/') => self.problem(
                Code::InvalidValue,
                &field("project"),
                format!("`{project}` is no project"),
                "write its path, such as `sre/databases`, or its number in quotes",
            ),
            _ => {}
        }
        if sink.token.is_none() && sink.kind != TicketKind::Webhook {
            let remedy = "write `token: { file: path }` beside it: one that may read and write issues";
            self.problem(Code::MissingField, &field("kind"), "issues are made by nobody who has no token", remedy);
        }
        for (at, label) in sink.labels.iter().enumerate() {
            if label.trim().is_empty() || label.contains(',') || label.len() > 50 {
                let remedy = "write up to 50 letters without a comma";
                self.problem(
                    Code::InvalidValue,
                    &field(&format!("labels.{at}")),
                    format!("`{label}` is no label"),
                    remedy,
                );
            }
        }
        let range = Duration::from_secs(1)..=TicketConfig::LONGEST;
        if !range.contains(&sink.timeout.0) {
            let message = format!("a time-out of {} makes no sense", sink.timeout);
            self.problem(Code::OutOfRange, &field("timeout"), message, "write `1s` to `20s`; `10s` is usual");
        }
    }
}

fn is_repository(text: &str) -> bool {
    let is_name = |name: &str| {
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        !name.is_empty() && name != "." && name != ".." && name.chars().all(is_part)
    };
    text.split_once('/').is_some_and(|(owner, name)| is_name(owner) && is_name(name))
}
