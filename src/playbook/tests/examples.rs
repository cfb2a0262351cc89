//! The example of each action is a step that loads, where it is meant to stand.

use std::path::Path;

use crate::action::{Action, Declaration, Effect, declarations};
use crate::playbook::{Playbook, StepKind};

/// A playbook with that step.
fn playbook(declaration: &Declaration) -> Playbook {
    let step: String = declaration.example.lines().map(|line| format!("  {line}\n")).collect();
    let target = match declaration.name {
        "k8s.get" | "k8s.claim_owner" | "k8s.expand_pvc" | "prometheus.range" => {
            "PersistentVolumeClaim, namespace: kube-system"
        }
        "k8s.delete_job" => "Job, namespace: kube-system",
        "k8s.suspend_cronjob" | "k8s.resume_cronjob" => "CronJob, namespace: kube-system",
        "k8s.configmap_patch" => "ConfigMap, namespace: kube-system",
        "k8s.evict" | "k8s.delete_pod" => "Pod, namespace: kube-system",
        name if name.starts_with("patroni.") => "Pod, namespace: kube-system",
        "k8s.patch" | "k8s.hpa_set" => "HorizontalPodAutoscaler, namespace: kube-system",
        "certmanager.renew" => "Certificate.cert-manager.io, namespace: kube-system",
        "k8s.cordon" | "k8s.uncordon" => "Node",
        _ => "Deployment, namespace: kube-system",
    };
    let text = format!(
        r#"apiVersion: dogwatch/v1
kind: Playbook
metadata: {{ name: example, version: 1.0.0, owner: platform }}
summary: an example
severity: S2
autonomy: {autonomy}
triggers: [{{ alert: SomethingOdd }}]
target: {{ kind: {target}, name: coredns }}
limits: {{ runs: 3 per 1h, cooldown: 15m }}
"#,
        autonomy = declaration.most_autonomy
    );
    let page = "  - page: { message: help }\n";
    let phases = match declaration.effect {
        Effect::Reads => format!("diagnose:\n{step}escalate:\n{page}"),
        Effect::Mutates(_) => format!("mitigate:\n{step}escalate:\n{page}"),
        Effect::Tells => format!("escalate:\n{step}{page}"),
    };
    Playbook::parse_with(Path::new("example.yaml"), &(text + &phases), &super::kinds::cert_manager()).unwrap_or_else(
        |problems| {
            panic!("{}\n{}", declaration.name, problems.iter().map(|problem| problem.render(false)).collect::<String>())
        },
    )
}

#[test]
fn each_example_is_a_step_of_its_action() {
    for declaration in declarations() {
        let playbook = playbook(declaration);
        assert_eq!(playbook.warnings, [], "{}", declaration.name);
        let mut actions = playbook.all_steps().filter_map(|step| match &step.kind {
            StepKind::Action(action) => Some(action),
            _ => None,
        });
        let action = actions.find(|action| action.describe().name() == declaration.name);
        let action = action.unwrap_or_else(|| panic!("`{}` is not in its example", declaration.name));
        let args: Vec<&str> = action.describe().args().into_iter().map(|(name, _)| name).collect();
        let declared: Vec<&str> = declaration.arguments.iter().map(|argument| argument.name).collect();
        assert_eq!(args, declared, "{}", declaration.name);
        let is_what_it_says = match action {
            Action::Read(_) => declaration.effect == Effect::Reads,
            Action::Mutate(mutation) => declaration.effect == Effect::Mutates(mutation.change_kind()),
            Action::Tell(_) => declaration.effect == Effect::Tells,
        };
        assert!(is_what_it_says, "{}: {}", declaration.name, declaration.effect);
    }
}
