//! Whether anybody can be reached, and how.

use super::Checker;
use crate::config::PageSink;
use crate::diagnostics::Code;
use crate::notify::Findings;

impl Checker<'_> {
    pub(super) fn pages(&mut self) {
        let (pages, chat) = (&self.config.pages, &self.config.chat);
        let order = pages.order(chat);
        if order.is_empty() {
            self.problem(
                Code::NoPage,
                "pages.sinks",
                "a page would reach nobody",
                "write at least one, such as `[console]`",
            );
        }
        let mut named = Vec::new();
        for (n, entry) in order.iter().enumerate() {
            let field = format!("pages.sinks.{n}");
            if entry.is_empty() {
                self.problem(
                    Code::NoValue,
                    &field,
                    "an entry names no sink",
                    "take it out, or write such as `[pagerduty, slack]`",
                );
            }
            named.extend(entry.iter().map(|sink| (field.clone(), *sink)));
        }
        for (n, (field, sink)) in named.iter().enumerate() {
            if named.iter().take(n).any(|(_, earlier)| earlier == sink) {
                self.problem(
                    Code::DuplicateName,
                    field,
                    format!("`{sink}` stands in the list twice"),
                    "keep the first",
                );
            }
            if pages.has(*sink, chat) {
                continue;
            }
            let missing = if *sink == PageSink::DISCORD { "chat.discord".to_owned() } else { format!("pages.{sink}") };
            self.problem(
                Code::UnknownName,
                field,
                format!("pages go to `{sink}`, which is not configured"),
                format!("write the section `{missing}`, or take `{sink}` out of the list"),
            );
        }
        if !named.is_empty() && named.iter().all(|(_, sink)| *sink == PageSink::CONSOLE) {
            self.warnings.push(
                "pages go to the console alone, and reach whoever happens to look at it; configure `chat.discord` or one \
                 of the sinks of `pages`, such as `pages.pagerduty`, `pages.slack` or `pages.email`"
                    .into(),
            );
        }
        let of_teams = pages.team_budgets.iter().map(|(team, budget)| (format!("pages.team_budgets.{team}"), *budget));
        for (field, budget) in std::iter::once(("pages.budget".to_owned(), pages.budget)).chain(of_teams) {
            if let Some((within, message, remedy)) = budget.problem() {
                self.problem(Code::OutOfRange, &format!("{field}.{within}"), message, remedy);
            }
        }
        for (sink, settings) in pages.configured() {
            let mut findings = Findings::default();
            settings.check(&mut findings);
            self.take(Code::InvalidSink, &format!("pages.{sink}"), findings);
            if pages.sinks.is_some() && !named.iter().any(|(_, named)| named.name() == sink) {
                self.warnings.push(format!(
                    "`pages.{sink}` is configured, but `pages.sinks` does not name it: only those whose `contacts` in the \
                     on-call file name it are called there"
                ));
            }
        }
    }

    pub(super) fn discord(&mut self) {
        let chat = &self.config.chat;
        if chat.discord.is_none() && !chat.uses_console() {
            self.warnings.push(
                "nobody is told of incidents or asked for approvals: a run that asks waits for its time to answer, and \
                 escalates; configure `chat.discord`, or write `chat: { console: on }`"
                    .into(),
            );
        }
        let Some(discord) = &chat.discord else { return };
        if discord.roles.responder.is_empty() && discord.roles.admin.is_empty() {
            self.warnings.push(
                "`chat.discord.roles` names no role: people can look on Discord, but not acknowledge or approve".into(),
            );
        }
        if let Some(base) = &discord.api_url {
            self.url("chat.discord.api_url", base, true);
        }
    }
}
