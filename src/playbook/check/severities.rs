//! What conditions say of `incident.severity`: a word that is none would never hold, and S1 is the
//! worst, so that an order reads the wrong way round.

use super::Checker;
use crate::diagnostics::{Code, closest, list};
use crate::language::{Expression, Location, Operand, ValueType};
use crate::model::Severity;

const ALL: [Severity; 4] = [Severity::S1, Severity::S2, Severity::S3, Severity::S4];

/// Whether all that stands beside the severity is one, and no order is asked for.
pub(super) fn check(checker: &mut Checker<'_>, expression: &Expression, at: Location) -> bool {
    let before = checker.problems.len();
    for comparison in expression.comparisons() {
        let other = match &comparison.sides {
            [Operand::Path(path), other] | [other, Operand::Path(path)] if is_severity(path) => other,
            _ => continue,
        };
        if matches!(comparison.symbol, "<" | "<=" | ">" | ">=") {
            let message = format!("`{}` of a severity reads the wrong way round: S1 is the worst", comparison.symbol);
            let at = checker.source.find(at, "severity");
            let remedy = "name those that are meant, as in `incident.severity in ['S1', 'S2']`";
            checker.error(Code::InvalidCondition, at, message, Some(remedy.into()));
        } else if let Operand::Known { of_type: ValueType::Text, literal: Some(word) } = other {
            is_one(checker, word, at);
        }
    }
    for membership in expression.memberships().iter().filter(|membership| is_severity(&membership.path)) {
        for word in &membership.texts {
            is_one(checker, word, at);
        }
    }
    checker.problems.len() == before
}

fn is_severity(path: &[String]) -> bool {
    matches!(path, [incident, severity] if incident == "incident" && severity == "severity")
}

fn is_one(checker: &mut Checker<'_>, word: &str, at: Location) {
    let all = ALL.map(|severity| severity.to_string());
    if all.iter().any(|severity| severity == word) {
        return;
    }
    let known = all.iter().map(String::as_str);
    let remedy = match closest(word, known.clone()) {
        Some(meant) => format!("write `{meant}` instead"),
        None => format!("the severities are {}", list(known)),
    };
    let shown: String = word.chars().take(40).collect();
    let message = format!("`{shown}` is no severity: no incident has it");
    checker.error(Code::UnknownValue, checker.source.find(at, word), message, remedy);
}
