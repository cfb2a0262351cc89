//! What is known of an answer while some of the names have no value yet.

use cel::common::ast::{Expr, IdedExpr, operators};
use cel::{Context, Value};
use chrono::DateTime;

use super::{Expression, names};
use crate::language::Scope;

/// The answers that a part may have.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Answers {
    yes: bool,
    no: bool,
    /// None: an error.
    none: bool,
}

const NEVER: Answers = Answers { yes: false, no: false, none: false };
const ANY: Answers = Answers { yes: true, no: true, none: true };
const YES: Answers = Answers { yes: true, ..NEVER };
const NO: Answers = Answers { no: true, ..NEVER };
const NONE: Answers = Answers { none: true, ..NEVER };

impl Answers {
    fn or(self, other: Self) -> Self {
        Self { yes: self.yes || other.yes, no: self.no || other.no, none: self.none || other.none }
    }
}

impl Expression {
    /// Whether it holds, whatever the values are that nobody knows; `None`: that depends on them.
    /// What can only end in an error does not hold. `is_known`: whether `scope` says what stands at
    /// a path, name and fields, or that nothing does.
    pub fn decided(&self, scope: &Scope, is_known: &dyn Fn(&[String]) -> bool) -> Option<bool> {
        // What cannot be looked at decides nothing.
        let context = self.context(scope, DateTime::UNIX_EPOCH).ok()?;
        let answers = answers(&self.0.program, &context, is_known);
        if answers == YES { Some(true) } else { (!answers.yes).then_some(false) }
    }
}

fn answers(part: &IdedExpr, context: &Context<'_, '_>, is_known: &dyn Fn(&[String]) -> bool) -> Answers {
    let of = |part: &IdedExpr| answers(part, context, is_known);
    if let Expr::Call(call) = &part.expr
        && call.target.is_none()
    {
        match (call.func_name.as_str(), call.args.as_slice()) {
            (operators::LOGICAL_NOT, [not]) => {
                let Answers { yes, no, none } = of(not);
                return Answers { yes: no, no: yes, none };
            }
            // `&&` and `||` are this, too: see `operators`.
            (operators::CONDITIONAL, [condition, then, other]) => {
                let condition = of(condition);
                let then = if condition.yes { of(then) } else { NEVER };
                let other = if condition.no { of(other) } else { NEVER };
                let none = if condition.none { NONE } else { NEVER };
                return then.or(other).or(none);
            }
            _ => {}
        }
    }
    // Names of types need no value.
    let mut needed = names::references(part).into_iter().filter(|reference| reference.required > 0);
    if !needed.all(|reference| is_known(&reference.path)) {
        return ANY;
    }
    match Value::resolve(part, context) {
        Ok(Value::Bool(true)) => YES,
        Ok(Value::Bool(false)) => NO,
        _ => NONE,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The severity is known, and that there is no team.
    fn decided(condition: &str) -> Option<bool> {
        let alert = json!({ "name": "Odd", "labels": { "severity": "critical" } });
        let scope = Scope::from_iter([("alert".to_owned(), alert)]);
        let is_known = |path: &[String]| match path {
            [_, field] => field == "name",
            [_, labels, label, ..] => labels == "labels" && ["severity", "team"].contains(&label.as_str()),
            _ => false,
        };
        Expression::compile(condition).unwrap().decided(&scope, &is_known)
    }

    #[test]
    fn what_is_known_decides_where_it_is_enough() {
        for (condition, meant) in [
            ("alert.labels.severity == 'critical'", Some(true)),
            ("alert.labels.severity == 'warning'", Some(false)),
            ("alert.name == 'Odd' && !(alert.labels.severity in ['info', 'none'])", Some(true)),
            ("alert.labels.namespace == 'db'", None),
            ("alert.labels.?namespace.orValue('') == ''", None),
            ("alert.labels.namespace == 'db' && alert.labels.severity == 'warning'", Some(false)),
            ("alert.labels.severity == 'warning' && alert.labels.namespace == 'db'", Some(false)),
            ("alert.labels.severity == 'critical' && alert.labels.namespace == 'db'", None),
            ("alert.labels.severity == 'critical' || alert.labels.namespace == 'db'", Some(true)),
            // Without a namespace it has no answer, and so does not hold.
            ("alert.labels.namespace == 'db' || alert.labels.severity == 'critical'", None),
            ("!(alert.labels.namespace == 'db' && alert.labels.severity == 'warning')", None),
            (
                "alert.labels.severity == 'critical' ? alert.name == 'Even' : alert.labels.namespace == 'db'",
                Some(false),
            ),
            // It has no team, and that is known.
            ("has(alert.labels.team)", Some(false)),
            ("alert.labels.team == 'db'", Some(false)),
            ("!(alert.labels.team == 'db')", Some(false)),
            ("alert.labels.?team.orValue('none') == 'none'", Some(true)),
            // Of all labels not all are known.
            ("'namespace' in alert.labels", None),
            ("size(alert.labels) == 1", None),
            ("['critical', 'page'].exists(word, word == alert.labels.severity)", Some(true)),
            ("['a', 'b'].exists(word, word == alert.labels.namespace)", None),
        ] {
            assert_eq!(decided(condition), meant, "{condition}");
        }
    }
}
