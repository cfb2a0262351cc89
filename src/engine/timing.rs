//! The engine's times, in one place: they depend on each other, and all of them on the lease.
//!
//! A lease is prolonged by each append. What a worker asks the world between two appends ends [`LEASE_MARGIN`] before the
//! lease does, so that nobody else has the run by the time its answer goes on the log.

use std::time::Duration;

pub(super) use crate::model::{LEASE_MARGIN, LEAST_LEASE, MUTATION_WITHIN};

/// How long one attempt of a read may take, where the playbook does not say.
pub(super) const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a mutation may stay in doubt while the cluster does not answer, before a human is told, and how often it is
/// asked.
pub(super) const DOUBT_PATIENCE: Duration = Duration::from_secs(300);
pub(super) const DOUBT_LOOK_EVERY: Duration = Duration::from_secs(5);

/// How long a run waits for another one's lock, and how often it looks.
pub(super) const LOCK_PATIENCE: Duration = Duration::from_secs(600);
pub(super) const LOCK_LOOK_EVERY: Duration = Duration::from_secs(15);

/// How long a run waits until limits over all runs let it begin, and at least between two looks.
pub(super) const LIMIT_PATIENCE: Duration = Duration::from_secs(1_800);
pub(super) const LIMIT_LOOK_AT_LEAST: Duration = Duration::from_secs(5);

/// For how long taking back is tried: a person waits to be told. And how old what speaks against
/// the change may be when that begins.
pub(super) const UNDO_PATIENCE: Duration = Duration::from_secs(120);
pub(super) const SEEN_LATELY: Duration = Duration::from_secs(600);

/// How often the lease of the cluster is asked about while it is not known to be ours, and how
/// long: a bot that died is waited for 20 s, and an API server's restart takes a minute or two.
pub(super) const MANDATE_LOOK_EVERY: Duration = Duration::from_secs(5);
pub(super) const MANDATE_PATIENCE: Duration = Duration::from_secs(180);

/// How long the ConfigMap that freezes may take to be read.
pub(super) const FREEZE_WITHIN: Duration = Duration::from_secs(10);

/// With less of the lease left, no mutation is begun: it would be cut off before it has an answer.
pub(super) const LEAST_MANDATE: Duration = Duration::from_secs(3);

/// How soon an answer is looked at again, when the cluster does not say whether it still holds. The question's own end is the
/// end of that.
pub(super) const ANSWER_LOOK_EVERY: Duration = Duration::from_secs(10);

/// From when on an answer was not taken in at once.
pub(super) const ANSWER_IS_OLD: Duration = Duration::from_secs(60);

/// How long the source of an alert may take to say whether that still fires.
pub(super) const SOURCE_WITHIN: Duration = Duration::from_secs(10);

/// What it does not list is over after this time: an Alertmanager that was down as long as the bot
/// has to be told again what fires, and a rule may be evaluated once in some minutes.
pub(super) const SOURCE_PATIENCE: Duration = Duration::from_secs(300);
pub(super) const SOURCE_LOOK_EVERY: Duration = Duration::from_secs(60);

/// How long failures that may pass are tried again, where the playbook does not say, counted from the first of them.
pub(super) const READ_RETRY_FOR: Duration = Duration::from_secs(60);
pub(super) const MUTATION_RETRY_FOR: Duration = Duration::from_secs(120);

/// The time to the second attempt; it doubles from one attempt to the next, up to the longest.
pub(super) const FIRST_BACKOFF: Duration = Duration::from_secs(1);
pub(super) const LONGEST_BACKOFF: Duration = Duration::from_secs(30);
