//! A text to point into.

use std::iter::Peekable;
use std::path::Path;
use std::str::Chars;

use super::Code;
use super::diagnostic::{Diagnostic, DiagnosticSeverity, Place};
use super::yaml::{Explained, explain};
use crate::model::{Deceiving, deceiving, odd_character};

/// Where something stands in its file. Line and column count from 1; 0 is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Location {
    pub line: u64,
    pub column: u64,
}

impl From<serde_saphyr::Location> for Location {
    fn from(location: serde_saphyr::Location) -> Self {
        Self { line: location.line(), column: location.column() }
    }
}

/// The text of a file.
#[derive(Debug, Clone, Copy)]
pub struct SourceText<'t> {
    pub path: &'t Path,
    pub text: &'t str,
}

impl<'t> SourceText<'t> {
    pub fn error(&self, code: Code, at: Location, message: impl Into<String>) -> Diagnostic {
        self.diagnostic(DiagnosticSeverity::Error, code, at, message.into())
    }

    pub fn warning(&self, code: Code, at: Location, message: impl Into<String>) -> Diagnostic {
        self.diagnostic(DiagnosticSeverity::Warning, code, at, message.into())
    }

    /// Something that is wrong with all of it.
    pub fn error_of_file(&self, code: Code, message: impl Into<String>) -> Diagnostic {
        Diagnostic::of_file(DiagnosticSeverity::Error, code, self.path, message)
    }

    /// What the YAML reader says is wrong.
    pub fn yaml_error(&self, error: &serde_saphyr::Error) -> Diagnostic {
        let error = error.without_snippet();
        let Explained { code, message, remedy } = explain(error);
        let diagnostic = match error.location().map(Location::from).filter(|at| at.line > 0) {
            Some(at) => self.error(code, at, message),
            None => self.error_of_file(code, message),
        };
        self.named_odd(diagnostic.with_remedy(remedy.unwrap_or_default()))
    }

    /// A place outside of the text is brought inside.
    fn diagnostic(&self, severity: DiagnosticSeverity, code: Code, at: Location, message: String) -> Diagnostic {
        let lines = u64::try_from(lines(self.text).count().max(1)).unwrap_or(u64::MAX);
        let line = at.line.clamp(1, lines);
        let snippet = self.line(line);
        // Past the end of the file: the end of its last line.
        let end = snippet.chars().count() as u64 + 1;
        let column = if at.line > lines { end } else { at.column.clamp(1, end) };
        let rest: String = snippet.chars().skip(column as usize - 1).collect();
        let place = Place { line, column, width: token(&rest).max(1), snippet: snippet.to_owned() };
        Diagnostic { severity, code, path: self.path.to_owned(), place: Some(Box::new(place)), message, remedy: None }
    }

    /// The error, or what cannot be seen where it stands and explains it.
    pub fn named_odd(&self, diagnostic: Diagnostic) -> Diagnostic {
        let line = diagnostic.place.as_ref().filter(|_| diagnostic.is_error() && diagnostic.code != Code::OddCharacter);
        let line = line.map(|place| place.line);
        let line = line.and_then(|line| usize::try_from(line).ok());
        let Some(odd) = line.and_then(|line| odd_character(self.text, line)) else { return diagnostic };
        let at = Location { line: odd.line as u64, column: odd.column as u64 };
        self.error(Code::OddCharacter, at, format!("{} stands here", odd.name)).with_remedy(odd.remedy)
    }

    /// Characters that show the reader something else than stands there, line by line. `turning`:
    /// how bad those are that turn the direction of the text; the others are warnings.
    pub fn deceiving(&self, turning: DiagnosticSeverity) -> Vec<Diagnostic> {
        // More are not read: all of them came in one way.
        const MOST: usize = 20;
        let all = deceiving(self.text);
        let one = |(n, odd): (usize, &Deceiving)| {
            let at = Location { line: odd.line as u64, column: odd.column as u64 };
            let severity = if odd.turns() { turning } else { DiagnosticSeverity::Warning };
            let more = if n + 1 == MOST { all.len() - MOST } else { 0 };
            let and_more = if more > 0 { format!(", and {more} more lines have such") } else { String::new() };
            let message = format!("{} stands here{and_more}", odd.name());
            self.diagnostic(severity, Code::OddCharacter, at, message).with_remedy(odd.remedy())
        };
        // Those that are refused are never among the ones that are left out.
        let (mut first, rest): (Vec<&Deceiving>, Vec<&Deceiving>) = all.iter().partition(|odd| odd.turns());
        first.extend(rest);
        first.into_iter().take(MOST).enumerate().map(one).collect()
    }

    /// A line, counted from 1.
    pub fn line(&self, line: u64) -> &'t str {
        let index = usize::try_from(line.saturating_sub(1)).unwrap_or(usize::MAX);
        lines(self.text).nth(index).unwrap_or("")
    }

    /// Where `word` stands, looked for from `at` on; `at` itself when it is not found nearby.
    pub fn find(&self, at: Location, word: &str) -> Location {
        // A scalar that goes over more lines is no condition or text that somebody wrote by hand.
        const LINES: u64 = 60;
        if word.is_empty() {
            return at;
        }
        let skipped = usize::try_from(at.line.saturating_sub(1)).unwrap_or(usize::MAX);
        let near = (at.line..at.line.saturating_add(LINES)).zip(lines(self.text).skip(skipped));
        near.filter_map(|(line, text)| {
            let skipped = if line == at.line { at.column.saturating_sub(1) } else { 0 };
            let column = find_word(text, word, usize::try_from(skipped).unwrap_or(usize::MAX))?;
            Some(Location { line, column: column as u64 + 1 })
        })
        .next()
        .unwrap_or(at)
    }

    /// The place `offset` characters into the scalar that starts at `at` and reads `scalar`; `at`
    /// where it is not found there.
    pub fn inside(&self, at: Location, scalar: &str, offset: usize) -> Location {
        self.walk(at, scalar, offset).unwrap_or(at)
    }

    /// Goes through scalar and file together: lines that are folded, and signs that are escaped, are
    /// one character of the scalar and more of the file.
    fn walk(&self, at: Location, scalar: &str, offset: usize) -> Option<Location> {
        let text = self.text.strip_prefix('\u{feff}').unwrap_or(self.text);
        let skipped = usize::try_from(at.line.checked_sub(1)?).ok()?;
        let before: usize = text.split_inclusive('\n').take(skipped).map(str::len).sum();
        let line = text.get(before..)?;
        let column = usize::try_from(at.column.checked_sub(1)?).ok()?;
        let mut file = Walk { rest: line.chars().peekable(), at: Location { line: at.line, column: 1 } };
        for _ in 0..column {
            file.step();
        }
        let quote = file.peek().filter(|c| matches!(c, '"' | '\''));
        if quote.is_some() {
            file.step();
        } else if matches!(file.peek(), Some('>' | '|')) {
            while file.peek().is_some_and(|c| c != '\n') {
                file.step();
            }
            file.blanks();
        }
        let mut scalar = scalar.chars().take(offset).peekable();
        while let Some(c) = scalar.next() {
            if c.is_whitespace() {
                while scalar.next_if(|c| c.is_whitespace()).is_some() {}
                if !file.blanks() {
                    return None;
                }
                continue;
            }
            file.blanks();
            let is_escape = matches!((quote, file.peek()?), (Some('"'), '\\') | (Some('\''), '\''));
            if is_escape {
                file.step();
            }
            (file.step()? == c).then_some(())?;
        }
        // Behind the last blank of a folded line, the next one begins.
        let is_at_end = file.peek().is_none_or(|c| c == '\n');
        if is_at_end {
            file.blanks();
        }
        Some(file.at)
    }
}

/// The characters of a file with their places.
struct Walk<'t> {
    rest: Peekable<Chars<'t>>,
    at: Location,
}

impl Walk<'_> {
    fn peek(&mut self) -> Option<char> {
        self.rest.peek().copied()
    }

    fn step(&mut self) -> Option<char> {
        let c = self.rest.next()?;
        if c == '\n' {
            self.at = Location { line: self.at.line + 1, column: 1 };
        } else {
            self.at.column += 1;
        }
        Some(c)
    }

    /// Goes past blanks and line ends: whether there was one.
    fn blanks(&mut self) -> bool {
        let mut any = false;
        while self.peek().is_some_and(char::is_whitespace) {
            self.step();
            any = true;
        }
        any
    }
}

/// The lines as YAML has them; a byte order mark takes no column.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    // `\r\n` is one end, and `\r` alone is one too.
    // Most files have one sort of line ends, which is found faster.
    let has_returns = text.contains('\r');
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let now = rest.filter(|now| !now.is_empty())?;
        let end = if has_returns { now.split_once(['\n', '\r']) } else { now.split_once('\n') };
        let (line, after) = end.map_or((now, None), |(line, after)| (line, Some(after)));
        let is_both = now.as_bytes().get(line.len()..line.len() + 2) == Some(b"\r\n");
        rest = after.map(|after| if is_both { after.get(1..).unwrap_or_default() } else { after });
        Some(line)
    })
}

/// The characters of the word at the start of `rest`.
fn token(rest: &str) -> usize {
    let is_word = |c: &char| c.is_alphanumeric() || "_-.?".contains(*c);
    match rest.chars().next() {
        Some(quote @ ('"' | '\'')) => rest.chars().skip(1).position(|c| c == quote).map_or(1, |end| end + 2),
        Some(c) if is_word(&c) => rest.chars().take_while(is_word).count(),
        _ => rest.chars().take_while(|c| !c.is_whitespace() && !":,{}[]".contains(*c)).count(),
    }
}

/// The index of `word` in `line`, as a word of its own, in characters.
fn find_word(line: &str, word: &str, from: usize) -> Option<usize> {
    let part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    line.match_indices(word)
        .find(|(at, _)| {
            let before = line[..*at].chars().next_back();
            let after = line[at + word.len()..].chars().next();
            line[..*at].chars().count() >= from && !part(before) && !part(after)
        })
        .map(|(at, _)| line[..at].chars().count())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "metadata:\n  name: x\n  retires: 3\n";

    fn source() -> SourceText<'static> {
        SourceText { path: Path::new("playbooks/x.yaml"), text: TEXT }
    }

    #[test]
    fn a_problem_reads_like_a_compilers() {
        let mut problem =
            source().error(Code::UnknownField, Location { line: 3, column: 3 }, "unknown field `retires`");
        problem.remedy = Some("write `retry` instead".into());
        insta::assert_snapshot!(problem.render(false), @"
        error[unknown-field]: unknown field `retires`
         --> playbooks/x.yaml:3:3
          |
        3 |   retires: 3
          |   ^^^^^^^
          |
          = help: write `retry` instead
        ");
        insta::assert_snapshot!(problem, @"playbooks/x.yaml:3:3: unknown field `retires`; write `retry` instead");
        let coloured = problem.render(true);
        assert!(coloured.contains("\u{1b}[1m") && coloured.contains("\u{1b}[0m"), "{coloured:?}");
    }

    #[test]
    fn a_place_outside_the_file_is_brought_inside() {
        let problem = source().error(Code::UnknownField, Location { line: 99, column: 1 }, "ends too early");
        assert_eq!((problem.line(), problem.column()), (3, 13));
        let problem = source().error(Code::MissingField, Location::default(), "no owner");
        assert_eq!(
            (problem.line(), problem.column(), problem.place.as_ref().unwrap().snippet.as_str()),
            (1, 1, "metadata:")
        );
        let empty =
            SourceText { path: Path::new(""), text: "" }.error(Code::EmptyFile, Location::default(), "it is empty");
        assert_eq!((empty.line(), empty.column()), (1, 1));
        assert!(!empty.render(false).is_empty());
    }

    #[test]
    fn a_long_line_is_cut_around_the_place() {
        let text = format!("a: {} wrong {}\n", "x".repeat(300), "y".repeat(300));
        let source = SourceText { path: Path::new("x.yaml"), text: &text };
        let rendered = source
            .error(Code::UnknownField, source.find(Location { line: 1, column: 1 }, "wrong"), "wrong")
            .render(false);
        assert!(rendered.contains("wrong yyy") && rendered.contains("^^^^^"), "{rendered}");
        assert!(rendered.lines().all(|line| line.chars().count() < 140), "{rendered}");
    }

    #[test]
    fn a_secret_beside_a_mistake_is_masked() {
        let text = format!("env: {{ {}, password: hunter2hunter2, nonsense: 1 }}\n", "x: yyyyyyyyyyyyyyyy, ".repeat(8));
        let source = SourceText { path: Path::new("x.yaml"), text: &text };
        let problem = source.error(
            Code::UnknownField,
            source.find(Location { line: 1, column: 1 }, "nonsense"),
            "password=hunter2hunter2 is odd",
        );
        for said in [problem.render(false), problem.to_string()] {
            assert!(said.contains("***") && !said.contains("hunter2"), "{said}");
        }
    }

    #[test]
    fn words_are_found_in_scalars() {
        let at = |line, column| Location { line, column };
        let source = SourceText { path: Path::new(""), text: "x: p99x + p99.value\ny: >\n  p98 < 3\n" };
        assert_eq!(source.find(at(1, 4), "p99"), at(1, 11));
        assert_eq!(source.find(at(2, 4), "p98"), at(3, 3));
        assert_eq!(source.find(at(2, 4), "nope"), at(2, 4));
        assert_eq!(source.inside(at(1, 4), "p99x + p99.value", 5), at(1, 9));
        assert_eq!(source.inside(at(2, 4), "p98 < 3", 4), at(3, 7));
        assert_eq!(source.inside(at(2, 4), "p97 < 3", 4), at(2, 4));
        let quoted = SourceText { path: Path::new(""), text: "x: \"a \\\"b\\\" c\"\ny: >-\n  a\n  b c\n" };
        assert_eq!(quoted.inside(at(1, 4), "a \"b\" c", 6), at(1, 13));
        assert_eq!(quoted.inside(at(2, 4), "a b c", 4), at(4, 5));
    }
}
