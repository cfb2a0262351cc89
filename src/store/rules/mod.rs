//! What the store's transactions decide, as pure functions of what they read.

mod approval;
mod outgoing;
mod page;
mod redelivery;

pub(super) use approval::answered;
pub(super) use outgoing::{DeliveryKey, Outgoing, Urgency};
pub(super) use page::{
    Closing, MadePage, Second, WaitingPage, closed_by, news_of_arrival, news_of_failure, second_reason,
};
pub(super) use redelivery::{Newest, Place, Redelivery, redelivered};
