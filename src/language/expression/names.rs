//! Which names an expression uses, and what is wrong when one of them has no value.

use cel::common::ast::{Expr, IdedExpr, LiteralValue, operators};
use serde_json::Value;

use super::tree::children;
use crate::language::{closest, list};

/// A name that an expression uses, with the fields that it takes from it: `p99.value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The name, then the fields, as far as they stand in the expression: `alert.labels['a/b'].c` is four parts.
    pub path: Vec<String>,
    /// So many of the parts must be there; the others are asked for with `?` or `has()`. 0 for a name of a CEL type, such as
    /// `int`, which means the type unless the scope has it.
    pub required: usize,
}

impl Reference {
    /// The name itself.
    pub fn name(&self) -> &str {
        self.path.first().map_or("", String::as_str)
    }

    /// The first field that is taken from it.
    pub fn field(&self) -> Option<&str> {
        self.path.get(1).map(String::as_str)
    }
}

/// The names of CEL's own types, which expressions may use as values, and of functions' namespaces.
pub(super) const TYPES: [&str; 13] = [
    "bool",
    "int",
    "uint",
    "double",
    "string",
    "bytes",
    "list",
    "map",
    "null_type",
    "type",
    "optional_type",
    "optional",
    "sets",
];

/// All references, in the order of the text.
pub(super) fn references(expression: &IdedExpr) -> Vec<Reference> {
    let mut found = Vec::new();
    collect(expression, &mut Vec::new(), &mut found);
    found
}

fn collect<'e>(expression: &'e IdedExpr, local: &mut Vec<&'e str>, found: &mut Vec<Reference>) {
    if let Some(chain) = Chain::of(expression) {
        let name = chain.reference.name();
        let own = local.contains(&name) || name.starts_with(['@', '#']);
        let is_type = chain.reference.path.len() == 1 && TYPES.contains(&name);
        let reference = Reference { required: if is_type { 0 } else { chain.reference.required }, ..chain.reference };
        if !own && !found.contains(&reference) {
            found.push(reference);
        }
        // What stands in brackets is an expression of its own.
        chain.indices.into_iter().for_each(|index| collect(index, local, found));
        return;
    }
    if let Expr::Comprehension(comprehension) = &expression.expr {
        collect(&comprehension.iter_range, local, found);
        collect(&comprehension.accu_init, local, found);
        let outer = local.len();
        local.extend([comprehension.iter_var.as_str(), comprehension.accu_var.as_str()]);
        local.extend(comprehension.iter_var2.as_deref());
        for part in [&comprehension.loop_cond, &comprehension.loop_step, &comprehension.result] {
            collect(part, local, found);
        }
        local.truncate(outer);
        return;
    }
    for child in children(expression) {
        collect(child, local, found);
    }
}

/// The references for which `orValue` stands in.
pub(super) fn defaulted(expression: &IdedExpr) -> Vec<Reference> {
    let mut found = Vec::new();
    if let Expr::Call(call) = &expression.expr
        && call.func_name == "orValue"
        && let Some(target) = call.target.as_deref()
    {
        found.extend(references(target));
    }
    found.extend(children(expression).into_iter().flat_map(defaulted));
    found
}

/// `p99.value` for an expression that is a name and fields of it.
pub(super) fn dotted(expression: &IdedExpr) -> Option<String> {
    let chain = Chain::of(expression)?;
    (!chain.reference.name().starts_with(['@', '#'])).then(|| spell(&chain.reference.path))
}

/// The parts as an expression writes them: `a.b['c/d'][0]`.
fn spell(path: &[String]) -> String {
    let Some((name, fields)) = path.split_first() else { return String::new() };
    fields.iter().fold(name.clone(), |text, field| format!("{text}{}", spell_field(field, false)))
}

fn spell_field(field: &str, optional: bool) -> String {
    let mark = if optional { "?" } else { "" };
    if field.bytes().all(|b| b.is_ascii_digit()) {
        format!("[{mark}{field}]")
    } else if field.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        format!(".{mark}{field}")
    } else {
        format!("[{mark}'{field}']")
    }
}

/// A name and what is taken from it.
struct Chain<'e> {
    reference: Reference,
    /// The name of the field is still known: no `[i]` came before.
    known: bool,
    indices: Vec<&'e IdedExpr>,
}

impl<'e> Chain<'e> {
    fn of(expression: &'e IdedExpr) -> Option<Self> {
        match &expression.expr {
            Expr::Ident(name) => {
                let name = name.strip_prefix('.').unwrap_or(name).to_owned();
                let reference = Reference { path: vec![name], required: 1 };
                Some(Chain { reference, known: true, indices: Vec::new() })
            }
            Expr::Select(select) => {
                let mut chain = Chain::of(&select.operand)?;
                chain.take(Some(&select.field), select.test);
                Some(chain)
            }
            Expr::Call(call) if call.target.is_none() && call.args.len() == 2 => {
                let optional = match call.func_name.as_str() {
                    operators::INDEX => false,
                    operators::OPT_INDEX | operators::OPT_SELECT => true,
                    _ => return None,
                };
                let mut chain = Chain::of(&call.args[0])?;
                let text = match &call.args[1].expr {
                    Expr::Literal(LiteralValue::String(text)) => Some(text.inner().to_owned()),
                    Expr::Literal(LiteralValue::Int(index)) => Some(index.inner().to_string()),
                    _ => None,
                };
                chain.take(text.as_deref(), optional);
                if text.is_none() {
                    chain.indices.push(&call.args[1]);
                }
                Some(chain)
            }
            _ => None,
        }
    }

    fn take(&mut self, field: Option<&str>, optional: bool) {
        let Some(field) = field.filter(|_| self.known) else {
            self.known = false;
            return;
        };
        // Once one part may be absent, so may all that follow.
        if !optional && self.reference.required == self.reference.path.len() {
            self.reference.required += 1;
        }
        self.reference.path.push(field.to_owned());
    }
}

/// The name and the fields, where that is all that the expression says and none may be absent.
pub(super) fn plain_path(expression: &IdedExpr) -> Option<Vec<String>> {
    let chain = Chain::of(expression)?;
    let is_plain = chain.known && chain.indices.is_empty() && !TYPES.contains(&chain.reference.name());
    let Reference { path, required } = chain.reference;
    (is_plain && required == path.len()).then_some(path)
}

/// The value at a path.
pub(super) fn value_at<'v>(path: &[String], names: Names<'_, 'v>) -> Option<&'v Value> {
    let (name, fields) = path.split_first()?;
    let (_, value) = names.iter().find(|(known, _)| known == name)?;
    let found = fields.iter().try_fold(*value, |value, field| match value {
        Value::Array(items) => items.get(field.parse::<usize>().ok()?),
        value => value.get(field),
    });
    found.filter(|value| !value.is_null())
}

/// The object that a run is about: null where it is not there.
pub(super) const TARGET: &str = "target";

/// Names and what they stand for.
pub(super) type Names<'n, 'v> = &'n [(&'v str, &'v Value)];

/// What is missing in `names`: a message for the first reference that has no value and whose
/// missing part is `part` (`None`: any).
pub(super) fn missing(references: &[Reference], names: Names<'_, '_>, part: Option<&str>) -> Option<String> {
    references.iter().find_map(|reference| missing_of(reference, names, part))
}

fn missing_of(reference: &Reference, scope: Names<'_, '_>, part: Option<&str>) -> Option<String> {
    let mut above: Option<&Value> = None;
    for (depth, name) in reference.path.iter().take(reference.required).enumerate() {
        let here = match above {
            None if name == "now" => return None,
            None => scope.iter().find(|(known, _)| known == name).map(|(_, value)| *value),
            Some(Value::Array(items)) => name.parse::<usize>().ok().and_then(|index| items.get(index)),
            Some(value) => value.get(name),
        };
        let missing = match here {
            Some(Value::Null) if depth == 0 && name == TARGET => {
                let is_asked =
                    part.is_none_or(|part| part == TARGET || reference.path.get(1).is_some_and(|next| next == part));
                return is_asked.then(|| "the target is not there; ask `has(target.metadata)` before".to_owned());
            }
            None => "is not there",
            Some(Value::Null) => "is null",
            Some(value) => {
                above = Some(value);
                continue;
            }
        };
        if part.is_some_and(|part| part != name) {
            return None;
        }
        let path = spell(&reference.path[..=depth]);
        let parent = spell(&reference.path[..depth]);
        let names: Vec<&str> = match above {
            None => scope.iter().map(|(name, _)| *name).collect(),
            Some(Value::Object(fields)) => fields.keys().map(String::as_str).collect(),
            Some(_) => Vec::new(),
        };
        let meant = closest(name, names.iter().copied());
        return Some(match (meant, depth) {
            (Some(meant), 0) => format!("`{path}` {missing}; was `{meant}` meant?"),
            (Some(meant), _) => format!("`{path}` {missing}; was `{parent}{}` meant?", spell_field(meant, false)),
            (None, 0) => format!("`{path}` {missing}"),
            (None, _) => {
                let there = if names.is_empty() { String::new() } else { format!(" (`{parent}` has {})", list(names)) };
                let optional = spell_field(name, true);
                format!("`{path}` {missing}{there}; write `{parent}{optional}.orValue(...)` if it may be absent")
            }
        });
    }
    None
}
