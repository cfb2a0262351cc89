//! The handoff: what one shift tells the next.
//!
//! [`summarise`] gathers what is true from the store, [`Template`] says it in Markdown, [`write()`] puts it into a file. The
//! [`Reporter`] does that for whoever asks, and the [`HandoffWorker`] at each change of shift.

mod changes;
mod folded;
mod freezes;
mod handoff_worker;
mod markdown;
mod noise;
mod numbers;
mod open;
mod render;
mod reporter;
mod reviews;
mod summarise;
mod summary;
#[cfg(test)]
mod tests;
mod windows;
mod write;

pub use handoff_worker::HandoffWorker;
pub use render::{Template, TemplateError};
pub use reporter::Reporter;
pub use summarise::{Around, HandoffError, WhichShift, shift_of, summarise};
pub use summary::{
    Approval, ChangeMade, Critical, Listed, Moment, NoisyRule, Numbers, OpenIncident, PlaybookTrouble, RunUnderWay,
    ShiftFacts, Summary, UncoveredAlert,
};
pub use write::{Written, file_name, write};
