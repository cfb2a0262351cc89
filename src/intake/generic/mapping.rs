//! The expressions that say what of an event is what of an alert.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::language::{CompileError, Expression, Reference, closest};

/// What stands in the configuration, each a CEL expression over `body` and `event`.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MapTexts {
    /// The events, of `body` alone: a list, or one object. Default: the body itself.
    #[serde(default)]
    pub alerts: Option<String>,
    pub name: String,
    /// Default: it fires. `ok`, `resolved`, `closed`, `clear` and the like are ends.
    #[serde(default)]
    pub status: Option<String>,
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
    /// When it began, where the sender repeats that. Default: when it came in, and it goes on until
    /// its end is told.
    #[serde(default)]
    pub starts_at: Option<String>,
    /// What the firing and the end of one alert have in common. Default: its name and all its
    /// labels.
    #[serde(default)]
    pub key: Option<String>,
}

/// Compiled.
#[derive(Debug, Clone)]
pub struct Mapping {
    pub(super) alerts: Option<Expression>,
    pub(super) name: Expression,
    pub(super) status: Option<Expression>,
    pub(super) labels: Expressions,
    pub(super) annotations: Expressions,
    pub(super) starts_at: Option<Expression>,
    pub(super) key: Option<Expression>,
    /// Expressions do more with it than to name fields, so that it is converted.
    pub(super) computes_with_body: bool,
    pub(super) computes_with_event: bool,
}

pub(super) type Expressions = Vec<(String, Expression)>;

/// What is wrong with a map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappingError {
    /// `labels.instance`.
    pub field: String,
    /// The expression, and where in it, in characters from its start.
    pub text: String,
    pub offset: Option<usize>,
    pub message: String,
    pub remedy: String,
}

impl Mapping {
    /// # Errors
    /// With all that is wrong: what does not compile, names that there are not, loops that one
    /// event would have run for each other.
    pub fn compile(texts: &MapTexts) -> Result<Self, Vec<MappingError>> {
        let mut compiler = Compiler { wrong: Vec::new(), all: Vec::new() };
        let alerts = texts.alerts.as_ref().and_then(|text| compiler.compile("alerts", text, &["body"]));
        let mut of_event = |field: &str, text: &str| compiler.compile(field, text, &["body", "event"]);
        let name = of_event("name", &texts.name);
        let mut optional = |field, text: &Option<String>| text.as_ref().and_then(|text| of_event(field, text));
        let status = optional("status", &texts.status);
        let starts_at = optional("starts_at", &texts.starts_at);
        let key = optional("key", &texts.key);
        let labels = compiler.texts("labels", &texts.labels);
        let annotations = compiler.texts("annotations", &texts.annotations);
        let Compiler { wrong, all } = compiler;
        let computes_with = |name: &str| {
            let mut computing = all.iter().filter(|expression| !expression.is_plain());
            computing.any(|expression| names(expression).any(|used| used == name))
        };
        match name {
            Some(name) if wrong.is_empty() => Ok(Self {
                computes_with_body: computes_with("body"),
                computes_with_event: computes_with("event"),
                alerts,
                name,
                status,
                labels,
                annotations,
                starts_at,
                key,
            }),
            _ => Err(wrong),
        }
    }
}

fn names(expression: &Expression) -> impl Iterator<Item = &str> {
    expression.references().iter().filter(|reference| reference.required > 0).map(Reference::name)
}

struct Compiler {
    wrong: Vec<MappingError>,
    all: Vec<Expression>,
}

impl Compiler {
    fn texts(&mut self, field: &str, texts: &BTreeMap<String, String>) -> Expressions {
        let mut compiled = Vec::new();
        for (name, text) in texts {
            let path = format!("{field}.{name}");
            let letters = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            let is_name = letters && name.starts_with(|c: char| !c.is_ascii_digit()) && name.len() <= 128;
            if !is_name {
                let remedy = "write letters, digits and `_`, such as `instance`";
                self.problem(&path, text, None, format!("`{name}` is no name of a label"), remedy.to_owned());
            } else if name == "alertname" {
                let remedy = "take it out: `name` of the map says it".to_owned();
                self.problem(&path, text, None, "this label is the alert's name".to_owned(), remedy);
            } else if let Some(expression) = self.compile(&path, text, &["body", "event"]) {
                compiled.push((name.clone(), expression));
            }
        }
        compiled
    }

    fn compile(&mut self, field: &str, text: &str, known: &[&str]) -> Option<Expression> {
        let expression = match Expression::compile(text) {
            Ok(expression) => expression,
            Err(CompileError { message, offset, word, remedy }) => {
                let offset = word.as_ref().and_then(|word| place_of(text, word)).or(offset);
                let message =
                    message.replace("the condition", "the expression").replace("no condition", "no expression");
                let remedy = remedy.unwrap_or_else(|| "write an expression, such as `event.title`".to_owned());
                self.problem(field, text, offset, message, remedy.replace("`p99.value < 0.1`", "`event.title`"));
                return None;
            }
        };
        let list = known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" and ");
        let unknown = names(&expression).find(|name| !known.contains(name)).map(str::to_owned);
        if let Some(unknown) = unknown {
            let remedy = match closest(&unknown, known.iter().copied()) {
                Some(meant) => format!("write `{meant}`"),
                None if text.trim() == unknown => {
                    format!(
                        "write `'{unknown}'`, in quotes of its own, for a text that is always the same, or a field of {list}"
                    )
                }
                None => format!("write a field of {list}"),
            };
            let message = format!("`{unknown}` is not there: {list} can be looked at here");
            self.problem(field, text, place_of(text, &unknown), message, remedy);
            return None;
        }
        if expression.loops() > 1 {
            let message = "loops within loops could hold up all other deliveries".to_owned();
            self.problem(field, text, None, message, "write it with one loop".to_owned());
            return None;
        }
        if known.contains(&"event") && expression.loops() > 0 && names(&expression).any(|name| name == "body") {
            let message = "a loop that looks at `body` would run for each event anew".to_owned();
            self.problem(field, text, None, message, "let the loop look at `event` alone".to_owned());
            return None;
        }
        self.all.push(expression.clone());
        Some(expression)
    }

    fn problem(&mut self, field: &str, text: &str, offset: Option<usize>, message: String, remedy: String) {
        self.wrong.push(MappingError { field: field.to_owned(), text: text.to_owned(), offset, message, remedy });
    }
}

/// Where a word stands, in characters.
fn place_of(text: &str, word: &str) -> Option<usize> {
    text.find(word).map(|at| text[..at].chars().count())
}
