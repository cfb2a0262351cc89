use async_trait::async_trait;
use serde_json::{Value, json};

use super::*;
use crate::clock::ManualClock;
use crate::cluster::sim::build;
use crate::cluster::{Access, Delete, Evict, Kind, Kinds, ListPage, Log, LogQuery, Patch, SimCluster};
use crate::model::Severity;
use crate::sightings::Watch;

/// A cluster that does not answer about one kind.
struct Stuck(SimCluster, &'static str);

#[async_trait]
impl Cluster for Stuck {
    async fn get(&self, key: &ObjectKey) -> Result<Option<Object>, ClusterError> {
        self.0.get(key).await
    }
    async fn list(&self, query: &ListQuery) -> Result<Vec<Object>, ClusterError> {
        self.0.list(query).await
    }
    async fn list_page(&self, query: &ListQuery, from: Option<&str>) -> Result<ListPage, ClusterError> {
        if query.kind == self.1 {
            std::future::pending::<()>().await;
        }
        self.0.list_page(query, from).await
    }
    async fn logs(&self, query: &LogQuery) -> Result<Log, ClusterError> {
        self.0.logs(query).await
    }
    async fn patch(&self, patch: &Patch) -> Result<Object, ClusterError> {
        self.0.patch(patch).await
    }
    async fn create(&self, object: &Object, manager: &str, dry_run: bool) -> Result<Object, ClusterError> {
        self.0.create(object, manager, dry_run).await
    }
    async fn delete(&self, delete: &Delete) -> Result<(), ClusterError> {
        self.0.delete(delete).await
    }
    async fn evict(&self, evict: &Evict) -> Result<(), ClusterError> {
        self.0.evict(evict).await
    }
    async fn allowed(&self, access: &Access) -> Result<bool, ClusterError> {
        self.0.allowed(access).await
    }
    async fn kind(&self, name: &KindName) -> Result<&'static Kind, ClusterError> {
        self.0.kind(name).await
    }
    fn kinds(&self) -> std::sync::Arc<Kinds> {
        Cluster::kinds(&self.0)
    }
    async fn version(&self) -> Result<String, ClusterError> {
        self.0.version().await
    }
}

fn cluster(objects: Vec<Object>) -> SimCluster {
    SimCluster::from_objects(std::sync::Arc::new(ManualClock::new(DateTime::UNIX_EPOCH)), objects).unwrap()
}

async fn looked(cluster: &dyn Cluster, watched: &[WatchedFor]) -> Looked {
    let watch =
        |what: &WatchedFor| Watch { what: what.clone(), hold: Duration::ZERO, severity: Severity::S3, team: None };
    let (every, watches) = (Duration::from_secs(60), watched.iter().map(watch).collect());
    let source = ClusterSource { name: "watch".into(), every, namespaces: Vec::new(), watches };
    let (now, within) = (DateTime::UNIX_EPOCH, Duration::from_millis(200));
    Look { cluster, source: &source, now, within, before: &Before::default() }.looked().await
}

fn pulls(name: &str, owner: &Value) -> Object {
    let waiting = json!({ "name": "main", "state": { "waiting": { "reason": "ErrImagePull" } } });
    let status = json!({ "phase": "Pending", "containerStatuses": [waiting] });
    build::pod("shop", name, "web").with(&json!({ "metadata": { "ownerReferences": owner }, "status": status }))
}

#[tokio::test]
async fn runs_of_one_cronjob_are_one_failure() {
    let owned = |kind: &str, name: &str| json!([{ "apiVersion": "batch/v1", "kind": kind, "name": name, "uid": name, "controller": true }]);
    let job = |name: &str, owner: Value, annotations: Value| {
        let metadata =
            json!({ "namespace": "shop", "name": name, "ownerReferences": owner, "annotations": annotations });
        let template = json!({ "spec": { "containers": [{ "name": "main", "image": "x" }] } });
        let spec = json!({ "suspend": true, "template": template });
        Object(json!({ "apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": spec }))
    };
    let mut objects: Vec<Object> = ["backup-1", "backup-2", "by-hand", "mine"]
        .iter()
        .map(|name| pulls(&format!("{name}-x"), &owned("Job", name)))
        .collect();
    objects.extend(["backup-1", "backup-2"].map(|name| job(name, owned("CronJob", "backup"), json!({}))));
    objects.push(job("by-hand", json!([]), json!({})));
    objects.push(job("mine", json!([]), json!({ "dogwatch/unwatched": "true" })));
    let cluster = cluster(objects);
    let looked = looked(&cluster, &[WatchedFor::ImagePull]).await;
    assert!(looked.blind.is_empty(), "{looked:?}");
    let mut about: Vec<_> = looked.sightings.iter().map(|it| (it.about.as_str(), it.pods.len())).collect();
    about.sort_unstable();
    assert_eq!(about, [("cronjob backup", 2), ("job by-hand", 1)]);
}

#[tokio::test]
async fn what_takes_too_long_blinds_its_own_watches_and_what_was_judged_counts() {
    let cluster = Stuck(cluster(vec![pulls("new", &json!([]))]), "EndpointSlice");
    let looked = looked(&cluster, &[WatchedFor::ImagePull, WatchedFor::ServiceWithoutEndpoints]).await;
    assert_eq!(looked.sightings.len(), 1);
    let blind: Vec<_> = looked.blind.into_iter().collect();
    let [(WatchedFor::ServiceWithoutEndpoints, why)] = &blind[..] else { panic!("{blind:?}") };
    assert!(why.contains("took longer than"), "{why}");
}
