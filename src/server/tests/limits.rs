//! Too much, too slow, too often.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::*;

const SHORT: Duration = Duration::from_millis(300);

fn quick(limits: Limits) -> Settings {
    Settings { limits, ..settings() }
}

/// Everything that comes until the server closes the connection.
async fn reads_to_the_end(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let reading = stream.read_to_end(&mut answer);
    // A connection that is reset has ended, too.
    let _ = tokio::time::timeout(Duration::from_secs(10), reading).await.expect("the connection stays open");
    String::from_utf8_lossy(&answer).into_owned()
}

fn head(length: usize) -> String {
    format!(
        "POST /v1/alertmanager HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    )
}

#[tokio::test]
async fn a_body_that_is_too_large_is_answered_and_not_just_cut_off() {
    let world = TestServer::new().await;
    let body = vec![b' '; 17 * 1024 * 1024];
    let (status, error, _, hint) = refusal(world.delivers(body.clone()).await).await;
    assert_eq!((status, error.as_str()), (413, "it is larger than 16777216 bytes"));
    assert!(hint.contains("server.body_limit") && hint.contains("group by more labels"), "{hint}");
    // In chunks, without saying how much it will be.
    let chunks: Vec<Result<Vec<u8>, std::io::Error>> = body.chunks(1 << 20).map(|chunk| Ok(chunk.to_vec())).collect();
    let stream = reqwest::Body::wrap(StreamBody(chunks.into()));
    assert_eq!(refusal(world.delivers(stream).await).await.0, 413);
    assert_eq!(world.counts(r#"dogwatch_notifications_total{result="too_large"}"#).await, 2);
    assert_eq!(world.delivers(super::body(1)).await.status(), 200);
}

/// A body of chunks whose length nobody knows beforehand.
struct StreamBody(std::collections::VecDeque<Result<Vec<u8>, std::io::Error>>);

impl hyper::body::Body for StreamBody {
    type Data = axum::body::Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<hyper::body::Frame<Self::Data>, Self::Error>>> {
        let chunk = self.0.pop_front();
        std::task::Poll::Ready(chunk.map(|chunk| chunk.map(|bytes| hyper::body::Frame::data(bytes.into()))))
    }
}

#[tokio::test]
async fn one_who_may_not_deliver_is_told_so_whatever_he_sends() {
    let world = TestServer::new().await;
    let request = world.posts("/v1/alertmanager").bearer_auth("wrong");
    let response = request.body(vec![b' '; 20 * 1024 * 1024]).send().await.unwrap();
    assert_eq!(response.status(), 401);
}

#[tokio::test]
async fn a_body_that_trickles_in_is_not_waited_for() {
    let world = TestServer::with(quick(Limits { body_within: SHORT, ..Limits::default() })).await;
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    stream.write_all(head(1_000).as_bytes()).await.unwrap();
    stream.write_all(b"{\"version\":").await.unwrap();
    let answer = reads_to_the_end(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("did not arrive within 0.3 s"), "{answer}");
    assert_eq!(world.counts(r#"dogwatch_notifications_total{result="too_slow"}"#).await, 1);
    assert_eq!(world.delivers(body(1)).await.status(), 200);
}

#[tokio::test]
async fn a_head_that_trickles_in_is_not_waited_for_either() {
    let world = TestServer::with(quick(Limits { head_within: SHORT, ..Limits::default() })).await;
    let mut silent = TcpStream::connect(world.address).await.unwrap();
    let mut slow = TcpStream::connect(world.address).await.unwrap();
    slow.write_all(b"GET /healthz HTTP/1.1\r\nHost:").await.unwrap();
    let mut idle = TcpStream::connect(world.address).await.unwrap();
    idle.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    assert_eq!(reads_to_the_end(&mut silent).await, "");
    let slow = reads_to_the_end(&mut slow).await;
    assert!(slow.is_empty() || slow.starts_with("HTTP/1.1 408 "), "{slow}");
    let idle = reads_to_the_end(&mut idle).await;
    assert!(idle.starts_with("HTTP/1.1 200 ") && idle.contains("\"alive\":true"), "{idle}");
    assert_eq!(world.get("/healthz").await.status(), 200);
}

#[tokio::test]
async fn a_head_without_end_is_refused() {
    let world = TestServer::new().await;
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    let long = format!("GET /healthz HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "x".repeat(100_000));
    // It may be cut off while we still write.
    let _ = stream.write_all(long.as_bytes()).await;
    let answer = reads_to_the_end(&mut stream).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431 "), "{answer}");
    assert_eq!(world.get("/healthz").await.status(), 200);
}

#[tokio::test]
async fn whoever_hangs_up_in_the_middle_leaves_nothing_behind() {
    let world = TestServer::new().await;
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    let body = body(10);
    stream.write_all(head(body.len()).as_bytes()).await.unwrap();
    stream.write_all(&body.as_bytes()[..body.len() / 2]).await.unwrap();
    drop(stream);
    world.counts_to(r#"dogwatch_notifications_total{result="malformed"}"#, 1).await;
    assert_eq!(world.pending().await.len(), 0);
}

#[tokio::test]
async fn more_bodies_than_there_is_room_for_are_sent_away_until_later() {
    let limits = Limits { bodies: 2 << 20, turn_within: SHORT, ..Limits::default() };
    let settings = Settings { body_limit: 2 << 20, ..quick(limits) };
    let world = TestServer::with(settings).await;
    let body = format!("{}{}", super::body(100), " ".repeat(1_500_000));
    // Somebody who says that he will send much, and takes his time.
    let mut slow = TcpStream::connect(world.address).await.unwrap();
    slow.write_all(head(body.len()).as_bytes()).await.unwrap();
    slow.write_all(&body.as_bytes()[..1_000]).await.unwrap();
    // As long as little has come, it keeps nobody out.
    assert_eq!(world.delivers(body.clone()).await.status(), 200);
    slow.write_all(&body.as_bytes()[1_000..600_000]).await.unwrap();
    let response = loop {
        // Until the server has seen the slow one, there is room.
        let response = world.delivers(body.clone()).await;
        if response.status() != 200 {
            break response;
        }
    };
    assert_eq!(response.headers()["retry-after"], "5");
    let (status, error, _, _) = refusal(response).await;
    assert_eq!((status, error.as_str()), (503, "too many notifications are coming in at once"));
    // A small one still finds room, and so does a large one once the slow one is through.
    assert_eq!(world.delivers(super::body(1)).await.status(), 200);
    slow.write_all(&body.as_bytes()[600_000..]).await.unwrap();
    let mut answer = [0; 15];
    slow.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200 OK");
    assert_eq!(world.delivers(body).await.status(), 200);
    assert!(world.counts(r#"dogwatch_notifications_total{result="overloaded"}"#).await >= 1);
}

#[tokio::test]
async fn a_body_that_was_packed_is_refused() {
    let world = TestServer::new().await;
    let response = world.delivery("x").header("content-encoding", "gzip").send().await.unwrap();
    let (status, error, _, _) = refusal(response).await;
    assert_eq!((status, error.as_str()), (415, "it has the encoding `gzip`"));
}

#[tokio::test]
async fn a_request_that_waits_for_ever_has_an_end() {
    // Nobody works on commands here.
    let world = TestServer::with(quick(Limits { request_within: SHORT, ..Limits::default() })).await;
    let request = world.posts("/v1/commands").bearer_auth("token-of-alice");
    let response = request.body(r#"{"command":"/ack INC-1"}"#).send().await.unwrap();
    let (status, error, at, _) = refusal(response).await;
    assert_eq!((status, at.as_str()), (503, "POST /v1/commands"));
    assert!(error.contains("within 0.3 s"), "{error}");
}

#[tokio::test]
async fn stopping_answers_what_is_under_way_and_takes_nothing_new() {
    let world = TestServer::new().await;
    let body = body(10);
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    stream.write_all(head(body.len()).as_bytes()).await.unwrap();
    stream.write_all(&body.as_bytes()[..100]).await.unwrap();
    let mut idle = TcpStream::connect(world.address).await.unwrap();
    idle.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut first = [0; 15];
    idle.read_exact(&mut first).await.unwrap();

    world.stop.cancel();
    assert!(reads_to_the_end(&mut idle).await.contains("alive"));
    let refused = async {
        while TcpStream::connect(world.address).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), refused).await.expect("it still listens");
    stream.write_all(&body.as_bytes()[100..]).await.unwrap();
    let answer = reads_to_the_end(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    world.stops().await;
    assert_eq!(world.readiness.reason().as_deref(), Some("it is stopping"));
    assert_eq!(world.pending().await.len(), 1);
}

#[tokio::test]
async fn stopping_does_not_wait_for_ever() {
    let world = TestServer::with(quick(Limits { stop_within: SHORT, ..Limits::default() })).await;
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    stream.write_all(head(1_000).as_bytes()).await.unwrap();
    stream.write_all(b"{").await.unwrap();
    // Until the server has begun with it, there would be nothing to wait for.
    assert_eq!(world.get("/healthz").await.status(), 200);
    tokio::time::timeout(Duration::from_secs(10), world.stops()).await.expect("it still waits");
}

/// Who has connected and asked nothing, as probes and load balancers do, is owed no answer.
#[tokio::test]
async fn who_asks_nothing_does_not_delay_the_end() {
    let world = TestServer::new().await;
    let mut silent = TcpStream::connect(world.address).await.unwrap();
    // Connections are taken in their order.
    assert_eq!(world.get("/healthz").await.status(), 200);
    tokio::time::timeout(Duration::from_secs(5), world.stops()).await.expect("it waits for somebody who asks nothing");
    assert_eq!(reads_to_the_end(&mut silent).await, "");
}

#[tokio::test]
async fn a_source_that_sends_slowly_keeps_no_other_one_out() {
    let source = |name: &str| Source { name: name.into(), ..Source::default() };
    let sources = Sources::new(None, vec![source("slow"), source("quick")]);
    let limits = Limits { bodies: 4 << 20, turn_within: Duration::from_millis(300), ..Limits::default() };
    let world = TestServer::with(Settings { sources, body_limit: 2 << 20, ..quick(limits) }).await;
    let large = body(3_000);
    assert!(large.len() > 1 << 20, "it is more than a beginning");
    // The first megabyte of each comes, and the rest does not.
    let head = format!(
        "POST /v1/sources/slow HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        large.len()
    );
    let mut slow = Vec::new();
    for _ in 0..12 {
        let mut stream = TcpStream::connect(world.address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&large.as_bytes()[..1 << 20]).await.unwrap();
        slow.push(stream);
    }
    let to = |name: &str, body: String| world.posts(&format!("/v1/sources/{name}")).body(body).send();
    let is_full = async { while to("slow", large.clone()).await.unwrap().status() != 503 {} };
    tokio::time::timeout(Duration::from_secs(20), is_full).await.expect("its own room is full");
    assert_eq!(to("quick", body(3)).await.unwrap().status(), 200);
    assert_eq!(to("quick", large).await.unwrap().status(), 200, "half of what is shared is left to others");
}
