//! Characters that nobody sees: with them a name looks like another one, and a secret like no
//! secret.

use std::ops::Range;

use super::named::run_of;

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

/// The text without them, be they written as they are or as an escape of them; `None` when there
/// are none.
pub(super) fn without(text: &str) -> Option<Visible> {
    let mut visible: Option<Visible> = None;
    let (mut at, mut before) = (0, 0);
    while let Some(start) = text[at..].find(may_be_unseen).map(|found| at + found) {
        let end = start + unseen_length(&text[start..]);
        if end == start {
            let slashes = text[start..].len() - text[start..].trim_start_matches('\\').len();
            at = start + slashes.max(text[start..].chars().next().map_or(1, char::len_utf8));
            continue;
        }
        let visible =
            visible.get_or_insert_with(|| Visible { text: String::with_capacity(text.len()), pieces: Vec::new() });
        visible.pieces.push((visible.text.len(), before));
        visible.text.push_str(&text[before..start]);
        (at, before) = (end, end);
    }
    let mut visible = visible?;
    visible.pieces.push((visible.text.len(), before));
    visible.text.push_str(&text[before..]);
    Some(visible)
}

fn may_be_unseen(letter: char) -> bool {
    letter == '\\' || is_unseen(letter)
}

/// Also what a terminal takes for a command: an error quotes it as an escape.
fn is_unseen(letter: char) -> bool {
    is_invisible(letter) || (letter.is_control() && !letter.is_whitespace())
}

/// How much of the text's beginning nobody sees: a letter, its escape, or the colour that follows
/// an ESC.
fn unseen_length(text: &str) -> usize {
    let Some((letter, length)) = letter_at(text).filter(|(letter, _)| is_unseen(*letter)) else { return 0 };
    let colour = &text[length..];
    match colour.strip_prefix('[') {
        Some(numbers) if letter == '\u{1b}' => {
            let end = numbers.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, ';' | ':' | '?'));
            match end.chars().next() {
                Some('@'..='~') => length + colour.len() - end.len() + 1,
                _ => length,
            }
        }
        _ => length,
    }
}

/// The letter that stands there, and how long it is as it is written: itself, or `\u{200b}`,
/// `\u200b`, `\U0000200b`, `\x1b` behind any number of backslashes, as a text within a text has
/// more of them.
fn letter_at(text: &str) -> Option<(char, usize)> {
    let escape = text.trim_start_matches('\\');
    let slashes = text.len() - escape.len();
    if slashes == 0 {
        return text.chars().next().map(|letter| (letter, letter.len_utf8()));
    }
    if let Some(hex) = escape.strip_prefix("u{") {
        let digits = run_of(hex, |c| c.is_ascii_hexdigit());
        let letter = u32::from_str_radix(digits, 16).ok().and_then(char::from_u32)?;
        return hex[digits.len()..].starts_with('}').then(|| (letter, slashes + "u{}".len() + digits.len()));
    }
    let (kind, digits) = match escape.bytes().next()? {
        b'x' => ('x', 2),
        b'u' => ('u', 4),
        b'U' => ('U', 8),
        _ => return None,
    };
    let code = code_of(&escape[kind.len_utf8()..], digits)?;
    let length = slashes + 1 + digits;
    if let Some(letter) = char::from_u32(code) {
        return Some((letter, length));
    }
    // JSON has no more than four digits, and writes what needs more as two halves.
    let rest = text[length..].trim_start_matches('\\');
    let low = rest.strip_prefix('u').and_then(|hex| code_of(hex, 4)).filter(|low| (0xdc00..0xe000).contains(low))?;
    let letter = code.checked_sub(0xd800).and_then(|high| char::from_u32(0x1_0000 + (high << 10) + (low - 0xdc00)))?;
    Some((letter, text.len() - rest.len() + 1 + 4))
}

fn code_of(hex: &str, digits: usize) -> Option<u32> {
    let hex = hex.get(..digits).filter(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
    u32::from_str_radix(hex, 16).ok()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_that_nobody_sees_is_taken_out_however_it_is_written() {
        for text in [
            "a\u{200b}b",
            r"a\u{200b}b",
            r"a\\u{200B}b",
            r"a\u200bb",
            r"a\\\\u200Bb",
            r"a\U0000200bb",
            r"a\udb40\udc41b",
            r"a\\udb40\\udc41b",
            r"a\x1bb",
            r"a\x1b[31mb",
            r"a\u{1b}[0;1mb",
            "a\u{1b}[31mb",
            r"a\u0000b",
        ] {
            let visible = without(text).unwrap_or_else(|| panic!("{text:?}"));
            assert_eq!(visible.text, "ab", "{text:?}");
            let last = text.len() - 1;
            assert_eq!((visible.range_before(0..1), visible.range_before(1..2)), (0..1, last..text.len()), "{text:?}");
            assert_eq!(visible.range_before(0..2), 0..text.len(), "{text:?}");
        }
    }

    #[test]
    fn what_is_seen_stays() {
        for text in [
            r"C:\users\xena\x2",
            r"a\u{e9}b",
            r"a\u00e9b\n\x41",
            r"\u{}",
            r"\u{200b",
            r"\u20",
            r"\ud83d",
            r"\udb40\n",
            r"\uffff\uffff",
            r"\",
            "a\tb\n",
            "\u{e9}\\",
        ] {
            assert!(without(text).is_none(), "{text:?}");
        }
    }
}
