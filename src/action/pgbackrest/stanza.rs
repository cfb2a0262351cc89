//! The name of a stanza, which stands in commands.

use crate::action::ActionError;
use crate::language::{Arg, Scope};

/// # Errors
/// It is no name of a stanza.
fn check_stanza(stanza: &str) -> Result<(), String> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    if stanza.is_empty() || stanza.starts_with('-') || stanza.len() > 100 || !stanza.chars().all(is_name) {
        return Err("`stanza` is no name of a stanza; only letters, digits and `_ . -` are put in there".into());
    }
    Ok(())
}

/// # Errors
/// It is written out, and no name of a stanza.
pub(super) fn check_literal(stanza: Option<&Arg<String>>) -> Result<(), String> {
    stanza.and_then(Arg::literal).map_or(Ok(()), |stanza| check_stanza(stanza))
}

/// # Errors
/// A hole without a value, or with one that is no name of a stanza.
pub(super) fn resolved(stanza: &Arg<String>, scope: &Scope) -> Result<String, ActionError> {
    let stanza = stanza.resolve(scope)?;
    check_stanza(&stanza).map_err(ActionError::fail)?;
    Ok(stanza)
}

/// The name as far as it is known before a run: `*` for a hole.
pub(super) fn known(stanza: &Arg<String>) -> &str {
    stanza.literal().map_or("*", String::as_str)
}
