//! Which services playbooks may read.

use std::collections::BTreeMap;

use super::Checker;
use crate::diagnostics::Code;
use crate::web::{Authorities, Origin, why_refused};

impl Checker<'_> {
    pub(super) fn http(&mut self) {
        let mut seen: BTreeMap<Origin, usize> = BTreeMap::new();
        for (n, host) in self.config.http.hosts.iter().enumerate() {
            let field = |name: &str| format!("http.hosts.{n}.{name}");
            let origin = match Origin::parse(&host.url) {
                Ok(origin) => origin,
                Err(wrong) => {
                    let (message, remedy) = wrong.split_once("; ").unwrap_or((&wrong, ""));
                    self.problem(Code::InvalidUrl, &field("url"), message, remedy);
                    continue;
                }
            };
            if let Some(why) = origin.address().and_then(why_refused) {
                let message = format!("{origin} is {why}, which is never asked");
                self.problem(Code::InvalidUrl, &field("url"), message, "take it out, or name the service itself");
            }
            if host.auth.is_some() && !origin.is_https() {
                let field = field("auth");
                self.warnings.push(format!("`{field}` is sent over plain http; use https where others can listen"));
            }
            if let Some(path) = &host.ca_file {
                let place = path.display();
                if !origin.is_https() {
                    let message = format!("nobody shows a certificate over {origin}");
                    self.problem(Code::Contradiction, &field("ca_file"), message, "write `https`, or take it out");
                }
                if let Some(pem) = self.text_of(&field("ca_file"), path)
                    && let Err(why) = Authorities::parse(&pem)
                {
                    let message = format!("{place} holds no certificates: {why}");
                    let remedy = "write them as PEM: `-----BEGIN CERTIFICATE-----`";
                    self.problem(Code::InvalidValue, &field("ca_file"), message, remedy);
                }
            }
            let told = origin.to_string();
            if let Some(other) = seen.insert(origin, n) {
                let message = format!("{told} stands in `http.hosts.{other}` as well");
                self.problem(Code::DuplicateName, &field("url"), message, "keep one of the two");
            }
        }
    }
}
