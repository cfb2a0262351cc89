//! All text that people read, in chat, on pages, on the console and in the API's answers. Pure: from records to words.
//!
//! The texts are plain: no markup of any chat, no escape sequences. Whoever shows them escapes what his medium would take for
//! markup. Control characters are taken out and what looks like a secret is masked here, as names and annotations come from
//! others. Times are in UTC.

mod breakers;
mod card;
mod delivery;
mod folds;
mod freezes;
mod heartbeats;
mod incidents_json;
mod markdown;
mod next;
mod objects;
mod outcome;
mod page;
mod playbooks;
mod question;
mod reason;
mod run_log;
mod table;
#[cfg(test)]
mod tests;
mod text;
mod ticket;
mod timeline;
mod told;
mod why;
mod windows;
mod work;

pub use breakers::breakers_text;
pub use card::{Button, ButtonStyle, Card, Colour, acknowledge, card};
pub use delivery::{needs_a_person, reached_nobody};
pub use freezes::{freeze_map_text, freezes_text, frozen_text, taken_text};
pub use heartbeats::heartbeats_text;
pub use incidents_json::incidents_json;
pub use objects::objects_table;
pub use outcome::outcome;
pub use page::{Body, CHANGED_WITHIN, Earlier, LEAST_ROOM, Link, PageFacts, PageText, Room, damaged_page, page_text};
pub use playbooks::{PlaybookRow, playbook_diff, playbook_history, playbooks_table};
pub use question::{approvals_text, preview_text, question};
pub use reason::{condition_text, page_reason, why_a_person};
pub use run_log::run_log_json;
pub use table::{incidents_table, none_of_those};
pub use text::{clip, count, fit, fold, moment, shown, thousands, width};
pub use ticket::{
    TicketChange, ticket_body, ticket_comment, ticket_facts, ticket_news, ticket_retitled, ticket_standing,
    ticket_title, tickets_text,
};
pub use timeline::{timeline_line, timeline_lines, timeline_text};
pub use why::{PagingFacts, WhyFacts, why};
pub use windows::windows_text;
pub use work::{work_body, work_comment, work_origin, work_text, work_title};
