//! What of `alertmanager` cannot be, or does nothing.

use super::Checker;
use crate::diagnostics::Code;

impl Checker<'_> {
    pub(super) fn alertmanager(&mut self) {
        let Some(alertmanager) = &self.config.alertmanager else { return };
        self.url("alertmanager.url", &alertmanager.url, false);
        if alertmanager.auth.is_some() && alertmanager.url.starts_with("http://") {
            self.warnings.push("`alertmanager.auth` is sent over plain http; use https where others can listen".into());
        }
        let of_them = self.config.alertmanagers();
        let told = of_them.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        match &alertmanager.sources {
            None if of_them.is_empty() => self.warnings.push(
                "`alertmanager` keeps nothing quiet: no source is of the kind `alertmanager`; say so of the one whose alerts it knows"
                    .into(),
            ),
            None if of_them.len() > 1 => self.warnings.push(format!(
                "what `alertmanager` keeps quiet is kept quiet for all of {told}, and after an outage it is asked about the \
                 alerts of none; name those whose alerts it knows in `alertmanager.sources`"
            )),
            None => {}
            Some(named) => {
                for (n, name) in named.iter().enumerate().filter(|(_, name)| !of_them.contains(name)) {
                    let what = format!("`{name}` is no source of the kind `alertmanager`");
                    let remedy = if told.is_empty() { "add it to `sources`".into() } else { format!("write {told}") };
                    self.problem(Code::UnknownName, &format!("alertmanager.sources.{n}"), what, remedy);
                }
                if named.is_empty() {
                    let remedy = format!("write {told}, or leave it out");
                    self.problem(Code::NoValue, "alertmanager.sources", "it names no source", remedy);
                }
            }
        }
    }
}
