//! From text to a program, within limits.

use std::sync::Arc;

use cel::common::ast::{Expr, IdedExpr};
use cel::common::types::{CelDouble, CelInt, CelString, DOUBLE_TYPE, INT_TYPE, STRING_TYPE};
use cel::common::value::CowVal;
use cel::{DeclarationError, Env, ExecutionError};

use super::helpers;
use super::mistakes::{self, Found};
use super::operators;
use super::quantity::parse_quantity;
use super::rules;
use super::tree::children_mut;

/// The longest expression, in bytes: a condition that fills a page is not understood by whoever is on call.
pub(super) const LONGEST: usize = 2 * 1024;
/// The parser recurses some 200 KiB deep for each bracket, and 40 KiB for each operator, in a debug build.
const BRACKETS: usize = 64;
const SIGNS: usize = 400;
const PARSER_STACK: usize = 64 * 1024 * 1024;

/// An expression that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct CompileError {
    pub message: String,
    /// Where in the expression, in characters from its start.
    pub offset: Option<usize>,
    /// The word of the expression that is wrong, where it is a word.
    pub word: Option<String>,
    /// What to write instead.
    pub remedy: Option<String>,
}

impl CompileError {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), offset: None, word: None, remedy: None }
    }

    pub(super) fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    pub(super) fn word(mut self, word: impl Into<String>) -> Self {
        self.word = Some(word.into());
        self
    }

    pub(super) fn at(mut self, offset: Option<usize>) -> Self {
        self.offset = self.offset.or(offset);
        self
    }
}

/// The environment that conditions are compiled and decided in.
pub(super) fn environment() -> Arc<Env> {
    let mut env = Env::stdlib();
    let declared = declare(&mut env);
    // The names are ours, none is declared twice, and every test that decides a condition comes through here.
    debug_assert!(declared.is_ok(), "{declared:?}");
    Arc::new(env)
}

fn declare(env: &mut Env) -> Result<(), DeclarationError> {
    operators::declare(env)?;
    helpers::declare(env)?;
    env.add_overload("quantity", "string_to_quantity", vec![STRING_TYPE], |args| {
        let text = args[0].downcast_ref::<CelString>().map_or("", CelString::inner);
        let value = parse_quantity(text).map_err(|error| operators::readable(error.to_string()))?;
        Ok(CowVal::owned(CelDouble::from(value)))
    })?;
    env.add_overload("quantity", "int_to_quantity", vec![INT_TYPE], |args| {
        let value = args[0].downcast_ref::<CelInt>().map_or(0, |int| *int.inner());
        Ok(CowVal::owned(CelDouble::from(value as f64)))
    })?;
    env.add_overload("quantity", "double_to_quantity", vec![DOUBLE_TYPE], |mut args| {
        args.pop().ok_or_else(|| ExecutionError::invalid_argument_count(1, 0))
    })
}

/// The program for `source`.
///
/// # Errors
/// When it is too long, does not parse, or can only be a mistake.
pub(super) fn compile(source: &str, env: &Arc<Env>) -> Result<(IdedExpr, Found), CompileError> {
    if source.trim().is_empty() {
        return Err(CompileError::new("there is no condition").remedy("write one, such as `p99.value < 0.1`"));
    }
    if source.len() > LONGEST {
        return Err(CompileError::new(format!("the condition is longer than {LONGEST} bytes"))
            .remedy("write it as several conditions, one after the other"));
    }
    let count = |signs: &str| source.chars().filter(|c| signs.contains(*c)).count();
    if count("([{") > BRACKETS || count("+-*/%<>=!?:.,&|") > SIGNS {
        return Err(CompileError::new("the condition has too many operators or brackets")
            .remedy("write it as several conditions, one after the other"));
    }
    if let Some(error) = of_another_language(source) {
        return Err(error);
    }
    // The parser has no limit of its own that holds, so it gets a stack on which these limits are safe.
    std::thread::scope(|scope| {
        let parser = std::thread::Builder::new().name("condition".into()).stack_size(PARSER_STACK);
        let parsed = parser
            .spawn_scoped(scope, || parse(source, env))
            .map_err(|error| CompileError::new(format!("the parser could not be started: {error}")))?;
        parsed.join().unwrap_or_else(|_| Err(CompileError::new("the condition does not parse")))
    })
}

/// Signs that conditions do not have, and that mean something elsewhere.
fn of_another_language(source: &str) -> Option<CompileError> {
    let mut quote = None;
    let mut escaped = false;
    for (offset, (at, c)) in source.char_indices().enumerate() {
        let rest = source.get(at..).unwrap_or_default();
        match (quote, c) {
            _ if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(open), c) if open == c => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, _) if rest.starts_with("=~") || rest.starts_with("!~") => {
                let (sign, not) = if c == '=' { ("=~", "") } else { ("!~", "!") };
                let error = CompileError::new(format!("conditions have no `{sign}`"));
                return Some(error.remedy(format!("write `{not}name.matches('...')`")).at(Some(offset)));
            }
            (None, '{') if rest.starts_with("{{") => {
                let name = rest.trim_start_matches('{').split('}').next().unwrap_or_default().trim();
                let shown: String = name.chars().take(40).collect();
                let error = CompileError::new("a condition has no holes: names stand in it as they are");
                return Some(error.remedy(format!("write `{shown}` without the braces")).at(Some(offset)));
            }
            _ => {}
        }
    }
    None
}

fn parse(source: &str, env: &Arc<Env>) -> Result<(IdedExpr, Found), CompileError> {
    let (mut expression, info) =
        env.parser().parse_with_source_info(source).map_err(|errors| syntax(source, errors.errors.first()))?;
    rules::check(&expression, &info, env)?;
    if rules::is_optional(&expression) {
        return Err(rules::optional(&expression));
    }
    let found = mistakes::find(&expression, &info);
    replace_operators(&mut expression);
    Ok((expression, found))
}

fn replace_operators(expression: &mut IdedExpr) {
    children_mut(expression).into_iter().for_each(replace_operators);
    if let Expr::Call(call) = &mut expression.expr {
        operators::replace(call);
    }
}

/// The parser's message, without the list of all tokens there are.
fn syntax(source: &str, error: Option<&cel::ParseError>) -> CompileError {
    let Some(error) = error else { return CompileError::new("the condition does not parse") };
    let message = error.msg.trim_start_matches("Syntax error: ");
    let token = message.split_once('\'').and_then(|(_, rest)| rest.split_once('\'')).map_or("", |(token, _)| token);
    let offset = offset_of(source, error.pos);
    let (text, remedy) = match token {
        _ if message.contains("'<EOF>'") => {
            ("the condition ends too early".to_owned(), Some("close all brackets and quotes"))
        }
        token if token.starts_with('=') => ("a single `=` compares nothing".to_owned(), Some("write `==`")),
        "" | "'" if message.contains("token recognition error at: ''") || message.contains("at: '\"") => {
            ("a quote is not closed".to_owned(), Some("close it, or write the text in the other sort of quotes"))
        }
        "and" => ("conditions have no `and`".to_owned(), Some("write `&&`")),
        "or" => ("conditions have no `or`".to_owned(), Some("write `||`")),
        "not" => ("conditions have no `not`".to_owned(), Some("write `!`")),
        token if token.starts_with('&') => ("a single `&` means nothing".to_owned(), Some("write `&&`")),
        token if token.starts_with('|') => ("a single `|` means nothing".to_owned(), Some("write `||`")),
        "" => {
            let shown: String = message.split(" expecting ").next().unwrap_or(message).chars().take(120).collect();
            (format!("the condition does not parse: {shown}"), None)
        }
        token => {
            let shown: String = token.chars().take(40).collect();
            (format!("the condition does not parse: `{shown}` is not expected here"), None)
        }
    };
    let error = CompileError::new(text).at(offset);
    match remedy {
        Some(remedy) => error.remedy(remedy),
        None => error,
    }
}

/// The offset for a line and a column that count from 1.
fn offset_of(source: &str, (line, column): (isize, isize)) -> Option<usize> {
    let line = usize::try_from(line).ok()?.checked_sub(1)?;
    let before: usize = source.split_inclusive('\n').take(line).map(|line| line.chars().count()).sum();
    Some(before + usize::try_from(column).ok()?.saturating_sub(1))
}
