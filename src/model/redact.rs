//! Masking what looks like a secret, in texts whose origin is not ours: alerts, outputs of steps,
//! error messages.
//!
//! It errs on the side of masking: a masked word costs a look at the source, a leaked one a
//! rotation. What is declared a secret (the bot's own tokens) is masked exactly, whatever it looks
//! like; everything else is found by a table of [rules].

mod blocks;
mod declared;
mod documents;
mod invisible;
mod named;
mod patterns;
mod prose;
mod rules;
#[cfg(test)]
mod tests;
mod tokens;
mod urls;

use std::borrow::Cow;
use std::ops::Range;

pub use declared::declare_secret;
pub use documents::{redact_named, redact_value};
pub use invisible::is_invisible;

/// What stands in the place of a secret.
pub const MASK: &str = "***";

/// A mask can make the end of another secret visible. Eight rounds are more than any text needs
/// that nobody made up for it.
const ROUNDS: usize = 8;

/// The text with everything masked that looks like a secret: passwords and tokens by their names
/// (`PGPASSWORD=`, `"client_secret": "…"`), in prose, in URLs and on command lines, private keys,
/// `Authorization` and `Cookie` headers, tokens that are known by their shape, and what was given
/// to [`declare_secret`]. Borrowed when there is nothing to mask. May be repeated: a masked text
/// stays as it is. Takes a time that is linear in the length of the text, which grows to three
/// times its length at most.
pub fn redact(text: &str) -> Cow<'_, str> {
    let Some(mut masked) = mask_once(text) else { return Cow::Borrowed(text) };
    for _ in 1..ROUNDS {
        match mask_once(&masked) {
            Some(again) => masked = again,
            None => return Cow::Owned(masked),
        }
    }
    // Somebody made it up to be seen through in the next round, or the one after.
    if mask_once(&masked).is_some() { Cow::Owned(MASK.to_owned()) } else { Cow::Owned(masked) }
}

/// The text, of which the beginning is masked where it may be that of a private key without its
/// head: for what was cut out of a longer text, such as the newest lines of a log.
pub fn redact_cut_key(text: &str) -> Cow<'_, str> {
    match blocks::cut_key(text) {
        Some(key) => Cow::Owned(format!("{MASK}{}", &text[key.end..])),
        None => Cow::Borrowed(text),
    }
}

fn mask_once(text: &str) -> Option<String> {
    let mut found = match invisible::without(text) {
        None => secrets(text),
        // A secret with invisible characters in it is one all the same.
        Some(visible) => {
            secrets(&visible.text).into_iter().map(|range| visible.range_before(range)).chain(secrets(text)).collect()
        }
    };
    found.retain(|range| {
        let secret = text[range.clone()].trim();
        !secret.is_empty() && secret != MASK
    });
    if found.is_empty() {
        return None;
    }
    found.sort_unstable_by_key(|range| (range.start, range.end));
    let mut masked = String::with_capacity(text.len());
    let mut from = None;
    for range in found {
        // What overlaps or touches the last one is masked with it.
        match from {
            Some(end) if range.start <= end => from = Some(range.end.max(end)),
            _ => {
                masked.push_str(&text[from.unwrap_or(0)..range.start]);
                masked.push_str(MASK);
                from = Some(range.end);
            }
        }
    }
    masked.push_str(&text[from.unwrap_or(0)..]);
    Some(masked)
}

/// The ranges of all that looks like a secret, in no order; they may overlap.
fn secrets(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    rules::find(text, &mut found);
    declared::find(text, &mut found);
    found
}
