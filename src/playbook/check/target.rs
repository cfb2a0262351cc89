//! How the target is found.

use super::names::Names;
use super::view::Sees;
use super::{Checker, view};
use crate::action::{AnyArg, Arg};
use crate::playbook::document::{TargetPart, TargetRule};
use crate::playbook::kubernetes::{KINDS, NAMESPACE_LABEL, is_label, is_subdomain, known_kind};
use crate::playbook::load::{RawPlaybook, RawTarget, place};
use crate::playbook::suggest::{closest, list};

pub(super) fn check(checker: &mut Checker<'_>, raw: &mut RawPlaybook, names: &Names) -> Option<TargetRule> {
    const EXAMPLE: &str = "{ kind: Deployment, namespace: kube-system, name: coredns }";
    let mut target = checker.required(raw.target.take(), &raw.seen, "a playbook", "target", EXAMPLE)?;
    let (namespace, name) = (target.namespace.take(), target.name.take());
    let is_right = part(checker, names, "namespace", namespace.as_ref(), is_label)
        & part(checker, names, "name", name.as_ref(), is_subdomain);
    let kind = checker.required(target.kind.as_ref(), &target.seen, "`target`", "kind", "Deployment")?;
    let known = known_kind(&kind.value);
    if known.is_none() && !is_kind(&kind.value) {
        let remedy = match closest(&kind.value, KINDS.iter().map(|known| known.kind)) {
            Some(meant) => format!("write `{meant}` instead"),
            None => "write it as Kubernetes spells it: `Deployment`".into(),
        };
        checker.error(place(kind), format!("`{}` is no kind", kind.value), remedy);
        return None;
    }
    let from_alert = from_alert(checker, &target)?;
    if let (Some(known), Some(given)) = (known, &namespace)
        && !known.namespaced
    {
        checker.error(given.at, format!("a {} belongs to no namespace", known.kind), Some("leave it out".into()));
        return None;
    }
    let namespace = match (namespace, known) {
        (Some(given), _) => TargetPart::Given(given),
        (None, Some(known)) if !known.namespaced => TargetPart::None,
        (None, _) if from_alert => TargetPart::Label(NAMESPACE_LABEL.into()),
        // A kind that we do not know, without a namespace: it has none.
        (None, None) => TargetPart::None,
        (None, Some(_)) => {
            checker.required(None::<()>, &target.seen, "`target`", "namespace", "kube-system");
            return None;
        }
    };
    let name = match (name, known) {
        (Some(given), _) => TargetPart::Given(given),
        (None, Some(known)) if from_alert => TargetPart::Label(known.label.into()),
        (None, None) if from_alert => {
            let message = format!("which label of an alert names a {} is not known", kind.value);
            checker.error(place(kind), message, Some("add `name: \"{{alert.labels.the_label}}\"`".into()));
            return None;
        }
        (None, _) => {
            checker.required(None::<()>, &target.seen, "`target`", "name", "coredns, or from: alert");
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
                place(from),
                message,
                Some("write `alert`, or `name` and `namespace` in place of `from`".into()),
            );
            None
        }
    }
}

/// `Deployment`, `PostgresCluster`.
fn is_kind(text: &str) -> bool {
    text.len() <= 63
        && text.starts_with(|c: char| c.is_ascii_uppercase())
        && text.chars().all(|c| c.is_ascii_alphanumeric())
        && closest(text, KINDS.iter().map(|known| known.kind)).is_none()
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
        return checker.template_names(template, at, view(names, Sees::Request, false));
    }
    match arg.literal() {
        Some(literal) if !is_name(literal) => {
            let message = format!("`{literal}` cannot be the {part} of an object");
            checker.error(
                arg.at,
                message,
                Some(format!("write lowercase letters, digits and `-`, such as {}", list(["coredns"]))),
            );
            false
        }
        _ => true,
    }
}
