//! The kinds that a real API server has, saved for those who ask none.

use std::process::Command;

use serde_json::json;

use crate::world::control_plane::ControlPlane;

#[tokio::test]
async fn a_cluster_says_which_kinds_it_has() {
    let control_plane = ControlPlane::shared().await;
    let schema = json!({ "openAPIV3Schema": { "type": "object", "x-kubernetes-preserve-unknown-fields": true } });
    control_plane
        .admin
        .apply(json!({
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": { "name": "gadgets.saved.example.com" },
            "spec": {
                "group": "saved.example.com",
                "scope": "Cluster",
                "names": { "kind": "Gadget", "listKind": "GadgetList", "plural": "gadgets", "singular": "gadget" },
                "versions": [{ "name": "v1beta1", "served": true, "storage": true, "schema": schema }],
            },
        }))
        .await;
    // What was just defined is served a moment later.
    let mut saved = String::new();
    for _ in 0..60 {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dogwatch"));
        command.arg("kinds").env("KUBECONFIG", control_plane.admin_kubeconfig());
        let said = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
        saved = String::from_utf8(said.stdout).unwrap();
        if saved.contains("Gadget") {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(250)).await;
    }
    let gadget = ["kind: Gadget.saved.example.com", "plural: gadgets", "version: v1beta1", "namespaced: false"];
    assert!(gadget.iter().all(|line| saved.contains(line)), "{saved}");
    assert!(!saved.contains("Secret"), "{saved}");

    // Those who ask no cluster read it beside the playbooks.
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("kinds.yaml"), &saved).unwrap();
    let (_, problems) = dogwatch::playbook::Catalog::load(folder.path());
    assert!(problems.is_empty(), "{problems:?}");
}
