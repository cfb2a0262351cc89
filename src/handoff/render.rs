//! Saying a summary, by a handlebars template.

use std::path::Path;

use handlebars::{Context, Handlebars, Helper, HelperResult, Output, RenderContext, RenderErrorReason};

use super::Summary;
use super::markdown::escape;
use crate::files;

/// The built-in template: also the one to start an own one from.
const BUILT_IN: &str = include_str!("../../handoffs/template.md.hbs");

const NAME: &str = "handoff";

/// A parsed template. Whatever it puts into a hole is escaped for Markdown; `{{{three}}}` braces would not be.
pub struct Template {
    handlebars: Handlebars<'static>,
}

/// Why a template cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    #[error("the handoff's template {path} cannot be read: {message}; name another in `handoff.template`")]
    Unreadable { path: String, message: String },
    #[error("the handoff's template {path} does not parse: {message}")]
    Syntax { path: String, message: String },
    #[error("the handoff could not be rendered: {0}; compare its template with handoffs/template.md.hbs")]
    Render(String),
}

impl Template {
    /// The template that comes with the bot.
    ///
    /// # Errors
    /// Never in a build that passed its tests.
    pub fn built_in() -> Result<Self, TemplateError> {
        Self::parse("(built in)", BUILT_IN)
    }

    /// The template in a file, or the built-in one.
    ///
    /// # Errors
    /// When it cannot be read or does not parse.
    pub fn load(path: Option<&Path>) -> Result<Self, TemplateError> {
        let Some(path) = path else { return Self::built_in() };
        let name = path.display().to_string();
        let source = files::read_text(path, files::DOCUMENT)
            .map_err(|error| TemplateError::Unreadable { path: name.clone(), message: error.to_string() })?;
        Self::parse(&name, &source)
    }

    fn parse(path: &str, source: &str) -> Result<Self, TemplateError> {
        let mut handlebars = Handlebars::new();
        // A misspelt name is an error, and not a hole in the report.
        handlebars.set_strict_mode(true);
        handlebars.register_escape_fn(escape);
        handlebars.register_helper("count", Box::new(count));
        handlebars
            .register_template_string(NAME, source)
            .map_err(|error| TemplateError::Syntax { path: path.to_owned(), message: error.to_string() })?;
        Ok(Self { handlebars })
    }

    /// The report, in Markdown.
    ///
    /// # Errors
    /// When the template names what is not there.
    pub fn render(&self, summary: &Summary) -> Result<String, TemplateError> {
        let text =
            self.handlebars.render(NAME, summary).map_err(|error| TemplateError::Render(error.reason().to_string()))?;
        // Blocks that said nothing leave empty lines behind.
        let mut report = String::with_capacity(text.len());
        let mut empty = 0;
        for line in text.trim().lines() {
            empty = if line.trim().is_empty() { empty + 1 } else { 0 };
            if empty <= 1 {
                report.push_str(line.trim_end());
                report.push('\n');
            }
        }
        Ok(report)
    }
}

/// `{{count n "page"}}`: `1 page`, `2 pages`; `{{count n "by" "ies"}}` is not needed so far.
fn count(
    helper: &Helper<'_>,
    _: &Handlebars<'_>,
    _: &Context,
    _: &mut RenderContext<'_, '_>,
    out: &mut dyn Output,
) -> HelperResult {
    let number = helper
        .param(0)
        .and_then(|value| value.value().as_u64())
        .ok_or(RenderErrorReason::ParamNotFoundForIndex("count", 0))?;
    let noun = helper
        .param(1)
        .and_then(|value| value.value().as_str())
        .ok_or(RenderErrorReason::ParamNotFoundForIndex("count", 1))?;
    out.write(&format!("{number} {noun}{}", if number == 1 { "" } else { "s" }))?;
    Ok(())
}
