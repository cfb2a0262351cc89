//! The slash commands as Discord knows them, and what was typed into them.

use serenity::all::{CommandDataOption, CommandDataOptionValue, CommandOptionType, CreateCommand, CreateCommandOption};

use crate::command::{
    Argument, COMMANDS, Definition, Given, Need, ParseError, Shape, Value, capital, command_called, parse_command,
};
use crate::model::Command;

/// What Discord offers to people while they type.
pub(super) fn slash_commands() -> Vec<CreateCommand> {
    COMMANDS.iter().map(|command| slash_command(command)).collect()
}

fn slash_command(command: &Definition) -> CreateCommand {
    // Discord wants those first that must be there.
    let is_required = |argument: &&Argument| argument.need == Need::Required;
    let (required, others): (Vec<&Argument>, Vec<&Argument>) = command.arguments.iter().partition(is_required);
    let options = required.into_iter().chain(others).map(slash_option).collect();
    CreateCommand::new(command.word).description(capital(command.help)).set_options(options)
}

fn slash_option(argument: &Argument) -> CreateCommandOption {
    let sort = if argument.shape.is_flag() { CommandOptionType::Boolean } else { CommandOptionType::String };
    let required = argument.need == Need::Required;
    let option = CreateCommandOption::new(sort, name(argument), capital(argument.help)).required(required);
    match (argument.shape, argument.value) {
        (Shape::Flag | Shape::BareFlag, _) => option,
        (Shape::Option, Value::OneOf { words, .. }) => {
            words.iter().fold(option, |option, word| option.add_string_choice(*word, *word))
        }
        _ => option.max_length(longest(argument)),
    }
}

fn longest(argument: &Argument) -> u16 {
    match argument.shape {
        Shape::Text | Shape::Pairs => 1_500,
        Shape::Words => 800,
        _ => 100,
    }
}

/// Discord's names know letters, digits and `_`.
fn name(argument: &Argument) -> String {
    argument.name.replace('-', "_")
}

/// What was typed: in words, and as what it asks for.
pub(super) fn read_slash(word: &str, options: &[CommandDataOption]) -> (String, Result<Command, ParseError>) {
    // A command of another version is told as any other that is not known.
    let Some(command) = command_called(word) else { return (word.to_owned(), parse_command(word)) };
    match given(command, options) {
        Ok(given) => (given.line().trim_start_matches('/').to_owned(), given.command()),
        Err(error) => (word.to_owned(), Err(error)),
    }
}

fn given(command: &'static Definition, options: &[CommandDataOption]) -> Result<Given, ParseError> {
    let mut given = Given::new(command);
    for argument in command.arguments {
        let Some(option) = options.iter().find(|option| option.name == name(argument)) else { continue };
        match (&option.value, argument.shape) {
            (CommandDataOptionValue::Boolean(true), _) => given.put(argument, "")?,
            (CommandDataOptionValue::String(text), Shape::Pairs) => given.put_words(argument, text)?,
            (CommandDataOptionValue::String(text), Shape::Words) if !argument.value.parts_at_commas() => {
                given.put_words(argument, text)?;
            }
            (CommandDataOptionValue::String(text), _) => given.put(argument, text.trim())?,
            _ => {}
        }
    }
    Ok(given)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::command::{quoted, samples};

    /// The options as Discord sends them.
    fn typed(given: &Given) -> Vec<CommandDataOption> {
        let option = |(argument, values): (&Argument, Vec<String>)| {
            let value = match argument.shape {
                Shape::Flag | Shape::BareFlag => serde_json::json!({ "type": 5, "value": true }),
                Shape::Pairs => {
                    let words: Vec<String> = values.iter().map(|value| quoted(value)).collect();
                    serde_json::json!({ "type": 3, "value": words.join(" ") })
                }
                _ => serde_json::json!({ "type": 3, "value": values.join(" ") }),
            };
            let mut option = value;
            option["name"] = name(argument).into();
            serde_json::from_value(option).unwrap()
        };
        samples::values(given).into_iter().map(option).collect()
    }

    proptest! {
        #[test]
        fn discord_reads_what_was_meant(given in samples::any_given()) {
            let (line, read) = read_slash(given.definition.word, &typed(&given));
            prop_assert_eq!(&read, &given.command());
            prop_assert_eq!(format!("/{line}"), given.line());
        }
    }

    #[test]
    fn discord_takes_the_definitions() {
        let commands = serde_json::to_value(slash_commands()).unwrap();
        for command in commands.as_array().unwrap() {
            let options = command["options"].as_array().unwrap();
            let required: Vec<bool> = options.iter().map(|option| option["required"] == true).collect();
            assert!(required.is_sorted_by(|a, b| a >= b), "{command:#}");
            for described in options.iter().chain([command]) {
                let text = described["description"].as_str().unwrap();
                assert!((1..=100).contains(&crate::message::width(text)), "{text}");
            }
        }
    }
}
