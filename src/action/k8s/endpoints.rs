//! `k8s.endpoints`: where requests to a Service go, and why they go nowhere.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde_json::{Map, Value};

use super::objects::{self, word};
use super::unready;
use crate::action::typed::{Arguments as _, Typed as _, arguments, output};
use crate::action::{
    AT_WILL, Action, ActionError, Declaration, Declared, Effect, Kind, Output, Read, Right, StepContext, World,
};
use crate::cluster::{ListQuery, Object};
use crate::language::Arg;
use crate::model::{Autonomy, ObjectKey};

arguments! {
    pub(in crate::action) struct K8sEndpoints {
        /// The name of a Service in the target's namespace. By default the target, which is one
        name: Option<Arg<String>>,
    }
}

output! {
    struct Endpoints {
        /// How many addresses take requests
        ready: usize,
        /// How many do not
        not_ready: usize,
        /// How many are of pods that are being deleted
        terminating: usize,
        /// The addresses, those that take no requests first, at most 100
        addresses: Vec<Address>,
        /// How many pods its selector matches, without those that have ended
        selects: usize,
        /// How many of those are ready
        selects_ready: usize,
        /// Why there is none that is ready, or none for one of its ports; empty: there is
        because: String,
        /// The same in a word: `external_name`, `no_selector`, `no_pods`, `pods_not_ready`,
        /// `no_port`, `not_written` (its controller has not done so); empty: there is one
        cause: &'static str,
        /// Whether it has no address of its own: who asks DNS is told those of its pods
        headless: bool,
    }
}

output! {
    struct Address {
        /// The address: `10.0.0.7`
        address: String,
        /// `ready`, `not_ready` or `terminating`
        state: &'static str,
        /// The pod that has it; empty: none is named
        pod: String,
        /// The node that it is on; empty: none is named
        node: String,
        /// The zone that it is in; empty: none is named
        zone: String,
    }
}

/// The most slices of a Service, and pods that it selects. More is not read but refused.
const MOST: usize = 2_000;
const MOST_SHOWN: usize = 100;

impl Declared for K8sEndpoints {
    const DECLARATION: Declaration = Declaration {
        name: "k8s.endpoints",
        summary: "Finds out where requests to a Service go, and why they go nowhere",
        effect: Effect::Reads,
        about: "Its EndpointSlices are read, and the pods that its selector matches. An address that is in several slices counts once, as the \
            best that one says of it; of a Service with two IP families the first one counts. No address at all is an answer: `because` \
            says why. A port by a name that no container of the pods has, with its protocol, goes nowhere though addresses are ready.",
        errors: "The target is no Service, and no `name` is given; the Service is not there; more than 2000 slices or pods.",
        repeated: AT_WILL,
        way_back: None,
        arguments: Self::ARGUMENTS,
        output: Endpoints::FIELDS,
        rights: &[
            Right::on_kind(Kind::SERVICE, &["get"]),
            Right::on_kind(Kind::ENDPOINT_SLICE, &["list"]),
            Right::on_kind(Kind::POD, &["list"]),
        ],
        most_autonomy: Autonomy::Auto,
        example: "\
- id: dns
  k8s.endpoints: { name: kube-dns }
- escalate_if: dns.ready == 0
  because: \"{{dns.summary}}\"
",
    };

    fn into_action(self) -> Action {
        Action::Read(Box::new(self))
    }
}

#[async_trait]
impl Read for K8sEndpoints {
    async fn read(&self, world: &World, step: StepContext<'_>) -> Result<Output, ActionError> {
        let cluster = world.cluster.as_ref();
        let namespace = step.target.place();
        let name = match &self.name {
            Some(name) => objects::safe_name(name.resolve(step.scope)?, "name")?,
            None if step.target.kind == Kind::SERVICE.id() => step.target.name.clone(),
            None => {
                return Err(ActionError::fail(format!("{} is no Service; give `name` of one beside it", step.target)));
            }
        };
        let key = ObjectKey::new(Kind::SERVICE.id(), namespace, &name);
        let service = cluster.get(&key).await?;
        let service = service.ok_or_else(|| ActionError::fail(format!("{key} is not there")))?;
        let list = |kind: Kind, labels: String| ListQuery {
            kind: kind.id().into(),
            namespace: namespace.into(),
            labels,
            limit: MOST,
            ..ListQuery::default()
        };
        let slices = list(Kind::ENDPOINT_SLICE, format!("kubernetes.io/service-name={name}"));
        let slices = cluster.list(&slices).await?;
        let pods = match selector(&service) {
            Some(labels) => cluster.list(&list(Kind::POD, labels)).await?,
            None => Vec::new(),
        };
        Ok(look_at(&service, &slices, &pods))
    }
}

/// Its selector as kubectl takes it; `None`: it has none.
fn selector(service: &Object) -> Option<String> {
    let labels = service.at("/spec/selector").and_then(Value::as_object).filter(|labels| !labels.is_empty())?;
    let each = labels.iter().map(|(name, value)| format!("{name}={}", value.as_str().unwrap_or_default()));
    Some(each.collect::<Vec<_>>().join(","))
}

fn look_at(service: &Object, slices: &[Object], pods: &[Object]) -> Output {
    let addresses = addresses(service, slices);
    let count = |state: &str| addresses.iter().filter(|it| it.state == state).count();
    let pods: Vec<&Object> = pods.iter().filter(|pod| !objects::has_ended(pod)).collect();
    let (ready, not_ready, terminating) = (count("ready"), count("not_ready"), count("terminating"));
    let (cause, because) = cause(service, ready, &addresses, &pods).unwrap_or_default();
    let mut summary = format!("{} has {ready} addresses that are ready, and {not_ready} that are not", service.key());
    if !because.is_empty() {
        summary.push_str(&format!(": {because}"));
    }
    let found = Endpoints {
        ready,
        not_ready,
        terminating,
        addresses: addresses.into_iter().take(MOST_SHOWN).collect(),
        selects: pods.len(),
        selects_ready: pods.iter().filter(|pod| unready::is_ready(pod)).count(),
        because,
        cause,
        headless: service.text("/spec/clusterIP") == "None",
    };
    Output::new(&found, summary)
}

/// Each address once, those that take no requests first.
fn addresses(service: &Object, slices: &[Object]) -> Vec<Address> {
    let family = service.text("/spec/ipFamilies/0");
    let is_meant = |slice: &&Object| {
        family.is_empty() || matches!(slice.text("/addressType"), "" | "FQDN") || slice.text("/addressType") == family
    };
    let mut each: BTreeMap<String, Address> = BTreeMap::new();
    for slice in slices.iter().filter(is_meant) {
        for endpoint in slice.at("/endpoints").and_then(Value::as_array).into_iter().flatten() {
            let all = endpoint.get("addresses").and_then(Value::as_array).into_iter().flatten();
            for address in all.filter_map(Value::as_str) {
                let address = of_endpoint(address, endpoint);
                let is_better = each.get(&address.address).is_none_or(|known| rank(&address) > rank(known));
                if is_better {
                    each.insert(address.address.clone(), address);
                }
            }
        }
    }
    let mut each: Vec<Address> = each.into_values().collect();
    each.sort_by_key(rank);
    each
}

fn of_endpoint(address: &str, endpoint: &Value) -> Address {
    let holds = |condition: &str| endpoint.pointer(&format!("/conditions/{condition}")).and_then(Value::as_bool);
    // What says nothing of it is ready:
    // <https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/#ready>.
    let state = match (holds("terminating"), holds("ready")) {
        (Some(true), _) => "terminating",
        (_, Some(false)) => "not_ready",
        _ => "ready",
    };
    let is_pod = endpoint.pointer("/targetRef/kind").and_then(Value::as_str) == Some("Pod");
    let pod = endpoint.pointer("/targetRef/name").and_then(Value::as_str).filter(|_| is_pod);
    Address {
        address: address.to_owned(),
        state,
        pod: pod.unwrap_or_default().to_owned(),
        node: word(endpoint, "nodeName").to_owned(),
        zone: word(endpoint, "zone").to_owned(),
    }
}

fn rank(address: &Address) -> u8 {
    match address.state {
        "ready" => 2,
        "terminating" => 1,
        _ => 0,
    }
}

/// Why no address is ready, or none for one of the ports.
fn cause(service: &Object, ready: usize, addresses: &[Address], pods: &[&Object]) -> Option<(&'static str, String)> {
    if service.text("/spec/type") == "ExternalName" {
        let name = service.text("/spec/externalName");
        return Some(("external_name", format!("it is another name for {name} in DNS, and has no addresses")));
    }
    let Some(selector) = selector(service) else {
        let because = if addresses.is_empty() {
            "it has no selector, and nobody has written an EndpointSlice for it"
        } else {
            "it has no selector, and whoever writes its EndpointSlices has no address ready"
        };
        return (ready == 0).then(|| ("no_selector", because.to_owned()));
    };
    let Some(first) = pods.first() else {
        return (ready == 0).then(|| ("no_pods", format!("its selector {selector} matches no pod")));
    };
    if let Some((port, name)) = lost_port(service, pods) {
        let because = format!(
            "its port {port} goes to `{name}`, and no container of its {} pods has a port of that name",
            pods.len()
        );
        return Some(("no_port", because));
    }
    if ready > 0 {
        return None;
    }
    if pods.iter().any(|pod| unready::is_ready(pod)) {
        let because =
            "pods that it selects are ready, and no EndpointSlice has one: look whether the controller manager runs";
        return Some(("not_written", because.to_owned()));
    }
    let bad =
        format!("none of the {} pods that it selects is ready; {}: {}", pods.len(), first.name(), unready::why(first));
    Some(("pods_not_ready", bad))
}

/// A port that goes to a name which no container has: its number or name, and that name.
fn lost_port<'s>(service: &'s Object, pods: &[&Object]) -> Option<(String, &'s str)> {
    let protocol = |port: &Value| match word(port, "protocol") {
        "" => "TCP".to_owned(),
        named => named.to_owned(),
    };
    let mut ports = service.at("/spec/ports").and_then(Value::as_array).into_iter().flatten();
    ports.find_map(|port| {
        let name = port.get("targetPort")?.as_str().filter(|name| name.parse::<u16>().is_err())?;
        let is_it = |other: &Value| word(other, "name") == name && protocol(other) == protocol(port);
        if pods.iter().any(|pod| container_ports(pod).any(is_it)) {
            return None;
        }
        Some((port.get("port").map_or_else(String::new, Value::to_string), name))
    })
}

/// Those of sidecars too: init containers that go on.
fn container_ports(pod: &Object) -> impl Iterator<Item = &Value> {
    let list = |pointer: &str| pod.at(pointer).and_then(Value::as_array).into_iter().flatten();
    let sidecars = list("/spec/initContainers").filter(|it| word(it, "restartPolicy") == "Always");
    let all = list("/spec/containers").chain(sidecars).filter_map(Value::as_object);
    all.filter_map(|container: &Map<String, Value>| container.get("ports")?.as_array()).flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn service(spec: Value) -> Object {
        Object(json!({ "kind": "Service", "metadata": { "name": "web", "namespace": "shop" }, "spec": spec }))
    }

    fn selecting(targets: Value) -> Object {
        service(json!({ "selector": { "app": "web" }, "ports": [{ "port": 80, "targetPort": targets }] }))
    }

    fn slice(family: &str, endpoints: Value) -> Object {
        Object(
            json!({ "kind": "EndpointSlice", "metadata": { "name": "x" }, "addressType": family, "endpoints": endpoints }),
        )
    }

    fn endpoint(address: &str, conditions: Value) -> Value {
        json!({
            "addresses": [address], "conditions": conditions, "nodeName": "n1", "zone": "z1",
            "targetRef": { "kind": "Pod", "name": format!("web-{address}") },
        })
    }

    fn pod(ready: &str) -> Object {
        Object(json!({
            "kind": "Pod", "metadata": { "name": "web-1" },
            "spec": { "containers": [{ "ports": [{ "name": "http", "containerPort": 8080 }] }] },
            "status": {
                "phase": "Running",
                "conditions": [{ "type": "Ready", "status": ready }],
                "containerStatuses": [{ "state": { "waiting": { "reason": "CrashLoopBackOff" } } }],
            },
        }))
    }

    fn told(output: &Output, name: &str) -> Value {
        output.value.get(name).cloned().unwrap()
    }

    fn why(service: &Object, slices: &[Object], pods: &[Object]) -> (Value, String) {
        let output = look_at(service, slices, pods);
        let because = told(&output, "because").as_str().unwrap().to_owned();
        assert!(because.is_empty() || output.summary.ends_with(&because), "{}", output.summary);
        (told(&output, "cause"), because)
    }

    #[test]
    fn an_address_counts_once_as_the_best_that_is_said_of_it() {
        let slices = [
            slice("IPv4", json!([endpoint("10.0.0.1", json!({ "ready": false })), endpoint("10.0.0.2", json!({}))])),
            slice("IPv4", json!([endpoint("10.0.0.1", json!({ "ready": true }))])),
            slice(
                "IPv4",
                json!([endpoint("10.0.0.3", json!({ "ready": false, "serving": true, "terminating": true }))]),
            ),
            slice("IPv4", json!([endpoint("10.0.0.4", json!({ "ready": false }))])),
            slice("IPv6", json!([endpoint("fd00::1", json!({ "ready": true }))])),
        ];
        let two = selecting(json!("http")).with(&json!({ "spec": { "ipFamilies": ["IPv4", "IPv6"] } }));
        let output = look_at(&two, &slices, &[pod("True")]);
        let counts = ["ready", "not_ready", "terminating"].map(|name| told(&output, name));
        assert_eq!(counts, [json!(2), json!(1), json!(1)]);
        assert_eq!(
            told(&output, "addresses")[0],
            json!({ "address": "10.0.0.4", "state": "not_ready", "pod": "web-10.0.0.4", "node": "n1", "zone": "z1" })
        );
        assert_eq!((told(&output, "because"), told(&output, "selects_ready")), (json!(""), json!(1)));
    }

    #[test]
    fn a_service_without_addresses_says_why() {
        let external = service(json!({ "type": "ExternalName", "externalName": "db.example.com" }));
        assert_eq!(why(&external, &[], &[]).0, json!("external_name"));
        let (cause, because) = why(&service(json!({})), &[], &[]);
        assert_eq!(
            (cause, &*because),
            (json!("no_selector"), "it has no selector, and nobody has written an EndpointSlice for it")
        );
        let by_hand = slice("IPv4", json!([{ "addresses": ["10.9.0.1"] }]));
        assert_eq!(why(&service(json!({})), &[by_hand], &[]).0, json!(""));
        assert_eq!(
            why(&selecting(json!(8080)), &[], &[]),
            (json!("no_pods"), "its selector app=web matches no pod".into())
        );
        assert_eq!(
            why(&selecting(json!(8080)), &[], &[pod("False")]),
            (json!("pods_not_ready"), "none of the 1 pods that it selects is ready; web-1: CrashLoopBackOff".into())
        );
        assert_eq!(why(&selecting(json!("http")), &[], &[pod("True")]).0, json!("not_written"));
    }

    #[test]
    fn a_port_that_no_container_has_is_told_though_addresses_are_ready() {
        let slices = [slice("IPv4", json!([endpoint("10.0.0.1", json!({ "ready": true }))]))];
        let (cause, because) = why(&selecting(json!("web")), &slices, &[pod("True")]);
        assert_eq!(cause, json!("no_port"));
        assert_eq!(because, "its port 80 goes to `web`, and no container of its 1 pods has a port of that name");
        assert_eq!(why(&selecting(json!("http")), &slices, &[pod("True")]).0, json!(""));
        let udp = selecting(json!("http"))
            .with(&json!({ "spec": { "ports": [{ "port": 80, "targetPort": "http", "protocol": "UDP" }] } }));
        assert_eq!(why(&udp, &slices, &[pod("True")]).0, json!("no_port"));
    }
}
