//! PersistentVolumeClaims: they get a volume, and the volume grows.

use std::time::Duration;

use serde_json::{Value, json};

use super::condition;
use crate::cluster::kinds::VOLUME;
use crate::cluster::sim::managers::Writer;
use crate::cluster::sim::objects::{Id, condition as condition_of, text};
use crate::cluster::sim::state::{CONTROLLERS, State};
use crate::cluster::sim::time::parse;
use crate::model::{ObjectKey, Quantity};

const COMPONENT: &str = "persistentvolume-controller";
const RESIZER: Writer<'static> = Writer { manager: "csi-resizer", subresource: "status" };

/// How long the driver takes to make a volume,
const PROVISION: Duration = Duration::from_secs(2);
/// to make it larger,
const RESIZE: Duration = Duration::from_secs(4);
/// and the kubelet to grow the file system on it.
const GROW: Duration = Duration::from_secs(6);

/// What kind of class a claim names.
enum Class {
    /// It is not there.
    Missing,
    /// It makes no volumes: only those that are there can be bound.
    Static,
    Dynamic {
        provisioner: String,
        waits_for_pod: bool,
        reclaim_policy: String,
    },
}

impl State {
    pub(super) fn reconcile_claim(&mut self, id: Id) {
        let claim = self.objects.value(id);
        match text(&claim, "/status/phase") {
            "Bound" => self.grow(id, &claim),
            "Lost" => {}
            "Pending" => self.bind(id, &claim),
            _ => {
                self.set_status(id, json!({ "phase": "Pending" }));
                let claim = self.objects.value(id);
                self.bind(id, &claim);
            }
        }
    }

    fn bind(&mut self, id: Id, claim: &Value) {
        let class_name = text(claim, "/spec/storageClassName").to_owned();
        if !text(claim, "/spec/volumeName").is_empty() {
            self.wait_for(&format!("volume/{class_name}"), id);
            self.bind_to_named(id, claim);
            return;
        }
        if let Some(volume) = self.fitting_volume(claim) {
            self.bind_to(id, claim, volume);
            return;
        }
        self.wait_for(&format!("volume/{class_name}"), id);
        match self.class(&class_name) {
            Class::Missing => {
                self.wait_for(&format!("class/{class_name}"), id);
                let message = format!("storageclass.storage.k8s.io \"{class_name}\" not found");
                self.tell_again(id, "Warning", "ProvisioningFailed", &message, COMPONENT);
            }
            Class::Static if class_name.is_empty() => {
                let message = "no persistent volumes available for this claim and no storage class is set";
                self.tell_again(id, "Normal", "FailedBinding", message, COMPONENT);
            }
            Class::Static => {}
            Class::Dynamic { waits_for_pod: true, .. } if !self.is_used(claim) => {
                // Woken when a pod that uses it comes.
                let message = "waiting for first consumer to be created before binding";
                self.tell_again(id, "Normal", "WaitForFirstConsumer", message, COMPONENT);
            }
            Class::Dynamic { provisioner, reclaim_policy, .. } => {
                let delay = self.pace(PROVISION);
                let ready = *self.due.entry(id).or_insert(self.now + delay);
                if self.now >= ready {
                    self.due.remove(&id);
                    self.provision(id, claim, &provisioner, &reclaim_policy);
                } else {
                    self.touch_at(id, ready);
                }
            }
        }
    }

    fn class(&self, name: &str) -> Class {
        if name.is_empty() {
            return Class::Static;
        }
        let Some(class) = self.objects.find("StorageClass", "", name) else { return Class::Missing };
        let class = self.objects.value(class);
        let provisioner = text(&class, "/provisioner").to_owned();
        if provisioner == "kubernetes.io/no-provisioner" {
            return Class::Static;
        }
        Class::Dynamic {
            provisioner,
            waits_for_pod: text(&class, "/volumeBindingMode") == "WaitForFirstConsumer",
            reclaim_policy: text(&class, "/reclaimPolicy").to_owned(),
        }
    }

    fn is_used(&self, claim: &Value) -> bool {
        let users = self.objects.users_of(text(claim, "/metadata/namespace"), text(claim, "/metadata/name"));
        users.into_iter().any(|user| self.objects.get(user).is_some_and(|user| !user.is_finished && !user.is_going))
    }

    /// Binds a claim to the volume that it names: to no other, and none is made for it. One that is not there is waited for, without
    /// a word.
    fn bind_to_named(&mut self, id: Id, claim: &Value) {
        let name = text(claim, "/spec/volumeName");
        let Some(volume) = self.objects.find("PersistentVolume", "", name) else { return };
        let of = self.objects.value(volume);
        let reserved = |pointer: &str| text(&of, &format!("/spec/claimRef/{pointer}"));
        let uid = reserved("uid");
        let is_its = reserved("name") == text(claim, "/metadata/name")
            && reserved("namespace") == text(claim, "/metadata/namespace")
            && (uid.is_empty() || uid == text(claim, "/metadata/uid"));
        if !reserved("name").is_empty() && !is_its {
            let message = format!("volume \"{name}\" already bound to a different claim.");
            self.tell_again(id, "Warning", "FailedBinding", &message, COMPONENT);
            return;
        }
        let storage = ("/spec/capacity/storage", "/spec/resources/requests/storage");
        let why = if quantity(&of, storage.0) < quantity(claim, storage.1) {
            "requested PV is too small"
        } else if text(&of, "/spec/storageClassName") != text(claim, "/spec/storageClassName") {
            "storageClassName does not match"
        } else {
            self.bind_to(id, claim, volume);
            return;
        };
        let message = format!("Cannot bind to requested volume \"{name}\": {why}");
        self.tell_again(id, "Warning", "VolumeMismatch", &message, COMPONENT);
    }

    /// The smallest volume that is free and large enough.
    fn fitting_volume(&self, claim: &Value) -> Option<Id> {
        let wanted = quantity(claim, "/spec/resources/requests/storage")?;
        let fitting = self.free_volumes.iter().filter_map(|id| {
            let volume = self.objects.value(*id);
            let reserved = text(&volume, "/spec/claimRef/name");
            let is_reserved_for_it = reserved == text(claim, "/metadata/name")
                && text(&volume, "/spec/claimRef/namespace") == text(claim, "/metadata/namespace");
            let size = quantity(&volume, "/spec/capacity/storage")?;
            let fits = text(&volume, "/spec/storageClassName") == text(claim, "/spec/storageClassName")
                && (reserved.is_empty() || is_reserved_for_it)
                && size >= wanted;
            fits.then_some((!is_reserved_for_it, size, *id))
        });
        fitting.min().map(|(_, _, id)| id)
    }

    fn bind_to(&mut self, id: Id, claim: &Value, volume: Id) {
        self.free_volumes.remove(&volume);
        let reference = json!({
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "namespace": claim["metadata"]["namespace"],
            "name": claim["metadata"]["name"],
            "uid": claim["metadata"]["uid"],
        });
        self.change(volume, CONTROLLERS, |volume| volume["spec"]["claimRef"] = reference);
        self.set_status(volume, json!({ "phase": "Bound" }));
        let of = self.objects.value(volume);
        self.change(id, CONTROLLERS, |claim| {
            claim["spec"]["volumeName"] = of["metadata"]["name"].clone();
            claim["metadata"]["annotations"]["pv.kubernetes.io/bind-completed"] = "yes".into();
            claim["metadata"]["annotations"]["pv.kubernetes.io/bound-by-controller"] = "yes".into();
        });
        let status =
            json!({ "phase": "Bound", "accessModes": of["spec"]["accessModes"], "capacity": of["spec"]["capacity"] });
        self.set_status(id, status);
    }

    fn provision(&mut self, id: Id, claim: &Value, provisioner: &str, reclaim_policy: &str) {
        let name = format!("pvc-{}", text(claim, "/metadata/uid"));
        let volume = json!({
            "metadata": {
                "name": name,
                "annotations": { "pv.kubernetes.io/provisioned-by": provisioner },
                "finalizers": ["kubernetes.io/pv-protection"],
            },
            "spec": {
                "accessModes": claim["spec"]["accessModes"],
                "capacity": { "storage": claim["spec"]["resources"]["requests"]["storage"] },
                "csi": { "driver": provisioner, "volumeHandle": name },
                "persistentVolumeReclaimPolicy": reclaim_policy,
                "storageClassName": claim["spec"]["storageClassName"],
                "volumeMode": "Filesystem",
            },
        });
        let volume = self.add(&VOLUME, volume, CONTROLLERS);
        self.change(id, CONTROLLERS, |claim| {
            claim["metadata"]["annotations"]["volume.kubernetes.io/storage-provisioner"] = provisioner.into();
        });
        self.bind_to(id, &self.objects.value(id), volume);
        let message = format!("Successfully provisioned volume {name}");
        self.tell(id, "ProvisioningSucceeded", &message, provisioner);
    }

    /// A bound claim that asks for more than it has gets it, in two steps.
    fn grow(&mut self, id: Id, claim: &Value) {
        let (wanted, has) =
            (quantity(claim, "/spec/resources/requests/storage"), quantity(claim, "/status/capacity/storage"));
        let (Some(wanted_size), Some(size)) = (wanted, has) else { return };
        if wanted_size <= size {
            return;
        }
        let wanted = claim["spec"]["resources"]["requests"]["storage"].clone();
        let since = |of_type: &str| {
            condition_of(claim, of_type).map(|it| parse(text(it, "/lastTransitionTime")).unwrap_or(self.now))
        };
        let key =
            ObjectKey::new("PersistentVolumeClaim", text(claim, "/metadata/namespace"), text(claim, "/metadata/name"));
        let now = self.now;
        if let Some(since) = since("FileSystemResizePending") {
            if now < since + self.pace(GROW) {
                self.touch_at(id, since + GROW);
                return;
            }
            self.change(id, RESIZER, |claim| {
                claim["status"]["capacity"]["storage"] = wanted;
                condition::remove(claim, "FileSystemResizePending");
                if let Some(status) = claim["status"].as_object_mut() {
                    status.remove("allocatedResourceStatuses");
                }
            });
            self.tell(id, "FileSystemResizeSuccessful", "MountVolume.NodeExpandVolume succeeded", "kubelet");
        } else if let Some(since) = since("Resizing") {
            if self.faults.never_grows(&key) {
                return;
            }
            if now < since + self.pace(RESIZE) {
                self.touch_at(id, since + RESIZE);
                return;
            }
            if let Some(volume) = self.objects.find("PersistentVolume", "", text(claim, "/spec/volumeName")) {
                self.change(volume, CONTROLLERS, |volume| volume["spec"]["capacity"]["storage"] = wanted);
            }
            self.change(id, RESIZER, |claim| {
                condition::remove(claim, "Resizing");
                let message = "Waiting for user to (re-)start a pod to finish file system resize of volume on node.";
                condition::set(claim, "FileSystemResizePending", true, "", message, now);
                claim["status"]["allocatedResourceStatuses"]["storage"] = "NodeResizePending".into();
            });
            self.tell(id, "FileSystemResizeRequired", "Require file system resize of volume on node", "volume_expand");
        } else {
            self.change(id, RESIZER, |claim| {
                condition::set(claim, "Resizing", true, "", "", now);
                claim["status"]["allocatedResources"]["storage"] = wanted;
                claim["status"]["allocatedResourceStatuses"]["storage"] = "ControllerResizeInProgress".into();
            });
            let message = "waiting for an external controller to expand this PVC";
            self.tell(id, "ExternalExpanding", message, "volume_expand");
            if self.faults.never_grows(&key) {
                self.warn(id, "VolumeResizeFailed", "the driver did not expand the volume", "csi-resizer");
            }
        }
    }
}

fn quantity(value: &Value, pointer: &str) -> Option<Quantity> {
    text(value, pointer).parse().ok()
}
