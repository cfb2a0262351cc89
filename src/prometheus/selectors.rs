//! Which series an expression is made of: a scan for its selectors, and not a parser. What it does
//! not understand, it refuses.

use std::collections::BTreeMap;
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

/// All selectors of an expression, each once.
///
/// # Errors
/// When a bracket or a quotation mark is not closed.
pub fn all_selectors(expr: &str) -> Result<Vec<Selector>, String> {
    let mut scan = Scan::of(expr);
    let mut found: Vec<Selector> = Vec::new();
    while let Some(selector) = scan.next()? {
        if !found.contains(&selector) {
            found.push(selector);
        }
    }
    Ok(found)
}

/// Those whose age can be asked about.
///
/// # Errors
/// When there are none, or more than are asked about, or as [`all_selectors`].
pub fn selectors(expr: &str) -> Result<Vec<Selector>, String> {
    let found = all_selectors(expr)?;
    match found.len() {
        0 => Err("it holds no series whose age `max_age` could be about; leave `max_age` out".into()),
        count if count > MOST => Err(format!("it holds {count} series, and `max_age` asks about {MOST} at most")),
        _ => Ok(found),
    }
}

/// Words of MetricsQL, after which an expression is another one than it seems here.
const METRICSQL: [&str; 6] = ["with", "default", "if", "ifnot", "limit", "keep_metric_names"];

/// The expression with these matchers added to each of its selectors. What asked for series of all
/// clusters asks for those of one.
///
/// # Errors
/// Where it is not certain that each selector is found: nothing is asked then.
pub fn with_matchers(expr: &str, matchers: &BTreeMap<String, String>) -> Result<String, String> {
    if matchers.is_empty() {
        return Ok(expr.to_owned());
    }
    let added: Vec<String> = matchers.iter().map(|(label, value)| format!("{label}=\"{}\"", escape(value))).collect();
    let added = added.join(",");
    let mut scan = Scan { is_strict: true, ..Scan::of(expr) };
    while scan.next().map_err(|why| format!("`prometheus.match` cannot be added to it: {why}"))?.is_some() {}
    let mut text = String::with_capacity(expr.len() + scan.ends.len() * (added.len() + 2));
    let mut from = 0;
    for end in scan.ends {
        let (at, matcher) = match end {
            End::OfName(at) => (at, format!("{{{added}}}")),
            End::InBraces { at, needs_comma: true } => (at, format!(",{added}")),
            End::InBraces { at, needs_comma: false } => (at, added.clone()),
        };
        text.push_str(expr.get(from..at).unwrap_or_default());
        text.push_str(&matcher);
        from = at;
    }
    text.push_str(expr.get(from..).unwrap_or_default());
    Ok(text)
}

fn escape(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
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
    whole: &'e str,
    rest: &'e str,
    /// Whatever could hide a selector is refused.
    is_strict: bool,
    /// Where each selector takes another matcher.
    ends: Vec<End>,
}

/// Where a selector takes another matcher.
enum End {
    /// It has no braces.
    OfName(usize),
    /// Before the closing brace.
    InBraces { at: usize, needs_comma: bool },
}

impl<'e> Scan<'e> {
    fn of(expr: &'e str) -> Self {
        Self { whole: expr, rest: expr, is_strict: false, ends: Vec::new() }
    }

    fn at(&self) -> usize {
        self.whole.len() - self.rest.len()
    }

    /// The labels in braces, of which the next character is the first.
    fn labels(&mut self) -> Result<&'e str, String> {
        let labels = self.braced('{', '}')?;
        let inner = labels.get(1..labels.len() - 1).unwrap_or_default();
        if self.is_strict {
            check_labels(inner)?;
        }
        let inner = inner.trim_end();
        let needs_comma = !inner.trim_start().is_empty() && !inner.ends_with(',');
        self.ends.push(End::InBraces { at: self.at() - 1, needs_comma });
        Ok(labels)
    }

    /// What follows a word that is no series. A metric may have the name of a keyword: where such a
    /// word does not stand as a keyword must, that is what it could be.
    fn check_keyword(&self, word: &str, stands_right: bool) -> Result<(), String> {
        if self.is_strict && !stands_right {
            return Err(format!("`{word}` in it may be the name of a series"));
        }
        Ok(())
    }

    fn operand_follows(&self) -> bool {
        let is_operand =
            |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':' | '(' | '+' | '-' | '.' | '"' | '\'' | '`');
        self.rest.starts_with(is_operand)
    }

    /// The next selector.
    fn next(&mut self) -> Result<Option<Selector>, String> {
        loop {
            self.blank();
            let Some(first) = self.rest.chars().next() else { return Ok(None) };
            match first {
                '"' | '\'' | '`' => drop(self.quoted(first)?),
                '{' => {
                    let labels = self.labels()?;
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
        let end = self.at();
        let before = self.whole.get(..end - word.len()).unwrap_or_default().trim_end();
        let is_after_operand = before.ends_with(|c: char| {
            c.is_ascii_alphanumeric() || matches!(c, '_' | ':' | ')' | ']' | '}' | '"' | '\'' | '`')
        });
        self.blank();
        if WITH_LABELS.contains(&lower.as_str()) {
            self.check_keyword(
                word,
                self.rest.starts_with('(') || lower.starts_with("group_") && self.operand_follows(),
            )?;
            if self.rest.starts_with('(') {
                self.braced('(', ')')?;
            }
            return Ok(None);
        }
        if self.is_strict && METRICSQL.contains(&lower.as_str()) {
            return Err(format!("`{word}` is a word of MetricsQL, which is not understood here"));
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
            self.check_keyword(
                word,
                match lower.as_str() {
                    "start" | "end" => self.rest.starts_with('('),
                    "and" | "or" | "unless" | "atan2" => {
                        is_after_operand && (self.operand_follows() || self.rest.starts_with('{'))
                    }
                    "offset" => is_after_operand && self.operand_follows(),
                    "bool" => self.operand_follows() || self.rest.starts_with('{'),
                    _ => true,
                },
            )?;
            return Ok(None);
        }
        let labels = if self.rest.starts_with('{') {
            self.labels()?
        } else {
            self.ends.push(End::OfName(end));
            ""
        };
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

/// What stands between a selector's braces must be a plain list: a comment could hold a brace, and
/// an `or` of MetricsQL would leave the matcher with one side.
fn check_labels(inner: &str) -> Result<(), String> {
    let mut scan = Scan::of(inner);
    while let Some(c) = scan.rest.chars().next() {
        match c {
            '"' | '\'' | '`' => drop(scan.quoted(c)?),
            '#' => return Err("there is a comment between the braces of a selector".into()),
            c if c.is_ascii_alphabetic() || c == '_' => {
                let word = scan.take(|c| c.is_ascii_alphanumeric() || c == '_');
                let is_label = scan.rest.trim_start().starts_with(['=', '!']);
                if word.eq_ignore_ascii_case("or") && !is_label {
                    return Err("there is an `or` between the braces of a selector".into());
                }
            }
            c => scan.rest = &scan.rest[c.len_utf8()..],
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
