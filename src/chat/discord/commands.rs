//! The slash commands as Discord knows them, and as lines of text.

use serenity::all::{CommandDataOption, CommandDataOptionValue, CommandOptionType, CreateCommand, CreateCommandOption};

/// What Discord offers to people while they type.
pub(super) fn slash_commands() -> Vec<CreateCommand> {
    let incident = || text("incident", "Which one, such as INC-7", 40).required(true);
    let approval = || text("approval", "Which question, such as APR-7", 40).required(true);
    let command = |name: &str, what: &str| CreateCommand::new(name).description(what);
    vec![
        command("incidents", "What is open").add_option(flag("all", "Also what was resolved in the last 24 hours")),
        command("run", "Run a playbook, or show what it would do")
            .add_option(text("playbook", "Its name", 100).required(true))
            .add_option(text("set", "Inputs and target: max_replicas=8 name=coredns", 1_500))
            .add_option(flag("dry_run", "Show what it would do now; nothing is changed")),
        command("ack", "I have seen it, and own it").add_option(incident()),
        command("resolve", "It is over").add_option(incident()).add_option(text(
            "note",
            "What it was, or what was done",
            1_500,
        )),
        command("why", "Why the bot did what it did").add_option(incident()),
        command("approve", "Yes to a question of the bot").add_option(approval()),
        command("deny", "No to a question of the bot").add_option(approval()),
        command("handoff", "The shift so far, as the handoff will tell it"),
        command("help", "What can be asked"),
    ]
}

/// What was typed, as the line of text that other ways take.
pub(super) fn line(name: &str, options: &[CommandDataOption]) -> String {
    let text = |wanted: &str| {
        let option = options.iter().find(|option| option.name == wanted);
        option.and_then(|option| match &option.value {
            CommandDataOptionValue::String(text) => Some(text.trim()),
            _ => None,
        })
    };
    let flag = |wanted: &str, word: &'static str| {
        let option = options.iter().find(|option| option.name == wanted);
        option.filter(|option| option.value == CommandDataOptionValue::Boolean(true)).map(|_| word)
    };
    let words = match name {
        "incidents" => [flag("all", "all"), None, None],
        "run" => [text("playbook"), text("set"), flag("dry_run", "--dry-run")],
        "resolve" => [text("incident"), text("note"), None],
        "ack" | "why" => [text("incident"), None, None],
        "approve" | "deny" => [text("approval"), None, None],
        _ => [None; 3],
    };
    let words: Vec<&str> = words.into_iter().flatten().collect();
    format!("{name} {}", words.join(" ")).trim_end().to_owned()
}

fn text(name: &str, what: &str, longest: u16) -> CreateCommandOption {
    CreateCommandOption::new(CommandOptionType::String, name, what).max_length(longest)
}

fn flag(name: &str, what: &str) -> CreateCommandOption {
    CreateCommandOption::new(CommandOptionType::Boolean, name, what)
}
