//! Values that are put into a query or selector: data must never become syntax.
//!
//! A template is rendered as text. In a message that is all; in PromQL or in a label selector a value such as
//! `x"} or vector(0)` would change what is asked. Names and label values of Kubernetes need no such signs, so that
//! whatever holds one is refused.

use serde_json::Value;

use super::ActionError;
use crate::language::{AnyArg, Scope, Template};

/// At load time: only plain `{{path}}` holes, so that each value can be looked at before it is put in.
pub(super) fn check_plain(name: &str, arg: &dyn AnyArg) -> Result<(), String> {
    let Some((template, _)) = arg.template() else { return Ok(()) };
    let plain = |hole: &str| {
        !hole.is_empty() && hole.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '[' | ']' | '/'))
    };
    for after in template.source().split("{{").skip(1) {
        let hole = after.split("}}").next().unwrap_or_default();
        if !plain(hole.trim()) {
            return Err(format!(
                "`{name}` takes plain holes such as `{{{{inputs.x}}}}` only, and not `{{{{{hole}}}}}`"
            ));
        }
    }
    Ok(())
}

/// The text with a name in the place of each hole: what is put in there is a name or a number.
pub(super) fn without(source: &str) -> String {
    let mut parts = source.split("{{");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        text.push('x');
        text.push_str(part.split_once("}}").map_or("", |(_, rest)| rest));
    }
    text
}

/// Before it is rendered: each value is a number, a truth value, or a text of letters, digits and `_ . : / @ -`.
pub(super) fn refuse_syntax(name: &str, arg: &dyn AnyArg, scope: &Scope) -> Result<(), ActionError> {
    let Some((template, _)) = arg.template() else { return Ok(()) };
    for path in template.paths() {
        let harmless = match Template::parse(&format!("{{{{{path}}}}}"))?.value(scope)? {
            Value::String(text) => text.chars().all(|c| c.is_ascii_alphanumeric() || "_.:/@-".contains(c)),
            Value::Number(_) | Value::Bool(_) => true,
            _ => false,
        };
        if !harmless {
            return Err(ActionError::fail(format!(
                "the value of `{path}` holds signs that could change the meaning of `{name}`; only letters, digits and `_ . : / @ -` are put in there"
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::language::Arg;

    fn arg(text: &str) -> Arg<String> {
        serde_json::from_value::<Template2>(json!({ "a": text })).unwrap().a
    }

    #[derive(serde::Deserialize)]
    struct Template2 {
        a: Arg<String>,
    }

    fn render(text: &str, value: Value) -> Result<String, ActionError> {
        let Value::Object(scope) = json!({ "x": { "y": value } }) else { unreachable!() };
        let arg = arg(text);
        refuse_syntax("expr", &arg, &scope)?;
        Ok(arg.resolve(&scope)?)
    }

    #[test]
    fn names_are_put_in() {
        assert_eq!(render("up{pod=\"{{x.y}}\"}", json!("data-pg-17")).unwrap(), "up{pod=\"data-pg-17\"}");
        assert_eq!(render("up > {{x.y}}", json!(0.5)).unwrap(), "up > 0.5");
    }

    #[test]
    fn data_never_becomes_syntax() {
        for hostile in ["x\"} or vector(0)", "a,b", "a=b", "a b", "x)", "{{x.y}}", "a|b", "é"] {
            let error = render("up{pod=\"{{x.y}}\"}", json!(hostile)).unwrap_err();
            assert!(error.message.contains("`x.y` holds signs"), "{hostile}: {}", error.message);
        }
        assert!(render("up{pod=\"{{x.y}}\"}", json!(["a"])).is_err());
    }

    #[test]
    fn only_plain_holes_load() {
        assert_eq!(check_plain("expr", &arg("up{a=\"{{ x.y }}\",b=\"{{x.[0].z}}\"}")), Ok(()));
        for wrong in ["{{#each x}}{{y}}{{/each}}", "{{lookup x \"y\"}}", "{{{x.y}}}", "{{#if x}}1{{/if}}"] {
            assert!(check_plain("expr", &arg(wrong)).is_err(), "{wrong}");
        }
    }
}
