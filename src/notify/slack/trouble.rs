//! What Slack's refusals mean, and what somebody has to do about them.
//!
//! Errors: <https://docs.slack.dev/reference/methods/chat.postMessage#errors>, and of webhooks
//! <https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks#handling_errors>.
//! Limits: <https://docs.slack.dev/apis/web-api/rate-limits>.

use std::fmt;

use crate::message::clip;
use crate::notify::SinkError;
use crate::notify::answer::Answer;

/// Why Slack does not have the message.
#[derive(Debug)]
pub(super) enum Trouble {
    /// It said so by a word of its own.
    Word { word: String, needed: String },
    /// It has to be left alone for a while, is away, or says what it never says.
    Other(SinkError),
}

const TOKEN: [&str; 11] = [
    "invalid_auth",
    "not_authed",
    "account_inactive",
    "token_revoked",
    "token_expired",
    "not_allowed_token_type",
    "org_login_required",
    "two_factor_setup_required",
    "team_access_not_granted",
    "access_denied",
    "ekm_access_denied",
];

const RIGHT: [&str; 2] = ["missing_scope", "no_permission"];

const CHANNEL: [&str; 11] = [
    "channel_not_found",
    "not_in_channel",
    "is_archived",
    "channel_is_archived",
    "restricted_action",
    "restricted_action_read_only_channel",
    "restricted_action_thread_only_channel",
    "restricted_action_non_threadable_channel",
    "posting_to_general_channel_denied",
    "messages_tab_disabled",
    "channel_type_not_supported",
];

/// Slack keeps the time within which a message may be edited, and may forget it.
const MESSAGE: [&str; 4] = ["message_not_found", "cant_update_message", "edit_window_closed", "is_inactive"];

const FORM: [&str; 13] = [
    "msg_too_long",
    "msg_blocks_too_long",
    "markdown_text_conflict",
    "invalid_blocks",
    "invalid_blocks_format",
    "invalid_block_type",
    "invalid_attachments",
    "too_many_attachments",
    "invalid_payload",
    "invalid_arguments",
    "no_text",
    "missing_text_or_fallback_or_attachments",
    "user_not_found",
];

const BUSY: [&str; 7] = [
    "internal_error",
    "fatal_error",
    "service_unavailable",
    "request_timeout",
    "team_added_to_org",
    "rollup_error",
    "update_failed",
];

impl Trouble {
    /// `word`: by which Slack refuses it; `needed`: the right that is missing.
    pub fn of(answer: &Answer, word: String, needed: String) -> Self {
        // It stands in logs and on timelines, whoever it was that answered.
        let (word, needed) = (clip(&word, 120), clip(&needed, 120));
        let trouble = Self::Word { word, needed };
        match trouble.word() {
            "ratelimited" | "rate_limited" | "message_limit_exceeded" => {
                Self::Other(answer.limit("Slack limits how often it is asked".to_owned()))
            }
            word if BUSY.contains(&word) => Self::Other(SinkError::retry(trouble.to_string())),
            _ => trouble,
        }
    }

    fn word(&self) -> &str {
        match self {
            Self::Word { word, .. } => word,
            Self::Other(_) => "",
        }
    }

    /// Another channel may take it.
    pub fn is_of_channel(&self) -> bool {
        CHANNEL.contains(&self.word())
    }

    /// The message that should be edited cannot be any more.
    pub fn is_of_message(&self) -> bool {
        MESSAGE.contains(&self.word())
    }

    /// Slack does not take what the message is made of.
    pub fn is_of_form(&self) -> bool {
        FORM.contains(&self.word())
    }

    /// What became of what a bot wanted to write in that channel.
    pub fn refusal(&self, channel: &str) -> SinkError {
        let Self::Word { word, needed } = self else { return self.other() };
        let next = match word.as_str() {
            word if TOKEN.contains(&word) => {
                "put the app's current bot token (`xoxb-...`) where `pages.slack.token` says, and start again"
                    .to_owned()
            }
            word if RIGHT.contains(&word) => {
                let needed = if needed.is_empty() { "chat:write" } else { needed };
                format!("give the app the scope `{needed}`, and install it anew")
            }
            "not_in_channel" => {
                format!(
                    "invite the app to the channel {channel}: `/invite` there; or give it the scope `chat:write.public`"
                )
            }
            "channel_not_found" => format!(
                "check that the channel {channel} is there, in `pages.slack.channel` or the team's `channels.slack` in \
                 oncall.yaml; to a private one the app must be invited"
            ),
            "is_archived" | "channel_is_archived" => {
                format!("the channel {channel} is archived: name another one, or take it out of the archive")
            }
            word if CHANNEL.contains(&word) => {
                format!("let the app post in the channel {channel}, or name another one")
            }
            word if FORM.contains(&word) || MESSAGE.contains(&word) => {
                "this is a fault of dogwatch: please report it".to_owned()
            }
            _ => "https://docs.slack.dev/reference/methods/chat.postMessage says what that means".to_owned(),
        };
        SinkError::fail(format!("{self}; {next}"))
    }

    fn other(&self) -> SinkError {
        match self {
            Self::Other(error) => error.clone(),
            Self::Word { .. } => SinkError::fail(self.to_string()),
        }
    }
}

/// What became of what a webhook was given.
pub(super) fn of_webhook(trouble: &Trouble) -> SinkError {
    let next = match trouble.word() {
        "" => return trouble.other(),
        "no_service" | "no_service_id" | "no_team" | "team_disabled" | "no_active_hooks" | "invalid_token" => {
            "the webhook is there no more: make a new one, put its URL where `pages.slack.webhook` says, and start again"
        }
        "channel_is_archived" | "channel_not_found" => {
            "its channel is archived or gone: make a webhook for another one, and start again"
        }
        "action_prohibited" | "posting_to_general_channel_denied" => {
            "let webhooks post in its channel, or make one for another channel"
        }
        _ if trouble.is_of_form() => "this is a fault of dogwatch: please report it",
        _ => "check the URL that `pages.slack.webhook` names",
    };
    SinkError::fail(format!("{trouble}; {next}"))
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Word { word, .. } => write!(f, "Slack refuses it: {word}"),
            Self::Other(error) => write!(f, "{error}"),
        }
    }
}
