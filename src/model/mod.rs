//! The words of the domain, as data and rules. Nothing here does I/O.

mod ack_times;
mod address;
mod alert;
mod approval;
mod built_in_kinds;
mod ceilings;
mod command;
mod concern;
mod contacts;
mod dns_names;
mod duration;
mod event;
mod freeze;
mod freeze_map;
mod grouping;
mod heartbeat;
mod ids;
mod incident;
mod item;
mod kind_text;
mod label_names;
mod limits;
mod live;
mod matcher;
mod may_start;
mod minute;
mod odd;
mod overrides;
mod page_budget;
mod page_event;
mod page_hours;
mod people;
mod phase;
mod quantity;
mod redact;
mod run;
mod schedule;
mod schema;
mod secret;
mod severities;
mod severity;
mod severity_rules;
mod signal;
mod target;
mod window;

pub use ack_times::{AckTimes, AckTimesOf};
pub use address::{AddressError, ItemKey, ItemKeyError, StepAddress, StepName};
pub use alert::{Alert, AlertStatus, LeftOut, Notification};
pub use approval::{
    Approval, ApprovalState, ApprovalTerms, Approvers, DryRun, LONGEST_QUESTION, MOST_APPROVERS, Preview, PreviewStep,
    Undo, Verdict,
};
pub(crate) use built_in_kinds::built_in_kinds;
pub use ceilings::{Ceilings, Under};
pub use command::{Command, IncidentList, OncallQuestion, Person, PlaybookQuestion, Role, Start, Via};
pub use concern::Concern;
pub use contacts::{Contacts, KnowsContacts, PageCall};
pub use dns_names::{is_dns_label, is_dns_subdomain};
pub use duration::{DurationError, HumanDuration, parse_duration};
pub use event::{ConditionKind, Considered, FailureClass, Intent, Look, Remedy, RunEvent, SourceAnswer, WaitsFor};
pub use freeze::{Freeze, FreezeScope, FreezeScopeError, LONGEST_FREEZE};
pub use freeze_map::{FreezeMapNow, FreezeMapSays};
pub use grouping::{Grouping, Joins, Merged, Origin, Scope};
pub use heartbeat::{Beat, Heartbeat, HeartbeatKey, HeartbeatNews, HeartbeatRule};
pub use ids::{
    ApprovalId, Digest, EpisodeId, FreezeId, IdError, IncidentId, OverrideId, PageId, RunId, SignalId, TicketId,
    WindowId,
};
pub use incident::{Episode, Incident, IncidentState};
pub use item::{Item, ItemOutcome};
pub use kind_text::{KindText, is_version, kind_identity, means_kind, usual_plural};
pub use label_names::{LabelNames, NAMESPACE, NamedLabel, OBJECT_LABELS, TwoNamespaces};
pub use limits::{Breaker, FleetLimits, Rate, RateError, RunLimits, StoppedRamp, TargetLimits};
pub use live::Live;
pub use matcher::{Matcher, MatcherError};
pub use may_start::{Allowed, MayStart, SourceRights};
pub use minute::to_the_minute;
pub use odd::{OddCharacter, odd_character};
pub use overrides::{LONGEST_OVERRIDE, Layer, Override};
pub use page_budget::{PageBudget, PageBudgets};
pub use page_event::PageEvent;
pub use page_hours::{PageFor, PageHours};
pub use people::{LimitFor, PeopleLimits, PersonLimit};
pub use phase::Phase;
pub use quantity::{Quantity, QuantityError};
pub use redact::{MASK, declare_secret, is_invisible, redact, redact_cut_key, redact_named, redact_value};
pub use run::{Autonomy, LEASE_MARGIN, LEAST_LEASE, MUTATION_WITHIN, Outcome, PlaybookRef, Run};
pub use schedule::Schedule;
pub(crate) use schema::schema;
pub use secret::Secret;
pub use severities::{Rated, SEVERITY_LABELS, Severities};
pub use severity::{Severity, SeverityError};
pub use severity_rules::{BlastRadius, TierRule, Tiers};
pub use signal::{Lane, Signal, SignalBody, UNLISTED};
pub use target::{ObjectKey, Target};
pub use window::{Coverable, LONGEST_WINDOW, TargetPattern, TargetPatternError, Window, WindowScope, covering};
