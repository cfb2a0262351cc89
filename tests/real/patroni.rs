//! What a real Patroni does when it is asked to pause, to restart a replica and to have another
//! member lead, and what its history tells afterwards.

use std::time::Duration;

use dogwatch::cluster::Object;
use dogwatch::patroni::{HttpPatroni, Patroni as _, PatroniAccess, PatroniError, Settings};
use serde_json::json;

use crate::world::control_plane::ControlPlane;
use crate::world::folder::Folder;
use crate::world::kubernetes_programs::start_etcd;
use crate::world::patroni::{PatroniCluster, Plan};
use crate::world::wait::wait_until;

const SOON: Duration = Duration::from_secs(60);

fn refusal<T: std::fmt::Debug>(answer: Result<T, PatroniError>) -> String {
    match answer {
        Err(PatroniError::Refused { message, .. }) => message,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_lead_moves_a_replica_restarts_and_a_pause_holds() {
    does_as_it_is_asked(Plan::default()).await;
}

#[tokio::test]
async fn so_it_is_with_etcd_as_the_store() {
    let folder = Folder::new("etcd");
    let (_etcd, url) = start_etcd(&folder);
    let etcd = url.strip_prefix("http://").and_then(|address| address.parse().ok());
    does_as_it_is_asked(Plan { etcd, ..Plan::default() }).await;
}

async fn does_as_it_is_asked(plan: Plan) {
    let control_plane = ControlPlane::shared().await;
    let namespace = control_plane.namespace("leads").await;
    let cluster = PatroniCluster::start_as(control_plane, &namespace, "led", plan).await;
    cluster.streams(1).await;
    let access = PatroniAccess { port: cluster.port, ..PatroniAccess::default() };
    let patroni = HttpPatroni::new(access).unwrap();
    let pod = |member: usize| {
        Object(json!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": { "namespace": namespace, "name": cluster.name(member), "labels": { "cluster-name": "led" } },
            "status": { "phase": "Running", "podIP": PatroniCluster::address(member) },
        }))
    };
    let (first, second) = (pod(0), pod(1));

    // A pause is the whole cluster's, whoever is told.
    assert_eq!(patroni.settings(&first).await, Ok(Settings::default()));
    patroni.pause(&second, true).await.unwrap();
    wait_until(SOON, "both know of it", async || {
        let knows = async |pod| patroni.members(pod).await.is_ok_and(|members| members.paused);
        knows(&first).await && knows(&second).await
    })
    .await;
    patroni.pause(&first, false).await.unwrap();
    wait_until(SOON, "it is over", async || patroni.members(&second).await.is_ok_and(|members| !members.paused)).await;
    assert_eq!(patroni.settings(&second).await, Ok(Settings::default()));

    // A leader is never restarted, and a replica for which nothing waits only where that is said.
    assert_eq!(refusal(patroni.restart(&first, false).await), "restart conditions are not satisfied");
    assert_eq!(refusal(patroni.restart(&second, true).await), "restart conditions are not satisfied");
    let before = patroni.status(&second).await.unwrap();
    assert!(!before.pending_restart);
    patroni.restart(&second, false).await.unwrap();
    wait_until(SOON, "it runs anew", async || {
        patroni.status(&second).await.is_ok_and(|now| now.started.is_some() && now.started != before.started)
    })
    .await;
    cluster.streams(1).await;

    assert_eq!(patroni.history(&first).await, Ok(Vec::new()));
    assert_eq!(refusal(patroni.switchover(&first, "led-1", "led-0").await), "leader name does not match");
    assert_eq!(refusal(patroni.switchover(&first, "led-0", "led-7").await), "candidate does not exists");
    let words = patroni.switchover(&first, "led-0", "led-1").await.unwrap();
    assert_eq!(words, "Successfully switched over to \"led-1\"");
    let members = patroni.members(&second).await.unwrap();
    assert_eq!(members.leader().map(|leader| leader.name.as_str()), Some("led-1"));
    wait_until(SOON, "the new leader leads", async || patroni.status(&second).await.is_ok_and(|own| own.leads())).await;
    wait_until(SOON, "the history tells it", async || {
        let history = patroni.history(&second).await.unwrap_or_default();
        let last = history.last();
        last.is_some_and(|last| last.timeline == 1 && last.at.is_some() && last.leader.as_deref() == Some("led-1"))
    })
    .await;
    wait_until(SOON, "the old leader follows", async || {
        patroni.status(&second).await.is_ok_and(|own| own.streams_to == ["led-0"])
    })
    .await;
}
