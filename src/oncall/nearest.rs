//! What somebody may have meant to write.

use crate::diagnostics::closest;

/// What to write instead of `wrong`, where only `known` words are right: ``did you mean `alice`?``, or some of the words.
pub(super) fn instead<'a>(wrong: &str, known: impl Iterator<Item = &'a str> + Clone) -> String {
    if let Some(near) = closest(wrong, known.clone()) {
        return format!("did you mean `{near}`?");
    }
    // Ten are enough to see what sort of word is wanted.
    let mut words: Vec<_> = known.take(11).map(|word| format!("`{word}`")).collect();
    if words.len() > 10 {
        words.truncate(10);
        words.push("...".to_owned());
    }
    match words.as_slice() {
        [only] => format!("write {only}"),
        _ => format!("write one of {}", words.join(", ")),
    }
}
