//! The webhook, against a real server on this machine.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use serde_json::Value;
use tokio::task::JoinSet;

use super::*;
use crate::clock::Clock as _;
use crate::model::Secret;
use crate::store::{Change, IncidentEvent, IncidentRef};

/// A receiver that answers as it is told. It ends with its value.
struct Receiver {
    url: String,
    shared: Arc<Shared>,
    _server: JoinSet<()>,
}

#[derive(Default)]
struct Shared {
    /// What it answers: status, one header, body. The last one is kept.
    answers: Mutex<Vec<Answer>>,
    requests: Mutex<Vec<(HeaderMap, Value)>>,
    bodies: Mutex<Vec<Bytes>>,
}

#[derive(Clone)]
enum Answer {
    Says(u16, Option<(&'static str, String)>, &'static str),
    /// 503, with these headers.
    Busy(Vec<(&'static str, String)>),
    Never,
}

impl Receiver {
    async fn start(answers: Vec<Answer>) -> Self {
        let shared = Arc::new(Shared { answers: Mutex::new(answers), ..Shared::default() });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let app = Router::new().route("/hook", post(handle)).with_state(shared.clone());
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, shared, _server: server }
    }

    fn sink(&self) -> WebhookSink {
        WebhookSink::new(&self.url, Some(Secret::new("hunter2")), &[], Duration::from_millis(500)).unwrap()
    }

    fn requests(&self) -> Vec<(HeaderMap, Value)> {
        std::mem::take(&mut self.shared.requests.lock().unwrap())
    }
}

async fn handle(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    shared.requests.lock().unwrap().push((headers, serde_json::from_slice(&body).unwrap()));
    shared.bodies.lock().unwrap().push(body);
    let answer = {
        let mut answers = shared.answers.lock().unwrap();
        if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() }
    };
    match answer {
        Answer::Says(status, header, body) => {
            let mut response = (StatusCode::from_u16(status).unwrap(), body).into_response();
            if let Some((name, value)) = header {
                response.headers_mut().insert(name, value.parse().unwrap());
            }
            response
        }
        Answer::Busy(headers) => {
            let mut response = StatusCode::SERVICE_UNAVAILABLE.into_response();
            for (name, value) in headers {
                response.headers_mut().insert(name, value.parse().unwrap());
            }
            response
        }
        Answer::Never => std::future::pending().await,
    }
}

fn says(status: u16) -> Answer {
    Answer::Says(status, None, "")
}

/// A bot with one page in its outbox.
async fn paged() -> Story {
    let bot = Story::new(&[], &["webhook"]).await;
    let incident = bot.incident(Severity::S1, "CoreDNS is down", "CoreDNSDown", 3).await;
    bot.page(incident, PageReason::SeverityOne).await;
    bot
}

/// What one attempt comes to.
async fn send(receiver: &Receiver) -> Result<Option<String>, SinkError> {
    let bot = paged().await;
    let caught = Scripted::new("webhook");
    settle(&bot, &worker(&bot, caught.clone())).await;
    receiver.sink().send(&caught.seen()[0]).await
}

#[tokio::test]
async fn a_page_is_a_document_with_a_key() {
    let receiver = Receiver::start(vec![says(202)]).await;
    let bot = paged().await;
    assert_eq!(settle(&bot, &worker(&bot, Arc::new(receiver.sink()))).await, None);
    let requests = receiver.requests();
    assert_eq!(requests.len(), 1);
    let (headers, document) = &requests[0];
    assert_eq!(headers["authorization"], "Bearer hunter2");
    assert_eq!(headers["content-type"], "application/json");
    let text = serde_json::to_string_pretty(document).unwrap();
    insta::assert_snapshot!(text.replace(bot.store.mark(), "MARK"));
}

#[tokio::test]
async fn a_signed_document_is_known_for_ours() {
    use crate::signature::is_signed;
    let receiver = Receiver::start(vec![says(200)]).await;
    let bot = paged().await;
    let secret = Secret::new("what both know");
    let sink = receiver.sink().signed_with(Some(secret.clone()));
    settle(&bot, &worker(&bot, Arc::new(sink))).await;
    let (headers, _) = receiver.requests().remove(0);
    let header = |name: &str| headers[name].to_str().unwrap().to_owned();
    let signature = header("x-dogwatch-signature");
    let body = receiver.shared.bodies.lock().unwrap().remove(0);
    let signed = [header("x-dogwatch-timestamp").as_bytes(), b".", &body].concat();
    assert!(is_signed(&secret, &signed, signature.strip_prefix("v1=").unwrap()), "{signature}");
    assert_eq!(header("x-dogwatch-timestamp"), bot.clock.now().timestamp().to_string());
}

#[tokio::test]
async fn outcomes_are_told_to_who_wants_them_and_call_nobody() {
    let receiver = Receiver::start(vec![says(200)]).await;
    let bot = Story::new(&[], &["webhook"]).await;
    let hear_ends = ["webhook".to_owned()].into();
    let bot =
        bot.reopens_with(crate::store::Sinks { hear_ends, ..crate::store::story::sinks(&[], &["webhook"]) }).await;
    let incident = bot.incident(Severity::S1, "CoreDNS is down", "CoreDNSDown", 3).await;
    bot.page(incident, PageReason::SeverityOne).await;
    let worker = worker(&bot, Arc::new(receiver.sink().telling_outcomes(true)));
    settle(&bot, &worker).await;
    let incident = IncidentRef::Existing(incident);
    let changes = vec![
        Change::Acknowledge { incident, by: "ada".into() },
        Change::Note { incident, event: IncidentEvent::Acknowledged { by: "ada".into() } },
    ];
    bot.decide(changes).await;
    settle(&bot, &worker).await;
    bot.decide(vec![Change::Resolve { incident, by_itself: false }]).await;
    settle(&bot, &worker).await;
    let told = |(_, document): (HeaderMap, Value)| {
        ["kind", "event", "outcome", "dedup_key"].map(|name| document[name].as_str().unwrap_or_default().to_owned())
    };
    let told: Vec<[String; 4]> = receiver.requests().into_iter().map(told).collect();
    assert_eq!(
        told,
        [
            ["page", "trigger", "", "dogwatch-INC-1-1-1-S1"],
            ["outcome", "acknowledge", "ada has acknowledged it", "dogwatch-INC-1-1-1-S1"],
            ["outcome", "resolve", "nothing fires any more", "dogwatch-INC-1-1-1-S1"],
        ]
    );
}

#[tokio::test]
async fn a_page_is_repeated_under_the_same_key_until_it_arrives() {
    let receiver = Receiver::start(vec![says(500), says(503), Answer::Never, says(200)]).await;
    let bot = paged().await;
    let worker = worker(&bot, Arc::new(receiver.sink()));
    while let Some(wait) = settle(&bot, &worker).await {
        bot.clock.advance(Duration::from_secs(wait.unsigned_abs() + 1));
    }
    let keys: Vec<Value> = receiver.requests().into_iter().map(|(_, document)| document["dedup_key"].clone()).collect();
    assert_eq!(keys, ["dogwatch-INC-1-1-1-S1"; 4]);
}

#[tokio::test]
async fn what_may_pass_is_retried_and_what_will_not_is_said() {
    let answers = |status, header: Option<(&'static str, String)>, body| vec![Answer::Says(status, header, body)];
    let receiver = Receiver::start(answers(500, None, "out of\nmemory")).await;
    assert_eq!(
        send(&receiver).await,
        Err(SinkError::retry("the receiver answered 500 Internal Server Error: out of memory"))
    );
    let receiver = Receiver::start(answers(429, Some(("retry-after", "30".into())), "")).await;
    let after = Some(Duration::from_secs(30));
    let message = "the receiver answered 429 Too Many Requests".into();
    assert_eq!(send(&receiver).await, Err(SinkError::Retry { message, after }));
    let receiver = Receiver::start(answers(400, None, "routing_key is missing")).await;
    assert_eq!(
        send(&receiver).await,
        Err(SinkError::fail("the receiver answered 400 Bad Request: routing_key is missing"))
    );
}

#[tokio::test]
async fn a_receiver_may_say_by_a_date_when_it_wants_to_be_asked_again() {
    // Its clock is years behind ours, and told in another zone where it likes.
    for (after, date, seconds) in [
        ("Wed, 21 Oct 2015 07:30:00 GMT", "Wed, 21 Oct 2015 07:28:00 GMT", Some(120)),
        ("Wed, 21 Oct 2015 09:30:00 +0200", "Wed, 21 Oct 2015 07:28:00 GMT", Some(120)),
        ("Wed, 21 Oct 2015 07:00:00 GMT", "Wed, 21 Oct 2015 07:28:00 GMT", Some(0)),
        ("Fri, 31 Dec 9999 23:59:59 GMT", "Wed, 21 Oct 2015 07:28:00 GMT", Some(251_956_888_319)),
        ("tomorrow", "Wed, 21 Oct 2015 07:28:00 GMT", None),
    ] {
        let headers = vec![("retry-after", after.to_owned()), ("date", date.to_owned())];
        let receiver = Receiver::start(vec![Answer::Busy(headers)]).await;
        let Err(SinkError::Retry { after: wait, .. }) = send(&receiver).await else { panic!("{after}") };
        assert_eq!(wait.map(|wait| wait.as_secs()), seconds, "{after}");
    }
}

#[tokio::test]
async fn a_date_counts_from_our_clock_where_the_answer_has_none_and_for_a_quarter_of_an_hour_at_most() {
    for (minutes, waits) in [(10, 600..=900), (24 * 60, 900..=900)] {
        let bot = paged().await;
        let until = bot.clock.now() + Duration::from_secs(minutes * 60);
        // The server would add the real date.
        let headers = vec![("retry-after", until.to_rfc2822()), ("date", "none".to_owned())];
        let receiver = Receiver::start(vec![Answer::Busy(headers)]).await;
        let wait = settle(&bot, &worker(&bot, Arc::new(receiver.sink()))).await.unwrap();
        assert!(waits.contains(&wait), "{wait}");
    }
}

#[tokio::test]
async fn a_receiver_that_says_nothing_is_not_waited_for() {
    let receiver = Receiver::start(vec![Answer::Never]).await;
    let Err(SinkError::NoAnswer { message }) = send(&receiver).await else { panic!("it may have it") };
    assert!(message.contains("timed out"), "{message}");
    assert!(!message.contains("/hook"), "{message}");
}

#[tokio::test]
async fn nobody_is_sent_elsewhere() {
    let elsewhere = Receiver::start(vec![says(200)]).await;
    for status in [301, 302, 303, 307, 308] {
        let to = Some(("location", elsewhere.url.clone()));
        let receiver = Receiver::start(vec![Answer::Says(status, to, "")]).await;
        let Err(SinkError::Fail { message }) = send(&receiver).await else { panic!("{status} should fail") };
        assert!(message.contains("redirects are not followed"), "{message}");
    }
    assert_eq!(elsewhere.requests().len(), 0);
}

#[tokio::test]
async fn a_receiver_that_is_not_there_is_tried_again() {
    let gone = Receiver::start(vec![says(200)]).await;
    let sink = gone.sink();
    drop(gone);
    let bot = paged().await;
    let wait = settle(&bot, &worker(&bot, Arc::new(sink))).await;
    assert_eq!(wait, Some(1));
}

#[test]
fn it_sends_only_where_it_may() {
    let make = |url: &str, hosts: &[&str]| {
        let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
        WebhookSink::new(url, None, &hosts, Duration::from_secs(1)).map(|_| ())
    };
    assert_eq!(make("https://pages.example.com/x", &[]), Ok(()));
    assert_eq!(make("https://pages.example.com/x", &["PAGES.example.com"]), Ok(()));
    assert_eq!(make("http://localhost:1/x", &[]), Ok(()));
    assert_eq!(make("http://[::1]:1/x", &[]), Ok(()));
    let host = || "pages.example.com".to_owned();
    assert_eq!(make("https://pages.example.com/x", &["example.com"]), Err(WebhookError::NotAllowed(host())));
    assert_eq!(make("http://pages.example.com/x", &[]), Err(WebhookError::Plain(host())));
    assert!(matches!(make("ftp://pages.example.com/x", &[]), Err(WebhookError::Url(_))));
    assert!(matches!(make("pages.example.com", &[]), Err(WebhookError::Url(_))));
    // A name that only looks like this machine.
    assert!(make("http://localhost.example.com/", &[]).is_err());
    assert!(make("http://127.0.0.1.example.com/", &[]).is_err());
}
