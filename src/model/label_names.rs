//! Which labels of an alert name an object, under whatever name a scrape has given them.

use std::collections::BTreeMap;

use super::Alert;

/// The label that says the namespace.
pub const NAMESPACE: &str = "namespace";

/// The labels that name objects, as kube-state-metrics writes them.
pub const OBJECT_LABELS: [&str; 20] = [
    NAMESPACE,
    "pod",
    "node",
    "deployment",
    "statefulset",
    "daemonset",
    "replicaset",
    "job_name",
    "cronjob",
    "persistentvolumeclaim",
    "persistentvolume",
    "service",
    "ingress",
    "horizontalpodautoscaler",
    "poddisruptionbudget",
    "configmap",
    "resourcequota",
    "limitrange",
    "lease",
    "storageclass",
];

/// Names that no rule gives.
const OTHERS: [(&str, &[&str]); 7] = [
    (NAMESPACE, &["pod_namespace"]),
    ("persistentvolumeclaim", &["persistent_volume_claim", "pvc", "pvc_name", "claim_name", "claim"]),
    ("persistentvolume", &["persistent_volume", "pv", "pv_name", "volumename"]),
    ("horizontalpodautoscaler", &["hpa", "hpa_name", "k8s_hpa_name"]),
    ("poddisruptionbudget", &["pdb", "pdb_name"]),
    ("statefulset", &["kube_stateful_set"]),
    ("daemonset", &["kube_daemon_set"]),
];

/// What a label is called when a scrape does not honour the metric's own (`honor_labels: false`).
const EXPORTED: &str = "exported_";

/// Labels that a scrape adds itself, of where it scraped. In an alert they speak of the exporter,
/// unless the metric's own took their place.
const OF_THE_SCRAPE: [&str; 8] =
    ["pod", "service", "node", "container", "endpoint", "job", "instance", "kubernetes_name"];

/// How labels are called: by rule, and by what an operator says instead.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LabelNames {
    own: BTreeMap<String, Vec<String>>,
}

/// A label that was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NamedLabel<'a> {
    /// As the alert calls it.
    pub name: &'a str,
    pub value: &'a str,
}

/// There are two namespaces, and nobody knows which of them is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TwoNamespaces<'a> {
    pub exported: NamedLabel<'a>,
    pub scraped: NamedLabel<'a>,
}

impl LabelNames {
    /// The usual names, with an operator's lists in the place of those of their labels.
    pub fn with(own: BTreeMap<String, Vec<String>>) -> Self {
        Self { own }
    }

    /// These names with other lists, which count in the place of its own.
    pub fn over(&self, others: &BTreeMap<String, Vec<String>>) -> Self {
        let mut own = self.own.clone();
        own.extend(others.clone());
        Self { own }
    }

    /// What a label may be called; the first that an alert has counts.
    pub fn names(&self, label: &str) -> Vec<String> {
        self.own.get(label).cloned().unwrap_or_else(|| usual_names(label))
    }

    /// What an alert says under one of the names of `label`. An empty value says nothing.
    pub fn find<'a>(&self, alert: &'a Alert, label: &str) -> Option<NamedLabel<'a>> {
        self.find_in(&alert.labels, label)
    }

    /// What the labels of an alert say under one of the names of `label`.
    pub fn find_in<'a>(&self, labels: &'a BTreeMap<String, String>, label: &str) -> Option<NamedLabel<'a>> {
        self.names(label).iter().find_map(|name| named(labels, name))
    }

    /// The namespace of the object that an alert names with the label `of` (as the alert calls it).
    ///
    /// Where an alert has `exported_namespace` too, that is the metric's own and `namespace` that
    /// of the exporter. An object's name goes with the namespace that came the same way: a name
    /// that only a metric can say (`deployment`, `exported_pod`) with the exported one. A name that
    /// a scrape may have added (`pod`) can go with either.
    ///
    /// # Errors
    /// When it can be either, and they differ.
    pub fn namespace<'a>(
        &self,
        alert: &'a Alert,
        of: Option<&str>,
    ) -> Result<Option<NamedLabel<'a>>, TwoNamespaces<'a>> {
        if self.own.contains_key(NAMESPACE) {
            return Ok(self.find(alert, NAMESPACE));
        }
        let names = usual_names(NAMESPACE);
        let mut found = names.iter().filter_map(|name| named(&alert.labels, name));
        let Some(first) = found.next() else { return Ok(None) };
        let Some(scraped) = found.next().filter(|_| first.name.starts_with(EXPORTED)) else { return Ok(Some(first)) };
        let is_of_the_metric = |name: &str| !OF_THE_SCRAPE.contains(&name) && !name.starts_with("kubernetes_");
        match of {
            _ if first.value == scraped.value => Ok(Some(first)),
            Some(name) if is_of_the_metric(name) => Ok(Some(first)),
            _ => Err(TwoNamespaces { exported: first, scraped }),
        }
    }
}

fn named<'a>(labels: &'a BTreeMap<String, String>, name: &str) -> Option<NamedLabel<'a>> {
    let (name, value) = labels.get_key_value(name)?;
    (!value.is_empty()).then_some(NamedLabel { name, value })
}

/// The names by rule: the metric's own where the scrape has renamed it, the label itself, then what
/// OpenTelemetry, old scrape configurations, cloud vendors and Datadog write.
fn usual_names(label: &str) -> Vec<String> {
    let base = label.strip_suffix("_name").unwrap_or(label);
    let mut names = vec![format!("{EXPORTED}{label}"), label.to_owned()];
    // `service_name` is an application to OpenTelemetry.
    if base == label && base != "service" {
        names.push(format!("{base}_name"));
    }
    names.extend([
        format!("k8s_{base}_name"),
        format!("k8s.{base}.name"),
        format!("kubernetes_{base}"),
        format!("kubernetes_{base}_name"),
        format!("kube_{base}"),
    ]);
    // Never `job` itself: that is the scrape's.
    if base != label {
        names.push(format!("{EXPORTED}{base}"));
    }
    let others = OTHERS.iter().find(|(other, _)| *other == label).map_or(&[][..], |(_, others)| others);
    names.extend(others.iter().map(|name| (*name).to_owned()));
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::AlertStatus;

    fn alert(labels: &[(&str, &str)]) -> Alert {
        Alert {
            fingerprint: String::new(),
            given: None,
            in_order: false,
            status: AlertStatus::Firing,
            labels: labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            annotations: BTreeMap::new(),
            starts_at: chrono::DateTime::UNIX_EPOCH,
            ends_at: None,
            generator_url: String::new(),
        }
    }

    #[test]
    fn an_object_is_found_under_whatever_name() {
        let names = LabelNames::default();
        for (label, name) in [
            ("pod", "exported_pod"),
            ("pod", "pod"),
            ("pod", "pod_name"),
            ("pod", "k8s_pod_name"),
            ("pod", "k8s.pod.name"),
            ("pod", "kubernetes_pod_name"),
            ("namespace", "k8s_namespace_name"),
            ("namespace", "kubernetes_namespace"),
            ("namespace", "namespace_name"),
            ("namespace", "kube_namespace"),
            ("persistentvolumeclaim", "pvc"),
            ("persistentvolumeclaim", "claim_name"),
            ("persistentvolumeclaim", "k8s_persistentvolumeclaim_name"),
            ("statefulset", "statefulset_name"),
            ("statefulset", "kube_stateful_set"),
            ("job_name", "k8s_job_name"),
            ("job_name", "exported_job"),
            ("service", "exported_service"),
        ] {
            let alert = alert(&[(name, "x")]);
            let found = names.find(&alert, label);
            assert_eq!(found, Some(NamedLabel { name, value: "x" }), "{label}");
        }
        assert_eq!(names.find(&alert(&[("job", "kube-state-metrics")]), "job_name"), None, "that is the scrape's");
        assert_eq!(names.find(&alert(&[("service_name", "shop")]), "service"), None, "that is an application");
        assert_eq!(names.find(&alert(&[("pod", "")]), "pod"), None);
        let both = alert(&[("pod", "exporter"), ("exported_pod", "db-0")]);
        assert_eq!(names.find(&both, "pod").map(|found| found.value), Some("db-0"));
    }

    #[test]
    fn a_name_goes_with_the_namespace_that_came_the_same_way() {
        let names = LabelNames::default();
        let value = |labels: &[(&str, &str)], of| {
            let alert = alert(labels);
            names.namespace(&alert, of).map(|found| found.map(|found| found.value.to_owned())).map_err(|two| {
                let TwoNamespaces { exported, scraped } = two;
                format!("{}={} {}={}", exported.name, exported.value, scraped.name, scraped.value)
            })
        };
        let both = [("namespace", "monitoring"), ("exported_namespace", "databases")];
        for of in ["deployment", "persistentvolumeclaim", "job_name", "exported_pod", "ingress"] {
            assert_eq!(value(&both, Some(of)), Ok(Some("databases".into())), "{of}");
        }
        for of in [Some("pod"), Some("service"), Some("kubernetes_pod_name"), None] {
            let wanted = Err("exported_namespace=databases namespace=monitoring".to_owned());
            assert_eq!(value(&both, of), wanted, "{of:?}");
        }
        assert_eq!(value(&[("namespace", "a"), ("exported_namespace", "a")], None), Ok(Some("a".into())));
        assert_eq!(value(&[("namespace", "a"), ("kubernetes_namespace", "b")], None), Ok(Some("a".into())));
        assert_eq!(value(&[("exported_namespace", "a")], Some("pod")), Ok(Some("a".into())));
        assert_eq!(value(&[], Some("pod")), Ok(None));
    }

    #[test]
    fn an_operators_list_is_followed_as_it_stands() {
        let own = [("namespace".to_owned(), vec!["namespace".to_owned(), "tenant".to_owned()])];
        let names = LabelNames::with(own.into());
        let both = alert(&[("namespace", "monitoring"), ("exported_namespace", "databases"), ("pod", "a")]);
        let found = names.namespace(&both, Some("pod")).unwrap().unwrap();
        assert_eq!(found.value, "monitoring");
        let tenant = alert(&[("tenant", "a")]);
        assert_eq!(names.namespace(&tenant, None).unwrap().unwrap().value, "a");
        assert_eq!(names.find(&both, "pod").unwrap().value, "a", "the others stay what they were");
    }
}
