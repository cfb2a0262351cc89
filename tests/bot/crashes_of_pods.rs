//! The bot dies at every point of a limit that is raised, and of a replica that is rebuilt.

use dogwatch::cluster::Object;
use dogwatch::cluster::sim::build;
use dogwatch::model::Outcome;
use dogwatch::store::RunStore as _;
use serde_json::{Value, json};

use crate::bot::{Bot, minutes};
use crate::crashes::Story;

const RAISE: &str = "
apiVersion: dogwatch/v1
kind: Playbook
metadata: { name: raise, version: 1.0.0, owner: platform }
summary: a container is ended by its limit
severity: S2
autonomy: auto
page_by: 2h
triggers: [{ alert: ContainerEnded }]
target: { kind: Deployment, from: alert }
mitigate:
  - id: raise
    k8s.set_resources: { container: web, memory: { by: 25%, max: 4Gi } }
    verify:
      until: target.status.?updatedReplicas.orValue(0) == target.spec.replicas && target.status.?readyReplicas.orValue(0) == target.spec.replicas
      settle: 1m
      within: 10m
escalate:
  - page: { message: '{{because}}' }
";

fn limited() -> Vec<Object> {
    let containers = json!([{ "name": "web", "image": "shop:1", "resources": { "limits": { "memory": "1Gi" } } }]);
    let spec = json!({ "spec": { "template": { "spec": { "containers": containers } } } });
    vec![build::deployment("shop", "web", 2).with(&spec)]
}

/// By a quarter of what it was: twice would be more than anybody said.
#[tokio::test]
async fn a_limit_grows_once_whenever_the_bot_dies() {
    Story {
        playbook: RAISE.to_owned(),
        objects: limited,
        world: |_| {},
        alert: ("ContainerEnded", &[("namespace", "shop"), ("deployment", "web")]),
        ends: Outcome::Fixed,
        mutations: &["patch deployment/web in shop"],
        pages: &[],
    }
    .survives(20..60)
    .await;
}

const REBUILD: &str = "
apiVersion: dogwatch/v1
kind: Playbook
metadata: { name: rebuild, version: 1.0.0, owner: databases }
summary: a replica cannot follow
severity: S2
autonomy: approve
page_by: 8h
triggers: [{ alert: PatroniReplicaLagging }]
target: { kind: Pod, from: alert }
diagnose:
  - id: cluster
    patroni.cluster: {}
mitigate:
  - id: rebuild
    patroni.reinitialize: {}
    approval: { of: databases, within: 4h, question: 'Rebuild it?' }
    verify:
      query: cluster
      until: members.exists(m, m.name == target.metadata.name && m.streaming == true)
      settle: 2m
      every: 1m
      within: 1h
escalate:
  - page: { message: '{{because}}' }
";

pub fn member(n: u32, own: &Value) -> Object {
    let pod = build::pod("databases", &format!("pg-00017-{n}"), "postgres");
    pod.with(&json!({
        "metadata": {
            "labels": { "application": "patroni", "cluster-name": "pg-00017" },
            "annotations": { "status": own.to_string() },
        },
        "status": { "podIP": format!("10.1.0.1{n}"), "startTime": "2026-02-27T00:00:00Z" },
    }))
}

/// On timeline 3, with a replica that stays on timeline 2, from before the others left it.
pub fn patroni() -> Vec<Object> {
    let config = json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": { "namespace": "databases", "name": "pg-00017-config", "annotations": {
            "config": "{\"ttl\":30}",
            "history": "[[1,3000000000,\"no recovery target specified\"],[2,5000000000,\"no recovery target specified\"]]",
        } },
    });
    vec![
        member(0, &json!({ "role": "master", "state": "running", "timeline": 3, "xlog_location": 9_000_000_000_u64 })),
        member(1, &json!({ "role": "replica", "state": "running", "timeline": 2, "xlog_location": 4_000_000_000_u64 })),
        member(
            2,
            &json!({ "role": "replica", "state": "streaming", "timeline": 3, "xlog_location": 9_000_000_000_u64 }),
        ),
        Object(config),
    ]
}

/// Its data is deleted first: a second time would throw away the copy. So where the bot died before
/// it heard of the answer, and the member shows nothing of it, a person is called.
#[tokio::test]
async fn a_replica_is_told_once_at_most_whenever_the_bot_dies() {
    let goes = async |n: Option<usize>| {
        let mut bot = Bot::begins(&[REBUILD], patroni()).await;
        bot.dies_at(n).await;
        bot.fires("PatroniReplicaLagging", &[("namespace", "databases"), ("pod", "pg-00017-1")]).await;
        while bot.store().open_approvals().await.unwrap().is_empty() {
            bot.passes(minutes(1)).await;
        }
        bot.approves("bob").await;
        let (outcome, because) = bot.end().await;
        bot.settles().await;
        let told = bot.mutations();
        match outcome {
            Outcome::Fixed => {
                assert_eq!(told, ["create pod/pg-00017-1 in databases"], "died at {n:?}");
                assert!(bot.paged().await.is_empty(), "died at {n:?}");
            }
            _ => {
                assert!(because.contains("told to rebuild itself is not known"), "died at {n:?}: {because}");
                assert!(told.is_empty(), "died at {n:?}: {told:?}");
                assert_eq!(bot.paged().await, ["databases escalated"], "died at {n:?}");
            }
        }
        bot.keeps_the_laws().await;
        (outcome, bot.fuse.points_that_differ().await)
    };
    let (outcome, points) = goes(None).await;
    assert_eq!(outcome, Outcome::Fixed);
    assert!((15..60).contains(&points.len()), "{points:?}");
    let mut not_known = 0;
    for n in points {
        not_known += usize::from(goes(Some(n)).await.0 != Outcome::Fixed);
    }
    assert_eq!(not_known, 1, "that is between the record of what it is about to do and doing it");
}
