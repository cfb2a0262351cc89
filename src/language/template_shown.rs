//! Which values a text shows, for one that must go out whatever is missing.

use handlebars::template::TemplateElement;
use serde_json::Value;

use super::Scope;
use super::template::{collect, look_up, path_of};

/// Whether `{{#if}}` takes it for true: nothing that is empty is.
fn is_truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(is_so) => *is_so,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
    }
}

/// The paths whose values are shown, as far as that can be said before: not those that are only asked about, nor those of
/// a branch that is not taken because what it asks about is missing.
pub(super) fn collect_shown(elements: &[TemplateElement], scope: &Scope, paths: &mut Vec<String>) {
    for element in elements {
        let TemplateElement::HelperBlock(block) = element else {
            collect(std::slice::from_ref(element), paths);
            continue;
        };
        // What something is compared with says nothing before it is rendered.
        let holds = block.params.first().and_then(path_of).map(|path| {
            let names: Vec<String> = path.split('.').map(str::to_owned).collect();
            look_up(scope, &names).is_some_and(is_truthy)
        });
        let (with, without) = match block.name.as_name() {
            Some("if") => (holds != Some(false), holds != Some(true)),
            Some("unless") => (holds != Some(true), holds != Some(false)),
            // Inside `each` and `with` the names are relative to another root: they are left to the rendering.
            _ => continue,
        };
        if with {
            collect_shown(block.template.as_ref().map_or(&[], |inner| &inner.elements), scope, paths);
        }
        if without {
            collect_shown(block.inverse.as_ref().map_or(&[], |inner| &inner.elements), scope, paths);
        }
    }
}

/// Puts a value where the path says. What is no object on the way gives place, but for the entries
/// of a list.
pub(super) fn put(scope: &mut Scope, path: &[String], value: Value) {
    let Some((first, rest)) = path.split_first() else { return };
    if rest.is_empty() {
        scope.insert(first.clone(), value);
        return;
    }
    let inner = scope.entry(first.clone()).or_insert_with(|| Value::Object(Scope::new()));
    if let (Value::Array(items), Some((index, rest @ [_, ..]))) = (&mut *inner, rest.split_first())
        && let Some(Value::Object(item)) = index.parse::<usize>().ok().and_then(|index| items.get_mut(index))
    {
        return put(item, rest, value);
    }
    if !inner.is_object() {
        *inner = Value::Object(Scope::new());
    }
    if let Value::Object(inner) = inner {
        put(inner, rest, value);
    }
}
