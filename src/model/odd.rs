//! Characters that look like nothing, or like others, and that no YAML reader names.

/// A character that stands where YAML wants a space, a quote or nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OddCharacter {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// `a no-break space (U+00A0)`.
    pub name: String,
    pub remedy: &'static str,
}

/// The first odd character in the line of an error, in the one after it, or in the one before: the
/// reader tells of a tab a line too early, and of a key without its colon where the next one
/// begins. `line` is from 1. What stands in quotes or in a comment is as somebody wants it.
pub fn odd_character(text: &str, line: usize) -> Option<OddCharacter> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let line = line.max(1);
    [line, line.saturating_add(1), line - 1]
        .into_iter()
        .filter(|line| *line > 0)
        .find_map(|line| text.split('\n').nth(line - 1).and_then(|text| in_line(line, text)))
}

fn in_line(line: usize, text: &str) -> Option<OddCharacter> {
    let mut quote = None;
    let mut before = ' ';
    // Whether a value or a key may begin here.
    let mut begins = true;
    for (n, letter) in text.chars().enumerate() {
        let indents = text.chars().take(n).all(char::is_whitespace);
        match quote {
            Some(open) if letter == open => quote = None,
            Some(_) => {}
            None if letter == '#' && before.is_whitespace() => return None,
            None if begins && matches!(letter, '"' | '\'') => quote = Some(letter),
            None => {
                if let Some((name, remedy)) = odd(letter, begins, indents) {
                    let name = format!("{name} (U+{:04X})", u32::from(letter));
                    return Some(OddCharacter { line, column: n + 1, name, remedy });
                }
            }
        }
        begins = matches!(letter, ':' | '-' | ',' | '[' | '{') || (begins && letter == ' ');
        before = letter;
    }
    None
}

fn odd(letter: char, begins: bool, indents: bool) -> Option<(&'static str, &'static str)> {
    const SPACE: &str = "write a usual space instead; it came along when something was copied";
    const NOTHING: &str = "take it out; it came along when something was copied";
    Some(match letter {
        '\t' if indents => ("a tab", "write spaces instead: YAML cannot be indented with tabs"),
        '\u{a0}' => ("a no-break space", SPACE),
        '\u{202f}' => ("a narrow no-break space", SPACE),
        '\u{3000}' => ("an ideographic space", SPACE),
        '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{205f}' => ("a space that is no usual one", SPACE),
        '\u{85}' | '\u{2028}' | '\u{2029}' => {
            ("a line end that is no usual one", "write a usual line end instead, or a space")
        }
        '\u{200b}' => ("a zero-width space", NOTHING),
        '\u{200c}' | '\u{200d}' | '\u{2060}'..='\u{2064}' | '\u{ad}' => ("an invisible character", NOTHING),
        '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            ("an invisible mark that turns the direction of the text", NOTHING)
        }
        '\u{feff}' => ("a byte order mark", NOTHING),
        '\u{2018}'..='\u{201f}' | '\u{ab}' | '\u{bb}' if begins => {
            ("a typographic quote", "write \" or ' instead: YAML knows no others")
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str, line: usize) -> Option<(usize, usize, String)> {
        odd_character(text, line).map(|odd| (odd.line, odd.column, odd.name))
    }

    #[test]
    fn what_cannot_be_seen_is_named_with_its_place() {
        for (text, line, column, name) in [
            ("a: 1\nseverity:\u{a0} S3\n", 2, 10, "a no-break space (U+00A0)"),
            ("a: 1\nteams:\n\trotation: x\n", 3, 1, "a tab (U+0009)"),
            ("  \tname: x", 1, 3, "a tab (U+0009)"),
            ("seve\u{200b}rity: S3", 1, 5, "a zero-width space (U+200B)"),
            ("a: 1\n\u{feff}b: 2", 2, 1, "a byte order mark (U+FEFF)"),
            ("a: b\u{2028}c: d", 1, 5, "a line end that is no usual one (U+2028)"),
            ("- name: \u{201c}ada\u{201d}", 1, 9, "a typographic quote (U+201C)"),
            ("{ name: \u{2018}ada\u{2019} }", 1, 9, "a typographic quote (U+2018)"),
        ] {
            assert_eq!(found(text, line), Some((line, column, name.to_owned())), "{text:?}");
        }
    }

    #[test]
    fn a_tab_is_found_although_the_reader_points_at_the_line_before_it() {
        assert_eq!(found("teams:\n  - name: a\n\trotation: x", 2).map(|at| (at.0, at.1)), Some((3, 1)));
    }

    #[test]
    fn what_is_wanted_is_left_alone() {
        for text in [
            "\u{feff}a: 1",
            "message: \"10\u{a0}% of \u{201c}all\u{201d}\"",
            "a: 1 # a\u{a0}comment",
            "message: it is \u{201c}down\u{201d}",
            "a: b\tc",
            "message: caf\u{e9} \u{2013} 5 \u{b5}s",
        ] {
            assert_eq!(found(text, 1), None, "{text:?}");
        }
    }
}
