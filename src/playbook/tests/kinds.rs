//! Kinds that Kubernetes does not bring.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use chrono::DateTime;
use serde_json::{Map, json};

use super::*;
use crate::cluster::{CustomKind, Kinds};
use crate::model::{Alert, AlertStatus, LabelNames};

const RENEWAL: &str = r#"apiVersion: dogwatch/v1
kind: Playbook
metadata: { name: renewal, version: 1.0.0, owner: platform }
summary: a certificate is not renewed
severity: S3
autonomy: observe
triggers:
  - alert: CertificateNotReady
target: { kind: Certificate.cert-manager.io, from: alert, label: name }
diagnose:
  - id: issuer
    k8s.get: { kind: ClusterIssuer.cert-manager.io, name: "{{target.spec.issuerRef.name}}", optional: true }
  - id: requests
    k8s.list: { kind: certificaterequests.v1.cert-manager.io }
escalate:
  - page: { message: "{{requests.count}} requests" }
"#;

fn told_of(name: &str, plural: &str, namespaced: bool) -> &'static crate::cluster::Kind {
    let told = CustomKind {
        name: name.into(),
        group: "cert-manager.io".into(),
        version: "v1".into(),
        plural: plural.into(),
        namespaced,
    };
    told.known(false).unwrap()
}

pub(super) fn cert_manager() -> Arc<Kinds> {
    let kinds = Kinds::new();
    kinds.add(told_of("Certificate", "certificates", true));
    kinds.add(told_of("CertificateRequest", "certificaterequests", true));
    kinds.add(told_of("ClusterIssuer", "clusterissuers", false));
    Arc::new(kinds)
}

fn read(text: &str, kinds: &Arc<Kinds>) -> Result<Playbook, String> {
    let problems = match Playbook::parse_with(Path::new("renewal.yaml"), text, kinds) {
        Ok(playbook) => return Ok(playbook),
        Err(problems) => problems,
    };
    Err(problems.iter().map(|problem| problem.render(false)).collect::<Vec<_>>().join("\n"))
}

fn alert(labels: &[(&str, &str)]) -> Alert {
    let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Alert {
        given: None,
        in_order: false,
        fingerprint: "1".into(),
        status: AlertStatus::Firing,
        labels,
        annotations: BTreeMap::new(),
        starts_at: DateTime::UNIX_EPOCH,
        ends_at: None,
        generator_url: String::new(),
    }
}

#[test]
fn the_alert_names_an_object_of_any_kind() {
    let playbook = read(RENEWAL, &cert_manager()).unwrap();
    let fires = alert(&[("alertname", "CertificateNotReady"), ("namespace", "web"), ("name", "shop-tls")]);
    let target = playbook.target_for(Some(&fires), &LabelNames::default(), &Map::new(), &BTreeMap::new()).unwrap();
    assert_eq!(target.key(), "Certificate.cert-manager.io/web/shop-tls");
    let cluster_wide = RENEWAL.replace("kind: Certificate.", "kind: clusterissuers.");
    let playbook = read(&cluster_wide, &cert_manager()).unwrap();
    let target = playbook.target_for(Some(&fires), &LabelNames::default(), &Map::new(), &BTreeMap::new()).unwrap();
    assert_eq!(target.key(), "ClusterIssuer.cert-manager.io//shop-tls");
}

#[test]
fn the_rights_have_the_plural_and_the_group() {
    let playbook = read(RENEWAL, &cert_manager()).unwrap();
    let rules: Vec<String> =
        rights(&playbook).iter().map(|right| format!("{} {}.{}", right.verb, right.resource, right.group)).collect();
    assert_eq!(
        rules,
        [
            "get certificates.cert-manager.io",
            "get clusterissuers.cert-manager.io",
            "list certificaterequests.cert-manager.io"
        ]
    );
}

#[test]
fn without_a_cluster_somebody_must_tell_of_them() {
    let told = read(RENEWAL, &Arc::default()).unwrap_err();
    insta::assert_snapshot!(told.split("\n\n").next().unwrap_or_default(), @"
    error[unknown-value]: what `Certificate.cert-manager.io` is called in paths and roles, and whether it is in namespaces, is not known without a cluster
     --> renewal.yaml:9:17
      |
    9 | target: { kind: Certificate.cert-manager.io, from: alert, label: name }
      |                 ^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: put its CustomResourceDefinition beside the playbooks, as `NAME.crds.yaml` (or name its folder: `--crds DIR`); or write it into `kinds.yaml` there; or have a cluster say it: `dogwatch kinds > kinds.yaml`
    ");
    assert!(told.contains("renewal.yaml:12"), "{told}");
    // With one, it is asked when the kind is needed.
    let playbook = read(RENEWAL, &Arc::new(Kinds::of_a_cluster())).unwrap();
    let fires = alert(&[("alertname", "CertificateNotReady"), ("namespace", "web"), ("name", "shop-tls")]);
    let unknown = playbook.target_for(Some(&fires), &LabelNames::default(), &Map::new(), &BTreeMap::new());
    assert!(unknown.unwrap_err().to_string().starts_with("the cluster has not told of a kind"));
    playbook.kinds.add(told_of("Certificate", "certificates", true));
    playbook.target_for(Some(&fires), &LabelNames::default(), &Map::new(), &BTreeMap::new()).unwrap();
    // A run that was pinned to it reads it back, whatever is known by then.
    Playbook::from_store(RENEWAL).unwrap();
}

/// Whether a kind has namespaces is told when it is known; nothing is taken for granted before.
#[test]
fn a_target_without_a_namespace_waits_for_its_kind() {
    let literal = RENEWAL.replace(
        "{ kind: Certificate.cert-manager.io, from: alert, label: name }",
        "{ kind: Certificate.cert-manager.io, name: front }",
    );
    let target = |namespaced: bool| {
        let playbook = read(&literal, &Arc::new(Kinds::of_a_cluster())).unwrap();
        let about = || playbook.target_for(None, &LabelNames::default(), &Map::new(), &BTreeMap::new());
        assert!(about().unwrap_err().to_string().starts_with("the cluster has not told of a kind"));
        playbook.kinds.add(told_of("Certificate", "certificates", namespaced));
        about().map(|target| target.key()).map_err(|error| error.to_string())
    };
    assert_eq!(target(false).as_deref(), Ok("Certificate.cert-manager.io//front"));
    let missing = target(true).unwrap_err();
    assert!(missing.contains("namespace is not known without an alert"), "{missing}");
    assert!(read(&literal, &cert_manager()).unwrap_err().contains("`target` needs `namespace`"));
}

#[test]
fn what_cannot_be_a_kind_says_what_can() {
    let wrong = |kind: &str| {
        read(&RENEWAL.replace("Certificate.cert-manager.io,", &format!("{kind},")), &cert_manager()).unwrap_err()
    };
    for (kind, says) in [
        ("Certificate", "write `Certificate.cert-manager.io` instead"),
        ("certificate.cert-manager.io", "write `Certificate.cert-manager.io`; or put its CustomResourceDefinition"),
        ("Deploymnet", "write `Deployment` instead"),
        ("Frobnicator", "any other one with its group"),
        ("Secret", "secrets are never read"),
        ("secrets.v1", "secrets are never read"),
        ("Secret.vault.example.com", "secrets are never read"),
    ] {
        assert!(wrong(kind).contains(says), "{kind}: {}", wrong(kind));
    }
    let secret = read(&RENEWAL.replace("ClusterIssuer.cert-manager.io", "Secret.v1"), &cert_manager()).unwrap_err();
    assert!(secret.contains("secrets are never read"), "{secret}");
    for (label, says) in [
        ("label: \"a-b\"", "that is no name of a label"),
        ("label: name, name: x", "both say what the object is called"),
    ] {
        let told = read(&RENEWAL.replace("label: name", label), &cert_manager()).unwrap_err();
        assert!(told.contains(says), "{told}");
    }
    let not_asked = RENEWAL.replace("from: alert, label: name", "namespace: web, name: shop-tls, label: name");
    assert!(read(&not_asked, &cert_manager()).unwrap_err().contains("add `from: alert`"));
}

#[test]
fn what_lies_beside_the_playbooks_tells_of_kinds() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("renewal.yaml", RENEWAL);
    assert_eq!(Catalog::load(folder.path()).0.iter().count(), 0);

    let crd = |kind: &str, plural: &str, scope: &str| {
        let versions = json!([{ "name": "v1", "served": true, "storage": true }]);
        json!({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": { "name": format!("{plural}.cert-manager.io") },
            "spec": {
                "group": "cert-manager.io", "scope": scope, "versions": versions,
                "names": { "kind": kind, "plural": plural },
            },
        })
        .to_string()
    };
    let (requests, issuers) = (
        crd("CertificateRequest", "certificaterequests", "Namespaced"),
        crd("ClusterIssuer", "clusterissuers", "Cluster"),
    );
    write("cert-manager.crds.yaml", &format!("{requests}\n---\n{issuers}\n"));
    write("kinds.yaml", "kinds:\n  - { kind: Certificate.cert-manager.io, plural: certificates, version: v1 }\n");
    let (catalog, problems) = Catalog::load(folder.path());
    assert!(problems.is_empty(), "{problems:?}");
    assert_eq!(rights(catalog.get("renewal").unwrap()).len(), 3);

    write(
        "kinds.yaml",
        "kinds:\n  - { kind: Secret.v1, plural: secrets, version: v1 }\n  - { kind: Pod, plural: pods, version: v1 }\n",
    );
    let (_, problems) = Catalog::load(folder.path());
    let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert!(told.iter().any(|told| told.contains("kinds.yaml:2:13: secrets are never read")), "{told:#?}");
    assert!(told.iter().any(|told| told.contains("`Pod` is Kubernetes' own, and known")), "{told:#?}");
    write("kinds.yaml", "kinds: {}\n");
    write("empty.crds.yaml", "a: 1\n");
    let (_, problems) = Catalog::load(folder.path());
    let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert!(told.iter().any(|told| told.contains("a list belongs here")), "{told:#?}");
    assert!(told.iter().any(|told| told.contains("it holds no CustomResourceDefinition")), "{told:#?}");
}
