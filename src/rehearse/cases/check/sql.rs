//! What databases answer in a case.

use serde_saphyr::Spanned;

use super::Check;
use crate::diagnostics::{Code, Location, list};
use crate::playbook::StepKind;
use crate::rehearse::cases::sql::{SqlAnswers, SqlReply};

impl Check<'_> {
    pub(super) fn sql_answers(&mut self, rules: &[Spanned<SqlAnswers>]) {
        for rule in rules {
            let (at, rule): (Location, _) = (rule.referenced.into(), &rule.value);
            if rule.answers.is_empty() {
                let message = format!("nothing is answered to `{}`", rule.statement);
                let remedy = "write `answers: [{ rows: [] }]`, or `answers: [{ fails: no_answer }]`";
                self.error(Code::NoValue, self.source.find(at, "answers"), message, remedy);
            }
            for SqlReply { rows, fails } in &rule.answers {
                if rows.is_some() == fails.is_some() {
                    let message = if fails.is_some() { "what fails has no rows" } else { "an answer says nothing" };
                    let remedy = "write `rows`, which may be `[]`, or `fails: no_answer`, and one of the two";
                    self.error(Code::Contradiction, self.source.find(at, "answers"), message, remedy);
                }
            }
            self.is_asked_by_name(rule, at);
        }
    }

    /// Whether the playbook asks that statement; what goes on behind a hand-over may ask others.
    fn is_asked_by_name(&mut self, rule: &SqlAnswers, at: Location) {
        let Some(playbook) = self.playbook.filter(|playbook| playbook.hand_overs().next().is_none()) else { return };
        let asked: Vec<String> = playbook
            .all_steps()
            .filter_map(|step| match &step.kind {
                StepKind::Action(action) if action.describe().name() == "sql.query" => {
                    let arguments = action.describe().args();
                    let (_, statement) = arguments.into_iter().find(|(name, _)| *name == "statement")?;
                    statement.text().map(|(statement, _)| statement.to_owned())
                }
                _ => None,
            })
            .collect();
        if asked.contains(&rule.statement) {
            return;
        }
        let message = format!("no `sql.query` of the playbook `{}` asks `{}`", playbook.name, rule.statement);
        let remedy = match asked.as_slice() {
            [] => "take it away, or add a step with `sql.query`".to_owned(),
            asked => format!("write one of {}", list(asked.iter().map(String::as_str))),
        };
        self.error(Code::UnknownName, self.source.find(at, &rule.statement), message, remedy);
    }
}
