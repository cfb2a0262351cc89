//! The name of a stanza, which stands in commands; and what a program says that has failed.

use crate::action::ActionError;
use crate::cluster::Executed;
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

/// The first line that says what went wrong, of 300 characters at most.
pub(super) fn first_words(done: &Executed) -> String {
    let lines = || [&done.stderr, &done.stdout].into_iter().flat_map(|text| text.lines()).map(str::trim);
    // Warnings stand before it.
    let error = lines().find(|line| line.starts_with("ERROR:"));
    let said = error.or_else(|| lines().find(|line| !line.is_empty())).unwrap_or("it does not say why");
    said.chars().take(300).collect()
}
