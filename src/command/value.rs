//! What a word of a command may be.

use super::silence::read_start;
use super::{ParseError, shown};
use crate::language::{closest, list};
use crate::model::{
    ApprovalId, FreezeId, FreezeScope, IdError, IncidentId, Matcher, OverrideId, RunId, Severity, TargetPattern,
    WindowId, parse_duration,
};

/// The sorts of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value {
    /// `INC-7`, or just `7`.
    Incident,
    /// `APR-7`, or just `7`.
    Approval,
    /// `WIN-7`, or just `7`.
    Window,
    /// `OVR-7`, or just `7`.
    Override,
    /// `FRZ-7`, or just `7`.
    Freeze,
    /// `RUN-7`, or just `7`.
    Run,
    /// `all`, `namespace=db` or `playbook=shop-slow`.
    Freezable,
    Severity,
    /// `90s`, `10m`, `1d12h`.
    Duration,
    /// `name=value`.
    Pair,
    /// A matcher such as `namespace=~db.*`, or a target such as `Deployment/db/*`.
    Cover,
    /// A moment, or a duration from now.
    Start,
    /// One of a few words, such as the states.
    OneOf {
        what: &'static str,
        words: &'static [&'static str],
    },
    /// Anything.
    Text,
}

/// What a word is where a note may begin as well.
pub(super) enum Reading {
    Is,
    IsNot,
    /// It looks much like one.
    Nearly(ParseError),
}

impl Value {
    /// Whether a comma ends it. It may stand in an expression, such as `a{1,2}`.
    pub fn parts_at_commas(self) -> bool {
        self != Value::Cover
    }

    /// The word as it is always written: `INC-7` for `inc-7` and `7`.
    ///
    /// # Errors
    /// When it is none of these. `example`: the command as it is written right.
    pub fn read(self, word: &str, example: &str) -> Result<String, ParseError> {
        let wrong = |error: IdError, instead: &str| ParseError::new(error.to_string(), instead);
        match self {
            Value::Incident => {
                word.parse().map(|id: IncidentId| id.to_string()).map_err(|error| wrong(error, "/incidents lists them"))
            }
            Value::Approval => word
                .parse()
                .map(|id: ApprovalId| id.to_string())
                .map_err(|error| wrong(error, "the question says which")),
            Value::Window => {
                word.parse().map(|id: WindowId| id.to_string()).map_err(|error| wrong(error, "/windows lists them"))
            }
            Value::Override => word
                .parse()
                .map(|id: OverrideId| id.to_string())
                .map_err(|error| wrong(error, "/oncall who names them")),
            Value::Freeze => {
                word.parse().map(|id: FreezeId| id.to_string()).map_err(|error| wrong(error, "/freezes lists them"))
            }
            Value::Run => word.parse().map(|id: RunId| id.to_string()).map_err(|error| wrong(error, "/why names them")),
            Value::Freezable => word
                .parse()
                .map(|scope: FreezeScope| scope.written())
                .map_err(|error| ParseError::new(error.to_string(), format!("write it like {example}"))),
            Value::Cover => match word.parse::<TargetPattern>() {
                Ok(target) => Ok(target.to_string()),
                Err(_) => word
                    .parse::<Matcher>()
                    .map(|matcher| matcher.to_string())
                    .map_err(|error| ParseError::new(error.to_string(), format!("write it like {example}"))),
            },
            Value::Start => match read_start(word) {
                Some(_) => Ok(word.to_owned()),
                None => Err(ParseError::new(
                    format!("`{}` is no time to begin", shown(word)),
                    "write it like 2026-03-02T02:00Z, or 30m for half an hour from now",
                )),
            },
            Value::Severity => {
                let severity: Result<Severity, _> = word.to_ascii_uppercase().parse();
                let what = || format!("`{}` is no severity", shown(word));
                severity
                    .map(|severity| severity.to_string())
                    .map_err(|_| ParseError::new(what(), "write S1, S2, S3 or S4"))
            }
            Value::Duration => {
                let instead = "write a number and a unit, such as 90s, 10m, 6h, 1d or 1h30m";
                let what = || format!("`{}` is no duration", shown(word));
                parse_duration(word).map(|_| word.to_owned()).map_err(|_| ParseError::new(what(), instead))
            }
            Value::Pair => match word.split_once('=') {
                Some((name, _)) if !name.trim().is_empty() => Ok(word.to_owned()),
                _ => Err(ParseError::new(
                    format!("`{}` is no input", shown(word)),
                    format!("write name=value, as in {example}"),
                )),
            },
            Value::OneOf { what, words } => {
                let lower = word.to_ascii_lowercase();
                if words.contains(&lower.as_str()) {
                    return Ok(lower);
                }
                let instead = match closest(&lower, words.iter().copied()) {
                    Some(near) => format!("did you mean {near}?"),
                    None => format!("write one of {}", list(words.iter().copied())),
                };
                Err(ParseError::new(format!("`{}` is no {what}", shown(word)), instead))
            }
            Value::Text if word.is_empty() => {
                Err(ParseError::new("nothing stands between the quotes", format!("write it like {example}")))
            }
            Value::Text => Ok(word.to_owned()),
        }
    }

    /// What a word is where a note may begin, too: there a number is written whole, as `2 disks`
    /// begin a note.
    pub(super) fn reading(self, word: &str) -> Reading {
        match (self, self.read(word, "")) {
            (Value::Incident | Value::Approval, Ok(_)) if !word.contains('-') => Reading::IsNot,
            (_, Ok(_)) => Reading::Is,
            // Its quotes may hold white space.
            (Value::Cover, Err(_)) if self.read(&word.replace(['"', '\''], ""), "").is_ok() => Reading::Is,
            (Value::Incident | Value::Approval, Err(error)) => {
                let prefix = if self == Value::Incident { "INC" } else { "APR" };
                let number = word.split_once('-').filter(|(before, _)| before.eq_ignore_ascii_case(prefix));
                match number {
                    Some((_, number)) if number.starts_with(|c: char| c.is_ascii_digit()) => {
                        let instead = "write -- before a note that begins like that";
                        Reading::Nearly(ParseError::new(error.what, instead))
                    }
                    _ => Reading::IsNot,
                }
            }
            (_, Err(_)) => Reading::IsNot,
        }
    }
}
