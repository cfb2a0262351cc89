//! How the target is found.

use super::kinds::Named;
use super::names::Names;
use super::visible::Sees;
use super::{Checker, visible};
use crate::diagnostics::{Code, list};
use crate::language::{AnyArg, Arg, Location};
use crate::model::{is_dns_label, is_dns_subdomain};
use crate::playbook::document::{TargetKind, TargetPart, TargetRule};
use crate::playbook::kubernetes::{NAMESPACE_LABEL, label_of};
use crate::playbook::load::{OneOrEach, OneOrMore, RawPlaybook, RawTarget, Text, place};

pub(super) fn check(checker: &mut Checker<'_>, raw: &mut RawPlaybook, names: &Names) -> Option<TargetRule> {
    const EXAMPLE: &str = "{ kind: Deployment, namespace: kube-system, name: coredns }";
    let mut target = checker.required(raw.target.take(), &raw.seen, "a playbook", "target", EXAMPLE)?;
    let (namespace, name) = (target.namespace.take(), target.name.take());
    let is_right = part(checker, names, "namespace", namespace.as_ref(), is_dns_label)
        & part(checker, names, "name", name.as_ref(), is_dns_subdomain);
    let kinds = checker.required(target.kind.as_ref(), &target.seen, "`target`", "kind", "Deployment")?;
    let kinds = of_kinds(checker, kinds, target.seen.at)?;
    let from_alert = from_alert(checker, &target)?;
    if let [first, _, ..] = kinds.as_slice() {
        alert_says_which(checker, raw, first.at, from_alert, name.is_some())?;
    }
    let mut labels = labels(checker, &target, from_alert, name.is_some(), &kinds)?.into_iter();
    let cluster_wide = kinds.iter().find(|kind| kind.named.is_cluster_wide());
    let namespace = match (namespace, cluster_wide) {
        (Some(given), Some(kind)) => {
            checker.error(
                Code::Misplaced,
                given.at,
                format!("objects of the kind `{}` belong to no namespace", kind.named.id()),
                Some("leave it out".into()),
            );
            return None;
        }
        (Some(given), None) => TargetPart::Given(given),
        (None, _) if kinds.iter().all(|kind| kind.named.is_cluster_wide()) => TargetPart::None,
        (None, _) if from_alert => TargetPart::Label(NAMESPACE_LABEL.into()),
        (None, _) if kinds.iter().all(|kind| kind.named.known.is_none()) => TargetPart::Unsaid,
        (None, _) => {
            checker.required(None::<()>, &target.seen, "`target`", "namespace", "kube-system");
            return None;
        }
    };
    let mut rules = Vec::new();
    let several = kinds.len() > 1;
    for OfKind { at, named } in kinds {
        let label = labels.next().flatten().or_else(|| label_of(named.id()).map(str::to_owned));
        let name = match (&name, label) {
            (Some(given), _) => TargetPart::Given(given.clone()),
            (None, Some(label)) if from_alert => TargetPart::Label(label),
            (None, None) if from_alert => {
                let message =
                    format!("which label of an alert names objects of the kind `{}` is not known", named.id());
                let remedy = match several {
                    true => format!("add `label: {{ {}: the_label }}`", named.id()),
                    false => "add `label: the_label`, or `name: \"{{alert.labels.the_label}}\"`".into(),
                };
                checker.error(Code::MissingField, at, message, Some(remedy));
                return None;
            }
            (None, _) => {
                if !target.seen.is_broken("name") {
                    let message = "`target` needs `name`, or `from: alert`";
                    let remedy = "add `name: ...`, or `from: alert`";
                    checker.error(Code::MissingField, target.seen.at, message, Some(remedy.into()));
                }
                return None;
            }
        };
        told_apart(checker, at, &rules, named.id(), &name)?;
        rules.push(TargetKind { kind: named.id().to_owned(), name });
    }
    is_right.then_some(TargetRule { kinds: rules, namespace })
}

/// A kind that the target may be of, and where it is written.
struct OfKind {
    at: Location,
    named: Named,
}

fn of_kinds(checker: &mut Checker<'_>, kinds: &OneOrMore, or: Location) -> Option<Vec<OfKind>> {
    let mut found: Vec<Option<OfKind>> = Vec::new();
    for text in kinds.texts() {
        let at = place(text);
        let named = checker.kind(&text.value, at, "a playbook can be about");
        let is_there =
            |other: &OfKind| named.as_ref().is_some_and(|it| !checker.kinds.differ(other.named.id(), it.id()));
        if found.iter().flatten().any(is_there) {
            let message = format!("the kind `{}` is there twice", text.value);
            checker.error(Code::DuplicateName, at, message, Some("keep one of the two".into()));
            found.push(None);
            continue;
        }
        found.push(named.map(|named| OfKind { at, named }));
    }
    if found.is_empty() {
        let remedy = "write one kind, or a list of kinds of which the alert says one";
        checker.error(Code::MissingField, or, "`target` names no kind", Some(remedy.into()));
        return None;
    }
    found.into_iter().collect()
}

/// Of several kinds nobody but the alert can say one.
fn alert_says_which(
    checker: &mut Checker<'_>,
    raw: &RawPlaybook,
    at: Location,
    from_alert: bool,
    has_name: bool,
) -> Option<()> {
    let (at, message, remedy) = if !from_alert {
        let message = "the alert says of which of several kinds the target is, and this target comes from none";
        (at, message, "add `from: alert`, or write one kind")
    } else if has_name {
        let message = "`name` does not say of which of several kinds the target is";
        (at, message, "leave it out, so that the labels of the alert say which; or write one kind")
    } else if let Some((input, _)) = raw.inputs.inputs.iter().find(|(input, _)| input.value == "kind") {
        let message = "`kind` says of which of several kinds the target is, and cannot be an input as well";
        (place(input), message, "call the input otherwise")
    } else {
        return Some(());
    };
    checker.error(Code::Contradiction, at, message, Some(remedy.into()));
    None
}

/// Whether an alert about an object of that kind names none of the kinds before it.
fn told_apart(
    checker: &mut Checker<'_>,
    at: Location,
    before: &[TargetKind],
    kind: &str,
    name: &TargetPart,
) -> Option<()> {
    let TargetPart::Label(label) = name else { return Some(()) };
    let said_by =
        |label: &str| before.iter().find(|other| matches!(&other.name, TargetPart::Label(its) if its == label));
    let (other, label) = match said_by(label) {
        Some(other) => (other, label.as_str()),
        // All that has a namespace says so by its label.
        None if label == NAMESPACE_LABEL && !before.is_empty() => (before.first()?, NAMESPACE_LABEL),
        None => match said_by(NAMESPACE_LABEL) {
            Some(other) => (other, NAMESPACE_LABEL),
            None => return Some(()),
        },
    };
    let message = format!("an alert about a {} and one about a {kind} both have the label `{label}`", other.kind);
    let remedy =
        "each kind needs a label that only its alerts have: `label: { KIND: the_label }`; or make two playbooks";
    checker.error(Code::Contradiction, at, message, Some(remedy.into()));
    None
}

/// For each kind the label that names the object, where the playbook says which; `None`: what it
/// says cannot be.
fn labels(
    checker: &mut Checker<'_>,
    target: &RawTarget,
    from_alert: bool,
    has_name: bool,
    kinds: &[OfKind],
) -> Option<Vec<Option<String>>> {
    let mut labels = vec![None; kinds.len()];
    match &target.label {
        None => {}
        Some(OneOrEach::One(label)) => {
            let (at, label) = (place(label), one_label(checker, label, from_alert, has_name)?);
            match labels.as_mut_slice() {
                [only] => *only = Some(label),
                _ => {
                    let kind = kinds.first().map_or("Deployment", |kind| kind.named.id());
                    let message = "of several kinds, each has a label of its own";
                    let remedy = format!("write `label: {{ {kind}: {label} }}`");
                    checker.error(Code::InvalidName, at, message, Some(remedy));
                    return None;
                }
            }
        }
        Some(OneOrEach::Each(pairs)) => {
            for (kind, label) in pairs {
                let is_it = |known: &OfKind| !checker.kinds.differ(known.named.id(), kind.value.trim());
                let Some(slot) = kinds.iter().position(is_it).and_then(|n| labels.get_mut(n)) else {
                    let message = format!("`{}` is no kind of the target", kind.value);
                    let remedy = format!("the kinds are {}", list(kinds.iter().map(|kind| kind.named.id())));
                    checker.error(Code::UnknownName, place(kind), message, Some(remedy));
                    return None;
                };
                if slot.is_some() {
                    let message = format!("`{}` is a kind that has a label already", kind.value);
                    checker.error(Code::DuplicateName, place(kind), message, "keep one of the two".to_owned());
                    return None;
                }
                *slot = Some(one_label(checker, label, from_alert, has_name)?);
            }
        }
    }
    Some(labels)
}

fn one_label(checker: &mut Checker<'_>, label: &Text, from_alert: bool, has_name: bool) -> Option<String> {
    let (at, name) = (place(label), label.value.trim());
    let is_first = |c: char| c.is_ascii_alphabetic() || c == '_';
    let (message, remedy) = if !from_alert {
        ("`label` says which label of an alert names the object, and the target comes from none", "add `from: alert`")
    } else if has_name {
        ("`label` and `name` both say what the object is called", "leave one of them out")
    } else if !name.starts_with(is_first) || !name.chars().all(|c| is_first(c) || c.is_ascii_digit()) {
        ("that is no name of a label", "write letters, digits and `_`, as the alert has it")
    } else {
        return Some(name.to_owned());
    };
    checker.error(Code::InvalidName, at, message, Some(remedy.into()));
    None
}

/// Whether the alert's labels say it; `None` when `from` says something else.
fn from_alert(checker: &mut Checker<'_>, target: &RawTarget) -> Option<bool> {
    match &target.from {
        None => Some(false),
        Some(from) if from.value == "alert" => Some(true),
        Some(from) => {
            let message = format!("a target cannot come from `{}`", from.value);
            checker.error(
                Code::UnknownValue,
                place(from),
                message,
                Some("write `alert`, or `name` and `namespace` in place of `from`".into()),
            );
            None
        }
    }
}

fn part(
    checker: &mut Checker<'_>,
    names: &Names,
    part: &str,
    arg: Option<&Arg<String>>,
    is_name: fn(&str) -> bool,
) -> bool {
    let Some(arg) = arg else { return true };
    if let Some((template, at)) = arg.template() {
        return checker.template_names(template, at, visible(names, Sees::Request, false));
    }
    match arg.literal() {
        Some(literal) if !is_name(literal) => {
            let message = format!("`{literal}` cannot be the {part} of an object");
            checker.error(
                Code::InvalidName,
                arg.at,
                message,
                Some("write lowercase letters, digits and `-`, as the object is called".into()),
            );
            false
        }
        _ => true,
    }
}
