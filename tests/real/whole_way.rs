//! The whole way on real programs: a real Alertmanager delivers to the real `dogwatch serve`, which asks a real Prometheus and works on
//! a real API server, as a user with just the roles that `dogwatch rbac` prints. The API server's audit log is the witness.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::world::alertmanager::{Alertmanager, Version, Webhook};
use crate::world::control_plane::ControlPlane;
use crate::world::folder::Folder;
use crate::world::http;
use crate::world::ports::free_port;
use crate::world::process::Process;
use crate::world::prometheus::Prometheus;
use crate::world::wait::{wait_for, wait_until};

const SOON: Duration = Duration::from_secs(60);
const WEBHOOK_TOKEN: &str = "a-webhook-token-of-the-tests";
const API_TOKEN: &str = "an-api-token-of-the-tests";
const GIB: f64 = 1024.0 * 1024.0 * 1024.0;

/// Everything around one bot, and the bot.
struct Site {
    cluster: ControlPlane,
    prometheus: Prometheus,
    folder: Folder,
    port: u16,
    bot: Option<Process>,
}

impl Site {
    async fn open() -> Self {
        let cluster = ControlPlane::start().await;
        let prometheus = Prometheus::start().await;
        let folder = Folder::new("whole-way");
        let mut site = Self { cluster, prometheus, folder, port: free_port(), bot: None };
        site.configure();
        site.grant().await;
        site.start_bot().await;
        site
    }

    fn configure(&self) {
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("playbooks");
        std::fs::create_dir(self.folder.join("playbooks")).expect("a new folder");
        for name in ["pvc-filling.yaml", "pvc-pending.yaml"] {
            let text = std::fs::read_to_string(shipped.join(name)).expect("a shipped playbook");
            // The playbook as it is shipped, but for its patience: these tests live in real time.
            let text = text.replace("settle: 2m", "settle: 2s").replace("every: 1m", "every: 1s");
            self.folder.write(format!("playbooks/{name}"), text);
        }
        std::fs::copy(
            Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/oncall.yaml"),
            self.folder.join("oncall.yaml"),
        )
        .expect("the shipped rotation");
        self.folder.write("webhook-token", WEBHOOK_TOKEN);
        self.folder.write("api-token", API_TOKEN);
        let config = format!(
            "server:\n  listen: 127.0.0.1:{port}\n  webhook_auth: {{ bearer: {{ file: webhook-token }} }}\n  \
             api_tokens: [{{ name: ada, role: responder, token: {{ file: api-token }} }}]\n\
             store: {{ sqlite: dogwatch.db }}\n\
             cluster: {{ kubeconfig: {kubeconfig} }}\n\
             prometheus: {{ url: \"{prometheus}\" }}\n\
             playbooks: {{ dir: playbooks }}\n\
             oncall: {{ file: oncall.yaml }}\n\
             handoff: {{ dir: handoffs }}\n\
             chat: {{ console: off }}\n",
            port = self.port,
            kubeconfig = self.cluster.bot_kubeconfig().display(),
            prometheus = self.prometheus.url(),
        );
        self.folder.write("dogwatch.yaml", config);
    }

    /// Gives the bot's user what `dogwatch rbac` prints, and nothing else.
    async fn grant(&self) {
        let printed = Command::new(env!("CARGO_BIN_EXE_dogwatch"))
            .args(["rbac", "--user", "dogwatch"])
            .arg(self.folder.join("playbooks"))
            .output()
            .expect("dogwatch runs");
        assert!(printed.status.success(), "{}", String::from_utf8_lossy(&printed.stderr));
        let printed = String::from_utf8(printed.stdout).expect("text");
        let roles: Vec<Value> = serde_saphyr::from_multiple(&printed).expect("manifests");
        assert!(!roles.is_empty());
        for role in roles {
            self.cluster.admin.apply(role).await;
        }
    }

    async fn start_bot(&mut self) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dogwatch"));
        command.args(["serve", "--config"]).arg(self.folder.join("dogwatch.yaml"));
        let bot = Process::start("dogwatch", self.folder.path(), &command);
        let ready = format!("http://127.0.0.1:{}/readyz", self.port);
        bot.wait_until(SOON, "dogwatch is ready", async || http::is_healthy(&ready).await).await;
        self.bot = Some(bot);
    }

    async fn kill_bot(&mut self) {
        let bot = self.bot.take().expect("a bot that runs");
        bot.signal("KILL");
        bot.ended(SOON).await;
    }

    async fn says(&self, command: &str) -> String {
        let url = format!("http://127.0.0.1:{}/v1/commands", self.port);
        let request = http::client().post(url).bearer_auth(API_TOKEN).json(&json!({ "command": command }));
        let answer: Value = request.send().await.expect("the bot answers").json().await.expect("JSON");
        answer["reply"].as_str().unwrap_or_else(|| panic!("no reply: {answer}")).to_owned()
    }

    async fn alertmanager(&self, version: Version) -> Alertmanager {
        let url = format!("http://127.0.0.1:{}/v1/alertmanager", self.port);
        Alertmanager::start(version, &Webhook::to(url, WEBHOOK_TOKEN)).await
    }

    /// A bound claim of 1Gi in a namespace of its own, nearly full.
    async fn claim(&self, name: &str) -> String {
        let namespace = self.cluster.namespace(name).await;
        let admin = &self.cluster.admin;
        admin
            .apply(json!({
                "apiVersion": "storage.k8s.io/v1",
                "kind": "StorageClass",
                "metadata": { "name": "grows" },
                "provisioner": "kubernetes.io/no-provisioner",
                "allowVolumeExpansion": true,
            }))
            .await;
        let volume = format!("{namespace}-volume");
        admin
            .apply(json!({
                "apiVersion": "v1",
                "kind": "PersistentVolume",
                "metadata": { "name": volume },
                "spec": {
                    "capacity": { "storage": "1Gi" },
                    "accessModes": ["ReadWriteOnce"],
                    "storageClassName": "grows",
                    "hostPath": { "path": "/nowhere" },
                    "claimRef": { "namespace": namespace, "name": "data" },
                },
            }))
            .await;
        admin.apply(pending_claim(&namespace, "data", "grows")).await;
        let path = claim_path(&namespace);
        wait_until(SOON, "the claim is bound", async || admin.get(&path).await["status"]["phase"] == "Bound").await;
        self.exports_usage(&namespace, 1.0);
        self.prometheus.wait_for(&format!("kubelet_volume_stats_capacity_bytes{{namespace=\"{namespace}\"}}")).await;
        // A pace needs two samples.
        self.prometheus
            .wait_for(&format!("deriv(kubelet_volume_stats_used_bytes{{namespace=\"{namespace}\"}}[1h])"))
            .await;
        namespace
    }

    fn exports_usage(&self, namespace: &str, capacity_gib: f64) {
        let labels = format!("{{namespace=\"{namespace}\",persistentvolumeclaim=\"data\"}}");
        self.prometheus.exports(&format!(
            "kubelet_volume_stats_used_bytes{labels} {}\nkubelet_volume_stats_available_bytes{labels} {}\n\
             kubelet_volume_stats_capacity_bytes{labels} {}",
            0.95 * GIB,
            (capacity_gib - 0.95) * GIB,
            capacity_gib * GIB
        ));
    }

    /// Plays the storage driver once the bot has asked for more.
    async fn grow_when_asked(&self, namespace: &str) {
        let path = claim_path(namespace);
        let asked = wait_for(SOON, "the bot asks for more", async || {
            let claim = self.cluster.admin.get(&path).await;
            let size = claim["spec"]["resources"]["requests"]["storage"].as_str()?.to_owned();
            (size != "1Gi").then_some(size)
        })
        .await;
        assert_eq!(asked, "2Gi");
        let capacity = json!({ "spec": { "capacity": { "storage": "2Gi" } } });
        self.cluster.admin.patch(&format!("/api/v1/persistentvolumes/{namespace}-volume"), capacity).await;
        self.cluster.admin.patch_status(&path, json!({ "capacity": { "storage": "2Gi" } })).await;
        self.exports_usage(namespace, 2.0);
    }

    /// Waits until the incident says this of itself.
    async fn told(&self, incident: &str, part: &str) -> String {
        wait_for(SOON, &format!("{incident} tells of `{part}`"), async || {
            let why = self.says(&format!("/why {incident}")).await;
            why.contains(part).then_some(why)
        })
        .await
    }

    async fn mutations(&self, namespace: &str) -> Vec<String> {
        let audit = self.cluster.audit().await.within(namespace);
        audit.mutations().into_iter().filter(|request| request.succeeded()).map(ToString::to_string).collect()
    }
}

fn claim_path(namespace: &str) -> String {
    format!("/api/v1/namespaces/{namespace}/persistentvolumeclaims/data")
}

fn pending_claim(namespace: &str, name: &str, class: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": { "namespace": namespace, "name": name },
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": class,
            "resources": { "requests": { "storage": "1Gi" } },
        },
    })
}

fn alert(name: &str, namespace: &str, claim: &str) -> Value {
    json!([{ "labels": {
        "alertname": name, "severity": "critical", "team": "databases", "namespace": namespace, "persistentvolumeclaim": claim,
    } }])
}

#[tokio::test]
async fn a_volume_that_fills_is_grown_and_a_claim_without_a_class_is_left_to_a_human() {
    let site = Site::open().await;
    let namespace = site.claim("filling").await;
    let today = site.alertmanager(Version::V0_34).await;
    let debian = site.alertmanager(Version::V0_25).await;

    today.post_alerts(&alert("KubePersistentVolumeFillingUp", &namespace, "data")).await;
    // The same, from an Alertmanager of another age: it is one incident.
    debian.post_alerts(&alert("KubePersistentVolumeFillingUp", &namespace, "data")).await;
    site.grow_when_asked(&namespace).await;
    site.told("INC-1", "fixed").await;
    assert_eq!(site.mutations(&namespace).await, ["patch persistentvolumeclaims/data 200"]);

    let waiting = site.cluster.namespace("waiting").await;
    site.cluster.admin.apply(pending_claim(&waiting, "data", "gold-ssd")).await;
    today.post_alerts(&alert("PersistentVolumeClaimPending", &waiting, "data")).await;
    let why = site.told("INC-2", "escalated").await;
    assert!(why.contains("gold-ssd"), "{why}");
    assert_eq!(site.mutations(&waiting).await, Vec::<String>::new());
    let incidents = site.says("/incidents all").await;
    assert!(!incidents.contains("INC-3"), "{incidents}");
}

#[tokio::test]
async fn a_run_goes_on_after_kill_9_at_any_moment_and_nothing_is_done_twice() {
    let mut site = Site::open().await;
    let namespace = site.claim("killed").await;
    let alertmanager = site.alertmanager(Version::V0_34).await;
    alertmanager.post_alerts(&alert("KubePersistentVolumeFillingUp", &namespace, "data")).await;
    // Killed again and again: before the notification, in the diagnosis, around the mutation, in the verify.
    for after in [400, 900, 1_150, 1_300, 1_500] {
        tokio::time::sleep(Duration::from_millis(after)).await;
        site.kill_bot().await;
        site.start_bot().await;
    }
    site.grow_when_asked(&namespace).await;
    site.kill_bot().await;
    site.start_bot().await;
    site.told("INC-1", "fixed").await;
    assert_eq!(site.mutations(&namespace).await, ["patch persistentvolumeclaims/data 200"]);
}
