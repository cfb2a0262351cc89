//! The language's own parts, whoever uses them: conditions, texts with holes, and arguments that
//! are either.
//!
//! Whatever is evaluated here is bounded before it is: a condition by its length, its nesting and
//! what it may loop over, a text by its length and its blocks. Data is never evaluated: a label
//! that holds `{{x}}` is just a value.

mod arg;
mod expression;
mod template;
mod template_faults;
mod template_names;
mod template_shown;

use serde_json::{Map, Value};

pub use crate::diagnostics::{Location, closest, list};
pub use arg::{AnyArg, Arg, ArgError};
pub use expression::{
    Bound, Comparison, CompileError, ENTRY, Expression, ExpressionError, Membership, Operand, QuantityError, Reference,
    ValueType, parse_quantity,
};
pub use template::{Template, TemplateError};
pub use template_faults::TemplateFault;
pub use template_names::InBody;

/// The values that conditions and texts see: `alert`, `target`, `inputs`, and each step's output
/// under its id.
pub type Scope = Map<String, Value>;
