//! Services by a script, for rehearsals.

use async_trait::async_trait;

use super::{LARGEST, Method, Web, WebAnswer, WebError, WebRequest};
use crate::script::Script;

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
pub struct ScriptedWeb(Script<String, Scripted>);

impl ScriptedWeb {
    /// Requests whose URL contains `part` are answered with these, one after the other, and then
    /// with the last one. Earlier rules come first.
    pub fn answers_in_turn(&self, part: &str, answers: Vec<Scripted>) {
        self.0.add(part.to_owned(), answers);
    }

    /// All that was asked, in order: `GET http://prometheus:9090/api/v1/status/tsdb`.
    pub fn asked(&self) -> Vec<String> {
        self.0.asked()
    }
}

#[async_trait]
impl Web for ScriptedWeb {
    async fn ask(&self, request: &WebRequest) -> Result<WebAnswer, WebError> {
        let asked = format!("{} {}", request.method, request.url);
        let answer = self.0.answer(asked, |part| request.url.as_str().contains(part));
        match answer.ok_or_else(|| WebError::NotAllowed { origin: request.origin.clone() })? {
            Scripted::Away(message) => Err(WebError::Away { origin: request.origin.clone(), message }),
            Scripted::Answers(mut answer) => {
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
