//! Proxies between the bot and its cluster, as the environment names them.

use std::fs;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

use super::serving::{self, Serving};

/// A proxy on loopback that knows `CONNECT`. It ends with the test.
struct Proxy {
    _runtime: Runtime,
    port: u16,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    /// Leads every tunnel to `to`; without one, it refuses.
    fn start(to: Option<u16>) -> Self {
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = asked.clone();
        runtime.spawn(async move {
            let mut tunnels = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                tunnels.spawn(tunnel(stream, to, log.clone()));
            }
        });
        Self { _runtime: runtime, port, asked }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

async fn tunnel(mut stream: TcpStream, to: Option<u16>, log: Arc<Mutex<Vec<String>>>) -> std::io::Result<()> {
    let head = head(&mut stream).await?;
    log.lock().unwrap().push(head);
    let Some(to) = to else {
        return stream.write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n").await;
    };
    let mut server = TcpStream::connect(("127.0.0.1", to)).await?;
    stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
    tokio::io::copy_bidirectional(&mut stream, &mut server).await.map(drop)
}

/// A request up to its empty line.
async fn head(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> std::io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

/// An API server that knows its version.
fn api_server(runtime: &Runtime) -> u16 {
    dogwatch::tls::install_provider();
    let made = rcgen::generate_simple_self_signed(vec!["kubernetes.test".to_owned()]).unwrap();
    let key = tokio_rustls::rustls::pki_types::PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let config =
        ServerConfig::builder().with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let port = listener.local_addr().unwrap().port();
    runtime.spawn(async move {
        let mut answers = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            answers.spawn(async move {
                let mut stream = acceptor.accept(stream).await?;
                let asked = head(&mut stream).await?;
                let version = json!({
                    "major": "1", "minor": "35", "gitVersion": "v1.35.4", "gitCommit": "", "gitTreeState": "",
                    "buildDate": "", "goVersion": "", "compiler": "", "platform": "",
                });
                let body = if asked.starts_with("GET /version") { version.to_string() } else { "{}".to_owned() };
                let answer = format!(
                    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
                    body.len()
                );
                stream.write_all(answer.as_bytes()).await?;
                stream.shutdown().await
            });
        }
    });
    port
}

/// A bot of a cluster that only a proxy could find.
fn serving(vars: &[(&str, &str)]) -> Serving {
    let folder = serving::folder();
    let cluster = json!({ "server": "https://kubernetes.test:6443", "insecure-skip-tls-verify": true });
    let kubeconfig = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{ "name": "far", "cluster": cluster }],
        "users": [{ "name": "bot", "user": { "token": "x" } }],
        "contexts": [{ "name": "far", "context": { "cluster": "far", "user": "bot" } }],
        "current-context": "far",
    });
    fs::write(folder.path().join("kubeconfig.yaml"), kubeconfig.to_string()).unwrap();
    Serving::start_in(folder, vars)
}

fn until_logged(server: &Serving, part: &str) -> String {
    for _ in 0..600 {
        let log = server.log();
        if log.contains(part) {
            return log;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("it does not say `{part}`:\n{}", server.log());
}

#[test]
fn the_cluster_is_reached_through_the_proxy_that_the_environment_names() {
    let runtime = Runtime::new().unwrap();
    let proxy = Proxy::start(Some(api_server(&runtime)));
    let url = format!("http://bot:hunter2@127.0.0.1:{}", proxy.port);
    let server = serving(&[("HTTPS_PROXY", &url), ("NO_PROXY", "127.0.0.1,localhost,.svc")]);
    let log = until_logged(&server, "the cluster answers");
    assert!(log.contains("v1.35.4"), "{log}");
    let asked = proxy.asked();
    assert!(asked[0].starts_with("CONNECT kubernetes.test:6443 "), "{asked:?}");
    assert!(asked[0].to_ascii_lowercase().contains("proxy-authorization: basic "), "{asked:?}");
}

#[test]
fn a_proxy_that_fails_is_named_without_its_password() {
    let proxy = Proxy::start(None);
    let url = format!("http://bot:hunter2@127.0.0.1:{}", proxy.port);
    let server = serving(&[("HTTPS_PROXY", &url)]);
    let log = until_logged(&server, "the cluster does not answer");
    let named = format!("through the proxy http://127.0.0.1:{} of HTTPS_PROXY", proxy.port);
    assert!(log.contains(&named) && !log.contains("hunter2"), "{log}");
}

#[test]
fn what_needs_no_proxy_is_asked_directly() {
    let proxy = Proxy::start(None);
    let url = format!("http://127.0.0.1:{}", proxy.port);
    let server = serving(&[("HTTPS_PROXY", &url), ("NO_PROXY", "10.0.0.0/8,.test")]);
    let log = until_logged(&server, "the cluster does not answer");
    assert!(!log.contains("through the proxy"), "{log}");
    assert_eq!(proxy.asked(), [] as [String; 0]);
    // The stand-in of the other tests listens on loopback, which no proxy could reach.
    let near = Serving::start_in(serving::folder(), &[("HTTPS_PROXY", &url), ("HTTP_PROXY", &url)]);
    let log = until_logged(&near, "the cluster does not answer");
    assert!(!log.contains("through the proxy"), "{log}");
    assert_eq!(proxy.asked(), [] as [String; 0]);
}
