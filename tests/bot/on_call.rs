//! Who is on call, and changing it: what is said counts at once, for pages, handoffs and whoever
//! asks, and outlives the process and the file.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use dogwatch::clock::Clock as _;
use dogwatch::handoff::{HandoffWorker, Reporter, Template};
use dogwatch::model::*;
use dogwatch::notify::{OutboxWorker, Parcel, ParcelKind, Sink, SinkError};
use dogwatch::oncall::{OnCall, Roster};
use dogwatch::store::{Change, IncidentRef, NewPage, OverrideStore as _, PageReason, Store as _};
use dogwatch::worker::{Turn, Worker as _};

use crate::bot::{Bot, minutes};
use crate::runs::{SHOP, shop};

/// The bot begins on Monday 2026-03-02 at 02:00 UTC: ada's week ends at nine.
const FILE: &str = r#"
apiVersion: dogwatch/v1
kind: OnCall
members: [{ name: ada }, { name: bob }, { name: carol }, { name: erin }]
teams:
  - name: platform
    manager: erin
    rotation: { time_zone: UTC, start: 2026-01-05, handoff: { at: "09:00", every: 1w }, members: [bob, ada] }
    secondary: { time_zone: UTC, start: 2026-01-05, handoff: { at: "09:00", every: 1w }, members: [ada, bob] }
  - name: databases
    rotation: { time_zone: UTC, start: 2026-01-05, handoff: { at: "09:00", every: 1w }, members: [carol],
      only: { days: mon-fri, from: "09:00", to: "17:00" } }
"#;

fn file() -> OnCall {
    OnCall::parse("oncall.yaml", FILE).unwrap()
}

async fn begins() -> Bot {
    let mut bot = Bot::begins(&[SHOP], shop()).await;
    bot.rules.oncall = Roster::new(file());
    bot.is_restarted().await;
    bot
}

/// As a new process does: it reads the file, and knows of no override yet.
async fn starts_anew(bot: &mut Bot, file: OnCall) {
    bot.rules.oncall = Roster::new(file);
    bot.is_restarted().await;
    bot.settles().await;
}

fn who(bot: &Bot, team: &str) -> String {
    let who = bot.rules.oncall.get().who(team, bot.clock.now()).unwrap();
    who.map_or("nobody".into(), |watch| watch.member.name.clone())
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

#[tokio::test]
async fn whoever_takes_over_is_on_call_until_the_end_of_the_shift() {
    let mut bot = begins().await;
    assert_eq!(who(&bot, "platform"), "ada");
    let said = bot.types("bob", "/oncall take platform").await;
    assert_eq!(
        said,
        "OVR-1: bob is primary of team platform until Mon 2026-03-02 09:00 UTC instead of ada; /unoverride OVR-1 ends it before"
    );
    assert_eq!(who(&bot, "platform"), "bob");
    bot.passes(minutes(1)).await;
    let again = bot.types("bob", "/oncall take platform").await;
    assert_eq!(again, "you are primary of team platform already, until Mon 2026-03-02 09:00 UTC");
    bot.passes(minutes(7 * 60 - 1)).await;
    assert_eq!(who(&bot, "platform"), "bob", "it is his own week now");
    let history = bot.rules.oncall.get();
    let then = |time: &str| history.who("platform", at(time)).unwrap().unwrap();
    assert_eq!(then("2026-03-02T01:59:59Z").member.name, "ada", "what was is not changed");
    assert_eq!(then("2026-03-02T08:59:59Z").cover, Some(OverrideId(1)));
    assert_eq!(then("2026-03-02T09:00:00Z").cover, None);
}

#[tokio::test]
async fn an_override_counts_at_its_time_and_its_end_is_said_or_told() {
    let mut bot = begins().await;
    let said = bot.types("ada", "/override platform carol --from 30m --until 2h a dentist").await;
    assert_eq!(
        said,
        "OVR-1: carol is primary of team platform from Mon 2026-03-02 02:30 UTC until Mon 2026-03-02 04:30 UTC instead of ada; \
         /unoverride OVR-1 ends it before"
    );
    assert_eq!(who(&bot, "platform"), "ada");
    bot.passes(minutes(30)).await;
    assert_eq!(who(&bot, "platform"), "carol");
    bot.passes(minutes(60)).await;
    assert_eq!(
        bot.types("bob", "/unoverride OVR-1").await,
        "OVR-1 has ended: who is primary of team platform is told by the rotation again, and not carol"
    );
    assert_eq!(who(&bot, "platform"), "ada");
    bot.passes(minutes(1)).await;
    assert_eq!(bot.types("bob", "/unoverride 1").await, "OVR-1 is over already");
    assert_eq!(
        bot.types("bob", "/unoverride OVR-9").await,
        "there is no OVR-9; /oncall who names the overrides that count"
    );
    let kept = bot.store().override_of(OverrideId(1)).await.unwrap().unwrap();
    assert_eq!((kept.reason.as_str(), kept.by.as_str()), ("a dentist", "ada"));
    assert_eq!(kept.ended, Some((at("2026-03-02T03:30:00Z"), "bob".to_owned())));
}

#[tokio::test]
async fn whoever_is_not_of_the_team_changes_nothing_there() {
    let mut bot = begins().await;
    let no = |name: &str, team: &str| {
        format!("{name} takes no turns in team {team}: somebody who does may change that, or the role admin")
    };
    assert_eq!(bot.types("carol", "/oncall take platform").await, no("carol", "platform"));
    assert_eq!(bot.types("bob", "/override databases bob --until 2h a drill").await, no("bob", "databases"));
    bot.types("bob", "/override platform bob --until 2h a drill").await;
    assert_eq!(bot.types("carol", "/unoverride OVR-1").await, no("carol", "platform"));
    let stranger = bot.types("mallory", "/oncall take platform").await;
    assert!(stranger.starts_with("only a member can be on call: oncall.yaml knows no member `mallory`"), "{stranger}");
    assert_eq!(bot.store().next_override_id().await.unwrap(), OverrideId(2));
    // A manager is of the team, and so may whoever covers end it.
    let said = bot.types("erin", "/override platform carol --until 1h a night").await;
    assert!(said.starts_with("OVR-2: carol is primary"), "{said}");
    assert!(bot.types("carol", "/unoverride 2").await.starts_with("OVR-2 has ended"));
}

#[tokio::test]
async fn what_cannot_be_is_declined_with_the_next_move() {
    let mut bot = begins().await;
    for (line, said) in [
        ("/override platfrom bob --until 2h x", "no team is called `platfrom`; did you mean `platform`?"),
        ("/override platform bbo --until 2h x", "oncall.yaml knows no member `bbo`; did you mean `bob`?"),
        ("/override platform bob --whom adda --until 2h x", "oncall.yaml knows no member `adda`; did you mean `ada`?"),
        (
            "/override platform bob --until 2026-03-01T00:00Z x",
            "that would end at Sun 2026-03-01 00:00 UTC, before it begins",
        ),
        (
            "/override platform bob --until 100d x",
            "an override lasts up to 92 days; what lasts longer is a change of oncall.yaml",
        ),
        ("/override platform bob --from 400d --until 1d x", "an override begins within 366 days from now"),
        (
            "/oncall take platform --layer primary --until 2026-03-01T00:00Z",
            "that would end at Sun 2026-03-01 00:00 UTC, before it begins",
        ),
    ] {
        assert_eq!(bot.types("ada", line).await, said, "{line}");
    }
    assert_eq!(bot.types("carol", "/oncall take --layer secondary").await, "team databases has no secondary");
    assert_eq!(bot.types("carol", "/oncall take databases --layer secondary").await, "team databases has no secondary");
    assert_eq!(bot.store().next_override_id().await.unwrap(), OverrideId(1), "nothing was kept");
}

#[tokio::test]
async fn a_gap_is_taken_until_its_end_and_the_only_team_need_not_be_said() {
    let mut bot = begins().await;
    assert_eq!(who(&bot, "databases"), "nobody");
    let said = bot.types("carol", "/oncall take").await;
    assert_eq!(
        said,
        "OVR-1: carol is primary of team databases until Mon 2026-03-02 09:00 UTC; /unoverride OVR-1 ends it before"
    );
    assert_eq!(who(&bot, "databases"), "carol");
    assert_eq!(
        bot.types("bob", "/oncall take --layer secondary --until 1h").await.split(';').next().unwrap(),
        "OVR-2: bob is secondary of team platform until Mon 2026-03-02 03:00 UTC"
    );
}

#[tokio::test]
async fn overrides_outlive_the_process_and_the_file() {
    let mut bot = begins().await;
    bot.types("ada", "/override platform carol --until 6h a flight").await;
    bot.types("ada", "/override platform bob --from 1h --until 1h a drill").await;
    starts_anew(&mut bot, file()).await;
    assert_eq!(who(&bot, "platform"), "carol");
    // The file is read anew, and does not name carol any more: bob's counts still.
    let without = FILE
        .replace("members: [{ name: ada }, { name: bob }, { name: carol },", "members: [{ name: ada }, { name: bob },");
    let without = without.replace("members: [carol]", "members: [ada]");
    let passed_over = bot.rules.oncall.reload(OnCall::parse("oncall.yaml", &without).unwrap());
    assert_eq!(passed_over.iter().map(|passed| passed.id).collect::<Vec<_>>(), [OverrideId(1)]);
    assert_eq!(who(&bot, "platform"), "ada");
    bot.passes(minutes(60)).await;
    assert_eq!(who(&bot, "platform"), "bob");
    assert!(bot.rules.oncall.reload(file()).is_empty());
    bot.passes(minutes(60)).await;
    assert_eq!(who(&bot, "platform"), "carol");
}

/// Also where the process dies before it knows what it has kept.
#[tokio::test]
async fn what_was_kept_before_a_death_counts_after_it() {
    for point in ["before apply", "after apply"] {
        let mut bot = begins().await;
        bot.fuse.dies_at_next(point);
        let said = bot.types("bob", "/oncall take platform").await;
        assert!(said.starts_with("OVR-1: bob is primary"), "{point}: {said}");
        starts_anew(&mut bot, file()).await;
        assert_eq!(who(&bot, "platform"), "bob", "{point}");
        assert_eq!(bot.store().next_override_id().await.unwrap(), OverrideId(2), "{point}: it is kept once");
    }
}

/// A window is a time of the calendar, and so is an override: a clock that is set moves neither.
#[tokio::test]
async fn a_clock_that_is_set_moves_no_override() {
    let mut bot = begins().await;
    bot.types("ada", "/override platform carol --until 2026-03-02T06:00Z a flight").await;
    bot.has_its_clock_set(TimeDelta::hours(5)).await;
    assert_eq!(who(&bot, "platform"), "ada", "it is seven by now");
    let kept = bot.store().override_of(OverrideId(1)).await.unwrap().unwrap();
    assert_eq!(kept.until, at("2026-03-02T06:00:00Z"));
}

/// Takes all that it is given.
#[derive(Default)]
struct Pager(Mutex<Vec<Parcel>>);

#[async_trait]
impl Sink for Pager {
    fn name(&self) -> &str {
        "console"
    }

    async fn send(&self, parcel: &Parcel) -> Result<Option<String>, SinkError> {
        self.0.lock().unwrap().push(parcel.clone());
        Ok(None)
    }
}

impl Pager {
    /// Whom pages have called since it was asked last.
    fn called(&self) -> Vec<String> {
        let got = std::mem::take(&mut *self.0.lock().unwrap());
        let pages = got.into_iter().filter(|parcel| parcel.kind == ParcelKind::Page);
        pages.flat_map(|parcel| parcel.mention).map(|contact| contact.name).collect()
    }
}

async fn pages(bot: &Bot, team: &str, worker: &OutboxWorker, name: &str) {
    let new = dogwatch::store::NewIncident {
        grouping: Grouping::Other { text: name.into() },
        gathers: Vec::new(),
        shares: Vec::new(),
        title: name.into(),
        severity: Severity::S1,
        target: None,
        team: team.into(),
        playbook: None,
    };
    let page = NewPage { level: 1, team: team.into(), reason: PageReason::Overdue, text: None };
    let incident = IncidentRef::New(0);
    let changes = vec![Change::OpenIncident(new), Change::Page { incident, page }];
    let body = SignalBody::Quiet { incident: IncidentId(99), since: bot.clock.now() };
    let signal = Signal { source: "test".into(), key: name.into(), received_at: bot.clock.now(), body };
    use dogwatch::store::{Decision, IncidentStore as _, SignalStore as _};
    let id = bot.store().accept(&signal).await.unwrap().id();
    bot.store().apply(id, Decision { changes, reply: None }).await.unwrap();
    while worker.turn().await.unwrap() == Turn::Worked {}
}

#[tokio::test]
async fn a_page_calls_whoever_covers_and_a_gap_goes_to_the_default_team() {
    let mut bot = begins().await;
    let pager = Arc::new(Pager::default());
    let roster = bot.rules.oncall.clone();
    let worker = OutboxWorker::new(pager.clone(), bot.store().clone(), bot.clock.clone(), roster, Arc::default());
    let worker = worker.with_default_team("platform");
    pages(&bot, "platform", &worker, "one").await;
    assert_eq!(pager.called(), ["ada"]);
    bot.types("bob", "/oncall take platform").await;
    pages(&bot, "platform", &worker, "two").await;
    assert_eq!(pager.called(), ["bob"], "at once");
    pages(&bot, "databases", &worker, "three").await;
    let body = pager.0.lock().unwrap().iter().find(|parcel| parcel.kind == ParcelKind::Page).unwrap().body.clone();
    let said = "nobody is on call for team databases, whose rotations leave a gap now: team platform is called instead";
    assert!(body.starts_with(said), "{body}");
    assert_eq!(pager.called(), ["bob"]);
    bot.types("bob", "/unoverride OVR-1").await;
    pages(&bot, "platform", &worker, "four").await;
    assert_eq!(pager.called(), ["ada"]);
}

#[tokio::test]
async fn who_takes_over_gets_a_handoff_and_the_end_of_a_gap_writes_none_twice() {
    let mut bot = begins().await;
    let folder = bot.folder.path().join("handoffs");
    let (store, clock, roster) = (bot.store().clone(), bot.clock.clone(), bot.rules.oncall.clone());
    let reporter = Reporter::new(store, clock, roster, Template::built_in().unwrap());
    let worker = HandoffWorker::new(reporter, folder.clone());
    let settles = async || loop {
        if let Turn::Idle { until } = worker.turn().await.unwrap() {
            return until;
        }
    };
    let written = || {
        let mut names: Vec<String> = std::fs::read_dir(&folder)
            .map(|entries| entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect())
            .unwrap_or_default();
        names.sort();
        names
    };
    assert_eq!(settles().await, Some(at("2026-03-02T09:00:00Z")));
    assert_eq!(written(), [] as [String; 0]);
    let bell = bot.store().bells().clock.listen();
    bot.passes(minutes(60)).await;
    bot.types("bob", "/oncall take platform --until 2h").await;
    assert!(bell.has_changed().unwrap(), "whoever waits for the handoff looks again");
    assert_eq!(settles().await, Some(at("2026-03-02T05:00:00Z")), "the end of the override");
    let first = written();
    assert_eq!(first.len(), 1, "ada hands over to bob: {first:?}");
    let text = std::fs::read_to_string(folder.join(&first[0])).unwrap();
    assert!(text.contains("ada") && text.contains("bob"), "{text}");
    bot.passes(minutes(2 * 60)).await;
    settles().await;
    assert_eq!(written().len(), 2, "bob hands back");
    // Nine to five on Monday, and the gap until Tuesday.
    bot.passes(minutes(16 * 60)).await;
    settles().await;
    let all = written();
    let of = |team: &str| all.iter().filter(|name| name.contains(team)).count();
    assert_eq!((of("platform"), of("databases")), (3, 1), "{all:?}");
    settles().await;
    assert_eq!(written(), all);
}
