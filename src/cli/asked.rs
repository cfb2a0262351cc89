//! The subcommands that ask a server: what can be asked stands in `command`, and this makes
//! subcommands of it.

use clap::{Arg, ArgAction, ArgMatches, Args as _, FromArgMatches, Subcommand};

use super::client::{ServerArgs, ask};
use super::output::{Exit, Failure};
use crate::command::{
    Argument, COMMANDS, Definition, Given, Need, ParseError, Shape, Shell, Value, capital, command_called,
};

/// What is asked of which server.
#[derive(Debug)]
pub(super) struct Asked {
    given: Result<Given, ParseError>,
    server: ServerArgs,
}

impl Asked {
    pub async fn go(self) -> anyhow::Result<Exit> {
        let given = self.given.map_err(Failure::usage)?;
        // What the server would not understand is not sent.
        given.command().map_err(Failure::usage)?;
        ask(&self.server, &given.line()).await
    }
}

impl Subcommand for Asked {
    fn augment_subcommands(command: clap::Command) -> clap::Command {
        let asked = COMMANDS.iter().filter_map(|asked| Some((*asked, asked.shell.as_ref()?)));
        command.subcommands(asked.map(|(asked, shell)| subcommand(asked, shell)))
    }

    fn augment_subcommands_for_update(command: clap::Command) -> clap::Command {
        Self::augment_subcommands(command)
    }

    fn has_subcommand(name: &str) -> bool {
        command_called(name).is_some_and(|command| command.shell.is_some())
    }
}

impl FromArgMatches for Asked {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let asked = matches.subcommand().and_then(|(name, matches)| Some((command_called(name)?, matches)));
        let (command, matches) = asked.ok_or_else(|| clap::Error::new(clap::error::ErrorKind::MissingSubcommand))?;
        Ok(Self { given: given(command, matches), server: ServerArgs::from_arg_matches(matches)? })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

fn subcommand(command: &'static Definition, shell: &Shell) -> clap::Command {
    let arguments = command.arguments.iter().map(|argument| to_clap(command, argument));
    // What the server's arguments say of themselves is not what the command does.
    ServerArgs::augment_args(clap::Command::new(command.word).args(arguments)).about(shell.about).after_help(shell.more)
}

fn to_clap(command: &'static Definition, argument: &'static Argument) -> Arg {
    let arg = Arg::new(argument.name).help(capital(argument.help));
    let arg = match argument.need {
        Need::Required => arg.required(true),
        Need::Optional => arg,
        Need::Or(other) if argument.shape.has_a_place() => arg.required_unless_present(other).conflicts_with(other),
        Need::Or(_) => arg,
    };
    let arg = if matches!(argument.shape, Shape::Word | Shape::Words) { arg } else { arg.long(argument.name) };
    let arg = match argument.short {
        Some(short) => arg.short(short),
        None => arg,
    };
    let arg = match argument.shape {
        Shape::Flag | Shape::BareFlag => return arg.action(ArgAction::SetTrue),
        Shape::Words => arg.num_args(1..).action(ArgAction::Append),
        Shape::Pairs | Shape::List => arg.action(ArgAction::Append),
        Shape::Word | Shape::Option | Shape::Text => arg.action(ArgAction::Set),
    };
    let (shape, value) = (argument.shape, argument.value);
    arg.value_name(argument.stands_for).value_parser(move |text: &str| check(command, shape, value, text))
}

/// What is no such value is told before anything is sent.
fn check(command: &Definition, shape: Shape, value: Value, text: &str) -> Result<String, String> {
    let parts: Vec<&str> = match shape {
        Shape::Words | Shape::List if value.parts_at_commas() => {
            text.split(',').filter(|part| !part.is_empty()).collect()
        }
        _ => vec![text],
    };
    match value {
        Value::Text => {}
        Value::Pair if value.read(text, command.example).is_err() => return Err("write it as NAME=VALUE".to_owned()),
        _ => {
            for part in parts {
                value.read(part, command.example).map_err(|error| error.to_string())?;
            }
        }
    }
    Ok(text.to_owned())
}

fn given(command: &'static Definition, matches: &ArgMatches) -> Result<Given, ParseError> {
    let mut given = Given::new(command);
    for argument in command.arguments {
        if argument.shape.is_flag() {
            if matches.get_flag(argument.name) {
                given.put(argument, "")?;
            }
            continue;
        }
        for value in matches.get_many::<String>(argument.name).into_iter().flatten() {
            given.put(argument, value)?;
        }
    }
    Ok(given)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::command::samples;

    /// The words of a command line.
    fn typed(given: &Given) -> Vec<String> {
        let mut words = vec!["dogwatch".to_owned(), given.definition.word.to_owned()];
        for (argument, values) in samples::values(given) {
            match argument.shape {
                Shape::Word | Shape::Words => words.extend(values),
                Shape::Flag | Shape::BareFlag => words.push(format!("--{}", argument.name)),
                Shape::List => words.push(format!("--{}={}", argument.name, values.join(","))),
                Shape::Pairs | Shape::Option | Shape::Text => {
                    words.extend(values.iter().map(|value| format!("--{}={value}", argument.name)));
                }
            }
        }
        words
    }

    proptest! {
        #[test]
        fn the_command_line_reads_what_was_meant(given in samples::any_given()) {
            prop_assume!(given.definition.shell.is_some());
            let command = Asked::augment_subcommands(clap::Command::new("dogwatch"));
            let matches = command.try_get_matches_from(typed(&given)).unwrap();
            let read = Asked::from_arg_matches(&matches).unwrap().given.unwrap();
            prop_assert_eq!(read.command(), given.command());
            prop_assert_eq!(read.line(), given.line());
        }
    }

    #[test]
    fn clap_takes_the_definitions() {
        Asked::augment_subcommands(clap::Command::new("dogwatch")).debug_assert();
    }
}
