//! Contradictions between fields, and what they name but is not there.

mod alertmanager;
mod engine;
mod http;
mod network;
mod people;
mod reach;
mod sources;
mod sql;
mod tickets;
mod watches;
mod words;

use std::collections::BTreeMap;
use std::path::Path;

use super::error::{about, instead, odd_characters};
use super::{Config, ConfigError, SecretSource};
use crate::diagnostics::{Code, Diagnostic, Diagnostics};
use crate::files;
use crate::notify::{Finding, Findings};
use crate::patroni::Scheme;

impl Config {
    /// Looks at the configuration as a whole and at what it names: files, folders, secrets. Gives back what an operator
    /// should know although it works.
    ///
    /// # Errors
    /// With everything that is wrong, not just the first.
    pub fn check(&self) -> Result<Vec<String>, ConfigError> {
        let mut checker = Checker { config: self, problems: Vec::new(), warnings: Vec::new() };
        checker.server();
        checker.sources();
        checker.secrets();
        checker.pages();
        checker.tickets();
        checker.discord();
        checker.prometheus();
        checker.patroni();
        checker.take(Code::InvalidValue, "actions", self.actions.findings());
        checker.take(Code::InvalidValue, "exec", self.exec.findings());
        checker.sql();
        checker.http();
        checker.network();
        checker.alertmanager();
        checker.cluster();
        checker.severities();
        checker.tiers();
        checker.labels();
        checker.engine();
        checker.people();
        checker.log();
        checker.files();
        if checker.problems.is_empty() {
            return Ok(checker.warnings);
        }
        // In the order of the file; what stands nowhere in it comes last.
        checker.problems.sort_by_key(|problem| problem.place.as_ref().map_or((u64::MAX, 0), |at| (at.line, at.column)));
        Err(ConfigError::Wrong(Diagnostics(checker.problems)))
    }

    /// What in the file shows its reader something else than it says, each with its place.
    pub fn odd_characters(&self) -> Vec<Diagnostic> {
        odd_characters(&self.source)
    }

    /// All secrets that it names, each with the name of its field.
    fn secrets(&self) -> Vec<(String, &SecretSource)> {
        let mut secrets = Vec::new();
        secrets.extend(self.server.webhook_auth.as_ref().map(|auth| auth.secret("server.webhook_auth")));
        for (n, source) in self.sources.iter().enumerate() {
            secrets.extend(source.auth.as_ref().map(|auth| auth.secret(&format!("sources.{n}.auth"))));
        }
        let prometheus = self.prometheus.as_ref().and_then(|prometheus| prometheus.auth.as_ref());
        secrets.extend(prometheus.map(|auth| auth.secret("prometheus.auth")));
        secrets.extend(self.patroni.auth.as_ref().map(|auth| auth.secret("patroni.auth")));
        for (n, host) in self.http.hosts.iter().enumerate() {
            secrets.extend(host.auth.as_ref().map(|auth| auth.secret(&format!("http.hosts.{n}.auth"))));
        }
        let alertmanager = self.alertmanager.as_ref().and_then(|alertmanager| alertmanager.auth.as_ref());
        secrets.extend(alertmanager.map(|auth| auth.secret("alertmanager.auth")));
        for (n, token) in self.server.api_tokens.iter().enumerate() {
            secrets.push((format!("server.api_tokens.{n}.token"), &token.token));
        }
        if let Some(discord) = &self.chat.discord {
            secrets.push(("chat.discord.token".to_owned(), &discord.token));
        }
        for (sink, settings) in self.pages.configured() {
            let of_sink = settings.secrets().into_iter();
            secrets.extend(of_sink.map(|(field, secret)| (format!("pages.{sink}.{field}"), secret)));
        }
        for (n, sink) in self.tickets.iter().enumerate() {
            secrets.extend(sink.token.as_ref().map(|token| (format!("tickets.{n}.token"), token)));
        }
        secrets
    }
}

struct Checker<'a> {
    config: &'a Config,
    problems: Vec<Diagnostic>,
    warnings: Vec<String>,
}

impl Checker<'_> {
    /// The text of a file that a field names; where it cannot be read, that is told.
    fn text_of(&mut self, field: &str, path: &Path) -> Option<String> {
        match files::read_text(path, files::DOCUMENT) {
            Ok(text) => Some(text),
            Err(error) => {
                let message = format!("{} cannot be read: {error}", path.display());
                self.problem(Code::MissingPath, field, message, "put it there, or name another file");
                None
            }
        }
    }

    fn problem(&mut self, code: Code, field: &str, message: impl Into<String>, remedy: impl Into<String>) {
        self.problems.push(about(&self.config.source, code, field, message.into(), remedy.into()));
    }

    fn server(&mut self) {
        let server = &self.config.server;
        if server.health_listen.is_some_and(|health| health.port() != 0 && health.port() == server.listen.port()) {
            self.problem(
                Code::Contradiction,
                "server.health_listen",
                "the port is that of `server.listen`, which serves health and metrics anyway",
                "write another port, such as `0.0.0.0:8081`, or take the line out",
            );
        }
        if let Some(public_url) = &server.public_url
            && self.url("server.public_url", public_url, true).is_some()
            && public_url.contains(['?', '#'])
        {
            let remedy = "write where the server begins: `https://dogwatch.example.com`";
            self.problem(
                Code::InvalidUrl,
                "server.public_url",
                "the URL ends with a question or a part of a page",
                remedy,
            );
        }
        if server.body_limit.0 < 64 * 1024 {
            self.problem(
                Code::OutOfRange,
                "server.body_limit",
                format!("a body of {} is too small for a group of alerts", server.body_limit),
                "write `32MiB`: a group of 10,000 alerts is 5 MiB",
            );
        }
        if server.api_tokens.is_empty() {
            self.warnings.push("`server.api_tokens` is empty: `dogwatch ack` and the like will be refused".into());
        }
        let mut names: BTreeMap<&str, usize> = BTreeMap::new();
        for (n, token) in server.api_tokens.iter().enumerate() {
            if token.name.trim().is_empty() {
                self.problem(
                    Code::NoValue,
                    &format!("server.api_tokens.{n}.name"),
                    "a token without a name",
                    "write who holds it: the name stands on the timeline",
                );
            } else if names.insert(&token.name, n).is_some() {
                self.problem(
                    Code::DuplicateName,
                    &format!("server.api_tokens.{n}.name"),
                    format!("two tokens are named `{}`", token.name),
                    "give each its own name: it says on the timeline who did what",
                );
            }
        }
    }

    fn secrets(&mut self) {
        let mut tokens: BTreeMap<String, String> = BTreeMap::new();
        for (field, secret) in self.config.secrets() {
            self.warnings.extend(secret.warning());
            let value = match secret.read() {
                Ok(value) => value,
                Err(error) => {
                    let text = error.to_string();
                    let (message, remedy) = text.rsplit_once("; ").unwrap_or((&text, ""));
                    self.problem(Code::InvalidSecret, &field, message, remedy);
                    continue;
                }
            };
            if !field.starts_with("server.") && !field.starts_with("sources.") {
                continue;
            }
            // Who guesses has all the time of the world.
            if value.expose().len() < 16 {
                self.warnings.push(format!(
                    "the secret of `{field}` is shorter than 16 characters; make one with `openssl rand -hex 32`"
                ));
            }
            if field.starts_with("server.api_tokens.")
                && let Some(other) = tokens.insert(value.expose().to_owned(), field.clone())
            {
                self.problem(
                    Code::InvalidSecret,
                    &field,
                    format!("the same secret as `{other}`: nobody could tell who asks"),
                    "make another one, for example with `openssl rand -hex 32`",
                );
            }
        }
    }

    fn prometheus(&mut self) {
        let Some(prometheus) = &self.config.prometheus else { return };
        self.url("prometheus.url", &prometheus.url, false);
        if prometheus.auth.is_some() && prometheus.url.starts_with("http://") {
            self.warnings.push("`prometheus.auth` is sent over plain http; use https where others can listen".into());
        }
    }

    fn patroni(&mut self) {
        let patroni = &self.config.patroni;
        if patroni.auth.is_some() && patroni.scheme == Scheme::Http {
            self.warnings.push(
                "`patroni.auth` is sent over plain http; set `patroni.scheme: https` where others can listen".into(),
            );
        }
        if patroni.port == 0 {
            let remedy = "write the port of `restapi.connect_address`; Patroni's own is 8008";
            self.problem(Code::OutOfRange, "patroni.port", "nobody listens on port 0", remedy);
        }
    }

    /// The host of an URL that is one; `secure`: https, except on this machine.
    fn url(&mut self, field: &str, url: &str, secure: bool) -> Option<String> {
        let mut findings = Findings::default();
        let host = findings.host("", url, secure);
        self.take(Code::InvalidUrl, field, findings);
        host
    }

    /// What a part of the configuration says of itself. `section`: where it stands.
    fn take(&mut self, code: Code, section: &str, findings: Findings) {
        for Finding { field, message, remedy } in findings.problems {
            let field = if field.is_empty() { section.to_owned() } else { format!("{section}.{field}") };
            self.problem(code, &field, message, remedy);
        }
        self.warnings.extend(findings.warnings);
    }

    fn log(&mut self) {
        const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
        let level = &self.config.log.level;
        // A word alone would be taken for the name of a module, all of whose lines are shown, and
        // no others.
        let unknown = level.split(',').map(str::trim).find_map(|part| {
            let word = part.rsplit_once('=').map_or(part, |(_, word)| word).trim();
            let known = LEVELS.iter().any(|known| known.eq_ignore_ascii_case(word));
            (!known).then(|| word.to_owned())
        });
        if let Some(word) = unknown {
            let remedy = format!("{}; for one module `info,dogwatch::engine=debug`", instead(&word, &LEVELS));
            self.problem(Code::UnknownValue, "log.level", format!("`{word}` is no level"), remedy);
        } else if let Err(error) = tracing_subscriber::EnvFilter::builder().parse(level) {
            self.problem(
                Code::UnknownValue,
                "log.level",
                format!("`{level}` is no level: {error}"),
                "write `error`, `warn`, `info`, `debug` or `trace`, or `info,dogwatch::engine=debug`",
            );
        }
    }

    fn files(&mut self) {
        let config = self.config;
        self.expect_file("oncall.file", &config.oncall.file, "write it, or say where it is");
        if let Some(template) = &config.handoff.template {
            self.expect_file(
                "handoff.template",
                template,
                "say where it is, or take the line out for the built-in one",
            );
        }
        if config.handoff.dir.exists() {
            self.expect_folder("handoff.dir", &config.handoff.dir, "name a folder: it is made if it is missing");
        }
        if let Some(kubeconfig) = &config.cluster.kubeconfig {
            self.expect_file("cluster.kubeconfig", kubeconfig, "say where it is");
        }
        if let Some(dir) = config.playbooks.dir() {
            let remedy = "make it, or say where the playbooks are; `catalogue: shipped` has those count that come with the program";
            self.expect_folder("playbooks.dir", &dir, remedy);
        }
        if let Some(folder) = config.store.sqlite.parent() {
            self.expect_folder("store.sqlite", folder, "make the folder: the database is created in it");
        }
    }

    fn expect_file(&mut self, field: &str, path: &Path, remedy: &str) {
        if !path.is_file() {
            self.problem(Code::MissingPath, field, format!("{} is not there or no file", path.display()), remedy);
        }
    }

    fn expect_folder(&mut self, field: &str, path: &Path, remedy: &str) {
        if !path.is_dir() && !path.as_os_str().is_empty() {
            self.problem(Code::MissingPath, field, format!("{} is not there or no folder", path.display()), remedy);
        }
    }
}
