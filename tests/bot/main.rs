//! Conversations with the whole bot.

#![allow(clippy::disallowed_methods, reason = "the world around the bot lives in real time")]

#[path = "../world/mod.rs"]
mod world;

mod affected_laws;
mod ages;
mod bot;
mod branches;
mod budget;
mod budget_laws;
mod cases;
mod causes;
mod chats;
mod clock;
mod contacts;
mod crashes;
mod deliveries;
mod discord_bot;
mod discord_stand_in;
mod email;
mod episodes;
mod escalation;
mod escalation_laws;
mod events;
mod evidence;
mod experts;
mod flapping;
mod freezes;
mod heartbeats;
mod incidents;
mod intake;
mod jobs;
mod kinds;
mod laws;
mod limits;
mod loops;
mod loops_left;
mod many;
mod mutated;
mod on_call;
mod outages;
mod page_for;
mod page_texts;
mod pagerduty;
mod pages;
mod quiet;
mod receivers;
mod reloads;
mod repeats;
mod runs;
mod secrets;
mod schedules;
mod severity_rules;
mod shipped_playbooks;
mod storms;
mod surroundings;
mod test_pages;
mod tickets;
mod tickets_in_doubt;
mod two_bots;
mod undo;
mod watches;
mod why;
mod windows;
mod words;
