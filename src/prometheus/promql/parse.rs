//! From the words of a query to what is known of it.

use std::time::Duration;

use super::functions::{AGGREGATIONS, Type};
use super::token::{Kind, Token, error, tokens};
use super::{Promql, PromqlError, UnknownFunction};

/// Deeper is no query that somebody wrote, and each bracket costs stack.
const DEEPEST: usize = 40;

/// A part of the query.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part {
    pub gives: Type,
    /// In bytes.
    pub at: usize,
    /// How far it looks back, in milliseconds.
    pub back: u64,
    /// A range may follow it.
    pub is_selector: bool,
}

pub(super) struct Parser<'t> {
    pub text: &'t str,
    tokens: Vec<Token<'t>>,
    next: usize,
    depth: usize,
    pub unknown: Vec<UnknownFunction>,
}

pub(super) type Parsed<T = Part> = Result<T, PromqlError>;

pub(super) fn parse(text: &str) -> Parsed<Promql> {
    let mut parser = Parser { text, tokens: tokens(text)?, next: 0, depth: 0, unknown: Vec::new() };
    let all = parser.expression(0)?;
    parser.end()?;
    match all.gives {
        Type::Range => {
            let remedy = "write what is to come of it, such as `rate(x[5m])` or `max_over_time(x[5m])`";
            Err(error(text, all.at, "a range is many numbers for each series, and no answer", remedy))
        }
        Type::Text => Err(error(text, all.at, "a text is no answer", "write a query for a number")),
        Type::Scalar | Type::Vector | Type::Any => {
            let window = (all.back > 0).then(|| Duration::from_millis(all.back));
            Ok(Promql { window, unknown: parser.unknown })
        }
    }
}

impl<'t> Parser<'t> {
    pub fn peek(&self) -> Token<'t> {
        let end = Token { kind: Kind::End, text: "", at: self.text.len() };
        self.tokens.get(self.next).copied().unwrap_or(end)
    }

    pub fn take(&mut self) -> Token<'t> {
        let token = self.peek();
        self.next += 1;
        token
    }

    pub fn is_sign(&self, sign: &str) -> bool {
        let token = self.peek();
        token.kind == Kind::Sign && token.text == sign
    }

    /// Takes the sign, where it stands there.
    pub fn eat(&mut self, sign: &str) -> bool {
        let is_there = self.is_sign(sign);
        self.next += usize::from(is_there);
        is_there
    }

    pub fn is_word(&self, words: &[&str]) -> bool {
        let token = self.peek();
        token.kind == Kind::Word && words.iter().any(|word| token.text.eq_ignore_ascii_case(word))
    }

    pub fn error(&self, at: usize, message: impl Into<String>, remedy: impl Into<String>) -> PromqlError {
        error(self.text, at, message, remedy)
    }

    /// What stands there where something else should.
    pub fn unexpected(&self, wanted: &str, remedy: &str) -> PromqlError {
        let token = self.peek();
        match token.kind {
            Kind::End => self.error(token.at, format!("the query ends where {wanted} should be"), remedy),
            _ => self.error(token.at, format!("{} stands where {wanted} should be", token.shown()), remedy),
        }
    }

    /// The sign that closes the bracket at `open`.
    pub fn close(&mut self, open: Token<'_>, sign: &str) -> Parsed<()> {
        if self.eat(sign) {
            return Ok(());
        }
        if self.peek().kind == Kind::End {
            return Err(self.error(
                open.at,
                format!("this `{}` is not closed", open.text),
                format!("close it with `{sign}`"),
            ));
        }
        Err(self.unexpected(&format!("`,` or `{sign}`"), ""))
    }

    fn end(&self) -> Parsed<()> {
        let token = self.peek();
        if token.kind == Kind::End {
            return Ok(());
        }
        const METRICSQL: [&str; 6] = ["default", "if", "ifnot", "limit", "keep_metric_names", "with"];
        let is_metricsql = self.is_word(&METRICSQL);
        let (message, remedy) = match token.text {
            ")" | "]" | "}" => (format!("there is nothing that this `{}` closes", token.text), "leave it out"),
            "=" => ("a single `=` compares nothing".to_owned(), "write `==`"),
            "=~" | "!~" => (
                format!("`{}` belongs between the braces of a selector", token.text),
                "write such as `x{pod=~\"a-.*\"}`",
            ),
            _ if is_metricsql => (
                format!("`{}` is a word of MetricsQL, which Prometheus does not know", token.text),
                "write it in PromQL",
            ),
            "," => ("a `,` stands outside of any bracket".to_owned(), "leave it out"),
            _ => (
                format!("{} stands where an operator should be", token.shown()),
                "write one such as `+`, `and` or `or`",
            ),
        };
        Err(PromqlError { is_metricsql, ..self.error(token.at, message, remedy) })
    }

    /// An expression whose operators bind at least that much.
    pub fn expression(&mut self, least: u8) -> Parsed {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(self.error(self.peek().at, "the query is nested too deeply", "record a part of it by a rule"));
        }
        let mut left = self.unary()?;
        while let Some((binds, is_right)) = binding(self.peek()).filter(|(binds, _)| *binds >= least) {
            let operator = self.take();
            let is_bool = self.modifiers(operator, binds)?;
            let right = self.expression(if is_right { binds } else { binds + 1 })?;
            left = self.binary(operator, binds, is_bool, left, right)?;
        }
        self.depth -= 1;
        Ok(left)
    }

    fn unary(&mut self) -> Parsed {
        let sign = self.peek();
        if self.eat("-") || self.eat("+") {
            let of = self.expression(6)?;
            self.is_operand(&of, sign)?;
            return Ok(Part { is_selector: false, at: sign.at, ..of });
        }
        let part = self.primary()?;
        self.postfix(part)
    }

    /// `bool`, `on (...)`, `group_left (...)`: whether `bool` is there.
    fn modifiers(&mut self, operator: Token<'_>, binds: u8) -> Parsed<bool> {
        let is_bool = self.is_word(&["bool"]);
        if is_bool {
            let bool_at = self.take().at;
            if binds != COMPARISON {
                let message = format!("`bool` goes with comparisons, and `{}` is none", operator.text);
                return Err(self.error(bool_at, message, "leave it out"));
            }
        }
        if self.is_word(&["on", "ignoring"]) {
            self.take();
            self.labels()?;
            if self.is_word(&["group_left", "group_right"]) {
                let group = self.take();
                if binds < COMPARISON {
                    let message = format!("`{}` does not go with `{}`", group.text, operator.text);
                    return Err(self.error(group.at, message, "leave it out"));
                }
                if self.is_sign("(") {
                    self.labels()?;
                }
            }
        }
        Ok(is_bool)
    }

    fn is_operand(&self, part: &Part, operator: Token<'_>) -> Parsed<()> {
        match part.gives {
            Type::Range => {
                let message = format!("`{}` does not go with a range", operator.text);
                Err(self.error(part.at, message, "write what is to come of it, such as `rate(x[5m])`"))
            }
            Type::Text => Err(self.error(
                part.at,
                format!("`{}` does not go with a text", operator.text),
                "write a number without quotes",
            )),
            Type::Scalar | Type::Vector | Type::Any => Ok(()),
        }
    }

    fn binary(&self, operator: Token<'_>, binds: u8, is_bool: bool, left: Part, right: Part) -> Parsed {
        self.is_operand(&left, operator)?;
        self.is_operand(&right, operator)?;
        let is_set = binds < COMPARISON;
        let both_scalar = left.gives == Type::Scalar && right.gives == Type::Scalar;
        if is_set && (left.gives == Type::Scalar || right.gives == Type::Scalar) {
            let at = if left.gives == Type::Scalar { left.at } else { right.at };
            let message = format!("`{}` joins series, and this is a number", operator.text);
            return Err(self.error(at, message, "write it as `vector(...)`"));
        }
        if both_scalar && binds == COMPARISON && !is_bool {
            let message = format!("`{}` of two numbers needs `bool`", operator.text);
            return Err(self.error(operator.at, message, format!("write `{} bool`", operator.text)));
        }
        let gives = match (left.gives, right.gives) {
            (Type::Scalar, Type::Scalar) => Type::Scalar,
            (Type::Vector, _) | (_, Type::Vector) => Type::Vector,
            _ => Type::Any,
        };
        Ok(Part { gives, at: left.at, back: left.back.max(right.back), is_selector: false })
    }

    fn primary(&mut self) -> Parsed {
        let token = self.peek();
        let part = |gives| Part { gives, at: token.at, back: 0, is_selector: false };
        match token.kind {
            Kind::Number | Kind::Duration => {
                self.take();
                Ok(part(Type::Scalar))
            }
            Kind::Text => {
                self.take();
                Ok(part(Type::Text))
            }
            Kind::Sign if token.text == "(" => {
                self.take();
                let inner = self.expression(0)?;
                self.close(token, ")")?;
                Ok(Part { at: token.at, is_selector: false, ..inner })
            }
            Kind::Sign if token.text == "{" => {
                self.matchers(false)?;
                Ok(Part { is_selector: true, ..part(Type::Vector) })
            }
            Kind::Word => self.word(),
            Kind::Sign | Kind::End => {
                Err(self
                    .unexpected("a series, a number or a function", "write one, or leave the operator before it out"))
            }
        }
    }

    /// What begins with a word: an aggregation, a function, a number, or a series.
    fn word(&mut self) -> Parsed {
        let word = self.take();
        let lower = word.text.to_ascii_lowercase();
        let aggregation = AGGREGATIONS.iter().find(|(name, _)| *name == lower);
        let part = |gives| Part { gives, at: word.at, back: 0, is_selector: false };
        if let Some((_, takes)) = aggregation
            && (self.is_sign("(") || self.is_word(&["by", "without"]))
        {
            return self.aggregation(word, *takes);
        }
        if self.is_sign("(") {
            return self.call(word);
        }
        if self.is_sign("{") {
            self.matchers(true)?;
            return Ok(Part { is_selector: true, ..part(Type::Vector) });
        }
        if lower == "inf" || lower == "nan" {
            return Ok(part(Type::Scalar));
        }
        // Whatever is put into the hole: a number, or the name of a series.
        let gives = if word.has_hole() { Type::Any } else { Type::Vector };
        Ok(Part { is_selector: true, ..part(gives) })
    }
}

const COMPARISON: u8 = 3;

/// How much an operator binds, and whether it does so from the right.
fn binding(token: Token<'_>) -> Option<(u8, bool)> {
    let binds = match token.text.to_ascii_lowercase().as_str() {
        "or" => 1,
        "and" | "unless" => 2,
        "==" | "!=" | "<" | ">" | "<=" | ">=" => COMPARISON,
        "+" | "-" => 4,
        "*" | "/" | "%" | "atan2" => 5,
        "^" => 6,
        _ => return None,
    };
    matches!(token.kind, Kind::Sign | Kind::Word).then_some((binds, binds == 6))
}
