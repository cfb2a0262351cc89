//! Characters that nobody sees: with them a name looks like another one, and a secret like no
//! secret.

use std::ops::Range;

/// Whether the character has no width or turns the direction of the text: zero-width spaces and
/// joiners, the soft hyphen, fillers, direction marks, variation selectors for ideographs, tags.
pub fn is_invisible(letter: char) -> bool {
    matches!(letter,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

/// A text without its invisible characters, which knows where it came from.
pub(super) struct Visible {
    pub text: String,
    /// Where pieces begin: here, and in the text that it was.
    pieces: Vec<(usize, usize)>,
}

/// The text without them; `None` when there are none.
pub(super) fn without(text: &str) -> Option<Visible> {
    if text.is_ascii() || !text.contains(is_invisible) {
        return None;
    }
    let mut visible = Visible { text: String::with_capacity(text.len()), pieces: Vec::new() };
    let mut before = 0;
    for piece in text.split(is_invisible) {
        visible.pieces.push((visible.text.len(), before));
        visible.text.push_str(piece);
        let end = before + piece.len();
        before = end + text[end..].chars().next().map_or(0, char::len_utf8);
    }
    Some(visible)
}

impl Visible {
    /// The range as it is in the text that this was.
    pub fn range_before(&self, range: Range<usize>) -> Range<usize> {
        // The end belongs to the piece of the last byte: what follows it unseen stays where it is.
        let end = if range.is_empty() { self.before(range.end) } else { self.before(range.end - 1) + 1 };
        self.before(range.start)..end
    }

    fn before(&self, at: usize) -> usize {
        let piece = self.pieces.partition_point(|(here, _)| *here <= at).saturating_sub(1);
        let (here, before) = self.pieces.get(piece).copied().unwrap_or_default();
        before + (at - here)
    }
}
