//! Questions to humans: what the bot would do, and what they said.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{ApprovalId, Digest, IncidentId, RunId, StepAddress};

/// What a human answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    Approve,
    Deny,
}

/// What a run would do, in the order in which it would do it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preview {
    pub steps: Vec<PreviewStep>,
}

/// One step of a [`Preview`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreviewStep {
    pub step: StepAddress,
    pub mutating: bool,
    /// `scale deployment/coredns in kube-system 4 -> 6`.
    pub summary: String,
    /// Whether exactly this is what it would do; `false` when it depends on what the steps before it leave behind.
    pub certain: bool,
    /// The change as a unified text, where the action can show one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diff: Option<String>,
    /// Of the object as it is there: another of the same name is another change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
    /// Whether what is done is taken back: an answer is about that, too.
    #[serde(default, skip_serializing_if = "Undo::is_never")]
    pub undo: Undo,
}

/// When a change is taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Undo {
    #[default]
    Never,
    /// When its verify, or that of its group, has found that it did not help.
    UnlessVerified,
    /// However it ends, but for a person who stops it.
    AtEnd,
}

impl Undo {
    pub const WORDS: [&'static str; 3] = ["never", "unless_verified", "at_end"];

    /// It is one of [`WORDS`](Self::WORDS).
    pub fn of(word: &str) -> Option<Self> {
        let all = [Undo::Never, Undo::UnlessVerified, Undo::AtEnd];
        Self::WORDS.iter().zip(all).find(|(name, _)| **name == word).map(|(_, undo)| undo)
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
    fn is_never(&self) -> bool {
        *self == Undo::Never
    }
}

impl Preview {
    /// The digest that an approval is bound to: whoever says yes says it to exactly this.
    pub fn digest(&self) -> Digest {
        // A Preview is made of strings and booleans: it always has a JSON form.
        Digest::of(serde_json::to_vec(self).unwrap_or_default())
    }
}

/// Where an approval stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ApprovalState {
    Open,
    Approved,
    Denied,
    Expired,
    /// The run ended or found another way before anybody answered.
    Withdrawn,
}

/// A question that was asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Approval {
    pub id: ApprovalId,
    pub run: RunId,
    pub incident: IncidentId,
    pub preview: Preview,
    pub digest: Digest,
    pub state: ApprovalState,
    pub asked_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    /// Who answered.
    pub answered_by: Option<String>,
}
