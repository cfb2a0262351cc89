//! Playbooks that lie in folders: what each subcommand makes of them.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::files::PLAYBOOK;
use super::*;

/// Looks, and hands over to `look`.
const TRIAGE: &str = r#"apiVersion: dogwatch/v1
kind: Playbook
metadata: { name: triage, version: 1.0.0, owner: platform }
summary: something is wrong
severity: S2
autonomy: observe
triggers: [{ alert: SomethingWrong }]
target: { kind: Deployment, namespace: kube-system, name: coredns }
diagnose:
  - choose:
      - branch: all pods are there
        when: target.status.readyReplicas == target.spec.replicas
        hand_over_to: { playbook: look }
      - otherwise: no cause that is known
        escalate: nobody has written down what it is
escalate:
  - page: { message: "{{because}}" }
"#;

const CASES: &str = "apiVersion: dogwatch/v1
kind: Cases
playbook: triage
objects:
  - apiVersion: apps/v1
    kind: Deployment
    metadata: { namespace: kube-system, name: coredns }
    spec: { replicas: 2, selector: { matchLabels: { app: dns } }, template: { metadata: { labels: { app: dns } }, spec: { containers: [{ name: dns, image: dns }] } } }
cases:
  - name: what is well is looked at by another playbook
    alert: { name: SomethingWrong }
    expect: { outcome: proposed, runs: [triage, look] }
";

fn site(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    dir
}

fn usual() -> tempfile::TempDir {
    site(&[
        ("playbooks/dns/look.yaml", PLAYBOOK),
        ("playbooks/workload/deep/triage.yaml", TRIAGE),
        ("playbooks/workload/deep/triage.cases.yaml", CASES),
        ("playbooks/.git/old.yaml", "no playbook"),
    ])
}

fn said(dir: &Path, args: &[&str]) -> Said {
    dogwatch(dir, args, &[])
}

#[test]
fn playbooks_are_found_in_all_folders_by_whoever_asks_for_them() {
    let dir = usual();
    assert_eq!(said(dir.path(), &["check"]).out, "2 playbooks without errors; 0 errors, 0 warnings\n");
    let tested = said(dir.path(), &["test"]);
    assert!(tested.out.contains("1 passed, 0 failed") && tested.out.contains("look 1.0.0"), "{}", tested.out);
    assert!(said(dir.path(), &["rbac"]).out.contains("deployments"));
    let drill = said(dir.path(), &["drill", "triage", "--seed", "0"]);
    assert!(drill.out.contains("the same again: dogwatch drill triage --seed 0"), "{} {}", drill.out, drill.err);
}

/// What it hands over to lies in another folder.
#[test]
fn one_file_or_one_folder_knows_all_the_playbooks_that_it_is_one_of() {
    let dir = usual();
    for named in ["playbooks/workload/deep/triage.yaml", "playbooks/workload", "playbooks/workload/deep/"] {
        let tested = said(dir.path(), &["test", named]);
        assert!(tested.out.contains("1 passed, 0 failed"), "{named}: {} {}", tested.out, tested.err);
        let checked = said(dir.path(), &["check", named]);
        assert_eq!(checked.out, "1 playbook without errors; 0 errors, 0 warnings\n", "{named}");
    }
    let within = dir.path().join("playbooks/workload/deep");
    for args in [&["test", "triage.yaml"][..], &["test", "."]] {
        let tested = said(&within, args);
        assert!(tested.out.contains("1 passed, 0 failed"), "{args:?}: {} {}", tested.out, tested.err);
    }
    // Only where there is such a playbook at all.
    fs::remove_file(dir.path().join("playbooks/dns/look.yaml")).unwrap();
    let checked = said(dir.path(), &["check", "playbooks/workload"]);
    assert!(checked.code == 1 && checked.out.contains("playbooks/workload/deep/triage.yaml:13"), "{}", checked.out);
}

/// Two sites in one repository: each has a playbook of the same name, and its own is meant.
#[test]
fn what_is_nearer_is_handed_over_to() {
    let dir = site(&[
        ("playbooks/prod/dns/look.yaml", PLAYBOOK),
        ("playbooks/prod/triage.yaml", TRIAGE),
        ("playbooks/prod/triage.cases.yaml", CASES),
        ("playbooks/test/look.yaml", &PLAYBOOK.replace("severity: S2", "severity: S3")),
    ]);
    for named in ["playbooks/prod", "playbooks/prod/triage.yaml"] {
        assert_eq!(said(dir.path(), &["check", named]).code, 0, "{named}");
        assert!(said(dir.path(), &["test", named]).out.contains("1 passed, 0 failed"), "{named}");
    }
}

#[test]
fn what_folders_may_not_hold_is_told_with_its_place() {
    let dir = usual();
    let at = |name: &str| dir.path().join("playbooks").join(name);
    fs::create_dir_all(at("a/b/c/d/e")).unwrap();
    fs::write(at("a/b/c/d/e/x.yaml"), "no playbook").unwrap();
    symlink("/etc", at("etc")).unwrap();
    symlink("..", at("workload/up")).unwrap();
    fs::write(at("edge.yml"), PLAYBOOK).unwrap();
    fs::create_dir(at("storage")).unwrap();
    fs::write(at("storage/again.yaml"), PLAYBOOK).unwrap();
    fs::write(at("storage/triage.cases.yaml"), CASES).unwrap();
    let checked = said(dir.path(), &["check"]);
    insta::assert_snapshot!(checked.out);
}

/// Kinds are told of in any folder, also for one file.
#[test]
fn kinds_lie_in_any_folder() {
    let kinds = "kinds: [{ kind: Certificate.cert-manager.io, plural: certificates, version: v1 }]\n";
    let other = PLAYBOOK.replace("kind: Deployment", "kind: Certificate.cert-manager.io");
    let other = other.replace("target.status.readyReplicas == target.spec.replicas", "has(target.status)");
    let dir = site(&[("playbooks/edge/look.yaml", &other), ("playbooks/kinds/kinds.yaml", kinds)]);
    for args in [&["rbac"][..], &["rbac", "playbooks"]] {
        let roles = said(dir.path(), args);
        assert!(roles.out.contains("certificates"), "{args:?}: {} {}", roles.out, roles.err);
    }
    assert_eq!(
        said(dir.path(), &["check", "playbooks/edge/look.yaml"]).out,
        "1 playbook without errors; 0 errors, 0 warnings\n"
    );
}
