//! `http.request` of a playbook, to a real Prometheus.

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::Utc;
use dogwatch::action::World;
use dogwatch::clock::{Clock, SystemClock};
use dogwatch::cluster::sim::{SimCluster, build};
use dogwatch::engine::preview_run;
use dogwatch::model::{Outcome, RunEvent};
use dogwatch::network::ScriptedNetwork;
use dogwatch::patroni::SimPatroni;
use dogwatch::playbook::Playbook;
use dogwatch::prometheus::NoPrometheus;
use dogwatch::rehearse::asked_run;
use dogwatch::sql::ScriptedDatabases;
use dogwatch::web::{AllowedHost, HttpWeb, Names, Origin, WebAccess};

use crate::world::prometheus::Prometheus;

/// The name by which the playbook knows it leads to this machine.
#[derive(Debug)]
struct Here;

#[async_trait]
impl Names for Here {
    async fn addresses(&self, _: &str) -> io::Result<Vec<IpAddr>> {
        Ok(vec![IpAddr::from([127, 0, 0, 1])])
    }
}

fn playbook(origin: &str) -> Playbook {
    let text = format!(
        "
apiVersion: dogwatch/v1
kind: Playbook
metadata: {{ name: disk, version: 1.0.0, owner: platform }}
summary: what fills it
severity: S3
autonomy: observe
triggers: [{{ alert: DiskFull }}]
target: {{ kind: Deployment, namespace: web, name: front }}
diagnose:
  - id: tsdb
    http.request: {{ url: \"{origin}/api/v1/status/tsdb?limit={{{{target.spec.replicas}}}}\", expect: 200 }}
  - id: runtime
    http.request: {{ url: \"{origin}/api/v1/status/runtimeinfo\" }}
  - id: healthy
    http.request: {{ url: \"{origin}/-/healthy\", method: HEAD }}
  - id: graph
    http.request: {{ url: \"{origin}/\" }}
  - id: nothing
    http.request: {{ url: \"{origin}/api/v1/no/such/thing\" }}
  - require: tsdb.json.status == 'success' && tsdb.json.data.headStats.numSeries > 0
    because: \"it has no series: {{{{tsdb.text}}}}\"
  - done_if: tsdb.json.data.seriesCountByMetricName.exists(m, m.name == 'queue_length' && m.value == 3)
    because: \"{{{{tsdb.json.data.headStats.numSeries}}}} series, kept for {{{{runtime.json.data.storageRetention}}}}\"
escalate:
  - page: {{ message: help }}
"
    );
    Playbook::from_store(&text).unwrap()
}

#[tokio::test]
async fn a_real_prometheus_says_what_fills_it() {
    let prometheus = Prometheus::start().await;
    prometheus.exports("queue_length{queue=\"mail\"} 3\nqueue_length{queue=\"chat\"} 4\nqueue_length{queue=\"sms\"} 5");
    prometheus.wait_for("count(queue_length) == 3").await;
    let port = prometheus.url().rsplit(':').next().unwrap();
    let origin = format!("http://prometheus-operated.monitoring.svc:{port}");

    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let cluster = SimCluster::from_objects(clock.clone(), vec![build::deployment("web", "front", 20)]).unwrap();
    let hosts = vec![AllowedHost { origin: Origin::parse(&origin).unwrap(), auth: None, authorities: None }];
    // Only here may this machine be asked.
    let access = WebAccess { names: Arc::new(Here), rule: |_| None, ..WebAccess::new(hosts, Vec::new()) };
    let world = World {
        patroni: Arc::new(SimPatroni::new(cluster.clone(), clock.clone())),
        cluster: Arc::new(cluster),
        prometheus: Arc::new(NoPrometheus),
        web: Arc::new(HttpWeb::new(access).unwrap()),
        network: Arc::new(ScriptedNetwork::default()),
        databases: Arc::new(ScriptedDatabases::default()),
        alertmanager: Arc::new(dogwatch::alertmanager::NoAlertmanager),
        past: Arc::new(dogwatch::action::ScriptedPast::default()),
        clock,
        patchable: dogwatch::action::Patchable::default(),
        commands: dogwatch::action::Commands::default(),
    };
    let playbook = playbook(&origin);
    let frame = asked_run(&playbook, &BTreeMap::new(), Utc::now(), 256 * 1024).unwrap();
    let seen = preview_run(&world, &playbook, &frame).await;
    let (outcome, because) = seen.end.expect("the diagnosis says what it is");
    assert_eq!(outcome, Outcome::NothingToDo, "{because}: {:#?}", seen.events);
    assert!(because.contains(" series, kept for 15d"), "{because}");
    let read = |id: &str| {
        seen.events.iter().find_map(|event| match event {
            RunEvent::Read { step, output, summary } if step.id() == Some(id) => {
                Some((output.clone(), summary.clone()))
            }
            _ => None,
        })
    };
    let (healthy, told) = read("healthy").unwrap();
    assert_eq!((&healthy["status"], &healthy["text"]), (&200.into(), &"".into()), "{told}");
    let (graph, told) = read("graph").unwrap();
    assert_eq!(graph["status"], 302, "{told}");
    assert!(told.contains("which is not followed"), "{told}");
    assert_eq!(read("nothing").unwrap().0["status"], 404);

    // As it is without these two: this machine is nobody's service.
    let hosts = vec![AllowedHost { origin: Origin::parse(prometheus.url()).unwrap(), auth: None, authorities: None }];
    let real = World { web: Arc::new(HttpWeb::new(WebAccess::new(hosts, Vec::new())).unwrap()), ..world };
    let playbook = self::playbook(prometheus.url());
    let frame = asked_run(&playbook, &BTreeMap::new(), Utc::now(), 256 * 1024).unwrap();
    let (outcome, because) = preview_run(&real, &playbook, &frame).await.end.unwrap();
    assert_eq!(outcome, Outcome::Escalated);
    assert!(because.contains("127.0.0.1, an address of this machine"), "{because}");
}
