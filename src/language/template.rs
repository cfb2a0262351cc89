//! Texts with `{{holes}}`.
//!
//! A text that is exactly one `{{path}}` keeps the value's type; any other is text, rendered by handlebars. What is
//! put into a hole is never looked at again: a label that holds `{{x}}` is just a value.

use std::fmt;

use handlebars::template::{HelperTemplate, Parameter, TemplateElement};
use handlebars::{Handlebars, Path, handlebars_helper, no_escape};
use serde_json::Value;

use super::template_shown::{collect_shown, put};
use super::{InBody, Scope, TemplateFault, template_faults, template_names};

/// What stands in a text where a name has no value.
const UNKNOWN: &str = "(unknown)";

// As handlebars' own; but of what nobody knows, nobody knows how many it is.
handlebars_helper!(length: |of: Json| match of {
    Value::Array(list) => Value::from(list.len()),
    Value::Object(fields) => Value::from(fields.len()),
    Value::String(text) if text == UNKNOWN => Value::from(UNKNOWN),
    Value::String(text) => Value::from(text.len()),
    _ => Value::from(0),
});

/// A template that was parsed.
#[derive(Clone)]
pub struct Template {
    source: String,
    parsed: handlebars::Template,
    /// `["inputs", "max_replicas"]` when the whole text is one hole.
    only_path: Option<Vec<String>>,
}

/// A template that does not parse, or that names what is not there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    #[error("the template `{template}` does not parse: {message}")]
    Syntax { template: String, message: String },
    /// What handlebars' own words would not explain.
    #[error("{}; {}", .0.message, .0.remedy)]
    Fault(TemplateFault),
    #[error("the template `{template}` uses `{path}`, which has no value here")]
    Missing { template: String, path: String },
    #[error("the template `{template}` could not be rendered: {message}")]
    Render { template: String, message: String },
}

impl Template {
    /// The longest text that is taken for a template, in bytes: a page's text is far shorter.
    const LONGEST: usize = 16 * 1024;

    /// The parser and the renderer recurse for each block and each bracket, on a worker's stack, without a limit of their own.
    const NESTED: usize = 64;

    /// Whether a text has holes at all.
    pub fn is_template(text: &str) -> bool {
        text.contains("{{")
    }

    /// Whether a message, of [`TemplateError`] and turned into text on its way, is of a text that does not parse.
    pub fn is_refused_as(message: &str) -> bool {
        ["the template `", "the hole `", "a hole computes nothing", "`{{#", "nothing is opened that `{{/"]
            .iter()
            .any(|begin| message.starts_with(begin))
    }

    /// Parses `source`.
    ///
    /// # Errors
    /// [`TemplateError::Syntax`] when it does not parse, or is longer or more deeply nested than any text for people.
    pub fn parse(source: &str) -> Result<Self, TemplateError> {
        let syntax = |message: String| TemplateError::Syntax { template: excerpt(source), message };
        if source.len() > Self::LONGEST {
            return Err(syntax(format!("it is longer than {} bytes", Self::LONGEST)));
        }
        let count = |sign: &str| source.matches(sign).count();
        if count("#") + count("^") > Self::NESTED || count("else") > Self::NESTED {
            return Err(syntax(format!("it has more than {} blocks", Self::NESTED)));
        }
        // A `{` that opens no hole opens an object.
        let objects = source.replace("{{", "").matches('{').count();
        if [count("("), count("["), count("../"), objects].iter().any(|count| *count > Self::NESTED) {
            return Err(syntax(format!("it has more than {} brackets of a sort, or `../`", Self::NESTED)));
        }
        let parsed = handlebars::Template::compile(source).map_err(|error| match template_faults::syntax(source) {
            Some(fault) => TemplateError::Fault(fault),
            None => syntax(error.reason().to_string()),
        })?;
        let mut template = Self { source: source.to_owned(), parsed, only_path: None };
        if let [TemplateElement::Expression(hole)] = template.parsed.elements.as_slice()
            && let Some(path) = plain_path(hole)
        {
            template.only_path = Some(path);
        }
        Ok(template)
    }

    /// The text as it was written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// All paths that it uses from the root of the scope: `p99.value`.
    pub fn paths(&self) -> Vec<String> {
        let mut paths = Vec::new();
        collect(&self.parsed.elements, &mut paths);
        paths
    }

    /// What parses, and cannot be rendered: helpers and partials that there are not.
    pub fn faults(&self) -> Vec<TemplateFault> {
        template_faults::unusable(&self.parsed)
    }

    /// The names in the bodies of `{{#each}}` and `{{#with}}`.
    pub fn in_bodies(&self) -> Vec<InBody> {
        template_names::in_bodies(&self.parsed)
    }

    /// The value: typed when the text is exactly one hole, else the rendered text.
    ///
    /// # Errors
    /// When a name has no value in `scope`.
    pub fn value(&self, scope: &Scope) -> Result<Value, TemplateError> {
        match &self.only_path {
            Some(path) => {
                let found = look_up(scope, path).filter(|value| !value.is_null());
                found
                    .cloned()
                    .ok_or_else(|| TemplateError::Missing { template: excerpt(&self.source), path: path.join(".") })
            }
            None => self.render(scope).map(Value::String),
        }
    }

    /// The rendered text.
    ///
    /// # Errors
    /// When a name has no value in `scope`.
    pub fn render(&self, scope: &Scope) -> Result<String, TemplateError> {
        for path in self.paths() {
            let names: Vec<String> = path.split('.').map(str::to_owned).collect();
            if look_up(scope, &names).is_none() {
                return Err(TemplateError::Missing { template: excerpt(&self.source), path });
            }
        }
        self.fill(scope)
    }

    /// The rendered text, with `(unknown)` where a name has no value: for pages, which must go out whatever is missing.
    ///
    /// A name that `{{#if}}` or `{{#each}}` asks about may be missing: then it is not there, and what depends on it is
    /// left out.
    pub fn render_leniently(&self, scope: &Scope) -> String {
        let mut shown = Vec::new();
        collect_shown(&self.parsed.elements, scope, &mut shown);
        let mut scope = scope.clone();
        for path in shown {
            let names: Vec<String> = path.split('.').map(str::to_owned).collect();
            if look_up(&scope, &names).is_none() {
                put(&mut scope, &names, Value::String(UNKNOWN.into()));
            }
        }
        self.fill(&scope).unwrap_or_else(|error| format!("{} ({error})", self.source))
    }

    fn fill(&self, scope: &Scope) -> Result<String, TemplateError> {
        let mut handlebars = Handlebars::new();
        handlebars.register_escape_fn(no_escape);
        handlebars.register_helper("len", Box::new(length));
        handlebars.register_template("t", self.parsed.clone());
        handlebars.render("t", scope).map_err(|error| TemplateError::Render {
            template: excerpt(&self.source),
            message: error.reason().to_string(),
        })
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Template").field(&self.source).finish()
    }
}

fn excerpt(source: &str) -> String {
    const SHOWN: usize = 80;
    if source.chars().count() <= SHOWN {
        return source.to_owned();
    }
    let mut shown: String = source.chars().take(SHOWN).collect();
    shown.push('…');
    shown
}

fn plain_path(hole: &HelperTemplate) -> Option<Vec<String>> {
    let is_plain = hole.params.is_empty() && hole.hash.is_empty() && !hole.block;
    is_plain.then(|| path_of(&hole.name)).flatten().map(|path| path.split('.').map(str::to_owned).collect())
}

/// The dotted path of a parameter that is a path or a bare name.
pub(super) fn path_of(parameter: &Parameter) -> Option<String> {
    let raw = match parameter {
        Parameter::Name(name) => name,
        Parameter::Path(Path::Relative((_, raw))) => raw,
        _ => return None,
    };
    // `[0]` and `["a/b"]` are written as segments of their own.
    Some(raw.replace(['[', ']'], "").replace('/', "."))
}

pub(super) fn collect(elements: &[TemplateElement], paths: &mut Vec<String>) {
    for element in elements {
        match element {
            TemplateElement::Expression(hole) | TemplateElement::HtmlExpression(hole) => {
                if hole.params.is_empty() && hole.hash.is_empty() {
                    paths.extend(path_of(&hole.name));
                } else {
                    paths.extend(hole.params.iter().chain(hole.hash.values()).filter_map(path_of));
                }
            }
            TemplateElement::HelperBlock(block) => {
                paths.extend(block.params.iter().chain(block.hash.values()).filter_map(path_of));
                // Inside `each` and `with` the names are relative to another root: they are left to the rendering.
                if matches!(block.name.as_name(), Some("if" | "unless")) {
                    for inner in block.template.iter().chain(block.inverse.iter()) {
                        collect(&inner.elements, paths);
                    }
                }
            }
            _ => {}
        }
    }
}

pub(super) fn look_up<'a>(scope: &'a Scope, path: &[String]) -> Option<&'a Value> {
    let (first, rest) = path.split_first()?;
    let mut value = scope.get(first)?;
    for name in rest {
        value = match value {
            Value::Array(items) => items.get(name.parse::<usize>().ok()?)?,
            other => other.get(name)?,
        };
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn scope() -> Scope {
        let Value::Object(scope) = json!({
            "inputs": { "max": 6, "name": "coredns" },
            "p99": { "value": 0.4 },
            "alert": { "labels": { "pod": "{{inputs.max}}" } },
            "list": [ { "a": 1 } ],
        }) else {
            unreachable!()
        };
        scope
    }

    fn value(text: &str) -> Result<Value, TemplateError> {
        Template::parse(text)?.value(&scope())
    }

    #[test]
    fn one_hole_keeps_its_type() {
        assert_eq!(value("{{inputs.max}}"), Ok(json!(6)));
        assert_eq!(value("{{ inputs.max }}"), Ok(json!(6)));
        assert_eq!(value("{{list.[0].a}}"), Ok(json!(1)));
        assert_eq!(value("{{inputs.max}} pods"), Ok(json!("6 pods")));
    }

    #[test]
    fn data_is_never_evaluated() {
        assert_eq!(value("pod {{alert.labels.pod}}"), Ok(json!("pod {{inputs.max}}")));
        assert_eq!(value("{{alert.labels.pod}}"), Ok(json!("{{inputs.max}}")));
    }

    #[test]
    fn what_is_missing_is_an_error_and_not_an_empty_text() {
        let error = value("p99 is {{p98.value}}s").unwrap_err().to_string();
        assert_eq!(error, "the template `p99 is {{p98.value}}s` uses `p98.value`, which has no value here");
        assert!(value("{{inputs.min}}").is_err());
        assert!(value("{{#if inputs.min}}x{{/if}}").is_err());
        assert_eq!(
            Template::parse("{{p99.value").unwrap_err().to_string(),
            "the hole `{{p99.value` is not closed; write `{{p99.value}}`"
        );
    }

    #[test]
    fn a_page_goes_out_whatever_is_missing() {
        let template = Template::parse("p99 is {{p99.value}}s; {{scale.summary}}; {{p99.unit}}").unwrap();
        assert_eq!(template.render_leniently(&scope()), "p99 is 0.4s; (unknown); (unknown)");
        let counted = Template::parse("{{len pods}} pods, {{len p99}} fields").unwrap();
        assert_eq!(counted.render_leniently(&scope()), "(unknown) pods, 1 fields");
    }

    #[test]
    fn what_is_empty_is_not_there_and_nothing_is_made_up_of_it() {
        let lists = json!({ "held": [], "n": 0, "items": [{ "key": "a" }, { "key": "b" }] });
        let text = |source: &str| Template::parse(source).unwrap().render_leniently(lists.as_object().unwrap());
        assert_eq!(text("{{#if held}}{{held.[0].key}} is held{{else}}none is{{/if}}"), "none is");
        assert_eq!(text("{{#unless held}}none is{{else}}{{held.[0].key}}{{/unless}}"), "none is");
        assert_eq!(text("{{#if n}}{{n.x}}{{/if}}{{#if (gt n 1)}}{{m}}{{else}}{{k}}{{/if}}"), "(unknown)");
        // What one entry lacks takes nothing from the others.
        assert_eq!(text("{{items.[0].why}}: {{#each items}}{{key}} {{/each}}"), "(unknown): a b ");
    }

    #[test]
    fn a_page_leaves_out_what_was_not_done() {
        let text = |template: &str| Template::parse(template).unwrap().render_leniently(&scope());
        let did = "{{#if scale}}did: {{scale.summary}}{{else}}did nothing{{/if}}";
        assert_eq!(text(did), "did nothing");
        assert_eq!(text("{{#if p99}}p99 {{p99.value}} {{p99.unit}}{{/if}}"), "p99 0.4 (unknown)");
        assert_eq!(text("{{#unless scale}}nothing, p98 {{p98.value}}{{/unless}}"), "nothing, p98 (unknown)");
        assert_eq!(
            text("{{#each list}}<{{a}}>{{/each}}{{#each events.items}}x{{else}}no events{{/each}}"),
            "<1>no events"
        );
    }

    #[test]
    fn no_text_takes_the_process_down() {
        for (open, close) in [
            ("{{#if a}}", "{{/if}}"),
            ("{{~ #if a}}", "{{/if}}"),
            ("{{#if a}}x{{else if b}}", ""),
            ("{{lookup a (b ", ")}}"),
            ("{{lookup a ", "}}"),
            ("(a ", ")"),
            ("[", "]"),
            ("{\"a\":", "}"),
            ("{,'a':", "}"),
            ("{{", "}}"),
            ("{{a[", "]}}"),
            ("{{^if a}}", "{{/if}}"),
            ("{{#*inline 'a'}}", "{{/inline}}"),
            ("../", ""),
            ("a.", ""),
        ] {
            for times in [10, 100, 1_000] {
                let nested = format!("{}x{}", open.repeat(times), close.repeat(times));
                for text in [format!("{{{{a {nested}}}}}"), format!("{{{{#if a}}}}{nested}"), nested] {
                    if let Ok(template) = Template::parse(&text) {
                        let _ = template.render_leniently(&scope());
                    }
                }
            }
        }
    }

    #[test]
    fn no_html_escaping() {
        let mut scope = scope();
        scope.insert("x".into(), json!("a<b>&\"c\""));
        assert_eq!(Template::parse("({{x}})").unwrap().render(&scope).unwrap(), "(a<b>&\"c\")");
    }
}
