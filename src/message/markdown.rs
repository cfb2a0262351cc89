//! Texts of others in the Markdown of GitHub and GitLab, where they are read and do nothing.
//!
//! What alerts and playbooks say stands in fenced code: there `@name` calls nobody, `#12` and
//! `group!3` refer to nothing, `fixes #1` closes nothing, `/close` on a line of its own is no quick
//! action of GitLab's, and HTML is text; and what is to be typed is copied as it is.

use super::text::width;

/// A line of a paragraph is broken here: code does not wrap by itself.
const LINE: usize = 100;

/// The lines in a block of code.
pub(super) fn fenced(lines: &[String]) -> String {
    let ticks = lines.iter().flat_map(|line| line.split(|c| c != '`')).map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(ticks.max(2) + 1);
    let mut block = format!("{fence}text\n");
    for line in lines.iter().flat_map(|line| line.lines()) {
        // An older GitLab looks for quick actions in what its own rules do not take for code.
        if line.starts_with('/') {
            block.push(' ');
        }
        block.push_str(line);
        block.push('\n');
    }
    block + &fence
}

/// Sentences, in lines that fit on a screen.
pub(super) fn wrapped(lines: &[String]) -> Vec<String> {
    lines.iter().flat_map(|line| wrap(line)).collect()
}

fn wrap(line: &str) -> Vec<String> {
    if width(line) <= LINE {
        return vec![line.to_owned()];
    }
    let indent = if line.starts_with("- ") { "  " } else { "" };
    let mut lines = Vec::new();
    let mut now = String::new();
    for word in line.split(' ') {
        let is_full = !now.trim().is_empty() && width(&now) + 1 + width(word) > LINE;
        if is_full {
            lines.push(std::mem::replace(&mut now, format!("{indent}{word}")));
        } else {
            if !now.is_empty() {
                now.push(' ');
            }
            now.push_str(word);
        }
    }
    lines.push(now);
    lines
}

/// A title, which is no Markdown but is looked through for names and references: those signs are
/// shown by others that look like them.
pub(super) fn title(text: &str) -> String {
    let mut title = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let begins = letters.peek().is_some_and(|next| next.is_alphanumeric() || matches!(next, '"' | '_'));
        title.push(match letter {
            '@' if begins => '\u{ff20}',
            '#' if begins => '\u{ff03}',
            '!' if begins => '\u{ff01}',
            '&' if begins => '\u{ff06}',
            '~' if begins => '\u{ff5e}',
            '%' if begins => '\u{ff05}',
            '$' if begins => '\u{ff04}',
            '^' if begins => '\u{ff3e}',
            // `GH-12` and `GL-12` are references, too.
            '-' if begins && ["GH", "GL"].iter().any(|mark| ends_with_word(&title, mark)) => '\u{2011}',
            other => other,
        });
    }
    title
}

fn ends_with_word(text: &str, word: &str) -> bool {
    let Some(at) = text.len().checked_sub(word.len()).filter(|at| text.is_char_boundary(*at)) else { return false };
    let (before, end) = text.split_at(at);
    end.eq_ignore_ascii_case(word) && !before.ends_with(char::is_alphanumeric)
}

/// An address to click on; one that could be taken for another ticket is only shown: a link to it
/// would be told there.
pub(super) fn link(url: &str) -> String {
    const OF_A_TRACKER: [&str; 9] = [
        "/issues/",
        "/pull/",
        "/pulls/",
        "/discussions/",
        "/commit/",
        "/merge_requests/",
        "/work_items/",
        "/epics/",
        "/snippets/",
    ];
    let is_plain = url.chars().all(|c| c.is_ascii_graphic() && !matches!(c, '<' | '>' | '`' | '"' | '\\'));
    let refers = OF_A_TRACKER.iter().any(|part| url.to_ascii_lowercase().contains(part));
    if is_plain && !refers {
        return format!("<{url}>");
    }
    format!("`{}`", url.replace('`', "%60"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(lines: &[&str]) -> Vec<String> {
        lines.iter().map(|line| (*line).to_owned()).collect()
    }

    #[test]
    fn no_line_ends_the_code_that_it_stands_in() {
        assert_eq!(fenced(&lines(&["a", "``"])), "```text\na\n``\n```");
        assert_eq!(fenced(&lines(&["```", "@all"])), "````text\n```\n@all\n````");
        assert_eq!(fenced(&lines(&["x ````` y"])), "``````text\nx ````` y\n``````");
        assert_eq!(fenced(&lines(&["/close", "one\n/assign @eve"])), "```text\n /close\none\n /assign @eve\n```");
    }

    #[test]
    fn a_title_calls_nobody_and_refers_to_nothing() {
        let signs = ["@", "#", "!", "~", "%", "&", "$"];
        let text = title("[S3] INC-1 @ops fixes #12 db!7 GH-3 gl-4 &5 ~bug %9 $1: 5 % of a & b! a@b");
        assert_eq!(
            text,
            "[S3] INC-1 ＠ops fixes ＃12 db！7 GH\u{2011}3 gl\u{2011}4 ＆5 ～bug ％9 ＄1: 5 % of a & b! a＠b"
        );
        for sign in signs {
            assert!(!title(&format!("a{sign}b")).contains(sign), "{sign}");
        }
    }

    #[test]
    fn a_link_to_another_ticket_is_only_shown() {
        assert_eq!(link("https://wiki.example.org/runbooks/pg"), "<https://wiki.example.org/runbooks/pg>");
        assert_eq!(link("https://github.com/acme/db/issues/1"), "`https://github.com/acme/db/issues/1`");
        assert_eq!(link("https://gitlab.com/a/b/-/Merge_Requests/1"), "`https://gitlab.com/a/b/-/Merge_Requests/1`");
        assert_eq!(link("https://x/>`@all"), "`https://x/>%60@all`");
    }

    #[test]
    fn a_long_sentence_is_broken_between_words() {
        let long = format!("- {}", "word ".repeat(40).trim());
        let wrapped = wrapped(std::slice::from_ref(&long));
        assert!(wrapped.len() == 3 && wrapped.iter().all(|line| width(line) <= LINE), "{wrapped:?}");
        assert_eq!(wrapped.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" "), long);
    }
}
