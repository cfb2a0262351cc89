//! A real Patroni cluster: Patroni and PostgreSQL from Debian, with a test control plane as the
//! store. Each member has a loopback address of its own, as a pod would, and a pod that the test
//! plays.
//!
//! PostgreSQL does not run as root, and leaves the process group of the Patroni that started it. So
//! it is ended by its own pid file; and after a `kill -9` of the test process, by itself: it stops
//! within a minute once its folder is gone.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use super::control_plane::ControlPlane;
use super::folder::Folder;
use super::http;
use super::ports::free_port;
use super::process::Process;
use super::programs::{installed, installed_by};
use super::wait::wait_until;

/// Measured: 6 s for a leader, 5 s for a replica, on two idle cores.
const START: Duration = Duration::from_secs(240);
const PROGRAMS: &str = "/usr/lib/postgresql/15/bin";
const USER: &str = "postgres";
/// Those of a test on loopback that is over in a minute.
const PASSWORD: &str = "for-the-tests-alone";

pub struct PatroniCluster<'c> {
    control_plane: &'c ControlPlane,
    pub namespace: String,
    pub scope: String,
    /// Of the REST API, on each member's address.
    pub port: u16,
    sql_port: u16,
    /// In this order: the programs end before their folder goes.
    members: Vec<Option<Process>>,
    folder: Folder,
}

impl<'c> PatroniCluster<'c> {
    /// One that leads, and `replicas` that stream from it. They keep 16 MB of WAL, the least that
    /// Patroni takes.
    pub async fn start(control_plane: &'c ControlPlane, namespace: &str, scope: &str, replicas: usize) -> Self {
        let folder = Folder::new("patroni");
        open_to(folder.path());
        let kubeconfig = std::fs::read_to_string(control_plane.admin_kubeconfig()).expect("the kubeconfig");
        let mut kubeconfig: Value = serde_json::from_str(&kubeconfig).expect("JSON");
        let authority = std::fs::read(control_plane.ca_file()).expect("the authority's certificate");
        kubeconfig["clusters"][0]["cluster"]["certificate-authority"] = json!(folder.write("ca.crt", authority));
        folder.write("kubeconfig", kubeconfig.to_string());
        let mut cluster = Self {
            control_plane,
            namespace: namespace.to_owned(),
            scope: scope.to_owned(),
            port: free_port(),
            sql_port: free_port(),
            members: Vec::new(),
            folder,
        };
        for member in 0..=replicas {
            cluster.make_pod(member).await;
            cluster.configure(member);
            cluster.members.push(None);
            cluster.run(member).await;
        }
        cluster
    }

    /// `db-1`, which is also the name of its pod.
    pub fn name(&self, member: usize) -> String {
        format!("{}-{member}", self.scope)
    }

    pub fn address(member: usize) -> String {
        format!("127.0.0.{}", member + 2)
    }

    /// What the member's REST API answers.
    pub async fn asks(&self, member: usize, path: &str) -> Option<String> {
        let url = format!("http://{}:{}{path}", Self::address(member), self.port);
        let answer = http::client().get(&url).timeout(Duration::from_secs(5)).send().await.ok()?;
        answer.text().await.ok()
    }

    /// What it says of itself, `state` and all; null where it does not answer.
    pub async fn status(&self, member: usize) -> Value {
        let text = self.asks(member, "/patroni").await.unwrap_or_default();
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// The names of the members that stream from the first one.
    pub async fn streaming(&self) -> Vec<String> {
        let status = self.status(0).await;
        let followers = status["replication"].as_array().cloned().unwrap_or_default().into_iter();
        let streaming = followers.filter(|follower| follower["state"] == "streaming");
        streaming.filter_map(|follower| follower["application_name"].as_str().map(str::to_owned)).collect()
    }

    /// The lines of the member's own `/metrics` about WAL, with the labels that a scrape adds.
    pub async fn metrics(&self, member: usize) -> String {
        let text = self.asks(member, "/metrics").await.unwrap_or_default();
        let labels = format!("{{namespace=\"{}\",pod=\"{}\",", self.namespace, self.name(member));
        let lines = text.lines().filter(|line| line.starts_with("patroni_xlog_"));
        lines.map(|line| format!("{}\n", line.replacen('{', &labels, 1))).collect()
    }

    /// Runs SQL on a member, and gives what it prints.
    pub fn sql(&self, member: usize, sql: &str) -> String {
        let mut command = Command::new(bin("psql"));
        command.args(["-qAt", "-v", "ON_ERROR_STOP=1", "-U", USER, "-d", USER, "-h", &Self::address(member)]);
        command.args(["-p", &self.sql_port.to_string(), "-c", sql]).env("PGPASSWORD", PASSWORD);
        let output = command.output().expect("psql runs");
        assert!(output.status.success(), "{sql}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Ends Patroni and PostgreSQL of one member, as when its node goes.
    pub fn kill(&mut self, member: usize) {
        if let Some(process) = self.members[member].take() {
            process.signal("KILL");
        }
        self.end_postgres(member);
    }

    /// Starts a member, and waits until PostgreSQL runs.
    pub async fn run(&mut self, member: usize) {
        let program = installed_by("setpriv", "util-linux");
        let mut command = Command::new(program);
        command
            .args([format!("--reuid={USER}"), format!("--regid={USER}"), "--clear-groups".into()])
            .arg(installed("patroni"))
            .arg(self.folder.join(format!("{member}.yml")))
            .env("HOME", self.home(member))
            .env("KUBECONFIG", self.folder.join("kubeconfig"))
            .current_dir(self.home(member));
        let process = Process::start(&format!("patroni-{member}"), self.folder.path(), &command);
        let runs = async || self.status(member).await["state"] == "running";
        process.wait_until(START, "PostgreSQL runs", runs).await;
        self.members[member] = Some(process);
    }

    fn home(&self, member: usize) -> PathBuf {
        self.folder.join(format!("m{member}"))
    }

    fn configure(&self, member: usize) {
        let (home, address, name) = (self.home(member), Self::address(member), self.name(member));
        std::fs::create_dir(&home).expect("a new folder");
        let given = Command::new("chown").arg(USER).arg(&home).status().expect("chown runs");
        assert!(given.success(), "cannot give {} to {USER}: run as root", home.display());
        let at = |port: u16| format!("{address}:{port}");
        let hba = ["host all all 127.0.0.0/8 trust", "host replication all 127.0.0.0/8 trust"];
        let login = |username: &str| json!({ "username": username, "password": PASSWORD });
        let config = json!({
            "scope": self.scope,
            "name": name,
            "restapi": { "listen": at(self.port), "connect_address": at(self.port) },
            "kubernetes": {
                "context": "test",
                "namespace": self.namespace,
                "labels": { "application": "patroni" },
                "scope_label": "cluster-name",
                "pod_ip": address,
            },
            "bootstrap": {
                "dcs": {
                    "ttl": 20, "loop_wait": 1, "retry_timeout": 3,
                    "postgresql": {
                        "use_slots": false,
                        "parameters": { "wal_keep_size": "16MB", "max_wal_size": "4MB", "min_wal_size": "2MB" },
                    },
                },
                // So that little is enough to leave somebody behind.
                "initdb": [{ "encoding": "UTF8" }, { "wal-segsize": "1" }],
                "pg_hba": hba,
            },
            "postgresql": {
                "listen": at(self.sql_port),
                "connect_address": at(self.sql_port),
                "data_dir": home.join("data"),
                "bin_dir": PROGRAMS,
                "pgpass": home.join("pgpass"),
                "pg_hba": hba,
                "authentication": { "superuser": login(USER), "replication": login("standby") },
                "parameters": { "unix_socket_directories": home, "fsync": "off", "shared_buffers": "16MB" },
                "basebackup": [{ "checkpoint": "fast" }],
            },
        });
        self.folder.write(format!("{member}.yml"), config.to_string());
    }

    /// A pod as the kubelet would show it; no scheduler looks at it.
    async fn make_pod(&self, member: usize) {
        let admin = &self.control_plane.admin;
        let (name, namespace) = (self.name(member), &self.namespace);
        let pod = json!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "namespace": namespace, "name": name,
                "labels": { "application": "patroni", "cluster-name": self.scope },
            },
            "spec": { "schedulerName": "the-test", "containers": [{ "name": "postgres", "image": "postgres:15" }] },
        });
        admin.apply(pod).await;
        let address = Self::address(member);
        let status = json!({ "phase": "Running", "podIP": address, "podIPs": [{ "ip": address }] });
        admin.patch_status(&format!("/api/v1/namespaces/{namespace}/pods/{name}"), status).await;
    }

    fn end_postgres(&self, member: usize) {
        let pid = std::fs::read_to_string(self.home(member).join("data/postmaster.pid")).unwrap_or_default();
        let Some(pid) = pid.lines().next() else { return };
        // Its children see that it is gone, and end as well.
        let _ = Command::new("sh").args(["-c", &format!("kill -s KILL {pid}")]).status();
    }

    /// Waits until the member streams from the first one.
    pub async fn streams(&self, member: usize) {
        let name = self.name(member);
        wait_until(START, "it streams", async || self.streaming().await.contains(&name)).await;
    }
}

impl Drop for PatroniCluster<'_> {
    fn drop(&mut self) {
        (0..self.members.len()).for_each(|member| self.kill(member));
    }
}

/// Lets the user of PostgreSQL pass through a folder that only root could enter.
fn open_to(folder: &Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).expect("open the folder");
}

fn bin(program: &str) -> PathBuf {
    let folder = Path::new(PROGRAMS);
    assert!(folder.is_dir(), "PostgreSQL is not installed: run tests/run, or `apt-get install postgresql-15`");
    folder.join(program)
}
