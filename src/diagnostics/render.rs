//! A mistake as people read it: file, line and column, the line itself, a mark, and the remedy.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use super::diagnostic::{Diagnostic, DiagnosticSeverity, Place, shown, visible};
use crate::model::redact;

/// As wide as people read; a wider line is cut.
const WIDTH: usize = 120;
/// So many characters are marked: what is longer is marked at its beginning.
const MARKED: usize = 60;
/// So many characters of a line go into a document for programs.
const LONGEST: usize = 1_000;

impl Diagnostic {
    /// In several lines, with an end of line.
    pub fn render(&self, colour: bool) -> String {
        let level = match self.severity {
            DiagnosticSeverity::Error => Level::ERROR,
            DiagnosticSeverity::Warning => Level::WARNING,
        };
        let title = level.primary_title(visible(&self.message)).id(self.code.word());
        let mut group = Group::with_title(title);
        let path = match (visible(&self.path.to_string_lossy()), &self.place) {
            (path, Some(_)) if path.is_empty() => "playbook".to_owned(),
            (path, _) => path,
        };
        if let Some(place) = &self.place {
            let Line { text, mark } = Line::of(place);
            let snippet = Snippet::source(text).line_start(number(place.line)).fold(false);
            group = group.element(match mark {
                Some(mark) => snippet.path(path).annotation(AnnotationKind::Primary.span(mark)),
                // Only a mark has the place told.
                None => snippet.path(format!("{path}:{}:{}", place.line, place.column)),
            });
        } else if !path.is_empty() {
            group = group.element(Origin::path(path));
        }
        if let Some(remedy) = &self.remedy {
            group = group.element(Level::HELP.message(visible(remedy)));
        }
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        // A long line is cut so that the place stays in sight.
        let rendered = renderer.term_width(WIDTH).render(&[group]);
        let lines: Vec<&str> = rendered.lines().map(str::trim_end).collect();
        lines.join("\n") + "\n"
    }

    /// The line as it is shown, without secrets; `None` for a file as a whole.
    pub(super) fn source_line(&self) -> Option<String> {
        self.place.as_ref().map(|place| Line::of(place).text.trim_end().chars().take(LONGEST).collect())
    }
}

/// A line that can be shown, and which bytes of it are marked.
struct Line {
    text: String,
    mark: Option<Range<usize>>,
}

impl Line {
    fn of(place: &Place) -> Self {
        // The whole line, as the part of it may lack the name of the secret.
        let masked = redact(&place.snippet);
        let text: String = masked.chars().map(shown).collect();
        // What is masked has moved what stood behind it: no mark is right then.
        if place.width == 0 || masked != place.snippet.as_str() {
            return Self { text: text.chars().take(WIDTH).collect(), mark: None };
        }
        let byte = |characters: usize| text.char_indices().nth(characters).map_or(text.len(), |(at, _)| at);
        let begins = number(place.column.saturating_sub(1));
        let ends = begins.saturating_add(place.width.min(MARKED));
        let mark = byte(begins)..byte(ends);
        Self { text, mark: Some(mark) }
    }
}

fn number(n: u64) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests;
