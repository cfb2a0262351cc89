//! Conditions: CEL, the language that Kubernetes uses, with optionals, `quantity()` and `duration()`.

use chrono::{DateTime, Utc};

use crate::action::Scope;

/// A condition that was compiled.
#[derive(Debug)]
pub struct Expression {
    source: String,
}

/// Why a condition has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the condition `{source_text}` could not be decided: {message}")]
pub struct ExpressionError {
    pub source_text: String,
    pub message: String,
}

impl Expression {
    /// The text as it was written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether it holds for the names in `scope`.
    ///
    /// # Errors
    /// When a name or field is absent, a value is no number, or the result is not true or false.
    pub fn holds(&self, scope: &Scope, now: DateTime<Utc>) -> Result<bool, ExpressionError> {
        let _ = (scope, now);
        Err(ExpressionError { source_text: self.source.clone(), message: "not compiled".into() })
    }
}
