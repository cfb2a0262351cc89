//! `sql`: how PostgreSQL is asked in the pods of databases.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::anchor;
use crate::secret::SecretSource;
use crate::sql::{Endable, PORT, Password, Ssl, Template};

/// Only what playbooks with `sql.*` need. Left out: they fail, and say so.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SqlConfig {
    /// The role that asks, in all databases: a member of `pg_monitor`, and of nothing that may
    /// write.
    pub user: Option<String>,
    /// Where its password lies. Left out: none is sent, as with a client certificate.
    pub password: Option<PasswordConfig>,
    /// Where PostgreSQL listens in each pod.
    pub port: u16,
    /// Which database is asked where a step names none.
    pub database: String,
    /// Whether a pod's address may be one of the bot's own machine: only to try it out beside its
    /// databases. Else whoever can write a pod's status has the password sent to what listens
    /// there.
    pub loopback: bool,
    /// How much a server must prove. Below `verify-ca`, whoever can make a pod that looks like a
    /// database's may get the password.
    pub ssl: Ssl,
    /// Who has signed the servers' certificates (PEM).
    pub ca_file: Option<PathBuf>,
    /// A certificate of ours (PEM), beside `key_file`.
    pub cert_file: Option<PathBuf>,
    /// Its key (PEM).
    pub key_file: Option<PathBuf>,
    /// Statements of this site, by their names; playbooks ask them as `site.NAME`. Each is one
    /// SELECT without a semicolon.
    pub statements: BTreeMap<String, String>,
    /// Whose sessions playbooks may end (`sql.terminate`): by each database its roles. Left out:
    /// nobody's. The role of `user` must then be a member of `pg_signal_backend`, too.
    pub terminate: Vec<EndableConfig>,
}

/// The roles whose sessions in one database may be ended.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EndableConfig {
    /// Of which database.
    pub database: String,
    /// Whose; a superuser's are never ended.
    pub roles: Vec<String>,
}

impl Default for SqlConfig {
    fn default() -> Self {
        Self {
            user: None,
            password: None,
            port: PORT,
            database: "postgres".into(),
            loopback: false,
            ssl: Ssl::default(),
            ca_file: None,
            cert_file: None,
            key_file: None,
            statements: BTreeMap::new(),
            terminate: Vec::new(),
        }
    }
}

/// One of these: the same for all (`file`, `env`), a file for each (`files`), or a program.
#[derive(Debug, Clone, Default, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PasswordConfig {
    /// A file with the password for all databases.
    pub file: Option<PathBuf>,
    /// An environment variable with it.
    pub env: Option<String>,
    /// A file for each database: a path with `{namespace}`, `{cluster}` or `{pod}`.
    pub files: Option<String>,
    /// A program that prints the password for a database within 5 s, with its arguments, in which
    /// `{namespace}`, `{cluster}` and `{pod}` are put in. There is no shell.
    pub command: Option<Vec<String>>,
}

impl PasswordConfig {
    /// # Errors
    /// When it is none of the ways, several, or one with a hole that is not known.
    pub fn password(&self) -> Result<Password, String> {
        let ways = [self.file.is_some(), self.env.is_some(), self.files.is_some(), self.command.is_some()];
        if ways.iter().filter(|is_given| **is_given).count() != 1 {
            return Err("a password comes from one of `file`, `env`, `files` and `command`".into());
        }
        Ok(match (&self.file, &self.env, &self.files, &self.command) {
            (Some(file), ..) => Password::Same(SecretSource::File(file.clone())),
            (_, Some(name), ..) => Password::Same(SecretSource::Env(name.clone())),
            (_, _, Some(files), _) => Password::File(files.parse::<Template>()?),
            (.., words) => {
                let words =
                    words.iter().flatten().map(|word| word.parse::<Template>()).collect::<Result<Vec<_>, _>>()?;
                if words.is_empty() {
                    return Err("`command` is empty".into());
                }
                Password::Command(words)
            }
        })
    }
}

impl SqlConfig {
    pub fn endable(&self) -> Endable {
        let databases = self.terminate.iter().map(|of| (of.database.clone(), of.roles.clone()));
        if self.terminate.is_empty() { Endable::Off } else { Endable::Of(databases.collect()) }
    }

    pub(super) fn anchor(&mut self, base: &Path) {
        for path in [&mut self.ca_file, &mut self.cert_file, &mut self.key_file].into_iter().flatten() {
            anchor(base, path);
        }
        let Some(password) = &mut self.password else { return };
        if let Some(path) = &mut password.file {
            anchor(base, path);
        }
        if let Some(files) = &mut password.files {
            *files = base.join(&files).to_string_lossy().into_owned();
        }
        if let Some(program) =
            password.command.as_mut().and_then(|words| words.first_mut()).filter(|word| word.contains('/'))
        {
            *program = base.join(&program).to_string_lossy().into_owned();
        }
    }
}
