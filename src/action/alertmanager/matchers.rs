//! Matchers as a playbook writes them: a list of texts, with holes.

use serde::Deserialize;

use crate::action::typed::Typed;
use crate::action::{ActionError, holes};
use crate::language::{AnyArg, Arg, Location, Scope, Template};
use crate::model::Matcher;

/// More than these say nothing more, and stand in a URL all of them.
const MOST: usize = 20;

#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct Matchers(Vec<Arg<String>>);

impl Typed for Matchers {
    const WORDS: &'static str = "matchers";
}

impl AnyArg for Matchers {
    fn text(&self) -> Option<(&str, Location)> {
        None
    }

    fn template(&self) -> Option<(&Template, Location)> {
        None
    }

    fn parts(&self) -> Vec<&dyn AnyArg> {
        self.0.iter().map(|matcher| matcher as &dyn AnyArg).collect()
    }
}

impl Matchers {
    /// At load time: whether each is a matcher, whatever its holes are filled with.
    ///
    /// # Errors
    /// What is wrong, and what to write.
    pub fn check(&self) -> Result<(), String> {
        if self.0.is_empty() || self.0.len() > MOST {
            return Err(format!("`matchers` takes 1 to {MOST} matchers; write `[\"namespace=shop\"]`"));
        }
        for matcher in &self.0 {
            holes::check_plain("matchers", matcher)?;
            let (text, _) = matcher.text().unwrap_or_default();
            holes::without(text).parse::<Matcher>().map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    /// With their holes filled.
    ///
    /// # Errors
    /// When a hole has no value, or one that could be syntax.
    pub fn resolve(&self, scope: &Scope) -> Result<Vec<Matcher>, ActionError> {
        let resolve = |matcher: &Arg<String>| {
            holes::refuse_syntax("matchers", matcher, scope)?;
            let text = matcher.resolve(scope)?;
            text.parse::<Matcher>().map_err(|error| ActionError::fail(error.to_string()))
        };
        self.0.iter().map(resolve).collect()
    }
}
