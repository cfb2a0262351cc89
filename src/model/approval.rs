//! Questions to humans: what the bot would do, and what they said.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{ApprovalId, Digest, IncidentId, RunId, StepAddress, redact};

/// The most people that one question waits for: more are not found at night.
pub const MOST_APPROVERS: u32 = 5;

/// The longest that a question stays open: after a day it is about another cluster.
pub const LONGEST_QUESTION: Duration = Duration::from_secs(24 * 3_600);

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
    /// What has a question of its own: the yes to this one does not cover what comes from there on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub asks_again: Vec<StepAddress>,
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
    /// What the API server answers to a dry run of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dry_run: Option<DryRun>,
    /// Whether what is done is taken back: an answer is about that, too.
    #[serde(default, skip_serializing_if = "Undo::is_never")]
    pub undo: Undo,
}

/// What the API server would make of a change, with its defaults and whatever else has a say there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DryRun {
    /// The fields that would differ, a line each: `- spec.replicas: 4`, `+ spec.replicas: 6`.
    Differs(String),
    /// It takes the change, and nothing of the object would differ by it: a deletion, for one.
    Taken,
    /// It was not asked, or did not say: why.
    Unknown(String),
}

impl PreviewStep {
    /// A step of which nothing more is known than what it would do, in words.
    pub fn new(step: StepAddress, summary: &str, certain: bool) -> Self {
        let summary = redact(summary).into_owned();
        Self { step, mutating: true, summary, certain, diff: None, uid: None, dry_run: None, undo: Undo::Never }
    }
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
    /// How it begins, behind the reason for which a run ends, that a change was taken back.
    pub const TAKEN_BACK: &str = "taken back: ";
    /// The same, that it was not.
    pub const STANDS: &str = "it was not taken back: ";

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

/// Whose yes counts.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Approvers {
    /// Whoever may answer questions at all: where the playbook says nothing.
    #[default]
    Anybody,
    /// Who takes turns in the team, manages it, or is on call for it now.
    Team(String),
    /// Members of `oncall.yaml`, and holders of API tokens, by their names.
    Named(Vec<String>),
}

/// What it takes to answer a question with yes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ApprovalTerms {
    /// So many of them, each once.
    pub people: u32,
    pub of: Approvers,
    /// The person who asked for the run, where their own yes does not count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_of: Option<String>,
    /// What the playbook asks, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub question: Option<String>,
    /// The team that owns the playbook; empty where an older version asked.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub owner: String,
    /// Where something would be changed, as far as that is certain.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub namespaces: Vec<String>,
}

impl Default for ApprovalTerms {
    /// One yes, whoever gives it.
    fn default() -> Self {
        Self {
            people: 1,
            of: Approvers::Anybody,
            not_of: None,
            question: None,
            owner: String::new(),
            namespaces: Vec::new(),
        }
    }
}

impl ApprovalTerms {
    /// Whether one yes is enough, whoever gives it.
    pub fn is_usual(&self) -> bool {
        self.people == 1 && self.of == Approvers::Anybody && self.not_of.is_none()
    }

    /// Who is asked: `2 people of team databases, other than ada`.
    pub fn whom(&self) -> String {
        let people = if self.people == 1 { "1 person".to_owned() } else { format!("{} people", self.people) };
        let of = match &self.of {
            Approvers::Anybody => people,
            Approvers::Team(team) => format!("{people} of team {team}"),
            Approvers::Named(names) => format!("{people} of {}", names.join(", ")),
        };
        match &self.not_of {
            Some(requester) => format!("{of}, other than {requester}"),
            None => of,
        }
    }
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
    /// Who answered; of several all whose yes it took.
    pub answered_by: Option<String>,
    pub terms: ApprovalTerms,
    /// Whose yes it has, in the order in which they said it.
    pub approved_by: Vec<String>,
    /// Why it was denied.
    pub reason: Option<String>,
}

impl Approval {
    /// `1 of 2`; nothing where one yes is enough.
    pub fn progress(&self) -> Option<String> {
        (self.terms.people > 1).then(|| format!("{} of {}", self.approved_by.len(), self.terms.people))
    }
}
