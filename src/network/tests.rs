//! Name servers and TLS services on loopback, some of which mean no good.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use hickory_proto::op::{Message, Query, ResponseCode};
use hickory_proto::rr::rdata::A;
use hickory_proto::rr::{Name, RData, Record};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::web::Names;

/// Long enough for loopback on a busy machine.
const SOON: Duration = Duration::from_secs(20);
/// For what never comes.
const SHORT: Duration = Duration::from_millis(200);

#[derive(Debug)]
struct Here;

#[async_trait]
impl Names for Here {
    async fn addresses(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        Ok(match host {
            "nowhere.test" => vec![],
            "metadata.test" => vec!["10.0.0.1".parse().unwrap(), "169.254.169.254".parse().unwrap()],
            _ => vec!["127.0.0.1".parse().unwrap()],
        })
    }
}

/// The network with these authorities, in which `*.test` and loopback may be looked at.
fn network(authorities: RootCertStore) -> SystemNetwork {
    let reach = Reach::new(["*.test", "127.0.0.0/8"].map(|pattern| pattern.parse().unwrap()).to_vec());
    let rule = |address: IpAddr| if address.is_loopback() { None } else { why_refused(address) };
    SystemNetwork::new(NetworkAccess {
        names: Arc::new(Here),
        rule,
        ..NetworkAccess::new(reach, vec!["127.0.0.1".parse().unwrap()], authorities)
    })
}

fn endpoint(host: &str, port: u16) -> Endpoint {
    Endpoint::new(host, port).unwrap()
}

/// What a name server does with a question.
#[derive(Clone, Copy)]
enum Does {
    Answers(&'static [[u8; 4]]),
    Says(ResponseCode),
    /// Of UDP, that there is more; all of it over TCP.
    Overflows(&'static [[u8; 4]]),
    /// First with another number, then about another name, then rubbish, then rightly.
    IsForged(&'static [[u8; 4]]),
    Nothing,
}

struct NameServer {
    port: u16,
    _server: JoinSet<()>,
}

impl NameServer {
    async fn that(does: Does) -> Self {
        let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = tcp.local_addr().unwrap().port();
        let udp = UdpSocket::bind(("127.0.0.1", port)).await.unwrap();
        let mut server = JoinSet::new();
        server.spawn(async move {
            let mut buffer = [0; 4096];
            while let Ok((size, from)) = udp.recv_from(&mut buffer).await {
                let asked = Message::from_vec(&buffer[..size]).unwrap();
                assert_eq!(asked.edns.as_ref().map(|edns| edns.max_payload()), Some(1232));
                for answer in over_udp(does, &asked) {
                    udp.send_to(&answer, from).await.unwrap();
                }
            }
        });
        server.spawn(async move {
            while let Ok((mut stream, _)) = tcp.accept().await {
                let mut buffer = vec![0; stream.read_u16().await.unwrap().into()];
                stream.read_exact(&mut buffer).await.unwrap();
                let asked = Message::from_vec(&buffer).unwrap();
                let Does::Overflows(addresses) = does else { panic!("nothing was cut") };
                let answer = answer(&asked, addresses).to_vec().unwrap();
                stream.write_u16(answer.len().try_into().unwrap()).await.unwrap();
                stream.write_all(&answer).await.unwrap();
            }
        });
        Self { port, _server: server }
    }

    async fn asked(&self, kind: RecordKind, timeout: Duration) -> Result<Answer, NetworkError> {
        let server = Some(endpoint("dns.test", self.port));
        network(RootCertStore::empty())
            .look_up(&Question { name: "db.shop.svc.cluster.local".into(), kind, server, timeout })
            .await
    }
}

fn over_udp(does: Does, asked: &Message) -> Vec<Vec<u8>> {
    let right = |addresses: &[[u8; 4]]| answer(asked, addresses);
    let messages = match does {
        Does::Answers(addresses) => vec![right(addresses)],
        Does::Says(code) => {
            let mut answer = right(&[]);
            answer.metadata.response_code = code;
            vec![answer]
        }
        Does::Overflows(_) => {
            let mut answer = right(&[]);
            answer.metadata.truncation = true;
            vec![answer]
        }
        Does::IsForged(addresses) => {
            let (mut other_number, mut other_name) = (right(&[[6, 6, 6, 6]]), right(&[[6, 6, 6, 6]]));
            other_number.metadata.id = asked.metadata.id.wrapping_add(1);
            other_name.queries =
                vec![Query::query(Name::from_ascii("evil.test.").unwrap(), asked.queries[0].query_type())];
            // A question that comes back is no answer.
            let bytes = |message: &Message| message.to_vec().unwrap();
            return vec![
                bytes(&other_number),
                bytes(&other_name),
                bytes(asked),
                b"rubbish".to_vec(),
                bytes(&right(addresses)),
            ];
        }
        Does::Nothing => vec![],
    };
    messages.iter().map(|message| message.to_vec().unwrap()).collect()
}

fn answer(asked: &Message, addresses: &[[u8; 4]]) -> Message {
    let mut answer = Message::response(asked.metadata.id, asked.metadata.op_code);
    answer.add_queries(asked.queries.clone());
    for (n, [a, b, c, d]) in addresses.iter().enumerate() {
        let ttl = 30 - u32::try_from(n).unwrap();
        let data = RData::A(A::new(*a, *b, *c, *d));
        answer.add_answer(Record::from_rdata(asked.queries[0].name().clone(), ttl, data));
    }
    answer
}

#[tokio::test]
async fn a_name_server_is_asked_once_and_its_answer_told_whatever_it_is() {
    let server = NameServer::that(Does::Answers(&[[10, 0, 0, 9], [10, 0, 0, 1]])).await;
    let told = server.asked(RecordKind::A, SOON).await.unwrap();
    assert_eq!(
        (told.code.as_str(), told.records, told.ttl),
        ("NOERROR", vec!["10.0.0.1".into(), "10.0.0.9".into()], Some(29))
    );
    assert_eq!(told.server.to_string(), format!("127.0.0.1:{}", server.port));
    let told = server.asked(RecordKind::Aaaa, SOON).await.unwrap();
    assert_eq!((told.code.as_str(), told.records.len(), told.ttl), ("NOERROR", 0, None), "an address is no AAAA");
    for (code, word) in [
        (ResponseCode::NXDomain, "NXDOMAIN"),
        (ResponseCode::ServFail, "SERVFAIL"),
        (ResponseCode::Refused, "REFUSED"),
        (ResponseCode::NotAuth, "RCODE9"),
    ] {
        let server = NameServer::that(Does::Says(code)).await;
        assert_eq!(server.asked(RecordKind::A, SOON).await.unwrap().code, word);
    }
}

#[tokio::test]
async fn what_does_not_fit_comes_over_tcp() {
    let server = NameServer::that(Does::Overflows(&[[10, 0, 0, 7]])).await;
    assert_eq!(server.asked(RecordKind::A, SOON).await.unwrap().records, ["10.0.0.7"]);
}

#[tokio::test]
async fn a_forged_answer_does_not_count() {
    let server = NameServer::that(Does::IsForged(&[[10, 0, 0, 7]])).await;
    assert_eq!(server.asked(RecordKind::A, SOON).await.unwrap().records, ["10.0.0.7"]);
}

#[tokio::test]
async fn no_answer_is_told_with_whom_and_how_long() {
    let server = NameServer::that(Does::Nothing).await;
    let error = server.asked(RecordKind::A, SHORT).await.unwrap_err();
    assert_eq!(error.to_string(), format!("dns.test:{} did not answer: nothing came within 200ms", server.port));
    let gone = { NameServer::that(Does::Nothing).await.port };
    let question = Question {
        name: "db.test".into(),
        kind: RecordKind::A,
        server: Some(endpoint("127.0.0.1", gone)),
        timeout: SOON,
    };
    let error = network(RootCertStore::empty()).look_up(&question).await.unwrap_err();
    assert_eq!(error.to_string(), format!("127.0.0.1:{gone} refuses connections"));
}

#[tokio::test]
async fn nobody_is_asked_whom_the_configuration_does_not_cover_or_whom_nobody_may_ask() {
    let network = network(RootCertStore::empty());
    let told = async |host: &str| network.connect(&endpoint(host, 80), SOON).await.unwrap_err().to_string();
    assert!(told("example.com").await.starts_with("`network.hosts` of dogwatch.yaml does not cover example.com"));
    assert!(told("10.0.0.1").await.contains("does not cover 10.0.0.1"));
    assert_eq!(
        told("metadata.test").await,
        "metadata.test is 169.254.169.254, a link-local address, where a cloud tells its machines their credentials: \
         no playbook looks at that, whatever dogwatch.yaml says"
    );
    assert_eq!(told("nowhere.test").await, "the name nowhere.test cannot be resolved: it has no address");
    let asked = Question {
        name: "a.test".into(),
        kind: RecordKind::A,
        server: Some(endpoint("10.0.0.53", DNS_PORT)),
        timeout: SOON,
    };
    assert!(network.look_up(&asked).await.unwrap_err().to_string().contains("does not cover 10.0.0.53"));
}

#[tokio::test]
async fn the_machines_own_name_server_may_be_asked_although_it_is_on_loopback() {
    let strict = SystemNetwork::new(NetworkAccess {
        names: Arc::new(Here),
        ..NetworkAccess::new(Reach::default(), vec!["127.0.0.53".parse().unwrap()], RootCertStore::empty())
    });
    let asked =
        |server: Option<Endpoint>| Question { name: "a.test".into(), kind: RecordKind::A, server, timeout: SHORT };
    for server in [None, Some(endpoint("127.0.0.53", DNS_PORT))] {
        // Nobody may be there; but it is asked.
        let told = strict.look_up(&asked(server)).await;
        assert!(!matches!(told, Err(NetworkError::NotAllowed { .. } | NetworkError::Refused { .. })), "{told:?}");
    }
    let told = strict.look_up(&asked(Some(endpoint("127.0.0.53", 5353)))).await.unwrap_err();
    assert!(matches!(told, NetworkError::NotAllowed { .. }), "{told}");
}

#[tokio::test]
async fn a_port_takes_connections_or_refuses_them() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let network = network(RootCertStore::empty());
    assert_eq!(network.connect(&endpoint("db.test", port), SOON).await.unwrap().port(), port);
    drop(listener);
    let error = network.connect(&endpoint("db.test", port), SOON).await.unwrap_err();
    assert_eq!(error.to_string(), format!("db.test:{port} refuses connections"));
}

/// How a service begins.
#[derive(Clone, Copy, PartialEq)]
enum Begin {
    Tls,
    /// As PostgreSQL does, and answers `SSLRequest` with that.
    Postgres(u8),
    Plain,
}

struct Secured {
    port: u16,
    authority: RootCertStore,
    _server: JoinSet<()>,
}

impl Secured {
    async fn that(begin: Begin, days: std::ops::Range<i64>) -> Self {
        crate::tls::install_provider();
        let mut params = rcgen::CertificateParams::new(vec!["db.test".to_owned(), "10.0.0.9".to_owned()]).unwrap();
        let day =
            |n: i64| (std::time::SystemTime::UNIX_EPOCH + Duration::from_secs((n * 86_400).cast_unsigned())).into();
        (params.not_before, params.not_after) = (day(days.start), day(days.end));
        params.distinguished_name.push(rcgen::DnType::CommonName, "db of shop");
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let mut authority = RootCertStore::empty();
        authority.add(certificate.der().clone()).unwrap();
        let config = ServerConfig::builder().with_no_client_auth().with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
        );
        let acceptor = TlsAcceptor::from(Arc::new(config.unwrap()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut server = JoinSet::new();
        server.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // Whoever hangs up has seen enough.
                let _ = serve(stream, begin, &acceptor).await;
            }
        });
        Self { port, authority, _server: server }
    }

    async fn shown(
        &self,
        start: StartTls,
        server_name: &str,
        authorities: RootCertStore,
    ) -> Result<Certificate, NetworkError> {
        let endpoint = endpoint("db.test", self.port);
        let request = TlsRequest { endpoint, server_name: server_name.into(), start, timeout: SOON };
        network(authorities).certificate(&request).await
    }
}

async fn serve(mut stream: TcpStream, begin: Begin, acceptor: &TlsAcceptor) -> io::Result<()> {
    match begin {
        Begin::Tls => {}
        Begin::Plain => return stream.write_all(b"220 mail.test ESMTP\r\n").await,
        Begin::Postgres(answer) => {
            let mut request = [0; 8];
            stream.read_exact(&mut request).await?;
            assert_eq!(request, [0, 0, 0, 8, 4, 210, 22, 47]);
            stream.write_u8(answer).await?;
        }
    }
    acceptor.accept(stream).await.map(drop)
}

/// Days from 1970 on that end long after now.
const VALID: std::ops::Range<i64> = 19_000..40_000;
/// Days that are over.
const PAST: std::ops::Range<i64> = 18_000..19_000;

#[tokio::test]
async fn a_certificate_is_told_as_a_client_meets_it() {
    let service = Secured::that(Begin::Tls, VALID).await;
    let shown = service.shown(StartTls::None, "db.test", service.authority.clone()).await.unwrap();
    assert_eq!(shown.names, ["db.test", "10.0.0.9"]);
    assert!(shown.subject.contains("CN=db of shop"), "{}", shown.subject);
    assert_eq!(shown.not_after.timestamp(), 40_000 * 86_400);
    assert_eq!((shown.chain, shown.version.as_str()), (1, "TLSv1.3"));
    assert_eq!(shown.distrust, None);
}

#[tokio::test]
async fn what_a_client_would_not_trust_is_told_with_the_reason() {
    let service = Secured::that(Begin::Tls, VALID).await;
    let why = async |server_name: &str, authorities: &RootCertStore| {
        service.shown(StartTls::None, server_name, authorities.clone()).await.unwrap().distrust.unwrap()
    };
    let own = service.authority.clone();
    let same_name = Secured::that(Begin::Tls, VALID).await.authority;
    let mut others = RootCertStore::empty();
    let stranger = rcgen::generate_simple_self_signed(["stranger.test".to_owned()]).unwrap();
    others.add(stranger.cert.der().clone()).unwrap();
    assert_eq!(why("other.test", &own).await, "it is for other names");
    assert!(why("db.test", &others).await.starts_with("nobody whom this machine trusts has signed it"));
    assert!(why("db.test", &same_name).await.ends_with("has signed it, but with another key"));
    assert!(
        why("db.test", &RootCertStore::empty()).await.starts_with("this machine has no certificates of authorities")
    );
    let past = Secured::that(Begin::Tls, PAST).await;
    let shown = past.shown(StartTls::None, "db.test", past.authority.clone()).await.unwrap();
    assert_eq!(shown.distrust.as_deref(), Some("it has expired"));
    assert_eq!(shown.not_after.timestamp(), 19_000 * 86_400);
}

#[tokio::test]
async fn postgresql_is_asked_in_its_own_way() {
    let service = Secured::that(Begin::Postgres(b'S'), VALID).await;
    let shown = service.shown(StartTls::Postgres, "db.test", service.authority.clone()).await.unwrap();
    assert_eq!(shown.names, ["db.test", "10.0.0.9"]);
    for (begin, told) in [
        (Begin::Postgres(b'N'), "is a PostgreSQL without TLS (`ssl = off`)"),
        (Begin::Postgres(b'H'), "does not answer as PostgreSQL does"),
    ] {
        let service = Secured::that(begin, VALID).await;
        let error = service.shown(StartTls::Postgres, "db.test", RootCertStore::empty()).await.unwrap_err();
        assert_eq!(error.to_string(), format!("db.test:{} {told}", service.port));
    }
    let plain = Secured::that(Begin::Plain, VALID).await;
    let error = plain.shown(StartTls::None, "db.test", RootCertStore::empty()).await.unwrap_err();
    assert!(error.to_string().contains("does not speak TLS as was asked"), "{error}");
}
