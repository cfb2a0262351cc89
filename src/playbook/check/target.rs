//! How the target is found.

use super::names::Names;
use super::visible::Sees;
use super::{Checker, visible};
use crate::cluster::Kind;
use crate::diagnostics::Code;
use crate::language::{AnyArg, Arg, closest, list};
use crate::playbook::document::{TargetPart, TargetRule};
use crate::playbook::kubernetes::{NAMESPACE_LABEL, is_label, is_subdomain, label_of};
use crate::playbook::load::{RawPlaybook, RawTarget, place};

pub(super) fn check(checker: &mut Checker<'_>, raw: &mut RawPlaybook, names: &Names) -> Option<TargetRule> {
    const EXAMPLE: &str = "{ kind: Deployment, namespace: kube-system, name: coredns }";
    let mut target = checker.required(raw.target.take(), &raw.seen, "a playbook", "target", EXAMPLE)?;
    let (namespace, name) = (target.namespace.take(), target.name.take());
    let is_right = part(checker, names, "namespace", namespace.as_ref(), is_label)
        & part(checker, names, "name", name.as_ref(), is_subdomain);
    let kind = checker.required(target.kind.as_ref(), &target.seen, "`target`", "kind", "Deployment")?;
    let Ok(known) = Kind::find(&kind.value) else {
        let names = Kind::all().iter().map(|known| known.name);
        let remedy = match closest(&kind.value, names.clone()) {
            Some(meant) => format!("write `{meant}` instead"),
            None => format!("the kinds are {}", list(names)),
        };
        checker.error(
            Code::UnknownValue,
            place(kind),
            format!("`{}` is no kind that a playbook can be about", kind.value),
            remedy,
        );
        return None;
    };
    let from_alert = from_alert(checker, &target)?;
    let namespace = match namespace {
        Some(given) if !known.namespaced => {
            checker.error(
                Code::Misplaced,
                given.at,
                format!("objects of the kind `{}` belong to no namespace", known.name),
                Some("leave it out".into()),
            );
            return None;
        }
        Some(given) => TargetPart::Given(given),
        None if !known.namespaced => TargetPart::None,
        None if from_alert => TargetPart::Label(NAMESPACE_LABEL.into()),
        None => {
            checker.required(None::<()>, &target.seen, "`target`", "namespace", "kube-system");
            return None;
        }
    };
    let name = match (name, label_of(known.name)) {
        (Some(given), _) => TargetPart::Given(given),
        (None, Some(label)) if from_alert => TargetPart::Label(label.into()),
        (None, None) if from_alert => {
            let message = format!("which label of an alert names objects of the kind `{}` is not known", known.name);
            checker.error(
                Code::MissingField,
                place(kind),
                message,
                Some("add `name: \"{{alert.labels.the_label}}\"`".into()),
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
    is_right.then(|| TargetRule { kind: kind.value.clone(), namespace, name })
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
