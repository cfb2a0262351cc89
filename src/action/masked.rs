//! Texts that others have written, as people may see them.

use crate::model::redact;

/// The text without what looks like a secret, and without what steers a terminal. It is masked
/// twice: a control character may hide a secret, or end one.
pub(super) fn masked_text(text: &str) -> String {
    redact(&plain(&redact(text))).into_owned()
}

/// Without the colours of terminals and other control characters: the text goes to people's chats.
/// A space or the end of a line stands in their place, so that no two words become one.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let shown = match c {
            '\n' | '\t' => c,
            // Also that of a bar of progress, which writes over its line.
            '\r' if rest.peek() == Some(&'\n') => continue,
            '\r' => '\n',
            '\u{1b}' => {
                if rest.next_if_eq(&'[').is_some() {
                    while rest.next_if(|c| !c.is_ascii_alphabetic() && *c != '\n').is_some() {}
                    rest.next_if(|c| *c != '\n');
                }
                ' '
            }
            c if c.is_control() => ' ',
            c => c,
        };
        let is_between =
            plain.ends_with(|c: char| !c.is_whitespace()) && rest.peek().is_some_and(|c| !c.is_whitespace());
        if shown != ' ' || c == ' ' || is_between {
            plain.push(shown);
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_is_left_out() {
        assert_eq!(plain("\u{1b}[31mERROR\u{1b}[0m a\tb\r\n\u{7}c\u{1b}[1\nd"), "ERROR a\tb\nc\nd");
    }
}
