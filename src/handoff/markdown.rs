//! Making any text safe to stand in a line of Markdown.

use crate::message::shown;
use crate::model::{is_invisible, redact};

/// The longest value in a report, in characters: a label can be as long as a novel.
const LONGEST: usize = 300;

/// The text as one line that Markdown shows as it is: no markup, no HTML, no new row or cell of a table, no control
/// characters, no invisible characters but by their numbers, and nothing that looks like a secret.
pub(super) fn escape(text: &str) -> String {
    let text = redact(text);
    let text: String = text.chars().flat_map(seen).collect();
    let mut escaped = String::with_capacity(text.len() + 8);
    let mut before = ' ';
    let mut chars = text.trim().chars().take(LONGEST).peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' | '`' | '*' | '[' | ']' | '|' | '~' | '#' | '!' | '$' => {
                escaped.push('\\');
                escaped.push(c);
            }
            // Within a word it is no markup, and names are full of it.
            '_' if before.is_alphanumeric() && chars.peek().is_some_and(|next| next.is_alphanumeric()) => {
                escaped.push('_')
            }
            '_' => escaped.push_str("\\_"),
            '<' => escaped.push_str("&lt;"),
            '>' if before == '-' => escaped.push('>'),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            c if c.is_whitespace() => escaped.push(' '),
            c if c.is_control() => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
        before = c;
    }
    if text.trim().chars().count() > LONGEST {
        escaped.push('…');
    }
    escaped
}

/// The character, or its number where nobody would see it.
fn seen(c: char) -> Vec<char> {
    if is_invisible(c) { shown(c).chars().collect() } else { vec![c] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_text() {
        assert_eq!(escape("a | b"), "a \\| b");
        assert_eq!(escape("`rm -rf`"), "\\`rm -rf\\`");
        assert_eq!(escape("<script>&amp;"), "&lt;script&gt;&amp;amp;");
        assert_eq!(escape("![x](http://a)"), "\\!\\[x\\](http://a)");
        assert_eq!(escape("a\nb\r\n# c"), "a b  \\# c");
        assert_eq!(escape("x\u{1b}[31m\u{202e}y"), "x\u{fffd}\\[31m&lt;U+202E&gt;y");
        assert_eq!(escape("pg_stat_x _y_"), "pg_stat_x \\_y\\_");
        assert_eq!(escape("4 -> 6"), "4 -> 6");
        assert_eq!(escape("> quote"), "&gt; quote");
    }

    #[test]
    fn what_looks_like_a_secret_is_masked() {
        assert_eq!(escape("psql: PGPASSWORD=hunter2 failed"), "psql: PGPASSWORD=\\*\\*\\* failed");
    }

    #[test]
    fn a_novel_is_cut() {
        let escaped = escape(&"ä".repeat(1_000));
        assert_eq!(escaped.chars().count(), 301);
        assert!(escaped.ends_with('…'));
    }
}
