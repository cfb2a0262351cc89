//! Services that nobody answers for. Pure.
//!
//! A Service without endpoints is no failure where its workload is scaled to nothing on purpose. So
//! one counts where a workload with its labels should have pods. Where none is known (an operator
//! makes its pods, or gives them a label such as `role: primary` later), it counts where pods of it
//! are there and not ready, or once it has had a ready endpoint in an earlier look. If then nothing
//! says that it should have pods, they may be gone on purpose: that calls nobody at night.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::settings::WatchedFor;
use super::sighting::{Owner, Sighting, is_watched};
use crate::cluster::Object;
use crate::model::Severity;

/// A namespace and the name of a Service in it.
pub(super) type ServiceName = (String, String);

type Labels = BTreeMap<String, String>;

/// A Service that selects pods, as far as it is judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Service {
    pub name: ServiceName,
    selector: Labels,
    is_headless: bool,
}

impl Service {
    /// `None`: it selects no pods.
    pub fn of(object: &Object) -> Option<Self> {
        let selector = labels(object.at("/spec/selector"));
        let selects = is_watched(object) && object.text("/spec/type") != "ExternalName" && !selector.is_empty();
        selects.then(|| Self {
            name: (object.namespace().to_owned(), object.name().to_owned()),
            selector,
            is_headless: object.text("/spec/clusterIP") == "None",
        })
    }
}

/// The endpoints of a Service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Endpoints {
    pub ready: usize,
    pub unready: usize,
}

impl Endpoints {
    /// Those of one EndpointSlice, and whose they are.
    pub fn of(slice: &Object) -> Option<(ServiceName, Self)> {
        let service = slice.label("kubernetes.io/service-name")?;
        let endpoints = slice.at("/endpoints").and_then(Value::as_array).into_iter().flatten();
        // What ends says nothing of what should be there.
        let stays = |endpoint: &&Value| endpoint.pointer("/conditions/terminating") != Some(&Value::Bool(true));
        let endpoints = endpoints.filter(stays);
        // What is not known counts as ready, as the API says.
        let is_ready = |endpoint: &&Value| endpoint.pointer("/conditions/ready") != Some(&Value::Bool(false));
        let (ready, unready): (Vec<_>, Vec<_>) = endpoints.partition(is_ready);
        let counted = Self { ready: ready.len(), unready: unready.len() };
        Some(((slice.namespace().to_owned(), service.to_owned()), counted))
    }

    pub fn and(self, other: Self) -> Self {
        Self { ready: self.ready + other.ready, unready: self.unready + other.unready }
    }
}

/// A workload, as far as Services ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Workload {
    namespace: String,
    kind: String,
    name: String,
    labels: Labels,
    /// So many pods it should have.
    wanted: i64,
    is_watched: bool,
}

impl Workload {
    pub fn of(object: &Object) -> Self {
        let wanted = match object.kind() {
            "DaemonSet" => object.number("/status/desiredNumberScheduled").unwrap_or(0),
            _ => object.number("/spec/replicas").unwrap_or(1),
        };
        Self {
            namespace: object.namespace().to_owned(),
            kind: object.kind().to_owned(),
            name: object.name().to_owned(),
            labels: labels(object.at("/spec/template/metadata/labels")),
            wanted,
            is_watched: is_watched(object),
        }
    }

    /// Whether its pods may come to have the labels that the Service selects: those of its template
    /// are some of them, and it says nothing of the others.
    fn may_be_behind(&self, service: &Service) -> bool {
        let same = |name: &String, value: &String| self.labels.get(name) == Some(value);
        self.namespace == service.name.0
            && service.selector.iter().any(|(name, value)| same(name, value))
            && service.selector.iter().all(|(name, value)| same(name, value) || !self.labels.contains_key(name))
    }

    fn is_behind(&self, service: &Service) -> bool {
        self.namespace == service.name.0
            && service.selector.iter().all(|(name, value)| self.labels.get(name) == Some(value))
    }
}

fn labels(value: Option<&Value>) -> Labels {
    let entries = value.and_then(Value::as_object).into_iter().flatten();
    entries.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
}

/// Whether the Service fails. `answered`: those that had a ready endpoint in an earlier look.
pub(super) fn judge(
    service: &Service,
    endpoints: Endpoints,
    workloads: &[Workload],
    answered: &BTreeSet<ServiceName>,
) -> Option<Sighting> {
    if endpoints.ready > 0 {
        return None;
    }
    let behind: Vec<&Workload> = workloads.iter().filter(|workload| workload.is_behind(service)).collect();
    if behind.iter().any(|workload| !workload.is_watched) {
        return None;
    }
    let unready = (endpoints.unready > 0).then(|| format!("none of its {} endpoints is ready", endpoints.unready));
    let wanting = |known: &[&Workload]| {
        let wanting = known.iter().find(|workload| workload.wanted > 0)?;
        Some(format!("it has no endpoints, and {} {} should have {} pods", wanting.kind, wanting.name, wanting.wanted))
    };
    let (says, at_worst) = match (behind.as_slice(), unready) {
        ([], Some(unready)) => (unready, None),
        ([], None) if !answered.contains(&service.name) || service.is_headless => return None,
        ([], None) => {
            let near: Vec<&Workload> = workloads.iter().filter(|workload| workload.may_be_behind(service)).collect();
            match near.as_slice() {
                [] => (
                    "it has no endpoints any more, and no workload is known that should have its pods".to_owned(),
                    Some(Severity::S3),
                ),
                near => (wanting(near)?, None),
            }
        }
        (known, unready) => {
            let wanting = wanting(known)?;
            (unready.unwrap_or(wanting), None)
        }
    };
    let (namespace, name) = &service.name;
    let one = |of: &[&Workload]| match of {
        [workload] => Owner::workload(&workload.kind, &workload.name),
        _ => None,
    };
    Some(Sighting {
        what: WatchedFor::ServiceWithoutEndpoints,
        namespace: namespace.clone(),
        own: BTreeMap::from([("service".to_owned(), name.clone())]),
        // So it is in one incident with what else is wrong with its pods.
        besides: one(&behind).map(|owner| owner.labels).unwrap_or_default(),
        about: format!("service {name}"),
        pods: BTreeMap::new(),
        containers: BTreeSet::new(),
        says,
        at_worst,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn service(spec: &Value) -> Option<Service> {
        Service::of(&Object(
            json!({ "kind": "Service", "metadata": { "namespace": "db", "name": "pg" }, "spec": spec }),
        ))
    }

    fn pg() -> Service {
        service(&json!({ "type": "ClusterIP", "clusterIP": "10.0.0.7", "selector": { "app": "pg" } })).unwrap()
    }

    fn workload(kind: &str, name: &str, wanted: i64) -> Workload {
        let spec =
            json!({ "replicas": wanted, "template": { "metadata": { "labels": { "app": "pg", "role": "db" } } } });
        let object = json!({ "kind": kind, "metadata": { "namespace": "db", "name": name }, "spec": spec });
        Workload::of(&Object(object))
    }

    fn fails(service: &Service, unready: usize, workloads: &[Workload], had: bool) -> Option<String> {
        let answered = had.then(|| service.name.clone()).into_iter().collect();
        judge(service, Endpoints { ready: 0, unready }, workloads, &answered).map(|sighting| sighting.says)
    }

    #[test]
    fn what_selects_nothing_by_itself_is_not_looked_at() {
        assert_eq!(
            service(&json!({ "type": "ExternalName", "externalName": "x.example", "selector": { "a": "b" } })),
            None
        );
        assert_eq!(service(&json!({ "clusterIP": "10.0.0.7" })), None, "somebody writes its endpoints by hand");
    }

    #[test]
    fn endpoints_are_counted_over_all_slices() {
        let slice = |endpoints: Value| {
            let labels = json!({ "kubernetes.io/service-name": "pg" });
            Object(
                json!({ "kind": "EndpointSlice", "metadata": { "namespace": "db", "labels": labels }, "endpoints": endpoints }),
            )
        };
        let conditions = |ready: bool| json!({ "addresses": ["10.1.0.1"], "conditions": { "ready": ready } });
        let (name, one) = Endpoints::of(&slice(json!([conditions(true), conditions(false)]))).unwrap();
        assert_eq!((name, one), (pg().name, Endpoints { ready: 1, unready: 1 }));
        let (_, unknown) = Endpoints::of(&slice(json!([{ "addresses": ["10.1.0.1"] }]))).unwrap();
        assert_eq!(one.and(unknown), Endpoints { ready: 2, unready: 1 });
        assert_eq!(Endpoints::of(&slice(Value::Null)).unwrap().1, Endpoints::default());
        let ends = json!({ "addresses": ["10.1.0.1"], "conditions": { "ready": false, "serving": true, "terminating": true } });
        assert_eq!(Endpoints::of(&slice(json!([ends]))).unwrap().1, Endpoints::default());
    }

    #[test]
    fn a_service_fails_where_somebody_should_answer() {
        assert_eq!(judge(&pg(), Endpoints { ready: 1, unready: 3 }, &[], &BTreeSet::new()), None);
        let said = fails(&pg(), 2, &[], false);
        assert_eq!(said.as_deref(), Some("none of its 2 endpoints is ready"));
        let said = fails(&pg(), 0, &[workload("StatefulSet", "pg", 3)], false);
        assert_eq!(said.as_deref(), Some("it has no endpoints, and StatefulSet pg should have 3 pods"));
        assert_eq!(
            fails(&pg(), 0, &[workload("StatefulSet", "pg", 0)], true),
            None,
            "it is scaled to nothing on purpose"
        );
        assert_eq!(
            fails(&pg(), 2, &[workload("StatefulSet", "pg", 0)], true),
            None,
            "its last pods are on their way out"
        );
        let both = [workload("Deployment", "old", 0), workload("Deployment", "new", 2)];
        assert!(fails(&pg(), 0, &both, false).is_some());
    }

    #[test]
    fn without_a_known_workload_it_fails_once_it_has_answered() {
        assert_eq!(fails(&pg(), 0, &[], false), None, "a replica's Service of a database without replicas");
        assert!(fails(&pg(), 0, &[], true).is_some());
        let headless = service(&json!({ "clusterIP": "None", "selector": { "app": "pg" } })).unwrap();
        assert_eq!(fails(&headless, 0, &[], true), None, "a Job's, which has ended");
        assert!(fails(&headless, 0, &[workload("StatefulSet", "pg", 1)], false).is_some());
    }

    #[test]
    fn what_may_be_gone_on_purpose_calls_nobody_at_night() {
        let spec = json!({ "type": "ClusterIP", "selector": { "app": "pg", "leads": "yes" } });
        let leader = service(&spec).unwrap();
        let answered = BTreeSet::from([leader.name.clone()]);
        let worst = |workloads: &[Workload]| {
            judge(&leader, Endpoints::default(), workloads, &answered).map(|sighting| sighting.at_worst)
        };
        assert_eq!(worst(&[]), Some(Some(Severity::S3)));
        assert_eq!(worst(&[workload("StatefulSet", "pg", 3)]), Some(None), "a database without a leader");
        assert_eq!(worst(&[workload("StatefulSet", "pg", 0)]), None);
    }

    #[test]
    fn a_workload_that_is_left_unwatched_takes_its_services_along() {
        let of = |annotations: Value| {
            let metadata = json!({ "namespace": "db", "name": "pg", "annotations": annotations });
            let template = json!({ "metadata": { "labels": { "app": "pg" } } });
            Workload::of(&Object(
                json!({ "kind": "StatefulSet", "metadata": metadata, "spec": { "template": template } }),
            ))
        };
        assert!(fails(&pg(), 1, &[of(json!({}))], false).is_some());
        assert_eq!(fails(&pg(), 1, &[of(json!({ "dogwatch/unwatched": "" }))], false), None);
    }

    #[test]
    fn it_goes_with_the_one_workload_behind_it() {
        let seen = |workloads: &[Workload]| {
            judge(&pg(), Endpoints { ready: 0, unready: 1 }, workloads, &BTreeSet::new()).unwrap().besides
        };
        assert_eq!(seen(&[workload("StatefulSet", "pg", 1)]), BTreeMap::from([("statefulset".into(), "pg".into())]));
        assert_eq!(seen(&[workload("Deployment", "a", 1), workload("Deployment", "b", 1)]), BTreeMap::new());
    }
}
