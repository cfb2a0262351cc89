//! From signals to incidents: which episode, which incident, which run, which page.
//!
//! Each `decide_…` is a pure function from a signal and what the store knows to a [`Decision`](crate::store::Decision);
//! the workers gather the one and have the store carry out the other.

mod affected;
mod asked;
mod breaker_commands;
mod calls;
mod causes;
mod commands;
mod coverage;
mod earlier;
mod ending;
mod flapping;
mod freeze_commands;
mod gather;
mod heartbeat;
mod heartbeat_worker;
mod left_out;
mod life;
mod many;
mod merging;
mod news;
mod notification;
mod opening;
mod override_commands;
mod override_worker;
mod page_worker;
mod radius;
mod rating;
mod rules;
mod schedule_worker;
mod scheduled;
mod set_aside;
mod signal_worker;
mod spell;
mod subject;
mod test_page;
mod view;
mod voting;
mod window_commands;
mod window_worker;
mod windows;
mod work;

pub use affected::{Affected, Counting};
pub use coverage::{Coverage, cover};
pub use heartbeat_worker::{Expected, HeartbeatWorker};
pub use notification::{Came, Decided, decide_notification};
pub use override_worker::{OverrideWorker, read_overrides};
pub use page_worker::PageWorker;
pub use radius::Raised;
pub use rating::Rating;
pub use rules::{GroupingRules, HomeCluster, IncidentRules};
pub use schedule_worker::ScheduleWorker;
pub use signal_worker::SignalWorker;
pub use view::{Seen, View};
pub use window_worker::{WindowWorker, plan_windows};
