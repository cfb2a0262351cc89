//! Values beside operators: numbers with numbers, texts with texts. Anything else has no answer.

use super::fields;
use super::names::Output;
use super::visible::Visible;
use super::{Asks, Checker, place};
use crate::diagnostics::Code;
use crate::language::{Expression, Operand, ValueType};
use crate::playbook::document::InputKind;
use crate::playbook::load::Text;

/// Whether nothing in the expression is certain to fail when it is decided.
pub(super) fn check(checker: &mut Checker<'_>, expression: &Expression, text: &Text, visible: Visible<'_>) -> bool {
    let (at, source) = (place(text), *checker.source);
    let before = checker.problems.len();
    for mistake in expression.mistakes() {
        let at = mistake.offset.map_or(at, |offset| source.inside(at, &text.value, offset));
        checker.error(Code::InvalidCondition, at, mistake.message.clone(), mistake.remedy.clone());
    }
    for comparison in expression.comparisons() {
        let [Some(left), Some(right)] = comparison.sides.each_ref().map(|side| type_of(checker, side, visible)) else {
            continue;
        };
        if left == right {
            continue;
        }
        let [one, other] = comparison.sides.each_ref().map(shown);
        let message = format!(
            "{} is {}, and {} is {}: `{}` of the two has no answer",
            one.unwrap_or_else(|| "the left side".into()),
            left.words(),
            other.unwrap_or_else(|| "the right side".into()),
            right.words(),
            comparison.symbol
        );
        let at = comparison.offset.map_or(at, |offset| source.inside(at, &text.value, offset));
        let [left_side, right_side] = &comparison.sides;
        let remedy = remedy(checker, left_side, left, right).or_else(|| remedy(checker, right_side, right, left));
        checker.error(Code::MixedTypes, at, message, remedy);
    }
    checker.problems.len() == before
}

/// Whether a condition gives true or false, as far as that is known: what gives a number or a text
/// has no answer, whenever it is decided.
pub(super) fn is_truth(checker: &mut Checker<'_>, expression: &Expression, text: &Text, visible: Visible<'_>) -> bool {
    let Some(gives) = expression.gives() else { return true };
    let given = match type_of(checker, gives, visible) {
        None | Some(ValueType::Truth) => return true,
        Some(given) => given,
    };
    let named = shown(gives).unwrap_or_else(|| "this".into());
    let message = format!("{named} is {}, and a condition is true or false", given.words());
    let remedy = match (gives, given) {
        (Operand::Path(path), ValueType::Text) => format!("compare it, as in `{} == '...'`", path.join(".")),
        (Operand::Path(path), _) => format!("compare it, as in `{} > 0`", path.join(".")),
        (Operand::Known { .. }, _) => "compare it with what is meant".to_owned(),
    };
    checker.rule(Code::InvalidCondition, place(text), message, remedy);
    checker.asks == Asks::Run
}

fn shown(side: &Operand) -> Option<String> {
    match side {
        Operand::Path(path) => Some(format!("`{}`", path.join("."))),
        Operand::Known { of_type: ValueType::Number, literal } => literal.clone(),
        Operand::Known { literal: Some(literal), .. } => {
            Some(format!("`'{}'`", literal.chars().take(40).collect::<String>()))
        }
        Operand::Known { literal: None, .. } => None,
    }
}

/// What to write for this side instead.
fn remedy(checker: &Checker<'_>, side: &Operand, is: ValueType, wanted: ValueType) -> Option<String> {
    if (is, wanted) != (ValueType::Text, ValueType::Number) {
        return None;
    }
    match side {
        Operand::Known { literal, .. } => {
            let literal = literal.as_ref()?;
            let is_number = literal.trim().parse::<f64>().is_ok();
            is_number.then(|| format!("write {} without quotes", literal.trim()))
        }
        Operand::Path(path) => {
            let whole = path.join(".");
            Some(match path.as_slice() {
                [inputs, name] if inputs == "inputs" => match checker.inputs.get(name) {
                    Some(InputKind::Quantity) => format!("write `quantity({whole})`"),
                    Some(InputKind::Duration) => format!("write `duration({whole})`, and a duration beside it"),
                    _ => format!("give `{name}` the type `number`"),
                },
                [step, shown] if shown == "shown" => format!("write `{step}.value`: `shown` is for texts"),
                [incident, _] if incident == "incident" => return None,
                [shown] if shown == "shown" => "write `value`: `shown` is for texts".to_owned(),
                _ => format!("write `double({whole})`"),
            })
        }
    }
}

fn type_of(checker: &Checker<'_>, side: &Operand, visible: Visible<'_>) -> Option<ValueType> {
    let path = match side {
        Operand::Known { of_type, .. } => return Some(*of_type),
        Operand::Path(path) => path.iter().map(String::as_str).collect::<Vec<_>>(),
    };
    match path.as_slice() {
        ["inputs", name] => Some(match checker.inputs.get(*name)? {
            InputKind::Integer | InputKind::Number => ValueType::Number,
            InputKind::String | InputKind::Duration | InputKind::Quantity => ValueType::Text,
            InputKind::Boolean => ValueType::Truth,
        }),
        ["alert", "name" | "starts_at"]
        | ["incident", "id" | "severity" | "title"]
        | ["run", "id" | "playbook"]
        | ["alert", "labels" | "annotations", _] => Some(ValueType::Text),
        ["target", ..] | [_, "object", _, ..] => fields::type_of(checker, &path, visible),
        [field] => match visible.query {
            Output::Fields(fields) => of_field(fields.iter().find(|known| known.name == *field)?.of_type),
            Output::None | Output::Unknown => None,
        },
        [step, field] => {
            let step = visible.names.step(step)?;
            match (step.output, *field) {
                (Output::Fields(_), "summary") => Some(ValueType::Text),
                (Output::Fields(_), "made") if step.changes() => Some(ValueType::Truth),
                (Output::Fields(fields), field) => of_field(fields.iter().find(|known| known.name == field)?.of_type),
                _ => None,
            }
        }
        _ => None,
    }
}

fn of_field(of_type: &str) -> Option<ValueType> {
    match of_type {
        "integer" | "number" => Some(ValueType::Number),
        "string" => Some(ValueType::Text),
        "boolean" => Some(ValueType::Truth),
        _ => None,
    }
}
