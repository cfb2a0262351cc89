//! What the API server fills in where a manifest says nothing. Only what somebody here asks for.

use serde_json::{Value, json};

/// Fills in the defaults of a new object.
pub(super) fn set_defaults(kind: &str, object: &mut Value) {
    match kind {
        "Deployment" => {
            default(&mut object["spec"], "replicas", json!(1));
            let strategy =
                json!({ "type": "RollingUpdate", "rollingUpdate": { "maxSurge": "25%", "maxUnavailable": "25%" } });
            default(&mut object["spec"], "strategy", strategy);
            default(&mut object["spec"], "revisionHistoryLimit", json!(10));
            default(&mut object["spec"], "progressDeadlineSeconds", json!(600));
            pod_defaults(&mut object["spec"]["template"]["spec"]);
        }
        "ReplicaSet" | "DaemonSet" => {
            if kind == "ReplicaSet" {
                default(&mut object["spec"], "replicas", json!(1));
            }
            pod_defaults(&mut object["spec"]["template"]["spec"]);
        }
        "StatefulSet" => {
            default(&mut object["spec"], "replicas", json!(1));
            default(&mut object["spec"], "podManagementPolicy", json!("OrderedReady"));
            let strategy = json!({ "type": "RollingUpdate", "rollingUpdate": { "partition": 0 } });
            default(&mut object["spec"], "updateStrategy", strategy);
            pod_defaults(&mut object["spec"]["template"]["spec"]);
        }
        "Pod" => pod_defaults(&mut object["spec"]),
        "Job" => {
            job_defaults(&mut object["spec"]);
            pod_defaults(&mut object["spec"]["template"]["spec"]);
        }
        "CronJob" => {
            default(&mut object["spec"], "concurrencyPolicy", json!("Allow"));
            default(&mut object["spec"], "suspend", json!(false));
            pod_defaults(&mut object["spec"]["jobTemplate"]["spec"]["template"]["spec"]);
        }
        "PersistentVolumeClaim" => {
            default(&mut object["spec"], "volumeMode", json!("Filesystem"));
            let finalizers = &mut object["metadata"]["finalizers"];
            if !finalizers.is_array() {
                *finalizers = json!(["kubernetes.io/pvc-protection"]);
            }
        }
        "PersistentVolume" => {
            default(&mut object["spec"], "persistentVolumeReclaimPolicy", json!("Retain"));
            default(&mut object["spec"], "volumeMode", json!("Filesystem"));
        }
        "StorageClass" => {
            default(object, "reclaimPolicy", json!("Delete"));
            default(object, "volumeBindingMode", json!("Immediate"));
        }
        "Namespace" => {
            let name = object["metadata"]["name"].clone();
            default(&mut object["metadata"]["labels"], "kubernetes.io/metadata.name", name);
            default(&mut object["status"], "phase", json!("Active"));
        }
        _ => {}
    }
}

/// A Job finds its pods by its own UID.
pub(super) fn set_job_selector(job: &mut Value) {
    if job["spec"]["selector"].is_object() || job["spec"]["manualSelector"] == json!(true) {
        return;
    }
    let (uid, name) = (job["metadata"]["uid"].clone(), job["metadata"]["name"].clone());
    job["spec"]["selector"] = json!({ "matchLabels": { "batch.kubernetes.io/controller-uid": uid } });
    let labels = &mut job["spec"]["template"]["metadata"]["labels"];
    for (label, value) in [("controller-uid", uid), ("job-name", name)] {
        labels[format!("batch.kubernetes.io/{label}")] = value.clone();
        labels[label] = value;
    }
}

fn job_defaults(spec: &mut Value) {
    default(spec, "parallelism", json!(1));
    default(spec, "completions", json!(1));
    default(spec, "backoffLimit", json!(6));
    default(spec, "completionMode", json!("NonIndexed"));
    default(spec, "suspend", json!(false));
}

fn pod_defaults(spec: &mut Value) {
    if !spec.is_object() {
        return;
    }
    default(spec, "restartPolicy", json!("Always"));
    default(spec, "terminationGracePeriodSeconds", json!(30));
    default(spec, "dnsPolicy", json!("ClusterFirst"));
    default(spec, "schedulerName", json!("default-scheduler"));
}

fn default(object: &mut Value, field: &str, value: Value) {
    if object.get(field).is_none_or(Value::is_null) {
        object[field] = value;
    }
}
