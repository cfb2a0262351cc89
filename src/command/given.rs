//! What was given to a command, whichever way it came.

use std::collections::BTreeMap;
use std::str::FromStr;

use super::{Argument, Definition, Need, ParseError, Shape, Value, shown};
use crate::model::{Command, IncidentId, Severity};

/// The arguments that were given to a command. Each value is as it should be, and written as it
/// always is.
#[derive(Debug, Clone)]
pub struct Given {
    pub definition: &'static Definition,
    values: BTreeMap<&'static str, Vec<String>>,
}

/// As many incidents as one command may name: their answers are a page, and their decision one
/// transaction.
pub const MOST_INCIDENTS: usize = 50;

impl Given {
    pub fn new(definition: &'static Definition) -> Self {
        Self { definition, values: BTreeMap::new() }
    }

    /// Takes a value; of words and lists several at once, parted by commas or spaces.
    ///
    /// # Errors
    /// When it is none that the argument may have, or one too many.
    pub fn put(&mut self, argument: &'static Argument, value: &str) -> Result<(), ParseError> {
        let example = self.definition.example;
        let values: Vec<String> = match argument.shape {
            Shape::Flag | Shape::BareFlag => {
                // Saying it twice says no more.
                self.values.insert(argument.name, Vec::new());
                return Ok(());
            }
            Shape::Words | Shape::List if argument.value.parts_at_commas() => {
                let parts = value.split(|c: char| c == ',' || c.is_whitespace()).filter(|part| !part.is_empty());
                parts.map(|part| argument.value.read(part, example)).collect::<Result<_, _>>()?
            }
            Shape::Text => {
                let text = value.trim();
                (!text.is_empty()).then(|| text.to_owned()).into_iter().collect()
            }
            _ => vec![argument.value.read(value, example)?],
        };
        let known = self.values.entry(argument.name).or_default();
        for value in values {
            match argument.shape {
                Shape::Word | Shape::Option | Shape::Text if !known.is_empty() => {
                    return Err(twice(&format!("--{}", argument.name)));
                }
                Shape::Pairs => {
                    let name = value.split('=').next().unwrap_or_default().trim();
                    if known.iter().any(|pair| pair.split('=').next().unwrap_or_default().trim() == name) {
                        return Err(twice(name));
                    }
                }
                // The same once more is the same.
                _ if known.contains(&value) => continue,
                _ => {}
            }
            known.push(value);
        }
        if argument.shape == Shape::Words && known.len() > MOST_INCIDENTS {
            let what = format!("these are more than {MOST_INCIDENTS} at once");
            return Err(ParseError::new(what, "ask for them in several commands"));
        }
        Ok(())
    }

    /// What is asked for.
    ///
    /// # Errors
    /// When something is missing, or does not go with something else.
    pub fn command(&self) -> Result<Command, ParseError> {
        for argument in self.definition.arguments {
            let has_it = self.has(argument.name);
            match argument.need {
                Need::Or(other) if has_it && self.has(other) => {
                    let what = format!("--{} says already which ones", option_of(self.definition, argument));
                    return Err(ParseError::new(what, "name either them or that"));
                }
                Need::Required if !has_it => return Err(missing(argument.name, self.definition)),
                Need::Or(other) if !has_it && !self.has(other) => return Err(missing(argument.name, self.definition)),
                _ => {}
            }
        }
        (self.definition.read)(self)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        let is_flag = self.definition.argument(name).is_some_and(|argument| argument.shape.is_flag());
        self.values.get(name).is_some_and(|values| is_flag || !values.is_empty())
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        self.has(name)
    }

    pub(super) fn all(&self, name: &str) -> &[String] {
        self.values.get(name).map_or(&[], Vec::as_slice)
    }

    pub(super) fn one(&self, name: &str) -> Option<&str> {
        self.all(name).first().map(String::as_str)
    }

    /// The value, read as what it is.
    ///
    /// # Errors
    /// When it was not given.
    pub(super) fn required<T: FromStr>(&self, name: &str) -> Result<T, ParseError> {
        let read = self.one(name).and_then(|value| value.parse().ok());
        read.ok_or_else(|| missing(name, self.definition))
    }

    pub(super) fn incidents(&self, name: &str) -> Vec<IncidentId> {
        self.all(name).iter().filter_map(|id| id.parse().ok()).collect()
    }

    pub(super) fn severities(&self, name: &str) -> Vec<Severity> {
        self.all(name).iter().filter_map(|severity| severity.parse().ok()).collect()
    }

    pub(super) fn pairs(&self, name: &str) -> BTreeMap<String, String> {
        let pairs = self.all(name).iter().filter_map(|pair| pair.split_once('='));
        pairs.map(|(name, value)| (name.trim().to_owned(), value.to_owned())).collect()
    }
}

/// The option of two arguments of which one must be given.
fn option_of(definition: &Definition, argument: &'static Argument) -> &'static str {
    match argument.need {
        Need::Or(other) if argument.shape.has_a_place() => {
            definition.argument(other).map_or(argument.name, |other| other.name)
        }
        _ => argument.name,
    }
}

fn missing(name: &str, definition: &Definition) -> ParseError {
    let which = match definition.argument(name).map(|argument| argument.value) {
        Some(Value::Incident | Value::Approval | Value::Window | Value::Override | Value::Freeze | Value::Run) => "one",
        _ => name,
    };
    ParseError::new(format!("it does not say which {which}"), format!("write it like {}", definition.example))
}

fn twice(what: &str) -> ParseError {
    ParseError::new(format!("`{}` is given twice", shown(what)), "say once what it is to be")
}
