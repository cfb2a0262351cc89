//! Conversations about failures that the bot itself sees in the cluster: nobody sends an alert.

use std::path::Path;

use chrono::{DateTime, Utc};
use dogwatch::clock::Clock as _;
use dogwatch::cluster::Object;
use dogwatch::cluster::sim::{Fault, Verb, build};
use dogwatch::config::Config;
use dogwatch::incident::Expected;
use dogwatch::model::*;
use dogwatch::store::{IncidentFilter, IncidentStore as _};
use serde_json::{Value, json};

use crate::bot::{Bot, minutes};
use crate::runs::{SHOP, UP};

/// With nothing said but that there is one.
const USUAL: &str = "sources: [{ name: watch, kind: cluster }]";

async fn bot_with(config: &str, playbooks: &[&str], objects: Vec<Object>) -> Bot {
    let config = Config::parse(config, Path::new("/etc/dogwatch.yaml")).unwrap();
    let mut bot = Bot::begins(playbooks, objects).await;
    bot.cluster_sources = config.cluster_sources();
    bot.rules.sighted_by = bot.cluster_sources.iter().map(|source| source.name.clone()).collect();
    let rules = config.sources.iter().flat_map(|source| source.heartbeat_rules());
    bot.rules.heartbeats = rules.map(|rule| Expected { rule, from_the_first: true }).collect();
    bot.is_restarted().await;
    bot.settles().await;
    bot
}

async fn bot(playbooks: &[&str]) -> Bot {
    bot_with(USUAL, playbooks, vec![build::deployment("shop", "web", 4)]).await
}

/// The pods of a new version of `web`.
fn broken(n: usize) -> ObjectKey {
    ObjectKey::new("Pod", "shop", format!("web-6d4cf56db6-{n}"))
}

impl Bot {
    /// That many pods of a new version of `web` wait, as a kubelet writes it.
    fn waits(&self, how_many: usize, phase: &str, reason: &str) {
        let waiting = json!({ "reason": reason, "message": format!("{reason}: registry.example/web:2") });
        self.stand(how_many, phase, &json!({ "waiting": waiting, "running": null }));
    }

    fn runs_again(&self) {
        self.stand(4, "Running", &json!({ "running": {}, "waiting": null }));
    }

    fn stand(&self, how_many: usize, phase: &str, state: &Value) {
        for key in (0..how_many).map(broken) {
            if self.cluster.object(&key).is_none() {
                // What is pending from the first, nobody starts.
                let reference = json!([{ "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-6d4cf56db6", "uid": "r",
                    "controller": true }]);
                let metadata = json!({ "labels": { "pod-template-hash": "6d4cf56db6" }, "ownerReferences": reference });
                let pending = json!({ "metadata": metadata, "status": { "phase": "Pending" } });
                self.cluster.load(vec![build::pod("shop", &key.name, "web").with(&pending)]).unwrap();
            }
            let status = json!({ "name": "main", "image": "registry.example/web:2", "imageID": "",
                "ready": state["running"].is_object(), "restartCount": 0, "state": state });
            let patch = json!({ "status": { "phase": phase, "containerStatuses": [status] } });
            self.cluster.change(&key, &patch, "kubelet").unwrap();
        }
    }

    fn exists(&self, object: Value) {
        self.cluster.apply(&Object(object), "somebody").unwrap();
    }

    fn event(&self, about: &Object, reason: &str) {
        let at: DateTime<Utc> = self.clock.now();
        let event =
            build::event(about, "Warning", reason, "volume pvc-1 is attached to another node", &at.to_rfc3339());
        self.cluster.apply(&event, "kubelet").unwrap();
    }

    async fn open(&self) -> Vec<String> {
        let incidents = self.store().incidents(IncidentFilter::Unresolved).await.unwrap();
        incidents
            .into_iter()
            .map(|incident| format!("{} {} {}", incident.id, incident.severity, incident.title))
            .collect()
    }
}

const PULLS: &str = "INC-1 S3 DogwatchImagePullBackOff: an image of deployment web cannot be pulled in shop (3 pods, such as \
                     web-6d4cf56db6-0)";

#[tokio::test]
async fn an_image_that_cannot_be_pulled_is_one_incident_after_its_time_and_over_when_it_is() {
    let mut bot = bot(&[]).await;
    bot.waits(3, "Pending", "ImagePullBackOff");
    bot.passes(minutes(5)).await;
    assert_eq!(bot.open().await, [] as [String; 0], "it may still come");
    bot.passes(minutes(1)).await;
    assert_eq!(bot.open().await, [PULLS], "three pods of one Deployment are one");
    let episodes = bot.store().episodes(IncidentId(1), 10).await.unwrap();
    assert_eq!(episodes.len(), 1);
    // Between two tries it waits for another reason.
    bot.waits(3, "Pending", "ErrImagePull");
    bot.passes(minutes(60)).await;
    assert_eq!(bot.open().await, [PULLS]);
    assert_eq!(bot.store().episodes(IncidentId(1), 10).await.unwrap().len(), 1, "it is told once");
    bot.runs_again();
    bot.passes(minutes(2)).await;
    assert_eq!(bot.open().await, [PULLS], "it may come back in a moment");
    bot.passes(minutes(2)).await;
    assert!(bot.store().episodes(IncidentId(1), 10).await.unwrap()[0].closed_at.is_some());
    bot.keeps_the_laws().await;
}

#[tokio::test]
async fn what_it_sees_starts_a_playbook() {
    let playbook = SHOP.replace("alert: ShopSlow", "alert: DogwatchImagePullBackOff");
    let playbook = playbook.replace("namespace: shop, name: web }", "from: alert }");
    let mut bot = bot(&[&playbook]).await;
    bot.prometheus.answers_in_turn("shop_latency", &[Some(0.4), Some(0.02)]);
    bot.waits(1, "Pending", "ErrImagePull");
    bot.passes(minutes(6)).await;
    bot.does(UP).await;
    bot.ends(Outcome::Fixed).await;
}

#[tokio::test]
async fn what_is_of_s2_pages_once() {
    let config = "sources: [{ name: watch, kind: cluster, watches: { image_pull: { hold: 2m, severity: S2 } } }]";
    let mut bot = bot_with(config, &[], vec![build::deployment("shop", "web", 4)]).await;
    bot.waits(2, "Pending", "InvalidImageName");
    bot.passes(minutes(4)).await;
    bot.pages(["platform uncovered"]).await;
    bot.waits(4, "Pending", "InvalidImageName");
    bot.passes(minutes(10)).await;
    bot.pages(["platform uncovered"]).await;
}

#[tokio::test]
async fn a_container_that_ran_before_is_found_by_its_events() {
    let mut bot = bot(&[]).await;
    bot.waits(1, "Running", "CreateContainerConfigError");
    bot.passes(minutes(10)).await;
    assert_eq!(bot.open().await, [] as [String; 0], "its pod is not pending");
    bot.event(&bot.cluster.object(&broken(0)).unwrap(), "Failed");
    bot.passes(minutes(5)).await;
    assert_eq!(
        bot.open().await,
        [
            "INC-1 S3 DogwatchContainerConfigError: a container of deployment web cannot be created in shop (web-6d4cf56db6-0)"
        ]
    );
    // Events are kept for an hour; the pod is looked at as long as it fails.
    bot.cluster.objects("Event", "shop").iter().for_each(|event| bot.cluster.remove(&event.key()));
    bot.passes(minutes(10)).await;
    bot.is_restarted().await;
    bot.passes(minutes(10)).await;
    assert!(bot.store().episodes(IncidentId(1), 10).await.unwrap()[0].closed_at.is_none());
}

#[tokio::test]
async fn a_volume_that_cannot_be_attached_pages() {
    let mut bot = bot(&[]).await;
    bot.waits(1, "Pending", "ContainerCreating");
    bot.passes(minutes(10)).await;
    bot.pages([]).await;
    // That it is in use on another node is told once.
    bot.event(&bot.cluster.object(&broken(0)).unwrap(), "FailedAttachVolume");
    bot.passes(minutes(7)).await;
    assert_eq!(
        bot.open().await,
        [
            "INC-1 S2 DogwatchFailedAttachVolume: a volume of deployment web cannot be attached in shop (web-6d4cf56db6-0)"
        ]
    );
    bot.pages(["platform uncovered"]).await;
    bot.passes(minutes(45)).await;
    bot.is_restarted().await;
    bot.passes(minutes(45)).await;
    assert_eq!(bot.store().episodes(IncidentId(1), 10).await.unwrap()[0].closed_at, None, "it is stuck still");
    bot.runs_again();
    bot.passes(minutes(4)).await;
    assert!(bot.store().episodes(IncidentId(1), 10).await.unwrap()[0].closed_at.is_some());
}

#[tokio::test]
async fn a_storm_that_passes_blinds_nobody() {
    let mut bot = bot(&[]).await;
    bot.waits(300, "Pending", "ImagePullBackOff");
    bot.passes(minutes(7)).await;
    assert_eq!(bot.open().await.len(), 1);
    bot.stand(300, "Running", &json!({ "running": {}, "waiting": null }));
    bot.passes(minutes(4)).await;
    assert!(bot.store().episodes(IncidentId(1), 10).await.unwrap()[0].closed_at.is_some());
    bot.passes(minutes(20)).await;
    assert_eq!(bot.delivered_texts("announcement").await, [] as [String; 0]);
    bot.waits(1, "Pending", "CreateContainerConfigError");
    bot.passes(minutes(5)).await;
    let mut alerts = Vec::new();
    for n in 1..3 {
        let episodes = bot.store().episodes(IncidentId(n), 10).await.unwrap();
        alerts.extend(episodes.into_iter().map(|episode| episode.alert));
    }
    assert!(alerts.iter().any(|alert| alert == "DogwatchContainerConfigError"), "{alerts:?}");
}

#[tokio::test]
async fn whoever_writes_events_blinds_nobody() {
    let mut bot = bot(&[]).await;
    bot.stand(250, "Running", &json!({ "running": {}, "waiting": null }));
    bot.waits(3, "Running", "ImagePullBackOff");
    for n in 0..250 {
        bot.event(&bot.cluster.object(&broken(n)).unwrap(), "Failed");
    }
    bot.passes(minutes(7)).await;
    assert_eq!(bot.open().await, [PULLS]);
    assert_eq!(bot.delivered_texts("announcement").await, [] as [String; 0]);
    bot.runs_again();
    bot.passes(minutes(4)).await;
    assert!(bot.store().episodes(IncidentId(1), 10).await.unwrap()[0].closed_at.is_some());
}

#[tokio::test]
async fn pods_that_move_and_start_page_nobody() {
    let mut bot = bot(&[]).await;
    let waiting = json!({ "waiting": { "reason": "ErrImagePull" }, "running": null });
    for n in 1..10 {
        // The one before has its image, and the next one waits for its own.
        bot.stand(n, "Running", &json!({ "running": {}, "waiting": null }));
        bot.stand(n + 1, "Pending", &waiting);
        bot.stand(n, "Running", &json!({ "running": {}, "waiting": null }));
        bot.passes(minutes(3)).await;
    }
    assert_eq!(bot.open().await, [] as [String; 0]);
}

fn service(selector: Value) -> Value {
    json!({ "apiVersion": "v1", "kind": "Service", "metadata": { "namespace": "shop", "name": "front" },
        "spec": { "type": "ClusterIP", "clusterIP": "10.0.0.7", "selector": selector, "ports": [{ "port": 80 }] } })
}

fn slice(ready: &[bool]) -> Value {
    let endpoint = |ready: &bool| json!({ "addresses": ["10.1.0.1"], "conditions": { "ready": ready } });
    let endpoints: Vec<Value> = ready.iter().map(endpoint).collect();
    json!({ "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
        "metadata": { "namespace": "shop", "name": "front-x", "labels": { "kubernetes.io/service-name": "front" } },
        "endpoints": endpoints, "ports": [] })
}

#[tokio::test]
async fn a_service_that_nobody_answers_for_pages_with_its_workload() {
    let mut bot = bot(&[]).await;
    bot.exists(service(json!({ "app": "web" })));
    bot.exists(slice(&[true, false]));
    bot.passes(minutes(10)).await;
    bot.pages([]).await;
    bot.exists(slice(&[false, false]));
    bot.waits(4, "Pending", "ImagePullBackOff");
    bot.passes(minutes(7)).await;
    // One cause: the Service's pods are the Deployment's.
    assert_eq!(bot.open().await.len(), 1, "{:?}", bot.open().await);
    assert_eq!(bot.store().episodes(IncidentId(1), 10).await.unwrap().len(), 2);
    bot.pages(["platform uncovered"]).await;
}

#[tokio::test]
async fn a_service_of_what_is_scaled_to_nothing_is_no_failure() {
    let objects = vec![build::deployment("shop", "web", 0)];
    let mut bot = bot_with(USUAL, &[], objects).await;
    bot.exists(service(json!({ "app": "web" })));
    bot.exists(slice(&[]));
    bot.passes(minutes(30)).await;
    assert_eq!(bot.open().await, [] as [String; 0]);
}

#[tokio::test]
async fn a_service_without_a_known_workload_stays_seen_over_a_restart() {
    let mut bot = bot(&[]).await;
    bot.exists(service(json!({ "role": "primary" })));
    bot.exists(slice(&[true]));
    bot.passes(minutes(2)).await;
    bot.exists(slice(&[]));
    bot.passes(minutes(7)).await;
    assert_eq!(bot.open().await.len(), 1);
    bot.is_restarted().await;
    bot.passes(minutes(30)).await;
    assert_eq!(bot.store().episodes(IncidentId(1), 10).await.unwrap()[0].closed_at, None);
    bot.exists(slice(&[true]));
    bot.passes(minutes(4)).await;
    assert!(bot.store().episodes(IncidentId(1), 10).await.unwrap()[0].closed_at.is_some());
}

#[tokio::test]
async fn a_custom_resource_that_reports_failure_is_told_by_its_condition() {
    let config = "sources: [{ name: watch, kind: cluster, watches: { reports_failure: [{ kind: Certificate.cert-manager.io, \
                  severity: S2 }] } }]";
    let mut bot = bot_with(config, &[], crate::kinds::definitions()).await;
    let key = ObjectKey::new("Certificate.cert-manager.io", "shop", "tls");
    let metadata = json!({ "namespace": "shop", "name": "tls" });
    bot.exists(json!({ "apiVersion": "cert-manager.io/v1", "kind": "Certificate", "metadata": metadata }));
    let reports = |bot: &Bot, ready: &str| {
        let status = json!({ "status": { "conditions": [{ "type": "Ready", "status": ready, "reason": "Expired" }] } });
        bot.cluster.change(&key, &status, "cert-manager").unwrap();
    };
    reports(&bot, "False");
    bot.passes(minutes(15)).await;
    bot.pages([]).await;
    bot.passes(minutes(1)).await;
    bot.pages(["platform uncovered"]).await;
    reports(&bot, "True");
    bot.passes(minutes(4)).await;
    assert!(bot.store().episodes(IncidentId(1), 10).await.unwrap()[0].closed_at.is_some());
}

#[tokio::test]
async fn a_look_that_fails_ends_nothing_and_is_told() {
    let mut bot = bot(&[]).await;
    bot.waits(3, "Pending", "ImagePullBackOff");
    bot.passes(minutes(6)).await;
    bot.runs_again();
    let fault = Fault::Forbidden { verb: Verb::List, kind: "Pod".into() };
    bot.cluster.fault(fault.clone());
    bot.passes(minutes(8)).await;
    assert_eq!(bot.open().await, [PULLS], "nobody has seen that it is over");
    assert_eq!(bot.store().episodes(IncidentId(1), 10).await.unwrap()[0].closed_at, None);
    let told = bot.delivered_texts("announcement").await;
    let [told] = &told[..] else { panic!("{told:?}") };
    assert!(told.contains("the source watch has not seen all") && told.contains("not allowed to list pods"), "{told}");
    let lines: Vec<&str> =
        told.lines().filter_map(|line| line.strip_prefix("for ")?.split_once(':')).map(|it| it.0).collect();
    assert_eq!(lines, ["DogwatchFailedAttachVolume", "DogwatchContainerConfigError", "DogwatchImagePullBackOff"]);
    bot.passes(minutes(4)).await;
    bot.pages(["platform heartbeat missing"]).await;
    bot.cluster.heal(&fault);
    bot.passes(minutes(4)).await;
    assert!(bot.store().episodes(IncidentId(1), 10).await.unwrap()[0].closed_at.is_some());
    assert_eq!(bot.delivered_texts("announcement").await[1], "the source watch sees the cluster again");
}

#[tokio::test]
async fn a_restart_loses_nothing_and_tells_nothing_twice() {
    let mut bot = bot(&[]).await;
    bot.waits(3, "Pending", "ImagePullBackOff");
    bot.passes(minutes(6)).await;
    for _ in 0..3 {
        bot.is_restarted().await;
        bot.passes(minutes(7)).await;
    }
    assert_eq!(bot.open().await, [PULLS]);
    assert_eq!(bot.store().episodes(IncidentId(1), 10).await.unwrap().len(), 1);
    bot.is_restarted().await;
    bot.runs_again();
    bot.passes(minutes(5)).await;
    assert!(bot.store().episodes(IncidentId(1), 10).await.unwrap()[0].closed_at.is_some());
}

#[tokio::test]
async fn a_clock_that_is_set_shortens_no_hold() {
    let mut bot = bot(&[]).await;
    bot.waits(3, "Pending", "ImagePullBackOff");
    bot.passes(minutes(2)).await;
    bot.has_its_clock_set(chrono::TimeDelta::hours(5)).await;
    bot.passes(minutes(2)).await;
    assert_eq!(bot.open().await, [] as [String; 0]);
    bot.passes(minutes(3)).await;
    assert_eq!(bot.open().await, [PULLS]);
}

/// A rule tells of one pod, the bot sees the Deployment: whoever is first, somebody is called once.
#[tokio::test]
async fn what_a_rule_tells_and_the_bot_sees_is_one_incident() {
    let config = "sources: [{ name: watch, kind: cluster, watches: { image_pull: { severity: S2 } } }]";
    for rule_first in [true, false] {
        let mut bot = bot_with(config, &[], vec![build::deployment("shop", "web", 4)]).await;
        bot.waits(3, "Pending", "ImagePullBackOff");
        // Its owner is known without another object.
        let of_set = json!({ "metadata": { "ownerReferences": [{ "apiVersion": "apps/v1", "kind": "StatefulSet", "name": "web",
            "uid": "s", "controller": true }] } });
        (0..3).for_each(|n| drop(bot.cluster.change(&broken(n), &of_set, "somebody").unwrap()));
        let pod = broken(1).name;
        let labels = [("namespace", "shop"), ("pod", &*pod), ("severity", "critical")];
        if rule_first {
            bot.fires("KubePodNotReady", &labels).await;
        }
        bot.passes(minutes(60)).await;
        if !rule_first {
            bot.fires("KubePodNotReady", &labels).await;
        }
        bot.passes(minutes(2)).await;
        assert_eq!(bot.open().await.len(), 1, "{:?}", bot.open().await);
        assert_eq!(bot.store().episodes(IncidentId(1), 10).await.unwrap().len(), 2);
        bot.runs_again();
        bot.passes(minutes(4)).await;
        let open = bot.store().episodes(IncidentId(1), 10).await.unwrap();
        assert_eq!(open.iter().filter(|episode| episode.closed_at.is_none()).count(), 1, "the rule still fires");
    }
}

/// A sighting that is open for hours must not swallow what befalls other pods, or other people's.
#[tokio::test]
async fn what_a_sighting_does_not_show_is_an_incident_of_its_own() {
    let config = "sources: [{ name: watch, kind: cluster, watches: { image_pull: { severity: S2 } } }]";
    for (pod, team) in [(3, "platform"), (1, "databases")] {
        let mut bot = bot_with(config, &[], vec![build::deployment("shop", "web", 4)]).await;
        bot.rules.teams.extend(["platform", "databases"].map(str::to_owned));
        bot.is_restarted().await;
        bot.stand(4, "Running", &json!({ "running": {}, "waiting": null }));
        bot.waits(3, "Pending", "ImagePullBackOff");
        let of_set = json!({ "metadata": { "ownerReferences": [{ "apiVersion": "apps/v1", "kind": "StatefulSet", "name": "web",
            "uid": "s", "controller": true }] } });
        (0..4).for_each(|n| drop(bot.cluster.change(&broken(n), &of_set, "somebody").unwrap()));
        bot.passes(minutes(60)).await;
        assert_eq!(bot.open().await.len(), 1);
        let pod = broken(pod).name;
        bot.fires("KubePodCrashLooping", &[("namespace", "shop"), ("pod", &pod), ("team", team)]).await;
        bot.passes(minutes(2)).await;
        assert_eq!(bot.open().await.len(), 2, "{pod} of {team}: {:?}", bot.open().await);
    }
}

#[tokio::test]
async fn what_is_switched_off_or_elsewhere_is_not_seen() {
    for setting in ["namespaces: [db]", "watches: { image_pull: { enabled: false } }"] {
        let config = format!("sources: [{{ name: watch, kind: cluster, {setting} }}]");
        let mut bot = bot_with(&config, &[], vec![build::deployment("shop", "web", 4)]).await;
        bot.waits(3, "Pending", "ImagePullBackOff");
        bot.passes(minutes(30)).await;
        assert_eq!(bot.open().await, [] as [String; 0], "{setting}");
    }
}
