//! What playbooks may look at on the network.

use super::Checker;
use crate::diagnostics::Code;
use crate::files;
use crate::network::{HostPattern, authorities};
use crate::web::why_refused;

impl Checker<'_> {
    pub(super) fn network(&mut self) {
        for (n, host) in self.config.network.hosts.iter().enumerate() {
            let field = format!("network.hosts.{n}");
            match host.parse::<HostPattern>() {
                Err(wrong) => {
                    let (message, remedy) = wrong.split_once("; ").unwrap_or((&wrong, ""));
                    self.problem(Code::InvalidValue, &field, message, remedy);
                }
                Ok(pattern) => {
                    if let Some(why) = pattern.address().and_then(why_refused) {
                        let message = format!("{pattern} is {why}, which is never looked at");
                        self.problem(Code::InvalidValue, &field, message, "take it out");
                    }
                }
            }
        }
        let Some(path) = &self.config.network.ca_file else { return };
        let place = path.display();
        let pem = match files::read_text(path, files::DOCUMENT) {
            Ok(pem) => pem,
            Err(error) => {
                let message = format!("{place} cannot be read: {error}");
                return self.problem(
                    Code::MissingPath,
                    "network.ca_file",
                    message,
                    "put it there, or name another file",
                );
            }
        };
        if let Err(why) = authorities(Some(&pem)) {
            let message = format!("{place} holds no certificates: {why}");
            let remedy = "write them as PEM: `-----BEGIN CERTIFICATE-----`";
            self.problem(Code::InvalidValue, "network.ca_file", message, remedy);
        }
    }
}
