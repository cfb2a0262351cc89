//! Services that mean no good, on loopback.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::*;
use crate::http::HttpAuth;
use crate::model::Secret;

/// What a service does once it has read a request.
#[derive(Clone)]
enum Does {
    Says(Vec<u8>),
    /// This first, and then this for as long as somebody listens.
    GoesOn(&'static str, Vec<u8>),
    /// This first, and then a byte every few milliseconds.
    Drips(&'static str),
}

fn says(answer: &str) -> Does {
    Does::Says(answer.replace('\n', "\r\n").into_bytes())
}

fn hello() -> Does {
    says("HTTP/1.1 200 OK\nContent-Type: text/plain\nContent-Length: 5\n\nhello")
}

/// A service, and the heads of all requests that it got.
struct Service {
    address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
    _server: JoinSet<()>,
}

impl Service {
    async fn that(does: Does) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, heads) = (listener.local_addr().unwrap(), Arc::<Mutex<Vec<String>>>::default());
        let seen = heads.clone();
        let mut server = JoinSet::new();
        server.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(stream, does.clone(), seen.clone()));
            }
        });
        Self { address, heads, _server: server }
    }

    /// Behind TLS, as whoever has this certificate.
    async fn with_tls(names: &[&str]) -> (Self, Authorities) {
        crate::tls::install_provider();
        let certified =
            rcgen::generate_simple_self_signed(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        let rcgen::CertifiedKey { cert, signing_key } = certified.unwrap();
        let key = rustls::pki_types::PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
        let config = rustls::ServerConfig::builder().with_no_client_auth();
        let config = config.with_single_cert(vec![cert.der().clone()], key).unwrap();
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, heads) = (listener.local_addr().unwrap(), Arc::<Mutex<Vec<String>>>::default());
        let seen = heads.clone();
        let mut server = JoinSet::new();
        server.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                if let Ok(stream) = acceptor.accept(stream).await {
                    serve(stream, hello(), seen.clone()).await;
                }
            }
        });
        (Self { address, heads, _server: server }, Authorities::parse(&cert.pem()).unwrap())
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }

    fn port(&self) -> u16 {
        self.address.port()
    }
}

async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin, does: Does, heads: Arc<Mutex<Vec<String>>>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    heads.lock().unwrap().push(String::from_utf8(head).unwrap());
    match does {
        Does::Says(answer) => {
            let _ = stream.write_all(&answer).await;
            let _ = stream.shutdown().await;
        }
        Does::GoesOn(begin, then) => {
            let _ = stream.write_all(begin.as_bytes()).await;
            while stream.write_all(&then).await.is_ok() {}
        }
        Does::Drips(begin) => {
            let _ = stream.write_all(begin.as_bytes()).await;
            let mut tick = tokio::time::interval(Duration::from_millis(5));
            while stream.write_all(b"x").await.is_ok() {
                tick.tick().await;
            }
        }
    }
}

/// Where names lead: each answer once, and the last one for good.
#[derive(Debug, Default)]
struct Leads {
    to: Mutex<VecDeque<Vec<IpAddr>>>,
    asked: Mutex<Vec<String>>,
}

fn leads(to: &[&[&str]]) -> Arc<Leads> {
    let to = to.iter().map(|all| all.iter().map(|address| address.parse().unwrap()).collect());
    Arc::new(Leads { to: Mutex::new(to.collect()), asked: Mutex::default() })
}

#[async_trait]
impl Names for Leads {
    async fn addresses(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        self.asked.lock().unwrap().push(host.to_owned());
        let mut to = self.to.lock().unwrap();
        let answer = if to.len() > 1 { to.pop_front() } else { to.front().cloned() };
        Ok(answer.unwrap_or_default())
    }
}

/// Only this address of loopback may be asked: the services of these tests are there.
fn all_but_services(address: IpAddr) -> Option<&'static str> {
    if address == IpAddr::from([127, 0, 0, 1]) { None } else { why_refused(address) }
}

fn allowed(origin: &str) -> AllowedHost {
    AllowedHost { origin: Origin::parse(origin).unwrap(), auth: None, authorities: None }
}

fn web(hosts: Vec<AllowedHost>, names: Arc<Leads>) -> HttpWeb {
    let access = WebAccess { names, rule: all_but_services, ..WebAccess::new(hosts, Vec::new()) };
    HttpWeb::new(access).unwrap()
}

fn get(url: &str) -> WebRequest {
    let (origin, _) = split_url(url).unwrap();
    WebRequest { method: Method::Get, origin, url: url.parse().unwrap(), timeout: Duration::from_secs(10) }
}

/// Asks that service by a name that leads to it.
async fn ask(service: &Service, path: &str) -> Result<WebAnswer, WebError> {
    let origin = format!("http://service.test:{}", service.port());
    web(vec![allowed(&origin)], leads(&[&["127.0.0.1"]])).ask(&get(&format!("{origin}{path}"))).await
}

#[tokio::test]
async fn what_is_named_is_asked_and_nothing_else() {
    let service = Service::that(hello()).await;
    let answer = ask(&service, "/a?b=c").await.unwrap();
    assert_eq!((answer.status, answer.body.as_slice(), answer.is_cut), (200, b"hello".as_slice(), false));
    let head = service.heads().remove(0).to_lowercase();
    assert!(head.starts_with("get /a?b=c http/1.1\r\n"), "{head}");
    assert!(
        head.contains(&format!("host: service.test:{}", service.port())) && head.contains("user-agent: dogwatch/"),
        "{head}"
    );
    assert!(head.contains("accept-encoding: identity"), "{head}");
    assert!(!head.contains("cookie") && !head.contains("authorization") && !head.contains("referer"), "{head}");

    let names = leads(&[&["127.0.0.1"]]);
    let port = service.port();
    let web = web(vec![allowed(&format!("http://service.test:{port}"))], names.clone());
    for other in [
        format!("http://other.test:{port}/"),
        format!("http://service.test.other.test:{port}/"),
        format!("http://a.service.test:{port}/"),
        format!("http://service.test.:{port}/"),
        "http://service.test/".to_owned(),
        format!("https://service.test:{port}/"),
        format!("http://127.0.0.1:{port}/"),
    ] {
        let error = web.ask(&get(&other)).await.unwrap_err();
        assert!(matches!(error, WebError::NotAllowed { .. }), "{other}: {error}");
        let told = error.to_string();
        assert!(told.contains("`http.hosts` of dogwatch.yaml") && told.contains("`- url: http"), "{told}");
    }
    // Whoever checks and whoever asks must mean the same.
    let mut twisted = get(&format!("http://service.test:{port}/"));
    twisted.url = format!("http://service.test:{port}@127.0.0.1:{port}/").parse().unwrap();
    assert!(matches!(web.ask(&twisted).await, Err(WebError::NotAllowed { .. })));
    assert_eq!(names.asked.lock().unwrap().len(), 0);
    assert_eq!(service.heads().len(), 1);
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let inside = Service::that(hello()).await;
    let location = format!("http://127.0.0.1:{}/secret", inside.port());
    for status in
        ["301 Moved Permanently", "302 Found", "303 See Other", "307 Temporary Redirect", "308 Permanent Redirect"]
    {
        let service =
            Service::that(says(&format!("HTTP/1.1 {status}\nLocation: {location}\nContent-Length: 0\n\n"))).await;
        let answer = ask(&service, "/").await.unwrap();
        assert_eq!(
            (answer.status.to_string(), answer.location.as_deref()),
            (status[..3].to_owned(), Some(location.as_str()))
        );
    }
    assert_eq!(inside.heads(), Vec::<String>::new());
}

#[tokio::test]
async fn the_connection_goes_to_what_was_looked_at() {
    let service = Service::that(hello()).await;
    let url = format!("http://service.test:{}", service.port());
    // The second answer, of a resolver that has changed its mind, leads to this machine.
    let names = leads(&[&["127.0.0.1"], &["127.0.0.2"]]);
    let web = web(vec![allowed(&url)], names.clone());
    assert_eq!(web.ask(&get(&url)).await.unwrap().status, 200);
    assert_eq!(names.asked.lock().unwrap().len(), 1, "once for each connection");
    let error = web.ask(&get(&url)).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "service.test is 127.0.0.2, an address of this machine: `http.request` never asks that, whatever dogwatch.yaml says"
    );
    assert_eq!(names.asked.lock().unwrap().len(), 2, "no connection of before is used again");
    assert_eq!(service.heads().len(), 1);
}

#[tokio::test]
async fn a_name_that_leads_to_what_is_never_asked_leads_nowhere() {
    for to in [
        &["127.0.0.2"][..],
        &["169.254.169.254"],
        &["10.0.0.7", "127.0.0.2"],
        &["::1"],
        &["::ffff:127.0.0.2"],
        &["fe80::1"],
        &["0.0.0.0"],
        &["fd00:ec2::254"],
        &["64:ff9b::a9fe:a9fe"],
        &["224.0.0.1"],
    ] {
        let web = web(vec![allowed("http://metadata.test")], leads(&[to]));
        let error = web.ask(&get("http://metadata.test/latest/meta-data")).await.unwrap_err();
        assert!(matches!(error, WebError::Refused { .. }), "{to:?}: {error}");
        assert!(!error.passes(), "{error}");
    }
    let nowhere = web(vec![allowed("http://nowhere.test")], leads(&[]));
    let error = nowhere.ask(&get("http://nowhere.test/")).await.unwrap_err();
    assert!(matches!(error, WebError::Unresolved { .. }) && error.passes(), "{error}");
}

#[tokio::test]
async fn an_address_that_is_written_out_is_looked_at_as_well() {
    let service = Service::that(hello()).await;
    let port = service.port();
    for literal in ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "169.254.169.254", "0.0.0.0", "[::]", "localhost"] {
        let url = format!("http://{literal}:{port}");
        let web = HttpWeb::new(WebAccess::new(vec![allowed(&url)], Vec::new())).unwrap();
        let error = web.ask(&get(&url)).await.unwrap_err();
        assert!(matches!(error, WebError::Refused { .. }), "{literal}: {error}");
    }
    assert_eq!(service.heads(), Vec::<String>::new());
}

#[tokio::test]
async fn the_api_server_is_never_asked_by_whatever_name() {
    let api_server = vec!["api.example".to_owned(), "10.96.0.1".to_owned(), "fd12::1".to_owned()];
    let ask = async |host: &str, to: &[&[&str]]| {
        let url = format!("http://{host}");
        let access = WebAccess { names: leads(to), ..WebAccess::new(vec![allowed(&url)], api_server.clone()) };
        HttpWeb::new(access).unwrap().ask(&get(&url)).await.unwrap_err()
    };
    for host in [
        "api.example",
        "API.example",
        "api.example.",
        "10.96.0.1",
        "[::ffff:10.96.0.1]",
        "[fd12::1]",
        "kubernetes",
        "kubernetes.default",
        "kubernetes.default.svc",
        "kubernetes.default.svc.cluster.local",
        "kubernetes.default.svc.cluster.local.",
    ] {
        let error = ask(host, &[&["10.0.0.1"]]).await;
        assert!(matches!(error, WebError::ApiServer { .. }), "{host}: {error}");
    }
    // By a name of somebody else's: the first look-up is of it, the next ones of the API server's.
    for to in [&[&["10.0.0.9"][..]; 2][..], &[&["::ffff:10.96.0.1"], &["10.0.0.9"]]] {
        let error = ask("shop.test", to).await;
        assert!(matches!(error, WebError::ApiServer { .. }), "{to:?}: {error}");
    }
}

/// A name of the API server that leads nowhere, as one from outside the cluster may, takes nothing
/// from anybody: names are compared all the same, and so are its other addresses.
#[tokio::test]
async fn an_api_server_whose_name_leads_nowhere_is_known_by_its_names() {
    let service = Service::that(hello()).await;
    let ask = async |host: &str, to: &[&[&str]]| {
        let url = format!("http://{host}:{}", service.port());
        let api_server = vec!["api.example".to_owned(), "10.96.0.1".to_owned()];
        let access =
            WebAccess { names: leads(to), rule: all_but_services, ..WebAccess::new(vec![allowed(&url)], api_server) };
        HttpWeb::new(access).unwrap().ask(&get(&url)).await
    };
    assert_eq!(ask("service.test", &[&["127.0.0.1"], &[]]).await.unwrap().body, b"hello");
    for (host, to) in [("api.example", &[&[][..]][..]), ("service.test", &[&["10.96.0.1"], &[]])] {
        let error = ask(host, to).await.unwrap_err();
        assert!(matches!(error, WebError::ApiServer { .. }), "{host}: {error}");
    }
}

/// Never says where a name leads.
#[derive(Debug)]
struct Silent;

#[async_trait]
impl Names for Silent {
    async fn addresses(&self, _: &str) -> io::Result<Vec<IpAddr>> {
        std::future::pending().await
    }
}

#[tokio::test]
async fn a_look_up_without_end_is_over_when_the_time_of_the_request_is() {
    // Of an address, the API server's names alone are looked up.
    for url in ["http://service.test", "http://10.0.0.7"] {
        let request = WebRequest { timeout: Duration::from_millis(50), ..get(url) };
        let api_server = vec!["api.example".to_owned()];
        let access = WebAccess { names: Arc::new(Silent), ..WebAccess::new(vec![allowed(url)], api_server) };
        let web = HttpWeb::new(access).unwrap();
        let asked = tokio::time::timeout(Duration::from_secs(20), web.ask(&request)).await;
        let error = asked.expect("it is over by itself").unwrap_err();
        assert!(error.passes() && error.to_string().contains("timed out after 50ms"), "{url}: {error}");
    }
}

#[tokio::test]
async fn a_body_without_end_is_cut_off() {
    for head in ["HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n"] {
        let answer = ask(&Service::that(Does::GoesOn(head, vec![b'x'; 8_192])).await, "/").await.unwrap();
        assert_eq!((answer.body.len(), answer.is_cut), (LARGEST, true));
    }
    let whole = format!("HTTP/1.1 200 OK\r\nContent-Length: {LARGEST}\r\n\r\n{}", "x".repeat(LARGEST));
    let answer = ask(&Service::that(Does::Says(whole.into_bytes())).await, "/").await.unwrap();
    assert_eq!((answer.body.len(), answer.is_cut), (LARGEST, false));
}

#[tokio::test]
async fn headers_without_end_are_no_answer() {
    let service = Service::that(Does::GoesOn("HTTP/1.1 200 OK\r\n", b"X-More: and more\r\n".to_vec())).await;
    let error = ask(&service, "/").await.unwrap_err();
    assert!(matches!(error, WebError::Away { .. }), "{error}");
}

#[tokio::test]
async fn what_drips_is_over_when_its_time_is() {
    for begin in ["", "HTTP/1.1 200 OK\r\nX: ", "HTTP/1.1 200 OK\r\n\r\n"] {
        let service = Service::that(Does::Drips(begin)).await;
        let origin = format!("http://service.test:{}", service.port());
        let request = WebRequest { timeout: Duration::from_millis(200), ..get(&origin) };
        let web = web(vec![allowed(&origin)], leads(&[&["127.0.0.1"]]));
        let asked = tokio::time::timeout(Duration::from_secs(20), web.ask(&request)).await;
        let error = asked.expect("it is over by itself").unwrap_err();
        // What is no beginning of an answer is told at once.
        assert!(error.passes() && (begin.is_empty() || error.to_string().contains("timed out")), "{begin:?}: {error}");
    }
}

#[tokio::test]
async fn half_a_body_is_no_answer() {
    let error =
        ask(&Service::that(says("HTTP/1.1 200 OK\nContent-Length: 10\n\n{\"a\"")).await, "/").await.unwrap_err();
    assert!(error.passes(), "{error}");
}

#[tokio::test]
async fn nothing_is_unpacked() {
    for encoding in ["gzip", "br", "zstd", "gzip, gzip", "deflate"] {
        let answer = format!("HTTP/1.1 200 OK\nContent-Encoding: {encoding}\nContent-Length: 5\n\nhello");
        let error = ask(&Service::that(says(&answer)).await, "/").await.unwrap_err();
        assert!(error.to_string().contains(&format!("`Content-Encoding: {encoding}`")), "{error}");
    }
    let plain = "HTTP/1.1 200 OK\nContent-Encoding: identity\nContent-Length: 5\n\nhello";
    assert_eq!(ask(&Service::that(says(plain)).await, "/").await.unwrap().body, b"hello");
}

#[tokio::test]
async fn a_credential_is_for_its_own_service_alone() {
    let (own, other) = (Service::that(hello()).await, Service::that(hello()).await);
    let url = |service: &Service| format!("http://service.test:{}", service.port());
    let with = |auth| AllowedHost { auth: Some(auth), ..allowed(&url(&own)) };
    let basic = HttpAuth::Basic { username: "bot".into(), password: Secret::new("hunter2") };
    for (auth, header) in [
        (HttpAuth::Bearer(Secret::new("hunter2")), "authorization: Bearer hunter2\r\n"),
        (basic, "authorization: Basic Ym90Omh1bnRlcjI=\r\n"),
    ] {
        let web = web(vec![with(auth), allowed(&url(&other))], leads(&[&["127.0.0.1"]]));
        assert!(!format!("{web:?}").contains("hunter2"));
        for service in [&own, &other] {
            web.ask(&get(&url(service))).await.unwrap();
        }
        assert!(own.heads().pop().unwrap().contains(header), "{:?}", own.heads());
        assert!(!other.heads().pop().unwrap().to_lowercase().contains("authorization"));
    }
}

#[tokio::test]
async fn no_error_tells_the_query() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let origin = format!("http://service.test:{port}");
    let request = get(&format!("{origin}/a?token=hunter2"));
    let refused = web(vec![allowed(&origin)], leads(&[&["127.0.0.1"]])).ask(&request).await.unwrap_err();
    assert!(refused.to_string().starts_with(&format!("{origin} did not answer: ")), "{refused}");
    let not_named = web(Vec::new(), leads(&[])).ask(&request).await.unwrap_err();
    let broken = Service::that(says("HTTP/1.1 banana\n\n")).await;
    let broken = ask(&broken, "/a?token=hunter2").await.unwrap_err();
    for told in [
        format!("{refused} {refused:?}"),
        format!("{not_named} {not_named:?}"),
        format!("{broken} {broken:?}"),
        format!("{request:?}"),
    ] {
        assert!(!told.contains("hunter2"), "{told}");
    }
}

#[tokio::test]
async fn a_certificate_must_be_of_the_service_and_of_who_may_sign_it() {
    let (service, authorities) = Service::with_tls(&["service.test"]).await;
    let names = || leads(&[&["127.0.0.1"]]);
    let ask = async |host: &str, authorities: Option<Authorities>| {
        let url = format!("https://{host}:{}", service.port());
        web(vec![AllowedHost { authorities, ..allowed(&url) }], names()).ask(&get(&url)).await
    };
    assert_eq!(ask("service.test", Some(authorities.clone())).await.unwrap().body, b"hello");
    for (host, authorities) in [("service.test", None), ("other.test", Some(authorities))] {
        let error = ask(host, authorities).await.unwrap_err();
        assert!(error.to_string().contains("certificate"), "{host}: {error}");
    }
    assert_eq!(service.heads().len(), 1);
    assert!(
        Authorities::parse("").is_err()
            && Authorities::parse("-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n").is_err()
    );
}

#[test]
fn what_changes_something_is_no_method_here() {
    assert_eq!(("GET".parse(), "HEAD".parse()), (Ok(Method::Get), Ok(Method::Head)));
    for wrong in ["POST", "PUT", "PATCH", "DELETE"] {
        assert!(wrong.parse::<Method>().unwrap_err().contains("may change something elsewhere"), "{wrong}");
    }
    for wrong in ["get", "GET /x HTTP/1.1\r\n", "CONNECT", "TRACE", ""] {
        assert!(wrong.parse::<Method>().unwrap_err().contains("write `GET` or `HEAD`"), "{wrong}");
    }
}
