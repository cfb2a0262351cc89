//! The worker that gets and keeps the mandate.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::decide::{Decision, Identity, PROCESS, Seen, decide};
use super::{DURATION, LeaseName, Mandate, NoMandate, RENEW_EVERY, Standing};
use crate::clock::Clock;
use crate::cluster::{Cluster, ClusterError, Object, Patch};
use crate::metrics::Metrics;
use crate::model::HumanDuration;
use crate::worker::{Bell, Turn, TurnError, Worker};

/// How soon a Lease that was changed under us is looked at again.
const AGAIN: Duration = Duration::from_secs(1);

/// How often a cluster that does not let us is asked whether it does now.
const REFUSED_AGAIN: Duration = Duration::from_secs(30);

/// Gets the mandate when it is free, renews it, and says when it is another's.
pub struct MandateWorker {
    cluster: Arc<dyn Cluster>,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
    lease: LeaseName,
    us: Identity,
    mandate: Arc<Mandate>,
    memory: Mutex<Memory>,
    bell: Bell,
}

#[derive(Default)]
struct Memory {
    /// The Lease of somebody else.
    seen: Option<Seen>,
    /// Monotonic: when to look next.
    due: Duration,
    /// What was said last, so that it is said once.
    said: Option<Result<(), NoMandate>>,
    /// Monotonic: since when the cluster has not answered.
    away: Option<Duration>,
}

/// What is known of a moment, for measuring and for telling.
#[derive(Debug, Clone, Copy)]
struct Moment {
    monotonic: Duration,
    wall: DateTime<Utc>,
}

impl MandateWorker {
    /// `database` is the mark of the store: who has another one is another bot. Asks nothing yet.
    pub fn new(
        cluster: Arc<dyn Cluster>,
        clock: Arc<dyn Clock>,
        metrics: Arc<Metrics>,
        lease: LeaseName,
        database: &str,
        mandate: Arc<Mandate>,
    ) -> Self {
        let us = Identity { database: database.to_owned(), process: format!("{:016x}", rand::random::<u64>()) };
        metrics.observes_only(true);
        Self { cluster, clock, metrics, lease, us, mandate, memory: Mutex::default(), bell: Bell::default() }
    }

    /// Gives the mandate back, if it is ours, so that the next bot need not wait for its end.
    /// Nothing is changed by this bot afterwards.
    pub async fn release(&self) {
        let stopping = NoMandate::not_known("this bot is stopping");
        self.mandate.set(Standing::Not(stopping));
        let released = async {
            let Some(lease) = self.cluster.get(&self.lease.key()).await? else { return Ok(()) };
            if self.is_ours(&lease) {
                let body = json!({ "spec": { "holderIdentity": "", "leaseDurationSeconds": 1 } });
                self.cluster.patch(&self.patch(&lease, body)).await?;
            }
            Ok::<_, ClusterError>(())
        };
        if let Err(error) = released.await {
            tracing::info!(%error, "the lease could not be given back; the next bot waits until it has run out");
        }
    }

    /// Looks at the Lease and does what follows. When to look again.
    async fn look(&self) -> Duration {
        let begun = Moment { monotonic: self.clock.monotonic(), wall: self.clock.now() };
        let held = self.hold(begun).await;
        self.tell_whether_it_answers(&held);
        match held {
            Ok(Ok(())) => {
                self.mandate.set(Standing::Ours { renewed: begun.monotonic, renewed_at: begun.wall });
                self.say(Ok(()));
                RENEW_EVERY
            }
            Ok(Err(why)) => {
                self.lose(why);
                RENEW_EVERY
            }
            // Somebody was faster: who that was is seen at the next look.
            Err(ClusterError::Conflict { .. } | ClusterError::AlreadyExists(_)) => AGAIN,
            Err(error @ ClusterError::Unavailable { .. }) => {
                // What is ours stays so until its own end, which comes before anybody else can take
                // it.
                if let Err(before) = self.mandate.left(self.clock.as_ref()) {
                    let because = format!("whether another bot works on this cluster is not known: {error}");
                    let why = NoMandate { observes: before.observes, refused: false, because };
                    self.mandate.set(Standing::Not(why.clone()));
                    // Each attempt may fail in words of its own: those who asked hear them, and the
                    // log has told of it.
                    if !matches!(self.memory().said, Some(Err(_))) {
                        self.say(Err(why));
                    }
                }
                RENEW_EVERY
            }
            Err(error) => {
                let lease = self.lease.key();
                let because = format!("the {lease} cannot be held, so that this bot only observes: {error}");
                self.lose(NoMandate { observes: true, refused: true, because });
                REFUSED_AGAIN
            }
        }
    }

    async fn hold(&self, begun: Moment) -> Result<Result<(), NoMandate>, ClusterError> {
        let lease = self.cluster.get(&self.lease.key()).await?;
        let decision = decide(lease.as_ref(), &mut self.memory().seen, &self.us, begun.monotonic);
        let held = match (decision, &lease) {
            (Decision::Wait(why), _) => return Ok(Err(why)),
            (Decision::Renew, Some(lease)) => {
                self.cluster.patch(&self.patch(lease, json!({ "spec": self.renewed(begun.wall) }))).await?
            }
            (Decision::Take, Some(lease)) => {
                let transitions = lease.number("/spec/leaseTransitions").unwrap_or_default().saturating_add(1);
                let body = json!({
                    "metadata": { "annotations": { PROCESS: self.us.process } },
                    "spec": self.taken(begun.wall, transitions),
                });
                self.cluster.patch(&self.patch(lease, body)).await?
            }
            (Decision::Create | Decision::Renew | Decision::Take, _) => {
                let object = Object(json!({
                    "apiVersion": "coordination.k8s.io/v1",
                    "kind": "Lease",
                    "metadata": {
                        "namespace": self.lease.namespace,
                        "name": self.lease.name,
                        "annotations": { PROCESS: self.us.process },
                    },
                    "spec": self.taken(begun.wall, 0),
                }));
                self.cluster.create(&object, &self.manager(), false).await?
            }
        };
        if !self.is_ours(&held) {
            let because = "the cluster's answer does not say that the lease is ours".to_owned();
            return Ok(Err(NoMandate::not_known(because)));
        }
        self.memory().seen = None;
        Ok(Ok(()))
    }

    fn is_ours(&self, lease: &Object) -> bool {
        lease.text("/spec/holderIdentity") == self.us.database
            && lease.annotation(PROCESS) == Some(self.us.process.as_str())
    }

    fn renewed(&self, at: DateTime<Utc>) -> Value {
        json!({
            "holderIdentity": self.us.database,
            "leaseDurationSeconds": DURATION.as_secs(),
            "renewTime": at.to_rfc3339_opts(SecondsFormat::Micros, true),
        })
    }

    fn taken(&self, at: DateTime<Utc>, transitions: i64) -> Value {
        let mut spec = self.renewed(at);
        spec["acquireTime"] = at.to_rfc3339_opts(SecondsFormat::Micros, true).into();
        spec["leaseTransitions"] = transitions.into();
        spec
    }

    fn patch(&self, lease: &Object, body: Value) -> Patch {
        Patch {
            key: self.lease.key(),
            subresource: None,
            body,
            uid: lease.uid().to_owned(),
            resource_version: Some(lease.resource_version().to_owned()),
            field_manager: self.manager(),
            dry_run: false,
        }
    }

    fn manager(&self) -> String {
        format!("dogwatch-lease-{}", self.us.database)
    }

    /// Says once that the cluster is away, and once that it is back.
    fn tell_whether_it_answers(&self, held: &Result<Result<(), NoMandate>, ClusterError>) {
        let now = self.clock.monotonic();
        let mut memory = self.memory();
        match (held, memory.away) {
            (Err(error @ ClusterError::Unavailable { .. }), None) => {
                memory.away = Some(now);
                tracing::warn!(%error, "the cluster cannot be reached; it is asked again and again");
            }
            (Err(ClusterError::Unavailable { .. }), Some(_)) | (_, None) => {}
            (_, Some(since)) => {
                memory.away = None;
                let away = HumanDuration(Duration::from_secs(now.saturating_sub(since).as_secs()));
                tracing::info!(%away, "the cluster can be reached again");
            }
        }
    }

    fn lose(&self, why: NoMandate) {
        self.mandate.set(Standing::Not(why.clone()));
        self.say(Err(why));
    }

    fn say(&self, now: Result<(), NoMandate>) {
        self.metrics.observes_only(now.is_err());
        if self.memory().said.as_ref() == Some(&now) {
            return;
        }
        match &now {
            Ok(()) => tracing::info!(lease = %self.lease.key(), "this bot may change the cluster, and no other one"),
            Err(why) if why.observes => tracing::warn!("nothing in the cluster is changed: {why}"),
            Err(why) => tracing::info!("nothing in the cluster is changed for the moment: {why}"),
        }
        self.memory().said = Some(now);
    }

    fn memory(&self) -> std::sync::MutexGuard<'_, Memory> {
        // Each of its fields is sound by itself, also after a panic.
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Worker for MandateWorker {
    fn name(&self) -> &'static str {
        "mandate"
    }

    fn bell(&self) -> watch::Receiver<()> {
        self.bell.listen()
    }

    async fn turn(&self) -> Result<Turn, TurnError> {
        let due = self.memory().due;
        let mut left = due.saturating_sub(self.clock.monotonic());
        if left.is_zero() {
            left = self.look().await;
            self.memory().due = self.clock.monotonic() + left;
        }
        Ok(Turn::Idle { until: Some(self.clock.now() + left) })
    }
}
