//! An argument of an action: a value, or a template that becomes one when the step runs.

use std::fmt::{Debug, Display};
use std::str::FromStr;

use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_saphyr::Spanned;

use super::{Location, Scope, Template, TemplateError};

/// Why an argument has no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArgError {
    #[error(transparent)]
    Template(#[from] TemplateError),
    #[error("the template `{template}` gave a value that cannot be used: {message}")]
    Unusable { template: String, message: String },
}

/// A typed argument. A scalar of the document is always read as its text, so that `no` is a name and `010` is no 8.
#[derive(Debug, Clone)]
pub struct Arg<T> {
    source: Given<T>,
    /// As it was written; empty for a default.
    text: String,
    /// Where it stands in the playbook.
    pub at: Location,
}

#[derive(Debug, Clone)]
enum Given<T> {
    Value(T),
    Template(Template),
}

impl<T> Arg<T>
where
    T: FromStr + Clone,
    T::Err: Display,
{
    /// An argument that was not written in a playbook: a default.
    pub fn value(value: T) -> Self {
        Self { source: Given::Value(value), text: String::new(), at: Location::default() }
    }

    /// The value, for the names in `scope`.
    ///
    /// # Errors
    /// When the template names something that is absent, or its text is no `T`.
    pub fn resolve(&self, scope: &Scope) -> Result<T, ArgError> {
        match &self.source {
            Given::Value(value) => Ok(value.clone()),
            Given::Template(template) => {
                let text = match template.value(scope)? {
                    Value::String(text) => text,
                    other => other.to_string(),
                };
                text.parse().map_err(|error: T::Err| ArgError::Unusable {
                    template: template.source().to_owned(),
                    message: error.to_string(),
                })
            }
        }
    }

    /// The text for people, with `(unknown)` where a name has no value: a page must go out whatever is missing.
    pub fn text_leniently(&self, scope: &Scope) -> String
    where
        T: Display,
    {
        match &self.source {
            Given::Value(value) => value.to_string(),
            Given::Template(template) => template.render_leniently(scope),
        }
    }

    /// The value if it stands in the playbook as it is.
    pub fn literal(&self) -> Option<&T> {
        match &self.source {
            Given::Value(value) => Some(value),
            Given::Template(_) => None,
        }
    }
}

impl<'de, T> Deserialize<'de> for Arg<T>
where
    T: FromStr,
    T::Err: Display,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<String>::deserialize(deserializer)?;
        let at = spanned.referenced.into();
        let source = if Template::is_template(&spanned.value) {
            Given::Template(Template::parse(&spanned.value).map_err(serde::de::Error::custom)?)
        } else {
            Given::Value(spanned.value.parse().map_err(serde::de::Error::custom)?)
        };
        Ok(Self { source, text: spanned.value, at })
    }
}

/// An argument of any type, for those who only look at its text.
pub trait AnyArg: Debug + Send + Sync {
    /// The text as it was written and where it stands; `None` for an argument that was left out.
    fn text(&self) -> Option<(&str, Location)>;

    /// The template and where it stands; `None` for a plain value or an argument that was left out.
    fn template(&self) -> Option<(&Template, Location)>;

    /// What it is made of, where it is a mapping: each is an argument of its own.
    fn parts(&self) -> Vec<&dyn AnyArg> {
        Vec::new()
    }
}

impl<T: Debug + Send + Sync> AnyArg for Arg<T> {
    fn text(&self) -> Option<(&str, Location)> {
        (!self.text.is_empty()).then_some((self.text.as_str(), self.at))
    }

    fn template(&self) -> Option<(&Template, Location)> {
        match &self.source {
            Given::Value(_) => None,
            Given::Template(template) => Some((template, self.at)),
        }
    }
}

impl<A: AnyArg> AnyArg for Option<A> {
    fn text(&self) -> Option<(&str, Location)> {
        self.as_ref().and_then(AnyArg::text)
    }

    fn template(&self) -> Option<(&Template, Location)> {
        self.as_ref().and_then(AnyArg::template)
    }

    fn parts(&self) -> Vec<&dyn AnyArg> {
        self.as_ref().map(AnyArg::parts).unwrap_or_default()
    }
}
