//! Calling the next one while nobody acknowledges, and again where nobody touches what somebody
//! has taken.
//!
//! When somebody is called next is durable beside the page ([`crate::store::EscalationStore`]).
//! What a call that is due comes to is decided in [`decide()`], by the policy of the on-call file
//! and what is known then; [`EscalationWorker`] carries it out, and a [`Watchdog`] looks whether it
//! does.

mod decide;
mod watchdog;
mod worker;

pub use decide::{Due, decide};
pub use watchdog::Watchdog;
pub use worker::EscalationWorker;
