//! What was compiled before, as a run's playbook is read again whenever the run goes on.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use super::Expression;

/// Some ten times what the shipped playbooks have; whatever comes beyond begins anew.
const MOST: usize = 4_096;
/// In bytes; few are longer, and what is remembered stays small whatever the files hold.
const LONGEST: usize = 512;

static COMPILED: LazyLock<Mutex<HashMap<String, Expression>>> = LazyLock::new(Mutex::default);

/// The expression of this text as it was compiled before, or as `compile` makes it now.
///
/// # Errors
/// Those of `compile`, which are not remembered.
pub(super) fn or_else<E>(source: &str, compile: impl FnOnce() -> Result<Expression, E>) -> Result<Expression, E> {
    // Nothing that is done with the lock held leaves the map half changed.
    let compiled = || COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = compiled().get(source) {
        return Ok(known.clone());
    }
    let expression = compile()?;
    if source.len() > LONGEST {
        return Ok(expression);
    }
    let mut compiled = compiled();
    if compiled.len() >= MOST {
        compiled.clear();
    }
    compiled.insert(source.to_owned(), expression.clone());
    Ok(expression)
}
