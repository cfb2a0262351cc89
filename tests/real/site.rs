//! A bot as an operator runs it, with all that is around it: a real cluster, Prometheus, and a folder with its configuration.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use dogwatch::playbook::files_of;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::world::alertmanager::{Alertmanager, Version, Webhook};
use crate::world::control_plane::{BOT_USER, ControlPlane};
use crate::world::folder::Folder;
use crate::world::http;
use crate::world::ports::free_port;
use crate::world::process::Process;
use crate::world::prometheus::Prometheus;
use crate::world::wait::wait_for;

/// For what takes seconds, on a machine that is busy.
pub const SOON: Duration = Duration::from_secs(90);
const WEBHOOK_TOKEN: &str = "a-webhook-token-of-the-tests";
const API_TOKEN: &str = "an-api-token-of-the-tests";
/// Carol's, who is of the team `databases`.
const DATABASES_TOKEN: &str = "the-token-of-who-knows-databases";

/// Everything around one bot, and the bot.
pub struct Site {
    pub cluster: Arc<ControlPlane>,
    pub prometheus: Arc<Prometheus>,
    pub folder: Folder,
    port: u16,
    /// Where the bots of this site agree which of them may change the cluster: sites that share one
    /// do not.
    lease: String,
    playbooks: &'static [&'static str],
    bot: Option<Process>,
}

/// Those that are played on a real cluster, with all that they hand over to: each start of a bot
/// without optimizations reads them anew, and the whole catalogue takes it seconds.
const PLAYBOOKS: [&str; 24] = [
    "backup-timeout",
    "backups-failed",
    "certificate-not-renewed",
    "coredns-saturated",
    "deploy-stuck",
    "dns-coredns-down",
    "dns-upstream",
    "ds-stuck",
    "hpa-maxed",
    "job-failed",
    "memory-limit",
    "node-notready",
    "node-oom",
    "patroni-replica-lag",
    "pod-crashloop",
    "pod-notready",
    "pod-oom",
    "pod-stuck-waiting",
    "pod-unschedulable",
    "prometheus-disk",
    "pvc-filling",
    "pvc-pending",
    "rollout-undo",
    "sts-stuck",
];

impl Site {
    /// With the shipped playbooks, on the cluster that the sites share. Each test has its own namespaces there.
    pub async fn open() -> Self {
        Self::open_on(Self::shared().await).await
    }

    /// With these playbooks alone, on the shared cluster: all is ready for [`Self::start_bot`], and
    /// may be changed before.
    pub async fn prepare(playbooks: &'static [&'static str]) -> Self {
        let site = Self { playbooks, ..Self::new_on(Self::shared().await).await };
        site.configure();
        site
    }

    async fn shared() -> Arc<ControlPlane> {
        static SHARED: OnceCell<Arc<ControlPlane>> = OnceCell::const_new();
        SHARED.get_or_init(async || Arc::new(ControlPlane::start().await)).await.clone()
    }

    /// On a cluster of its own, for what lives in a namespace that there is once: `kube-system`.
    pub async fn open_alone() -> Self {
        Self::open_on(Arc::new(ControlPlane::start().await)).await
    }

    async fn open_on(cluster: Arc<ControlPlane>) -> Self {
        Self::open_with(Self::new_on(cluster).await).await
    }

    async fn new_on(cluster: Arc<ControlPlane>) -> Self {
        let prometheus = Arc::new(Prometheus::start().await);
        let port = free_port();
        let lease = format!("site-{port}");
        cluster.admin.apply(json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": lease } })).await;
        Self { cluster, prometheus, folder: Folder::new("site"), port, lease, playbooks: &PLAYBOOKS, bot: None }
    }

    /// A second bot beside this one, with a database of its own.
    pub async fn open_beside(&self) -> Self {
        let (cluster, prometheus) = (self.cluster.clone(), self.prometheus.clone());
        let (folder, lease) = (Folder::new("second"), self.lease.clone());
        let playbooks = self.playbooks;
        Self::open_with(Self { cluster, prometheus, folder, port: free_port(), lease, playbooks, bot: None }).await
    }

    async fn open_with(mut site: Self) -> Self {
        site.configure();
        site.grant().await;
        site.start_bot().await;
        site
    }

    fn configure(&self) {
        let project = Path::new(env!("CARGO_MANIFEST_DIR"));
        std::fs::create_dir(self.folder.join("playbooks")).expect("a new folder");
        for path in files_of(&project.join("playbooks")).expect("the shipped playbooks").playbooks {
            let name = path.file_name().and_then(|name| name.to_str()).expect("a name in UTF-8");
            if !name.strip_suffix(".yaml").is_some_and(|name| self.playbooks.contains(&name)) {
                continue;
            }
            let text = std::fs::read_to_string(&path).expect("a shipped playbook");
            self.folder.write(format!("playbooks/{name}"), impatient(&text));
        }
        std::fs::copy(project.join("playbooks/kinds.yaml"), self.folder.join("playbooks/kinds.yaml"))
            .expect("the kinds that they know");
        std::fs::copy(project.join("deploy/oncall.yaml"), self.folder.join("oncall.yaml"))
            .expect("the shipped rotation");
        self.folder.write("webhook-token", WEBHOOK_TOKEN);
        self.folder.write("api-token", API_TOKEN);
        self.folder.write("databases-token", DATABASES_TOKEN);
        let config = format!(
            "server:\n  listen: 127.0.0.1:{port}\n  webhook_auth: {{ bearer: {{ file: webhook-token }} }}\n  \
             api_tokens: [{{ name: ada, role: responder, token: {{ file: api-token }} }}, {{ name: carol, role: responder, token: {{ file: \
             databases-token }} }}]\n\
             store: {{ sqlite: dogwatch.db }}\n\
             cluster: {{ kubeconfig: {kubeconfig}, lease: {{ namespace: {lease}, name: dogwatch }} }}\n\
             prometheus: {{ url: \"{prometheus}\" }}\n\
             playbooks: {{ dir: playbooks }}\n\
             oncall: {{ file: oncall.yaml }}\n\
             handoff: {{ dir: handoffs }}\n\
             engine: {{ freeze: {{ namespace: {lease}, name: dogwatch-freeze }} }}\n\
             chat: {{ console: off }}\n",
            port = self.port,
            lease = self.lease,
            kubeconfig = self.cluster.bot_kubeconfig().display(),
            prometheus = self.prometheus.url(),
        );
        self.folder.write("dogwatch.yaml", config);
    }

    /// Gives the bot's user what `dogwatch rbac` prints for playbooks, and nothing else: what is
    /// granted in all of the cluster, the tests beside this one would have, too.
    pub async fn grant(&self) {
        let printed = Command::new(env!("CARGO_BIN_EXE_dogwatch"))
            .args(["rbac", "--no-look-up", "--user", BOT_USER])
            .arg("--config")
            .arg(self.folder.join("dogwatch.yaml"))
            .args(["--lease", &format!("{}/dogwatch", self.lease)])
            .args(["--freeze", &format!("{}/dogwatch-freeze", self.lease)])
            .arg(self.folder.join("playbooks"))
            .output()
            .expect("dogwatch runs");
        assert!(printed.status.success(), "{}", String::from_utf8_lossy(&printed.stderr));
        let printed = String::from_utf8(printed.stdout).expect("text");
        let roles: Vec<Value> = serde_saphyr::from_multiple(&printed).expect("manifests");
        assert!(!roles.is_empty());
        for mut role in roles {
            if self.playbooks != PLAYBOOKS {
                // Another site, with other playbooks, must not take these rights away.
                for name in ["/metadata/name", "/roleRef/name"] {
                    let Some(name) = role.pointer_mut(name) else { continue };
                    *name = json!(format!("{}-{}", name.as_str().expect("a name"), self.port));
                }
            }
            // A playbook may be about what is not installed here: its namespace is all that is
            // missing.
            if let Some(namespace) = role["metadata"]["namespace"].as_str() {
                let namespace = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": namespace } });
                self.cluster.admin.apply(namespace).await;
            }
            self.cluster.admin.apply(role).await;
        }
    }

    pub async fn start_bot(&mut self) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dogwatch"));
        command.args(["serve", "--config"]).arg(self.folder.join("dogwatch.yaml"));
        let bot = Process::start("dogwatch", self.folder.path(), &command);
        let ready = self.url("/readyz");
        bot.wait_until(SOON, "dogwatch is ready", async || http::is_healthy(&ready).await).await;
        self.bot = Some(bot);
    }

    /// Writes more into the configuration of a bot that is yet to start.
    pub fn configured_with(&self, lines: &str) {
        let file = self.folder.join("dogwatch.yaml");
        let config = std::fs::read_to_string(&file).expect("the configuration");
        self.folder.write("dogwatch.yaml", format!("{config}{lines}\n"));
    }

    /// A bot that is yet to start tells on its console what it tells in chat: notices, and no
    /// pages.
    pub fn tells_on_the_console(&self) {
        let file = self.folder.join("dogwatch.yaml");
        let config = std::fs::read_to_string(&file).expect("the configuration");
        self.folder.write("dogwatch.yaml", config.replace("console: off", "console: on"));
    }

    /// What the bot has told on its console: each with a head, and lines below it.
    pub fn on_the_console(&self) -> Vec<String> {
        let log = std::fs::read(self.folder.join("dogwatch.log")).unwrap_or_default();
        let mut told: Vec<String> = Vec::new();
        for line in String::from_utf8_lossy(&log).lines() {
            match told.last_mut() {
                Some(last) if line.is_empty() || line.starts_with("    ") => *last += &format!("\n{}", line.trim()),
                _ => told.push(line.to_owned()),
            }
        }
        told
    }

    /// A playbook of a bot that is yet to start waits less: what it says of its patience is written
    /// otherwise.
    pub fn hurries(&self, playbook: &str, patience: &str, less: &str) {
        let file = format!("playbooks/{playbook}.yaml");
        let text = std::fs::read_to_string(self.folder.join(&file)).expect("one of the playbooks");
        assert!(text.contains(patience), "{playbook} does not say `{patience}`");
        self.folder.write(file, text.replace(patience, less));
    }

    /// Starts the bot anew, with more in its configuration.
    pub async fn configure_more(&mut self, lines: &str) {
        self.configured_with(lines);
        self.stop_bot().await;
        self.start_bot().await;
    }

    /// Starts the bot anew, with one more playbook and the rights that it needs.
    pub async fn runs_also(&mut self, name: &str, playbook: &str) {
        self.folder.write(format!("playbooks/{name}.yaml"), playbook);
        self.grant().await;
        self.stop_bot().await;
        self.start_bot().await;
    }

    /// Ends the bot as an operator does.
    pub async fn stop_bot(&mut self) {
        let bot = self.bot.take().expect("a bot that runs");
        bot.signal("TERM");
        bot.ended(SOON).await;
    }

    /// `kill -9`, and a new start.
    pub async fn restart_bot(&mut self) {
        let bot = self.bot.take().expect("a bot that runs");
        bot.signal("KILL");
        bot.ended(SOON).await;
        self.start_bot().await;
    }

    pub async fn alertmanager(&self, version: Version) -> Alertmanager {
        Alertmanager::start(version, &self.webhook()).await
    }

    /// When the lease that tells which bot acts was renewed last.
    pub async fn lease_renewed(&self) -> Value {
        let path = format!("/apis/coordination.k8s.io/v1/namespaces/{}/leases/dogwatch", self.lease);
        self.cluster.admin.get(&path).await["spec"]["renewTime"].clone()
    }

    /// How an Alertmanager reaches the bot.
    pub fn webhook(&self) -> Webhook {
        Webhook::to(self.url("/v1/alertmanager"), WEBHOOK_TOKEN)
    }

    /// What the bot answers to a command.
    pub async fn says(&self, command: &str) -> String {
        self.reply(command, API_TOKEN).await
    }

    /// What the bot answers to somebody of the team `databases`.
    pub async fn says_to_databases(&self, command: &str) -> String {
        self.reply(command, DATABASES_TOKEN).await
    }

    /// What it answers, as soon as it takes the command: one person may not ask without end, and is
    /// told so.
    async fn reply(&self, command: &str, token: &str) -> String {
        wait_for(SOON, "the bot takes a command", async || {
            let answer = self.answers(command, token).await;
            let is_too_much = answer["error"].as_str().is_some_and(|error| error.contains("too many commands"));
            let reply = answer["reply"].as_str().map(str::to_owned);
            assert!(reply.is_some() || is_too_much, "no reply: {answer}");
            reply
        })
        .await
    }

    /// Whether it says this; one person may not ask without end, and is told so.
    pub async fn says_part(&self, command: &str, part: &str) -> bool {
        let answer = self.answers(command, API_TOKEN).await;
        answer["reply"].as_str().is_some_and(|reply| reply.contains(part))
    }

    async fn answers(&self, command: &str, token: &str) -> Value {
        let request = http::client().post(self.url("/v1/commands")).bearer_auth(token);
        let request = request.json(&json!({ "command": command }));
        request.send().await.expect("the bot answers").json().await.expect("JSON")
    }

    /// What the command line prints.
    pub async fn cli(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dogwatch"));
        command.args(arguments).env("DOGWATCH_SERVER", self.url("")).env("DOGWATCH_TOKEN", API_TOKEN);
        let printed = tokio::task::spawn_blocking(move || command.output()).await.expect("no panic");
        let printed = printed.expect("dogwatch runs");
        assert!(printed.status.success(), "{}", String::from_utf8_lossy(&printed.stderr));
        String::from_utf8(printed.stdout).expect("text")
    }

    /// Waits until the incident says this of itself.
    pub async fn told(&self, incident: &str, part: &str) -> String {
        let mut last = String::new();
        let found = tokio::time::timeout(
            SOON,
            wait_for(2 * SOON, "it is told", async || {
                // One person may not ask without end, and is told so.
                let answer = self.answers(&format!("/why {incident}"), API_TOKEN).await;
                last = answer["reply"].as_str()?.to_owned();
                last.contains(part).then(|| last.clone())
            }),
        );
        found.await.unwrap_or_else(|_| panic!("{incident} does not tell of `{part}`, but:\n{last}"))
    }

    /// What the bot counts under this name and these labels: `dogwatch_notifications_total{result="accepted"}`.
    pub async fn counted(&self, series: &str) -> u64 {
        // In a storm of connections, one more has to wait for its turn.
        let metrics = wait_for(10 * SOON, "the bot answers", async || {
            let request = http::client().get(self.url("/metrics")).timeout(Duration::from_secs(5));
            request.send().await.ok()?.text().await.ok()
        })
        .await;
        let value = metrics.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        value.map_or(0, |value| value.parse().unwrap_or_else(|_| panic!("{series} is {value}")))
    }

    /// The changes in one namespace that the API server let the bot make, in order: `patch deployments/web/scale 200`.
    pub async fn mutations(&self, namespace: &str) -> Vec<String> {
        let audit = self.cluster.audit().await.within(namespace);
        audit.mutations().into_iter().filter(|request| request.succeeded()).map(ToString::to_string).collect()
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }
}

/// The playbook as it is shipped, but for its patience: these tests live in real time. How long it waits before it looks, how often it
/// looks, and how far its queries look back become seconds; its bounds stay.
fn impatient(playbook: &str) -> String {
    let playbook = shortened(playbook, "settle: ", "2s");
    // A watch may not look as often as a verify.
    let mut in_watch = false;
    let every = |line: &str| {
        let is_of_it = !line.contains("verify:") && !line.trim_start().starts_with("- ");
        in_watch = line.trim_end().ends_with("watch:") || in_watch && is_of_it;
        let is_watch = in_watch || line.contains("watch: ");
        shortened(line, "every: ", if is_watch { "5s" } else { "1s" })
    };
    let playbook: String = playbook.split_inclusive('\n').map(every).collect();
    let playbook = shortened(&playbook, "offset ", "10s");
    shortened(&playbook, "[", "10s")
}

/// With another duration in the place of each one in minutes that follows `mark`.
fn shortened(text: &str, mark: &str, duration: &str) -> String {
    let mut parts = text.split(mark);
    let mut shortened = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = part.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(0);
        let rest = part[digits..].strip_prefix('m').filter(|_| digits > 0);
        shortened.push_str(mark);
        match rest {
            Some(rest) => shortened.extend([duration, rest]),
            None => shortened.push_str(part),
        }
    }
    shortened
}

#[test]
fn only_durations_of_minutes_are_shortened() {
    let text = "rate(x[5m]) deriv(x[1h]) labels[?'a'] { settle: 6m, within: 15m }\nwatch: { every: 1m }\nevery: 1m\n";
    assert_eq!(
        impatient(text),
        "rate(x[10s]) deriv(x[1h]) labels[?'a'] { settle: 2s, within: 15m }\nwatch: { every: 5s }\nevery: 1s\n"
    );
}
