//! ReplicaSets: as many pods as are wanted.

use serde_json::{Value, json};

use super::number;
use crate::cluster::sim::objects::{Id, text};
use crate::cluster::sim::state::State;

const COMPONENT: &str = "replicaset-controller";

impl State {
    pub(super) fn reconcile_replica_set(&mut self, id: Id) {
        let set = self.objects.value(id);
        let uid = text(&set, "/metadata/uid").to_owned();
        let (name, namespace) = (text(&set, "/metadata/name").to_owned(), text(&set, "/metadata/namespace").to_owned());
        let wanted = usize::try_from(number(&set, "/spec/replicas").unwrap_or(1)).unwrap_or(0);
        let mut pods: Vec<(bool, Id)> = self.live_pods(&uid).iter().map(|(id, pod)| (pod.is_ready, *id)).collect();
        // Those that are not ready go first, then the youngest.
        pods.sort_by_key(|(is_ready, id)| (*is_ready, std::cmp::Reverse(*id)));
        for (_, pod) in pods.iter().take(pods.len().saturating_sub(wanted)) {
            let gone = self.objects.get(*pod).map(|pod| pod.name.clone()).unwrap_or_default();
            self.delete(*pod, false);
            self.tell(id, "SuccessfulDelete", &format!("Deleted pod: {gone}"), COMPONENT);
        }
        for _ in pods.len()..wanted {
            let pod = self.free_name("Pod", &namespace, &name);
            self.add_pod(&set, &pod, &[]);
            self.tell(id, "SuccessfulCreate", &format!("Created pod: {pod}"), COMPONENT);
        }
        let pods = self.live_pods(&uid);
        let ready = pods.iter().filter(|(_, pod)| pod.is_ready).count();
        let count = |number: usize| if number == 0 { Value::Null } else { json!(number) };
        let status = json!({
            "observedGeneration": set["metadata"]["generation"],
            "replicas": pods.len(),
            "fullyLabeledReplicas": count(pods.len()),
            "readyReplicas": count(ready),
            "availableReplicas": count(ready),
        });
        self.set_status(id, status);
    }
}
