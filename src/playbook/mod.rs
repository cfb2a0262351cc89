//! Playbooks: loaded with located errors, pinned by the digest of their content.

mod document;
mod expression;
mod rights;
mod suggest;

pub use document::{
    Condition, Input, InputKind, Limits, Playbook, Step, StepKind, TargetPart, TargetRule, Trigger, Verify,
};
pub use expression::{CompileError, Expression, ExpressionError, QuantityError, Reference, parse_quantity};
pub use rights::{Subject, rights, roles};
