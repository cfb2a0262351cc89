//! What the store's transactions decide, as pure functions of what they read.

mod approval;
mod fold;
mod going_on;
mod left;
mod limits;
mod outgoing;
mod page;
mod redelivery;
mod stop;
mod ticket;
mod windows;

pub(super) use approval::{Voted, voted};
pub(super) use fold::{Carrier, FOLDED_FOR, SPENT_ON, Unfolding, is_spent, may_fold, shape, unfolding};
pub(super) use going_on::continued;
pub use left::Groups;
pub(super) use left::{Left, left};
pub use limits::OverLimit;
pub(super) use limits::{Counted, LimitFacts, RampFacts, opens_breaker, over_limit, stopped};
pub(super) use outgoing::{DeliveryKey, Outgoing, Urgency};
pub(super) use page::{
    Closing, MadePage, Second, TOLD_EVERY, WaitingPage, closed_by, is_worth_telling, news_of_arrival, news_of_failure,
    second_reason, second_reason_after,
};
pub(super) use redelivery::{Newest, Place, Redelivery, redelivered};
pub(super) use stop::{STOPS_ALIKE_WITHIN, stop_key};
pub(super) use ticket::ticket_due_at;
pub use windows::holds_back;
