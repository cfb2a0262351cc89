//! Aggregations and functions, with what they take.

use super::UnknownFunction;
use super::functions::{Function, Type, function, names};
use super::parse::{Parsed, Parser, Part};
use super::token::{Token, shortened};

impl Parser<'_> {
    pub(super) fn aggregation(&mut self, name: Token<'_>, takes: Option<Type>) -> Parsed {
        let has_labels = self.is_word(&["by", "without"]);
        if has_labels {
            self.take();
            self.labels()?;
        }
        let arguments = self.arguments()?;
        if !has_labels && self.is_word(&["by", "without"]) {
            self.take();
            self.labels()?;
        }
        let wanted: Vec<Type> = takes.into_iter().chain([Type::Vector]).collect();
        let known = Function { name: "", takes: &wanted, optional: 0, repeats: false, gives: Type::Vector };
        self.fits(name, &known, &arguments)
    }

    pub(super) fn call(&mut self, name: Token<'_>) -> Parsed {
        let arguments = self.arguments()?;
        let back = arguments.iter().map(|argument| argument.back).max().unwrap_or(0);
        if let Some(known) = function(name.text) {
            return self.fits(name, &known, &arguments);
        }
        if !name.has_hole() {
            let offset = self.text.get(..name.at).unwrap_or_default().chars().count();
            let meant = crate::diagnostics::closest(name.text, names());
            self.unknown.push(UnknownFunction { name: shortened(name.text), offset, meant });
        }
        Ok(Part { gives: Type::Any, at: name.at, back, is_selector: false })
    }

    /// What comes of a call with these arguments.
    fn fits(&self, name: Token<'_>, known: &Function<'_>, arguments: &[Part]) -> Parsed {
        let (least, most) = (known.takes.len().saturating_sub(known.optional), known.takes.len());
        if arguments.len() < least || (arguments.len() > most && !known.repeats) {
            let wanted = match (least, most) {
                _ if known.repeats => format!("{least} or more"),
                (least, most) if least == most => most.to_string(),
                (least, most) => format!("{least} to {most}"),
            };
            let plural = if wanted == "1" { "" } else { "s" };
            let message = format!("`{}` takes {wanted} argument{plural}, and has {}", name.text, arguments.len());
            return Err(self.error(name.at, message, self.form(name.text, known)));
        }
        for (index, argument) in arguments.iter().enumerate() {
            let Some(wanted) = known.takes.get(index).or(known.takes.last()) else { continue };
            if argument.gives.fits(*wanted) {
                continue;
            }
            let message =
                format!("`{}` needs {} here, and this is {}", name.text, wanted.words(), argument.gives.words());
            let remedy = match (argument.gives, wanted) {
                (Type::Vector, Type::Range) if argument.is_selector => {
                    "write over which time, such as `[5m]` behind it"
                }
                (Type::Vector, Type::Range) => "write a subquery, such as `[5m:1m]` behind it",
                (Type::Range, Type::Vector) => {
                    "leave the range out, or write what is to come of it, such as `rate(x[5m])`"
                }
                (Type::Scalar, Type::Vector) => "write a series, or `vector(...)` around it",
                (Type::Vector, Type::Scalar) => "write a number, or `scalar(...)` around it",
                (_, Type::Text) => "put it into quotes",
                _ => "",
            };
            return Err(self.error(argument.at, message, remedy));
        }
        let back = arguments.iter().map(|argument| argument.back).max().unwrap_or(0);
        Ok(Part { gives: known.gives, at: name.at, back, is_selector: false })
    }

    /// How it is written: `clamp(x, 1, 1)`.
    fn form(&self, name: &str, known: &Function<'_>) -> String {
        let shown = |of: &Type| match of {
            Type::Scalar => "1",
            Type::Range => "x[5m]",
            Type::Text => "\"a\"",
            Type::Vector | Type::Any => "x",
        };
        format!("write it as `{name}({})`", known.takes.iter().map(shown).collect::<Vec<_>>().join(", "))
    }

    pub(super) fn arguments(&mut self) -> Parsed<Vec<Part>> {
        let open = self.peek();
        if !self.eat("(") {
            return Err(self.unexpected("`(`", "put brackets around what it is of"));
        }
        let mut arguments = Vec::new();
        if self.eat(")") {
            return Ok(arguments);
        }
        loop {
            arguments.push(self.expression(0)?);
            if !self.eat(",") {
                self.close(open, ")")?;
                return Ok(arguments);
            }
        }
    }
}
