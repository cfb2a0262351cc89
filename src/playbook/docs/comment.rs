//! The comment at the head of a playbook, as prose.

use super::markdown::prose;

/// Paragraphs, lists and what is indented as code, in Markdown. Left out are what is for editors,
/// and a first line that says no more than the summary. Empty: there is none.
pub(super) fn of_head(source: &str, summary: &str) -> String {
    let lines = source.lines().take_while(|line| line.starts_with('#'));
    let lines = lines.map(|line| line[1..].strip_prefix(' ').unwrap_or(&line[1..]).trim_end());
    let lines: Vec<&str> = lines.filter(|line| !line.starts_with("yaml-language-server:")).collect();
    let repeats = lines.first().is_some_and(|line| same(line, summary));
    let mut page = Page::default();
    lines.iter().skip(usize::from(repeats)).for_each(|line| page.line(line));
    page.end()
}

/// Whether two lines differ in how they are written alone.
fn same(one: &str, other: &str) -> bool {
    let letters =
        |text: &str| -> String { text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect() };
    letters(one) == letters(other)
}

#[derive(Default)]
struct Page {
    text: String,
    /// Lines of one paragraph or of one entry of a list, with what stands before it.
    open: Option<(String, String)>,
    /// How far what belongs to the entry of the list is indented that came last; `None`: no list.
    list: Option<usize>,
    /// The lines of code that came last.
    code: Vec<String>,
    /// Whether the last line was empty.
    after_blank: bool,
    /// Whether what was written last is an entry of a list.
    after_entry: bool,
}

impl Page {
    fn line(&mut self, line: &str) {
        let words = line.trim_start();
        let indent = line.len() - words.len();
        if words.is_empty() {
            if self.code.is_empty() {
                self.close();
            } else {
                self.code.push(String::new());
            }
            self.after_blank = true;
            return;
        }
        let is_entry = marker(words).is_some() && (indent == 0 || self.list.is_some());
        let is_code = match self.list {
            _ if !self.code.is_empty() => indent >= 2,
            None => indent >= 2,
            Some(within) => !is_entry && indent >= within + 2,
        };
        if is_code {
            if self.code.is_empty() {
                self.close();
            }
            self.code.push(line.to_owned());
        } else if let Some(width) = marker(words).filter(|_| is_entry) {
            self.close();
            let (mark, rest) = words.split_at(width);
            self.open = Some((format!("{}{mark}", " ".repeat(indent)), rest.to_owned()));
            self.list = Some(indent + width);
        } else {
            if indent == 0 && self.list.take().is_some() {
                self.close();
            }
            let before = " ".repeat(if self.list.is_some() { indent } else { 0 });
            if self.after_blank || !self.code.is_empty() {
                self.close();
            }
            match &mut self.open {
                Some((_, text)) => *text = format!("{text} {words}"),
                None => self.open = Some((before, words.to_owned())),
            }
        }
        self.after_blank = false;
    }

    /// Ends what is open.
    fn close(&mut self) {
        let code = std::mem::take(&mut self.code);
        if !code.is_empty() {
            let filled = code.iter().filter(|line| !line.is_empty());
            let indent = filled.map(|line| line.len() - line.trim_start().len()).min().unwrap_or_default();
            let before = " ".repeat(self.list.unwrap_or_default());
            self.text.push_str(&format!("\n{before}```text\n"));
            let end = code.iter().rposition(|line| !line.is_empty()).map_or(0, |last| last + 1);
            for line in &code[..end] {
                self.text.push_str(format!("{before}{}", line.get(indent..).unwrap_or_default()).trim_end());
                self.text.push('\n');
            }
            self.text.push_str(&format!("{before}```\n"));
            self.after_entry = false;
        }
        if let Some((before, text)) = self.open.take() {
            let is_entry = marker(before.trim_start()).is_some();
            let gap = if is_entry && self.after_entry { "" } else { "\n" };
            self.text.push_str(&format!("{gap}{before}{}\n", prose(&text)));
            self.after_entry = is_entry;
        }
    }

    fn end(mut self) -> String {
        self.close();
        self.text.trim_start_matches('\n').to_owned()
    }
}

/// How long the mark is that a list's entry begins with: `- `, `1. `.
fn marker(words: &str) -> Option<usize> {
    if words.starts_with("- ") || words.starts_with("* ") {
        return Some(2);
    }
    let digits = words.bytes().take_while(u8::is_ascii_digit).count();
    (digits > 0 && digits < 3 && words[digits..].starts_with(". ")).then_some(digits + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_and_lists_are_kept_and_what_is_for_editors_is_not() {
        let source = "# yaml-language-server: $schema=x.json\n# A volume is full.\n#\n# It says\n# why. <b>\n#\n# - One (a\n\
                      #   b)\n# - Two: {{x}}\n#\n# Last.\n# With code:\n#   a: [1, 2]\n#     b\napiVersion: x\n# no more\n";
        let meant = "It says why. \\<b\\>\n\n- One (a b)\n- Two: \\{\\{x\\}\\}\n\nLast. With code:\n\n```text\na: [1, 2]\n  b\n```\n";
        assert_eq!(of_head(source, "a volume is full"), meant);
        assert!(of_head(source, "other").starts_with("A volume is full.\n\nIt says"));
        assert_eq!(of_head("apiVersion: x\n", "s"), "");
    }
}
