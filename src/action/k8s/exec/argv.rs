//! A program and its arguments, as a playbook writes them.

use serde::{Deserialize, Deserializer};

use crate::action::ActionError;
use crate::action::command::{MOST_WORDS, Word, check_program, check_word};
use crate::action::typed::Typed;
use crate::language::{AnyArg, Arg, Location, Scope, Template};

/// Each argument is one of its own: no text is ever taken apart.
#[derive(Debug)]
pub(in crate::action) struct Argv(Vec<Arg<String>>);

impl<'de> Deserialize<'de> for Argv {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer).map(Argv)
    }
}

impl Typed for Argv {
    const WORDS: &'static str = "command";
}

impl AnyArg for Argv {
    fn text(&self) -> Option<(&str, Location)> {
        None
    }

    fn template(&self) -> Option<(&Template, Location)> {
        None
    }

    fn parts(&self) -> Vec<&dyn AnyArg> {
        self.0.iter().map(|arg| arg as &dyn AnyArg).collect()
    }
}

impl Argv {
    /// At load time.
    ///
    /// # Errors
    /// What no bot runs, and what to write instead.
    pub fn check(&self) -> Result<(), String> {
        let Some(program) = self.0.first() else {
            return Err("`argv` is empty; write the program and its arguments: `[df, -P, /data]`".into());
        };
        let Some(program) = program.literal() else {
            return Err("the first of `argv` must be written out, so that `check` knows what is run".into());
        };
        check_program(program).map_err(|why| format!("`argv`: {why}"))?;
        if self.0.len() > MOST_WORDS {
            return Err(format!("`argv` has {} words, and {MOST_WORDS} is the most", self.0.len()));
        }
        for arg in &self.0 {
            match arg.template() {
                Some((template, _)) if !is_one_hole(template.source()) => {
                    return Err(format!(
                        "`{}` of `argv` is not one plain hole; a value is a whole argument: `\"{{{{inputs.x}}}}\"`",
                        template.source()
                    ));
                }
                Some(_) => {}
                None => check_word(arg.literal().map_or("", String::as_str)).map_err(|why| format!("`argv`: {why}"))?,
            }
        }
        Ok(())
    }

    /// Before the holes are filled.
    pub fn words(&self) -> Vec<Word> {
        self.0.iter().map(|arg| arg.literal().map_or(Word::Filled(None), Word::known)).collect()
    }

    /// # Errors
    /// A hole that nothing fills.
    pub fn resolve(&self, scope: &Scope) -> Result<Vec<Word>, ActionError> {
        let word = |arg: &Arg<String>| match arg.literal() {
            Some(text) => Ok(Word::known(text)),
            None => Ok(Word::Filled(Some(arg.resolve(scope)?))),
        };
        self.0.iter().map(word).collect()
    }
}

fn is_one_hole(source: &str) -> bool {
    let hole = source.trim().strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}"));
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '[' | ']' | '/');
    hole.map(str::trim).is_some_and(|hole| !hole.is_empty() && hole.chars().all(plain))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn argv(argv: Value) -> Argv {
        serde_json::from_value(argv).unwrap()
    }

    #[test]
    fn what_no_bot_runs_does_not_load() {
        for (wrong, why) in [
            (json!([]), "is empty"),
            (json!(["sh", "-c", "df"]), "`sh` runs whatever it is told"),
            (json!(["/usr/bin/bash"]), "runs whatever it is told"),
            (json!(["-c"]), "is no program"),
            (json!(["{{inputs.x}}"]), "must be written out"),
            (json!(["df", "--x={{inputs.x}}"]), "is not one plain hole"),
            (json!(["df", "{{#if inputs.x}}a{{/if}}"]), "is not one plain hole"),
            (json!(["df", "{{inputs.x}}{{inputs.y}}"]), "is not one plain hole"),
            (json!(["df", "x".repeat(300)]), "200 is the most"),
            (json!(vec!["df"; 21]), "20 is the most"),
        ] {
            let error = argv(wrong.clone()).check().unwrap_err();
            assert!(error.contains(why), "{wrong}: {error}");
        }
        assert_eq!(argv(json!(["df", "-P", "{{ inputs.x }}"])).check(), Ok(()));
    }

    #[test]
    fn a_value_stays_one_argument() {
        let Value::Object(scope) = json!({ "x": "a b; rm -rf /" }) else { unreachable!() };
        let words = argv(json!(["df", "-P", "{{x}}"])).resolve(&scope).unwrap();
        assert_eq!(words, [Word::known("df"), Word::known("-P"), Word::Filled(Some("a b; rm -rf /".into()))]);
        assert!(argv(json!(["df", "{{y}}"])).resolve(&scope).is_err());
    }
}
