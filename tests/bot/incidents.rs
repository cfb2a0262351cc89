//! From notifications to incidents: the store and the worker that decides are real; alerts come as Alertmanager tells them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeZone, Utc};
use dogwatch::clock::{Clock, ManualClock};
use dogwatch::incident::{IncidentRules, PageWorker, SignalWorker};
use dogwatch::model::*;
use dogwatch::playbook::{Catalog, Playbook};
use dogwatch::store::*;
use dogwatch::surroundings::Lookup;
use dogwatch::worker::{Worker, settle};
use proptest::prelude::*;
use tokio::sync::watch;

use crate::world::story::{SqlitePlace, Story, sinks};

pub const PLAYBOOK: &str = r#"
apiVersion: dogwatch/v1
kind: Playbook
metadata: { name: dns, version: 1.0.0, owner: platform }
summary: DNS is slow
severity: S2
autonomy: auto
page_by: 10m
triggers:
  - alert: DNSSlow
  - alert: NameResolutionFailing
target: { kind: Deployment, namespace: kube-system, name: coredns }
limits: { runs: 3 per 1h, cooldown: 15m }
diagnose:
  - done_if: has(alert.labels.fine)
    because: the alert says that all is fine
escalate:
  - page: { message: "DNS is slow" }
"#;

pub struct Shift {
    pub story: Story,
    pub store: Arc<dyn Store>,
    pub clock: Arc<ManualClock>,
    pub workers: Vec<Arc<dyn Worker>>,
    _catalog: watch::Sender<Arc<Catalog>>,
}

pub fn two_in_the_morning() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 3, 2, 2, 0, 0).unwrap()
}

/// An alert, by its name and the labels that tell it from others. One that is over ended a second after its start.
pub fn alert(name: &str, labels: &[(&str, &str)], starts_at: DateTime<Utc>, status: AlertStatus) -> Alert {
    let mut all: BTreeMap<String, String> =
        labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    all.insert("alertname".into(), name.into());
    Alert {
        given: None,
        in_order: false,
        fingerprint: format!("{all:?}"),
        status,
        labels: all,
        annotations: BTreeMap::new(),
        starts_at,
        ends_at: (status == AlertStatus::Resolved).then_some(starts_at + Duration::from_secs(1)),
        generator_url: String::new(),
    }
}

impl Shift {
    pub async fn begin() -> Self {
        Self::with(&[PLAYBOOK]).await
    }

    pub async fn with(playbooks: &[&str]) -> Self {
        Self::with_rules(playbooks, IncidentRules::default()).await
    }

    pub async fn with_rules(playbooks: &[&str], rules: IncidentRules) -> Self {
        Self::of(playbooks, rules, |_| None).await
    }

    /// With a cluster that says what alerts have in common, and no playbook.
    pub async fn looking_up(rules: IncidentRules, lookup: impl FnOnce(Arc<ManualClock>) -> Lookup) -> Self {
        Self::of(&[], rules, |clock| Some(lookup(clock))).await
    }

    async fn of(
        playbooks: &[&str],
        rules: IncidentRules,
        lookup: impl FnOnce(Arc<ManualClock>) -> Option<Lookup>,
    ) -> Self {
        let sinks = sinks(&["console"], &["console"]);
        let story = Story::begins(SqlitePlace::ready().await, two_in_the_morning(), sinks).await;
        let (store, clock) = (story.store.clone(), story.clock.clone());
        let playbooks = playbooks.iter().map(|source| Playbook::from_store(source).unwrap()).collect();
        let (catalog, problems) = Catalog::of(playbooks);
        assert!(problems.is_empty(), "{problems:?}");
        let (sender, catalog) = watch::channel(Arc::new(catalog));
        let signals = SignalWorker::new(store.clone(), catalog, rules, clock.clone(), Arc::default())
            .looking_up(lookup(clock.clone()));
        let pages = PageWorker::new(store.clone(), clock.clone());
        let workers: Vec<Arc<dyn Worker>> = vec![Arc::new(signals), Arc::new(pages)];
        Self { story, store, clock, workers, _catalog: sender }
    }

    pub async fn delivers(&self, group: &str, alerts: Vec<Alert>) {
        self.lets_in(group, alerts).await;
        settle(&self.workers).await.unwrap();
    }

    /// A delivery that waits to be worked on.
    pub async fn lets_in(&self, group: &str, alerts: Vec<Alert>) {
        let key = Digest::of(format!("{group} {alerts:?}")).to_string();
        let body = SignalBody::Notification(Notification {
            receiver: "dogwatch".into(),
            group_key: group.into(),
            truncated: 0,
            left_out: Default::default(),
            alerts,
            unauthenticated: false,
        });
        let signal = Signal { source: "alertmanager".into(), key, received_at: self.clock.now(), body };
        self.store.accept(&signal).await.unwrap();
    }

    pub async fn fires(&self, name: &str, labels: &[(&str, &str)]) -> DateTime<Utc> {
        let now = self.clock.now();
        self.delivers("g", vec![alert(name, labels, now, AlertStatus::Firing)]).await;
        now
    }

    pub async fn resolves(&self, name: &str, labels: &[(&str, &str)], since: DateTime<Utc>) {
        let resolved = alert(name, labels, since, AlertStatus::Resolved);
        self.delivers("g", vec![Alert { ends_at: Some(self.clock.now()), ..resolved }]).await;
    }

    pub async fn passes(&self, minutes: u64) {
        let end = self.clock.now() + Duration::from_secs(60 * minutes);
        while let Some(next) = settle(&self.workers).await.unwrap().filter(|next| *next < end) {
            self.clock.set(next);
        }
        self.clock.set(end);
        settle(&self.workers).await.unwrap();
    }

    pub async fn incidents(&self) -> Vec<Incident> {
        let long_ago = two_in_the_morning() - Duration::from_secs(86_400);
        let mut all = self.store.incidents(IncidentFilter::ResolvedSince(long_ago)).await.unwrap();
        all.sort_by_key(|incident| incident.id);
        all
    }

    /// Whenever they were resolved, by whatever clock.
    pub async fn incidents_ever(&self) -> Vec<Incident> {
        let mut all = Vec::new();
        for n in 1.. {
            match self.store.incident(IncidentId(n)).await.unwrap() {
                Some(incident) => all.push(incident),
                None => break,
            }
        }
        all
    }

    /// Each incident as `INC-1 open 1/2 runs=1`: state, open and all episodes, runs.
    pub async fn told(&self) -> Vec<String> {
        let mut told = Vec::new();
        for incident in self.incidents().await {
            let runs = self.store.runs_of(incident.id).await.unwrap().len();
            let (open, all) = (incident.open_episodes, incident.episodes);
            told.push(format!("{} {} {open}/{all} runs={runs}", incident.id, incident.state));
        }
        told
    }

    pub async fn pages(&self) -> Vec<String> {
        let pages = self.store.pages(two_in_the_morning(), two_in_the_morning() + Duration::from_secs(86_400)).await;
        pages.unwrap().into_iter().map(|page| format!("{} {:?}", page.incident, page.reason)).collect()
    }

    pub async fn run_ends(&self, outcome: Outcome) {
        let run = self.story.claims("test").await.expect("a run").run.id;
        let because = "the test says so";
        let page = NewPage {
            level: 1,
            team: "platform".into(),
            reason: PageReason::Escalated { run },
            text: Some(because.into()),
        };
        if outcome == Outcome::Escalated {
            self.story.logs(run, Append { pages: vec![page], ..Append::default() }).await;
        }
        self.story.ends(run, outcome, because).await;
        settle(&self.workers).await.unwrap();
    }

    /// The incident's timeline, as people read it.
    pub async fn timeline(&self, incident: i64) -> String {
        let timeline = self.store.timeline(IncidentId(incident)).await.unwrap();
        dogwatch::message::timeline_lines(&timeline).join("\n")
    }

    /// Each decision about the incident with its reason, as people read it.
    pub async fn why(&self, id: IncidentId) -> String {
        let incident = self.store.incident(id).await.unwrap().expect("an incident");
        let facts = dogwatch::message::WhyFacts {
            incident: &incident,
            runs: &self.store.runs_of(id).await.unwrap(),
            timeline: &self.store.timeline(id).await.unwrap(),
            episodes: &self.store.episodes(id, 5).await.unwrap(),
            pages: &self.store.pages_of(id).await.unwrap(),
            now: self.clock.now(),
            paging: dogwatch::message::PagingFacts::default(),
        };
        dogwatch::message::why(&facts)
    }

    pub async fn says(&self, person: &str, command: Command) -> String {
        let person = Person { name: person.into(), via: Via::Console, id: person.into(), role: Some(Role::Responder) };
        let key = format!("{} {command:?} {}", person.name, self.clock.now());
        let body = SignalBody::Command { person, command };
        let signal = Signal { source: "console".into(), key, received_at: self.clock.now(), body };
        let id = self.store.accept(&signal).await.unwrap().id();
        settle(&self.workers).await.unwrap();
        self.store.reply(id).await.unwrap().expect("it was worked on").text
    }
}

#[tokio::test]
async fn one_cause_is_one_incident_whatever_alerts_tell_of_it() {
    let shift = Shift::begin().await;
    shift.fires("DNSSlow", &[]).await;
    let now = shift.clock.now();
    let databases: Vec<Alert> = (0..500)
        .map(|n| alert("NameResolutionFailing", &[("pod", &format!("pg-{n}"))], now, AlertStatus::Firing))
        .collect();
    shift.delivers("another group", databases).await;
    assert_eq!(shift.told().await, ["INC-1 open 501/501 runs=1"]);
}

#[tokio::test]
async fn the_same_delivery_by_three_peers_and_again_later_changes_nothing() {
    let shift = Shift::begin().await;
    let now = shift.clock.now();
    let firing = || vec![alert("DNSSlow", &[], now, AlertStatus::Firing)];
    for _ in 0..3 {
        shift.delivers("g", firing()).await;
    }
    shift.passes(5).await;
    shift.delivers("g", firing()).await;
    assert_eq!(shift.told().await, ["INC-1 open 1/1 runs=1"]);
}

#[tokio::test]
async fn a_resolve_before_or_without_its_firing_is_harmless() {
    let shift = Shift::begin().await;
    shift.resolves("DNSSlow", &[], shift.clock.now()).await;
    assert!(shift.told().await.is_empty());
    shift.fires("DNSSlow", &[]).await;
    assert_eq!(shift.told().await, ["INC-1 open 1/1 runs=1"]);
}

#[tokio::test]
async fn a_resolve_counts_although_the_start_was_moved_back() {
    let shift = Shift::begin().await;
    let since = shift.fires("Unknown", &[]).await;
    shift.passes(3).await;
    // A second Prometheus has seen it for longer, and Alertmanager keeps the earliest start.
    shift.resolves("Unknown", &[], since - Duration::from_secs(30)).await;
    assert_eq!(shift.told().await, ["INC-1 resolved 0/1 runs=0"]);
}

#[tokio::test]
async fn a_late_resolve_does_not_close_what_began_after_it() {
    let shift = Shift::begin().await;
    let first = shift.fires("Unknown", &[]).await;
    shift.passes(3).await;
    shift.resolves("Unknown", &[], first).await;
    shift.passes(3).await;
    shift.fires("Unknown", &[]).await;
    // Another peer tells that end only now.
    shift.delivers("g", vec![alert("Unknown", &[], first, AlertStatus::Resolved)]).await;
    assert_eq!(shift.told().await, ["INC-1 open 1/2 runs=0"]);
}

#[tokio::test]
async fn a_late_echo_of_a_firing_does_not_open_what_is_over() {
    let shift = Shift::begin().await;
    let since = shift.fires("Unknown", &[]).await;
    shift.passes(3).await;
    shift.resolves("Unknown", &[], since).await;
    shift.passes(2).await;
    shift.delivers("g", vec![alert("Unknown", &[], since, AlertStatus::Firing)]).await;
    assert_eq!(shift.told().await, ["INC-1 resolved 0/1 runs=0"]);
    // The peer that was late with the firing is late with the end, too.
    shift.passes(3).await;
    shift.resolves("Unknown", &[], since).await;
    shift.passes(60).await;
    assert_eq!(shift.told().await, ["INC-1 resolved 0/1 runs=0"]);
    let timeline = shift.timeline(1).await;
    assert!(timeline.contains("decided at 02:13:00 unless it resolves before"), "{timeline}");
}

#[tokio::test]
async fn what_fires_on_after_a_resolve_is_open_again_in_time() {
    let shift = Shift::begin().await;
    let since = shift.fires("Unknown", &[]).await;
    shift.passes(3).await;
    shift.resolves("Unknown", &[], since).await;
    shift.passes(2).await;
    let other = alert("Unknown", &[("pod", "b")], shift.clock.now(), AlertStatus::Firing);
    let told = || vec![alert("Unknown", &[], since, AlertStatus::Firing), other.clone()];
    shift.delivers("g", told()).await;
    assert_eq!(shift.told().await, ["INC-1 open 1/2 runs=0"], "the rest of the body does not wait");
    assert_eq!(shift.store.levels().await.unwrap().held_signals, 1);
    shift.passes(4).await;
    shift.delivers("g", told()).await;
    shift.passes(3).await;
    assert_eq!(shift.told().await, ["INC-1 open 1/2 runs=0"]);
    shift.passes(2).await;
    assert_eq!(shift.told().await, ["INC-1 open 2/2 runs=0"], "no repeat is needed, which is hours away");
    assert_eq!(shift.store.levels().await.unwrap().held_signals, 0);
    let timeline = shift.timeline(1).await;
    assert_eq!(timeline.matches("told again soon after the end").count(), 1, "{timeline}");
}

#[tokio::test]
async fn what_was_received_before_the_end_is_old_news_however_late_it_is_worked_on() {
    let shift = Shift::begin().await;
    let since = shift.fires("Unknown", &[]).await;
    shift.passes(3).await;
    // Another peer tells of it; and before that is worked on, a person closes the incident.
    shift.lets_in("another", vec![alert("Unknown", &[], since, AlertStatus::Firing)]).await;
    shift.says("alice", Command::Resolve { incident: IncidentId(1), note: None }).await;
    shift.passes(60).await;
    assert_eq!(shift.told().await, ["INC-1 resolved 0/1 runs=0"]);
}

#[tokio::test]
async fn what_alertmanager_lost_sight_of_and_tells_again_later_is_open_again() {
    let shift = Shift::begin().await;
    let since = shift.fires("Unknown", &[]).await;
    shift.passes(3).await;
    shift.resolves("Unknown", &[], since).await;
    shift.passes(20).await;
    shift.delivers("g", vec![alert("Unknown", &[], since, AlertStatus::Firing)]).await;
    assert_eq!(shift.told().await, ["INC-1 open 1/1 runs=0"]);
    assert_eq!(shift.pages().await.len(), 2, "each spell pages");
}

#[tokio::test]
async fn a_new_start_after_a_while_is_a_new_incident() {
    let shift = Shift::begin().await;
    let since = shift.fires("Unknown", &[]).await;
    shift.resolves("Unknown", &[], since).await;
    shift.passes(60).await;
    shift.fires("Unknown", &[]).await;
    assert_eq!(shift.told().await, ["INC-1 resolved 0/1 runs=0", "INC-2 open 1/1 runs=0"]);
}

#[tokio::test]
async fn an_alert_that_no_playbook_knows_is_paged_by_its_severity() {
    let shift = Shift::begin().await;
    shift.delivers("a", vec![alert("A", &[("severity", "critical")], shift.clock.now(), AlertStatus::Firing)]).await;
    shift.delivers("b", vec![alert("B", &[("severity", "warning")], shift.clock.now(), AlertStatus::Firing)]).await;
    shift.delivers("c", vec![alert("C", &[("severity", "info")], shift.clock.now(), AlertStatus::Firing)]).await;
    assert_eq!(shift.pages().await, ["INC-1 SeverityOne", "INC-2 Uncovered"]);
    assert_eq!(shift.told().await.len(), 3, "what is not paged is seen all the same");
}

#[tokio::test]
async fn somebody_is_paged_at_page_by_unless_somebody_took_it_or_it_is_over() {
    let shift = Shift::begin().await;
    shift.fires("DNSSlow", &[]).await;
    shift.passes(9).await;
    assert!(shift.pages().await.is_empty());
    shift.passes(2).await;
    assert_eq!(shift.pages().await, ["INC-1 Overdue"]);

    let shift = Shift::begin().await;
    shift.fires("DNSSlow", &[]).await;
    let reply = shift.says("alice", Command::Ack { incident: IncidentId(1) }).await;
    assert_eq!(reply, "INC-1 is yours: DNS is slow: deployment/coredns in kube-system");
    shift.passes(60).await;
    assert!(shift.pages().await.is_empty());

    let shift = Shift::begin().await;
    shift.fires("DNSSlow", &[]).await;
    shift.run_ends(Outcome::Fixed).await;
    assert_eq!(shift.told().await, ["INC-1 mitigated 1/1 runs=1"]);
    shift.resolves("DNSSlow", &[], two_in_the_morning()).await;
    shift.passes(60).await;
    assert!(shift.pages().await.is_empty());
}

#[tokio::test]
async fn a_mitigated_incident_resolves_with_its_last_alert() {
    let shift = Shift::begin().await;
    let one = shift.fires("DNSSlow", &[]).await;
    let two = shift.fires("NameResolutionFailing", &[("pod", "pg-1")]).await;
    shift.run_ends(Outcome::Fixed).await;
    shift.resolves("DNSSlow", &[], one).await;
    assert_eq!(shift.told().await, ["INC-1 mitigated 1/2 runs=1"]);
    shift.resolves("NameResolutionFailing", &[("pod", "pg-1")], two).await;
    assert_eq!(shift.told().await, ["INC-1 resolved 0/2 runs=1"]);
}

#[tokio::test]
async fn what_escalated_stays_open_until_a_human_has_looked() {
    let shift = Shift::begin().await;
    let since = shift.fires("DNSSlow", &[]).await;
    shift.resolves("DNSSlow", &[], since).await;
    assert_eq!(shift.told().await, ["INC-1 open 0/1 runs=1"], "its run goes on: it was told");
    shift.run_ends(Outcome::Escalated).await;
    assert_eq!(shift.told().await, ["INC-1 open 0/1 runs=1"]);
    let reply = shift.says("alice", Command::Resolve { incident: IncidentId(1), note: Some("looked".into()) }).await;
    assert_eq!(reply, "INC-1 is resolved");
}

#[tokio::test]
async fn late_news_of_a_mitigated_storm_joins_and_a_new_start_reopens() {
    let shift = Shift::with(&[&PLAYBOOK.replace("page_by: 10m", "page_by: 2h")]).await;
    let since = shift.fires("DNSSlow", &[]).await;
    shift.passes(2).await;
    shift.run_ends(Outcome::Fixed).await;
    shift.passes(3).await;
    let late = alert("NameResolutionFailing", &[("pod", "pg-1")], since, AlertStatus::Firing);
    shift.delivers("g2", vec![late]).await;
    assert_eq!(shift.told().await, ["INC-1 mitigated 2/2 runs=1"]);
    shift.passes(20).await;
    shift.fires("NameResolutionFailing", &[("pod", "pg-2")]).await;
    assert_eq!(shift.told().await, ["INC-1 open 3/3 runs=2"]);
}

#[tokio::test]
async fn late_news_is_told_by_the_senders_own_clock() {
    let (hour, day) = (chrono::TimeDelta::hours(1), chrono::TimeDelta::days(1));
    let never = chrono::TimeDelta::zero();
    for (off, set) in [(-hour, never), (hour, never), (never, day), (never, -day), (-hour, day), (hour, -day)] {
        let told = format!("their clock is off by {off}, ours is set by {set} under way");
        let shift = Shift::with(&[&PLAYBOOK.replace("page_by: 10m", "page_by: 2h")]).await;
        let fires = async |pod: &str, after: i64| {
            let start = two_in_the_morning() + off + chrono::TimeDelta::minutes(after);
            let firing = alert("NameResolutionFailing", &[("pod", pod)], start, AlertStatus::Firing);
            shift.delivers("g", vec![firing]).await;
        };
        fires("a", 0).await;
        shift.passes(2).await;
        shift.store.move_what_waits(set).await.unwrap();
        shift.clock.follow(set);
        shift.passes(2).await;
        shift.run_ends(Outcome::Fixed).await;
        shift.passes(2).await;
        fires("b", 3).await;
        assert_eq!(shift.told().await, ["INC-1 mitigated 2/2 runs=1"], "{told}");
        shift.passes(18).await;
        fires("c", 24).await;
        assert_eq!(shift.told().await, ["INC-1 open 3/3 runs=2"], "{told}");
    }
}

#[tokio::test]
async fn a_cooldown_opens_no_run_and_pages() {
    let shift = Shift::begin().await;
    shift.fires("DNSSlow", &[]).await;
    shift.run_ends(Outcome::Fixed).await;
    shift.passes(5).await;
    shift.fires("NameResolutionFailing", &[("pod", "pg-2")]).await;
    assert_eq!(shift.told().await, ["INC-1 open 2/2 runs=1"]);
    assert_eq!(shift.pages().await, [r#"INC-1 NotRun { because: "RUN-1 ended less than its cooldown ago" }"#]);
}

#[tokio::test]
async fn a_playbook_runs_no_more_often_than_its_limit() {
    let shift = Shift::begin().await;
    for n in 0..4 {
        let pod = format!("pg-{n}");
        let since = shift.fires("NameResolutionFailing", &[("pod", &pod)]).await;
        if n < 3 {
            shift.run_ends(Outcome::Fixed).await;
            shift.resolves("NameResolutionFailing", &[("pod", &pod)], since).await;
        }
        shift.passes(16).await;
    }
    assert_eq!(shift.told().await, ["INC-1 open 1/4 runs=3"]);
    let timeline = shift.timeline(1).await;
    assert!(timeline.contains("it ran 3 times on this target within its limit's time"), "{timeline}");
    // What the bot mends again and again flaps; and when it is mended no more, somebody is called.
    let pages = shift.pages().await;
    assert_eq!(pages.len(), 2, "{pages:?}");
    assert!(pages[0].contains("Flapping { times: 3") && pages[1].contains("Overdue"), "{pages:?}");
}

#[tokio::test]
async fn a_person_runs_a_playbook_and_is_told_what_is_wrong_with_a_request() {
    let shift = Shift::begin().await;
    let run = |playbook: &str, set: &[(&str, &str)]| Command::Run {
        playbook: playbook.into(),
        set: set.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
        dry_run: false,
    };
    let reply = shift.says("alice", run("dsn", &[])).await;
    assert_eq!(reply, "there is no playbook `dsn`; there are: dns");
    let reply = shift.says("alice", run("dns", &[("pods", "3")])).await;
    assert!(reply.contains("pods"), "{reply}");
    assert!(shift.told().await.is_empty());
    let reply = shift.says("alice", run("dns", &[])).await;
    assert!(reply.starts_with("dns 1.0.0 ("), "{reply}");
    assert_eq!(shift.told().await, ["INC-1 open 0/0 runs=1"]);
    let reply = shift.says("bob", run("dns", &[])).await;
    assert!(reply.contains("RUN-1 of dns is under way"), "{reply}");
    shift.run_ends(Outcome::NothingToDo).await;
    assert_eq!(shift.told().await, ["INC-1 resolved 0/0 runs=1"]);
}

#[tokio::test]
async fn a_command_that_is_sent_again_is_the_same_command_whatever_was_over_meanwhile() {
    let shift = Shift::begin().await;
    let run = Command::Run { playbook: "dns".into(), set: BTreeMap::new(), dry_run: false };
    let since = shift.fires("Unknown", &[]).await;
    let reply = shift.says("alice", run.clone()).await;
    shift.run_ends(Outcome::NothingToDo).await;
    let resolve = Command::Resolve { incident: IncidentId(1), note: None };
    let resolved = shift.says("alice", resolve.clone()).await;
    shift.fires("DNSSlow", &[]).await;
    shift.resolves("Unknown", &[], since).await;
    // `says` has the same key as long as no time passes.
    assert_eq!(shift.says("alice", run).await, reply);
    assert_eq!(shift.says("alice", resolve).await, resolved);
    let runs = ["INC-1 resolved 0/1 runs=0", "INC-2 open 1/1 runs=1"];
    assert_eq!(shift.told().await, runs);
}

#[tokio::test]
async fn commands_on_what_is_not_there_say_so() {
    let shift = Shift::begin().await;
    let reply = shift.says("alice", Command::Ack { incident: IncidentId(7) }).await;
    assert_eq!(reply, "there is no INC-7; /incidents lists the ones that are open");
    let approve = Command::Approve { approval: ApprovalId(3), verdict: Verdict::Approve, digest: None };
    assert_eq!(shift.says("alice", approve).await, "there is no APR-3");
}

/// What may happen to four alerts: each fires and resolves, and any delivery may come again.
#[derive(Debug, Clone)]
enum Happens {
    Fires(usize),
    Resolves(usize),
    /// An earlier delivery comes again, as by another peer.
    Again(usize),
    Passes(u64),
}

fn happens() -> impl Strategy<Value = Vec<Happens>> {
    let one = prop_oneof![
        3 => (0..4_usize).prop_map(Happens::Fires),
        3 => (0..4_usize).prop_map(Happens::Resolves),
        2 => (0..64_usize).prop_map(Happens::Again),
        1 => (0..4_u64).prop_map(Happens::Passes),
    ];
    proptest::collection::vec(one, 1..30)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is repeated, the open episodes are the alerts that fire, and nobody is paged twice for one spell.
    #[test]
    fn the_open_episodes_are_the_alerts_that_fire(story in happens()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let shift = Shift::begin().await;
            let mut firing: BTreeMap<usize, DateTime<Utc>> = BTreeMap::new();
            let mut delivered: Vec<Alert> = Vec::new();
            for happens in story {
                // Each thing at a moment of its own, as in the world.
                shift.clock.advance(Duration::from_millis(1));
                let labels = |n: usize| format!("n{n}");
                let news = match happens {
                    Happens::Fires(n) if !firing.contains_key(&n) => {
                        firing.insert(n, shift.clock.now());
                        alert("Unknown", &[("n", &labels(n))], shift.clock.now(), AlertStatus::Firing)
                    }
                    Happens::Resolves(n) => match firing.remove(&n) {
                        Some(since) => {
                            let resolved = alert("Unknown", &[("n", &labels(n))], since, AlertStatus::Resolved);
                            Alert { ends_at: Some(shift.clock.now()), ..resolved }
                        }
                        None => continue,
                    },
                    Happens::Again(n) if !delivered.is_empty() => delivered[n % delivered.len()].clone(),
                    Happens::Passes(minutes) => {
                        shift.clock.advance(Duration::from_secs(minutes));
                        continue;
                    }
                    Happens::Fires(_) | Happens::Again(_) => continue,
                };
                delivered.push(news.clone());
                shift.delivers(&news.fingerprint.clone(), vec![news]).await;
            }
            let open: u64 = shift.incidents().await.iter().map(|incident| incident.open_episodes).sum();
            prop_assert_eq!(open, firing.len() as u64, "{:?}", shift.told().await);
            let all = shift.incidents().await;
            for incident in all.iter().filter(|incident| incident.merged.is_none()) {
                let is_open = incident.state != IncidentState::Resolved;
                // What flaps is held open.
                let flaps = shift.timeline(incident.id.0).await.contains("it flaps");
                prop_assert!(is_open || incident.open_episodes == 0, "{:?}", shift.told().await);
                prop_assert!(!is_open || incident.open_episodes > 0 || flaps, "{:?}", shift.told().await);
                let parts: Vec<_> = all.iter().filter(|part| part.root() == incident.id).collect();
                let is_of_it = |page: &&String| parts.iter().any(|part| page.starts_with(&format!("{} ", part.id)));
                let pages = shift.pages().await.iter().filter(is_of_it).count();
                let timeline = shift.store.timeline(incident.id).await.unwrap();
                let reopened = timeline
                    .iter()
                    .filter(|entry| matches!(entry.what, TimelineWhat::Incident(IncidentEvent::Reopened { .. })))
                    .count();
                let expected = parts.len() + reopened;
                prop_assert!(pages == expected || flaps && (1..expected).contains(&pages), "{} of {}", pages, expected);
            }
            Ok(())
        })?;
    }
}
