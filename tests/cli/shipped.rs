//! The playbooks that come with the program.

use std::fs;
use std::path::Path;

use dogwatch::playbook::files_of;

use super::files::{ONCALL, PLAYBOOK};
use super::*;

fn said(dir: &Path, args: &[&str]) -> Said {
    dogwatch(dir, args, &[])
}

/// As `dns/x.yaml`, of all that is read.
fn in_the_folder() -> Vec<String> {
    let folder = root().join("playbooks");
    let found = files_of(&folder).unwrap();
    let files = found.playbooks.into_iter().chain(found.cases).chain([folder.join("kinds.yaml")]);
    let mut files: Vec<String> =
        files.map(|file| file.strip_prefix(&folder).unwrap().to_str().unwrap().to_owned()).collect();
    files.sort();
    files
}

#[test]
fn what_comes_with_the_program_is_what_lies_in_the_folder() {
    let (path, files) = (root().join("src/shipped.rs"), in_the_folder());
    let text = fs::read_to_string(&path).unwrap();
    let (head, rest) = text.split_once("files! {\n").unwrap();
    let (_, end) = rest.rsplit_once("};").unwrap();
    let list: String = files.iter().map(|file| format!("    \"{file}\"\n")).collect();
    let meant = format!("{head}files! {{\n{list}}};{end}");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &meant).unwrap();
    }
    assert!(text == meant, "src/shipped.rs is not current: UPDATE_DOCS=1 cargo test --test cli shipped");
    // What it was built with, and not what its list says.
    let dir = tempfile::tempdir().unwrap();
    let out = said(dir.path(), &["shipped", "--out", "all"]);
    assert_eq!(out.out, format!("{} files are in all\n", files.len()), "{}", out.err);
    for file in &files {
        let (written, kept) = (dir.path().join("all").join(file), root().join("playbooks").join(file));
        assert!(fs::read(written).unwrap() == fs::read(kept).unwrap(), "{file}");
    }
    let again = said(dir.path(), &["shipped", "--out", "all"]);
    assert!(again.code == 1 && again.err.contains("all is there already"), "{}", again.err);
}

#[test]
fn one_is_printed_and_all_are_listed() {
    let dir = tempfile::tempdir().unwrap();
    let one = said(dir.path(), &["shipped", "pvc-pending"]);
    assert_eq!(one.out, fs::read_to_string(root().join("playbooks/storage/pvc-pending.yaml")).unwrap());
    let all = said(dir.path(), &["shipped"]).out;
    let storage: Vec<&str> =
        all.lines().skip_while(|line| *line != "storage").take_while(|line| *line != "workload").collect();
    assert!(storage.iter().any(|line| line.contains("pvc-pending") && line.contains("S3  observe")), "{all}");
    assert_eq!(
        all.lines().filter(|line| line.starts_with("  ")).count(),
        files_of(&root().join("playbooks")).unwrap().playbooks.len()
    );
    let odd = said(dir.path(), &["shipped", "pvc-pendin"]);
    assert!(odd.code == 2 && odd.err.contains("do you mean `pvc-pending`?"), "{}", odd.err);
}

/// No folder of playbooks is there.
#[test]
fn they_are_checked_tested_and_drilled_without_a_folder() {
    let dir = tempfile::tempdir().unwrap();
    let count = files_of(&root().join("playbooks")).unwrap().playbooks.len();
    let checked = said(dir.path(), &["check", "--shipped"]);
    assert_eq!(checked.out, format!("{count} playbooks without errors; 0 errors, 0 warnings\n"));
    let one = said(dir.path(), &["check", "--shipped", "workload/deploy-stuck.yaml"]);
    assert_eq!(one.out, "1 playbook without errors; 0 errors, 0 warnings\n", "it hands over to another one");
    let tested = said(dir.path(), &["test", "--shipped", "storage/pvc-pending.yaml", "--all-branches"]);
    assert!(tested.code == 0 && tested.out.contains(" 0 failed"), "{} {}", tested.out, tested.err);
    let drill = said(dir.path(), &["drill", "pvc-pending", "--shipped", "--seed", "0"]);
    assert!(drill.out.contains("the same again"), "{} {}", drill.out, drill.err);
    let roles = said(dir.path(), &["rbac", "--shipped"]);
    assert_eq!(roles.out, said(root(), &["rbac"]).out);
    // Whoever may run a program in a pod may run any.
    assert!(!roles.out.contains("pods/exec"), "{}", roles.out);
    let lists = "exec: { allow: [[pgbackrest, --output=json, info, \"--stanza=*\"]] }\n";
    fs::write(dir.path().join("lists.yaml"), lists).unwrap();
    let roles = said(dir.path(), &["rbac", "--shipped", "--config", "lists.yaml"]);
    assert!(roles.code == 0 && roles.out.contains("pods/exec"), "{} {}", roles.out, roles.err);
    let none = said(dir.path(), &["check", "--shipped", "nowhere"]);
    assert_eq!(none.code, 2, "{}", none.err);
}

fn site(config: &str, own: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("own")).unwrap();
    let teams: String = ["databases", "storage"]
        .iter()
        .map(|team| ONCALL.split("teams:\n").nth(1).unwrap().replace("platform", team))
        .collect();
    fs::write(dir.path().join("oncall.yaml"), format!("{ONCALL}{teams}")).unwrap();
    fs::write(
        dir.path().join("dogwatch.yaml"),
        format!("oncall: {{ default_team: platform }}\nserver: {{ insecure_no_auth: true }}\n{config}"),
    )
    .unwrap();
    for (name, text) in own {
        fs::write(dir.path().join("own").join(name), text).unwrap();
    }
    dir
}

fn playbooks_of(dir: &Path) -> (u64, String) {
    let said = said(dir, &["check", "--config", "dogwatch.yaml", "--format", "json"]);
    let told: serde_json::Value =
        serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{} {}", said.out, said.err));
    (told["playbooks"].as_u64().unwrap_or_else(|| panic!("{told}")), said.out)
}

#[test]
fn they_count_only_where_the_configuration_says_so_and_a_site_has_its_own() {
    let count = files_of(&root().join("playbooks")).unwrap().playbooks.len() as u64;
    // No other one hands over to it.
    let shipped = fs::read_to_string(root().join("playbooks/monitoring/prometheus-disk.yaml")).unwrap();
    let own = [("look.yaml", PLAYBOOK)];
    assert_eq!(playbooks_of(site("playbooks: { dir: own }\n", &own).path()).0, 1);
    assert_eq!(playbooks_of(site("playbooks: { dir: own, catalogue: none }\n", &own).path()).0, 1);
    assert_eq!(playbooks_of(site("playbooks: { catalogue: shipped }\n", &own).path()).0, count);
    let both = "playbooks: { dir: own, catalogue: shipped }\n";
    assert_eq!(playbooks_of(site(both, &own).path()).0, count + 1);
    // One of the same name takes its place.
    let (counts, told) = playbooks_of(site(both, &[("mine.yaml", &shipped.replace("schemas/", "other/"))]).path());
    assert!(counts == count && !told.contains("duplicate-playbook"), "{told}");
    // What it was to change is not known: then none of the two counts.
    let (counts, told) =
        playbooks_of(site(both, &[("mine.yaml", &shipped.replace("autonomy: ", "autonomi: "))]).path());
    assert_eq!(counts, count - 1, "{told}");
    let (counts, told) = playbooks_of(site("playbooks: { dir: nowhere, catalogue: shipped }\n", &[]).path());
    assert!(counts == count && told.contains("missing-path"), "{told}");
    let odd = playbooks_of(site("playbooks: { catalogue: all }\n", &[]).path()).1;
    assert!(odd.contains("`all` is not known here") && odd.contains("\"line\": 3"), "{odd}");
}
