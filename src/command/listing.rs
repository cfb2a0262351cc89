//! What can be asked for, as `/help` tells it.

use super::{Argument, COMMANDS, Definition, Need, Shape, Value};
use crate::model::Role;

/// The commands with their options, and which of them this role may ask for.
pub fn help_text(role: Role) -> String {
    let mut rows: Vec<(String, String)> = Vec::new();
    for command in COMMANDS {
        let not_you = if role < command.needs { format!(" (needs the role {})", command.needs) } else { String::new() };
        rows.push((usage(command), format!("{}{not_you}", command.help)));
        rows.extend(command.arguments.iter().filter_map(option));
    }
    let widest = rows.iter().map(|(usage, _)| usage.len()).max().unwrap_or(0);
    let lines: Vec<String> = rows.iter().map(|(usage, what)| format!("{usage:widest$}  {what}")).collect();
    lines.join("\n")
}

/// `/resolve INC-7 ... [note]`.
fn usage(command: &Definition) -> String {
    let mut usage = format!("/{}", command.word);
    for argument in command.arguments {
        let stands_for = match argument.value {
            Value::Incident => "INC-7".to_owned(),
            Value::Approval => "APR-7".to_owned(),
            Value::Window => "WIN-7".to_owned(),
            Value::Run => "RUN-7".to_owned(),
            Value::Freeze => "FRZ-7".to_owned(),
            Value::Override => "OVR-7".to_owned(),
            _ if matches!(argument.shape, Shape::Pairs | Shape::Text) => argument.stands_for.to_lowercase(),
            _ => argument.stands_for.to_owned(),
        };
        let several = if matches!(argument.shape, Shape::Words | Shape::Pairs) { " ..." } else { "" };
        match argument.shape {
            Shape::Word | Shape::Words | Shape::Text if argument.need != Need::Optional => {
                usage.push_str(&format!(" {stands_for}{several}"));
            }
            Shape::Word | Shape::Words | Shape::Pairs | Shape::Text => {
                usage.push_str(&format!(" [{stands_for}{several}]"));
            }
            Shape::Option | Shape::List | Shape::Flag | Shape::BareFlag => {}
        }
    }
    usage
}

/// `  -o, --output FORMAT`, and what it is for.
fn option(argument: &Argument) -> Option<(String, String)> {
    let name = match argument.shape {
        Shape::BareFlag => argument.name.to_owned(),
        Shape::Flag => format!("--{}", argument.name),
        Shape::Option | Shape::List => format!("--{} {}", argument.name, argument.stands_for),
        Shape::Word | Shape::Words | Shape::Pairs | Shape::Text => return None,
    };
    let short = argument.short.filter(|_| argument.shape == Shape::Option).map(|short| format!("-{short}, "));
    Some((format!("    {}{name}", short.unwrap_or_default()), argument.help.to_owned()))
}
