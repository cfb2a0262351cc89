//! The usual objects, as they are when nothing is wrong with them. [`Object::with`] changes what should be otherwise.

use serde_json::{Value, json};

use crate::cluster::Object;

/// A Deployment with so many pods, all of them ready. Its label and selector is `app: <name>`.
pub fn deployment(namespace: &str, name: &str, replicas: i64) -> Object {
    Object(json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata(namespace, name),
        "spec": {
            "replicas": replicas,
            "selector": { "matchLabels": { "app": name } },
            "template": template(name),
        },
        "status": ready(replicas),
    }))
}

/// A StatefulSet with so many pods, all of them ready: `<name>-0` and so on. Its label and selector is `app: <name>`.
pub fn statefulset(namespace: &str, name: &str, replicas: i64) -> Object {
    Object(json!({
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": metadata(namespace, name),
        "spec": {
            "replicas": replicas,
            "serviceName": name,
            "selector": { "matchLabels": { "app": name } },
            "template": template(name),
        },
        "status": ready(replicas),
    }))
}

/// A pod that runs and is ready. Its label is `app: <app>`.
pub fn pod(namespace: &str, name: &str, app: &str) -> Object {
    let conditions = ["PodScheduled", "Initialized", "ContainersReady", "Ready"];
    let conditions = conditions.map(|of_type| json!({ "type": of_type, "status": "True" }));
    let mut metadata = metadata(namespace, name);
    metadata["labels"]["app"] = app.into();
    Object(json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": { "nodeName": "node", "containers": [{ "name": "main", "image": format!("registry.example/{app}:1") }] },
        "status": {
            "phase": "Running",
            "conditions": conditions,
            "containerStatuses": [{
                "name": "main",
                "image": format!("registry.example/{app}:1"),
                "imageID": "",
                "ready": true,
                "restartCount": 0,
                "state": { "running": {} },
            }],
        },
    }))
}

/// The pod, using a claim as the volume `data`.
pub fn using_claim(pod: Object, claim: &str) -> Object {
    pod.with(&json!({ "spec": { "volumes": [{ "name": "data", "persistentVolumeClaim": { "claimName": claim } }] } }))
}

/// The object, owned by a controller.
pub fn owned_by(object: Object, owner: &Object) -> Object {
    let reference = json!({
        "apiVersion": owner.text("/apiVersion"),
        "kind": owner.kind(),
        "name": owner.name(),
        // A UID that is not known yet is found by the name.
        "uid": owner.uid(),
        "controller": true,
        "blockOwnerDeletion": true,
    });
    object.with(&json!({ "metadata": { "ownerReferences": [reference] } }))
}

/// A claim that is bound to a volume of that size: `10Gi`.
pub fn pvc(namespace: &str, name: &str, class: &str, size: &str) -> Object {
    pending_pvc(namespace, name, class, size).with(&json!({
        "spec": { "volumeName": format!("pvc-{namespace}-{name}") },
        "status": { "phase": "Bound", "accessModes": ["ReadWriteOnce"], "capacity": { "storage": size } },
    }))
}

/// A claim that has no volume yet. It gets one when its class can make one.
pub fn pending_pvc(namespace: &str, name: &str, class: &str, size: &str) -> Object {
    Object(json!({
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": metadata(namespace, name),
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": class,
            "resources": { "requests": { "storage": size } },
        },
        "status": { "phase": "Pending" },
    }))
}

/// A volume that no claim has yet.
pub fn pv(name: &str, class: &str, size: &str) -> Object {
    Object(json!({
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": { "name": name },
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "capacity": { "storage": size },
            "storageClassName": class,
            "hostPath": { "path": format!("/volumes/{name}") },
        },
    }))
}

/// A class that makes volumes at once, by a driver.
pub fn storage_class(name: &str, is_expandable: bool) -> Object {
    Object(json!({
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": { "name": name },
        "provisioner": "csi.example.com",
        "allowVolumeExpansion": is_expandable,
    }))
}

/// A node that is ready.
pub fn node(name: &str) -> Object {
    Object(json!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": { "name": name, "labels": { "kubernetes.io/hostname": name } },
        "spec": {},
        "status": {
            "conditions": [{ "type": "Ready", "status": "True", "reason": "KubeletReady" }],
            "capacity": { "cpu": "16", "memory": "64Gi", "pods": "500" },
            "allocatable": { "cpu": "16", "memory": "64Gi", "pods": "500" },
        },
    }))
}

/// A Job that has just been created: its pod runs to the end, then it is complete.
pub fn job(namespace: &str, name: &str) -> Object {
    let mut template = template(name);
    template["spec"]["restartPolicy"] = "Never".into();
    Object(json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": metadata(namespace, name),
        "spec": { "backoffLimit": 0, "template": template },
    }))
}

/// A CronJob: `15 3 * * *`.
pub fn cronjob(namespace: &str, name: &str, schedule: &str) -> Object {
    let mut template = template(name);
    template["spec"]["restartPolicy"] = "Never".into();
    Object(json!({
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": metadata(namespace, name),
        "spec": { "schedule": schedule, "jobTemplate": { "spec": { "template": template } } },
    }))
}

/// An Event about an object. `of_type` is `Normal` or `Warning`; `at` is a time in RFC 3339.
pub fn event(about: &Object, of_type: &str, reason: &str, message: &str, at: &str) -> Object {
    let namespace = if about.namespace().is_empty() { "default" } else { about.namespace() };
    Object(json!({
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": { "namespace": namespace, "name": format!("{}.{}", about.name(), reason.to_lowercase()) },
        "involvedObject": {
            "apiVersion": about.text("/apiVersion"),
            "kind": about.kind(),
            "namespace": about.namespace(),
            "name": about.name(),
            "uid": about.uid(),
        },
        "type": of_type,
        "reason": reason,
        "message": message,
        "source": { "component": "test" },
        "firstTimestamp": at,
        "lastTimestamp": at,
        "count": 1,
    }))
}

/// A ConfigMap with these keys and values.
pub fn configmap(namespace: &str, name: &str, data: &[(&str, &str)]) -> Object {
    let data: Value = data.iter().map(|(key, value)| ((*key).to_owned(), Value::from(*value))).collect();
    Object(json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata(namespace, name), "data": data }))
}

/// An autoscaler that owns the replicas of a Deployment of the same name.
pub fn hpa(namespace: &str, name: &str, min: i64, max: i64) -> Object {
    Object(json!({
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": metadata(namespace, name),
        "spec": {
            "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": name },
            "minReplicas": min,
            "maxReplicas": max,
            "metrics": [{
                "type": "Resource",
                "resource": { "name": "cpu", "target": { "type": "Utilization", "averageUtilization": 80 } },
            }],
        },
    }))
}

fn metadata(namespace: &str, name: &str) -> Value {
    json!({ "namespace": namespace, "name": name, "labels": { "app": name } })
}

fn template(app: &str) -> Value {
    json!({
        "metadata": { "labels": { "app": app } },
        "spec": { "containers": [{ "name": "main", "image": format!("registry.example/{app}:1") }] },
    })
}

fn ready(replicas: i64) -> Value {
    json!({
        "observedGeneration": 1,
        "replicas": replicas,
        "readyReplicas": replicas,
        "availableReplicas": replicas,
        "updatedReplicas": replicas,
    })
}
