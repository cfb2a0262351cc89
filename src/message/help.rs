//! What can be asked for.

use crate::model::Role;

/// Each command, what it does, and the least role that may ask for it.
const COMMANDS: &[(&str, Role, &str)] = &[
    ("/incidents [all]", Role::Viewer, "what is open; `all`: also what was resolved in the last 24 hours"),
    ("/why INC-7", Role::Viewer, "why the bot did what it did"),
    ("/run PLAYBOOK [name=value ...] --dry-run", Role::Viewer, "what a playbook would do now; nothing is changed"),
    ("/run PLAYBOOK [name=value ...]", Role::Responder, "run a playbook now"),
    ("/ack INC-7", Role::Responder, "I have seen it, and own it"),
    ("/resolve INC-7 [note]", Role::Responder, "it is over"),
    ("/approve APR-7, /deny APR-7", Role::Responder, "answer a question of the bot"),
    ("/handoff", Role::Viewer, "the shift so far, as the handoff will tell it"),
    ("/help", Role::Viewer, "this"),
];

/// The commands, and which of them this role may ask for.
pub fn help(role: Role) -> String {
    let widest = COMMANDS.iter().map(|(command, ..)| command.len()).max().unwrap_or(0);
    let mut lines = Vec::with_capacity(COMMANDS.len());
    for (command, needs, what) in COMMANDS {
        let not_you = if role < *needs { format!(" (needs the role {needs})") } else { String::new() };
        lines.push(format!("{command:widest$}  {what}{not_you}"));
    }
    lines.join("\n")
}
