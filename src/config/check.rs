//! Contradictions between fields, and what they name but is not there.

mod alertmanager;
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
use std::time::Duration;

use super::error::{about, instead, odd_characters};
use super::{Config, ConfigError, SecretSource};
use crate::diagnostics::{Code, Diagnostic, Diagnostics};
use crate::model::{HumanDuration, LEASE_MARGIN, LEAST_LEASE, MUTATION_WITHIN};
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

    fn engine(&mut self) {
        let engine = &self.config.engine;
        if !(1..=256).contains(&engine.workers) {
            self.problem(
                Code::OutOfRange,
                "engine.workers",
                format!("{} workers make no sense", engine.workers),
                "write 1 to 256",
            );
        }
        // A call to the cluster must end before the lease does, and a mutation with a margin.
        let least = LEAST_LEASE.max(self.config.cluster.timeout.0 * 2);
        if engine.lease.0 < least {
            self.problem(Code::OutOfRange,
                "engine.lease",
                format!("a lease of {} may end before a change that was begun in it", engine.lease),
                format!(
                    "write at least `{}`: a change may take {}, as long again to find out what became of it, {} more are \
                     kept free, and a lease is at least twice `cluster.timeout`",
                    HumanDuration(least),
                    HumanDuration(MUTATION_WITHIN),
                    HumanDuration(LEASE_MARGIN)
                ),
            );
        }
        let is_name = |field: &str, name: &str| {
            // A namespace is called by one label.
            let (longest, has_dots) = if field == "namespace" { (63, false) } else { (253, true) };
            let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || (has_dots && c == '.');
            (1..=longest).contains(&name.len()) && name.chars().all(fits)
        };
        let freeze = &engine.freeze;
        let named = [("name", Some(&freeze.name)), ("namespace", freeze.namespace.as_ref())];
        for (field, name) in named.into_iter().filter_map(|(field, name)| Some((field, name?))) {
            if !is_name(field, name) {
                self.problem(
                    Code::InvalidName,
                    &format!("engine.freeze.{field}"),
                    format!("`{name}` cannot be the {field} of a ConfigMap"),
                    "write letters in lower case, digits, `-` and `.`: `dogwatch-freeze`",
                );
            }
        }
        if engine.limits.untouched.is_some() {
            self.problem(
                Code::InvalidValue,
                "engine.limits.untouched",
                "a share of a workload, of the nodes or of a zone that stays untouched is not built",
                "leave it out: no action of this version takes nodes or picks pods; `at_once` and `ramp` keep runs apart",
            );
        }
        if engine.limits.at_once.0 == Some(0) {
            let what = "`at_once: 0` would change nothing, and a limit is no switch";
            let remedy = "write `none` for no limit; to change nothing, `dogwatch freeze all` or `engine.autonomy_ceiling: suggest`";
            self.problem(Code::OutOfRange, "engine.limits.at_once", what, remedy);
        }
        if engine.limits.ramp.0.is_some_and(|ramp| ramp.0.is_zero()) {
            let what = "a ramp of no time is none";
            self.problem(Code::OutOfRange, "engine.limits.ramp", what, "write `none`, or a time such as `1h`");
        }
        if let (Some(ramp), Some(breaker)) = (engine.limits.ramp.0, engine.limits.breaker.0)
            && breaker.within <= ramp.0 * breaker.most.saturating_sub(1)
        {
            self.problem(
                Code::Contradiction,
                "engine.limits.breaker",
                format!(
                    "the ramp lets one run fail in {ramp}, so that {} never fail in {}",
                    breaker.most,
                    HumanDuration(breaker.within)
                ),
                "write a longer time, such as `3 per 24h`, or a shorter ramp",
            );
        }
        if engine.output_limit.0 < 1024 {
            self.problem(
                Code::OutOfRange,
                "engine.output_limit",
                format!("{} hold no evidence", engine.output_limit),
                "write at least `1KiB`; `64KiB` is usual",
            );
        }
        if engine.approval_timeout.0 < Duration::from_secs(60) {
            self.problem(
                Code::OutOfRange,
                "engine.approval_timeout",
                format!("nobody answers a question within {}", engine.approval_timeout),
                "write at least `1m`; `30m` is usual",
            );
        }
        let timeouts = [
            ("cluster.timeout", Some(self.config.cluster.timeout), 60),
            ("alertmanager.timeout", self.config.alertmanager.as_ref().map(|asked| asked.timeout), 60),
            ("prometheus.timeout", self.config.prometheus.as_ref().map(|prometheus| prometheus.timeout), 60),
            ("patroni.timeout", Some(self.config.patroni.timeout), 60),
        ];
        for (field, timeout, most) in timeouts {
            let range = Duration::from_secs(1)..=Duration::from_secs(most);
            if let Some(timeout) = timeout.filter(|timeout| !range.contains(&timeout.0)) {
                let remedy = format!("write `1s` to `{most}s`; `10s` is usual");
                self.problem(Code::OutOfRange, field, format!("a time-out of {timeout} makes no sense"), remedy);
            }
        }
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
        self.expect_folder("playbooks.dir", &config.playbooks.dir, "make it, or say where the playbooks are");
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
