//! What services answer in a case.

use serde_saphyr::Spanned;

use super::Check;
use crate::diagnostics::{Code, Location};
use crate::playbook::{Playbook, StepKind};
use crate::rehearse::cases::document::{WebAnswers, WebReply};

impl Check<'_> {
    pub(super) fn web_answers(&mut self, rules: &[Spanned<WebAnswers>]) {
        for rule in rules {
            let (at, rule): (Location, _) = (rule.referenced.into(), &rule.value);
            if rule.answers.is_empty() {
                let message = format!("nothing is answered to `{}`", rule.url);
                let remedy = "write `answers: [{ json: { ... } }]`, or `answers: [{ fails: no_answer }]`";
                self.error(Code::NoValue, self.source.find(at, "answers"), message, remedy);
            }
            for reply in &rule.answers {
                self.reply(reply, at);
            }
            // What goes on behind a hand-over may ask other services.
            if let Some(playbook) = self.playbook.filter(|playbook| playbook.hand_overs().next().is_none()) {
                self.is_asked(playbook, rule, at);
            }
        }
    }

    fn reply(&mut self, reply: &WebReply, at: Location) {
        let WebReply { status, json, text, location, truncated, fails } = reply;
        let says = status.is_some() || json.is_some() || text.is_some() || location.is_some() || *truncated;
        if fails.is_some() && says {
            let message = "a request that fails has no answer";
            self.error(
                Code::Contradiction,
                self.source.find(at, "fails"),
                message,
                "keep `fails` alone, or take it out",
            );
        } else if json.is_some() && text.is_some() {
            let message = "a body is `json` or `text`, and not both";
            self.error(Code::Contradiction, self.source.find(at, "text"), message, "keep one of the two");
        } else if fails.is_none() && !says {
            let message = "an answer says nothing";
            let remedy = "write its `status`, `json` or `text`, or `fails: no_answer`";
            self.error(Code::NoValue, self.source.find(at, "answers"), message, remedy);
        }
        if let Some(wrong) = status.filter(|status| !(100..=599).contains(status)) {
            let place = self.source.find(at, "status");
            self.error(Code::OutOfRange, place, format!("{wrong} is no status of HTTP"), "write `200`, or 100 to 599");
        }
    }

    /// What values put into a URL is not known here: only what stands beside it is compared.
    fn is_asked(&mut self, playbook: &Playbook, rule: &WebAnswers, at: Location) {
        let urls: Vec<String> = playbook
            .all_steps()
            .filter_map(|step| match &step.kind {
                StepKind::Action(action) if action.describe().origin().is_some() => {
                    let arguments = action.describe().args();
                    let (_, url) = arguments.into_iter().find(|(name, _)| *name == "url")?;
                    url.text().map(|(url, _)| url.to_owned())
                }
                _ => None,
            })
            .collect();
        if urls.iter().any(|url| url.contains("{{") || url.contains(&rule.url)) {
            return;
        }
        let place = self.source.find(at, &rule.url);
        let (message, remedy) = match urls.as_slice() {
            [] => {
                let message = format!("the playbook `{}` asks nothing over HTTP", playbook.name);
                (message, "take it away, or add a step with `http.request`".to_owned())
            }
            urls => {
                let message =
                    format!("no `http.request` of the playbook `{}` has `{}` in its URL", playbook.name, rule.url);
                (message, format!("write a part of {}", crate::diagnostics::list(urls.iter().map(String::as_str))))
            }
        };
        self.error(Code::UnknownName, place, message, remedy);
    }
}
