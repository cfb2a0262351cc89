//! Those who have no secret: connections, guesses, pages in a browser; and those who have one, and
//! ask too much.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::*;

/// Waits until the other side has closed the connection.
async fn is_closed(stream: &mut TcpStream) {
    let mut rest = Vec::new();
    // A connection that is reset has ended, too.
    let _ = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut rest)).await.expect("it stays open");
    assert!(rest.is_empty(), "{}", String::from_utf8_lossy(&rest));
}

/// A request on a connection that stays: the status of its answer, whose body is read, too.
async fn asks_on(stream: &mut TcpStream, request: &str) -> u16 {
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    let length = head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
    stream.read_exact(&mut vec![0; length.unwrap_or(0)]).await.unwrap();
    head[9..12].parse().unwrap()
}

fn room(strangers: usize, known: usize) -> Settings {
    Settings { limits: Limits { room: Room { strangers, known }, ..Limits::default() }, ..settings() }
}

fn incidents_of(who: &str) -> String {
    let body = r#"{"command":"/incidents"}"#;
    format!(
        "POST /v1/commands HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer token-of-{who}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[tokio::test]
async fn the_silent_are_cut_off_for_those_who_ask() {
    let world = TestServer::with(room(3, 1)).await;
    let mut known = TcpStream::connect(world.address).await.unwrap();
    assert_eq!(asks_on(&mut known, &incidents_of("victor")).await, 200);
    let mut silent = Vec::new();
    for _ in 0..20 {
        silent.push(TcpStream::connect(world.address).await.unwrap());
    }
    assert_eq!(world.get("/healthz").await.status(), 200);
    assert_eq!(world.delivers(body(1)).await.status(), 200);
    for stream in &mut silent[..17] {
        is_closed(stream).await;
    }
    assert!(world.counts("dogwatch_connections_cut_total").await >= 17);
}

#[tokio::test]
async fn who_has_shown_a_token_keeps_the_connection() {
    let world = TestServer::with(room(2, 2)).await;
    let mut known = TcpStream::connect(world.address).await.unwrap();
    assert_eq!(asks_on(&mut known, &incidents_of("victor")).await, 200);
    let mut flood = Vec::new();
    for _ in 0..20 {
        flood.push(TcpStream::connect(world.address).await.unwrap());
    }
    for stream in &mut flood[..18] {
        is_closed(stream).await;
    }
    assert_eq!(asks_on(&mut known, &incidents_of("victor")).await, 200);
}

#[tokio::test]
async fn requests_that_come_before_their_answers_are_answered_in_order() {
    let world = TestServer::new().await;
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    let many: String = (0..50).map(|n| format!("GET /nothing/{n} HTTP/1.1\r\nHost: x\r\n\r\n")).collect();
    stream.write_all(many.as_bytes()).await.unwrap();
    for _ in 0..50 {
        assert_eq!(asks_on(&mut stream, "").await, 404);
    }
}

#[tokio::test]
async fn a_head_of_many_headers_is_refused() {
    let world = TestServer::new().await;
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    let headers: String = (0..500).map(|n| format!("x-{n}: 1\r\n")).collect();
    let head = format!("GET /healthz HTTP/1.1\r\nHost: x\r\n{headers}\r\n");
    assert_eq!(asks_on(&mut stream, &head).await, 431);
}

#[tokio::test]
async fn nobody_is_asked_for_a_body_before_he_was_let_in() {
    let world = TestServer::new().await;
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    let head = "POST /v1/alertmanager HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer wrong\r\nExpect: 100-continue\r\n\
                Content-Type: application/json\r\nContent-Length: 30000000\r\n\r\n";
    // The answer is the refusal, and not `100 Continue`.
    assert_eq!(asks_on(&mut stream, head).await, 401);
}

#[tokio::test]
async fn guesses_are_answered_seldom_and_the_right_secret_always() {
    let world = TestServer::new().await;
    let guess = |n: usize| world.posts("/v1/commands").bearer_auth(format!("guess-{n}")).body("{}").send();
    let answers = futures_util::future::join_all((0..200).map(guess)).await;
    let count = |wanted: u16| {
        answers.iter().filter(|answer| answer.as_ref().is_ok_and(|answer| answer.status() == wanted)).count()
    };
    assert!((10..=12).contains(&count(401)), "{} are told at once", count(401));
    assert!(count(429) > 0 && count(429) < 150, "{} are told late", count(429));
    assert!(answers.iter().any(Result::is_err), "the rest hears nothing");
    let late = answers.iter().flatten().find(|answer| answer.status() == 429).unwrap();
    assert!(late.headers().contains_key("retry-after") && late.headers()["connection"] == "close");
    assert_eq!(world.delivers(body(1)).await.status(), 200);
    let command = world.posts("/v1/commands").bearer_auth("token-of-victor").body(r#"{"command":"/incidents"}"#);
    assert_eq!(command.send().await.unwrap().status(), 200);
    // A client may try again what was cut off before it was read.
    assert!(world.counts(r#"dogwatch_authentication_failures_total{via="api"}"#).await >= 200);
}

#[tokio::test]
async fn a_page_in_a_browser_delivers_nothing() {
    let open = TestServer::with(Settings { sources: alertmanager(None, false), ..settings() }).await;
    let closed = TestServer::new().await;
    let plain = |world: &TestServer| world.client.post(world.url("/v1/alertmanager")).bearer_auth(TOKEN).body(body(1));
    for world in [&open, &closed] {
        let (status, error, _, hint) =
            refusal(plain(world).header("content-type", "text/plain").send().await.unwrap()).await;
        assert_eq!((status, error.as_str()), (415, "it says that it is `text/plain`"));
        assert!(hint.contains("application/json"), "{hint}");
        assert_eq!(plain(world).send().await.unwrap().status(), 415);
        for (name, value) in [("origin", "https://evil.example"), ("origin", "null"), ("sec-fetch-site", "cross-site")]
        {
            let (status, error, _, _) =
                refusal(world.delivery(body(1)).header(name, value).send().await.unwrap()).await;
            assert_eq!(status, 403, "{name}: {error}");
            let command = world.posts("/v1/commands").bearer_auth("token-of-alice").header(name, value);
            assert_eq!(command.body(r#"{"command":"/help"}"#).send().await.unwrap().status(), 403);
        }
        assert_eq!(world.pending().await.len(), 0);
    }
    let rebound = |world: &TestServer| world.delivery(body(1)).header("host", "rebound.evil.example").send();
    let (status, _, at, hint) = refusal(rebound(&open).await.unwrap()).await;
    assert_eq!((status, at.as_str()), (403, "Host"));
    assert!(hint.contains("server.webhook_auth"), "{hint}");
    assert_eq!(
        rebound(&closed).await.unwrap().status(),
        200,
        "behind an ingress the name is any, and the secret counts"
    );
    assert_eq!(open.delivers(body(1)).await.status(), 200);
}

#[tokio::test]
async fn a_loop_of_one_token_is_slowed_down_and_nobody_else() {
    let world = TestServer::new().await;
    let asks = |who: &str| {
        let request = world.posts("/v1/commands").bearer_auth(format!("token-of-{who}"));
        request.body(r#"{"command":"/run other --dry-run"}"#).send()
    };
    let mut answers = Vec::new();
    for _ in 0..12 {
        answers.push(asks("victor").await.unwrap());
    }
    let slowed = answers.into_iter().find(|answer| answer.status() == 429).expect("twelve at once are a loop");
    assert!(slowed.headers()["retry-after"].to_str().unwrap().parse::<u64>().unwrap() >= 1);
    let (_, error, at, hint) = refusal(slowed).await;
    assert!(error.contains("ask the cluster") && at == "the token `victor`" && hint.starts_with("send it again in"));
    assert_eq!(asks("alice").await.unwrap().status(), 400, "it is her first");
    let cheap = world.posts("/v1/commands").bearer_auth("token-of-victor").body(r#"{"command":"/incidents"}"#);
    assert_eq!(cheap.send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn health_has_a_listener_of_its_own() {
    let world = TestServer::new().await;
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    world.served.lock().unwrap().spawn(serve_health(listener, world.server.clone(), world.stop.clone()));
    let get = |path: &str| world.client.get(format!("http://{address}{path}")).send();
    assert_eq!(get("/healthz").await.unwrap().status(), 200);
    assert_eq!(get("/readyz").await.unwrap().status(), 503);
    assert!(get("/metrics").await.unwrap().text().await.unwrap().contains("dogwatch_store_up 1"));
    assert_eq!(get("/v1/commands").await.unwrap().status(), 404);
}
