//! What was written, in messages about it.

/// As far as a message needs it.
pub(super) fn shortened(text: &str) -> String {
    text.chars().take(40).map(|c| if c.is_control() { ' ' } else { c }).collect()
}
