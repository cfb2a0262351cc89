//! Characters by which a file shows its reader something else than it says: what turns the
//! direction of the text, what nobody sees, and blanks that are none for a program.
//!
//! What scripts and emoji need is no deceit: joiners between their letters, direction marks in a
//! line that has letters from right to left. What is meant can be written as an escape in double
//! quotes, which everybody sees.

use super::is_invisible;

/// Such a character.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deceiving {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    pub letter: char,
}

impl Deceiving {
    /// Whether it makes what follows stand elsewhere than where it is read by programs: no file
    /// needs that.
    pub fn turns(&self) -> bool {
        turns(self.letter)
    }

    /// What it is, with its number: `a right-to-left override (U+202E)`.
    pub fn name(&self) -> String {
        format!("{} (U+{:04X})", named(self.letter), u32::from(self.letter))
    }

    /// What to write instead.
    pub fn remedy(&self) -> String {
        let number = u32::from(self.letter);
        let escape = if number > 0xffff { format!("\\U{number:08X}") } else { format!("\\u{number:04X}") };
        match self.letter {
            letter if turns(letter) => {
                "take it out: what stands behind it is shown in another order than it is read by the bot".to_owned()
            }
            letter if is_blank(letter) => {
                format!("write a usual space; where it is meant, write `{escape}` in double quotes")
            }
            _ => format!("take it out; where it is meant, write `{escape}` in double quotes"),
        }
    }
}

/// The first of each line that has one, those that turn the text before others. Comments may hold
/// what does not turn it: nothing but people reads them.
pub fn deceiving(text: &str) -> Vec<Deceiving> {
    // Most files have none.
    if text.is_ascii() {
        return Vec::new();
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let lines = text.split('\n').enumerate().filter(|(_, line)| !line.is_ascii());
    lines
        .filter_map(|(n, line)| {
            let (at, letter) = in_line(&line.chars().collect::<Vec<_>>())?;
            Some(Deceiving { line: n + 1, column: at + 1, letter })
        })
        .collect()
}

fn in_line(line: &[char]) -> Option<(usize, char)> {
    let all = || line.iter().copied().enumerate();
    if let Some(found) = all().find(|(_, letter)| turns(*letter)) {
        return Some(found);
    }
    let code = comment(line).unwrap_or(line.len());
    let is_right_to_left = line.iter().any(|letter| is_of_right_to_left(*letter));
    all().take(code).find(|(at, letter)| {
        let before = at.checked_sub(1).and_then(|before| line.get(before)).copied().unwrap_or(' ');
        let after = line.get(at + 1).copied().unwrap_or(' ');
        match letter {
            '\u{200e}' | '\u{200f}' | '\u{61c}' => !is_right_to_left,
            '\u{200c}' | '\u{200d}' => !is_joined(before, after),
            // The flags of England, Scotland and Wales are a black flag with tags.
            '\u{e0020}'..='\u{e007f}' => !matches!(before, '\u{1f3f4}' | '\u{e0020}'..='\u{e007e}'),
            // What some scripts are written with.
            '\u{34f}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{115f}' | '\u{1160}' => false,
            letter => is_blank(*letter) || is_line_end(*letter) || is_invisible(*letter),
        }
    })
}

/// Where the comment of a line begins: a `#` behind a blank, and not in quotes.
fn comment(line: &[char]) -> Option<usize> {
    let (mut quote, mut before, mut begins) = (None, ' ', true);
    for (at, letter) in line.iter().copied().enumerate() {
        match quote {
            Some(open) if letter == open => quote = None,
            Some(_) => {}
            None if letter == '#' && before.is_whitespace() => return Some(at),
            None if begins && matches!(letter, '"' | '\'') => quote = Some(letter),
            None => {}
        }
        begins = matches!(letter, ':' | '-' | ',' | '[' | '{') || (begins && letter == ' ');
        before = letter;
    }
    None
}

fn turns(letter: char) -> bool {
    matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn is_blank(letter: char) -> bool {
    matches!(letter, '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}')
}

fn is_line_end(letter: char) -> bool {
    matches!(letter, '\u{85}' | '\u{2028}' | '\u{2029}')
}

fn is_of_right_to_left(letter: char) -> bool {
    matches!(letter, '\u{590}'..='\u{61b}' | '\u{61d}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}')
}

/// Whether a joiner, or what keeps letters from being joined, stands where a script or an emoji has
/// it.
fn is_joined(before: char, after: char) -> bool {
    let joins = |letter| {
        matches!(letter, '\u{600}'..='\u{8ff}' | '\u{900}'..='\u{dff}' | '\u{f00}'..='\u{109f}'
            | '\u{1780}'..='\u{18af}' | '\u{fb50}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}')
    };
    let is_emoji = |letter| {
        matches!(letter, '\u{fe0f}' | '\u{2190}'..='\u{21ff}' | '\u{2600}'..='\u{27bf}'
            | '\u{2b00}'..='\u{2bff}' | '\u{1f000}'..='\u{1faff}')
    };
    joins(before) || (is_emoji(before) && is_emoji(after))
}

fn named(letter: char) -> &'static str {
    match letter {
        '\u{a0}' => "a no-break space",
        '\u{202f}' => "a narrow no-break space",
        '\u{ad}' => "a soft hyphen",
        '\u{61c}' => "an Arabic letter mark",
        '\u{200b}' => "a zero-width space",
        '\u{200c}' => "a zero-width non-joiner",
        '\u{200d}' => "a zero-width joiner",
        '\u{200e}' => "a left-to-right mark",
        '\u{200f}' => "a right-to-left mark",
        '\u{202a}' => "a left-to-right embedding",
        '\u{202b}' => "a right-to-left embedding",
        '\u{202c}' => "the end of an embedding or override",
        '\u{202d}' => "a left-to-right override",
        '\u{202e}' => "a right-to-left override",
        '\u{2060}' => "a word joiner",
        '\u{2066}' => "a left-to-right isolate",
        '\u{2067}' => "a right-to-left isolate",
        '\u{2068}' => "a first strong isolate",
        '\u{2069}' => "the end of an isolate",
        '\u{feff}' => "a byte order mark",
        '\u{e0000}'..='\u{e007f}' => "a tag, which nobody sees",
        letter if is_blank(letter) => "a space that is no usual one",
        letter if is_line_end(letter) => "a line end that is no usual one",
        _ => "an invisible character",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(usize, usize, String)> {
        deceiving(text).iter().map(|odd| (odd.line, odd.column, odd.name())).collect()
    }

    #[test]
    fn what_deceives_is_named_with_its_place() {
        for (text, line, column, name) in [
            ("a: 1\nsummary: \u{202e}nwod si ti", 2, 10, "a right-to-left override (U+202E)"),
            ("summary: \"a \u{2066}b\u{2069}\"", 1, 13, "a left-to-right isolate (U+2066)"),
            ("a: b # \u{202e}c", 1, 8, "a right-to-left override (U+202E)"),
            ("a: x\u{200b}y\u{202c}", 1, 7, "the end of an embedding or override (U+202C)"),
            ("alert: Core\u{200b}DNS", 1, 12, "a zero-width space (U+200B)"),
            ("message: \"10\u{a0}%\"", 1, 13, "a no-break space (U+00A0)"),
            ("a: paypal\u{200d}x", 1, 10, "a zero-width joiner (U+200D)"),
            ("a: x\u{200f}y", 1, 5, "a right-to-left mark (U+200F)"),
            ("a: x\u{e0041}", 1, 5, "a tag, which nobody sees (U+E0041)"),
            ("\u{feff}a: \u{feff}b", 1, 4, "a byte order mark (U+FEFF)"),
            ("a: '#\u{a0}b'", 1, 6, "a no-break space (U+00A0)"),
        ] {
            assert_eq!(found(text), [(line, column, name.to_owned())], "{text:?}");
        }
    }

    #[test]
    fn what_scripts_and_emoji_need_is_left_alone() {
        for text in [
            "summary: \u{5e9}\u{5dc}\u{5d5}\u{5dd} \u{5e2}\u{5d5}\u{5dc}\u{5dd}",
            "summary: \u{5e9}\u{5dc}\u{5d5}\u{5dd} (DNS)\u{200f}!",
            "summary: \u{645}\u{6cc}\u{200c}\u{62e}\u{648}\u{627}\u{647}\u{645}",
            "summary: \u{915}\u{94d}\u{200d}\u{937}",
            "question: \u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467} \u{1f3f3}\u{fe0f}\u{200d}\u{1f308} \u{2764}\u{fe0f}\u{200d}\u{1f525}",
            "question: \u{1f3f4}\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
            "\u{feff}a: caf\u{e9} \u{2013} \u{201c}5 \u{b5}s\u{201d}",
            "a: b # c\u{a0}d",
            "message: \"10\\u00A0% \\u202E\"",
        ] {
            assert_eq!(found(text), [], "{text:?}");
        }
    }
}
