//! What is wrong with a text with holes, for people: where handlebars' own words say what its parser
//! expected, and where a text parses and cannot be rendered.

use handlebars::Template;
use handlebars::template::{HelperTemplate, Parameter, TemplateElement};

use super::{closest, list};

/// A fault of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateFault {
    pub message: String,
    pub remedy: String,
    /// The word that is wrong; may be empty.
    pub word: String,
}

/// What handlebars can do.
const HELPERS: [&str; 12] = ["lookup", "len", "eq", "ne", "gt", "gte", "lt", "lte", "and", "or", "not", "log"];
const BLOCKS: [&str; 5] = ["if", "unless", "each", "with", "raw"];

const SET: &str = "compute it before, such as `set: { name: a.value * 2 }`, and write `{{name}}`";

/// Why the text does not parse; `None`: what the parser says must do.
pub(super) fn syntax(source: &str) -> Option<TemplateFault> {
    let mut rest = source;
    while let Some((_, after)) = rest.split_once("{{") {
        let end = after.find("}}");
        let inner = end.map_or(after, |end| &after[..end]);
        // The next hole begins before this one ends.
        let is_open = end.is_none() || inner.contains("{{");
        if is_open {
            return Some(not_closed(inner));
        }
        if let Some(fault) = computes(inner) {
            return Some(fault);
        }
        rest = end.and_then(|end| after.get(end + 2..)).unwrap_or_default();
    }
    blocks(source)
}

fn not_closed(inner: &str) -> TemplateFault {
    let is_name = |c: char| c.is_alphanumeric() || "_.-/@[]# ".contains(c);
    let name: String = inner.trim_start().chars().take_while(|c| is_name(*c) && *c != ' ').take(40).collect();
    let shown: String = inner.chars().take_while(|c| *c != ' ' && *c != '\n').take(40).collect();
    let remedy = if name.is_empty() { "close it with `}}`".to_owned() } else { format!("write `{{{{{name}}}}}`") };
    TemplateFault { message: format!("the hole `{{{{{shown}` is not closed"), remedy, word: name }
}

/// `{{a + 1}}`, `{{a * 2}}`, `{{a > 1}}`: a hole that is no name.
fn computes(inner: &str) -> Option<TemplateFault> {
    let words: Vec<&str> = inner.split_whitespace().collect();
    let sign =
        |word: &&str| ["+", "-", "*", "/", "%", "==", "!=", "<", ">", "<=", ">=", "&&", "||", "?", "=~"].contains(word);
    let stuck = |c: char| "+*%<>?&".contains(c);
    let is_computed = words.iter().any(sign)
        || (inner.contains(stuck) && !inner.contains(['"', '\'']) && !inner.trim_start().starts_with('>'));
    is_computed.then(|| TemplateFault {
        message: format!("a hole computes nothing, and `{{{{{}}}}}` would have to", shortened(inner)),
        remedy: SET.to_owned(),
        word: words.first().map(|word| name_of(word)).unwrap_or_default(),
    })
}

fn name_of(word: &str) -> String {
    word.chars().take_while(|c| c.is_alphanumeric() || "_.".contains(*c)).collect()
}

/// Blocks that are opened and not closed, or the other way round.
fn blocks(source: &str) -> Option<TemplateFault> {
    let mut open: Vec<&str> = Vec::new();
    for part in source.split("{{").skip(1) {
        let inner = part.split("}}").next().unwrap_or_default().trim_matches(['~', ' ']);
        let word = |rest: &'_ str| rest.split_whitespace().next().map(str::len).unwrap_or_default();
        if let Some(rest) = inner.strip_prefix('#') {
            let rest = rest.trim_start();
            open.push(&rest[..word(rest)]);
        } else if let Some(rest) = inner.strip_prefix('/') {
            let name = rest.trim();
            let last = open.pop();
            if last != Some(name) {
                let (message, remedy) = match last {
                    Some(last) => (
                        format!("`{{{{#{}}}}}` is closed by `{{{{/{}}}}}`", shortened(last), shortened(name)),
                        format!("write `{{{{/{}}}}}`", shortened(last)),
                    ),
                    None => (
                        format!("nothing is opened that `{{{{/{}}}}}` closes", shortened(name)),
                        "leave it out".to_owned(),
                    ),
                };
                return Some(TemplateFault { message, remedy, word: shortened(name) });
            }
        }
    }
    let last = open.pop()?;
    Some(TemplateFault {
        message: format!("`{{{{#{}}}}}` is not closed", shortened(last)),
        remedy: format!("close it with `{{{{/{}}}}}`", shortened(last)),
        word: shortened(last),
    })
}

/// Helpers and partials that there are not: they parse, and fail when the text is rendered.
pub(super) fn unusable(template: &Template) -> Vec<TemplateFault> {
    let mut found = Vec::new();
    walk(&template.elements, &mut found);
    found
}

fn walk(elements: &[TemplateElement], found: &mut Vec<TemplateFault>) {
    for element in elements {
        match element {
            TemplateElement::Expression(hole) | TemplateElement::HtmlExpression(hole) => {
                if !hole.params.is_empty() || !hole.hash.is_empty() {
                    found.extend(helper(&hole.name, false));
                }
                parameters(hole, found);
            }
            TemplateElement::HelperBlock(block) => {
                found.extend(helper(&block.name, true));
                parameters(block, found);
                for inner in block.template.iter().chain(block.inverse.iter()) {
                    walk(&inner.elements, found);
                }
            }
            TemplateElement::PartialExpression(partial) | TemplateElement::PartialBlock(partial) => {
                let name = partial.name.as_name().unwrap_or_default();
                found.push(TemplateFault {
                    message: format!(
                        "there are no partials, so that `{{{{> {}}}}}` has nothing to show",
                        shortened(name)
                    ),
                    remedy: "write its text here".to_owned(),
                    word: name.to_owned(),
                });
            }
            TemplateElement::DecoratorExpression(_) | TemplateElement::DecoratorBlock(_) => {
                found.push(TemplateFault {
                    message: "texts have no decorators such as `{{#*inline}}`".to_owned(),
                    remedy: "write the text where it is to stand".to_owned(),
                    word: String::new(),
                });
            }
            _ => {}
        }
    }
}

fn parameters(hole: &HelperTemplate, found: &mut Vec<TemplateFault>) {
    for parameter in hole.params.iter().chain(hole.hash.values()) {
        if let Parameter::Subexpression(inner) = parameter {
            walk(std::slice::from_ref(inner.as_element()), found);
        }
    }
}

/// What is wrong with a helper of that name.
fn helper(name: &Parameter, is_block: bool) -> Option<TemplateFault> {
    let name = match name {
        Parameter::Name(name) => name.as_str(),
        Parameter::Path(handlebars::Path::Relative((_, raw))) => raw.as_str(),
        _ => return None,
    };
    let known: &[&str] = if is_block { &BLOCKS } else { &HELPERS };
    if known.contains(&name) {
        return None;
    }
    let sign = if is_block { "#" } else { "" };
    let (message, remedy) = if name.contains('.') {
        (format!("`{}` is a value, and a hole holds nothing behind it", shortened(name)), SET.to_owned())
    } else {
        let message = format!("there is no helper `{{{{{sign}{}}}}}`", shortened(name));
        let remedy = match closest(name, known.iter().copied()) {
            Some(meant) => format!("write `{{{{{sign}{meant} ...}}}}`"),
            None if is_block => format!("the blocks are {}", list(BLOCKS)),
            None => format!("the helpers are {}; a value is computed before, by `set`", list(HELPERS)),
        };
        (message, remedy)
    };
    Some(TemplateFault { message, remedy, word: name.to_owned() })
}

fn shortened(text: &str) -> String {
    text.trim().chars().take(40).collect()
}
