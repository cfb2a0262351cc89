//! What is to be told, as it is now and in no receiver's own form.

use chrono::{DateTime, Utc};

use crate::model::{ApprovalId, Digest, IncidentId, Severity};
use crate::oncall::{DiscordChannel, DiscordUser};

/// One thing to tell.
#[derive(Debug, Clone, PartialEq)]
pub struct Parcel {
    pub kind: ParcelKind,
    /// Stable over retries and unique over subjects: by it a receiver tells a repetition.
    pub key: String,
    /// The receiver's own id of what this replaces; `None`: it is new there.
    pub previous: Option<String>,
    /// The receiver's own id of the incident's message, to which a notice or a question belongs.
    pub thread: Option<String>,
    pub at: DateTime<Utc>,
    pub incident: IncidentId,
    pub severity: Severity,
    pub team: String,
    /// One line.
    pub title: String,
    /// Some lines; may be empty.
    pub body: String,
    /// Names and short values, in the order in which they are shown.
    pub fields: Vec<(String, String)>,
    pub tone: Tone,
    /// What a person may press. Empty: nothing, also where there were buttons before.
    pub buttons: Vec<Button>,
    /// Who is called. Empty for a page: nobody is on call.
    pub mention: Vec<Contact>,
    /// Where the team is paged; `None`: where everything else goes.
    pub channel: Option<DiscordChannel>,
}

/// The sorts of parcels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ParcelKind {
    /// Somebody on call must acknowledge it.
    Page,
    /// The incident's own message, made once and edited from then on.
    Card,
    /// A question.
    Approval,
    Notice,
}

impl ParcelKind {
    pub fn name(self) -> &'static str {
        match self {
            ParcelKind::Page => "page",
            ParcelKind::Card => "card",
            ParcelKind::Approval => "approval",
            ParcelKind::Notice => "notice",
        }
    }
}

/// How it looks: the colour of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tone {
    /// Somebody must do something.
    Alarm,
    /// Something is wrong, and somebody or something is at it.
    Busy,
    /// A question waits.
    Question,
    Good,
    Neutral,
}

/// Something to press.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Button {
    pub label: String,
    pub action: ButtonAction,
}

/// What a button asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ButtonAction {
    Ack {
        incident: IncidentId,
    },
    Why {
        incident: IncidentId,
    },
    /// Bound to the preview that was shown.
    Approve {
        approval: ApprovalId,
        digest: Digest,
    },
    Deny {
        approval: ApprovalId,
        digest: Digest,
    },
}

/// Somebody on call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    pub name: String,
    /// `None`: can be named, but not mentioned there.
    pub discord: Option<DiscordUser>,
}
