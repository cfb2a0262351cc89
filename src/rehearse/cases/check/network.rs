//! What the network looks like in a case.

use serde_saphyr::Spanned;

use super::Check;
use crate::diagnostics::{Code, Location, list};
use crate::playbook::StepKind;
use crate::rehearse::cases::network::{NetworkAnswers, NetworkReply};

/// The actions that ask, and how what they ask begins.
const ASKING: [(&str, &str); 3] = [("dns.lookup", "dns "), ("tcp.connect", "tcp "), ("tls.inspect", "tls ")];

impl Check<'_> {
    pub(super) fn network_answers(&mut self, rules: &[Spanned<NetworkAnswers>]) {
        for rule in rules {
            let (at, rule): (Location, _) = (rule.referenced.into(), &rule.value);
            if rule.answers.is_empty() {
                let message = format!("nothing is answered to `{}`", rule.asked);
                let remedy = "write `answers: [{ open: true }]`, or `answers: [{ fails: no_answer }]`";
                self.error(Code::NoValue, self.source.find(at, "answers"), message, remedy);
            }
            for reply in &rule.answers {
                self.network_reply(rule, reply, at);
            }
            self.is_looked_at(rule, at);
        }
    }

    fn network_reply(&mut self, rule: &NetworkAnswers, reply: &NetworkReply, at: Location) {
        let said: Vec<&str> = [
            ("code", reply.code.is_some()),
            ("open", reply.open),
            ("certificate", reply.certificate.is_some()),
            ("fails", reply.fails.is_some()),
        ]
        .into_iter()
        .filter_map(|(field, is_said)| is_said.then_some(field))
        .collect();
        match said.as_slice() {
            [] => {
                let remedy = "write `code: NOERROR`, `open: true`, a `certificate`, or `fails: no_answer`";
                self.error(Code::NoValue, self.source.find(at, "answers"), "an answer says nothing", remedy);
            }
            [one] => {
                let wanted = ASKING
                    .iter()
                    .zip(["code", "open", "certificate"])
                    .find(|((_, begin), _)| rule.asked.starts_with(begin));
                if let Some(((action, _), field)) = wanted.filter(|(_, field)| one != field && *one != "fails") {
                    let message = format!("`{one}` is no answer to `{action}`");
                    let remedy = format!("write `{field}`, or `fails`");
                    self.error(Code::Contradiction, self.source.find(at, one), message, remedy);
                }
            }
            [first, second, ..] => {
                let message = format!("an answer is `{first}` or `{second}`, and not both");
                self.error(Code::Contradiction, self.source.find(at, second), message, "keep one of the two");
            }
        }
        if reply.code.is_none() && (!reply.records.is_empty() || reply.ttl.is_some()) {
            let field = if reply.records.is_empty() { "ttl" } else { "records" };
            let message = format!("`{field}` belongs to an answer of a name server");
            self.error(Code::MissingField, self.source.find(at, field), message, "write its `code` beside it");
        }
        let is_far = |days: &f64| !days.is_finite() || days.abs() > 36_500.0;
        if reply.certificate.as_ref().is_some_and(|shown| is_far(&shown.days_left)) {
            let place = self.source.find(at, "days_left");
            self.error(
                Code::OutOfRange,
                place,
                "`days_left` is beyond a hundred years",
                "write a number such as `12.5`",
            );
        }
    }

    /// Whether the playbook has a step that could ask it. Holes are filled at run time only: so the
    /// way of asking is all that is compared.
    fn is_looked_at(&mut self, rule: &NetworkAnswers, at: Location) {
        let Some(playbook) = self.playbook.filter(|playbook| playbook.hand_overs().next().is_none()) else { return };
        let actions: Vec<&str> = playbook
            .all_steps()
            .filter_map(|step| match &step.kind {
                StepKind::Action(action) => Some(action.describe().name()),
                _ => None,
            })
            .collect();
        let fits = |(action, begin): &(&str, &str)| {
            actions.contains(action)
                && (rule.asked.starts_with(begin) || !ASKING.iter().any(|(_, other)| rule.asked.starts_with(other)))
        };
        if !ASKING.iter().any(fits) {
            let message = format!("no step of the playbook `{}` asks `{}`", playbook.name, rule.asked);
            let remedy = format!(
                "take it away, or add a step with one of {}",
                list(ASKING.map(|(action, _)| action).into_iter())
            );
            self.error(Code::UnknownName, self.source.find(at, &rule.asked), message, remedy);
        }
    }
}
