//! Whether a page reaches somebody: receivers that are down, that ask for patience, that come back.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use dogwatch::clock::Clock as _;
use dogwatch::message::{PagingFacts, WhyFacts, incidents_table, why};
use dogwatch::model::*;
use dogwatch::notify::{OutboxWorker, Parcel, ParcelKind, Sink, SinkError};
use dogwatch::oncall::OnCall;
use dogwatch::store::{Change, IncidentFilter, IncidentRef, NewPage, PageOrder, PageReason, Sinks};
use dogwatch::worker::{Worker, settle};

use crate::incidents::two_in_the_morning;
use crate::world::story::{SqlitePlace, Story, sinks};

/// A receiver of pages that does as it is told.
struct Receiver {
    name: &'static str,
    /// `None`: it takes everything.
    answer: Mutex<Option<SinkError>>,
    asked: AtomicUsize,
    got: Mutex<Vec<Parcel>>,
    at_once: AtomicUsize,
    most_at_once: AtomicUsize,
}

impl Receiver {
    fn new(name: &'static str) -> Arc<Self> {
        Arc::new(Self {
            name,
            answer: Mutex::default(),
            asked: AtomicUsize::default(),
            got: Mutex::default(),
            at_once: AtomicUsize::default(),
            most_at_once: AtomicUsize::default(),
        })
    }

    fn answers(&self, error: SinkError) {
        *self.answer.lock().unwrap() = Some(error);
    }

    fn is_back(&self) {
        *self.answer.lock().unwrap() = None;
    }

    /// The keys of the pages that it has taken since it was asked for them last.
    fn pages(&self) -> Vec<String> {
        let got = std::mem::take(&mut *self.got.lock().unwrap());
        got.into_iter().filter(|parcel| parcel.kind == ParcelKind::Page).map(|parcel| parcel.title).collect()
    }

    fn asked(&self) -> usize {
        self.asked.swap(0, Ordering::Relaxed)
    }
}

#[async_trait]
impl Sink for Receiver {
    fn name(&self) -> &str {
        self.name
    }

    async fn send(&self, parcel: &Parcel) -> Result<Option<String>, SinkError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let now = self.at_once.fetch_add(1, Ordering::Relaxed) + 1;
        self.most_at_once.fetch_max(now, Ordering::Relaxed);
        tokio::task::yield_now().await;
        self.at_once.fetch_sub(1, Ordering::Relaxed);
        match &*self.answer.lock().unwrap() {
            Some(error) => Err(error.clone()),
            None => {
                self.got.lock().unwrap().push(parcel.clone());
                Ok(None)
            }
        }
    }
}

/// A bot's store and what delivers from it, to receivers in the order of `pages.sinks`.
struct Watch {
    story: Story,
    receivers: Vec<Arc<Receiver>>,
    workers: Vec<Arc<dyn Worker>>,
}

impl Watch {
    async fn begins(names: &[&'static str]) -> Self {
        let story = Story::begins(SqlitePlace::ready().await, two_in_the_morning(), first_of(names)).await;
        let receivers: Vec<_> = names.iter().map(|name| Receiver::new(name)).collect();
        let workers = workers(&story, &receivers);
        Self { story, receivers, workers }
    }

    /// The process dies, and another one starts with these receivers.
    async fn restarts(self, names: &[&'static str]) -> Self {
        let Self { story, receivers: before, workers: died } = self;
        drop(died);
        let story = story.reopens_with(first_of(names)).await;
        let same = |name: &str| before.iter().find(|receiver| receiver.name == name).cloned();
        let receivers: Vec<_> = names.iter().map(|name| same(name).unwrap_or_else(|| Receiver::new(name))).collect();
        let workers = workers(&story, &receivers);
        let watch = Self { story, receivers, workers };
        watch.settles().await;
        watch
    }

    async fn is_paged(&self, severity: Severity, title: &str) -> IncidentId {
        let incident = self.story.incident_of("platform", severity, title, "Down", 0, None).await;
        self.story.page(incident, PageReason::Uncovered).await;
        self.settles().await;
        incident
    }

    async fn decides(&self, changes: Vec<Change>) {
        self.story.decide(changes).await;
        self.settles().await;
    }

    async fn acks(&self, incident: IncidentId) {
        self.decides(vec![Change::Acknowledge { incident: IncidentRef::Existing(incident), by: "ada".into() }]).await;
    }

    async fn settles(&self) -> Option<chrono::DateTime<chrono::Utc>> {
        settle(&self.workers).await.unwrap()
    }

    /// Everything that is due meanwhile happens at its time.
    async fn passes(&self, time: Duration) {
        let end = self.story.clock.now() + time;
        while let Some(next) = self.settles().await.filter(|next| *next < end) {
            self.story.clock.set(next.max(self.story.clock.now() + TimeDelta::microseconds(1)));
        }
        self.story.clock.set(end);
        self.settles().await;
    }

    fn pages(&self, name: &str) -> Vec<String> {
        self.receivers.iter().find(|receiver| receiver.name == name).unwrap().pages()
    }

    async fn reached_nobody(&self) -> (u64, u64) {
        let levels = self.story.store.levels().await.unwrap();
        (levels.undelivered_pages, levels.undelivered_for)
    }

    async fn incidents(&self) -> String {
        let incidents = self.story.store.incidents(IncidentFilter::Unresolved).await.unwrap();
        incidents_table(&incidents, &self.story.store.unanswered_pages().await.unwrap(), self.story.clock.now(), false)
    }

    async fn why(&self, incident: IncidentId) -> String {
        let facts = WhyFacts {
            incident: &self.story.store.incident(incident).await.unwrap().unwrap(),
            runs: &[],
            timeline: &self.story.store.timeline(incident).await.unwrap(),
            episodes: &[],
            pages: &self.story.store.pages_of(incident).await.unwrap(),
            now: self.story.clock.now(),
            paging: PagingFacts::default(),
        };
        why(&facts)
    }
}

impl Watch {
    /// Somebody, or a disk, changes rows behind the bot's back.
    async fn is_damaged(&self, sql: &str) {
        use sqlx::{Connection as _, SqliteConnection};
        let url = format!("sqlite://{}", self.story.place.file().display());
        let mut connection = SqliteConnection::connect(&url).await.unwrap();
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }

    /// What the pages say that this receiver has got.
    fn texts(&self, name: &str) -> Vec<String> {
        let receiver = self.receivers.iter().find(|receiver| receiver.name == name).unwrap();
        let got = std::mem::take(&mut *receiver.got.lock().unwrap());
        got.into_iter().map(|parcel| format!("{} -> {:?}\n{}", parcel.title, parcel.mention, parcel.body)).collect()
    }
}

/// Whatever of a page, its incident and its delivery is damaged, somebody is called, once.
#[tokio::test]
async fn a_page_whose_rows_are_damaged_reaches_somebody() {
    for (damage, says) in [
        ("UPDATE outbox SET subject = '{}'", "[S2] INC-1 it burns"),
        ("UPDATE outbox SET subject = x'00', attempts = 'many', external_id = x'ff'", "[S2] INC-1 it burns"),
        ("UPDATE incident SET state = 'nonsense', target = '{'", "[S2] INC-1 it burns"),
        ("UPDATE incident SET severity = 'S9'", "[S2] INC-1 it burns"),
        (
            "UPDATE incident SET opened_at = 9223372036854775807, page_at = 'soon', episodes = 'x'",
            "[S2] INC-1 it burns",
        ),
        ("UPDATE incident SET title = x'697420c3627572', team = x'ff'", "[S2] INC-1 it "),
        ("UPDATE incident_event SET event = x'00', at = 'then'", "[S2] INC-1 it burns"),
        ("UPDATE page SET severity = 'no'", "[S1] INC-1 it burns"),
        ("UPDATE page SET team = x'ff'", "nobody is on call for team"),
        ("UPDATE page SET reason = '{'", "[S2] PAGE-1 of INC-1 cannot be read"),
        ("UPDATE page SET reason = '{', severity = 'no', team = x'ff'", "[S1] PAGE-1 of INC-1 cannot be read"),
        ("UPDATE page SET created_at = 'then'", "PAGE-1 of INC-1 cannot be read"),
        ("PRAGMA foreign_keys = off; DELETE FROM incident", "PAGE-1 of INC-1 cannot be read"),
        ("PRAGMA foreign_keys = off; DELETE FROM page", "[S1] PAGE-1 cannot be read"),
        (
            "PRAGMA ignore_check_constraints = on; PRAGMA foreign_keys = off; UPDATE page SET incident_id = 'x'",
            "PAGE-1",
        ),
    ] {
        let watch = Watch::begins(&["pager"]).await;
        watch.receivers[0].answers(SinkError::retry("down"));
        watch.is_paged(Severity::S2, "it burns").await;
        watch.is_damaged(damage).await;
        watch.receivers[0].is_back();
        watch.passes(Duration::from_secs(3_600)).await;
        let texts = watch.texts("pager");
        assert!(texts.len() == 1 && texts[0].contains(says), "{damage}: {texts:#?}");
        assert!(texts[0].contains("ada") && texts[0].contains("next:"), "{damage}: {texts:#?}");
    }
}

#[tokio::test]
async fn a_damaged_page_that_somebody_has_is_told_no_more() {
    let watch = Watch::begins(&["pager"]).await;
    watch.receivers[0].answers(SinkError::retry("down"));
    let incident = watch.is_paged(Severity::S2, "it burns").await;
    watch.acks(incident).await;
    watch.is_damaged("UPDATE page SET reason = '{'").await;
    watch.receivers[0].is_back();
    watch.passes(Duration::from_secs(3_600)).await;
    assert_eq!(watch.texts("pager"), [] as [String; 0]);
}

/// Pages go to the first of these, and on to the others when it fails.
fn first_of(names: &[&str]) -> Sinks {
    Sinks { pages: PageOrder::new(names.iter().map(|name| [*name])), ..sinks(&[], &[]) }
}

fn workers(story: &Story, receivers: &[Arc<Receiver>]) -> Vec<Arc<dyn Worker>> {
    let oncall = "
apiVersion: dogwatch/v1
kind: OnCall
members: [{ name: ada }]
teams:
  - name: platform
    rotation: { time_zone: UTC, start: 2026-01-05, handoff: { at: \"09:00\", every: 1w }, members: [ada] }
";
    let oncall = Arc::new(OnCall::parse("oncall.yaml", oncall).unwrap());
    let mut workers: Vec<Arc<dyn Worker>> = Vec::new();
    for receiver in receivers {
        let (store, clock) = (story.store.clone(), story.clock.clone());
        let worker = OutboxWorker::new(receiver.clone(), store, clock, oncall.clone(), Arc::default());
        workers.push(Arc::new(worker.with_default_team("platform")));
    }
    workers
}

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn hours(n: u64) -> Duration {
    Duration::from_secs(3_600 * n)
}

fn wait(after: u64) -> SinkError {
    SinkError::Retry { message: "the receiver answered 429".into(), after: Some(seconds(after)) }
}

#[tokio::test]
async fn a_receiver_that_asks_for_patience_keeps_an_s1_from_nobody() {
    let watch = Watch::begins(&["webhook", "discord", "console"]).await;
    watch.receivers[0].answers(wait(900));
    let incident = watch.is_paged(Severity::S1, "the shop is down").await;
    assert_eq!(watch.pages("discord"), ["[S1] INC-1 the shop is down"], "at once");
    assert_eq!(watch.reached_nobody().await, (0, 0));
    assert_eq!(watch.receivers[0].asked(), 1);
    watch.passes(seconds(890)).await;
    assert_eq!(watch.receivers[0].asked(), 0, "what the receiver asks for is honoured there");
    watch.receivers[0].is_back();
    watch.passes(seconds(20)).await;
    assert_eq!(watch.pages("webhook"), ["[S1] INC-1 the shop is down"], "it is nobody's yet, and still open");
    let why = watch.why(incident).await;
    assert!(why.contains("note: PAGE-1 does not reach webhook: it goes to discord too"), "{why}");
    assert!(why.contains("note: PAGE-1 reaches webhook, 15m after it was made"), "{why}");
}

#[tokio::test]
async fn a_page_goes_down_the_whole_order_and_each_that_fails_is_tried_on() {
    let watch = Watch::begins(&["webhook", "discord", "console"]).await;
    watch.receivers[0].answers(SinkError::no_answer("no answer within 10 s"));
    watch.receivers[1].answers(SinkError::fail("401: put the token right"));
    watch.is_paged(Severity::S2, "the shop is slow").await;
    assert_eq!(watch.pages("console"), ["[S2] INC-1 the shop is slow"]);
    assert_eq!(watch.reached_nobody().await.0, 1, "a line on the console calls nobody at night");
    watch.passes(hours(1)).await;
    assert!(watch.receivers[0].asked() > 8 && watch.receivers[1].asked() > 8);
    watch.receivers[1].is_back();
    watch.passes(seconds(450)).await;
    assert_eq!(watch.pages("discord").len(), 1);
    assert_eq!(watch.reached_nobody().await, (0, 0));
}

#[tokio::test]
async fn a_hiccup_of_one_second_calls_nobody_twice() {
    let watch = Watch::begins(&["webhook", "discord"]).await;
    watch.receivers[0].answers(SinkError::retry("connection refused"));
    watch.is_paged(Severity::S1, "the shop is down").await;
    watch.receivers[0].is_back();
    watch.passes(hours(1)).await;
    assert_eq!((watch.pages("webhook").len(), watch.pages("discord").len()), (1, 0));
}

#[tokio::test]
async fn a_receiver_that_was_down_for_a_day_gets_what_is_still_open_and_nobody_s() {
    let watch = Watch::begins(&["webhook"]).await;
    watch.receivers[0].answers(SinkError::retry("connection refused"));
    let open = watch.is_paged(Severity::S1, "the shop is down").await;
    let acked = watch.is_paged(Severity::S1, "the bank is down").await;
    let closed = watch.is_paged(Severity::S2, "the mill is slow").await;
    let over = watch.is_paged(Severity::S2, "the mine is slow").await;
    watch.passes(hours(7)).await;
    watch.story.ack(acked, "ada").await;
    watch.story.resolve(closed, "ada").await;
    watch.story.resolves_by_itself(over).await;
    watch.passes(hours(17)).await;
    let (pages, age) = watch.reached_nobody().await;
    assert_eq!((pages, age), (2, 24 * 3_600), "also that of what is over by itself: nobody knows of it");
    let list = watch.incidents().await;
    assert!(list.contains("REACHED NOBODY: the shop is down") && !list.contains("REACHED NOBODY: the bank"), "{list}");
    let why = watch.why(open).await;
    assert!(why.contains("webhook: 2") && why.contains("attempts, the last: connection refused; next at"), "{why}");
    assert!(why.contains("it has reached nobody since 2026-03-02 02:00:00 UTC"), "{why}");
    watch.receivers[0].is_back();
    watch.passes(seconds(450)).await;
    let mut pages = watch.pages("webhook");
    pages.sort();
    assert_eq!(pages, ["[S1] INC-1 the shop is down", "[S2] INC-4 (over) the mine is slow"]);
    assert_eq!(watch.reached_nobody().await, (0, 0));
    watch.passes(hours(24)).await;
    assert_eq!(watch.pages("webhook"), [""; 0], "once");
}

#[tokio::test]
async fn a_receiver_that_comes_back_is_not_flooded() {
    let watch = Watch::begins(&["webhook"]).await;
    watch.receivers[0].answers(SinkError::retry("connection refused"));
    for n in 0..40 {
        watch.is_paged(Severity::S1, &format!("shop {n} is down")).await;
    }
    watch.passes(hours(1)).await;
    watch.receivers[0].is_back();
    watch.passes(seconds(450)).await;
    assert_eq!(watch.pages("webhook").len(), 40);
    assert!(watch.receivers[0].most_at_once.load(Ordering::Relaxed) <= 8);
}

#[tokio::test]
async fn a_new_page_does_not_wait_behind_those_that_fail() {
    let watch = Watch::begins(&["webhook", "discord"]).await;
    watch.receivers[0].answers(SinkError::no_answer("no answer within 10 s"));
    for n in 0..20 {
        watch.is_paged(Severity::S1, &format!("shop {n} is down")).await;
    }
    watch.pages("discord");
    // All of them are due again, and a new one is made at the same time.
    watch.story.clock.advance(seconds(600));
    watch.receivers[0].answers(wait(60));
    let due = watch.story.store.take_deliveries(&["webhook"], 1, seconds(0)).await.unwrap();
    assert_eq!(due[0].attempts, 1);
    let before = watch.receivers[0].asked();
    watch.is_paged(Severity::S1, "the bank is down").await;
    assert_eq!(watch.pages("discord"), ["[S1] INC-21 the bank is down"], "asked {before} times before");
}

#[tokio::test]
async fn news_of_what_somebody_has_is_told_whatever_the_clock_says() {
    let news = |incident| {
        let reason = PageReason::NotRun { because: "it ran three times".into() };
        let page = NewPage { level: 1, team: "platform".into(), reason, text: None };
        Change::Page { incident: IncidentRef::Existing(incident), page }
    };
    for set in [TimeDelta::zero(), -TimeDelta::hours(2), TimeDelta::hours(2)] {
        let watch = Watch::begins(&["webhook"]).await;
        let incident = watch.is_paged(Severity::S2, "the shop is slow").await;
        watch.acks(incident).await;
        assert_eq!(watch.pages("webhook").len(), 1, "{set}");
        watch.story.clock.follow(set);
        watch.decides(vec![news(incident)]).await;
        assert_eq!(watch.pages("webhook").len(), 1, "{set}: it says what is new");
    }
    for set in [TimeDelta::zero(), -TimeDelta::hours(2)] {
        let watch = Watch::begins(&["webhook"]).await;
        let incident = watch.is_paged(Severity::S2, "the shop is slow").await;
        watch.acks(incident).await;
        watch.pages("webhook");
        watch.receivers[0].answers(SinkError::retry("connection refused"));
        watch.decides(vec![news(incident)]).await;
        watch.story.clock.follow(set);
        watch.acks(incident).await;
        watch.receivers[0].is_back();
        watch.passes(hours(4)).await;
        assert_eq!(watch.pages("webhook"), [""; 0], "{set}: somebody has looked meanwhile");
    }
}

#[tokio::test]
async fn a_restart_between_two_attempts_keeps_their_number_and_the_order() {
    let mut watch = Watch::begins(&["webhook", "discord"]).await;
    for receiver in &watch.receivers {
        receiver.answers(SinkError::retry("connection refused"));
    }
    let first = watch.is_paged(Severity::S1, "the shop is down").await;
    watch.passes(seconds(600)).await;
    let attempts = async |watch: &Watch| {
        let page = watch.story.store.pages_of(first).await.unwrap().remove(0);
        page.deliveries.iter().map(|delivery| (delivery.sink.clone(), delivery.attempts)).collect::<Vec<_>>()
    };
    let before = attempts(&watch).await;
    assert!(before.len() == 2 && before.iter().all(|(_, attempts)| *attempts > 2), "{before:?}");
    // The process dies after it has made another page, and before it has tried to bring it.
    let workers = std::mem::take(&mut watch.workers);
    watch.is_paged(Severity::S2, "the bank is slow").await;
    drop(workers);
    let watch = watch.restarts(&["webhook", "discord"]).await;
    let after = attempts(&watch).await;
    // One that was due soon is tried at once: nobody is at it any more.
    let goes_on = |(before, after): (&(String, u32), &(String, u32))| {
        before.0 == after.0 && (after.1 == before.1 || after.1 == before.1 + 1)
    };
    assert!(before.len() == after.len() && before.iter().zip(&after).all(goes_on), "{before:?}, {after:?}");
    for receiver in &watch.receivers {
        receiver.is_back();
    }
    watch.passes(hours(2)).await;
    let mut once = watch.pages("webhook");
    once.sort();
    assert_eq!(once, ["[S1] INC-1 the shop is down", "[S2] INC-2 the bank is slow"]);
    assert!(watch.pages("discord").len() <= 2, "once there, too");
}

#[tokio::test]
async fn a_restart_between_two_attempts_loses_and_doubles_nothing() {
    let watch = Watch::begins(&["webhook", "discord"]).await;
    watch.receivers[0].answers(wait(900));
    watch.is_paged(Severity::S1, "the shop is down").await;
    assert_eq!(watch.pages("discord").len(), 1);
    let watch = watch.restarts(&["webhook", "discord"]).await;
    watch.receivers[0].is_back();
    watch.passes(hours(2)).await;
    assert_eq!((watch.pages("webhook").len(), watch.pages("discord").len()), (1, 0));
}

#[tokio::test]
async fn a_page_whose_only_receiver_is_configured_no_more_goes_to_the_new_one() {
    let watch = Watch::begins(&["webhook"]).await;
    watch.receivers[0].answers(SinkError::retry("connection refused"));
    watch.is_paged(Severity::S1, "the shop is down").await;
    let watch = watch.restarts(&["discord"]).await;
    assert_eq!(watch.pages("discord"), ["[S1] INC-1 the shop is down"]);
    assert_eq!(watch.reached_nobody().await, (0, 0));
}

#[tokio::test]
async fn a_page_without_any_receiver_is_said_to_reach_nobody() {
    let watch = Watch::begins(&[]).await;
    let incident = watch.is_paged(Severity::S1, "the shop is down").await;
    assert_eq!(watch.reached_nobody().await, (1, 0));
    let why = watch.why(incident).await;
    assert!(why.contains("no sink for pages is configured"), "{why}");
}
