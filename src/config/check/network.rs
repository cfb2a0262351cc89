//! What playbooks may look at on the network.

use super::Checker;
use crate::diagnostics::Code;
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
        if let Some(pem) = self.text_of("network.ca_file", path)
            && let Err(why) = authorities(Some(&pem))
        {
            let message = format!("{} holds no certificates: {why}", path.display());
            let remedy = "write them as PEM: `-----BEGIN CERTIFICATE-----`";
            self.problem(Code::InvalidValue, "network.ca_file", message, remedy);
        }
    }
}
