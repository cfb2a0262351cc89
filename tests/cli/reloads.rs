//! Files that are read again by the process: on SIGHUP, and when a mount is swapped.

use std::fs;
use std::os::unix::fs::symlink;

use super::serve::until;
use super::serving::{self, ONCALL, Serving};

const PLAYBOOK: &str = "coredns-saturated.yaml";

fn shipped() -> String {
    fs::read_to_string(super::root().join("playbooks/dns").join(PLAYBOOK)).unwrap()
}

#[test]
fn files_are_read_again_on_sighup_and_when_their_mount_is_swapped() {
    let folder = serving::folder();
    let path = |name: &str| folder.path().join(name);
    // As the kubelet lays a ConfigMap out.
    let new = ONCALL
        .replace("[{ name: ada }]", "[{ name: ada }, { name: dana }]")
        .replace("members: [ada]", "members: [dana]");
    for (version, text) in [("..1", ONCALL), ("..2", new.as_str())] {
        fs::create_dir(path(version)).unwrap();
        fs::write(path(version).join("oncall.yaml"), text).unwrap();
    }
    fs::remove_file(path("oncall.yaml")).unwrap();
    symlink("..1", path("..data")).unwrap();
    symlink("..data/oncall.yaml", path("oncall.yaml")).unwrap();
    fs::write(path("playbooks").join(PLAYBOOK), shipped()).unwrap();

    let server = Serving::start_in(folder, &[]);
    let path = |name: &str| server.folder.path().join(name);
    let measures = |line: &str| server.get("/metrics").1.lines().any(|it| it == line);
    assert!(measures("dogwatch_reload_failed{what=\"oncall\"} 0"));
    server.signal("HUP");
    until(|| server.log().contains("oncall.yaml was read again: nothing that counts has changed"));
    server.signal("HUP");
    until(|| server.log().contains("nothing in oncall.yaml has changed"));

    symlink("..2", path("..tmp")).unwrap();
    fs::rename(path("..tmp"), path("..data")).unwrap();
    until(|| measures("dogwatch_reloads_total{what=\"oncall\"} 1"));

    // A mistake, and its mending.
    fs::write(path("playbooks").join(PLAYBOOK), shipped().replacen("autonomy:", "autonomie:", 1)).unwrap();
    server.signal("HUP");
    until(|| measures("dogwatch_reload_failed{what=\"playbooks\"} 1"));
    let mended = shipped().replacen("version: 1.0.0", "version: 9.0.0", 1);
    fs::write(path("playbooks").join(PLAYBOOK), mended).unwrap();
    server.signal("HUP");
    until(|| measures("dogwatch_reload_failed{what=\"playbooks\"} 0"));
    assert!(measures("dogwatch_reloads_total{what=\"playbooks\"} 1"));

    let config = fs::read_to_string(path("dogwatch.yaml")).unwrap();
    let config = config.replace("log: { format: json }", "log: { format: text }\nincidents: { runs: 5 }");
    fs::write(path("dogwatch.yaml"), config).unwrap();
    server.signal("HUP");
    until(|| measures("dogwatch_reloads_total{what=\"config\"} 1"));
    until(|| {
        let said = "dogwatch.yaml was read again: counts now: incidents.runs; needs a restart to count: log.format";
        server.log().contains(said)
    });
    // It is put out for chat before anything is looked at again, and what was put out has been
    // brought.
    let looks = || server.log().matches("nothing in dogwatch.yaml has changed").count();
    let before = looks();
    server.signal("HUP");
    until(|| looks() > before);
    until(|| measures("dogwatch_deliveries_waiting 0"));
    let console = server.stop();
    assert!(
        console.contains("oncall.yaml was read again: members + dana; team platform: rotation changed"),
        "{console}"
    );
    assert!(console.contains("coredns-saturated.yaml was NOT read again, its version "), "{console}");
    assert!(console.contains("coredns-saturated.yaml has no mistake any more"), "{console}");
    assert!(console.contains("needs a restart to count: log.format"), "{console}");
}
