//! Which series an expression is made of: a scan for its selectors, and not a parser. What it does
//! not understand, it refuses.

use std::fmt;

/// A selector in an expression, without `offset` and `@`: whether its series are still scraped does
/// not depend on them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selector {
    /// `up{job="a"}`
    pub text: String,
    /// `5m` of `up[5m]`.
    pub range: Option<String>,
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The most selectors of one expression: each is a query of its own.
const MOST: usize = 12;

/// Words before a list of labels.
const WITH_LABELS: [&str; 6] = ["by", "without", "on", "ignoring", "group_left", "group_right"];

/// Words that are no series.
const OTHER_WORDS: [&str; 9] = ["and", "or", "unless", "atan2", "bool", "inf", "nan", "start", "end"];

/// Words that may stand before `by (...)` instead of their arguments.
const AGGREGATORS: [&str; 14] = [
    "sum",
    "min",
    "max",
    "avg",
    "group",
    "stddev",
    "stdvar",
    "count",
    "count_values",
    "bottomk",
    "topk",
    "quantile",
    "limitk",
    "limit_ratio",
];

/// The selectors of an expression, each once.
///
/// # Errors
/// When it has none, or more than are asked about, or a bracket or a quotation mark is not closed.
pub fn selectors(expr: &str) -> Result<Vec<Selector>, String> {
    let mut scan = Scan { rest: expr };
    let mut found: Vec<Selector> = Vec::new();
    while let Some(selector) = scan.next()? {
        if !found.contains(&selector) {
            found.push(selector);
        }
    }
    match found.len() {
        0 => Err("it holds no series whose age `max_age` could be about; leave `max_age` out".into()),
        count if count > MOST => Err(format!("it holds {count} series, and `max_age` asks about {MOST} at most")),
        _ => Ok(found),
    }
}

/// The expression for the age in seconds of what a selector gives: of the oldest series; of a range
/// that of the newest, as series that ended within it are a part of it rightly.
pub(super) fn age_query(selector: &Selector) -> String {
    let Selector { text, range } = selector;
    match range {
        None => format!("max(time() - timestamp({text}))"),
        // Beyond the five minutes that an instant selector looks back, only a subquery sees when
        // the last sample came.
        Some(range) => {
            format!("min(time() - timestamp({text})) or min(time() - max_over_time(timestamp({text})[{range}:]))")
        }
    }
}

struct Scan<'e> {
    rest: &'e str,
}

impl<'e> Scan<'e> {
    /// The next selector.
    fn next(&mut self) -> Result<Option<Selector>, String> {
        loop {
            self.blank();
            let Some(first) = self.rest.chars().next() else { return Ok(None) };
            match first {
                '"' | '\'' | '`' => drop(self.quoted(first)?),
                '{' => {
                    let labels = self.braced('{', '}')?;
                    return self.selector(labels).map(Some);
                }
                '[' => drop(self.braced('[', ']')?),
                c if c.is_ascii_digit() || c == '.' => self.number(),
                c if c.is_ascii_alphabetic() || matches!(c, '_' | ':') => {
                    if let Some(selector) = self.word()? {
                        return Ok(Some(selector));
                    }
                }
                c => self.rest = &self.rest[c.len_utf8()..],
            }
        }
    }

    /// A word, and what belongs to it. `Some`: it is the name of a series.
    fn word(&mut self) -> Result<Option<Selector>, String> {
        let word = self.take(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | ':'));
        let lower = word.to_ascii_lowercase();
        self.blank();
        if WITH_LABELS.contains(&lower.as_str()) {
            if self.rest.starts_with('(') {
                self.braced('(', ')')?;
            }
            return Ok(None);
        }
        let before_labels = || {
            let next: String = self.rest.chars().take_while(char::is_ascii_alphabetic).collect();
            matches!(next.to_ascii_lowercase().as_str(), "by" | "without")
        };
        if self.rest.starts_with('(')
            || lower == "offset"
            || OTHER_WORDS.contains(&lower.as_str())
            || AGGREGATORS.contains(&lower.as_str()) && before_labels()
        {
            return Ok(None);
        }
        let labels = if self.rest.starts_with('{') { self.braced('{', '}')? } else { "" };
        self.selector(&format!("{word}{labels}")).map(Some)
    }

    fn selector(&mut self, text: &str) -> Result<Selector, String> {
        self.blank();
        if !self.rest.starts_with('[') {
            return Ok(Selector { text: text.to_owned(), range: None });
        }
        let range = self.braced('[', ']')?.trim_matches(['[', ']']);
        let range = range.split(':').next().unwrap_or_default().trim();
        Ok(Selector { text: text.to_owned(), range: Some(range.to_owned()) })
    }

    /// White space and comments.
    fn blank(&mut self) {
        loop {
            self.rest = self.rest.trim_start();
            let Some(comment) = self.rest.strip_prefix('#') else { return };
            self.rest = comment.split_once('\n').map_or("", |(_, rest)| rest);
        }
    }

    /// A number or a duration: `1e+3`, `0x1f`, `5m30s`.
    fn number(&mut self) {
        let is_hex = self.rest.starts_with("0x") || self.rest.starts_with("0X");
        let number = self.take(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_'));
        if !is_hex && number.ends_with(['e', 'E']) {
            self.rest = self.rest.trim_start_matches(['+', '-']);
            self.take(|c| c.is_ascii_digit());
        }
    }

    fn take(&mut self, is_part: impl Fn(char) -> bool) -> &'e str {
        let end = self.rest.find(|c| !is_part(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    /// From an opening sign to the one that closes it, both included; signs in quotation marks do
    /// not count.
    fn braced(&mut self, open: char, close: char) -> Result<&'e str, String> {
        let all = self.rest;
        let mut depth = 0_usize;
        while let Some(c) = self.rest.chars().next() {
            if matches!(c, '"' | '\'' | '`') {
                self.quoted(c)?;
                continue;
            }
            self.rest = &self.rest[c.len_utf8()..];
            if c == open {
                depth += 1;
            } else if c == close {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return Ok(&all[..all.len() - self.rest.len()]);
                }
            }
        }
        Err(format!("a `{open}` in it is not closed"))
    }

    fn quoted(&mut self, mark: char) -> Result<&'e str, String> {
        let all = self.rest;
        let mut escaped = false;
        for (at, c) in all.char_indices().skip(1) {
            match c {
                _ if escaped => escaped = false,
                '\\' if mark != '`' => escaped = true,
                c if c == mark => {
                    let (text, rest) = all.split_at(at + c.len_utf8());
                    self.rest = rest;
                    return Ok(text);
                }
                _ => {}
            }
        }
        Err(format!("a {mark} in it is not closed"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(expr: &str) -> Vec<String> {
        let show = |it: Selector| it.range.map_or(it.text.clone(), |range| format!("{}[{range}]", it.text));
        selectors(expr).unwrap().into_iter().map(show).collect()
    }

    #[test]
    fn the_series_of_an_expression_are_found() {
        for (expr, series) in [
            ("up", &["up"][..]),
            ("sum by (pod, le) (rate(x{a=\"b}\", d=~'.+['}[5m])) > 1e+3", &["x{a=\"b}\", d=~'.+['}[5m]"]),
            ("sum(a) by (pod) / on (pod) group_left (b) sum without (c) (d offset 5m)", &["a", "d"]),
            ("max_over_time(deriv(x[1h])[6h:1m]) and on() y @ 17 or vector(0)", &["x[1h]", "y"]),
            ("{__name__=\"a b\"} unless Inf or NaN * -0x1f", &["{__name__=\"a b\"}"]),
            ("a # b\n + job:c:rate5m{x='\\''} == bool 0", &["a", "job:c:rate5m{x='\\''}"]),
            ("x [ 5m ] - x", &["x[5m]", "x"]),
            ("x + x + x{}", &["x", "x{}"]),
            ("count_values(\"version\", build) + topk(1, z) + (a @ end())", &["build", "z", "a"]),
            ("sum BY (le) (q)", &["q"]),
        ] {
            assert_eq!(found(expr), series, "{expr}");
        }
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for expr in ["vector(1)", "time()", "1 + 2", "\"up\"", "", "x{a=\"b}", "x{", "x[5m"] {
            assert!(selectors(expr).is_err(), "{expr}");
        }
        let many: Vec<String> = (0..13).map(|n| format!("m{n}")).collect();
        assert!(selectors(&many.join(" + ")).unwrap_err().contains("13 series"));
    }
}
