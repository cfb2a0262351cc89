//! Markdown of texts that were not written as such: nothing in them becomes markup by accident, a
//! template's holes neither for those who have pages go through another template engine.

/// A line of text. Code in backticks stays code, and addresses stay addresses.
pub(super) fn prose(text: &str) -> String {
    let text = one_line(text);
    let parts: Vec<&str> = text.split('`').collect();
    if parts.len().is_multiple_of(2) {
        // A backtick without its other one is a backtick.
        return words(&text);
    }
    let parts = parts.iter().enumerate();
    parts.map(|(index, part)| if index % 2 == 1 && !part.is_empty() { code(part) } else { words(part) }).collect()
}

/// Text without code in it.
fn words(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = ["https://", "http://"].iter().filter_map(|scheme| rest.find(scheme)).min() {
        let (before, from) = rest.split_at(at);
        let end = from.find(|c: char| c.is_whitespace() || "<>()\"'|{}`\\".contains(c)).unwrap_or(from.len());
        let address = from[..end].trim_end_matches(['.', ',', ';', ':', '?', '!']);
        out.push_str(&escaped(before));
        // In angle brackets nothing of it is markup, whatever it holds.
        out.push_str(&format!("<{address}>"));
        rest = &from[address.len()..];
    }
    out + &escaped(rest)
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut before: Option<char> = None;
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let is_markup = match c {
            '\\' | '`' | '*' | '[' | ']' | '<' | '>' | '{' | '}' | '~' | '&' | '$' => true,
            // Within a word it means nothing.
            '_' => {
                let is_of_a_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
                !(is_of_a_word(before) && is_of_a_word(rest.peek().copied()))
            }
            '#' | '+' | '=' => before.is_none(),
            _ => false,
        };
        if is_markup {
            out.push('\\');
        }
        out.push(c);
        before = Some(c);
    }
    out
}

/// Code in one line.
pub(super) fn code(text: &str) -> String {
    let text = one_line(text);
    if !text.contains('`') && !text.contains("{{") && !text.contains("{%") {
        return format!("`{text}`");
    }
    // Between backticks nothing can be escaped.
    let mut out = String::from("<code>");
    for c in text.chars() {
        if "&<>`{}*_[]\\~$#%".contains(c) {
            out.push_str(&format!("&#{};", u32::from(c)));
        } else {
            out.push(c);
        }
    }
    out + "</code>"
}

/// A table; cells are Markdown.
pub(super) fn table(head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let mut text = line(head.iter().map(|&cell| cell.to_owned()).collect());
    text.push_str(&line(head.iter().map(|_| "---".to_owned()).collect()));
    // In code, too: a table is taken apart before its cells are read.
    text.extend(rows.into_iter().map(|row| line(row.into_iter().map(|cell| cell.replace('|', "\\|")).collect())));
    text
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_becomes_markup_by_accident() {
        assert_eq!(prose("a *b* [c](d) <e> {{f}} _g_ h_i 5$"), r"a \*b\* \[c\](d) \<e\> \{\{f\}\} \_g\_ h_i 5\$");
        assert_eq!(prose("# no heading"), r"\# no heading");
        assert_eq!(prose("one ` alone"), r"one \` alone");
        assert_eq!(prose("two\n  lines"), "two lines");
    }

    #[test]
    fn code_and_addresses_stay() {
        assert_eq!(prose("`a_*` and b_*"), r"`a_*` and b\_\*");
        assert_eq!(prose("see https://x.example/a_b_c, or"), "see <https://x.example/a_b_c>, or");
        assert_eq!(prose("(http://x.example/{{y}})"), r"(<http://x.example/>\{\{y\}\})");
        assert_eq!(code("a < b | c"), "`a < b | c`");
        assert_eq!(code("{{x}} `y`"), "<code>&#123;&#123;x&#125;&#125; &#96;y&#96;</code>");
    }

    #[test]
    fn a_cell_holds_a_bar() {
        assert_eq!(table(&["a"], [vec![code("x || y")]]), "| a |\n| --- |\n| `x \\|\\| y` |\n");
    }
}
