//! What is wrong with a playbook, where, and what to write instead.

use std::fmt::{self, Write as _};
use std::path::{Path, PathBuf};

use anstyle::{AnsiColor, Style};

use crate::language::Location;
use crate::model::{odd_character, redact};

/// How bad a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProblemSeverity {
    /// The playbook is not loaded.
    Error,
    /// It is loaded, but it may well not do what was meant.
    Warning,
}

/// One problem of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub severity: ProblemSeverity,
    /// Empty for a playbook that was read back from the store.
    pub path: PathBuf,
    /// Counts from 1, and is a line of the file.
    pub line: u64,
    /// Counts from 1, in characters.
    pub column: u64,
    /// How many characters are wrong, from `column` on.
    pub width: usize,
    pub message: String,
    /// What to do instead, as an order: ``write `timeout` instead``.
    pub remedy: Option<String>,
    /// The line.
    pub snippet: String,
}

impl Problem {
    /// The problem as people read it, in several lines: file, line and column, the line itself, a caret, and the remedy.
    pub fn render(&self, colour: bool) -> String {
        let paint = |style: Style| if colour { style } else { Style::new() };
        let (word, accent) = match self.severity {
            ProblemSeverity::Error => ("error", paint(AnsiColor::Red.on_default().bold())),
            ProblemSeverity::Warning => ("warning", paint(AnsiColor::Yellow.on_default().bold())),
        };
        let (bold, frame) = (paint(Style::new().bold()), paint(AnsiColor::Blue.on_default().bold()));
        let gutter = " ".repeat(self.line.to_string().len());
        let (snippet, indent, carets) = self.window();
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{accent}{word}{accent:#}{bold}: {}{bold:#}", visible(&self.message));
        let _ = writeln!(text, "{gutter}{frame}-->{frame:#} {}:{}:{}", self.file(), self.line, self.column);
        let _ = writeln!(text, "{gutter} {frame}|{frame:#}");
        let _ = writeln!(text, "{frame}{} |{frame:#} {snippet}", self.line);
        let _ = writeln!(text, "{gutter} {frame}|{frame:#} {indent}{accent}{carets}{accent:#}");
        if let Some(remedy) = &self.remedy {
            let _ = writeln!(text, "{gutter} {frame}={frame:#} {bold}help{bold:#}: {}", visible(remedy));
        }
        text
    }

    /// The part of the line that is shown, the blanks before the carets, and the carets.
    fn window(&self) -> (String, String, String) {
        const SHOWN: usize = 120;
        // The whole line, as the part of it may lack the name of the secret.
        let masked = redact(&self.snippet);
        let line: Vec<char> = masked.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let at = usize::try_from(self.column.saturating_sub(1)).unwrap_or(usize::MAX).min(line.len());
        // A long line is cut so that the place stays in sight.
        let start = if line.len() > SHOWN { at.saturating_sub(SHOWN / 2) } else { 0 };
        let end = line.len().min(start + SHOWN);
        let cut = |is_cut: bool| if is_cut { "…" } else { "" };
        let shown: String = line[start..end].iter().collect();
        let snippet = format!("{}{shown}{}", cut(start > 0), cut(end < line.len()));
        let indent = " ".repeat(at - start + usize::from(start > 0));
        let carets = "^".repeat(self.width.clamp(1, (end - at.min(end)).max(1)));
        // What is masked has moved what stood behind it: no caret is right then.
        let (indent, carets) = if masked == self.snippet { (indent, carets) } else { Default::default() };
        (snippet.trim_end().to_owned(), indent, carets)
    }

    fn file(&self) -> String {
        if self.path.as_os_str().is_empty() { "playbook".into() } else { self.path.display().to_string() }
    }
}

/// In one line, for logs.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.file(), self.line, self.column, visible(&self.message))?;
        match &self.remedy {
            Some(remedy) => write!(f, "; {}", visible(remedy)),
            None => Ok(()),
        }
    }
}

/// What stands in a file must not move the cursor of whoever reads about it, and may hold a secret
/// beside a mistake.
fn visible(text: &str) -> String {
    redact(&text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>()).into_owned()
}

/// A playbook's text, to point into.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source<'t> {
    pub path: &'t Path,
    pub text: &'t str,
}

impl<'t> Source<'t> {
    pub fn error(&self, at: Location, message: impl Into<String>) -> Problem {
        self.problem(ProblemSeverity::Error, at, message.into())
    }

    pub fn warning(&self, at: Location, message: impl Into<String>) -> Problem {
        self.problem(ProblemSeverity::Warning, at, message.into())
    }

    fn problem(&self, severity: ProblemSeverity, at: Location, message: String) -> Problem {
        let lines = u64::try_from(self.text.lines().count().max(1)).unwrap_or(u64::MAX);
        let line = at.line.clamp(1, lines);
        let snippet = self.line(line);
        // Past the end of the file: the end of its last line.
        let end = snippet.chars().count() as u64 + 1;
        let column = if at.line > lines { end } else { at.column.clamp(1, end) };
        let rest: String = snippet.chars().skip(column as usize - 1).collect();
        Problem {
            severity,
            path: self.path.to_owned(),
            line,
            column,
            width: token(&rest).max(1),
            message,
            remedy: None,
            snippet: snippet.to_owned(),
        }
    }

    /// The error, or what cannot be seen where it stands and explains it.
    pub fn named_odd(&self, problem: Problem) -> Problem {
        let line = usize::try_from(problem.line).unwrap_or(usize::MAX);
        match odd_character(self.text, line).filter(|_| problem.severity == ProblemSeverity::Error) {
            Some(odd) => {
                let at = Location { line: odd.line as u64, column: odd.column as u64 };
                let mut problem = self.error(at, format!("{} stands here", odd.name));
                problem.remedy = Some(odd.remedy.to_owned());
                problem
            }
            None => problem,
        }
    }

    /// A line, counted from 1.
    pub fn line(&self, line: u64) -> &'t str {
        let index = usize::try_from(line.saturating_sub(1)).unwrap_or(usize::MAX);
        self.text.lines().nth(index).unwrap_or("")
    }

    /// Where `word` stands, looked for from `at` on; `at` itself when it is not found nearby.
    pub fn find(&self, at: Location, word: &str) -> Location {
        // A scalar that goes over more lines is no condition or text that somebody wrote by hand.
        const LINES: u64 = 60;
        if word.is_empty() {
            return at;
        }
        (at.line..at.line.saturating_add(LINES))
            .find_map(|line| {
                let skipped = if line == at.line { at.column.saturating_sub(1) } else { 0 };
                let column = find_word(self.line(line), word, usize::try_from(skipped).unwrap_or(usize::MAX))?;
                Some(Location { line, column: column as u64 + 1 })
            })
            .unwrap_or(at)
    }

    /// The place `offset` characters into the scalar that starts at `at` and reads `scalar`; `at` where the file spells it
    /// in another way.
    pub fn inside(&self, at: Location, scalar: &str, offset: usize) -> Location {
        let rest: String = self.line(at.line).chars().skip(at.column.saturating_sub(1) as usize).collect();
        let quote = usize::from(rest.starts_with(['\'', '"']));
        let plain = rest.chars().skip(quote).zip(scalar.chars()).take(offset + 1).all(|(a, b)| a == b);
        let column = at.column + (quote + offset) as u64;
        if plain && offset <= rest.chars().count() { Location { line: at.line, column } } else { at }
    }
}

/// The characters of the word at the start of `rest`.
fn token(rest: &str) -> usize {
    match rest.chars().next() {
        Some(quote @ ('"' | '\'')) => rest.chars().skip(1).position(|c| c == quote).map_or(1, |end| end + 2),
        _ => rest.chars().take_while(|c| c.is_alphanumeric() || "_-.?".contains(*c)).count(),
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

    fn source() -> Source<'static> {
        Source { path: Path::new("playbooks/x.yaml"), text: TEXT }
    }

    #[test]
    fn a_problem_reads_like_a_compilers() {
        let mut problem = source().error(Location { line: 3, column: 3 }, "unknown field `retires`");
        problem.remedy = Some("write `retry` instead".into());
        insta::assert_snapshot!(problem.render(false), @r###"
    error: unknown field `retires`
     --> playbooks/x.yaml:3:3
      |
    3 |   retires: 3
      |   ^^^^^^^
      = help: write `retry` instead
    "###);
        insta::assert_snapshot!(problem, @"playbooks/x.yaml:3:3: unknown field `retires`; write `retry` instead");
        let coloured = problem.render(true);
        assert!(coloured.contains("\u{1b}[1m") && coloured.contains("\u{1b}[0m"), "{coloured:?}");
    }

    #[test]
    fn a_place_outside_the_file_is_brought_inside() {
        let problem = source().error(Location { line: 99, column: 1 }, "ends too early");
        assert_eq!((problem.line, problem.column), (3, 13));
        let problem = source().error(Location::default(), "no owner");
        assert_eq!((problem.line, problem.column, problem.snippet.as_str()), (1, 1, "metadata:"));
        let empty = Source { path: Path::new(""), text: "" }.error(Location::default(), "it is empty");
        assert_eq!((empty.line, empty.column), (1, 1));
        assert!(!empty.render(false).is_empty());
    }

    #[test]
    fn a_long_line_is_cut_around_the_place() {
        let text = format!("a: {} wrong {}\n", "x".repeat(300), "y".repeat(300));
        let source = Source { path: Path::new("x.yaml"), text: &text };
        let rendered = source.error(source.find(Location { line: 1, column: 1 }, "wrong"), "wrong").render(false);
        assert!(rendered.contains("wrong yyy") && rendered.contains("^^^^^"), "{rendered}");
        assert!(rendered.lines().all(|line| line.chars().count() < 140), "{rendered}");
    }

    #[test]
    fn a_secret_beside_a_mistake_is_masked() {
        let text = format!("env: {{ {}, password: hunter2hunter2, nonsense: 1 }}\n", "x: yyyyyyyyyyyyyyyy, ".repeat(8));
        let source = Source { path: Path::new("x.yaml"), text: &text };
        let problem =
            source.error(source.find(Location { line: 1, column: 1 }, "nonsense"), "password=hunter2hunter2 is odd");
        for said in [problem.render(false), problem.to_string()] {
            assert!(said.contains("***") && !said.contains("hunter2"), "{said}");
        }
    }

    #[test]
    fn words_are_found_in_scalars() {
        let at = |line, column| Location { line, column };
        let source = Source { path: Path::new(""), text: "x: p99x + p99.value\ny: >\n  p98 < 3\n" };
        assert_eq!(source.find(at(1, 4), "p99"), at(1, 11));
        assert_eq!(source.find(at(2, 4), "p98"), at(3, 3));
        assert_eq!(source.find(at(2, 4), "nope"), at(2, 4));
        assert_eq!(source.inside(at(1, 4), "p99x + p99.value", 5), at(1, 9));
        assert_eq!(source.inside(at(2, 4), "p98 < 3", 4), at(2, 4));
    }
}
