//! What is refused before an expression ever runs.

use std::sync::Arc;

use cel::common::ast::{CallExpr, Expr, IdedExpr, LiteralValue, SourceInfo, operators};
use cel::{Context, Env, Value};

use super::compile::CompileError;
use super::helpers;
use super::names::{TYPES, dotted};
use super::operators::is_operator;
use super::tree::{children, depth, loops};
use crate::language::{closest, list};

/// The interpreter recurses on the worker's stack of 2 MiB; a level takes up to 40 KiB of it in a debug build.
const DEEPEST: usize = 24;
/// Within a loop in a loop, each more would multiply the work again.
const LOOPS: usize = 2;

/// Functions that are called with their argument in brackets.
const FUNCTIONS: [&str; 13] = [
    "bool",
    "bytes",
    "double",
    "duration",
    "dyn",
    "int",
    "matches",
    "quantity",
    "size",
    "string",
    "timestamp",
    "type",
    "uint",
];
/// Functions that are called on a value.
const METHODS: [&str; 20] = [
    "contains",
    "endsWith",
    "getDate",
    "getDayOfMonth",
    "getDayOfWeek",
    "getDayOfYear",
    "getFullYear",
    "getHours",
    "getMilliseconds",
    "getMinutes",
    "getMonth",
    "getSeconds",
    "hasValue",
    "matches",
    "or",
    "orValue",
    "size",
    "startsWith",
    "value",
    "optMap",
];
/// Macros: they look like functions, but with other arguments they are nothing at all.
const MACROS: [(&str, &str); 7] = [
    ("has", "has(target.status.phase)"),
    ("all", "list.all(item, item.ready)"),
    ("exists", "list.exists(item, item.ready)"),
    ("exists_one", "list.exists_one(item, item.ready)"),
    ("map", "list.map(item, item.name)"),
    ("filter", "list.filter(item, item.ready)"),
    ("optFlatMap", "optional.optFlatMap(it, it.?name)"),
];

/// Refuses what is too big, and what can only be a mistake.
pub(super) fn check(expression: &IdedExpr, source: &SourceInfo, env: &Arc<Env>) -> Result<(), CompileError> {
    if depth(expression) > DEEPEST {
        return Err(CompileError::new("the condition is nested too deeply")
            .remedy("write it as several conditions, one after the other"));
    }
    if loops(expression) > LOOPS {
        return Err(CompileError::new(format!("more than {LOOPS} loops run within each other"))
            .remedy("write it as several conditions, or ask Prometheus for the sum"));
    }
    walk(expression, source, env)
}

fn walk(expression: &IdedExpr, source: &SourceInfo, env: &Arc<Env>) -> Result<(), CompileError> {
    if let Expr::Call(call) = &expression.expr {
        call_is_known(call)
            .and_then(|()| literal_is_right(expression, call, env))
            .and_then(|()| operands(call))
            .map_err(|error| error.at(source.offset_for(expression.id).map(|(start, _)| start as usize)))?;
    }
    if let Expr::Struct(made) = &expression.expr {
        return Err(CompileError::new(format!(
            "`{}{{...}}` makes a value of a type that conditions do not have",
            made.type_name
        )));
    }
    for child in children(expression) {
        type_is_compared(expression, child)?;
        walk(child, source, env)?;
    }
    Ok(())
}

/// `type(x) == int` is all that a type's name is good for; elsewhere, something else was meant.
fn type_is_compared(parent: &IdedExpr, child: &IdedExpr) -> Result<(), CompileError> {
    let Expr::Ident(name) = &child.expr else { return Ok(()) };
    let fits = match &parent.expr {
        Expr::Call(call) => {
            [operators::EQUALS, operators::NOT_EQUALS].contains(&call.func_name.as_str())
                || of_optional(call)
                || is_helper(call)
        }
        _ => false,
    };
    if fits || !TYPES.contains(&name.as_str()) {
        return Ok(());
    }
    Err(CompileError::new(format!("`{name}` is the name of a type, and stands for nothing else"))
        .word(name)
        .remedy(format!("where a step or a value is meant, call that otherwise, `{name}_found` say")))
}

/// `optional.of(x)` and the like.
fn of_optional(call: &CallExpr) -> bool {
    let target = call.target.as_deref().map(|target| &target.expr);
    let on_optional = matches!(target, Some(Expr::Ident(name)) if name == "optional");
    on_optional && ["of", "none", "ofNonZeroValue"].contains(&call.func_name.as_str())
}

fn call_is_known(call: &CallExpr) -> Result<(), CompileError> {
    let name = call.func_name.as_str();
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && !name.contains(['?', '[', '.']);
    if !is_name || name == "_" || name.starts_with('_') && name.ends_with('_') || name == operators::OPT_SELECT {
        return Ok(());
    }
    let known: &[&str] = match &call.target {
        Some(_) if of_optional(call) => return Ok(()),
        Some(_) => &METHODS,
        None => &FUNCTIONS,
    };
    if known.contains(&name) || is_helper(call) {
        return Ok(());
    }
    if let Some((_, usage)) = MACROS.iter().find(|(name, _)| *name == call.func_name) {
        return Err(CompileError::new(format!("`{name}` is not called like this")).remedy(format!("write `{usage}`")));
    }
    let error = CompileError::new(format!("there is no function `{name}`")).word(name);
    let helpers = helpers::FUNCTIONS.into_iter().chain(helpers::METHODS);
    let others = FUNCTIONS.iter().chain(&METHODS).copied().chain(helpers).chain(MACROS.iter().map(|(name, _)| *name));
    Err(match closest(name, others) {
        Some(meant) => error.remedy(format!("write `{meant}` instead")),
        None => error.remedy(format!("the functions are {}", list(FUNCTIONS))),
    })
}

fn is_helper(call: &CallExpr) -> bool {
    let name = call.func_name.as_str();
    match call.target.as_deref() {
        None => helpers::FUNCTIONS.contains(&name),
        Some(target) => {
            let namespace = dotted(target).unwrap_or_default();
            helpers::METHODS.contains(&name) || helpers::FUNCTIONS.contains(&format!("{namespace}.{name}").as_str())
        }
    }
}

/// `duration('1d')`: a literal that its function cannot read will never be right.
fn literal_is_right(expression: &IdedExpr, call: &CallExpr, env: &Arc<Env>) -> Result<(), CompileError> {
    let (
        "quantity" | "duration" | "timestamp",
        None,
        [IdedExpr { expr: Expr::Literal(LiteralValue::String(text)), .. }],
    ) = (call.func_name.as_str(), &call.target, call.args.as_slice())
    else {
        return Ok(());
    };
    if Value::resolve(expression, &Context::with_env(env.clone())).is_ok() {
        return Ok(());
    }
    let remedy = match call.func_name.as_str() {
        "duration" => "write it in hours, minutes and seconds, such as `24h` or `1h30m`",
        "timestamp" => "write it as `2026-01-31T12:00:00Z`",
        _ => "write a number and a unit, such as `500m`, `10Gi` or `1.5G`",
    };
    Err(CompileError::new(format!("`{}` is no {}", text.inner(), call.func_name)).word(text.inner()).remedy(remedy))
}

/// An optional or a null beside an operator can only be a mistake: the answer would not depend on the value.
fn operands(call: &CallExpr) -> Result<(), CompileError> {
    let logical = [operators::LOGICAL_AND, operators::LOGICAL_OR, operators::LOGICAL_NOT, operators::CONDITIONAL];
    let compares = is_operator(call) || call.func_name == operators::IN || call.func_name == operators::NEGATE;
    if !compares && !logical.contains(&call.func_name.as_str()) {
        return Ok(());
    }
    // `condition ? a : b` may well give an optional; its condition may not be one.
    let decided = if call.func_name == operators::CONDITIONAL { &call.args[..1] } else { call.args.as_slice() };
    for (position, operand) in decided.iter().enumerate() {
        if is_optional(operand) {
            return Err(optional(operand));
        }
        if is_operator(call) && matches!(operand.expr, Expr::Literal(LiteralValue::Null)) {
            let other = call.args.get(1 - position.min(1)).and_then(dotted).unwrap_or_else(|| "target.field".into());
            // Of a name alone nobody can ask that; each object has metadata.
            let other = if other.contains(['.', '[']) { other } else { format!("{other}.metadata") };
            return Err(CompileError::new("a field that is null counts as absent, so nothing is ever equal to null")
                .word("null")
                .remedy(format!("write `has({other})` or `!has({other})`")));
        }
    }
    Ok(())
}

/// The error for an optional where a value is needed.
pub(super) fn optional(expression: &IdedExpr) -> CompileError {
    const REMEDY: &str = "add `.orValue(...)` to say what counts when it is absent";
    match dotted(expression) {
        Some(name) => {
            let last = name.rsplit(|c: char| !c.is_alphanumeric() && c != '_').find(|part| !part.is_empty());
            let error = CompileError::new(format!("`{name}` may have no value here")).remedy(REMEDY);
            error.word(last.unwrap_or_default())
        }
        None => CompileError::new("this may have no value here").remedy(REMEDY),
    }
}

/// Whether the expression gives an optional, as far as its form tells.
pub(super) fn is_optional(expression: &IdedExpr) -> bool {
    match &expression.expr {
        Expr::Select(select) => !select.test && is_optional(&select.operand),
        Expr::Call(call) => match (call.func_name.as_str(), call.args.as_slice(), &call.target) {
            (operators::OPT_SELECT | operators::OPT_INDEX, ..) => true,
            (operators::INDEX, [operand, _], None) => is_optional(operand),
            ("or", _, Some(target)) => is_optional(target),
            _ => false,
        },
        _ => false,
    }
}
