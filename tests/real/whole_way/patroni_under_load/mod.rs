//! A Patroni cluster of three that somebody writes to all the time, and what the shipped playbooks
//! do when it is in trouble. Whatever happens, each row that was confirmed is there at the end.

mod archive_fails;
mod behind_removed_wal;
mod leader_lost;
mod paused;
mod slot_keeps_wal;

use serde_json::{Value, json};

use crate::site::{SOON, Site};
use crate::world::alertmanager::{Alertmanager, Version};
use crate::world::patroni::{PatroniCluster, Plan, Writer};
use crate::world::wait::wait_for;
use crate::world::webhook_receiver::{Delivery, WebhookReceiver};

/// A shop's databases, those who write to them, and the bot that looks after them.
struct Shop {
    site: Site,
    namespace: String,
    databases: PatroniCluster,
    writer: Writer,
    alertmanager: Alertmanager,
    pages: WebhookReceiver,
}

/// A part of a playbook's patience, and what stands there in the tests: (playbook, as shipped,
/// here). `BEGINNING` is the time in seconds at which all is well and measured.
type Hurry = (&'static str, &'static str, &'static str);

impl Shop {
    /// Three members that do well, rows that are confirmed, and a bot with these playbooks.
    async fn open(what: &str, playbooks: &'static [&'static str], plan: Plan, hurries: &[Hurry]) -> Self {
        let mut site = Site::prepare(playbooks).await;
        let namespace = site.cluster.namespace(what).await;
        let plan = Plan { replicas: 2, ..plan };
        let mut databases = PatroniCluster::start_as(&site.cluster, &namespace, "shop", plan).await;
        let writer = databases.writer().await;
        let leader = databases.gets_well().await;
        databases.sql(leader, "create role dogwatch login; grant pg_monitor to dogwatch");
        site.prometheus.scrapes(&databases.measured().await);

        let pages = WebhookReceiver::start().await;
        site.folder.write("pages-token", "a-token-of-who-is-paged");
        site.configured_with(&format!(
            "patroni: {{ port: {} }}\nsql: {{ user: dogwatch, port: {}, ssl: disable, loopback: true }}\n\
             pages: {{ sinks: [webhook], webhook: {{ url: \"{}\", token: {{ file: pages-token }} }} }}",
            databases.port,
            databases.sql_port,
            pages.url(),
        ));
        let leads = format!("patroni_primary{{namespace=\"{namespace}\",pod=\"{}\"}} == 1", databases.name(leader));
        site.prometheus.wait_for(&leads).await;
        // The next whole second: the sample is of this one.
        let beginning = (chrono::Utc::now().timestamp() + 1).to_string();
        site.tells_on_the_console();
        for (playbook, patience, less) in hurries {
            site.hurries(playbook, patience, &less.replace("BEGINNING", &beginning));
        }
        site.grant().await;
        site.start_bot().await;
        let alertmanager = site.alertmanager(Version::V0_34).await;
        writer.goes_on(SOON).await;
        Self { site, namespace, databases, writer, alertmanager, pages }
    }

    /// An alert about a member, with the labels that the scrape adds, and maybe more.
    async fn fires(&self, alert: &str, member: usize, more: Value) {
        let mut labels = json!({ "alertname": alert, "namespace": self.namespace, "pod": self.databases.name(member) });
        let more = more.as_object().cloned().unwrap_or_default();
        labels.as_object_mut().expect("an object").extend(more);
        self.alertmanager.post_alerts(&json!([{ "labels": labels }])).await;
    }

    /// The text of the page that says this.
    async fn page(&self, part: &str) -> String {
        let pages = || self.pages.deliveries().iter().filter_map(page_text).collect();
        self.told("page", part, pages).await
    }

    /// The text of the notice that says this.
    async fn notice(&self, part: &str) -> String {
        self.told("notice", part, || self.site.on_the_console()).await
    }

    async fn told(&self, what: &str, part: &str, texts: impl Fn() -> Vec<String>) -> String {
        let says_it = async || texts().into_iter().find(|text| text.contains(part));
        match tokio::time::timeout(SOON, wait_for(2 * SOON, part, says_it)).await {
            Ok(text) => text,
            Err(_) => {
                let why = self.site.says("/why INC-1").await;
                panic!("no {what} says `{part}`, but:\n{}\n{why}", texts().join("\n"))
            }
        }
    }

    /// The kubelet says that the container of PostgreSQL was killed, and runs again.
    async fn shows_a_restart(&self, member: usize) {
        let path = format!("/api/v1/namespaces/{}/pods/{}", self.namespace, self.databases.name(member));
        let now = chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
        let mut containers = self.site.cluster.admin.get(&path).await["status"]["containerStatuses"].clone();
        let ended = json!({ "exitCode": 137, "reason": "Error", "startedAt": now, "finishedAt": now });
        containers[0]["lastState"] = json!({ "terminated": ended });
        containers[0]["state"] = json!({ "running": { "startedAt": now } });
        containers[0]["restartCount"] = json!(1);
        self.site.cluster.admin.patch_status(&path, json!({ "containerStatuses": containers })).await;
    }

    /// How many pages have gone out.
    fn pages(&self) -> usize {
        self.pages.deliveries().iter().filter_map(page_text).count()
    }

    /// From now on a kubelet measures the volumes: each has so much room beside what its files have
    /// now.
    fn shows_volumes(&self, room: u64) {
        let volume = |member: usize| {
            let data = self.databases.data(member);
            let claim = format!(
                "{{namespace=\"{}\",persistentvolumeclaim=\"data-{}\"}}",
                self.namespace,
                self.databases.name(member)
            );
            let capacity = PatroniCluster::bytes(&data) + room;
            move || {
                let used = PatroniCluster::bytes(&data);
                let available = capacity.saturating_sub(used);
                let all = [("capacity", capacity), ("used", used), ("available", available)];
                all.map(|(what, bytes)| format!("kubelet_volume_stats_{what}_bytes{claim} {bytes}\n")).concat()
            }
        };
        let volumes: Vec<_> = (0..3).map(volume).collect();
        self.site.prometheus.exports_at_each_scrape(move || volumes.iter().map(|volume| volume()).collect());
    }

    /// The cluster does well, takes writes, and has each row that was confirmed. The API server was
    /// asked to change nothing.
    async fn ends_well(self) {
        self.databases.gets_well().await;
        self.writer.goes_on(SOON).await;
        let confirmed = self.writer.stop();
        assert_eq!(self.databases.missing(&confirmed).await, Vec::<i64>::new(), "of {} rows", confirmed.len());
        assert_eq!(self.site.mutations(&self.namespace).await, Vec::<String>::new());
    }
}

/// Title and text, if it is a page.
fn page_text(delivery: &Delivery) -> Option<String> {
    let told = delivery.json();
    let text = |key: &str| told[key].as_str().unwrap_or_default().to_owned();
    (told["kind"] == "page").then(|| format!("{}\n{}", text("title"), text("body")))
}

/// `text` has all of these words.
#[track_caller]
fn says(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "it does not say `{word}`:\n{text}");
    }
}
