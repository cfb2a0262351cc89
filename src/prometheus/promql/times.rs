//! Over which time, and at which.

use super::functions::Type;
use super::parse::{Parsed, Parser, Part};
use super::token::{Kind, millis};

impl Parser<'_> {
    /// Ranges, subqueries, `offset` and `@`.
    pub(super) fn postfix(&mut self, mut part: Part) -> Parsed {
        loop {
            let token = self.peek();
            if self.is_sign("[") {
                part = self.range(part)?;
            } else if self.is_word(&["offset"]) {
                self.take();
                let is_later = self.eat("-");
                let offset = self.duration()?;
                part.back = if is_later { part.back.saturating_sub(offset) } else { part.back.saturating_add(offset) };
                part.is_selector = false;
            } else if self.is_sign("@") {
                self.take();
                self.moment()?;
                part.is_selector = false;
            } else if self.is_word(&["anchored", "smoothed"]) {
                self.take();
            } else {
                return Ok(part);
            }
            if !matches!(part.gives, Type::Vector | Type::Range | Type::Any) {
                let message = format!("`{}` stands behind something that has no time", token.text);
                return Err(self.error(token.at, message, "leave it out"));
            }
        }
    }

    /// `[5m]` or `[30m:1m]`.
    fn range(&mut self, of: Part) -> Parsed {
        let open = self.take();
        if of.gives == Type::Range {
            return Err(self.error(open.at, "a range of a range", "leave one of them out"));
        }
        let hole = self.peek();
        let mut is_subquery = hole.has_hole() && hole.text.contains("}}:");
        let time = self.duration()?;
        if self.eat(":") {
            is_subquery = true;
            if !self.is_sign("]") {
                self.duration()?;
            }
        }
        self.close(open, "]")?;
        if !is_subquery && !of.is_selector {
            let message = "a range stands directly behind a series, and here is something that was computed";
            return Err(self.error(open.at, message, "write a subquery: `[30m:1m]`"));
        }
        Ok(Part { gives: Type::Range, at: of.at, back: of.back.saturating_add(time), is_selector: false })
    }

    /// `start()`, `end()`, or a time.
    fn moment(&mut self) -> Parsed<()> {
        if self.is_word(&["start", "end"]) {
            self.take();
            return self.arguments().map(drop);
        }
        let _ = self.eat("-") || self.eat("+");
        let token = self.take();
        match token.kind {
            Kind::Number => Ok(()),
            _ if token.has_hole() => Ok(()),
            _ => Err(self.error(
                token.at,
                "a time in seconds belongs behind `@`",
                "write such as `@ 1767225600` or `@ end()`",
            )),
        }
    }

    /// A duration, or a small computation with some, in milliseconds; a hole counts as none.
    fn duration(&mut self) -> Parsed<u64> {
        let token = self.take();
        let time = match token.kind {
            Kind::Duration => millis(token.text).unwrap_or(0),
            Kind::Number => 0,
            Kind::Word if token.has_hole() => 0,
            Kind::Sign if token.text == "(" => {
                let inner = self.duration()?;
                self.close(token, ")")?;
                inner
            }
            Kind::Word if matches!(token.text, "step" | "range") && self.eat("(") => {
                self.close(token, ")")?;
                0
            }
            _ => {
                let message = format!("{} is no duration", token.shown());
                return Err(self.error(token.at, message, "write one such as `90s`, `5m`, `1h30m` or `1d`"));
            }
        };
        let is_computed = ["+", "-", "*", "/", "%", "^"].iter().any(|sign| self.eat(sign));
        if is_computed { Ok(self.duration()?.max(time)) } else { Ok(time) }
    }
}
