//! A real Patroni cluster: Patroni and PostgreSQL from Debian, with a test control plane as the
//! store. Each member has a loopback address of its own, as a pod would, and a pod that the test
//! plays, on the node that has logs.
//!
//! PostgreSQL does not run as root, and leaves the process group of the Patroni that started it. So
//! it is ended by its own pid file; and after a `kill -9` of the test process, by itself: it stops
//! within a minute once its folder is gone.

mod plan;
mod writer;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

pub use self::plan::Plan;
pub use self::writer::Writer;
use super::control_plane::ControlPlane;
use super::folder::Folder;
use super::http;
use super::kubelet::NODE;
use super::ports::free_port;
use super::process::Process;
use super::programs::{installed, installed_by};
use super::wait::{wait_for, wait_until};

/// Measured: 6 s for a leader, 5 s for a replica, on two idle cores.
const START: Duration = Duration::from_secs(240);
const PROGRAMS: &str = "/usr/lib/postgresql/15/bin";
const USER: &str = "postgres";
/// Those of a test on loopback that is over in a minute.
const PASSWORD: &str = "for-the-tests-alone";
/// The containers of a pod.
const SERVER: &str = "postgres";
const EXPORTER: &str = "exporter";

pub struct PatroniCluster {
    pub namespace: String,
    pub scope: String,
    /// Of the REST API, on each member's address.
    pub port: u16,
    pub sql_port: u16,
    plan: Plan,
    /// In this order: the programs end before their folder goes.
    members: Vec<Option<Process>>,
    exporters: Vec<Process>,
    folder: Folder,
}

impl PatroniCluster {
    /// One that leads, and `replicas` that stream from it.
    pub async fn start(control_plane: &ControlPlane, namespace: &str, scope: &str, replicas: usize) -> Self {
        Self::start_as(control_plane, namespace, scope, Plan { replicas, ..Plan::default() }).await
    }

    /// It runs with all its members when this returns; whether they stream yet, [`Self::is_well`]
    /// tells.
    pub async fn start_as(control_plane: &ControlPlane, namespace: &str, scope: &str, plan: Plan) -> Self {
        let folder = Folder::new("patroni");
        open_to(folder.path());
        let kubeconfig = std::fs::read_to_string(control_plane.admin_kubeconfig()).expect("the kubeconfig");
        let mut kubeconfig: Value = serde_json::from_str(&kubeconfig).expect("JSON");
        let authority = std::fs::read(control_plane.ca_file()).expect("the authority's certificate");
        kubeconfig["clusters"][0]["cluster"]["certificate-authority"] = json!(folder.write("ca.crt", authority));
        folder.write("kubeconfig", kubeconfig.to_string());
        let kubelet = control_plane.kubelet().await;
        let mut cluster = Self {
            namespace: namespace.to_owned(),
            scope: scope.to_owned(),
            port: free_port(),
            sql_port: free_port(),
            members: Vec::new(),
            exporters: Vec::new(),
            plan,
            folder,
        };
        for member in 0..=cluster.plan.replicas {
            let name = cluster.name(member);
            cluster.make_pod(control_plane, member).await;
            kubelet.shows(namespace, &name, SERVER, &cluster.folder.join(format!("patroni-{member}.log")));
            kubelet.shows(namespace, &name, EXPORTER, &cluster.folder.join(format!("exporter-{member}.log")));
            cluster.configure(member);
            cluster.members.push(None);
            // The first one leads: the others come when there is something to copy, and all at
            // once.
            let process = cluster.begin(member);
            cluster.members[member] = Some(process);
            if member == 0 {
                cluster.runs(member).await;
            }
        }
        for member in 1..=cluster.plan.replicas {
            cluster.runs(member).await;
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

    /// Asks Patroni for something as `patronictl` does, and gives what it says.
    pub async fn tells(&self, member: usize, method: Method, path: &str, body: Value) -> String {
        let url = format!("http://{}:{}{path}", Self::address(member), self.port);
        let answer = http::client().request(method, &url).json(&body).send().await;
        let answer = answer.unwrap_or_else(|error| panic!("{url}: {error:?}"));
        let (status, text) = (answer.status(), answer.text().await.expect("text"));
        assert!(status.is_success(), "{url}: {status} {text}");
        text
    }

    /// The names of the members that stream from the first one.
    pub async fn streaming(&self) -> Vec<String> {
        self.streaming_from(0).await
    }

    async fn streaming_from(&self, member: usize) -> Vec<String> {
        let status = self.status(member).await;
        let followers = status["replication"].as_array().cloned().unwrap_or_default().into_iter();
        let streaming = followers.filter(|follower| follower["state"] == "streaming");
        streaming.filter_map(|follower| follower["application_name"].as_str().map(str::to_owned)).collect()
    }

    /// Who leads and takes writes, as it says itself.
    pub async fn leader(&self) -> Option<usize> {
        for member in 0..self.members.len() {
            let status = self.status(member).await;
            if status["state"] == "running" && (status["role"] == "master" || status["role"] == "primary") {
                return Some(member);
            }
        }
        None
    }

    /// Whether somebody leads and all others stream from it, one of them synchronously where that
    /// is wanted.
    pub async fn is_well(&self) -> bool {
        let Some(leader) = self.leader().await else { return false };
        let waits = !self.plan.synchronous || !self.sql(leader, "show synchronous_standby_names").is_empty();
        waits && self.streaming_from(leader).await.len() == self.plan.replicas
    }

    /// Waits until it [is well](Self::is_well), and gives who leads.
    pub async fn gets_well(&self) -> usize {
        let leads = async || if self.is_well().await { self.leader().await } else { None };
        match tokio::time::timeout(START, wait_for(2 * START, "all members do well", leads)).await {
            Ok(leader) => leader,
            Err(_) => {
                let end = |member: usize| {
                    let log = self.log(member);
                    let lines: Vec<&str> = log.lines().collect();
                    format!("{}:\n{}", self.name(member), lines[lines.len().saturating_sub(40)..].join("\n"))
                };
                let ends: Vec<String> = (0..self.members.len()).map(end).collect();
                panic!("after {START:?} not all members do well; {}", ends.join("\n"))
            }
        }
    }

    /// Begins to write all the time.
    pub async fn writer(&self) -> Writer {
        let leader = self.gets_well().await;
        self.sql(leader, "create table orders (n bigint primary key)");
        let members = 0..self.members.len();
        let at = |member: usize| -> SocketAddr {
            format!("{}:{}", Self::address(member), self.sql_port).parse().expect("an address")
        };
        Writer::start(members.map(at).collect())
    }

    /// Those of the confirmed rows that the leader does not have.
    pub async fn missing(&self, confirmed: &BTreeSet<i64>) -> Vec<i64> {
        let leader = self.gets_well().await;
        let there = self.sql(leader, "select n from orders");
        let there: BTreeSet<i64> = there.lines().map(|n| n.parse().expect("a number")).collect();
        confirmed.difference(&there).copied().collect()
    }

    /// How many bytes the files of a member's database have: below its data folder, or in the
    /// folder of that name there.
    pub fn bytes(data: &Path) -> u64 {
        let entries = std::fs::read_dir(data).into_iter().flatten().flatten();
        let of = |entry: std::fs::DirEntry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => Self::bytes(&entry.path()),
            Ok(metadata) => metadata.len(),
            // A file that was there a moment ago.
            Err(_) => 0,
        };
        entries.map(of).sum()
    }

    /// Where a member's PostgreSQL has its data.
    pub fn data(&self, member: usize) -> PathBuf {
        self.home(member).join("data")
    }

    /// All that a member's Patroni and PostgreSQL have written.
    pub fn log(&self, member: usize) -> String {
        let log = std::fs::read(self.folder.join(format!("patroni-{member}.log"))).unwrap_or_default();
        String::from_utf8_lossy(&log).into_owned()
    }

    /// A real exporter for each member, and where each can be scraped with the labels of its pod:
    /// it and Patroni itself.
    pub async fn measured(&mut self) -> Vec<(String, Value)> {
        let port = free_port();
        let mut scraped = Vec::new();
        for member in 0..self.members.len() {
            let address = Self::address(member);
            let mut command = Command::new(installed("prometheus-postgres-exporter"));
            command.arg(format!("--web.listen-address={address}:{port}")).env(
                "DATA_SOURCE_NAME",
                format!("postgresql://{USER}@{address}:{}/{USER}?sslmode=disable", self.sql_port),
            );
            let exporter = Process::start(&format!("exporter-{member}"), self.folder.path(), &command);
            let metrics = format!("http://{address}:{port}/metrics");
            exporter.wait_until(START, "it is measured", async || http::is_healthy(&metrics).await).await;
            self.exporters.push(exporter);
            let labels = json!({ "namespace": self.namespace, "pod": self.name(member) });
            scraped.extend([port, self.port].map(|port| (format!("{address}:{port}"), labels.clone())));
        }
        scraped
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

    /// Has a member write so many MiB of WAL, and nothing else, no faster than those that stream
    /// from it take it.
    pub async fn write_wal(&self, member: usize, mebibytes: u32) {
        let filler = "pg_logical_emit_message(true, 'filler', repeat('x', 1048576))";
        let behind = "select count(*) from pg_stat_replication where pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn) > 1048576";
        for _ in 0..mebibytes {
            self.sql(member, &format!("select {filler}"));
            wait_until(START, "they have it as well", async || self.sql(member, behind) == "0").await;
        }
        self.sql(member, "select pg_switch_wal()");
    }

    /// How often another timeline has begun, as Patroni's history tells.
    pub async fn timelines(&self) -> usize {
        let leader = self.gets_well().await;
        let history = self.asks(leader, "/history").await.unwrap_or_default();
        serde_json::from_str::<Value>(&history).expect("JSON").as_array().map_or(0, Vec::len)
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
        let process = self.begin(member);
        self.members[member] = Some(process);
        self.runs(member).await;
    }

    fn begin(&self, member: usize) -> Process {
        let program = installed_by("setpriv", "util-linux");
        let mut command = Command::new(program);
        command
            .args([format!("--reuid={USER}"), format!("--regid={USER}"), "--clear-groups".into()])
            .arg(installed("patroni"))
            .arg(self.folder.join(format!("{member}.yml")))
            .env("HOME", self.home(member))
            .env("KUBECONFIG", self.folder.join("kubeconfig"))
            .current_dir(self.home(member));
        Process::start(&format!("patroni-{member}"), self.folder.path(), &command)
    }

    async fn runs(&self, member: usize) {
        let process = self.members[member].as_ref().expect("it was begun");
        let runs = async || self.status(member).await["state"] == "running";
        process.wait_until(START, "PostgreSQL runs", runs).await;
    }

    fn home(&self, member: usize) -> PathBuf {
        self.folder.join(format!("m{member}"))
    }

    fn configure(&self, member: usize) {
        let (home, address, name) = (self.home(member), Self::address(member), self.name(member));
        std::fs::create_dir(&home).expect("a new folder");
        let given = Command::new("chown").arg(USER).arg(&home).status().expect("chown runs");
        assert!(given.success(), "cannot give {} to {USER}: run as root", home.display());
        let member_of = plan::Member {
            namespace: &self.namespace,
            scope: &self.scope,
            name: &name,
            address: &address,
            port: self.port,
            sql_port: self.sql_port,
            home: &home,
        };
        self.folder.write(format!("{member}.yml"), self.plan.configuration(&member_of).to_string());
    }

    /// A pod as the kubelet would show it, with its volume and an exporter.
    async fn make_pod(&self, control_plane: &ControlPlane, member: usize) {
        let admin = &control_plane.admin;
        let (name, namespace) = (self.name(member), &self.namespace);
        let claim = json!({ "claimName": format!("data-{name}") });
        let mount = json!({ "name": "data", "mountPath": "/var/lib/postgresql" });
        let pod = json!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "namespace": namespace, "name": name,
                "labels": { "application": "patroni", "cluster-name": self.scope },
            },
            "spec": {
                "nodeName": NODE,
                "containers": [
                    { "name": SERVER, "image": "postgres:15", "volumeMounts": [mount] },
                    { "name": EXPORTER, "image": "postgres-exporter:0.11.1" },
                ],
                "volumes": [{ "name": "data", "persistentVolumeClaim": claim }],
            },
        });
        admin.apply(pod).await;
        let address = Self::address(member);
        // What is new is a cause by itself.
        let since = chrono::Utc::now() - chrono::TimeDelta::hours(2);
        let since = since.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
        let container = |name: &str| {
            let state = json!({ "running": { "startedAt": since } });
            json!({ "name": name, "image": "x", "imageID": "x", "ready": true, "restartCount": 0, "started": true, "state": state })
        };
        let status = json!({
            "phase": "Running", "podIP": address, "podIPs": [{ "ip": address }], "startTime": since,
            "conditions": [{ "type": "Ready", "status": "True", "lastTransitionTime": since }],
            "containerStatuses": [container(SERVER), container(EXPORTER)],
        });
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

impl Drop for PatroniCluster {
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
