//! Names with values that many expressions look at.

use cel::Context;
use serde_json::Value;

use super::values::{self, Room};
use super::{ENVIRONMENT, Expression, ExpressionError, names};

/// Names bound to values. What an expression computes with is converted once for all of them; one
/// that only names a field, such as `event.host`, needs no conversion at all, and so has no bounds
/// but those of the value.
pub struct Bound<'p, 'v> {
    context: Context<'p, 'v>,
    names: Vec<(&'v str, &'v Value)>,
}

impl<'p, 'v> Bound<'p, 'v> {
    /// One name. `computed`: expressions do more with it than to name fields.
    ///
    /// # Errors
    /// A message, when it is computed with and there is too much of it.
    pub fn new(name: &'v str, value: &'v Value, computed: bool) -> Result<Self, String> {
        let mut bound = Self { context: Context::with_env(ENVIRONMENT.clone()), names: Vec::new() };
        bound.bind(name, value, computed)?;
        Ok(bound)
    }

    /// The same and one name more.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with<'s>(&'s self, name: &'v str, value: &'v Value, computed: bool) -> Result<Bound<'s, 'v>, String> {
        let mut bound = Bound { context: self.context.new_inner_scope(), names: self.names.clone() };
        bound.bind(name, value, computed)?;
        Ok(bound)
    }

    fn bind(&mut self, name: &'v str, value: &'v Value, computed: bool) -> Result<(), String> {
        self.names.push((name, value));
        if computed {
            // Within one loop: whoever binds such names allows no more.
            let value = values::to_cel(value, &mut Room::for_nesting(1))
                .map_err(|message| format!("`{name}` cannot be looked at: {message}"))?;
            self.context.add_variable_as_val(name, value);
        }
        Ok(())
    }
}

impl Expression {
    /// Whether it does nothing but name a field.
    pub fn is_plain(&self) -> bool {
        self.0.plain_path.is_some()
    }

    /// The value that it names, where that is all it does.
    pub fn named<'v>(&self, bound: &Bound<'_, 'v>) -> Option<&'v Value> {
        names::value_at(self.0.plain_path.as_deref()?, &bound.names)
    }

    /// Its value for the names that are bound. Times are RFC 3339 and durations seconds (`5400s`).
    ///
    /// # Errors
    /// When a name or field is absent, or the value has no JSON form.
    pub fn evaluate_for(&self, bound: &Bound<'_, '_>) -> Result<Value, ExpressionError> {
        if self.is_plain() {
            return self.named(bound).cloned().ok_or_else(|| {
                let missing = names::missing(&self.0.references, &bound.names, None);
                self.error(missing.unwrap_or_else(|| format!("`{}` is not there", self.0.source)))
            });
        }
        let value = cel::Value::resolve(&self.0.program, &bound.context)
            .map_err(|error| self.error(self.explain(error, &bound.names)))?;
        values::to_json(&value).map_err(|message| self.error(message))
    }
}
