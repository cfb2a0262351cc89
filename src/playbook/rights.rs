//! The least rights that playbooks need, and the roles that grant them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{Block, Playbook, Step, StepKind, TargetPart};
use crate::action::{Action, Commands};
use crate::cluster::{Access, Kind, Kinds};
use crate::model::{Autonomy, Phase};

/// The right to read the target, and those of every action: for each kind that it may be of. What
/// only observes never comes to its changes, and needs to read at the most.
pub fn rights(playbook: &Playbook) -> BTreeSet<Access> {
    rights_where(playbook, None)
}

/// The same, without running a program in a container where that is none of `commands`: whoever has
/// that right runs any.
pub fn rights_where(playbook: &Playbook, commands: Option<&Commands>) -> BTreeSet<Access> {
    let given = |part: &TargetPart| match part {
        TargetPart::Given(given) => given.literal().cloned().unwrap_or_default(),
        TargetPart::None | TargetPart::Unsaid | TargetPart::Label(_) => String::new(),
    };
    let mut rights = BTreeSet::new();
    for target in &playbook.target.kinds {
        // What is in a namespace is in the target itself, where that is one.
        let is_namespace = target.kind == "Namespace";
        let namespace = given(if is_namespace { &target.name } else { &playbook.target.namespace });
        if let Some(kind) = playbook.kinds.find_text(&target.kind) {
            rights.insert(kind.access("get", "", if kind.namespaced { &namespace } else { "" }));
        }
        let changes = playbook.autonomy > Autonomy::Observe;
        let about = About { kinds: &playbook.kinds, kind: &target.kind, namespace: &namespace, changes, commands };
        for phase in [Phase::Diagnose, Phase::Mitigate, Phase::Escalate] {
            about.of_blocks(playbook.blocks(phase), &mut rights);
        }
    }
    rights
}

/// What steps are about: the run's target, or an item of a loop.
#[derive(Clone, Copy)]
struct About<'p> {
    kinds: &'p Kinds,
    kind: &'p str,
    /// Empty: it may be any.
    namespace: &'p str,
    /// Whether something may be changed, or tried.
    changes: bool,
    /// The programs that are run, where that is known.
    commands: Option<&'p Commands>,
}

impl About<'_> {
    fn of_blocks(self, blocks: &[Block], rights: &mut BTreeSet<Access>) {
        for block in blocks {
            match block {
                Block::Step(step) => self.of_step(step, rights),
                Block::Atomic(steps) => steps.iter().for_each(|step| self.of_step(step, rights)),
                Block::Choose(choose) => choose.branches.iter().for_each(|it| self.of_blocks(&it.blocks, rights)),
                Block::ForEach(each) => {
                    each.guard.iter().for_each(|step| self.of_step(step, rights));
                    let Some(target) = &each.target else {
                        self.of_blocks(&each.blocks, rights);
                        continue;
                    };
                    let namespace = match &target.namespace {
                        Some(given) => given.literal().map(String::as_str).unwrap_or_default(),
                        None => self.namespace,
                    };
                    if let Some(kind) = self.kinds.find_text(&target.kind) {
                        rights.insert(kind.access("get", "", if kind.namespaced { namespace } else { "" }));
                    }
                    About { kind: &target.kind, namespace, ..self }.of_blocks(&each.blocks, rights);
                }
            }
        }
    }

    fn of_step(self, step: &Step, rights: &mut BTreeSet<Access>) {
        let StepKind::Action(action) = &step.kind else { return };
        let only_reads = !self.changes && matches!(action, Action::Mutate(_));
        let command = action.describe().command().zip(self.commands);
        let runs_nothing = command.is_some_and(|(words, commands)| commands.refusal(&words).is_some());
        for mut access in action.describe().access(self.kind, self.kinds) {
            if runs_nothing && access.subresource == "exec" {
                continue;
            }
            if only_reads && !matches!(access.verb.as_ref(), "get" | "list" | "watch") {
                continue;
            }
            let is_it = |kind: &&Kind| (kind.plural, kind.group) == (&*access.resource, &*access.group);
            let namespaced =
                Kind::all().iter().chain(self.kinds.custom()).find(is_it).is_some_and(|kind| kind.namespaced);
            if namespaced && access.namespace.is_empty() {
                access.namespace = self.namespace.to_owned();
            }
            rights.insert(access);
        }
    }
}

/// Who is to get the rights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    ServiceAccount { namespace: String, name: String },
    User(String),
}

/// The roles of that name and their bindings, as manifests: one Role for each namespace, and a
/// ClusterRole for what is not in one or in all.
pub fn roles(name: &str, rights: &BTreeSet<Access>, subject: &Subject) -> Vec<Value> {
    let mut by_namespace: BTreeMap<&str, BTreeSet<&Access>> = BTreeMap::new();
    for right in rights {
        // What is granted everywhere need not be granted in one namespace once more.
        let everywhere = Access { namespace: String::new(), ..right.clone() };
        if right.namespace.is_empty() || !rights.contains(&everywhere) {
            by_namespace.entry(&right.namespace).or_default().insert(right);
        }
    }
    let mut manifests = Vec::new();
    for (namespace, rights) in by_namespace {
        let (role, binding) =
            if namespace.is_empty() { ("ClusterRole", "ClusterRoleBinding") } else { ("Role", "RoleBinding") };
        let mut metadata = json!({ "name": name });
        if !namespace.is_empty() {
            metadata["namespace"] = namespace.into();
        }
        manifests.push(json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": role,
            "metadata": metadata,
            "rules": rules(&rights),
        }));
        manifests.push(json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": binding,
            "metadata": metadata,
            "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": role, "name": name },
            "subjects": [subject_of(subject)],
        }));
    }
    manifests
}

fn subject_of(subject: &Subject) -> Value {
    match subject {
        Subject::ServiceAccount { namespace, name } => {
            json!({ "kind": "ServiceAccount", "namespace": namespace, "name": name })
        }
        Subject::User(name) => json!({ "apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": name }),
    }
}

/// One rule for each resource, or for each object of a name, with all its verbs.
fn rules(rights: &BTreeSet<&Access>) -> Vec<Value> {
    let mut verbs: BTreeMap<(&str, String, &str), BTreeSet<&str>> = BTreeMap::new();
    for right in rights {
        let resource = match right.subresource.as_str() {
            "" => right.resource.clone(),
            subresource => format!("{}/{subresource}", right.resource),
        };
        verbs.entry((&right.group, resource, &right.name)).or_default().insert(&right.verb);
    }
    verbs
        .into_iter()
        .map(|((group, resource, name), verbs)| {
            let mut rule = json!({ "apiGroups": [group], "resources": [resource], "verbs": verbs });
            if !name.is_empty() {
                rule["resourceNames"] = json!([name]);
            }
            rule
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn right(verb: &str, resource: &str, namespace: &str) -> Access {
        Access {
            verb: verb.into(),
            group: String::new(),
            resource: resource.into(),
            subresource: String::new(),
            namespace: namespace.into(),
            name: String::new(),
        }
    }

    #[test]
    fn what_is_granted_everywhere_is_not_granted_twice() {
        let rights = BTreeSet::from([
            right("get", "pods", ""),
            right("get", "pods", "kube-system"),
            right("list", "pods", "kube-system"),
        ]);
        let subject = Subject::ServiceAccount { namespace: "dogwatch".into(), name: "dogwatch".into() };
        let manifests = roles("dogwatch", &rights, &subject);
        let told: Vec<(&str, &Value)> = manifests
            .iter()
            .map(|m| (m["kind"].as_str().unwrap(), &m["rules"]))
            .filter(|(_, r)| !r.is_null())
            .collect();
        assert_eq!(told.len(), 2);
        assert_eq!(told[0], ("ClusterRole", &json!([{ "apiGroups": [""], "resources": ["pods"], "verbs": ["get"] }])));
        assert_eq!(told[1], ("Role", &json!([{ "apiGroups": [""], "resources": ["pods"], "verbs": ["list"] }])));
    }
}
