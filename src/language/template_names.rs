//! The names in the bodies of `{{#each}}` and `{{#with}}`: those of the scope, and those of an item.
//!
//! Handlebars shows nothing for a name that is not there. In a page that is a gap where the evidence should be, so that such names
//! are checked when the playbook is loaded.

use handlebars::template::{BlockParam, HelperTemplate, Parameter, TemplateElement};
use handlebars::{Path, Template};

/// A name in a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InBody {
    /// From the root of the scope: `@root/alert.name`, or `../alert.name` in a body at the top.
    Root(Vec<String>),
    /// Of an item of the list `of`, such as `events.items`: `message`.
    Item { of: Vec<String>, path: Vec<String> },
}

/// What a name without `../` belongs to.
struct Level {
    /// Of what the items are, from the root; `None`: that cannot be told.
    of: Option<Vec<String>>,
    is_list: bool,
    /// Names that `as |item index|` gives.
    own: Vec<String>,
}

/// All names in bodies, as far as it can be told what they belong to.
pub(super) fn in_bodies(template: &Template) -> Vec<InBody> {
    let mut found = Vec::new();
    walk(&template.elements, &mut Vec::new(), &mut found);
    found
}

fn walk(elements: &[TemplateElement], levels: &mut Vec<Level>, found: &mut Vec<InBody>) {
    for element in elements {
        match element {
            TemplateElement::Expression(hole) | TemplateElement::HtmlExpression(hole) => {
                if hole.params.is_empty() && hole.hash.is_empty() {
                    take(&hole.name, levels, found);
                } else {
                    take_all(hole, levels, found);
                }
            }
            TemplateElement::HelperBlock(block) => {
                take_all(block, levels, found);
                let opens = matches!(block.name.as_name(), Some("each" | "with"));
                if opens {
                    levels.push(level(block, levels));
                }
                walk(block.template.as_ref().map_or(&[], |inner| &inner.elements), levels, found);
                if opens {
                    levels.pop();
                }
                walk(block.inverse.as_ref().map_or(&[], |inner| &inner.elements), levels, found);
            }
            _ => {}
        }
    }
}

fn take_all(hole: &HelperTemplate, levels: &[Level], found: &mut Vec<InBody>) {
    hole.params.iter().chain(hole.hash.values()).for_each(|parameter| take(parameter, levels, found));
}

fn level(block: &HelperTemplate, levels: &[Level]) -> Level {
    let is_list = block.name.as_name() == Some("each");
    let of = match block.params.first().and_then(|list| belongs(list, levels)) {
        Some(InBody::Root(path)) => Some(path),
        // A list within an item: `each` of `each`.
        Some(InBody::Item { .. }) | None => None,
    };
    let own = match &block.block_param {
        Some(BlockParam::Single(name)) => names(&[name]),
        Some(BlockParam::Pair((name, other))) => names(&[name, other]),
        _ => Vec::new(),
    };
    Level { of, is_list, own }
}

fn names(parameters: &[&Parameter]) -> Vec<String> {
    parameters.iter().filter_map(|parameter| parameter.as_name().map(str::to_owned)).collect()
}

fn take(parameter: &Parameter, levels: &[Level], found: &mut Vec<InBody>) {
    let is_plain_root = levels.is_empty() && !raw(parameter).is_some_and(|raw| raw.starts_with("@root"));
    if !is_plain_root {
        found.extend(belongs(parameter, levels));
    }
}

fn raw(parameter: &Parameter) -> Option<&str> {
    match parameter {
        Parameter::Name(name) => Some(name),
        Parameter::Path(Path::Relative((_, raw))) => Some(raw),
        _ => None,
    }
}

/// What a name belongs to; `None` where that cannot be told, and for handlebars' own (`this`, `@index`).
fn belongs(parameter: &Parameter, levels: &[Level]) -> Option<InBody> {
    let mut rest = raw(parameter)?;
    let mut depth = levels.len();
    if let Some(of_root) = rest.strip_prefix("@root") {
        rest = of_root.trim_start_matches(['/', '.']);
        depth = 0;
    }
    while let Some(outer) = rest.strip_prefix("../") {
        rest = outer;
        depth = depth.saturating_sub(1);
    }
    let rest = rest.strip_prefix("this").filter(|rest| rest.is_empty() || rest.starts_with(['/', '.'])).unwrap_or(rest);
    let path: Vec<String> =
        rest.replace(['[', ']'], "").split(['.', '/']).filter(|part| !part.is_empty()).map(str::to_owned).collect();
    let first = path.first()?;
    if first.starts_with('@') || levels[..depth].iter().any(|level| level.own.contains(first)) {
        return None;
    }
    match depth.checked_sub(1).and_then(|at| levels.get(at)) {
        None => Some(InBody::Root(path)),
        Some(Level { of: Some(of), is_list: true, .. }) => Some(InBody::Item { of: of.clone(), path }),
        // `with x`: as if `x.` stood before the name.
        Some(Level { of: Some(of), is_list: false, .. }) => {
            Some(InBody::Root(of.iter().cloned().chain(path).collect()))
        }
        Some(Level { of: None, .. }) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(source: &str) -> Vec<String> {
        let names = in_bodies(&Template::compile(source).unwrap());
        let told = names.into_iter().map(|name| match name {
            InBody::Root(path) => path.join("."),
            InBody::Item { of, path } => format!("{}[]: {}", of.join("."), path.join(".")),
        });
        told.collect()
    }

    #[test]
    fn names_belong_to_the_item_or_to_the_root() {
        assert_eq!(told("{{alert.name}}{{#if p99}}{{p99.value}}{{/if}}"), Vec::<String>::new());
        assert_eq!(told("{{@root/alert.name}}"), ["alert.name"]);
        assert_eq!(
            told(
                "{{#each events.items}}{{@index}} {{this}} {{reason}} {{this.count}} {{../alert.name}} {{@root.run.id}}{{/each}}"
            ),
            ["events.items[]: reason", "events.items[]: count", "alert.name", "run.id"]
        );
        assert_eq!(
            told("{{#each a.items}}{{#if x}}{{../b}}{{y}}{{/if}}{{else}}{{z}}{{/each}}"),
            ["a.items[]: x", "b", "a.items[]: y"]
        );
        assert_eq!(told("{{#with alert}}{{labels.a}} {{../run.id}}{{/with}}"), ["alert.labels.a", "run.id"]);
        assert_eq!(told("{{#each a.items as |it n|}}{{it.x}} {{n}} {{y}}{{/each}}"), ["a.items[]: y"]);
        // What is in an item, nobody says here.
        assert_eq!(
            told("{{#each a.items}}{{#each labels}}{{x}}{{../y}}{{/each}}{{/each}}"),
            ["a.items[]: labels", "a.items[]: y"]
        );
    }
}
