//! What the manifest says, laid out as a kubelet would and looked at by the program itself.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use dogwatch::config::Config;
use dogwatch::playbook::files_of;
use serde_json::Value;

use super::serving::{self, Serving};
use super::*;

struct Manifest {
    text: String,
    documents: Vec<Value>,
    /// In the place of the container's `/`.
    root: tempfile::TempDir,
}

impl Manifest {
    fn load() -> Self {
        let text = fs::read_to_string(super::root().join("deploy/kubernetes.yaml")).unwrap();
        let documents = serde_saphyr::from_multiple(&text).unwrap();
        Self { text, documents, root: tempfile::tempdir().unwrap() }
    }

    fn one(&self, kind: &str) -> &Value {
        let mut found = self.documents.iter().filter(|document| document["kind"] == kind);
        let one = found.next().unwrap_or_else(|| panic!("no {kind}"));
        assert!(found.next().is_none(), "another {kind}");
        one
    }

    fn pod(&self) -> &Value {
        &self.one("StatefulSet")["spec"]["template"]["spec"]
    }

    fn container(&self) -> &Value {
        &self.pod()["containers"][0]
    }

    /// The place outside of what is `path` in the container.
    fn outside(&self, path: &str) -> PathBuf {
        self.root.path().join(path.trim_start_matches('/'))
    }

    /// What a command of the manifest's head makes of files: their names.
    fn files_of(&self, command: &str) -> Vec<String> {
        let line = self.text.lines().find(|line| line.starts_with('#') && line.contains(command));
        let line = line.unwrap_or_else(|| panic!("the head does not say how to `{command}`"));
        line.split_whitespace().filter_map(|word| word.strip_prefix("--from-file=")).map(str::to_owned).collect()
    }

    /// Lays out all volumes, and gives the places in the container that can be written to.
    fn mount(&self) -> Vec<String> {
        let volumes = self.pod()["volumes"].as_array().unwrap();
        let mut writable = Vec::new();
        for mount in self.container()["volumeMounts"].as_array().unwrap() {
            let path = mount["mountPath"].as_str().unwrap();
            let place = self.outside(path);
            fs::create_dir_all(&place).unwrap();
            let Some(volume) = volumes.iter().find(|volume| volume["name"] == mount["name"]) else {
                let claims = self.one("StatefulSet")["spec"]["volumeClaimTemplates"].as_array().unwrap();
                assert!(claims.iter().any(|claim| claim["metadata"]["name"] == mount["name"]), "{mount}");
                writable.push(path.to_owned());
                continue;
            };
            let mut files: BTreeMap<String, String> = BTreeMap::new();
            if let Some(secret) = volume["secret"]["secretName"].as_str() {
                for name in self.files_of(&format!("create secret generic {secret} ")) {
                    files.insert(name.clone(), format!("{name}-that-is-long-enough\n"));
                }
            } else if volume["configMap"]["name"] == self.one("ConfigMap")["metadata"]["name"] {
                for (name, text) in self.one("ConfigMap")["data"].as_object().unwrap() {
                    files.insert(name.clone(), self.moved(text.as_str().unwrap()));
                }
            } else {
                let name = volume["configMap"]["name"].as_str().unwrap();
                for named in self.files_of(&format!("create configmap {name} ")) {
                    let named = super::root().join(named);
                    let paths: Vec<PathBuf> = match fs::read_dir(&named) {
                        Ok(entries) => entries.map(|entry| entry.unwrap().path()).collect(),
                        Err(_) => vec![named],
                    };
                    // As kubectl does: what is no file is passed over.
                    for path in paths.into_iter().filter(|path| path.is_file()) {
                        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
                        files.insert(name, fs::read_to_string(path).unwrap());
                    }
                }
            }
            // Behind two links, so that all files change at once.
            fs::create_dir(place.join("..2026_03_02")).unwrap();
            symlink("..2026_03_02", place.join("..data")).unwrap();
            for (name, text) in files {
                let file = place.join("..data").join(&name);
                fs::write(&file, text).unwrap();
                fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
                symlink(Path::new("..data").join(&name), place.join(&name)).unwrap();
            }
        }
        writable
    }

    /// The text, with each path of the container as it is outside.
    fn moved(&self, text: &str) -> String {
        let mounts = self.container()["volumeMounts"].as_array().unwrap();
        let mut places: Vec<&str> = mounts.iter().map(|mount| mount["mountPath"].as_str().unwrap()).collect();
        // The longest first, and each only where a path begins.
        places.sort_by_key(|place| std::cmp::Reverse(place.len()));
        let mut moved = text.to_owned();
        for place in places {
            moved = moved.replace(&format!(" {place}"), &format!(" {}", self.outside(place).display()));
        }
        moved
    }
}

#[test]
fn the_pod_finds_all_that_its_configuration_names() {
    let manifest = Manifest::load();
    let writable = manifest.mount();
    let args: Vec<&str> =
        manifest.container()["args"].as_array().unwrap().iter().map(|arg| arg.as_str().unwrap()).collect();
    let ["serve", "--config", path] = args.as_slice() else { panic!("{args:?}") };
    let file = manifest.outside(path);
    let said = dogwatch(manifest.root.path(), &["check", "--config", file.to_str().unwrap()], &[]);
    let shipped = files_of(&Path::new(env!("CARGO_MANIFEST_DIR")).join("playbooks")).unwrap().playbooks.len();
    assert_eq!(said.out, format!("{shipped} playbooks without errors; 0 errors, 0 warnings\n"), "{}", said.err);
    assert_eq!(said.code, 0);

    let config = Config::load(&file).unwrap();
    let is_writable = |path: &Path| writable.iter().any(|place| path.starts_with(manifest.outside(place)));
    assert!(is_writable(&config.store.sqlite), "{:?}", config.store.sqlite);
    assert!(is_writable(&config.handoff.dir), "{:?}", config.handoff.dir);
    assert!(!config.server.listen.ip().is_loopback(), "the pod's address is another one");

    let ports = manifest.container()["ports"].as_array().unwrap();
    let http = ports.iter().find(|port| port["name"] == "http").unwrap();
    assert_eq!(http["containerPort"], config.server.listen.port());
    let service = &manifest.one("Service")["spec"]["ports"][0];
    assert_eq!((&service["targetPort"], &service["port"]), (&Value::from("http"), &http["containerPort"]));
    let health = ports.iter().find(|port| port["name"] == "health").unwrap();
    let listens = config.server.health_listen.expect("what comes in must not stand in the probes' way");
    assert!(health["containerPort"] == listens.port() && !listens.ip().is_loopback(), "{listens}");
    for probe in ["readinessProbe", "livenessProbe"] {
        assert_eq!(manifest.container()[probe]["httpGet"]["port"], "health", "{probe}");
    }
}

#[test]
fn its_probes_ask_what_the_server_answers() {
    let manifest = Manifest::load();
    let folder = serving::folder();
    let config = serving::CONFIG.replace("listen: 127.0.0.1:0", "listen: 127.0.0.1:0\n  health_listen: 127.0.0.1:0");
    fs::write(folder.path().join("dogwatch.yaml"), config).unwrap();
    let server = Serving::start_in(folder, &[]);
    for probe in ["readinessProbe", "livenessProbe"] {
        let path = manifest.container()[probe]["httpGet"]["path"].as_str().unwrap();
        assert_eq!(server.get(path).0, 200, "{path}");
        assert_eq!(server.get_of_health(path).0, 200, "{path}");
    }
    // It ends what it has begun within 25 s, and is killed only after that.
    assert!(manifest.pod()["terminationGracePeriodSeconds"].as_u64().unwrap() >= 30);
}

#[test]
fn its_steps_stand_in_an_order_that_works() {
    let manifest = Manifest::load();
    let steps = [
        "docker build -f deploy/Dockerfile",
        "create namespace dogwatch",
        "create secret generic dogwatch ",
        "dogwatch rbac --shipped --service-account dogwatch/dogwatch ",
        "apply -f deploy/kubernetes.yaml",
    ];
    let places: Vec<_> =
        steps.iter().map(|step| manifest.text.find(step).unwrap_or_else(|| panic!("no {step}"))).collect();
    assert!(places.is_sorted(), "{places:?}");
    let account = &manifest.one("ServiceAccount")["metadata"];
    assert_eq!((&account["namespace"], &account["name"]), (&Value::from("dogwatch"), &Value::from("dogwatch")));
    assert_eq!(manifest.pod()["serviceAccountName"], "dogwatch");
}

#[test]
fn the_image_is_what_the_pod_expects() {
    let manifest = Manifest::load();
    let image = fs::read_to_string(super::root().join("deploy/Dockerfile")).unwrap();
    let user = &manifest.pod()["securityContext"]["runAsUser"];
    assert!(image.contains(&format!("USER {user}:")), "{user}");
    assert!(image.contains("ENTRYPOINT [\"/usr/local/bin/dogwatch\"]"), "the pod gives arguments only");
    let args = serde_json::to_string(&manifest.container()["args"]).unwrap().replace(',', ", ");
    assert!(image.contains(&format!("CMD {args}")), "{args}");
}
