//! Conditions: CEL, the language that Kubernetes uses, with optionals, `quantity()` and `duration()`.
//!
//! Empty is not healthy: a field that is absent, a null, a NaN, or a text beside a number is an error of the condition and
//! never "false". `now` is the time at which the condition is decided.

mod bound;
mod compile;
mod elements;
mod helpers;
mod mistakes;
mod names;
mod operators;
mod partly;
mod quantity;
mod remembered;
mod rules;
#[cfg(test)]
mod tests;
mod tree;
mod values;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, LazyLock};

use cel::common::ast::IdedExpr;
use cel::common::types::{CelMap, CelTimestamp};
use cel::{Context, Env, ExecutionError};
use chrono::{DateTime, Utc};
use serde_json::Value;

pub use bound::Bound;
pub use compile::CompileError;
pub use elements::ENTRY;
pub use mistakes::{Comparison, Membership, Operand, ValueType};
pub use names::Reference;
pub use quantity::{QuantityError, parse_quantity};

use crate::language::Scope;
use names::{Names, TARGET};
use values::Room;

static ENVIRONMENT: LazyLock<Arc<Env>> = LazyLock::new(compile::environment);

/// A condition that was compiled.
#[derive(Clone)]
pub struct Expression(Arc<Compiled>);

#[derive(Clone)]
struct Compiled {
    source: String,
    program: IdedExpr,
    references: Vec<Reference>,
    loops: usize,
    plain_path: Option<Vec<String>>,
    constant: Option<bool>,
    found: mistakes::Found,
}

/// Why a condition has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the condition `{source_text}` could not be decided: {message}")]
pub struct ExpressionError {
    pub source_text: String,
    pub message: String,
}

impl Expression {
    /// Compiles `source`: 2 KiB at most, nested 24 deep, two loops within each other.
    ///
    /// # Errors
    /// When it does not parse, or can only be a mistake: an unknown function, an optional without `.orValue()`.
    pub fn compile(source: &str) -> Result<Self, CompileError> {
        remembered::or_else(source, || Self::compile_anew(source))
    }

    fn compile_anew(source: &str) -> Result<Self, CompileError> {
        let (program, found) = compile::compile(source, &ENVIRONMENT)?;
        let references = names::references(&program);
        let loops = tree::loops(&program);
        let plain_path = names::plain_path(&program);
        let source = source.trim().to_owned();
        let compiled = Compiled { source, program, references, loops, plain_path, constant: None, found };
        let expression = Self(Arc::new(compiled));
        if expression.references().iter().any(|reference| reference.required > 0) {
            return Ok(expression);
        }
        let constant = expression.holds(&Scope::new(), DateTime::UNIX_EPOCH).ok();
        Ok(Self(Arc::new(Compiled { constant, ..Arc::unwrap_or_clone(expression.0) })))
    }

    /// The text as it was written.
    pub fn source(&self) -> &str {
        &self.0.source
    }

    /// The names that it uses, and which of their fields.
    pub fn references(&self) -> &[Reference] {
        &self.0.references
    }

    /// What it takes from where, name and fields, as far as that is known: the variable of a loop
    /// is [`ENTRY`] of its list.
    pub fn paths(&self) -> Vec<Vec<String>> {
        elements::paths(&self.0.program)
    }

    /// The path of what it gives, where it gives what stands at one, or some entries of that.
    pub fn stands_for(&self) -> Option<Vec<String>> {
        elements::stands_for(&self.0.program)
    }

    /// The names for which `orValue` stands in when they are not there.
    pub fn defaulted(&self) -> Vec<Reference> {
        names::defaulted(&self.0.program)
    }

    /// What can only fail when it is decided.
    pub fn mistakes(&self) -> &[CompileError] {
        &self.0.found.mistakes
    }

    /// The values that stand beside an operator, as far as their types may be known.
    pub fn comparisons(&self) -> &[Comparison] {
        &self.0.found.comparisons
    }

    /// The names that are looked for in a list of texts.
    pub fn memberships(&self) -> &[Membership] {
        &self.0.found.memberships
    }

    /// What it gives, as far as its form says it.
    pub fn gives(&self) -> Option<&Operand> {
        self.0.found.gives.as_ref()
    }

    /// How many loops run within each other.
    pub fn loops(&self) -> usize {
        self.0.loops
    }

    /// The answer, when it is always the same.
    pub fn constant(&self) -> Option<bool> {
        self.0.constant
    }

    /// Whether it holds for the names in `scope`.
    ///
    /// # Errors
    /// When a name or field is absent, a value is no number, or the result is not true or false.
    pub fn holds(&self, scope: &Scope, now: DateTime<Utc>) -> Result<bool, ExpressionError> {
        match self.run(scope, now)? {
            cel::Value::Bool(holds) => Ok(holds),
            other => {
                let given = other.type_of().to_string();
                Err(self.error(format!("it gives {}, not true or false", type_name(&given))))
            }
        }
    }

    /// Its value for the names in `scope`. Times are RFC 3339 and durations seconds (`5400s`).
    ///
    /// # Errors
    /// As [`holds`](Self::holds), and when the value has no JSON form.
    pub fn evaluate(&self, scope: &Scope, now: DateTime<Utc>) -> Result<Value, ExpressionError> {
        values::to_json(&self.run(scope, now)?).map_err(|message| self.error(message))
    }

    fn run(&self, scope: &Scope, now: DateTime<Utc>) -> Result<cel::Value, ExpressionError> {
        let context = self.context(scope, now)?;
        cel::Value::resolve(&self.0.program, &context).map_err(|error| {
            let names: Vec<(&str, &Value)> = scope.iter().map(|(name, value)| (name.as_str(), value)).collect();
            self.error(self.explain(error, &names))
        })
    }

    /// What the names stand for that it uses.
    fn context<'s>(&'s self, scope: &'s Scope, now: DateTime<Utc>) -> Result<Context<'s, 's>, ExpressionError> {
        let mut context = Context::with_env(ENVIRONMENT.clone());
        let mut room = Room::for_nesting(self.0.loops);
        let mut bound: Vec<&str> = Vec::new();
        for name in self.0.references.iter().map(Reference::name) {
            if bound.contains(&name) {
                continue;
            }
            bound.push(name);
            if name == "now" {
                context.add_variable_as_val(name, Box::new(CelTimestamp::from(now.fixed_offset())));
            } else if name == TARGET && scope.get(name).is_some_and(Value::is_null) {
                // Whether it is there can be asked by any of its fields.
                context.add_variable_as_val(name, Box::new(CelMap::from(HashMap::new())));
            } else if let Some(value) = scope.get(name).filter(|value| !value.is_null()) {
                let value = values::to_cel(value, &mut room)
                    .map_err(|message| self.error(format!("`{name}` cannot be looked at: {message}")))?;
                context.add_variable_as_val(name, value);
            }
        }
        Ok(context)
    }

    fn error(&self, message: String) -> ExpressionError {
        ExpressionError { source_text: self.0.source.clone(), message }
    }

    /// The interpreter's error for people. Its own texts show values whole, which may be secret or long.
    fn explain(&self, error: ExecutionError, names: Names<'_, '_>) -> String {
        match error {
            ExecutionError::NoSuchKey(part) | ExecutionError::UndeclaredReference(part) => {
                names::missing(&self.0.references, names, Some(&part)).unwrap_or_else(|| {
                    format!("`{part}` is not there; write `.?{part}.orValue(...)` if it may be absent")
                })
            }
            ExecutionError::IndexOutOfBounds(_) => {
                names::missing(&self.0.references, names, None).unwrap_or_else(|| {
                    "the list has no such entry; write `[?0]` and `.orValue(...)` if it may be absent".into()
                })
            }
            ExecutionError::FunctionError { function, message } if function == operators::READABLE => message,
            ExecutionError::FunctionError { function, message } => format!("`{function}`: {message}"),
            ExecutionError::NoSuchOverload(call) => {
                let types = call.argument_types().iter().map(|name| type_name(name)).collect::<Vec<_>>();
                format!("`{}` does not go with {}", call.function().trim_matches('_'), types.join(" and "))
            }
            ExecutionError::UnexpectedType { got, want } if want == "bool" => {
                format!("{} stands where true or false is needed", type_name(&got))
            }
            ExecutionError::UnexpectedType { got, want } => {
                format!("{} stands where {want} is needed", type_name(&got))
            }
            ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_) => "it divides by 0".into(),
            ExecutionError::Overflow(..) => "a number, time or duration becomes too big".into(),
            ExecutionError::UnsupportedBinaryOperator(operator, ..) => {
                format!("`{operator}` does not go with the values on its two sides")
            }
            _ => "it does not go with the values that are there".into(),
        }
    }
}

fn type_name(cel: &str) -> &str {
    match cel {
        "bool" => "true or false",
        "int" | "uint" => "a whole number",
        "double" | "float" => "a number",
        "string" => "a text",
        "list" => "a list",
        "map" => "an object",
        "null_type" => "null",
        "optional_type" | "opaque" => "a value that may be absent",
        "google.protobuf.Timestamp" => "a time",
        "google.protobuf.Duration" => "a duration",
        other => other,
    }
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Expression").field(&self.0.source).finish()
    }
}
