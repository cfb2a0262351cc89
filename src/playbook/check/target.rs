//! How the target is found.

use super::names::Names;
use super::visible::Sees;
use super::{Checker, visible};
use crate::diagnostics::Code;
use crate::language::{AnyArg, Arg};
use crate::model::{is_dns_label, is_dns_subdomain};
use crate::playbook::document::{TargetPart, TargetRule};
use crate::playbook::kubernetes::{NAMESPACE_LABEL, label_of};
use crate::playbook::load::{RawPlaybook, RawTarget, place};

pub(super) fn check(checker: &mut Checker<'_>, raw: &mut RawPlaybook, names: &Names) -> Option<TargetRule> {
    const EXAMPLE: &str = "{ kind: Deployment, namespace: kube-system, name: coredns }";
    let mut target = checker.required(raw.target.take(), &raw.seen, "a playbook", "target", EXAMPLE)?;
    let (namespace, name) = (target.namespace.take(), target.name.take());
    let is_right = part(checker, names, "namespace", namespace.as_ref(), is_dns_label)
        & part(checker, names, "name", name.as_ref(), is_dns_subdomain);
    let kind = checker.required(target.kind.as_ref(), &target.seen, "`target`", "kind", "Deployment")?;
    let at = place(kind);
    let known = checker.kind(&kind.value, at, "a playbook can be about")?;
    let from_alert = from_alert(checker, &target)?;
    let label = label(checker, &target, from_alert, name.is_some())?;
    let namespace = match namespace {
        Some(given) if known.is_cluster_wide() => {
            checker.error(
                Code::Misplaced,
                given.at,
                format!("objects of the kind `{}` belong to no namespace", known.id()),
                Some("leave it out".into()),
            );
            return None;
        }
        Some(given) => TargetPart::Given(given),
        None if known.is_cluster_wide() => TargetPart::None,
        None if from_alert => TargetPart::Label(NAMESPACE_LABEL.into()),
        None if known.known.is_none() => TargetPart::Unsaid,
        None => {
            checker.required(None::<()>, &target.seen, "`target`", "namespace", "kube-system");
            return None;
        }
    };
    let by_rule = || label_of(known.id()).map(str::to_owned);
    let name = match (name, label.or_else(by_rule)) {
        (Some(given), _) => TargetPart::Given(given),
        (None, Some(label)) if from_alert => TargetPart::Label(label),
        (None, None) if from_alert => {
            let message = format!("which label of an alert names objects of the kind `{}` is not known", known.id());
            checker.error(
                Code::MissingField,
                at,
                message,
                Some("add `label: the_label`, or `name: \"{{alert.labels.the_label}}\"`".into()),
            );
            return None;
        }
        (None, _) => {
            if !target.seen.is_broken("name") {
                let message = "`target` needs `name`, or `from: alert`";
                checker.error(
                    Code::MissingField,
                    target.seen.at,
                    message,
                    Some("add `name: ...`, or `from: alert`".into()),
                );
            }
            return None;
        }
    };
    is_right.then(|| TargetRule { kind: known.id().to_owned(), namespace, name })
}

/// The label that names the object, where the playbook says which; `None`: what it says cannot be.
fn label(checker: &mut Checker<'_>, target: &RawTarget, from_alert: bool, has_name: bool) -> Option<Option<String>> {
    let Some(label) = &target.label else { return Some(None) };
    let (at, name) = (place(label), label.value.trim());
    let is_first = |c: char| c.is_ascii_alphabetic() || c == '_';
    let (message, remedy) = if !from_alert {
        ("`label` says which label of an alert names the object, and the target comes from none", "add `from: alert`")
    } else if has_name {
        ("`label` and `name` both say what the object is called", "leave one of them out")
    } else if !name.starts_with(is_first) || !name.chars().all(|c| is_first(c) || c.is_ascii_digit()) {
        ("that is no name of a label", "write letters, digits and `_`, as the alert has it")
    } else {
        return Some(Some(name.to_owned()));
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
