//! The words of the domain, as data and rules. Nothing here does I/O.

mod alert;
mod approval;
mod command;
mod duration;
mod event;
mod ids;
mod incident;
mod label_names;
mod may_start;
mod odd;
mod quantity;
mod redact;
mod run;
mod secret;
mod severities;
mod severity;
mod signal;
mod target;

pub use alert::{Alert, AlertStatus, LeftOut, Notification};
pub use approval::{Approval, ApprovalState, Preview, PreviewStep, Verdict};
pub use command::{Command, Person, Role, Via};
pub use duration::{DurationError, HumanDuration, parse_duration};
pub use event::{ConditionKind, FailureClass, Intent, Look, Phase, RunEvent, StepPath};
pub use ids::{ApprovalId, Digest, EpisodeId, IdError, IncidentId, PageId, RunId, SignalId};
pub use incident::{Episode, Incident, IncidentState};
pub use label_names::{LabelNames, NAMESPACE, NamedLabel, OBJECT_LABELS, TwoNamespaces};
pub use may_start::{Allowed, MayStart};
pub use odd::{OddCharacter, odd_character};
pub use quantity::{Quantity, QuantityError};
pub use redact::{MASK, declare_secret, is_invisible, redact, redact_named, redact_value};
pub use run::{Autonomy, LEASE_MARGIN, LEAST_LEASE, MUTATION_WITHIN, Outcome, PlaybookRef, Run};
pub use secret::Secret;
pub use severities::{Rated, SEVERITY_LABELS, Severities};
pub use severity::{Severity, SeverityError};
pub use signal::{Lane, Signal, SignalBody};
pub use target::{ObjectKey, Target};
