//! What parses, and can only fail when it is decided: numbers beside texts, and regular expressions
//! that are none. Whoever loads an expression asks for these; one that is pinned is decided as it is.

use cel::common::ast::{CallExpr, Expr, IdedExpr, LiteralValue, SourceInfo, operators};
use regex::Regex;

use super::compile::CompileError;
use super::names::plain_path;
use super::tree::children;

/// What a value is, as far as it matters to an operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueType {
    Number,
    Text,
    Truth,
}

impl ValueType {
    pub fn words(self) -> &'static str {
        match self {
            ValueType::Number => "a number",
            ValueType::Text => "a text",
            ValueType::Truth => "true or false",
        }
    }
}

/// One side of an operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operand {
    /// `p99.value`: what it is, the names of the place know.
    Path(Vec<String>),
    /// What was computed, or stands there itself.
    Known { of_type: ValueType, literal: Option<String> },
}

/// Two values beside an operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    pub symbol: &'static str,
    pub sides: [Operand; 2],
    /// Where it stands, in characters.
    pub offset: Option<usize>,
}

/// A name beside `in` and a list of texts that stands there itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    pub path: Vec<String>,
    pub texts: Vec<String>,
}

/// What may be wrong with an expression.
#[derive(Debug, Clone, Default)]
pub(super) struct Found {
    pub comparisons: Vec<Comparison>,
    pub memberships: Vec<Membership>,
    /// What the expression as a whole gives, where its form says it.
    pub gives: Option<Operand>,
    pub mistakes: Vec<CompileError>,
}

/// Operators whose sides must be of one type, and what they give.
const OPERATORS: [(&str, &str, Option<ValueType>); 11] = [
    (operators::ADD, "+", None),
    (operators::SUBSTRACT, "-", None),
    (operators::MULTIPLY, "*", None),
    (operators::DIVIDE, "/", None),
    (operators::MODULO, "%", None),
    (operators::LESS, "<", Some(ValueType::Truth)),
    (operators::LESS_EQUALS, "<=", Some(ValueType::Truth)),
    (operators::GREATER, ">", Some(ValueType::Truth)),
    (operators::GREATER_EQUALS, ">=", Some(ValueType::Truth)),
    (operators::EQUALS, "==", Some(ValueType::Truth)),
    (operators::NOT_EQUALS, "!=", Some(ValueType::Truth)),
];

/// Looks through an expression whose operators are CEL's own still.
pub(super) fn find(expression: &IdedExpr, source: &SourceInfo) -> Found {
    let mut found = Found { gives: operand(expression, &[]), ..Found::default() };
    walk(expression, source, &mut Vec::new(), &mut found);
    found
}

fn walk<'e>(expression: &'e IdedExpr, source: &SourceInfo, local: &mut Vec<&'e str>, found: &mut Found) {
    let offset = source.offset_for(expression.id).map(|(start, _)| start as usize);
    if let Expr::Call(call) = &expression.expr {
        compared(call, local, offset, found);
        found.memberships.extend(membership(call, local));
        found.mistakes.extend(no_regex(call).map(|error| error.at(offset)));
    }
    let outer = local.len();
    if let Expr::Comprehension(comprehension) = &expression.expr {
        local.extend([comprehension.iter_var.as_str(), comprehension.accu_var.as_str()]);
        local.extend(comprehension.iter_var2.as_deref());
    }
    for child in children(expression) {
        walk(child, source, local, found);
    }
    local.truncate(outer);
}

fn compared(call: &CallExpr, local: &[&str], offset: Option<usize>, found: &mut Found) {
    let (None, [left, right]) = (&call.target, call.args.as_slice()) else { return };
    let Some((_, symbol, _)) = OPERATORS.iter().find(|(theirs, ..)| *theirs == call.func_name) else { return };
    if let (Some(left), Some(right)) = (operand(left, local), operand(right, local)) {
        found.comparisons.push(Comparison { symbol, sides: [left, right], offset });
    }
}

fn membership(call: &CallExpr, local: &[&str]) -> Option<Membership> {
    let (operators::IN, None, [name, IdedExpr { expr: Expr::List(list), .. }]) =
        (call.func_name.as_str(), &call.target, call.args.as_slice())
    else {
        return None;
    };
    let path = plain_path(name).filter(|path| is_free(path, local))?;
    let texts = list.elements.iter().filter_map(|element| match &element.expr {
        Expr::Literal(LiteralValue::String(text)) => Some(text.inner().to_owned()),
        _ => None,
    });
    Some(Membership { path, texts: texts.collect() })
}

fn operand(expression: &IdedExpr, local: &[&str]) -> Option<Operand> {
    let known = |of_type| Some(Operand::Known { of_type, literal: None });
    match &expression.expr {
        Expr::Literal(LiteralValue::String(text)) => {
            Some(Operand::Known { of_type: ValueType::Text, literal: Some(text.inner().to_owned()) })
        }
        Expr::Literal(LiteralValue::Int(number)) => Some(number_of(number.inner())),
        Expr::Literal(LiteralValue::UInt(number)) => Some(number_of(number.inner())),
        Expr::Literal(LiteralValue::Double(number)) => Some(number_of(number.inner())),
        Expr::Literal(LiteralValue::Boolean(_)) => known(ValueType::Truth),
        Expr::Call(call) => match call.func_name.as_str() {
            "quantity" | "size" | "double" | "int" | "uint" | "sum" | "indexOf" | "lastIndexOf" | "compareTo"
            | "major" | "minor" | "patch" => known(ValueType::Number),
            "string" | "trim" | "lowerAscii" | "upperAscii" | "replace" | "substring" | "join" | "find" => {
                known(ValueType::Text)
            }
            "matches" | "startsWith" | "endsWith" | "contains" | "bool" | "isSemver" | "isLessThan"
            | "isGreaterThan" | "intersects" | "equivalent" => known(ValueType::Truth),
            operators::LOGICAL_AND | operators::LOGICAL_OR | operators::LOGICAL_NOT | operators::IN => {
                known(ValueType::Truth)
            }
            name => OPERATORS
                .iter()
                .find(|(theirs, ..)| *theirs == name)
                .and_then(|(_, _, gives)| known((*gives)?))
                .or_else(|| {
                    let path = plain_path(expression)?;
                    is_free(&path, local).then_some(Operand::Path(path))
                }),
        },
        _ => plain_path(expression).filter(|path| is_free(path, local)).map(Operand::Path),
    }
}

fn number_of(number: &impl ToString) -> Operand {
    Operand::Known { of_type: ValueType::Number, literal: Some(number.to_string()) }
}

/// Whether the name is one of the scope, and not of a loop.
fn is_free(path: &[String], local: &[&str]) -> bool {
    path.first().is_some_and(|name| !local.contains(&name.as_str()) && !name.starts_with(['@', '#']))
}

/// `name.matches('a(')`: what is no regular expression fails each time.
fn no_regex(call: &CallExpr) -> Option<CompileError> {
    let pattern = match (call.func_name.as_str(), &call.target, call.args.as_slice()) {
        ("matches" | "find" | "findAll", Some(_), [pattern]) | ("matches", None, [_, pattern]) => pattern,
        _ => return None,
    };
    let Expr::Literal(LiteralValue::String(text)) = &pattern.expr else { return None };
    let wrong = Regex::new(text.inner()).err()?.to_string();
    let said = wrong.rsplit("error: ").next().unwrap_or_default().trim().to_owned();
    let shown: String = text.inner().chars().take(40).collect();
    let error = CompileError::new(format!("`{shown}` is no regular expression: {said}"));
    Some(error.remedy("close what is open, or write `\\\\` before a sign that is meant itself"))
}
