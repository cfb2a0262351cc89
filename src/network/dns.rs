//! One question to one name server (RFC 1035), over UDP, and over TCP where the answer does not
//! fit.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use hickory_proto::op::{Edns, Message, MessageType, Query, ResponseCode};
use hickory_proto::rr::{Name, RecordType};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};

use super::{Answer, NetworkError, Question, RecordKind};

/// The largest answer over UDP that no network cuts in pieces (DNS flag day 2020), in bytes.
const UDP_PAYLOAD: u16 = 1232;

/// Asks, once.
///
/// # Errors
/// [`NetworkError::Away`], [`NetworkError::Closed`], or [`NetworkError::Odd`] for what is no
/// answer to that.
pub(super) async fn ask(server: SocketAddr, question: &Question) -> Result<Answer, NetworkError> {
    let odd = |message: String| NetworkError::Odd { endpoint: server.to_string(), message };
    let asked = message(question).map_err(odd)?;
    let bytes = asked.to_vec().map_err(|error| odd(format!("cannot be asked that: {error}")))?;
    let mut answer = over_udp(server, &bytes, &asked).await.map_err(|error| failed(server, &error))?;
    if answer.metadata.truncation {
        answer = over_tcp(server, &bytes, &asked).await.map_err(|error| failed(server, &error))?;
    }
    Ok(read(server, question.kind, &answer))
}

fn failed(server: SocketAddr, error: &io::Error) -> NetworkError {
    let endpoint = server.to_string();
    match error.kind() {
        io::ErrorKind::ConnectionRefused => NetworkError::Closed { endpoint },
        io::ErrorKind::InvalidData => {
            NetworkError::Odd { endpoint, message: format!("answers what is no answer of a name server: {error}") }
        }
        _ => NetworkError::Away { endpoint, message: error.to_string() },
    }
}

fn message(question: &Question) -> Result<Message, String> {
    let mut name = Name::from_ascii(&question.name).map_err(|error| format!("cannot be asked that: {error}"))?;
    name.set_fqdn(true);
    let mut asked = Message::query();
    asked.metadata.recursion_desired = true;
    asked.add_query(Query::query(name, record_type(question.kind)));
    let mut edns = Edns::new();
    edns.set_max_payload(UDP_PAYLOAD);
    asked.set_edns(edns);
    Ok(asked)
}

async fn over_udp(server: SocketAddr, bytes: &[u8], asked: &Message) -> io::Result<Message> {
    let own: IpAddr = if server.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind(SocketAddr::new(own, 0)).await?;
    // From here on, nobody else's datagrams are seen.
    socket.connect(server).await?;
    socket.send(bytes).await?;
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let size = socket.recv(&mut buffer).await?;
        let answer = Message::from_vec(&buffer[..size]).map_err(io::Error::other);
        // What answers another question came late, or is forged: the right one may still come.
        if let Ok(answer) = answer.and_then(|answer| is_answer(asked, answer)) {
            return Ok(answer);
        }
    }
}

async fn over_tcp(server: SocketAddr, bytes: &[u8], asked: &Message) -> io::Result<Message> {
    let mut stream = TcpStream::connect(server).await?;
    // A question has some 300 bytes at the most.
    let length = u16::try_from(bytes.len()).map_err(io::Error::other)?;
    stream.write_all(&[&length.to_be_bytes(), bytes].concat()).await?;
    let length = stream.read_u16().await?;
    let mut buffer = vec![0; length.into()];
    stream.read_exact(&mut buffer).await?;
    is_answer(asked, Message::from_vec(&buffer).map_err(invalid)?)
}

fn invalid(error: impl std::error::Error + Send + Sync + 'static) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

/// The answer, where it is one to that question.
fn is_answer(asked: &Message, answer: Message) -> io::Result<Message> {
    let is_same = answer.metadata.id == asked.metadata.id
        && answer.metadata.message_type == MessageType::Response
        // A server that did not understand may leave the question out.
        && (answer.queries == asked.queries || answer.queries.is_empty());
    if is_same { Ok(answer) } else { Err(io::Error::new(io::ErrorKind::InvalidData, "it is about another question")) }
}

fn read(server: SocketAddr, kind: RecordKind, answer: &Message) -> Answer {
    let wanted = answer.answers.iter().filter(|record| record.record_type() == record_type(kind));
    let ttl = wanted.clone().map(|record| record.ttl).min();
    let mut records: Vec<String> = wanted.map(|record| record.data.to_string()).collect();
    records.sort();
    records.dedup();
    Answer { server, code: code(answer.metadata.response_code), records, ttl }
}

fn record_type(kind: RecordKind) -> RecordType {
    match kind {
        RecordKind::A => RecordType::A,
        RecordKind::Aaaa => RecordType::AAAA,
        RecordKind::Cname => RecordType::CNAME,
        RecordKind::Mx => RecordType::MX,
        RecordKind::Ns => RecordType::NS,
        RecordKind::Ptr => RecordType::PTR,
        RecordKind::Soa => RecordType::SOA,
        RecordKind::Srv => RecordType::SRV,
        RecordKind::Txt => RecordType::TXT,
    }
}

/// As IANA's registry of DNS parameters calls it.
fn code(code: ResponseCode) -> String {
    match code {
        ResponseCode::NoError => "NOERROR".into(),
        ResponseCode::FormErr => "FORMERR".into(),
        ResponseCode::ServFail => "SERVFAIL".into(),
        ResponseCode::NXDomain => "NXDOMAIN".into(),
        ResponseCode::NotImp => "NOTIMP".into(),
        ResponseCode::Refused => "REFUSED".into(),
        other => format!("RCODE{}", u16::from(other)),
    }
}
