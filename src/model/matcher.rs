//! Matchers over labels, in Alertmanager's own syntax and with its semantics
//! (<https://prometheus.io/docs/alerting/latest/configuration/#matcher>).

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};

/// One condition on one label. A label that is missing is as one that is empty.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Matcher {
    name: String,
    how: How,
    value: String,
    /// Of `=~` and `!~`.
    regex: Option<Regex>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    Is,
    IsNot,
    Matches,
    MatchesNot,
}

impl How {
    fn sign(self) -> &'static str {
        match self {
            How::Is => "=",
            How::IsNot => "!=",
            How::Matches => "=~",
            How::MatchesNot => "!~",
        }
    }
}

/// A text that is no matcher.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no matcher: {why}")]
pub struct MatcherError {
    text: String,
    why: String,
}

/// No name of a label or value that somebody means is longer, in bytes.
const LONGEST: usize = 1_000;

/// What a compiled expression may take, in bytes: a hundred alternatives fit, `(a{900}){900}` does
/// not.
const LARGEST_REGEX: usize = 1 << 20;

/// A value that no label has: what matches it matches nearly everything.
const UNHEARD_OF: &str = "\u{1}dogwatch: no label has this value\u{1}";

impl Matcher {
    /// Whether an alert with these labels is meant.
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.fits(labels.get(&self.name).map_or("", String::as_str))
    }

    /// Whether it leaves nearly everything in: it holds for a value that nobody has heard of, or
    /// only leaves out what has the label.
    pub fn is_broad(&self) -> bool {
        self.fits(UNHEARD_OF) || self.fits("")
    }

    fn fits(&self, value: &str) -> bool {
        let matches = || self.regex.as_ref().is_some_and(|regex| regex.is_match(value));
        match self.how {
            How::Is => self.value == value,
            How::IsNot => self.value != value,
            How::Matches => matches(),
            How::MatchesNot => !matches(),
        }
    }

    /// With its value in quotes, as each version of Alertmanager's API reads it.
    pub fn quoted(&self) -> String {
        let value = self.value.replace('\\', r"\\").replace('"', r#"\""#).replace('\n', r"\n");
        format!("{}{}\"{value}\"", self.name, self.how.sign())
    }

    /// Of the parts that Alertmanager's API tells it in.
    ///
    /// # Errors
    /// When it is no matcher here: Go's regular expressions know some things that ours do not.
    pub fn of_parts(name: &str, value: &str, is_equal: bool, is_regex: bool) -> Result<Self, MatcherError> {
        let how = match (is_equal, is_regex) {
            (true, false) => How::Is,
            (false, false) => How::IsNot,
            (true, true) => How::Matches,
            (false, true) => How::MatchesNot,
        };
        let error = |why| MatcherError { text: shown(&format!("{name}{value}")), why };
        Self::new(name, how, value.to_owned()).map_err(error)
    }

    fn new(name: &str, how: How, value: String) -> Result<Self, String> {
        let is_odd = |c: char| c.is_whitespace() || c.is_control() || "{}!=~,\\\"'`".contains(c);
        if name.is_empty() || name.contains(is_odd) {
            return Err(format!("`{}` is no name of a label", shown(name)));
        }
        if name.len() > LONGEST || value.len() > LONGEST {
            return Err(format!("it is longer than {LONGEST} bytes"));
        }
        let regex = match how {
            How::Is | How::IsNot => None,
            How::Matches | How::MatchesNot => Some(compile(&value)?),
        };
        Ok(Self { name: name.to_owned(), how, value, regex })
    }
}

fn compile(value: &str) -> Result<Regex, String> {
    // As Alertmanager does, it is anchored at both ends.
    let built = RegexBuilder::new(&format!("^(?:{value})$")).size_limit(LARGEST_REGEX).build();
    built.map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => "its expression takes too much room".to_owned(),
        error => {
            let why = error.to_string();
            let last = why.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
            format!("its expression cannot be read: {last}")
        }
    })
}

impl FromStr for Matcher {
    type Err = MatcherError;

    /// Reads `alertname=X`, `namespace=~"db|cache"`, `team!=""`.
    fn from_str(text: &str) -> Result<Self, MatcherError> {
        let error = |why: String| MatcherError { text: shown(text), why };
        let text = text.trim();
        let at =
            text.find(['=', '!']).ok_or_else(|| error("write it like namespace=db or alertname=~Disk.*".into()))?;
        let (name, rest) = text.split_at(at);
        let hows = [("=~", How::Matches), ("!~", How::MatchesNot), ("!=", How::IsNot), ("=", How::Is)];
        let found = hows.into_iter().find_map(|(sign, how)| Some((how, rest.strip_prefix(sign)?)));
        let (how, value) = found.ok_or_else(|| error("there are =, !=, =~ and !~".into()))?;
        let value = unquoted(value.trim()).map_err(error)?;
        Self::new(name.trim_end(), how, value).map_err(error)
    }
}

/// What stands between quotes, or the text as it is.
fn unquoted(text: &str) -> Result<String, String> {
    let Some(inner) = text.strip_prefix('"') else { return Ok(text.to_owned()) };
    let inner = inner.strip_suffix('"').ok_or("its quote is not closed")?;
    let mut value = String::new();
    let mut letters = inner.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '"' => return Err("it has a quote within quotes; write \\\"".into()),
            '\\' => match letters.next() {
                Some('n') => value.push('\n'),
                Some(escaped @ ('"' | '\\')) => value.push(escaped),
                // `\d` and the like, as Alertmanager leaves them to the expression.
                Some(other) => value.extend(['\\', other]),
                None => return Err("its quote is not closed".into()),
            },
            other => value.push(other),
        }
    }
    Ok(value)
}

/// As it is written, with quotes where it would read as something else without them.
impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.name, self.how.sign())?;
        let value = &self.value;
        // `=` before `~` would be another sign.
        let is_plain = !value.starts_with(['"', '~']) && value.trim() == value && !value.contains(char::is_control);
        if is_plain && !value.is_empty() {
            return f.write_str(value);
        }
        let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        write!(f, "\"{value}\"")
    }
}

impl fmt::Debug for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Matcher({self})")
    }
}

/// An expression is what it is written as.
impl PartialEq for Matcher {
    fn eq(&self, other: &Self) -> bool {
        (&self.name, self.how, &self.value) == (&other.name, other.how, &other.value)
    }
}

impl Eq for Matcher {}

impl TryFrom<String> for Matcher {
    type Error = MatcherError;

    fn try_from(text: String) -> Result<Self, MatcherError> {
        text.parse()
    }
}

impl From<Matcher> for String {
    fn from(matcher: Matcher) -> Self {
        matcher.to_string()
    }
}

fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(60).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn matches(matcher: &str, pairs: &[(&str, &str)]) -> bool {
        matcher.parse::<Matcher>().unwrap().matches(&labels(pairs))
    }

    #[test]
    fn a_missing_label_is_as_an_empty_one() {
        for (matcher, missing) in [
            ("team=\"\"", true),
            ("team!=\"\"", false),
            ("team=db", false),
            ("team!=db", true),
            ("team=~db", false),
            ("team=~.*", true),
            ("team=~.+", false),
            ("team=~db|", true),
            ("team!~.+", true),
            ("team!~db", true),
        ] {
            assert_eq!(matches(matcher, &[]), missing, "{matcher}");
            assert_eq!(matches(matcher, &[("team", "")]), missing, "{matcher}");
        }
    }

    #[test]
    fn an_expression_is_anchored_at_both_ends() {
        assert!(matches("namespace=~db|cache", &[("namespace", "db")]));
        assert!(!matches("namespace=~db|cache", &[("namespace", "db-2")]), "the bar does not break the anchors");
        assert!(!matches("namespace=~db", &[("namespace", "mydb")]));
        assert!(matches("namespace=~\"db-\\d\"", &[("namespace", "db-7")]));
        assert!(!matches("namespace=~.*", &[("namespace", "two\nlines")]), "as RE2, a dot is no line's end");
    }

    #[test]
    fn quotes_are_read_as_alertmanager_does() {
        assert!(matches("summary=\"two \\\"words\\\"\"", &[("summary", "two \"words\"")]));
        assert!(matches(" alertname = X ", &[("alertname", "X")]));
        assert!(matches("a==b", &[("a", "=b")]));
        assert!(matches("a=\"~b\"", &[("a", "~b")]));
    }

    #[test]
    fn what_is_no_matcher_says_why() {
        for (text, why) in [
            ("alertname", "write it like namespace=db"),
            ("=x", "`` is no name of a label"),
            ("a b=x", "`a b` is no name of a label"),
            ("a!x", "there are =, !=, =~ and !~"),
            ("a=\"x", "its quote is not closed"),
            ("a=~(", "its expression cannot be read: unclosed group"),
            ("a=~((a{99}){99}){99}", "its expression takes too much room"),
        ] {
            let error = text.parse::<Matcher>().unwrap_err().to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
        assert!(format!("a={}", "x".repeat(1_001)).parse::<Matcher>().is_err());
    }

    #[test]
    fn what_leaves_nearly_everything_in_is_broad() {
        for broad in ["alertname=~.*", "alertname=~.+", "alertname!=X", "alertname!~a|b", "team=\"\"", "team=~db|"] {
            assert!(broad.parse::<Matcher>().unwrap().is_broad(), "{broad}");
        }
        for narrow in ["alertname=X", "alertname=~Disk.*", "namespace=~db|cache"] {
            assert!(!narrow.parse::<Matcher>().unwrap().is_broad(), "{narrow}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(name in "[a-z_]{1,8}", sign in "(=|!=)", value in "\\PC{0,20}") {
            let quoted = format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""));
            let matcher: Matcher = format!("{name}{sign}{quoted}").parse().unwrap();
            prop_assert_eq!(&matcher.value, &value);
            prop_assert_eq!(matcher.to_string().parse::<Matcher>().unwrap(), matcher);
        }

        #[test]
        fn a_no_is_the_opposite_of_a_yes(value in "[ab]{0,2}", label in proptest::option::of("[ab]{0,2}")) {
            let labels: BTreeMap<String, String> = label.into_iter().map(|label| ("x".to_owned(), label)).collect();
            let holds = |sign: &str| format!("x{sign}\"{value}\"").parse::<Matcher>().unwrap().matches(&labels);
            prop_assert_ne!(holds("="), holds("!="));
            prop_assert_ne!(holds("=~"), holds("!~"));
            prop_assert_eq!(holds("="), holds("=~"), "a plain expression is what it says");
        }
    }
}
