//! Plain text as Discord shows it: without markup of others, without mentions, within its limits.
//!
//! Limits: <https://discord.com/developers/docs/resources/message#embed-object-embed-limits>.

use crate::message::{clip, fold, width};

/// The longest description of an embed, in units.
#[cfg(test)]
const DESCRIPTION: usize = 4_096;
/// The longest title of an embed.
const TITLE: usize = 256;

/// A text that fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    pub text: String,
    /// Something was left out.
    pub cut: bool,
}

/// Lines of plain text as an embed's description of at most `longest` units; lines in the middle give way to `… 12 more`.
/// Lines that are indented by four spaces or more are diffs, and shown as such.
pub fn show(text: &str, longest: usize) -> Shown {
    fitting(longest, |room| {
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let folded = fold(lines.clone(), room);
        let cut = folded != lines;
        Shown { text: with_diffs(&folded), cut }
    })
}

/// The same for a text that knows itself what to leave out: `lay_out` makes it for so much room,
/// and says whether it did.
pub fn show_laid_out(longest: usize, lay_out: impl Fn(usize) -> (String, bool)) -> Shown {
    fitting(longest, |room| {
        let (text, cut) = lay_out(room);
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        Shown { text: with_diffs(&lines), cut }
    })
}

/// Lines of plain text in a code block of at most `longest` units, in which columns stand one below the other.
pub fn code_block(text: &str, longest: usize) -> Shown {
    fitting(longest, |room| {
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let folded = fold(lines.clone(), room);
        let cut = folded != lines;
        Shown { text: fenced("", &folded.join("\n")), cut }
    })
}

/// One line as an embed's title.
pub fn title(text: &str) -> String {
    fitting(TITLE, |room| Shown { text: escape(&clip(text, room)), cut: false }).text
}

/// Shrinks the room for the plain text until what is made of it fits: escaping makes it longer, at most threefold.
fn fitting(longest: usize, render: impl Fn(usize) -> Shown) -> Shown {
    let mut room = longest;
    loop {
        let shown = render(room);
        let length = width(&shown.text);
        if length <= longest || room == 0 {
            return shown;
        }
        // At least one unit less each time, so that it ends.
        room = (room * longest / length).min(room - 1);
    }
}

fn with_diffs(lines: &[String]) -> String {
    const INDENT: &str = "    ";
    let mut parts = Vec::new();
    for chunk in lines.chunk_by(|a, b| a.starts_with(INDENT) == b.starts_with(INDENT)) {
        let text = chunk.join("\n");
        if chunk.iter().all(|line| line.starts_with(INDENT)) {
            let lines: Vec<&str> = chunk.iter().map(|line| &line[INDENT.len()..]).collect();
            parts.push(fenced("diff", &lines.join("\n")));
        } else {
            parts.push(escape(&text));
        }
    }
    parts.join("\n")
}

fn fenced(language: &str, text: &str) -> String {
    // Three of them would end the block.
    let text = text.replace("``", "`\u{200b}`");
    format!("```{language}\n{text}\n```")
}

/// Text in which nothing is markup or a mention. Addresses of the web stay as they are, so that they can be clicked.
pub fn escape(text: &str) -> String {
    // A link whose text hides where it leads needs this somewhere.
    let hides_links = text.contains("](");
    text.split('\n').map(|line| escape_line(line, hides_links)).collect::<Vec<_>>().join("\n")
}

/// The same with addresses that nobody can click and for which Discord shows no preview: for what is no embed.
pub fn without_links(text: &str) -> String {
    escape(&text.replace("://", ":\u{200b}//"))
}

fn escape_line(line: &str, hides_links: bool) -> String {
    let mut escaped = String::with_capacity(line.len() + 16);
    // Nothing but blanks, bullets and numbers came yet: a heading or a quotation may begin here.
    let mut begins = true;
    let mut before = None;
    let mut rest = line;
    while let Some(letter) = rest.chars().next() {
        let address = address(rest);
        if address > 0 {
            escaped.push_str(&rest[..address]);
            before = rest[..address].chars().next_back();
            rest = &rest[address..];
            begins = false;
            continue;
        }
        let after = &rest[letter.len_utf8()..];
        if is_markup(letter, before, after, begins, hides_links) {
            escaped.push('\\');
        }
        escaped.push(letter);
        if letter == '@' && (before == Some('<') || after.starts_with("everyone") || after.starts_with("here")) {
            escaped.push('\u{200b}');
        }
        begins &= matches!(letter, ' ' | '-' | '+' | '.' | '0'..='9');
        before = Some(letter);
        rest = after;
    }
    escaped
}

fn is_markup(letter: char, before: Option<char>, after: &str, begins: bool, hides_links: bool) -> bool {
    match letter {
        '\\' | '*' | '`' | '|' | '~' | '<' => true,
        // Names such as `max_replicas` need no help: between letters it is no markup.
        '_' => {
            let is_word = |letter: Option<char>| letter.is_some_and(|letter| letter.is_ascii_alphanumeric());
            !(is_word(before) && is_word(after.chars().next()))
        }
        '[' | ']' => hides_links,
        '#' | '>' => begins,
        _ => false,
    }
}

/// How many bytes of an address of the web `text` begins with; 0: none.
fn address(text: &str) -> usize {
    let Some(start) = ["https://", "http://"].into_iter().find(|start| text.starts_with(start)) else { return 0 };
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~:/?#&=%+;".contains(byte);
    let length = text.bytes().take_while(|byte| is_part(byte)).count();
    if length > start.len() { length } else { 0 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn markup_of_others_is_text() {
        for (plain, shown) in [
            ("**bold** _it_ ~~no~~ `x` ||y||", r"\*\*bold\*\* \_it\_ \~\~no\~\~ \`x\` \|\|y\|\|"),
            ("max_replicas: 4 -> 6", "max_replicas: 4 -> 6"),
            ("__a__ a_b_", r"\_\_a\_\_ a_b\_"),
            ("# big", r"\# big"),
            ("- # big\n> quoted\nissue #7 > 3", "- \\# big\n\\> quoted\nissue #7 > 3"),
            ("[S1] INC-1", "[S1] INC-1"),
            ("[click](https://evil.test)", r"\[click\](https://evil.test)"),
            (r"a\b", r"a\\b"),
            ("a < b", r"a \< b"),
        ] {
            assert_eq!(escape(plain), shown);
        }
    }

    #[test]
    fn nobody_is_mentioned() {
        assert_eq!(escape("@everyone @here"), "@\u{200b}everyone @\u{200b}here");
        assert_eq!(
            escape("<@123> <@&5> <#7> ada@example.org"),
            "\\<@\u{200b}123> \\<@\u{200b}&5> \\<#7> ada@example.org"
        );
    }

    #[test]
    fn addresses_stay_whole_unless_they_must_not_be_links() {
        let runbook = "runbook: https://wiki.test/a_b__c?x=1#top, then *act*";
        assert_eq!(escape(runbook), r"runbook: https://wiki.test/a_b__c?x=1#top, then \*act\*");
        assert_eq!(without_links("see https://evil.test"), "see https:\u{200b}//evil.test");
    }

    #[test]
    fn diffs_are_shown_as_diffs_and_cannot_end_their_block() {
        let shown = show("1. CHANGES: scale\n    - replicas: 4\n    + ```@everyone\nend", DESCRIPTION);
        assert_eq!(shown.text, "1. CHANGES: scale\n```diff\n- replicas: 4\n+ `\u{200b}``@everyone\n```\nend");
        assert!(!shown.cut);
    }

    #[test]
    fn what_is_too_long_is_folded_after_escaping() {
        let lines: Vec<String> = (0..300).map(|n| format!("{n} ***********")).collect();
        let shown = show(&lines.join("\n"), DESCRIPTION);
        assert!(shown.cut && width(&shown.text) <= DESCRIPTION);
        assert!(shown.text.starts_with("0 ") && shown.text.contains(" more\n") && shown.text.contains("\n299 "));
        assert!(width(&shown.text) > DESCRIPTION / 2, "{}", width(&shown.text));
        assert_eq!(width(&title(&"*".repeat(400))), 255, "a pair for each, and one for the end");
    }

    #[test]
    fn what_leaves_out_itself_is_asked_to_until_it_fits() {
        let shown = show_laid_out(100, |room| ("*".repeat(room.min(90)), room < 90));
        assert!(shown.cut && width(&shown.text) <= 100 && width(&shown.text) > 60, "{shown:?}");
        let whole = show_laid_out(100, |room| ("*".repeat(room.min(40)), room < 40));
        assert!(!whole.cut && width(&whole.text) == 80, "{whole:?}");
    }

    proptest! {
        // Masking secrets makes each a matter of milliseconds.
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn limits_hold_for_any_text(text in "(.|\\*|`|_|    |\n|@|\u{1F600}){0,600}", longest in 40..400usize) {
            prop_assert!(width(&show(&text, longest).text) <= longest);
            prop_assert!(width(&code_block(&text, longest).text) <= longest);
            prop_assert!(width(&title(&text)) <= TITLE);
        }
    }

    proptest! {
        #[test]
        fn no_text_mentions_anybody(text in "(@|everyone|here|<|>|!|&|7|`|\\\\| ){0,40}") {
            let shown = escape(&text);
            for mention in ["@everyone", "@here", "<@"] {
                let at = shown.find(mention);
                let harmless = mention == "<@" && shown[at.unwrap_or(0)..].starts_with("<@\u{200b}");
                prop_assert!(at.is_none() || harmless, "{}", shown);
            }
        }

        #[test]
        fn a_block_ends_where_it_ends(text in "[`a\n]{0,60}") {
            let block = code_block(&text, 2_000).text;
            prop_assert_eq!(block.matches("```").count(), 2, "{}", block);
        }
    }
}
