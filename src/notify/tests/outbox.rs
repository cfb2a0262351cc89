//! The worker, on a clock that is moved by hand.

use sqlx::ConnectOptions as _;
use sqlx::sqlite::SqliteConnectOptions;

use super::*;
use crate::clock::Clock as _;
use crate::message::Colour;
use crate::model::{IncidentState, Outcome, RunEvent, Verdict};
use crate::store::{Append, Change, IncidentRef, NewPage, NewVote, PageOrder, Sinks};

#[tokio::test]
async fn a_page_says_who_is_called_and_is_told_once() {
    let bot = Story::new(&[], &["discord"]).await;
    let pager = Scripted::new("discord");
    let worker = worker(&bot, pager.clone());
    let incident = bot.incident(Severity::S1, "CoreDNS is down", "CoreDNSDown", 3).await;
    bot.page(incident, PageReason::SeverityOne).await;
    assert_eq!(settle(&bot, &worker).await, None);
    let pages = pager.seen();
    assert_eq!(pages.len(), 1);
    assert_eq!(pages[0].kind, ParcelKind::Page);
    assert_eq!(pages[0].key, "dogwatch-INC-1-1-1-S1");
    assert_eq!(pages[0].mention[0].name, "ada");
    assert_eq!(pages[0].mention[0].address.as_deref(), Some("123456789012345678"));
    assert_eq!(pages[0].channel.as_deref(), Some("223456789012345678"));
    assert_eq!(pages[0].title, "[S1] INC-1 (3 alerts) deployment/coredns in kube-system: CoreDNS is down");
    bot.passes(60);
    assert_eq!(settle(&bot, &worker).await, None);
    assert_eq!(pager.seen(), []);
}

#[tokio::test]
async fn a_page_for_a_team_that_cannot_be_called_calls_another_and_says_so() {
    let bot = Story::new(&[], &["discord"]).await;
    let pager = Scripted::new("discord");
    let (store, clock) = (bot.store.clone(), bot.clock.clone());
    let worker = OutboxWorker::new(pager.clone(), store, clock, Arc::new(three_teams()), Arc::default())
        .with_default_team("platform");
    let called = async |owner: &str, team: &str| {
        let title = format!("{owner} {team}");
        let incident = bot.incident_of(owner, Severity::S2, &title, "A", 1, None).await;
        let page = NewPage { level: 1, team: team.into(), reason: PageReason::Uncovered, text: None };
        bot.decide(vec![Change::Page { incident: IncidentRef::Existing(incident), page }]).await;
        settle(&bot, &worker).await;
        pager.seen().pop().unwrap()
    };
    let typo = called("storage", "storrage").await;
    assert_eq!(typo.mention[0].name, "bob", "the incident's own team comes before the default one");
    assert!(typo.channel.is_some(), "it is called where it listens");
    let first = typo.body.lines().next().unwrap();
    assert_eq!(
        first,
        "nobody is on call for team storrage, which oncall.yaml does not know: team storage is called instead"
    );
    let to_come = called("network", "network").await;
    assert_eq!(to_come.mention[0].name, "ada");
    assert!(to_come.body.starts_with("nobody is on call for team network, whose rotation begins later: team platform"));
    let long = called("storage", &format!("{}\u{1b}[2J", "x".repeat(500))).await;
    assert!(long.team.len() < 100 && !long.body.contains('\u{1b}'), "{long:?}");
    let right = called("storage", "storage").await;
    assert_eq!((right.mention[0].name.as_str(), right.body.lines().next()), ("bob", Some("why a person is needed:")));
}

#[tokio::test]
async fn a_receiver_that_is_down_is_tried_again_with_growing_waits_and_the_same_key() {
    let bot = Story::new(&[], &["pager"]).await;
    let pager = Scripted::new("pager");
    let worker = worker(&bot, pager.clone());
    let incident = bot.incident(Severity::S1, "CoreDNS is down", "CoreDNSDown", 1).await;
    bot.page(incident, PageReason::SeverityOne).await;
    pager.answers((0..4).map(|_| Err(SinkError::retry("down"))));
    let mut waits = Vec::new();
    while let Some(wait) = settle(&bot, &worker).await {
        waits.push(wait);
        bot.clock.advance(Duration::from_secs(wait.unsigned_abs() + 1));
    }
    // 1, 2, 4 and 8 s, with up to a half of jitter on top.
    let bounds = [(1, 1), (2, 3), (4, 6), (8, 12)];
    assert_eq!(waits.len(), bounds.len(), "{waits:?}");
    for (wait, (least, most)) in waits.iter().zip(bounds) {
        assert!((least..=most).contains(wait), "{waits:?}");
    }
    let keys: Vec<String> = pager.seen().into_iter().map(|page| page.key).collect();
    assert_eq!(keys, ["dogwatch-INC-1-1-1-S1"; 5]);
}

#[tokio::test]
async fn the_next_sink_gets_a_page_when_the_first_one_fails_twice() {
    let pages = PageOrder::new([["pager"], ["console"]]);
    let bot = Story::new(&[], &[]).await.reopens_with(Sinks { pages, ..Sinks::default() }).await;
    let (pager, console) = (Scripted::new("pager"), Scripted::new("console"));
    let (first, second) = (worker(&bot, pager.clone()), worker(&bot, console.clone()));
    let incident = bot.incident(Severity::S1, "CoreDNS is down", "CoreDNSDown", 1).await;
    bot.page(incident, PageReason::SeverityOne).await;
    pager.answers((0..3).map(|_| Err(SinkError::retry("down"))));
    settle(&bot, &first).await;
    settle(&bot, &second).await;
    assert_eq!(console.seen(), [], "one failure may be a hiccup");
    for _ in 0..2 {
        bot.clock.advance(Duration::from_secs(4));
        settle(&bot, &first).await;
        settle(&bot, &second).await;
    }
    let seen = console.seen();
    assert_eq!(seen.len(), 1, "also after a third failure it is told once there");
    assert_eq!(seen[0].key, "dogwatch-INC-1-1-1-S1");
    // The first one is tried on, until somebody has it.
    pager.seen();
    bot.ack(incident, "ada").await;
    bot.passes(10);
    assert_eq!(settle(&bot, &first).await, None);
    assert_eq!(pager.seen(), [], "an acknowledged page calls nobody any more");
}

#[tokio::test]
async fn a_page_reaches_somebody_although_its_alerts_were_over_before_the_receiver_was_back() {
    let bot = Story::new(&[], &["pager"]).await;
    let pager = Scripted::new("pager");
    let worker = worker(&bot, pager.clone());
    let incident = bot.incident(Severity::S1, "CoreDNS is down", "CoreDNSDown", 1).await;
    bot.page(incident, PageReason::SeverityOne).await;
    pager.answers([Err(SinkError::retry("down"))]);
    settle(&bot, &worker).await;
    pager.seen();
    let incident = IncidentRef::Existing(incident);
    bot.decide(vec![Change::Resolve { incident, by_itself: true }]).await;
    bot.passes(1);
    assert_eq!(settle(&bot, &worker).await, None);
    let told = pager.seen();
    assert_eq!(told.len(), 1);
    assert!(told[0].body.contains("no alert fires now"), "{}", told[0].body);
    assert_eq!(bot.store.levels().await.unwrap().unacknowledged_pages, 0, "it is over, and somebody knows");
}

#[tokio::test]
async fn a_page_that_was_delivered_is_over_with_its_alerts() {
    let bot = Story::new(&[], &["pager"]).await;
    let pager = Scripted::new("pager");
    let worker = worker(&bot, pager.clone());
    let incident = bot.incident(Severity::S1, "CoreDNS is down", "CoreDNSDown", 1).await;
    bot.page(incident, PageReason::SeverityOne).await;
    settle(&bot, &worker).await;
    let incident = IncidentRef::Existing(incident);
    bot.decide(vec![Change::Resolve { incident, by_itself: true }]).await;
    assert_eq!(bot.store.levels().await.unwrap().unacknowledged_pages, 0);
}

#[tokio::test]
async fn a_second_reason_reaches_the_pager_under_the_same_key_also_when_somebody_has_it() {
    for acked in [false, true] {
        let bot = Story::new(&[], &["pager"]).await;
        let pager = Scripted::new("pager");
        let worker = worker(&bot, pager.clone());
        let incident = bot.incident(Severity::S1, "CoreDNS is down", "CoreDNSDown", 1).await;
        bot.page(incident, PageReason::SeverityOne).await;
        pager.answers([Ok(Some("message-7".into()))]);
        settle(&bot, &worker).await;
        assert_eq!(pager.seen()[0].previous, None);
        bot.passes(2);
        if acked {
            bot.ack(incident, "ada").await;
        }
        bot.passes(2);
        let run = bot.opens_run(incident, "coredns-saturated").await;
        let reason = PageReason::Escalated { run };
        let text = Some("CoreDNS needs more memory".to_owned());
        let page = NewPage { level: 1, team: "platform".into(), reason, text };
        bot.logs(run, Append { pages: vec![page.clone()], ..Append::default() }).await;
        settle(&bot, &worker).await;
        let told = pager.seen();
        assert_eq!(told.len(), 1, "acknowledged: {acked}");
        assert_eq!((told[0].kind, told[0].key.as_str()), (ParcelKind::Page, "dogwatch-INC-1-1-1-S1"));
        assert_eq!(told[0].previous.as_deref(), Some("message-7"), "an edit calls nobody");
        assert!(told[0].body.contains("RUN-1 needs a person"), "{}", told[0].body);
        assert!(told[0].body.contains("CoreDNS needs more memory"), "{}", told[0].body);

        bot.logs(run, Append { pages: vec![page], ..Append::default() }).await;
        bot.page(incident, PageReason::SeverityOne).await;
        settle(&bot, &worker).await;
        assert_eq!(pager.seen(), [], "nothing of that is new");
    }
}

#[tokio::test]
async fn a_page_that_is_refused_goes_to_the_next_sink_at_once_and_is_not_lost() {
    let pages = PageOrder::new([["pager"], ["console"]]);
    let bot = Story::new(&[], &[]).await.reopens_with(Sinks { pages, ..Sinks::default() }).await;
    let (pager, console) = (Scripted::new("pager"), Scripted::new("console"));
    let (first, second) = (worker(&bot, pager.clone()), worker(&bot, console.clone()));
    let incident = bot.incident(Severity::S2, "CoreDNS is slow", "CoreDNSSlow", 1).await;
    bot.page(incident, PageReason::Uncovered).await;
    pager.answers([Err(SinkError::fail("401 unauthorized"))]);
    let wait = settle(&bot, &first).await.unwrap();
    settle(&bot, &second).await;
    assert_eq!(console.seen().len(), 1);
    assert!((300..=450).contains(&wait), "{wait}: a human may yet put the token right");
    bot.passes(8);
    settle(&bot, &first).await;
    assert_eq!(pager.seen().len(), 2);
}

#[tokio::test]
async fn what_a_crash_interrupted_is_repeated_under_the_same_key() {
    let bot = Story::new(&[], &["pager"]).await;
    let pager = Scripted::new("pager");
    let worker = worker(&bot, pager.clone());
    let incident = bot.incident(Severity::S1, "CoreDNS is down", "CoreDNSDown", 1).await;
    bot.page(incident, PageReason::SeverityOne).await;
    let taken = bot.store.take_deliveries(&["pager"], 1, Duration::from_secs(60)).await.unwrap();
    assert_eq!(taken.len(), 1, "by a process that dies before it says what became of it");
    assert_eq!(settle(&bot, &worker).await, Some(60));
    bot.passes(1);
    settle(&bot, &worker).await;
    assert_eq!(pager.seen()[0].key, "dogwatch-INC-1-1-1-S1");
}

#[tokio::test]
async fn a_row_that_nobody_can_read_keeps_nothing_back() {
    let bot = Story::new(&["chat"], &["chat"]).await;
    let chat = Scripted::new("chat");
    let worker = worker(&bot, chat.clone());
    let broken = bot.incident(Severity::S1, "broken", "A", 1).await;
    let strange = bot.incident(Severity::S1, "strange", "A", 1).await;
    let sound = bot.incident(Severity::S1, "sound", "A", 1).await;
    bot.page(sound, PageReason::SeverityOne).await;
    let mut file = SqliteConnectOptions::new().filename(bot.place.file()).connect().await.unwrap();
    for (sql, id) in [
        ("UPDATE incident SET target = 'no json' WHERE id = ?", broken.0),
        (
            "UPDATE outbox SET subject = '{\"subject\":\"hologram\"}', key = 'HOLOGRAM-1' WHERE key = 'INC-' || ?",
            strange.0,
        ),
    ] {
        let done = sqlx::query(sql).bind(id).execute(&mut file).await.unwrap();
        assert_eq!(done.rows_affected(), 1, "{sql}");
    }
    assert_eq!(settle(&bot, &worker).await, None, "what nobody knows is not tried for ever");
    let told: Vec<(ParcelKind, i64)> = chat.seen().iter().map(|parcel| (parcel.kind, parcel.incident.id.0)).collect();
    assert_eq!(told, [(ParcelKind::Page, sound.0), (ParcelKind::Card, broken.0), (ParcelKind::Card, sound.0)]);
}

#[tokio::test]
async fn a_card_is_made_once_and_then_edited_with_what_is_true_then() {
    let bot = Story::new(&["chat"], &[]).await;
    let chat = Scripted::new("chat");
    let worker = worker(&bot, chat.clone());
    let incident = bot.incident(Severity::S2, "CoreDNS is slow", "CoreDNSSlow", 2).await;
    chat.answers([Ok(Some("message-1".into()))]);
    settle(&bot, &worker).await;
    let made = chat.seen();
    assert_eq!((made.len(), made[0].previous.as_deref()), (1, None));
    // Three changes while nobody looks are one edit.
    bot.opens_run(incident, "coredns-saturated").await;
    bot.ack(incident, "ada").await;
    bot.resolve(incident, "ada").await;
    settle(&bot, &worker).await;
    let edited = chat.seen();
    assert_eq!(edited.len(), 1);
    assert_eq!(edited[0].previous.as_deref(), Some("message-1"));
    assert_eq!(edited[0].colour, Colour::Green);
    assert_eq!(edited[0].title, "INC-1 S2 resolved: CoreDNS is slow");
}

/// Sends, and while it is on its way, something happens.
struct Meanwhile {
    bot: Arc<Story>,
    inner: Arc<Scripted>,
}

#[async_trait]
impl Sink for Meanwhile {
    fn name(&self) -> &str {
        "chat"
    }

    async fn send(&self, parcel: &Parcel) -> Result<Option<String>, SinkError> {
        if parcel.previous.is_none() {
            self.bot.ack(parcel.incident.id, "ada").await;
        }
        self.inner.send(parcel).await
    }
}

#[tokio::test]
async fn what_changes_while_a_card_is_on_its_way_is_told_after_it() {
    for fails in [false, true] {
        let bot = Arc::new(Story::new(&["chat"], &[]).await);
        let chat = Scripted::new("chat");
        let refused = Err(SinkError::fail("no"));
        chat.answers([if fails { refused } else { Ok(Some("message-1".into())) }, Ok(Some("message-1".into()))]);
        let sink = Arc::new(Meanwhile { bot: bot.clone(), inner: chat.clone() });
        let worker = worker(&bot, sink);
        bot.incident(Severity::S2, "CoreDNS is slow", "CoreDNSSlow", 2).await;
        settle(&bot, &worker).await;
        let seen: Vec<IncidentState> = chat.seen().iter().map(|parcel| parcel.incident.state).collect();
        assert!(seen.len() >= 2, "{seen:?}");
        assert_eq!(seen.first(), Some(&IncidentState::Open));
        assert_eq!(seen.last(), Some(&IncidentState::Acknowledged));
    }
}

/// A question that was shown in chat, and its run.
async fn asked(bot: &Story, chat: &Scripted, worker: &OutboxWorker) -> crate::model::RunId {
    let incident = bot.incident(Severity::S2, "CoreDNS is slow", "CoreDNSSlow", 1).await;
    let run = bot.opens_run(incident, "coredns-saturated").await;
    bot.asks(run, "scale 4 -> 6", bot.clock.now() + Duration::from_secs(600)).await;
    chat.answers([Ok(Some("question".into())), Ok(Some("card".into()))]);
    settle(bot, worker).await;
    assert_eq!(chat.seen()[0].buttons.len(), 2);
    run
}

#[tokio::test]
async fn a_question_loses_its_buttons_when_nobody_answers_or_its_run_ends() {
    for expires in [true, false] {
        let bot = Story::new(&["chat"], &[]).await;
        let chat = Scripted::new("chat");
        let worker = worker(&bot, chat.clone());
        let run = asked(&bot, &chat, &worker).await;
        if expires {
            let approval = crate::model::ApprovalId(1);
            let event = RunEvent::ApprovalAnswered {
                approval,
                verdict: None,
                by: "the clock".into(),
                waited: None,
                reason: None,
            };
            bot.logs(run, Append { events: vec![event], ..Append::default() }).await;
        } else {
            bot.ends(run, Outcome::Cancelled, "ada stopped it").await;
        }
        settle(&bot, &worker).await;
        let told = chat.seen();
        let question = told.iter().find(|parcel| parcel.kind == ParcelKind::Approval).unwrap();
        assert_eq!((question.previous.as_deref(), question.buttons.len()), (Some("question"), 0));
        let title = if expires { "nobody answered in time" } else { "no longer needed" };
        assert!(question.title.contains(title), "{}", question.title);
    }
}

#[tokio::test]
async fn a_question_loses_its_buttons_when_it_is_answered() {
    let bot = Story::new(&["chat"], &[]).await;
    let chat = Scripted::new("chat");
    let worker = worker(&bot, chat.clone());
    let incident = bot.incident(Severity::S2, "CoreDNS is slow", "CoreDNSSlow", 1).await;
    let run = bot.opens_run(incident, "coredns-saturated").await;
    let summary = "scale deployment/coredns in kube-system 4 -> 6";
    bot.asks(run, summary, bot.clock.now() + Duration::from_secs(600)).await;
    chat.answers([Ok(Some("question".into())), Ok(Some("card".into()))]);
    settle(&bot, &worker).await;
    let asked = chat.seen();
    assert_eq!(asked[0].kind, ParcelKind::Approval, "a question comes before a card");
    assert_eq!(asked[0].buttons.len(), 2);
    assert!(asked[0].body.contains("scale deployment/coredns in kube-system 4 -> 6"), "{}", asked[0].body);
    let approval = crate::model::ApprovalId(1);
    let (person, verdict) = ("ada".into(), Verdict::Approve);
    bot.decide(vec![Change::Vote(NewVote { approval, person, verdict, reason: None, after: 0 })]).await;
    settle(&bot, &worker).await;
    let answered = chat.seen();
    let question = answered.iter().find(|parcel| parcel.kind == ParcelKind::Approval).unwrap();
    assert_eq!(question.previous.as_deref(), Some("question"));
    assert_eq!(question.thread.as_deref(), Some("card"));
    assert_eq!(question.buttons, []);
    assert!(question.body.contains("answered by ada"), "{}", question.body);
}

#[tokio::test]
async fn one_sink_that_is_down_keeps_nothing_back_from_another() {
    let bot = Story::new(&["chat", "console"], &[]).await;
    let (chat, console) = (Scripted::new("chat"), Scripted::new("console"));
    let (slow, quick) = (worker(&bot, chat.clone()), worker(&bot, console.clone()));
    bot.incident(Severity::S2, "CoreDNS is slow", "CoreDNSSlow", 1).await;
    chat.answers((0..100).map(|_| Err(SinkError::retry("down"))));
    settle(&bot, &slow).await;
    assert_eq!(settle(&bot, &quick).await, None, "what waits for another sink is not ours to wait for");
    assert_eq!(console.seen().len(), 1);
    // A card is given up after some minutes, not tried for ever.
    let mut tries = 0;
    while let Some(wait) = settle(&bot, &slow).await {
        bot.clock.advance(Duration::from_secs(wait.unsigned_abs() + 1));
        tries += 1;
        assert!(tries < 20, "it never ends");
    }
    assert_eq!(tries, 10);
}

#[tokio::test]
async fn the_console_tells_what_is_new_and_shows_no_control_characters() {
    let bot = Story::new(&["console"], &["console"]).await;
    let (writer, written) = written();
    let worker = worker(&bot, Arc::new(ConsoleSink::new(writer, false)));
    let incident = bot.incident(Severity::S1, "a\u{1b}[2Jb\r\nc", "X", 1).await;
    bot.page(incident, PageReason::SeverityOne).await;
    settle(&bot, &worker).await;
    bot.passes(2);
    let run = bot.opens_run(incident, "coredns-saturated").await;
    let text = "told by the playbook\u{1b}[1m\nsecond line".to_owned();
    bot.logs(run, Append { notices: vec![text], ..Append::default() }).await;
    settle(&bot, &worker).await;
    bot.passes(1);
    bot.resolve(incident, "ada").await;
    settle(&bot, &worker).await;
    let text = String::from_utf8(written.lock().unwrap().clone()).unwrap();
    insta::assert_snapshot!(text);
}

#[tokio::test]
async fn the_console_is_coloured_when_told_so() {
    let bot = Story::new(&["console"], &[]).await;
    let (writer, written) = written();
    let worker = worker(&bot, Arc::new(ConsoleSink::new(writer, true)));
    bot.incident(Severity::S1, "CoreDNS is down", "X", 1).await;
    settle(&bot, &worker).await;
    let text = String::from_utf8(written.lock().unwrap().clone()).unwrap();
    assert!(text.contains("\u{1b}[31m"), "{text:?}");
}

/// A writer, and what was written to it.
fn written() -> (Box<dyn std::io::Write + Send>, Arc<Mutex<Vec<u8>>>) {
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    let bytes = Arc::new(Mutex::default());
    (Box::new(Shared(bytes.clone())), bytes)
}
