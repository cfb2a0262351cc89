//! What went wrong between us and Discord, and what to do about it.

use serenity::http::HttpError;

use crate::proxy::Proxy;

/// Why a call came to nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// No answer in time: it may have been carried out.
    #[error("discord did not answer within {0} s")]
    Silent(u64),
    /// Not reachable, or what came was no answer. It may have been carried out.
    #[error("discord is not reachable: {0}")]
    Unreachable(String),
    /// Too many requests, overload or outage.
    #[error("discord does not take it at the moment ({status}): {message}")]
    Busy { status: u16, message: String },
    /// It will not be done as asked.
    #[error("discord refuses it ({status}, code {code}): {message}")]
    Refused { status: u16, code: isize, message: String },
    /// The library did not even ask.
    #[error("discord cannot be asked this: {0}")]
    Unsendable(String),
}

/// Codes of the API: <https://discord.com/developers/docs/topics/opcodes-and-status-codes#json>.
const UNKNOWN_CHANNEL: isize = 10_003;
const UNKNOWN_MESSAGE: isize = 10_008;
const OTHERS_MESSAGE: isize = 50_005;
const ALREADY_ANSWERED: isize = 40_060;

impl Trouble {
    /// Whether the same again may work in a moment.
    pub fn passes(&self) -> bool {
        matches!(self, Trouble::Silent(_) | Trouble::Unreachable(_) | Trouble::Busy { .. })
    }

    /// The token is wrong.
    pub fn is_of_token(&self) -> bool {
        self.status() == Some(401)
    }

    /// The channel is not there, or the bot may not do this in it.
    pub fn is_of_channel(&self) -> bool {
        match self {
            Trouble::Refused { status: 403, .. } => true,
            Trouble::Refused { status: 404, code, .. } => *code != UNKNOWN_MESSAGE,
            _ => false,
        }
    }

    /// The message to edit is not there any more, or another bot's.
    pub fn is_of_message(&self) -> bool {
        matches!(self, Trouble::Refused { code: UNKNOWN_MESSAGE | UNKNOWN_CHANNEL | OTHERS_MESSAGE, .. })
    }

    /// The interaction was answered before: by us, when it came twice.
    pub fn is_answered_before(&self) -> bool {
        matches!(self, Trouble::Refused { code: ALREADY_ANSWERED, .. })
    }

    fn status(&self) -> Option<u16> {
        match self {
            Trouble::Refused { status, .. } | Trouble::Busy { status, .. } => Some(*status),
            _ => None,
        }
    }
}

impl From<serenity::Error> for Trouble {
    fn from(error: serenity::Error) -> Self {
        match error {
            serenity::Error::Http(HttpError::UnsuccessfulRequest(answer)) => {
                let status = answer.status_code.as_u16();
                // What the form's fields have to do with it is in the display, and nowhere the URL, which may hold a token.
                let mut message = HttpError::UnsuccessfulRequest(answer.clone()).to_string();
                // An answer that is no JSON comes from something in between.
                if answer.error.code == -1 {
                    message = "no reason was given".to_owned();
                }
                match status {
                    408 | 429 | 500.. => Trouble::Busy { status, message },
                    _ => Trouble::Refused { status, code: answer.error.code, message },
                }
            }
            serenity::Error::Http(HttpError::Request(error)) => {
                let through = if error.is_connect() { Proxy::blame("https://discord.com") } else { String::new() };
                Trouble::Unreachable(format!("{}{through}", innermost(&error.without_url())))
            }
            serenity::Error::Json(error) => Trouble::Unreachable(format!("its answer cannot be read: {error}")),
            other => Trouble::Unsendable(other.to_string()),
        }
    }
}

/// What it comes down to: `connection refused`, and not `error while sending a request`.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}
