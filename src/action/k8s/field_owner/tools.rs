//! Tools that keep objects as something else says, and what they are known by.
//!
//! The table gives names and the next move. It is no list of all that keep something: whoever is
//! not in it is judged by how it writes (`managers`).

use crate::cluster::Object;

#[derive(Debug)]
pub(super) struct Tool {
    pub who: &'static str,
    /// The next move.
    pub next: &'static str,
    /// Its field managers, by the beginning of their names.
    pub managers: &'static [&'static str],
    /// What it leaves on objects that it keeps.
    pub marks: &'static [Mark],
    /// What makes it leave an object alone, or one field of it.
    pub off: &'static [(Mark, Option<&'static [&'static str]>)],
    /// Whether it puts back what another writes, without anybody asking it to.
    pub keeps: bool,
    /// Whether it writes what it applies into the annotation of `kubectl apply`.
    pub is_kubectl: bool,
}

/// A label or an annotation: its key, or a domain with its slash; and its value, where only that
/// one counts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark(pub &'static str, pub Option<&'static str>);

impl Mark {
    /// It on the object, as people would look for it: "label `a/b: c`".
    pub fn on(self, object: &Object) -> Option<String> {
        let Mark(key, wanted) = self;
        [("label", "/metadata/labels"), ("annotation", "/metadata/annotations")].into_iter().find_map(|(sort, at)| {
            let entries = object.at(at)?.as_object()?;
            entries.iter().find_map(|(name, value)| {
                let is_it = name == key || (key.ends_with('/') && name.starts_with(key));
                let value = value.as_str().unwrap_or_default();
                let is_meant = is_it && wanted.is_none_or(|wanted| wanted == value);
                is_meant.then(|| shown(sort, name, value))
            })
        })
    }
}

/// Values may hold a whole manifest.
pub(super) fn shown(sort: &str, name: &str, value: &str) -> String {
    const LONGEST: usize = 40;
    let value: String = value.chars().filter(|c| !c.is_control()).take(LONGEST).collect();
    if value.is_empty() { format!("{sort} `{name}`") } else { format!("{sort} `{name}: {value}`") }
}

impl Tool {
    /// What says on the object that the tool keeps it.
    pub fn mark(&self, object: &Object) -> Option<String> {
        self.marks.iter().find_map(|mark| mark.on(object))
    }

    /// Whether the object says that the tool leaves it, or this field of it, to others.
    pub fn is_off(&self, object: &Object, path: &[&str]) -> bool {
        self.off.iter().any(|(mark, field)| field.is_none_or(|field| path == field) && mark.on(object).is_some())
    }

    pub fn has_manager(&self, manager: &str) -> bool {
        self.managers.iter().any(|name| is_manager(manager, name))
    }
}

/// The tool that has a field manager of that name.
pub(super) fn by_manager(manager: &str) -> Option<&'static Tool> {
    TOOLS.iter().find(|tool| tool.has_manager(manager))
}

fn is_manager(manager: &str, name: &str) -> bool {
    match manager.strip_prefix(name) {
        // `eks` and `eks-addon`, but not `eksctl`; `argocd-controller` and `argocd`.
        Some(rest) => rest.is_empty() || !rest.starts_with(|c: char| c.is_ascii_alphanumeric()),
        None => false,
    }
}

/// For what the table does not say of a tool.
const NONE: Tool = Tool { who: "", next: "", managers: &[], marks: &[], off: &[], keeps: true, is_kubectl: false };

pub(super) const TOOLS: &[Tool] = &[
    Tool {
        who: "Argo CD",
        next: "change it in the application's repository",
        managers: &["argocd"],
        marks: &[Mark("argocd.argoproj.io/instance", None), Mark("argocd.argoproj.io/tracking-id", None)],
        is_kubectl: true,
        ..NONE
    },
    Tool {
        who: "Flux",
        next: "change it in the Kustomization's repository",
        managers: &["kustomize-controller", "flux"],
        marks: &[Mark("kustomize.toolkit.fluxcd.io/", None)],
        off: &[
            (Mark("kustomize.toolkit.fluxcd.io/reconcile", Some("disabled")), None),
            (Mark("kustomize.toolkit.fluxcd.io/ssa", Some("Ignore")), None),
            (Mark("kustomize.toolkit.fluxcd.io/ssa", Some("IfNotPresent")), None),
        ],
        ..NONE
    },
    Tool {
        who: "a Helm controller",
        next: "change it in the HelmRelease's values",
        managers: &["helm-controller"],
        marks: &[Mark("helm.toolkit.fluxcd.io/", None)],
        off: &[(Mark("helm.toolkit.fluxcd.io/driftDetection", Some("disabled")), None)],
        ..NONE
    },
    // What its programs apply bears the mark of its library: Fleet's agent, add-ons of k3s and
    // RKE2.
    Tool {
        who: "Rancher's Fleet or add-ons",
        next: "change it in the bundle's repository, or in the add-on's manifest",
        managers: &["fleetagent", "fleet"],
        marks: &[Mark("objectset.rio.cattle.io/", None), Mark("fleet.cattle.io/", None)],
        ..NONE
    },
    // <https://gardener.cloud/docs/gardener/concepts/resource-manager/>
    Tool {
        who: "Gardener",
        next: "change it in the shoot's specification, or where its ManagedResource comes from",
        managers: &["gardener", "gardenlet"],
        marks: &[Mark("resources.gardener.cloud/managed-by", None), Mark("resources.gardener.cloud/origin", None)],
        off: &[
            (Mark("resources.gardener.cloud/mode", Some("Ignore")), None),
            (Mark("resources.gardener.cloud/ignore", Some("true")), None),
            (Mark("resources.gardener.cloud/preserve-replicas", Some("true")), Some(super::REPLICAS)),
        ],
        ..NONE
    },
    // <https://github.com/kubernetes/kubernetes/tree/master/cluster/addons/addon-manager>
    // In its other mode, `EnsureExists`, it changes nothing that is there.
    Tool {
        who: "the add-on manager",
        next: "change it in the add-on's manifest, or by the settings of whoever runs the control plane",
        marks: &[Mark("addonmanager.kubernetes.io/mode", Some("Reconcile"))],
        is_kubectl: true,
        ..NONE
    },
    Tool {
        who: "Config Sync",
        next: "change it in its repository",
        managers: &["configsync"],
        marks: &[Mark("configmanagement.gke.io/managed", Some("enabled")), Mark("configsync.gke.io/resource-id", None)],
        off: &[(Mark("configmanagement.gke.io/managed", Some("disabled")), None)],
        ..NONE
    },
    Tool { who: "kapp-controller", next: "change it in the App's source", managers: &["kapp"], ..NONE },
    Tool { who: "the EKS add-on", next: "change it in the add-on's configuration", managers: &["eks"], ..NONE },
    Tool {
        who: "KEDA",
        next: "change it in its ScaledObject",
        marks: &[Mark("scaledobject.keda.sh/name", None)],
        ..NONE
    },
    Tool {
        who: "the Operator Lifecycle Manager",
        next: "change it in the operator's Subscription or ClusterServiceVersion",
        managers: &["olm"],
        marks: &[Mark("olm.owner", None)],
        ..NONE
    },
    Tool {
        who: "OpenShift's cluster-version operator",
        next: "change it by the operator's own configuration",
        managers: &["cluster-version-operator"],
        marks: &[Mark("include.release.openshift.io/", None)],
        off: &[(Mark("release.openshift.io/create-only", Some("true")), None)],
        ..NONE
    },
    Tool {
        who: "Crossplane",
        next: "change it in the composite resource",
        managers: &["crossplane", "apiextensions.crossplane.io"],
        marks: &[Mark("crossplane.io/composite", None)],
        ..NONE
    },
    Tool {
        who: "Karmada",
        next: "change it in the control plane of the federation",
        managers: &["karmada"],
        marks: &[Mark("karmada.io/managed", Some("true"))],
        ..NONE
    },
    Tool {
        who: "Open Cluster Management",
        next: "change it in the ManifestWork on the hub",
        managers: &["work-agent", "work-manager"],
        ..NONE
    },
    Tool {
        who: "k0s",
        next: "change it in the stack's manifest on the controllers",
        managers: &["k0s"],
        marks: &[Mark("k0s.k0sproject.io/stack", None)],
        ..NONE
    },
    // These change something when somebody runs them, and only then.
    Tool {
        who: "Helm",
        next: "change it in the release's values too, or the next upgrade takes it back",
        managers: &["helm"],
        marks: &[Mark("meta.helm.sh/release-name", None)],
        keeps: false,
        ..NONE
    },
    Tool {
        who: "Terraform",
        next: "change it in its configuration too, or the next apply takes it back",
        managers: &["Terraform", "HashiCorp"],
        keeps: false,
        ..NONE
    },
    Tool {
        who: "Pulumi",
        next: "change it in its program too, or the next update takes it back",
        managers: &["pulumi"],
        marks: &[Mark("pulumi.com/", None)],
        keeps: false,
        ..NONE
    },
    Tool {
        who: "kapp",
        next: "change it where it is deployed from too, or the next deployment takes it back",
        marks: &[Mark("kapp.k14s.io/app", None)],
        keeps: false,
        ..NONE
    },
];
