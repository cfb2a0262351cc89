//! Services by a script, for rehearsals.

use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::{LARGEST, Method, Web, WebAnswer, WebError, WebRequest};

/// One answer of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scripted {
    Answers(WebAnswer),
    /// There is no answer; why, as the connection would say it.
    Away(String),
}

/// Answers by the first rule whose text is a part of the URL. What no rule knows is a service that
/// the configuration does not name.
#[derive(Debug, Default)]
pub struct ScriptedWeb {
    rules: Mutex<Vec<Rule>>,
    asked: Mutex<Vec<String>>,
}

#[derive(Debug)]
struct Rule {
    part: String,
    answers: Vec<Scripted>,
    next: usize,
}

impl ScriptedWeb {
    /// Requests whose URL contains `part` are answered with these, one after the other, and then
    /// with the last one. Earlier rules come first.
    pub fn answers_in_turn(&self, part: &str, answers: Vec<Scripted>) {
        lock(&self.rules).push(Rule { part: part.to_owned(), answers, next: 0 });
    }

    /// All that was asked, in order: `GET http://prometheus:9090/api/v1/status/tsdb`.
    pub fn asked(&self) -> Vec<String> {
        lock(&self.asked).clone()
    }
}

#[async_trait]
impl Web for ScriptedWeb {
    async fn ask(&self, request: &WebRequest) -> Result<WebAnswer, WebError> {
        lock(&self.asked).push(format!("{} {}", request.method, request.url));
        let mut rules = lock(&self.rules);
        let rule = rules.iter_mut().find(|rule| request.url.as_str().contains(&rule.part));
        let not_allowed = || WebError::NotAllowed { origin: request.origin.clone() };
        let Rule { answers, next, .. } = rule.ok_or_else(not_allowed)?;
        let answer = answers.get(*next).or(answers.last()).ok_or_else(not_allowed)?;
        *next += 1;
        match answer {
            Scripted::Away(message) => Err(WebError::Away { origin: request.origin.clone(), message: message.clone() }),
            Scripted::Answers(answer) => {
                let mut answer = answer.clone();
                if request.method == Method::Head {
                    answer.body.clear();
                }
                answer.is_cut |= answer.body.len() > LARGEST;
                answer.body.truncate(LARGEST);
                Ok(answer)
            }
        }
    }
}

/// What is behind these locks stays sound even if a holder panicked.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
