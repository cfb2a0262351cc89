//! One image, one label and one value of a ConfigMap, each of a workload that is there.

use serde_json::{Value, json};

use super::rollouts::alert;
use crate::site::{SOON, Site};
use crate::world::alertmanager::Version;
use crate::world::wait::wait_until;

const IMAGE: &str = "\
apiVersion: dogwatch/v1
kind: Playbook
metadata: { name: image, version: 1.0.0, owner: platform }
summary: an image does not come up
severity: S3
autonomy: auto
page_by: 1h
triggers: [{ alert: ImageIsBroken }]
target: { kind: Deployment, from: alert }
mitigate:
  - id: image
    k8s.set_image: { container: web, image: \"registry.example/web:1\" }
    verify: { until: \"target.spec.template.spec.containers.exists(c, c.image == image.to)\", settle: 1s, every: 5s, within: 1m }
escalate:
  - page: { message: \"{{because}}\" }
";

#[tokio::test]
async fn an_image_that_runs_is_set_again_with_just_the_printed_rights() {
    let mut site = Site::open_alone().await;
    site.cluster.hollow_node("node-1").await;
    let namespace = site.web().await;
    site.breaks_web(&namespace).await;
    site.runs_also("image", IMAGE).await;
    let alertmanager = site.alertmanager(Version::V0_34).await;
    alertmanager.post_alerts(&alert("ImageIsBroken", &namespace)).await;
    let why = site.told("INC-1", "fixed").await;
    assert!(why.contains("registry.example/web:2 -> registry.example/web:1; pods of revision 1 run it"), "{why}");
    assert_eq!(site.mutations(&namespace).await, ["patch deployments/web 200"]);
    let web = site.deployment(&namespace).await;
    let spec = &web["spec"]["template"]["spec"];
    assert_eq!(spec["containers"][0]["image"], "registry.example/web:1");
    assert_eq!(spec["nodeSelector"]["nowhere"], "at-all", "nothing but the image goes back");
}

const LABEL: &str = "\
apiVersion: dogwatch/v1
kind: Playbook
metadata: { name: label, version: 1.0.0, owner: platform }
summary: somebody is to look at the web
severity: S3
autonomy: approve
page_by: 1h
triggers: [{ alert: WebIsOdd }]
target: { kind: Deployment, from: alert }
mitigate:
  - id: mark
    k8s.label: { key: example.com/inspect, value: now }
    approval: { of: databases, within: 10m, question: Mark it? }
    verify:
      until: target.metadata.labels[?'example.com/inspected'].orValue('') == 'true'
      settle: 1s
      every: 5s
      within: 15s
    undo: unless_verified
escalate:
  - page: { message: \"{{because}}\" }
";

#[tokio::test]
async fn a_label_that_nobody_heeds_is_taken_away_again() {
    let mut site = Site::open_alone().await;
    site.cluster.hollow_node("node-1").await;
    let namespace = site.web().await;
    site.runs_also("label", LABEL).await;
    let alertmanager = site.alertmanager(Version::V0_34).await;
    alertmanager.post_alerts(&alert("WebIsOdd", &namespace)).await;
    site.told("INC-1", "asks for approval").await;
    site.says_to_databases("/approve APR-1").await;
    let mark = async || site.deployment(&namespace).await["metadata"]["labels"]["example.com/inspect"].clone();
    wait_until(SOON, "it is labelled", async || mark().await == "now").await;
    site.told("INC-1", "escalated").await;
    assert_eq!(mark().await, Value::Null);
    assert_eq!(site.mutations(&namespace).await, ["patch deployments/web 200", "patch deployments/web 200"]);
}

const MODE: &str = "\
apiVersion: dogwatch/v1
kind: Playbook
metadata: { name: mode, version: 1.0.0, owner: platform }
summary: the web is to be read-only
severity: S3
autonomy: auto
page_by: 1h
triggers: [{ alert: WebMustRest }]
target: { kind: ConfigMap, namespace: resting, name: web }
mitigate:
  - id: mode
    k8s.configmap_patch: { key: mode, value: read-only }
    verify: { until: target.data.mode == 'read-only', settle: 1s, every: 5s, within: 1m }
    undo: at_end
escalate:
  - page: { message: \"{{because}}\" }
";

#[tokio::test]
async fn a_value_that_the_configuration_names_is_set_and_put_back() {
    let mut site = Site::open_alone().await;
    let namespace = site.cluster.namespace("resting").await;
    let metadata = json!({ "namespace": namespace, "name": "web" });
    let data = json!({ "mode": "read-write", "workers": "4" });
    let config = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data });
    site.cluster.admin.apply(config).await;
    let allowed = format!("actions: {{ config_maps: [{{ namespace: {namespace}, name: web, key: mode }}] }}");
    site.configure_more(&allowed).await;
    site.runs_also("mode", &MODE.replace("namespace: resting", &format!("namespace: {namespace}"))).await;
    let alertmanager = site.alertmanager(Version::V0_34).await;
    alertmanager.post_alerts(&json!([{ "labels": { "alertname": "WebMustRest", "severity": "warning" } }])).await;
    let why = site.told("INC-1", "fixed").await;
    assert!(why.contains("`read-write` -> `read-only`"), "{why}");
    assert_eq!(site.mutations(&namespace).await, ["patch configmaps/web 200", "patch configmaps/web 200"]);
    let live = site.cluster.admin.get(&format!("/api/v1/namespaces/{namespace}/configmaps/web")).await;
    assert_eq!(live["data"], data, "it is put back");
}
