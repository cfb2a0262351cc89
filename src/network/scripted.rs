//! A network by a script, for rehearsals.

use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use super::{Answer, Certificate, Endpoint, Network, NetworkError, Question, TlsRequest};

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
pub struct ScriptedNetwork {
    rules: Mutex<Vec<Rule>>,
    asked: Mutex<Vec<String>>,
}

#[derive(Debug)]
struct Rule {
    part: String,
    answers: Vec<Scripted>,
    next: usize,
}

impl ScriptedNetwork {
    /// What contains `part` is answered with these, one after the other, and then with the last
    /// one. Earlier rules come first.
    pub fn answers_in_turn(&self, part: &str, answers: Vec<Scripted>) {
        lock(&self.rules).push(Rule { part: part.to_owned(), answers, next: 0 });
    }

    /// All that was asked, in order.
    pub fn asked(&self) -> Vec<String> {
        lock(&self.asked).clone()
    }

    fn answer(&self, what: String, host: &str, endpoint: &str) -> Result<Scripted, NetworkError> {
        let mut rules = lock(&self.rules);
        let rule = rules.iter_mut().find(|rule| what.contains(&rule.part));
        lock(&self.asked).push(what);
        let not_allowed = || NetworkError::NotAllowed { host: host.to_owned() };
        let Rule { answers, next, .. } = rule.ok_or_else(not_allowed)?;
        let answer = answers.get(*next).or(answers.last()).cloned().ok_or_else(not_allowed)?;
        *next += 1;
        match answer {
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

/// What is behind these locks stays sound even if a holder panicked.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
