//! `pages.email`: the mail server, who writes, and to whom.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use lettre::Address;
use lettre::message::Mailbox;
use lettre::transport::smtp::client::Certificate;
use serde::Deserialize;

use super::{EmailOptions, EmailSink, EmailTls};
use crate::files;
use crate::model::HumanDuration;
use crate::notify::Sink;
use crate::notify::settings::{BuildError, Findings, SinkSettings};
use crate::proxy::is_loopback;
use crate::secret::SecretSource;

/// A mail server.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EmailSettings {
    /// Its name, by which its certificate is checked.
    pub server: String,
    /// 465 for `required`, 587 for `starttls`, 25 for `none`.
    #[serde(default)]
    pub port: Option<u16>,
    #[serde(default = "required")]
    pub tls: EmailTls,
    /// Certificates in PEM that vouch for it, where those of the system do not.
    #[serde(default)]
    pub ca: Option<PathBuf>,
    #[serde(default)]
    pub username: Option<String>,
    #[serde(default)]
    pub password: Option<SecretSource>,
    /// `dogwatch@example.org`, or `Dogwatch <dogwatch@example.org>`.
    pub from: String,
    /// Who gets what is for nobody else.
    #[serde(default)]
    pub to: Vec<String>,
    /// How long all mails of a page may take.
    #[serde(default = "HumanDuration::ten_seconds")]
    pub timeout: HumanDuration,
}

fn required() -> EmailTls {
    EmailTls::Required
}

impl EmailSettings {
    /// From whom, and to whom besides those of `oncall.yaml`; what is none is left out.
    fn people(&self) -> (Option<Mailbox>, Vec<Address>) {
        (self.from.parse().ok(), self.to.iter().filter_map(|to| to.parse().ok()).collect())
    }
}

impl SinkSettings for EmailSettings {
    fn secrets(&self) -> Vec<(String, &SecretSource)> {
        self.password.iter().map(|password| ("password".to_owned(), password)).collect()
    }

    fn anchor(&mut self, base: &Path) {
        self.password.iter_mut().for_each(|password| password.anchor(base));
        self.ca.iter_mut().for_each(|ca| *ca = base.join(&ca));
    }

    fn check(&self, findings: &mut Findings) {
        let is_address = self.server.parse::<std::net::IpAddr>().is_ok();
        if self.server.is_empty() || (self.server.contains([':', '/', ' ', '@']) && !is_address) {
            findings.problem(
                "server",
                "this is no name of a server",
                "write the name alone, such as `smtp.example.org`, and its port into `port`",
            );
        }
        if self.tls == EmailTls::None && !is_loopback(&self.server) {
            findings.problem(
                "tls",
                format!("mails to `{}` without TLS can be read and changed on their way", self.server),
                "write `required` or `starttls`; `none` is for a server on this machine",
            );
        }
        match (&self.username, &self.password) {
            (Some(_), None) => {
                findings.problem("username", "there is no password to it", "write `password: { file: smtp-password }`");
            }
            (None, Some(_)) => findings.problem("password", "nobody has it", "write its `username`"),
            (Some(_), Some(_)) | (None, None) => {}
        }
        if self.from.parse::<Mailbox>().is_err() {
            findings.problem("from", "this is no e-mail address", "write one such as `dogwatch@example.org`");
        }
        for (n, to) in self.to.iter().enumerate() {
            if to.parse::<Address>().is_err() {
                let field = format!("to.{n}");
                findings.problem(&field, "this is no e-mail address", "write one such as `on-call@example.org`");
            }
        }
        if self.to.is_empty() {
            findings.warnings.push(
                "`pages.email.to` is empty: a mail reaches only those who have an `email` in oncall.yaml, or whose team has"
                    .to_owned(),
            );
        }
        findings.timeout("timeout", self.timeout);
    }

    fn build(&self) -> Result<Arc<dyn Sink>, BuildError> {
        let (from, to) = self.people();
        let from = from.ok_or_else(|| BuildError::Other("`from` is no e-mail address".to_owned()))?;
        let ca = match &self.ca {
            None => Vec::new(),
            Some(path) => {
                let unusable =
                    |why: String| BuildError::Other(format!("the certificates in {}: {why}", path.display()));
                let text = files::read_text(path, files::DOCUMENT).map_err(|error| unusable(error.to_string()))?;
                vec![Certificate::from_pem(text.as_bytes()).map_err(|error| unusable(error.to_string()))?]
            }
        };
        let password = self.password.as_ref().map(SecretSource::read).transpose()?;
        Ok(Arc::new(EmailSink::new(EmailOptions {
            server: self.server.clone(),
            port: self.port.unwrap_or_else(|| self.tls.port()),
            tls: self.tls,
            ca,
            login: self.username.clone().zip(password),
            from,
            to,
            timeout: self.timeout.0,
        })?))
    }
}
