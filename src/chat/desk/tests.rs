use std::sync::Mutex;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::chat::ConsoleChat;
use crate::model::{IncidentId, Severity, SignalBody, Verdict, Via};
use crate::store::story::{Place as _, Story};
use crate::store::{CommandReply, Decision, PageReason};

/// A desk, its store, and somebody who decides about what comes in: here a stand-in that repeats what it read.
struct Talk {
    story: Story,
    desk: Arc<Desk>,
    asked: Arc<Asked>,
    _decider: JoinSet<()>,
}

/// What was asked of the edges.
#[derive(Default)]
struct Asked(Mutex<Vec<String>>);

#[async_trait]
impl Previews for Asked {
    async fn preview(&self, playbook: &str, set: &BTreeMap<String, String>) -> Result<String, String> {
        self.0.lock().unwrap().push(format!("preview {playbook} {set:?}"));
        if playbook == "coredns-saturated" { Ok("it would scale".into()) } else { Err("no such playbook".into()) }
    }
}

#[async_trait]
impl Handoffs for Asked {
    async fn so_far(&self) -> Result<String, String> {
        Ok("nothing is outstanding".into())
    }
}

fn person(name: &str, role: Option<Role>) -> Person {
    Person { name: name.into(), via: Via::Discord, id: format!("id-of-{name}"), role }
}

impl Talk {
    async fn new() -> Self {
        Self::with_decider(true).await
    }

    async fn with_decider(decides: bool) -> Self {
        let story = Story::new(&[], &[]).await;
        let asked = Arc::new(Asked::default());
        let desk =
            Desk::new(story.store.clone(), story.clock.clone(), Arc::new(Metrics::new()), asked.clone(), asked.clone());
        let mut decider = JoinSet::new();
        if decides {
            let store = story.store.clone();
            let mut bell = store.bells().signals.listen();
            decider.spawn(async move {
                loop {
                    bell.borrow_and_update();
                    let pending = store.pending_signals(10).await.unwrap();
                    let more = !pending.is_empty();
                    for (id, signal) in pending {
                        let SignalBody::Command { person, command } = signal.body else { continue };
                        let said = format!("{} by {}", command.word(), person.name);
                        let reply = match command {
                            Command::Resolve { .. } => CommandReply::declined(said),
                            _ => CommandReply::granted(said),
                        };
                        let reply = Some(reply);
                        store.apply(id, Decision { changes: Vec::new(), reply }).await.unwrap();
                    }
                    if more {
                        continue;
                    }
                    if bell.changed().await.is_err() {
                        return;
                    }
                }
            });
        }
        Self { story, desk: Arc::new(desk), asked, _decider: decider }
    }

    async fn says(&self, role: Role, text: &str) -> Reply {
        self.desk.handle_text(&person("alice", Some(role)), text, None).await
    }

    /// How many commands came in as signals.
    async fn signals(&self) -> usize {
        self.story.store.pending_signals(100).await.unwrap().len()
    }
}

#[tokio::test]
async fn a_viewer_may_look_and_not_touch() {
    let talk = Talk::with_decider(false).await;
    assert_eq!(talk.says(Role::Viewer, "/incidents").await.text, "no open incident");
    for text in ["/ack INC-1", "/resolve INC-1", "/approve APR-1", "/deny APR-1", "/run coredns-saturated"] {
        let reply = talk.says(Role::Viewer, text).await;
        assert_eq!(reply.status, ReplyStatus::Refused, "{text}");
        assert!(reply.text.contains("needs the role responder, and alice has the role viewer"), "{}", reply.text);
    }
    assert_eq!(talk.signals().await, 0);
}

#[tokio::test]
async fn whoever_is_not_known_may_ask_nothing_and_is_told_whom_to_ask() {
    let talk = Talk::with_decider(false).await;
    for text in ["/incidents", "/help", "/ack INC-1", "/handoff", "nonsense"] {
        let reply = talk.desk.handle_text(&person("mallory", None), text, None).await;
        assert_eq!(reply.status, ReplyStatus::Refused, "{text}");
        assert_eq!(
            reply.text,
            "I do not know you, mallory: ask an admin to give a role to the discord id id-of-mallory"
        );
    }
    let metrics = talk.desk.metrics.render(None).unwrap();
    assert!(metrics.contains(r#"dogwatch_commands_total{via="discord",result="refused"} 5"#), "{metrics}");
    assert_eq!(talk.signals().await, 0);
}

#[tokio::test]
async fn a_command_that_changes_something_is_answered_by_the_decision() {
    let talk = Talk::new().await;
    let reply = talk.says(Role::Responder, "/ack INC-1").await;
    assert_eq!(reply, Reply::new(ReplyStatus::Answered, "ack by alice"));
    assert_eq!(talk.says(Role::Admin, "/deny APR-1").await.text, "deny by alice");
    // What the decision declines is no success, whatever its text.
    let reply = talk.says(Role::Responder, "/resolve INC-1").await;
    assert_eq!(reply, Reply::new(ReplyStatus::Declined, "resolve by alice"));
    assert!(!reply.ok());
}

#[tokio::test]
async fn the_same_asking_twice_is_one() {
    let talk = Talk::new().await;
    let alice = person("alice", Some(Role::Responder));
    let bob = person("bob", Some(Role::Responder));
    let ack = || Command::Ack { incident: IncidentId(1) };
    let first = talk.desk.handle(&alice, ack(), Some("interaction-1".into())).await;
    let again = talk.desk.handle(&alice, ack(), Some("interaction-1".into())).await;
    assert_eq!(first, again);
    // Who asks, and what for, is part of it: a key alone proves nothing.
    let resolve = Command::Resolve { incident: IncidentId(1), note: None };
    for (person, command) in [(&bob, ack()), (&alice, resolve)] {
        let reply = talk.desk.handle(person, command, Some("interaction-1".into())).await;
        assert_eq!(reply.status, ReplyStatus::Declined);
        assert!(reply.text.contains("another command came with this key before, as SIG-1"), "{}", reply.text);
    }
    let other = talk.desk.handle(&bob, ack(), Some("interaction-2".into())).await;
    assert_eq!(other.text, "ack by bob");
}

#[tokio::test]
async fn many_at_once_each_get_their_own_answer() {
    let talk = Talk::new().await;
    let mut asking = JoinSet::new();
    for n in 0..50 {
        let desk = talk.desk.clone();
        asking.spawn(async move {
            let who = person(&format!("person-{n}"), Some(Role::Responder));
            let verdict = if n % 2 == 0 { Verdict::Approve } else { Verdict::Deny };
            let command = Command::Approve { approval: crate::model::ApprovalId(1), verdict, digest: None };
            let reply = desk.handle(&who, command, None).await;
            assert_eq!(reply.text, format!("{} by person-{n}", if n % 2 == 0 { "approve" } else { "deny" }));
        });
    }
    while let Some(asked) = asking.join_next().await {
        asked.unwrap();
    }
}

#[tokio::test]
async fn who_waits_too_long_is_told_that_it_was_accepted() {
    let talk = Talk::with_decider(false).await;
    let asking = talk.says(Role::Responder, "/ack INC-1");
    let clock = talk.story.clock.clone();
    let store = talk.story.store.clone();
    let time_passes = async move {
        while store.pending_signals(1).await.unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
        clock.advance(Duration::from_secs(10));
    };
    let (reply, ()) = tokio::join!(asking, time_passes);
    assert_eq!(reply.status, ReplyStatus::Pending);
    assert!(reply.ok() && reply.text.starts_with("accepted as SIG-1, and still being worked on"), "{}", reply.text);
    assert_eq!(talk.signals().await, 1);
}

#[tokio::test]
async fn a_store_that_is_closed_takes_no_command() {
    let talk = Talk::new().await;
    talk.story.place.close().await;
    let reply = talk.says(Role::Responder, "/ack INC-1").await;
    assert_eq!(reply.status, ReplyStatus::Unavailable);
    assert!(reply.text.contains("try again"), "{}", reply.text);
    assert_eq!(talk.says(Role::Viewer, "/incidents").await.status, ReplyStatus::Unavailable);
}

#[tokio::test]
async fn what_only_looks_is_answered_from_the_store() {
    let talk = Talk::with_decider(false).await;
    let open = talk.story.incident(Severity::S2, "CoreDNS is slow", "CoreDNSLatencyHigh", 3).await;
    let closed = talk.story.incident(Severity::S3, "a disk fills", "PvcFilling", 1).await;
    talk.story.page(open, PageReason::Overdue).await;
    talk.story.resolve(closed, "alice").await;
    talk.story.passes(12);

    let list = talk.says(Role::Viewer, "/incidents").await.text;
    assert!(list.contains("INC-1") && list.contains("CoreDNS is slow") && !list.contains("INC-2"), "{list}");
    let all = talk.says(Role::Viewer, "/incidents all").await.text;
    assert!(all.contains("INC-2  S3   resolved"), "{all}");
    talk.story.passes(25 * 60);
    let later = talk.says(Role::Viewer, "/incidents all").await.text;
    assert!(!later.contains("INC-2"), "{later}");

    let none = talk.says(Role::Viewer, "/incidents --team databases").await;
    assert_eq!(none.text, "no such incident; there is 1 incident without the filter, of the teams: platform");
    let open = talk.says(Role::Viewer, "/incidents --severity S1,S2 --state open --team platform").await.text;
    assert!(open.contains("INC-1"), "{open}");
    let json = talk.says(Role::Viewer, "/incidents all --severity S2 -o json").await.text;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let listed = &json["incidents"][0];
    assert_eq!((listed["id"].as_str(), listed["pages"][0]["id"].as_str()), (Some("INC-1"), Some("PAGE-1")), "{json}");

    let why = talk.says(Role::Viewer, "/why INC-1").await.text;
    for part in [
        "alerts: 3 firing, 3 in all",
        "why somebody was paged:",
        "PAGE-1 to team platform",
        "opened: CoreDNSLatencyHigh fires",
    ] {
        assert!(why.contains(part), "{part} is not in\n{why}");
    }
    let other = talk.says(Role::Viewer, "/why INC-2").await.text;
    assert!(other.contains("why nobody was paged:"), "{other}");
    let missing = talk.says(Role::Viewer, "/why INC-9").await;
    assert_eq!(missing.status, ReplyStatus::Wrong);
    let said = "there is no INC-9; /incidents lists those that are open, and /incidents all those of the last day";
    assert_eq!(missing.text, said);

    assert_eq!(talk.says(Role::Viewer, "/handoff").await.text, "nothing is outstanding");
    assert!(talk.says(Role::Viewer, "/help").await.text.contains("/ack INC-7"));
    let preview = talk.says(Role::Viewer, "/run coredns-saturated max_replicas=8 --dry-run").await;
    assert_eq!(preview, Reply::new(ReplyStatus::Answered, "it would scale"));
    assert_eq!(*talk.asked.0.lock().unwrap(), [r#"preview coredns-saturated {"max_replicas": "8"}"#]);
    assert_eq!(talk.says(Role::Viewer, "/run other --dry-run").await.status, ReplyStatus::Wrong);
    assert_eq!(talk.signals().await, 0);
}

/// What the console writes for what is typed.
async fn typed(talk: &Talk, role: Role, input: &[u8]) -> String {
    let mut output = Vec::new();
    let operator = Person { name: "operator".into(), via: Via::Console, id: "console".into(), role: Some(role) };
    let console = ConsoleChat::new(talk.desk.clone(), operator);
    console.serve(input, &mut output, CancellationToken::new()).await.unwrap();
    String::from_utf8(output).unwrap()
}

#[tokio::test]
async fn the_console_answers_line_by_line() {
    let talk = Talk::new().await;
    let output = typed(&talk, Role::Responder, b"/incidents\n\n  \nack INC-1\n/akc INC-1\nlast line").await;
    assert_eq!(
        output,
        "no open incident\nack by operator\n! `akc` is no command; did you mean /ack?\n! `last` is no command; /help lists the commands\n"
    );
}

#[tokio::test]
async fn the_console_skips_what_nobody_types() {
    let talk = Talk::new().await;
    let mut input = b"x".repeat(100_000);
    input.extend_from_slice(b"\n\xff\xfe\n/help\n");
    let output = typed(&talk, Role::Viewer, &input).await;
    let lines: Vec<&str> = output.lines().collect();
    assert_eq!(lines[0], "! that line is longer than 16384 bytes; write a shorter command");
    assert!(lines[1].starts_with("! `") && lines[2].starts_with("/incidents"), "{output}");
}

#[tokio::test]
async fn the_console_stops_when_told_to() {
    let talk = Talk::new().await;
    let operator = Person { name: "operator".into(), via: Via::Console, id: "console".into(), role: None };
    let console = ConsoleChat::new(talk.desk.clone(), operator);
    // Nobody ever types here.
    let (_keyboard, input) = tokio::io::duplex(64);
    let stop = CancellationToken::new();
    stop.cancel();
    console.serve(tokio::io::BufReader::new(input), Vec::new(), stop).await.unwrap();
}
