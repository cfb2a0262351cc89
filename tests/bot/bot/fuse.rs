//! A bot that dies at a chosen point: before or after something that it tells its store or its cluster.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use dogwatch::cluster::{
    Access, Cluster, ClusterError, Delete, Evict, ExecQuery, Executed, Kind, KindName, Kinds, ListQuery, Log, LogQuery,
    Object, Patch, SimCluster,
};
use dogwatch::metrics::{Levels, PagesMade};
use dogwatch::model::*;
use dogwatch::store::sqlite::SqliteStore;
use dogwatch::store::*;
use sqlx::{Connection as _, SqliteConnection};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;
use tokio::sync::Notify;

/// Counts the points at which a bot could die, and lets it die at one of them, or something else happen.
#[derive(Default)]
pub struct Fuse {
    state: Mutex<State>,
    blown: Notify,
    /// `None`: nobody asks which points differ.
    left_behind: tokio::sync::Mutex<Option<LeftBehind>>,
}

/// What a bot that dies now would leave behind.
struct LeftBehind {
    /// It sees what others commit.
    database: SqliteConnection,
    outside: Outside,
    last: Option<(i64, DateTime<Utc>, usize)>,
    /// The points at which it is not what it was at the point before, by their numbers.
    differ: Vec<usize>,
}

/// The time, and how many requests have changed the cluster.
type Outside = Box<dyn Fn() -> (DateTime<Utc>, usize) + Send>;

type Happening = Box<dyn FnOnce() + Send>;

#[derive(Default)]
struct State {
    passed: Vec<String>,
    /// The number of the point at which the bot dies, counted from 1.
    dies_at: Option<usize>,
    /// The name of the point at which it dies, once.
    dies_at_point: Option<String>,
    /// What happens at the next point of that name.
    meanwhile: Option<(String, Happening)>,
    /// What happens when the cluster is asked for an object next.
    at_next_get: Option<Happening>,
    hidden: Option<IncidentId>,
}

impl Fuse {
    /// The bot dies at the `n`-th point from the beginning, counted from 1, and only there.
    pub fn dies_at(&self, n: usize) {
        self.state.lock().unwrap().dies_at = Some(n);
    }

    /// The bot dies `more` points from now.
    pub fn dies_after(&self, more: usize) {
        let mut state = self.state.lock().unwrap();
        state.dies_at = Some(state.passed.len() + more.max(1));
    }

    /// The bot dies at the next point of that name.
    pub fn dies_at_next(&self, point: &str) {
        self.state.lock().unwrap().dies_at_point = Some(point.to_owned());
    }

    /// Lets something happen at the next point of that name.
    pub fn meanwhile(&self, point: &str, happens: impl FnOnce() + Send + 'static) {
        self.state.lock().unwrap().meanwhile = Some((point.to_owned(), Box::new(happens)));
    }

    /// Lets something happen when the cluster is asked for an object next.
    pub fn at_next_get(&self, happens: impl FnOnce() + Send + 'static) {
        self.state.lock().unwrap().at_next_get = Some(Box::new(happens));
    }

    /// The row of an incident cannot be read for itself any more.
    pub fn hides(&self, incident: IncidentId) {
        self.state.lock().unwrap().hidden = Some(incident);
    }

    fn cannot_read(&self, incident: IncidentId) -> bool {
        self.state.lock().unwrap().hidden == Some(incident)
    }

    /// Finds out at which points a bot that dies leaves something else behind than one that dies a
    /// point earlier: for whoever goes on, the others are the same.
    pub async fn compares_points(&self, database: &Path, outside: Outside) {
        let database = SqliteConnection::connect(&format!("sqlite://{}", database.display())).await.unwrap();
        *self.left_behind.lock().await = Some(LeftBehind { database, outside, last: None, differ: Vec::new() });
    }

    /// What `compares_points` has found out.
    pub async fn points_that_differ(&self) -> Vec<usize> {
        self.left_behind.lock().await.as_ref().map_or(Vec::new(), |left| left.differ.clone())
    }

    /// The points that were passed, by name.
    pub fn passed(&self) -> Vec<String> {
        self.state.lock().unwrap().passed.clone()
    }

    /// Completes when the bot has come to its end.
    pub async fn blown(&self) {
        self.blown.notified().await;
    }

    /// Never comes back when this is the point.
    async fn at(&self, point: &str) {
        let (dies, happens) = {
            let mut state = self.state.lock().unwrap();
            state.passed.push(point.to_owned());
            let dies = state.dies_at == Some(state.passed.len())
                || state.dies_at_point.take_if(|named| named == point).is_some();
            (dies, state.meanwhile.take_if(|(at, _)| at == point))
        };
        if let Some((_, happens)) = happens {
            happens();
        }
        self.compare(point).await;
        if dies {
            self.blown.notify_one();
            std::future::pending::<()>().await;
        }
    }
}

impl Fuse {
    async fn compare(&self, point: &str) {
        let mut left_behind = self.left_behind.lock().await;
        let Some(left) = left_behind.as_mut() else { return };
        let number = self.state.lock().unwrap().passed.len();
        let version = sqlx::query_scalar("PRAGMA data_version").fetch_one(&mut left.database).await.unwrap();
        let (now, changes) = (left.outside)();
        let is = Some((version, now, changes));
        // What was told outside is in no database before it is delivered.
        if left.last != is || point == "before delivered" {
            left.differ.push(number);
        }
        left.last = is;
    }
}

/// A store that the bot may not come back from.
pub struct FusedStore {
    pub inner: Arc<SqliteStore>,
    pub fuse: Arc<Fuse>,
}

macro_rules! passes_on {
    (
        $what:ident
        fused { $(fn $fused:ident($($given:ident: $of:ty),*) -> $gives:ty;)* }
        plain { $(fn $name:ident($($arg:ident: $type:ty),* $(,)?) -> $out:ty;)* }
        own { $($own:tt)* }
    ) => {
        #[async_trait]
        impl $what for FusedStore {
            $(async fn $fused(&self, $($given: $of),*) -> $gives {
                self.fuse.at(concat!("before ", stringify!($fused))).await;
                let done = self.inner.$fused($($given),*).await;
                self.fuse.at(concat!("after ", stringify!($fused))).await;
                done
            })*
            $(async fn $name(&self, $($arg: $type),*) -> $out {
                self.inner.$name($($arg),*).await
            })*
            $($own)*
        }
    };
}

passes_on! {
    SignalStore
    fused {
        fn set_aside(signal: SignalId, because: &str, decision: Decision) -> Result<Applied, StoreError>;
    }
    plain {
        fn accept(signal: &Signal) -> Result<Accepted, StoreError>;
        fn accept_delivery(delivered: Delivered) -> Result<Vec<Accepted>, StoreError>;
        fn next_signal(whose: Whose<'_>) -> Result<Option<PendingSignal>, StoreError>;
        fn begin_signal(signal: SignalId, more: usize) -> Result<Vec<SignalId>, StoreError>;
        fn pending_signals(limit: usize) -> Result<Vec<(SignalId, Signal)>, StoreError>;
        fn sorts_by(words: &Digest) -> Result<(), StoreError>;
        fn next_signal_due() -> Result<Option<DateTime<Utc>>, StoreError>;
        fn reply(signal: SignalId) -> Result<Option<CommandReply>, StoreError>;
    }
    own {}
}

passes_on! {
    IncidentStore
    fused {
        fn apply(signal: SignalId, decision: Decision) -> Result<Applied, StoreError>;
        fn page_now(incident: IncidentId, due: DuePage) -> Result<bool, StoreError>;
    }
    plain {
        fn latest_episodes(source: &str, of: &[&str]) -> Result<HashMap<String, EpisodeHead>, StoreError>;
        fn known_firings(source: &str, firings: &[(&str, DateTime<Utc>)])
            -> Result<HashSet<(String, DateTime<Utc>)>, StoreError>;
        fn labels_of(episode: EpisodeId) -> Result<BTreeMap<String, String>, StoreError>;
        fn next_incident_id() -> Result<IncidentId, StoreError>;
        fn incidents_by_grouping(groupings: &[&str]) -> Result<HashMap<String, IncidentView>, StoreError>;
        fn incidents_by_object(keys: &[&str]) -> Result<HashMap<String, IncidentId>, StoreError>;
        fn recent_incidents(since: DateTime<Utc>) -> Result<Vec<RecentIncident>, StoreError>;
        fn objects_of(incident: IncidentId, limit: usize) -> Result<Vec<ObjectRow>, StoreError>;
        fn count_objects(incident: IncidentId) -> Result<u64, StoreError>;
        fn incident_views(ids: &[IncidentId]) -> Result<Vec<IncidentView>, StoreError>;
        fn run_history(playbook: &str, target: &str, since: DateTime<Utc>) -> Result<Vec<RunHead>, StoreError>;
        fn due_pages(now: DateTime<Utc>) -> Result<(Vec<Incident>, Option<DateTime<Utc>>), StoreError>;
        fn incidents(filter: IncidentFilter) -> Result<Vec<Incident>, StoreError>;
        fn episodes(incident: IncidentId, limit: usize) -> Result<Vec<Episode>, StoreError>;
        fn concern_of(incident: IncidentId) -> Result<Concern, StoreError>;
        fn timeline(incident: IncidentId) -> Result<Vec<TimelineEntry>, StoreError>;
        fn pages_of(incident: IncidentId) -> Result<Vec<Page>, StoreError>;
        fn page_attempts(incident: IncidentId) -> Result<Vec<PageAttempts>, StoreError>;
        fn unanswered_pages() -> Result<Vec<Page>, StoreError>;
        fn page(id: PageId) -> Result<Option<Page>, StoreError>;
        fn page_outline(id: PageId) -> Result<Option<PageOutline>, StoreError>;
        fn pages(from: DateTime<Utc>, to: DateTime<Utc>) -> Result<Vec<Page>, StoreError>;
        fn pages_made(after: PageId) -> Result<PagesMade, StoreError>;
        fn alert_counts(teams: &Teams, from: DateTime<Utc>, to: DateTime<Utc>, limit: usize)
            -> Result<Vec<AlertCount>, StoreError>;
        fn levels() -> Result<Levels, StoreError>;
    }
    own {
        async fn incident(&self, id: IncidentId) -> Result<Option<Incident>, StoreError> {
            match self.fuse.cannot_read(id) {
                true => Err(StoreError::Unreadable { what: "incident", message: "a page of the file is gone".into() }),
                false => self.inner.incident(id).await,
            }
        }
    }
}

passes_on! {
    AffectedStore
    fused {}
    plain {
        fn objects_in(incidents: &[IncidentId], firing: Firing<'_>)
            -> Result<Vec<(IncidentId, CountedObject)>, StoreError>;
        fn firing_in(incident: IncidentId, firing: Firing<'_>, page: (EpisodeId, usize))
            -> Result<Vec<(EpisodeId, OpenAlert)>, StoreError>;
        fn counts_by(words: &Digest) -> Result<(), StoreError>;
    }
    own {}
}

passes_on! {
    RunStore
    fused {}
    plain {
        fn next_run_due() -> Result<Option<DateTime<Utc>>, StoreError>;
        fn run(id: RunId) -> Result<Option<Run>, StoreError>;
        fn runs_of(incident: IncidentId) -> Result<Vec<Run>, StoreError>;
        fn runs_ended(from: DateTime<Utc>, to: DateTime<Utc>) -> Result<Vec<Run>, StoreError>;
        fn runs_under_way() -> Result<Vec<Run>, StoreError>;
        fn run_log(id: RunId) -> Result<Vec<(DateTime<Utc>, RunEvent)>, StoreError>;
        fn runs_about(target_key: &str, since: DateTime<Utc>, limit: usize) -> Result<Vec<PastRun>, StoreError>;
        fn earlier_remedies(
            remedy: &Remedy,
            not: RunId,
            since: DateTime<Utc>,
        ) -> Result<Vec<EarlierRemedy>, StoreError>;
        fn approval(id: ApprovalId) -> Result<Option<Approval>, StoreError>;
        fn approvals_of(incident: IncidentId) -> Result<Vec<Approval>, StoreError>;
        fn open_approvals() -> Result<Vec<Approval>, StoreError>;
        fn keep_playbook(playbook: &PlaybookRef, source: &str) -> Result<(), StoreError>;
        fn playbook_source(digest: &Digest) -> Result<Option<String>, StoreError>;
    }
    own {
        async fn append(&self, at: LogPosition, append: Append) -> Result<Appended, StoreError> {
            let last = append.events.last().map_or("nothing".into(), kind);
            self.fuse.at(&format!("before append {last}")).await;
            let done = self.inner.append(at, append).await;
            self.fuse.at(&format!("after append {last}")).await;
            done
        }

        async fn claim_run(&self, worker: &str, lease: Duration) -> Result<Option<ClaimedRun>, StoreError> {
            let claimed = self.inner.claim_run(worker, lease).await;
            // Before a claim nothing differs from before the append before it.
            if let Ok(Some(_)) = &claimed {
                self.fuse.at("after claim_run").await;
            }
            claimed
        }
    }
}

passes_on! {
    OutboxStore
    fused {
        fn delivered(id: DeliveryId, external: Option<&str>, told: Option<Standing>, attempt: Option<Attempt>)
            -> Result<(), StoreError>;
    }
    plain {
        fn take_deliveries(sinks: &[&str], limit: usize, hold: Duration) -> Result<Vec<Delivery>, StoreError>;
        fn next_delivery_due(sinks: &[&str]) -> Result<Option<DateTime<Utc>>, StoreError>;
        fn delivery_failed(id: DeliveryId, error: &str, retry_at: Option<DateTime<Utc>>, passes_on: bool, attempt: Option<Attempt>)
            -> Result<Vec<String>, StoreError>;
        fn announce(text: &str, is_trouble: bool) -> Result<(), StoreError>;
        fn external_message(sink: &str, incident: IncidentId) -> Result<Option<String>, StoreError>;
    }
    own {}
}

passes_on! {
    ClockStore
    fused {
        fn move_what_waits(by: TimeDelta) -> Result<(), StoreError>;
    }
    plain {}
    own {}
}

passes_on! {
    HandoffStore
    fused {}
    plain {
        fn shift_view(teams: &Teams, from: DateTime<Utc>, to: DateTime<Utc>) -> Result<ShiftView, StoreError>;
        fn keep_handoff(record: &HandoffRecord) -> Result<bool, StoreError>;
        fn last_handoff(team: &str) -> Result<Option<HandoffRecord>, StoreError>;
    }
    own {}
}

passes_on! {
    HeartbeatStore
    fused {}
    plain {
        fn beat(beats: Vec<Beat>) -> Result<(), StoreError>;
        fn heartbeats() -> Result<Vec<Heartbeat>, StoreError>;
        fn forget_heartbeat(key: &HeartbeatKey) -> Result<(), StoreError>;
    }
    own {}
}

passes_on! {
    WindowStore
    fused {}
    plain {
        fn windows_at(at: DateTime<Utc>) -> Result<Vec<Window>, StoreError>;
        fn windows_since(since: DateTime<Utc>) -> Result<Vec<Window>, StoreError>;
        fn window(id: WindowId) -> Result<Option<Window>, StoreError>;
        fn windows_of(incident: IncidentId) -> Result<Vec<Window>, StoreError>;
        fn next_window_id() -> Result<WindowId, StoreError>;
        fn ended_windows(now: DateTime<Utc>) -> Result<(Vec<Window>, Option<DateTime<Utc>>), StoreError>;
        fn held_by(windows: &[WindowId]) -> Result<Vec<HeldIncident>, StoreError>;
        fn open_alerts(incident: IncidentId) -> Result<Vec<OpenAlert>, StoreError>;
        fn firing(sources: &[String]) -> Result<Vec<FiringAlert>, StoreError>;
        fn firing_about(source: &str, target: &Target) -> Result<Vec<FiringAlert>, StoreError>;
        fn plan_windows(origin: WindowOrigin, planned: Vec<NewWindow>) -> Result<bool, StoreError>;
    }
    own {}
}

passes_on! {
    OverrideStore
    fused {}
    plain {
        fn overrides_since(since: DateTime<Utc>) -> Result<Vec<Override>, StoreError>;
        fn override_of(id: OverrideId) -> Result<Option<Override>, StoreError>;
        fn next_override_id() -> Result<OverrideId, StoreError>;
    }
    own {}
}

passes_on! {
    FoldStore
    fused {
        fn unfold(page: PageId) -> Result<bool, StoreError>;
    }
    plain {
        fn due_folds(now: DateTime<Utc>) -> Result<(Vec<PageId>, Option<DateTime<Utc>>), StoreError>;
        fn folded_into(page: PageId) -> Result<Vec<FoldedIncident>, StoreError>;
    }
    own {}
}

passes_on! {
    EscalationStore
    fused {
        fn escalate(due: &Escalation, comes_to: Escalated) -> Result<bool, StoreError>;
    }
    plain {
        fn due_escalations(now: DateTime<Utc>) -> Result<(Vec<Escalation>, Option<DateTime<Utc>>), StoreError>;
        fn escalation_of(incident: IncidentId) -> Result<Option<Escalation>, StoreError>;
    }
    own {
        fn calls_by_itself(&self) -> BTreeSet<String> {
            self.inner.calls_by_itself()
        }
    }
}

passes_on! {
    TicketStore
    fused {
        fn ticket_tried(id: TicketId, hold: Duration) -> Result<(), StoreError>;
        fn ticket_failed(id: TicketId, failure: TicketFailure) -> Result<(), StoreError>;
    }
    plain {
        fn ticket(id: TicketId) -> Result<Option<Ticket>, StoreError>;
        fn tickets_of(incidents: &[IncidentId]) -> Result<Vec<Ticket>, StoreError>;
    }
    own {}
}

impl Store for FusedStore {
    fn bells(&self) -> &Bells {
        self.inner.bells()
    }

    fn mark(&self) -> &str {
        self.inner.mark()
    }
}

/// `started`, as the log has it.
fn kind(event: &RunEvent) -> String {
    serde_json::to_value(event).unwrap()["kind"].as_str().unwrap().to_owned()
}

/// A cluster whose answer the bot may not live to see.
pub struct FusedCluster {
    pub inner: SimCluster,
    pub fuse: Arc<Fuse>,
}

#[async_trait]
impl Cluster for FusedCluster {
    async fn get(&self, key: &ObjectKey) -> Result<Option<Object>, ClusterError> {
        let happens = self.fuse.state.lock().unwrap().at_next_get.take();
        if let Some(happens) = happens {
            happens();
        }
        self.inner.get(key).await
    }

    async fn list(&self, query: &ListQuery) -> Result<Vec<Object>, ClusterError> {
        self.inner.list(query).await
    }

    async fn logs(&self, query: &LogQuery) -> Result<Log, ClusterError> {
        self.inner.logs(query).await
    }

    async fn exec(&self, query: &ExecQuery) -> Result<Executed, ClusterError> {
        self.inner.exec(query).await
    }

    async fn patch(&self, patch: &Patch) -> Result<Object, ClusterError> {
        self.fuse.at("before patch").await;
        let patched = self.inner.patch(patch).await;
        self.fuse.at("after patch").await;
        patched
    }

    async fn create(&self, object: &Object, field_manager: &str, dry_run: bool) -> Result<Object, ClusterError> {
        self.fuse.at("before create").await;
        let created = self.inner.create(object, field_manager, dry_run).await;
        self.fuse.at("after create").await;
        created
    }

    async fn delete(&self, delete: &Delete) -> Result<(), ClusterError> {
        self.fuse.at("before delete").await;
        let deleted = self.inner.delete(delete).await;
        self.fuse.at("after delete").await;
        deleted
    }

    async fn evict(&self, evict: &Evict) -> Result<(), ClusterError> {
        self.fuse.at("before evict").await;
        let evicted = self.inner.evict(evict).await;
        self.fuse.at("after evict").await;
        evicted
    }

    async fn allowed(&self, access: &Access) -> Result<bool, ClusterError> {
        self.inner.allowed(access).await
    }

    async fn kind(&self, name: &KindName) -> Result<&'static Kind, ClusterError> {
        self.inner.kind(name).await
    }

    fn kinds(&self) -> Arc<Kinds> {
        self.inner.kinds()
    }

    async fn version(&self) -> Result<String, ClusterError> {
        self.inner.version().await
    }
}

passes_on! {
    BreakerStore
    fused {}
    plain {
        fn breakers() -> Result<Vec<Breaker>, StoreError>;
        fn stopped_ramps(now: DateTime<Utc>) -> Result<Vec<StoppedRamp>, StoreError>;
    }
    own {}
}

passes_on! {
    PlaybookStore
    fused {}
    plain {
        fn kept_playbooks(name: &str) -> Result<Vec<KeptPlaybook>, StoreError>;
        fn playbook_runs(names: &[&str]) -> Result<Vec<PlaybookRuns>, StoreError>;
    }
    own {}
}

passes_on! {
    FreezeStore
    fused {}
    plain {
        fn freezes_at(at: DateTime<Utc>) -> Result<Vec<Freeze>, StoreError>;
        fn freeze(id: FreezeId) -> Result<Option<Freeze>, StoreError>;
        fn next_freeze_id() -> Result<FreezeId, StoreError>;
        fn taken_by(incidents: &[IncidentId]) -> Result<HashMap<IncidentId, String>, StoreError>;
        fn tell_freezes_over() -> Result<Option<DateTime<Utc>>, StoreError>;
        fn wake_who_asks() -> Result<(), StoreError>;
    }
    own {}
}
