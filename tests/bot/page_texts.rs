//! What whoever is woken reads, as a sink gets it: public alerts with the labels and annotations
//! that their rule sets publish. Each text must say what is hurt, why a person is needed, and what
//! to type.

mod covered;
mod uncovered;

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use dogwatch::clock::Clock as _;
use dogwatch::message::Room;
use dogwatch::notify::{OutboxWorker, Parcel, ParcelKind, Sink, SinkError};
use dogwatch::oncall::OnCall;
use dogwatch::worker::{Worker, settle};
use serde_json::{Value, json};

use crate::bot::Bot;

/// A receiver with so much room, that takes everything.
struct Pager {
    room: Room,
    got: Mutex<Vec<Parcel>>,
}

#[async_trait]
impl Sink for Pager {
    fn name(&self) -> &str {
        "console"
    }

    fn room(&self) -> Room {
        self.room
    }

    async fn send(&self, parcel: &Parcel) -> Result<Option<String>, SinkError> {
        self.got.lock().unwrap().push(parcel.clone());
        Ok(None)
    }
}

/// All that is to be told now and was not told before.
pub async fn told(bot: &Bot, room: Room) -> Vec<Parcel> {
    let oncall = "
apiVersion: dogwatch/v1
kind: OnCall
members: [{ name: ada }]
teams:
  - { name: databases, rotation: &rotation { time_zone: UTC, start: 2026-01-05, handoff: { at: \"09:00\", every: 1w }, members: [ada] } }
  - { name: platform, rotation: *rotation }
  - { name: default, rotation: *rotation }
";
    let pager = Arc::new(Pager { room, got: Mutex::default() });
    let oncall = Arc::new(OnCall::parse("oncall.yaml", oncall).unwrap());
    let (store, clock) = (bot.store().clone(), bot.clock.clone());
    let worker: Arc<dyn Worker> =
        Arc::new(OutboxWorker::new(pager.clone(), store, clock, oncall, Arc::default()).with_default_team("default"));
    settle(&[worker]).await.unwrap();
    std::mem::take(&mut *pager.got.lock().unwrap())
}

/// The last page that was made, as whoever is woken reads it.
pub async fn page(bot: &Bot) -> String {
    page_in(bot, Room::Whole).await
}

/// The last notice, where nobody is woken.
pub async fn notice(bot: &Bot) -> String {
    let told = told(bot, Room::Whole).await;
    assert!(told.iter().all(|parcel| parcel.kind != ParcelKind::Page));
    let notice = told.iter().rfind(|parcel| parcel.kind == ParcelKind::Notice).expect("chat is told");
    format!("{}\n\n{}", notice.title, notice.body)
}

pub async fn page_in(bot: &Bot, room: Room) -> String {
    let told = told(bot, room).await;
    let page = told.iter().rfind(|parcel| parcel.kind == ParcelKind::Page).expect("somebody is paged");
    format!("{}\n\n{}", page.title, page.body)
}

pub fn an_alert(bot: &Bot, labels: Value, annotations: Value) -> Value {
    json!({
        "status": "firing",
        "labels": labels,
        "annotations": annotations,
        "startsAt": bot.clock.now(),
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus.example/graph?g0.expr=up+%3D%3D+0&g0.tab=1",
    })
}

/// Alertmanager tells of these alerts.
pub async fn hears(bot: &mut Bot, alerts: &[Value]) {
    let body =
        json!({ "version": "4", "groupKey": "{}:{}", "receiver": "dogwatch", "status": "firing", "alerts": alerts });
    bot.hears(body.to_string().as_bytes()).await;
}

/// One alert fires; `runbook` is the last part of its address.
pub async fn fires(bot: &mut Bot, labels: Value, summary: &str, description: &str, runbook: &str) {
    let runbook = format!("https://runbooks.prometheus-operator.dev/runbooks/{runbook}");
    let annotations = json!({ "summary": summary, "description": description, "runbook_url": runbook });
    let alert = an_alert(bot, labels, annotations);
    hears(bot, &[alert]).await;
}
