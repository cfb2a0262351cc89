//! What is asked of what was found, and how it is asked again.

use std::time::Duration;

use crate::language::{Expression, Template};

/// A condition with the reason that people are told.
#[derive(Debug)]
pub struct Condition {
    pub expression: Expression,
    pub because: Option<Template>,
    /// Who can act on what it finds: a word, or what gives one.
    pub role: Option<Template>,
}

/// How a read is repeated.
#[derive(Debug)]
pub struct Watch {
    /// The fields of the read are names here.
    pub until: Expression,
    /// No use in waiting any longer: the step fails.
    pub fail_if: Option<Expression>,
    /// The time between two looks.
    pub every: Duration,
    /// The end of patience, counted from the first look.
    pub within: Duration,
    /// `until` has to hold at each look for so long.
    pub lasting: Option<Duration>,
}

/// How it is proved that a mutation helped.
#[derive(Debug)]
pub struct Verify {
    /// The id of the read-only step that is asked again: its fields are the names in `until` and `fail_if`. `None`: the
    /// target is read again, as `target`.
    pub query: Option<String>,
    pub until: Expression,
    /// No use in waiting any longer.
    pub fail_if: Option<Expression>,
    /// How long nothing is looked at after the mutation.
    pub settle: Duration,
    /// The time between two looks.
    pub every: Duration,
    /// The end of patience, counted from the mutation.
    pub within: Duration,
    /// `until` has to hold at each look for so long.
    pub lasting: Option<Duration>,
}
