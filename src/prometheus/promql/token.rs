//! The words of a query.

use super::PromqlError;

/// What a word is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A name or a keyword; with a hole, maybe a number.
    Word,
    /// `1.5`, `0x1f`, `1e3`.
    Number,
    /// `5m`, `1h30m`.
    Duration,
    Text,
    Sign,
    End,
}

/// A word, and where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token<'t> {
    pub kind: Kind,
    pub text: &'t str,
    /// In bytes.
    pub at: usize,
}

impl Token<'_> {
    /// Whether a hole is a part of it.
    pub fn has_hole(&self) -> bool {
        self.kind != Kind::Text && self.text.contains("{{")
    }

    /// As people read of it.
    pub fn shown(&self) -> String {
        if self.kind == Kind::End { "the end".to_owned() } else { format!("`{}`", shortened(self.text)) }
    }
}

pub(super) fn shortened(text: &str) -> String {
    text.chars().take(40).collect()
}

/// Longest first.
const SIGNS: [&str; 22] = [
    "==", "!=", "<=", ">=", "=~", "!~", "+", "-", "*", "/", "%", "^", "<", ">", "=", "(", ")", "{", "}", "[", "]", ",",
];

/// All words of the query, the end included.
pub(super) fn tokens(text: &str) -> Result<Vec<Token<'_>>, PromqlError> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(token) = next(text, &mut at)? {
        tokens.push(token);
    }
    tokens.push(Token { kind: Kind::End, text: "", at: text.len() });
    Ok(tokens)
}

fn next<'t>(text: &'t str, at: &mut usize) -> Result<Option<Token<'t>>, PromqlError> {
    let mut rest = &text[*at..];
    loop {
        rest = rest.trim_start();
        let Some(comment) = rest.strip_prefix('#') else { break };
        rest = comment.split_once('\n').map_or("", |(_, rest)| rest);
    }
    let start = text.len() - rest.len();
    let Some(first) = rest.chars().next() else { return Ok(None) };
    let (kind, length) = match first {
        '"' | '\'' | '`' => (Kind::Text, quoted(text, start, first)?),
        _ if is_part(first) || first == '.' || rest.starts_with("{{") => word(text, start)?,
        '@' => (Kind::Sign, 1),
        // Of a subquery, `[1h:5m]`; within a name it is a part of that.
        ':' => (Kind::Sign, 1),
        _ => match SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            Some(sign) => (Kind::Sign, sign.len()),
            None => {
                let remedy = match first {
                    '&' => "write `and`",
                    '|' => "write `or`; in a matcher, `|` stands within the quotes: `{a=~\"x|y\"}`",
                    '“' | '”' | '‘' | '’' | '„' => "write plain quotes",
                    _ => "leave it out",
                };
                return Err(error(text, start, format!("`{first}` has no meaning in PromQL"), remedy));
            }
        },
    };
    *at = start + length;
    Ok(Some(Token { kind, text: &text[start..start + length], at: start }))
}

fn is_part(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// A name, a number or a duration, with its holes.
fn word(text: &str, start: usize) -> Result<(Kind, usize), PromqlError> {
    let is_number = text[start..].starts_with(|c: char| c.is_ascii_digit() || c == '.');
    let mut end = start;
    loop {
        let rest = &text[end..];
        let Some(c) = rest.chars().next() else { break };
        if let Some(hole) = rest.strip_prefix("{{") {
            let Some(close) = hole.find("}}") else {
                return Err(error(text, end, "a hole is not closed", "close it with `}}`"));
            };
            end += close + 4;
        } else if is_part(c)
            || (is_number && c == '.')
            || (!is_number && c == ':')
            || (is_number && matches!(c, '+' | '-') && is_exponent(&text[start..end]))
        {
            end += 1;
        } else {
            break;
        }
    }
    let word = &text[start..end];
    if word.contains("{{") || !is_number {
        return Ok((Kind::Word, end - start));
    }
    let plain = word.replace('_', "");
    let is_hex = plain.strip_prefix("0x").or_else(|| plain.strip_prefix("0X"));
    if plain.parse::<f64>().is_ok() || is_hex.is_some_and(|hex| u64::from_str_radix(hex, 16).is_ok()) {
        return Ok((Kind::Number, end - start));
    }
    if millis(word).is_some() {
        return Ok((Kind::Duration, end - start));
    }
    let message = format!("`{}` is neither a number nor a duration", shortened(word));
    Err(error(text, start, message, "write a duration such as `90s`, `5m`, `1h30m` or `1d`"))
}

/// `1e` of `1e+3`, and no `0x1e`.
fn is_exponent(number: &str) -> bool {
    number.ends_with(['e', 'E']) && !number.starts_with("0x") && !number.starts_with("0X")
}

/// A duration of PromQL, in milliseconds: its units stand in their order, each once.
pub(super) fn millis(text: &str) -> Option<u64> {
    const UNITS: [(&str, u64); 7] = [
        ("y", 365 * 86_400_000),
        ("w", 7 * 86_400_000),
        ("d", 86_400_000),
        ("h", 3_600_000),
        ("m", 60_000),
        ("s", 1_000),
        ("ms", 1),
    ];
    let (mut rest, mut from, mut total) = (text, 0, 0_u64);
    while !rest.is_empty() {
        let (number, after) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit())?);
        let (unit, after) = after.split_at(after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len()));
        let index = UNITS.iter().position(|(name, _)| *name == unit).filter(|index| *index >= from)?;
        let (_, size) = UNITS.get(index)?;
        total = total.checked_add(number.parse::<u64>().ok()?.checked_mul(*size)?)?;
        (rest, from) = (after, index + 1);
    }
    (from > 0).then_some(total)
}

/// How long the text in quotes is, with those.
fn quoted(text: &str, start: usize, mark: char) -> Result<usize, PromqlError> {
    let mut escaped = false;
    for (index, c) in text[start..].char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' if mark != '`' => escaped = true,
            c if c == mark => return Ok(index + 1),
            _ => {}
        }
    }
    Err(error(text, start, "a quote is not closed", format!("close it with {mark}")))
}

/// The offset in characters, for people.
pub(super) fn error(text: &str, at: usize, message: impl Into<String>, remedy: impl Into<String>) -> PromqlError {
    let offset = text.get(..at).unwrap_or(text).chars().count();
    PromqlError { message: message.into(), offset, remedy: remedy.into(), is_metricsql: false }
}
