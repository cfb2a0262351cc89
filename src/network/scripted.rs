//! A network by a script, for rehearsals.

use std::net::SocketAddr;
use std::time::Duration;

use async_trait::async_trait;

use super::{Answer, Certificate, Endpoint, Network, NetworkError, Question, TlsRequest};
use crate::script::Script;

/// One answer of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scripted {
    Dns(Answer),
    /// The port takes connections.
    Open(SocketAddr),
    Shows(Box<Certificate>),
    /// There is no answer; why, as the connection would say it.
    Away(String),
    /// Nobody listens there.
    Closed,
}

/// Answers by the first rule whose text is a part of what is asked: `dns A x.svc @10.96.0.10:53`,
/// `tcp db.shop.svc:5432`, `tls shop.example.com:443`. What no rule knows, the configuration does
/// not cover.
#[derive(Debug, Default)]
pub struct ScriptedNetwork(Script<String, Scripted>);

impl ScriptedNetwork {
    /// What contains `part` is answered with these, one after the other, and then with the last
    /// one. Earlier rules come first.
    pub fn answers_in_turn(&self, part: &str, answers: Vec<Scripted>) {
        self.0.add(part.to_owned(), answers);
    }

    /// All that was asked, in order.
    pub fn asked(&self) -> Vec<String> {
        self.0.asked()
    }

    fn answer(&self, what: String, host: &str, endpoint: &str) -> Result<Scripted, NetworkError> {
        let answer = self.0.answer(what.clone(), |part| what.contains(part));
        match answer.ok_or_else(|| NetworkError::NotAllowed { host: host.to_owned() })? {
            Scripted::Away(message) => Err(NetworkError::Away { endpoint: endpoint.to_owned(), message }),
            Scripted::Closed => Err(NetworkError::Closed { endpoint: endpoint.to_owned() }),
            answer => Ok(answer),
        }
    }
}

/// The script answers something else than was asked.
fn odd(endpoint: &str) -> NetworkError {
    NetworkError::Odd { endpoint: endpoint.to_owned(), message: "answers something else than was asked".into() }
}

#[async_trait]
impl Network for ScriptedNetwork {
    async fn look_up(&self, question: &Question) -> Result<Answer, NetworkError> {
        let (host, endpoint) = match &question.server {
            Some(server) => (server.host.clone(), server.to_string()),
            None => ("the name server".to_owned(), "the name server".to_owned()),
        };
        match self.answer(question.to_string(), &host, &endpoint)? {
            Scripted::Dns(answer) => Ok(answer),
            _ => Err(odd(&endpoint)),
        }
    }

    async fn connect(&self, endpoint: &Endpoint, _timeout: Duration) -> Result<SocketAddr, NetworkError> {
        let told = endpoint.to_string();
        match self.answer(format!("tcp {told}"), &endpoint.host, &told)? {
            Scripted::Open(address) => Ok(address),
            _ => Err(odd(&told)),
        }
    }

    async fn certificate(&self, request: &TlsRequest) -> Result<Certificate, NetworkError> {
        let told = request.endpoint.to_string();
        match self.answer(request.to_string(), &request.endpoint.host, &told)? {
            Scripted::Shows(certificate) => Ok(*certificate),
            _ => Err(odd(&told)),
        }
    }
}
