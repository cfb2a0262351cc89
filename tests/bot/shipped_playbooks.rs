//! The playbooks that come with the project load without a remark.

use std::path::Path;

use dogwatch::playbook::Catalog;

#[test]
fn the_shipped_playbooks_load_without_a_remark() {
    let (catalog, problems) = Catalog::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("playbooks"));
    let remarks: Vec<String> = problems.iter().map(|problem| problem.render(false)).collect();
    assert!(remarks.is_empty(), "\n{}\n", remarks.join("\n"));
    let names: Vec<&str> = catalog.iter().map(|playbook| playbook.name.as_str()).collect();
    assert_eq!(names, ["backup-timeout", "coredns-saturated", "pvc-filling", "pvc-pending"]);
}
