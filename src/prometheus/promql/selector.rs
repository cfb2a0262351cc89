//! What stands between brackets and braces: labels and matchers.

use regex::Regex;

use super::PromqlError;
use super::parse::Parser;
use super::token::{Kind, Token, shortened};

impl Parser<'_> {
    /// `(namespace, pod)`.
    pub(super) fn labels(&mut self) -> Result<(), PromqlError> {
        let open = self.peek();
        if !self.eat("(") {
            return Err(self.unexpected("`(` with names of labels", "write them as `(namespace, pod)`"));
        }
        while !self.is_sign(")") {
            let label = self.take();
            if !matches!(label.kind, Kind::Word | Kind::Text) {
                return Err(self.error(
                    label.at,
                    format!("{} is no label", label.shown()),
                    "write names: `(namespace, pod)`",
                ));
            }
            if !self.eat(",") {
                break;
            }
        }
        self.close(open, ")")
    }

    /// `{namespace="db", pod=~"a-.*"}`. `is_named`: a name stands before it.
    pub(super) fn matchers(&mut self, is_named: bool) -> Result<(), PromqlError> {
        let open = self.take();
        let mut is_bounded = is_named;
        while !self.is_sign("}") {
            is_bounded |= self.matcher()?;
            if !self.eat(",") {
                break;
            }
        }
        self.close(open, "}")?;
        if is_bounded {
            return Ok(());
        }
        Err(self.error(
            open.at,
            "this matches every series that there is",
            "write a name before it, or a matcher that is not empty",
        ))
    }

    /// One matcher: whether it keeps anything out.
    fn matcher(&mut self) -> Result<bool, PromqlError> {
        let label = self.take();
        if !matches!(label.kind, Kind::Word | Kind::Text) {
            let message = format!("{} stands where a label should be", label.shown());
            return Err(self.error(label.at, message, "write matchers as `label=\"value\"`"));
        }
        if label.kind == Kind::Text && (self.is_sign(",") || self.is_sign("}")) {
            // The name of the series.
            return Ok(true);
        }
        let operator = self.take();
        if !matches!(operator.text, "=" | "!=" | "=~" | "!~") || operator.kind != Kind::Sign {
            let name = shortened(label.text.trim_end_matches(':'));
            let remedy = match operator.text {
                _ if label.text.ends_with(':') => format!("write `{name}=\"...\"`"),
                "==" | ":" => format!("write `{name}=\"...\"`"),
                _ => format!("write `{name}=\"...\"`, or with `!=`, `=~`, `!~`"),
            };
            return Err(self.error(operator.at, format!("{} compares no label", operator.shown()), remedy));
        }
        let value = self.take();
        if value.kind != Kind::Text {
            let remedy = format!("write `{}{}\"{}\"`", shortened(label.text), operator.text, shortened(value.text));
            return Err(self.error(value.at, "the value of a label stands in quotes", remedy));
        }
        let inner = value.text.get(1..value.text.len().saturating_sub(1)).unwrap_or_default();
        let is_regex = operator.text.ends_with('~');
        if is_regex {
            self.regex(value, inner)?;
        }
        if inner.contains("{{") {
            return Ok(true);
        }
        let fits_nothing = if is_regex {
            Regex::new(&format!("^(?:{inner})$")).is_ok_and(|regex| regex.is_match(""))
        } else {
            inner.is_empty()
        };
        Ok(fits_nothing == operator.text.starts_with('!'))
    }

    /// Whether the expression is one. What one library reads and another does not is left to Prometheus.
    fn regex(&self, value: Token<'_>, inner: &str) -> Result<(), PromqlError> {
        if inner.contains("{{") {
            return Ok(());
        }
        let text = if value.text.starts_with('`') { inner.to_owned() } else { inner.replace("\\\\", "\\") };
        let Err(wrong) = Regex::new(&text) else { return Ok(()) };
        let said = wrong.to_string();
        let said = said.rsplit("error: ").next().unwrap_or_default().trim();
        let is_certain = ["unclosed", "unopened", "repetition operator missing", "invalid character class range"];
        if is_certain.iter().any(|certain| said.contains(certain)) {
            let message = format!("`{}` is no regular expression: {said}", shortened(inner));
            return Err(self.error(
                value.at,
                message,
                "close what is open, or write `\\\\` before a sign that is meant itself",
            ));
        }
        Ok(())
    }
}
