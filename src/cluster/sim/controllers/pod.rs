//! Pods: the scheduler that finds them a node, and the kubelet that runs them.

use std::time::Duration;

use serde_json::{Value, json};

use super::{condition, number};
use crate::cluster::sim::managers::Writer;
use crate::cluster::sim::objects::{Id, condition as condition_of, list, text};
use crate::cluster::sim::state::State;
use crate::cluster::sim::time::{parse, rfc3339};
use crate::model::ObjectKey;

const KUBELET: Writer<'static> = Writer { manager: "kubelet", subresource: "status" };

/// From a node to Ready: pulling the image and starting the containers.
const START: Duration = Duration::from_secs(3);
/// The kubelet waits so long before the first restart of a container that ended, twice as long before the next one, and
const BACK_OFF: Duration = Duration::from_secs(10);
/// never longer than this.
const LONGEST_BACK_OFF: Duration = Duration::from_secs(300);

impl State {
    pub(super) fn reconcile_pod(&mut self, id: Id) {
        if self.objects.get(id).is_none_or(|pod| pod.is_finished) || self.frozen.contains(&id) {
            return;
        }
        let pod = self.objects.value(id);
        if text(&pod, "/spec/nodeName").is_empty() {
            self.schedule(id, &pod);
            return;
        }
        match text(&pod, "/status/phase") {
            "" | "Pending" => self.start(id, &pod),
            "Running" => self.keep_running(id, &pod),
            _ => {}
        }
    }

    fn schedule(&mut self, id: Id, pod: &Value) {
        if let Err(message) = self.claims_are_bound(pod) {
            // Woken when one of its claims changes.
            return self.cannot_schedule(id, pod, &message);
        }
        let Some(node) = self.pick_node() else {
            self.wait_for("node", id);
            let nodes = self.objects.of_kind("Node", "").len();
            return self.cannot_schedule(id, pod, &format!("0/{nodes} nodes are available."));
        };
        let now = self.now;
        self.change(id, KUBELET, |pod| {
            pod["spec"]["nodeName"] = node.as_str().into();
            pod["status"]["phase"] = "Pending".into();
            condition::set(pod, "PodScheduled", true, "", "", now);
            pod["status"]["startTime"] = rfc3339(now).into();
        });
        let of = format!("{}/{}", text(pod, "/metadata/namespace"), text(pod, "/metadata/name"));
        self.tell(id, "Scheduled", &format!("Successfully assigned {of} to {node}"), "default-scheduler");
    }

    fn cannot_schedule(&mut self, id: Id, pod: &Value, message: &str) {
        if condition_of(pod, "PodScheduled").is_none_or(|scheduled| scheduled["message"] != message) {
            let now = self.now;
            self.change(id, KUBELET, |pod| {
                pod["status"]["phase"] = "Pending".into();
                condition::set(pod, "PodScheduled", false, "Unschedulable", message, now);
            });
        }
        if !message.is_empty() {
            self.tell_again(id, "Warning", "FailedScheduling", message, "default-scheduler");
        }
    }

    /// Whether all claims of the pod have their volumes; else what is wrong, or nothing when they only wait for the pod.
    fn claims_are_bound(&self, pod: &Value) -> Result<(), String> {
        let namespace = text(pod, "/metadata/namespace");
        for volume in list(pod, "/spec/volumes") {
            let claim = text(volume, "/persistentVolumeClaim/claimName");
            if claim.is_empty() {
                continue;
            }
            let Some(found) = self.objects.find("PersistentVolumeClaim", namespace, claim) else {
                return Err(format!("persistentvolumeclaim \"{claim}\" not found"));
            };
            let found = self.objects.value(found);
            if text(&found, "/status/phase") == "Bound" {
                continue;
            }
            let class = self.objects.find("StorageClass", "", text(&found, "/spec/storageClassName"));
            let class = class.map(|class| self.objects.value(class)).unwrap_or_default();
            if text(&class, "/volumeBindingMode") == "WaitForFirstConsumer" {
                return Err(String::new());
            }
            return Err("pod has unbound immediate PersistentVolumeClaims".into());
        }
        Ok(())
    }

    /// The nodes in turn. A cluster without Node objects has one node that nobody sees.
    fn pick_node(&mut self) -> Option<String> {
        let nodes = self.objects.of_kind("Node", "");
        if nodes.is_empty() {
            return Some("node".into());
        }
        for _ in 0..nodes.len() {
            self.counter += 1;
            let node = self.objects.value(nodes[(self.counter % nodes.len() as u64) as usize]);
            let is_ready = condition_of(&node, "Ready").is_none_or(|ready| ready["status"] == "True");
            if is_ready && node.pointer("/spec/unschedulable") != Some(&Value::Bool(true)) {
                return Some(text(&node, "/metadata/name").to_owned());
            }
        }
        None
    }

    fn start(&mut self, id: Id, pod: &Value) {
        let Some(since) = parse(text(pod, "/status/startTime")) else {
            let now = rfc3339(self.now);
            self.change(id, KUBELET, |pod| pod["status"]["startTime"] = now.into());
            return;
        };
        let lineage = self.lineage(id);
        if let Some((job, key)) = lineage.iter().find(|(it, key)| key.kind == "Job" && self.unready.contains(it)) {
            // A Job that hangs as its pod never starts hangs.
            self.faults.hangs(*job, key);
            return;
        }
        let ready = since + self.pace(START);
        if self.now < ready {
            self.touch_at(id, ready);
            return;
        }
        self.counter += 1;
        let ip = format!("10.{}.{}.{}", self.counter >> 16 & 0xff, self.counter >> 8 & 0xff, self.counter & 0xff);
        let is_ready = !self.unready.contains(&id) && !self.faults.is_never_ready(&keys(&lineage));
        let now = self.now;
        self.change(id, KUBELET, |pod| {
            pod["status"]["phase"] = "Running".into();
            pod["status"]["podIP"] = ip.as_str().into();
            pod["status"]["podIPs"] = json!([{ "ip": ip }]);
            set_running(pod, is_ready, now);
        });
    }

    fn keep_running(&mut self, id: Id, pod: &Value) {
        let lineage = self.lineage(id);
        let crashes = self.faults.is_crashing(&keys(&lineage));
        if self.faults.crashing.contains(&id) {
            let restarts =
                u32::try_from(number(pod, "/status/containerStatuses/0/restartCount").unwrap_or(1)).unwrap_or(1);
            let back_off = BACK_OFF * 2_u32.saturating_pow(restarts.saturating_sub(1).min(10));
            let ended = parse(text(pod, "/status/containerStatuses/0/lastState/terminated/finishedAt"));
            let restart = ended.unwrap_or(self.now) + back_off.min(LONGEST_BACK_OFF);
            if self.now < restart {
                self.touch_at(id, restart);
            } else if crashes {
                self.crash(id);
            } else {
                self.faults.crashing.remove(&id);
                let now = self.now;
                self.change(id, KUBELET, |pod| set_running(pod, true, now));
            }
        } else if crashes {
            self.faults.crashing.insert(id);
            self.crash(id);
        } else if let Some((job, key)) = lineage.iter().find(|(_, key)| key.kind == "Job") {
            self.run_to_the_end(id, *job, key);
        }
    }

    fn crash(&mut self, id: Id) {
        let now = self.now;
        self.change(id, KUBELET, |pod| {
            let at = rfc3339(now);
            let message = "back-off restarting failed container";
            if statuses(pod).next().is_none() {
                set_running(pod, true, now);
            }
            if statuses(pod).next().is_none() {
                return; // A pod that was given without containers.
            }
            let container = &mut pod["status"]["containerStatuses"][0];
            let restarts = container["restartCount"].as_i64().unwrap_or(0) + 1;
            container["restartCount"] = json!(restarts);
            container["ready"] = json!(false);
            container["started"] = json!(false);
            container["state"] = json!({ "waiting": { "reason": "CrashLoopBackOff", "message": message } });
            let terminated = json!({ "exitCode": 1, "reason": "Error", "startedAt": at, "finishedAt": at });
            container["lastState"] = json!({ "terminated": terminated });
            set_ready(pod, false, now);
        });
        let pod = self.objects.value(id);
        let container = text(&pod, "/status/containerStatuses/0/name");
        let of = format!("{}_{}", text(&pod, "/metadata/name"), text(&pod, "/metadata/namespace"));
        self.warn(id, "BackOff", &format!("Back-off restarting failed container {container} in pod {of}"), "kubelet");
        // The time of the next restart.
        self.touch(id);
    }

    fn run_to_the_end(&mut self, id: Id, job: Id, key: &ObjectKey) {
        if self.is_settling {
            self.after_settling.push(id);
            return;
        }
        if self.faults.hangs(job, key) {
            return;
        }
        let end = *self.due.entry(id).or_insert(self.now + self.job_duration);
        if self.now < end {
            self.touch_at(id, end);
            return;
        }
        let fails = self.faults.fails(key);
        let now = self.now;
        self.change(id, KUBELET, |pod| {
            let at = rfc3339(now);
            let started = pod["status"]["startTime"].clone();
            let (phase, code, reason) = if fails { ("Failed", 1, "Error") } else { ("Succeeded", 0, "Completed") };
            pod["status"]["phase"] = phase.into();
            for container in statuses(pod) {
                container["ready"] = json!(false);
                container["started"] = json!(false);
                let end = json!({ "exitCode": code, "reason": reason, "startedAt": started, "finishedAt": at });
                container["state"] = json!({ "terminated": end });
            }
            for of_type in ["Ready", "ContainersReady"] {
                condition::set(pod, of_type, false, "PodCompleted", "", now);
            }
        });
    }
}

/// All containers run.
fn set_running(pod: &mut Value, is_ready: bool, now: chrono::DateTime<chrono::Utc>) {
    let restarts: Vec<i64> = statuses(pod).map(|status| status["restartCount"].as_i64().unwrap_or(0)).collect();
    let at = rfc3339(now);
    let containers = list(pod, "/spec/containers").enumerate().map(|(place, container)| {
        json!({
            "name": container["name"],
            "image": container["image"],
            "imageID": container["image"],
            "ready": is_ready,
            "started": true,
            "restartCount": restarts.get(place).copied().unwrap_or(0),
            "state": { "running": { "startedAt": at } },
            "lastState": {},
        })
    });
    pod["status"]["containerStatuses"] = containers.collect();
    condition::set(pod, "Initialized", true, "", "", now);
    set_ready(pod, is_ready, now);
}

fn set_ready(pod: &mut Value, is_ready: bool, now: chrono::DateTime<chrono::Utc>) {
    let reason = if is_ready { "" } else { "ContainersNotReady" };
    for of_type in ["ContainersReady", "Ready"] {
        condition::set(pod, of_type, is_ready, reason, "", now);
    }
}

fn statuses(pod: &mut Value) -> impl Iterator<Item = &mut Value> {
    pod.pointer_mut("/status/containerStatuses").and_then(Value::as_array_mut).into_iter().flatten()
}

fn keys(lineage: &[(Id, ObjectKey)]) -> Vec<ObjectKey> {
    lineage.iter().map(|(_, key)| key.clone()).collect()
}
