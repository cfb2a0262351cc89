//! The commands that ask a server, against one that answers as it is told.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::*;

/// Each request's body and `Authorization`.
type Asked = Arc<Mutex<Vec<(Value, Option<String>)>>>;

/// It ends with its value.
struct Server {
    url: String,
    asked: Asked,
    _runtime: Runtime,
}

#[derive(Clone)]
struct Answers {
    status: StatusCode,
    body: String,
    asked: Asked,
}

impl Server {
    fn start(status: u16, body: &str) -> Self {
        let runtime = Runtime::new().unwrap();
        let asked = Arc::new(Mutex::default());
        let status = StatusCode::from_u16(status).unwrap();
        let answers = Answers { status, body: body.to_owned(), asked: Arc::clone(&asked) };
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let app = Router::new().route("/v1/commands", post(answer)).with_state(answers);
        runtime.spawn(async move { axum::serve(listener, app).await });
        Self { url, asked, _runtime: runtime }
    }

    fn says(reply: &str) -> Self {
        Self::start(200, &json!({ "reply": reply, "ok": true }).to_string())
    }

    fn ask(&self, args: &[&str]) -> Said {
        let vars = [("DOGWATCH_SERVER", self.url.as_str()), ("DOGWATCH_TOKEN", "hunter2")];
        dogwatch(root(), args, &vars)
    }

    fn asked(&self) -> Vec<(Value, Option<String>)> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

async fn answer(State(answers): State<Answers>, headers: HeaderMap, body: String) -> (StatusCode, String) {
    let token = headers.get("authorization").map(|value| value.to_str().unwrap().to_owned());
    answers.asked.lock().unwrap().push((serde_json::from_str(&body).unwrap(), token));
    (answers.status, answers.body)
}

#[test]
fn each_command_goes_out_as_it_was_meant() {
    let server = Server::says("done");
    for (args, line) in [
        (&["incidents"][..], "/incidents"),
        (&["incidents", "-a"], "/incidents all"),
        (&["why", "7"], "/why INC-7"),
        (&["ack", "INC-7"], "/ack INC-7"),
        (&["resolve", "inc-7", "--note", "a cable"], "/resolve INC-7 a cable"),
        (
            &["run", "pvc-filling", "--set", "namespace=db", "-s", "note=a \"b\"", "-n"],
            "/run pvc-filling --set namespace=db --set \"note=a \"'\"'\"b\"'\"'\"\" --dry-run",
        ),
        (&["ack", "3", "INC-4,inc-5"], "/ack INC-3 INC-4 INC-5"),
        (&["ack", "--all-of", "my team"], "/ack --all-of \"my team\""),
        (&["resolve", "3", "4", "-n", "INC-4 was the cause"], "/resolve INC-3 INC-4 -- INC-4 was the cause"),
        (
            &["incidents", "--team", "db", "--severity", "s1,S2", "--state", "open", "--mine", "-o", "json"],
            "/incidents mine --team db --severity S1,S2 --state open --output json",
        ),
        (&["approve", "APR-3"], "/approve APR-3"),
        (&["deny", "3"], "/deny APR-3"),
        (&["oncall", "take"], "/oncall take"),
        (
            &["oncall", "take", "platform", "--until", "4h", "--layer", "secondary"],
            "/oncall take platform --until 4h --layer secondary",
        ),
        (
            &[
                "oncall",
                "override",
                "platform",
                "bob",
                "--until",
                "8h",
                "--whom",
                "ada b",
                "--reason",
                "a dentist --really",
            ],
            "/override platform bob --until 8h --whom \"ada b\" -- a dentist --really",
        ),
        (&["oncall", "unoverride", "3"], "/unoverride 3"),
    ] {
        let said = server.ask(args);
        assert_eq!((said.code, said.out.as_str(), said.err.as_str()), (0, "done\n", ""), "{args:?}");
        assert_eq!(server.asked(), [(json!({ "command": line }), Some("Bearer hunter2".to_owned()))], "{args:?}");
    }
}

#[test]
fn oncall_asks_the_bot_where_it_is_told_to() {
    let server = Server::says("platform: ada\nand more");
    let ask = |args: &[&str]| server.ask(&[&["oncall"], args, &["--server", &server.url]].concat());
    for (args, line) in [
        (&["who"][..], "/oncall who"),
        (
            &["who", "--team", "my team", "--at", "2026-03-02 08:00"],
            "/oncall who \"my team\" --at 2026-03-02T08:00:00Z",
        ),
        (&["schedule", "--layer", "secondary"], "/oncall schedule --for 14d --layer secondary"),
        (&["gaps", "--team", "platform"], "/oncall gaps platform --for 90d"),
        (&["check"], "/oncall check"),
        (&["ical", "ada", "--days", "7"], "/oncall ical ada --for 7d"),
    ] {
        let said = ask(args);
        let end = if args[0] == "ical" { "\r\n" } else { "\n" };
        assert_eq!((said.code, said.err.as_str()), (0, ""), "{args:?}");
        assert!(said.out.starts_with(&format!("platform: ada{end}and more")), "{args:?}: {:?}", said.out);
        assert_eq!(server.asked(), [(json!({ "command": line }), Some("Bearer hunter2".to_owned()))], "{args:?}");
    }
    let both = ask(&["who", "--file", "oncall.yaml"]);
    assert_eq!(both.code, 2, "one of the two");
}

#[test]
fn the_token_may_lie_in_a_file() {
    let server = Server::says("done");
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("token"), "from-the-file\n").unwrap();
    std::fs::write(dir.path().join("empty"), "\n").unwrap();
    let ask = |file: &str| dogwatch(dir.path(), &["incidents", "--server", &server.url, "--token-file", file], &[]);
    assert_eq!(ask("token").code, 0);
    assert_eq!(server.asked()[0].1.as_deref(), Some("Bearer from-the-file"));
    for (file, hint) in [("empty", "is empty"), ("nowhere", "cannot be read")] {
        let said = ask(file);
        assert_eq!(said.code, 2);
        assert!(said.err.contains(hint), "{}", said.err);
    }
    assert_eq!(server.asked(), []);
}

#[test]
fn an_unknown_token_is_named_by_where_it_was_found() {
    let server = Server::start(401, &json!({ "error": "unknown token" }).to_string());
    let said = server.ask(&["incidents"]);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("does not know the token in DOGWATCH_TOKEN"), "{}", said.err);
    assert!(!said.err.contains("hunter2"));
    let without = dogwatch(root(), &["incidents", "--server", &server.url], &[]);
    assert!(without.err.contains("wants a token"), "{}", without.err);
    assert_eq!(server.asked()[1].1, None);
}

#[test]
fn a_refusal_is_code_1_and_says_why() {
    for (status, body, hint) in [
        (403, json!({ "reply": "/ack needs the role responder", "ok": false }), "/ack needs the role responder"),
        (400, json!({ "reply": "no incident is called INC-7", "ok": false }), "no incident is called INC-7"),
        (503, json!({ "error": "too many at once", "where": "x", "hint": "send it again" }), "once; send it again"),
        (500, json!("what?"), "500"),
    ] {
        let said = Server::start(status, &body.to_string()).ask(&["ack", "INC-7"]);
        assert_eq!(said.code, 1, "{}", said.err);
        assert!(said.err.contains(hint), "{}", said.err);
    }
}

#[test]
fn a_server_that_is_not_there_or_is_none_is_code_3() {
    let gone = Server::says("x").url;
    let said = dogwatch(root(), &["incidents", "--server", &gone], &[]);
    assert_eq!(said.code, 3);
    assert!(said.err.contains("cannot connect") && said.err.contains("dogwatch serve"), "{}", said.err);
    let other = Server::start(404, "<html>not here</html>").ask(&["incidents"]);
    assert_eq!(other.code, 3);
    assert!(other.err.contains("no Dogwatch"), "{}", other.err);
}

#[test]
fn an_answer_moves_no_cursor() {
    let said = Server::says("INC-1 \u{1b}[2Jgone\nINC-2").ask(&["incidents"]);
    assert_eq!(said.out, "INC-1 [2Jgone\nINC-2\n");
}
