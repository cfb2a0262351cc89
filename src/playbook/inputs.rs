//! The inputs of a run: what people give, alerts say, or the playbook takes by default, each of its type and within bounds.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde_json::{Map, Value};

use super::document::{Input, InputKind, Playbook, TargetPart};
use crate::language::{closest, list, parse_quantity};
use crate::model::{Alert, parse_duration};

/// Why a run cannot start with these inputs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct InputProblem {
    /// The input.
    pub name: String,
    pub message: String,
    /// What to do instead.
    pub remedy: Option<String>,
}

impl fmt::Display for InputProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.remedy.as_ref().map_or(Ok(()), |remedy| write!(f, "; {remedy}"))
    }
}

impl Playbook {
    /// The inputs for a run: what was `given`, else what the alert's label says, else the default.
    ///
    /// `given` may also say `namespace` and `name` where the playbook takes its target from the
    /// alert, and `kind` where that may be of several: see [`target_for`](Self::target_for).
    ///
    /// # Errors
    /// All that is wrong at once: a name that there is not, a value of another type or out of bounds, one that is missing.
    pub fn inputs_for(
        &self,
        alert: Option<&Alert>,
        given: &BTreeMap<String, String>,
    ) -> Result<Map<String, Value>, Vec<InputProblem>> {
        let mut problems = Vec::new();
        let target = self.target_names();
        for name in given.keys().filter(|name| !self.inputs.contains_key(*name) && !target.contains(&name.as_str())) {
            let names = self.inputs.keys().map(String::as_str).chain(target.iter().copied());
            let remedy = match closest(name, names.clone()) {
                Some(meant) => format!("write `{meant}` instead"),
                None => format!("the inputs are {}", list(names)),
            };
            let message = format!("the playbook {} has no input `{name}`", self.name);
            problems.push(InputProblem { name: name.clone(), message, remedy: Some(remedy) });
        }
        let mut values = Map::new();
        for (name, input) in &self.inputs {
            let label = input.label.as_deref().and_then(|label| Some((label, self.label_of(alert?, label)?)));
            match input.choose(name, label, given) {
                Ok(value) => {
                    values.insert(name.clone(), value);
                }
                Err(problem) => problems.push(problem),
            }
        }
        if problems.is_empty() { Ok(values) } else { Err(problems) }
    }

    /// The parts of the target that a person may give.
    pub(super) fn target_names(&self) -> Vec<&'static str> {
        let label = |part: &TargetPart| matches!(part, TargetPart::Label(_));
        let (kinds, namespace) = (&self.target.kinds, label(&self.target.namespace));
        [("kind", kinds.len() > 1), ("namespace", namespace), ("name", kinds.iter().any(|kind| label(&kind.name)))]
            .into_iter()
            .filter_map(|(name, given)| given.then_some(name))
            .collect()
    }
}

impl Input {
    /// `label`: that of the alert which gives it, and what it says.
    fn choose(
        &self,
        name: &str,
        label: Option<(&str, &str)>,
        given: &BTreeMap<String, String>,
    ) -> Result<Value, InputProblem> {
        let (value, source) = match (given.get(name), label) {
            (Some(text), _) => (self.read(text), "as it was given".to_owned()),
            (None, Some((label, text))) => (self.read(text), format!("from the alert's label `{label}`")),
            (None, None) => {
                return self.default.clone().ok_or_else(|| InputProblem {
                    name: name.to_owned(),
                    message: format!("the input `{name}` has no value"),
                    remedy: Some(match &self.label {
                        Some(label) => format!("give it as `{name}=...`, or let the alert have the label `{label}`"),
                        None => format!("give it as `{name}=...`"),
                    }),
                });
            }
        };
        value.map_err(|message| InputProblem {
            name: name.to_owned(),
            message: format!("the input `{name}`, {source}, {message}"),
            remedy: None,
        })
    }

    /// The typed value of `text`.
    ///
    /// # Errors
    /// A message that goes on after the input's name: "must be a whole number, and `ten` is none".
    pub(super) fn read(&self, text: &str) -> Result<Value, String> {
        let (value, size) = self.kind.read(text)?;
        let Some(size) = size else { return Ok(value) };
        // Bounds come with the kinds that have a size.
        match (self.minimum, self.maximum) {
            (Some(minimum), _) if size < minimum => {
                Err(format!("is {text}, and {} is the least", self.kind.show(minimum)))
            }
            (_, Some(maximum)) if size > maximum => {
                Err(format!("is {text}, and {} is the most", self.kind.show(maximum)))
            }
            _ => Ok(value),
        }
    }
}

impl InputKind {
    /// All types, as playbooks write them.
    pub(super) const ALL: [(&'static str, InputKind); 6] = [
        ("string", InputKind::String),
        ("integer", InputKind::Integer),
        ("number", InputKind::Number),
        ("boolean", InputKind::Boolean),
        ("duration", InputKind::Duration),
        ("quantity", InputKind::Quantity),
    ];

    /// Whether its values can be too small or too big.
    pub(super) fn has_size(self) -> bool {
        !matches!(self, InputKind::String | InputKind::Boolean)
    }

    /// The value and, where it has one, its size: seconds for durations, the base unit for quantities.
    pub(super) fn read(self, text: &str) -> Result<(Value, Option<f64>), String> {
        let shown = || text.chars().take(40).filter(|c| !c.is_control()).collect::<String>();
        match self {
            InputKind::String => {
                /// Labels and names are shorter; a longer text is no input but a document.
                const LONGEST: usize = 1_024;
                if text.len() > LONGEST || text.chars().any(char::is_control) {
                    return Err(format!("must be a text of {LONGEST} bytes at most, in one line"));
                }
                Ok((Value::String(text.to_owned()), None))
            }
            InputKind::Integer => {
                let number: i64 =
                    text.parse().map_err(|_| format!("must be a whole number, and `{}` is none", shown()))?;
                Ok((number.into(), Some(number as f64)))
            }
            InputKind::Number => {
                let number = text.parse().ok().filter(|number: &f64| number.is_finite());
                let number = number.ok_or_else(|| format!("must be a number, and `{}` is none", shown()))?;
                Ok((number.into(), Some(number)))
            }
            InputKind::Boolean => match text {
                "true" => Ok((true.into(), None)),
                "false" => Ok((false.into(), None)),
                _ => Err(format!("must be `true` or `false`, and not `{}`", shown())),
            },
            InputKind::Duration => {
                let duration = parse_duration(text).map_err(|error| format!("must be a duration: {error}"))?;
                Ok((Value::String(for_conditions(duration)), Some(duration.as_secs_f64())))
            }
            InputKind::Quantity => {
                let size = parse_quantity(text).map_err(|error| format!("must be a quantity: {error}"))?;
                Ok((Value::String(text.to_owned()), Some(size)))
            }
        }
    }

    pub(super) fn show(self, size: f64) -> String {
        match self {
            InputKind::Duration => for_conditions(Duration::try_from_secs_f64(size).unwrap_or_default()),
            InputKind::Quantity => {
                // As it was most likely written: in the greatest unit of which it is a whole number.
                const UNITS: [(f64, &str); 4] =
                    [(1_099_511_627_776.0, "Ti"), (1_073_741_824.0, "Gi"), (1_048_576.0, "Mi"), (1_024.0, "Ki")];
                let unit = UNITS.iter().find(|(unit, _)| size >= *unit && size % unit == 0.0);
                unit.map_or_else(|| size.to_string(), |(unit, name)| format!("{}{name}", size / unit))
            }
            _ => size.to_string(),
        }
    }
}

/// The duration as `duration()` of conditions reads it: CEL knows no days.
fn for_conditions(duration: Duration) -> String {
    let millis = duration.as_millis();
    [(3_600_000, "h"), (60_000, "m"), (1_000, "s")]
        .into_iter()
        .find(|(size, _)| millis.is_multiple_of(*size))
        .map_or_else(|| format!("{millis}ms"), |(size, unit)| format!("{}{unit}", millis / size))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(kind: InputKind, text: &str) -> Result<Value, String> {
        kind.read(text).map(|(value, _)| value)
    }

    #[test]
    fn values_are_of_their_type() {
        assert_eq!(read(InputKind::Integer, "010"), Ok(10.into()));
        assert_eq!(read(InputKind::Number, "2"), Ok(2.0.into()));
        assert_eq!(read(InputKind::String, "no"), Ok("no".into()));
        assert_eq!(read(InputKind::Boolean, "true"), Ok(true.into()));
        assert_eq!(read(InputKind::Quantity, "10Gi"), Ok("10Gi".into()));
        for (text, seen) in
            [("1d", "24h"), ("90m", "90m"), ("1h30m", "90m"), ("45s", "45s"), ("1500ms", "1500ms"), ("2w", "336h")]
        {
            assert_eq!(read(InputKind::Duration, text), Ok(seen.into()), "{text}");
        }
        for (kind, wrong) in [
            (InputKind::Integer, "ten"),
            (InputKind::Integer, "1.5"),
            (InputKind::Number, "NaN"),
            (InputKind::Number, "inf"),
            (InputKind::Boolean, "yes"),
            (InputKind::Duration, "soon"),
            (InputKind::Quantity, "much"),
            (InputKind::String, "two\nlines"),
        ] {
            assert!(read(kind, wrong).is_err(), "{wrong}");
        }
    }
}
