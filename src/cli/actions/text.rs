//! Actions for a terminal.

use crate::action::{Argument, Declaration, Field};
use crate::model::Autonomy;

/// As wide as help is.
const WIDTH: usize = 100;

/// All of them, in a line each.
pub(super) fn all(actions: &[&Declaration]) -> String {
    let rows =
        actions.iter().map(|action| [action.name.to_owned(), action.effect.to_string(), action.summary.to_owned()]);
    let mut text = columns(&rows.collect::<Vec<_>>(), 0);
    text.push_str("\n`dogwatch actions NAME` tells the rest.\n");
    text
}

/// For [`Declaration::way_back`].
pub(super) const NO_WAY_BACK: &str = "Never.";

/// One, with all that it declares.
pub(super) fn one(action: &Declaration) -> String {
    let mut text = wrapped(&format!("{} ({}): {}.", action.name, action.effect, action.summary), 0);
    for paragraph in action.about.split("\n\n") {
        text.push('\n');
        text.push_str(&wrapped(paragraph, 0));
    }
    text.push_str("\nArguments:\n");
    text.push_str(&rows_or_none(action.arguments.iter().map(argument).collect()));
    text.push_str("\nOutput:\n");
    text.push_str(&rows_or_none(output_rows(action)));
    for (title, prose) in [
        ("Errors, and what needs a human", action.errors),
        ("Repeated", action.repeated),
        ("Undo", action.way_back.unwrap_or(NO_WAY_BACK)),
        ("Rights", rights(action).as_str()),
        ("Autonomy", autonomy(action.most_autonomy)),
    ] {
        text.push_str(&format!("\n{title}:\n{}", wrapped(prose, 2)));
    }
    text.push_str("\nExample:\n");
    text.extend(action.example.lines().map(|line| format!("  {line}\n")));
    text
}

/// What it must be allowed to do, in a line.
pub(super) fn rights(action: &Declaration) -> String {
    match action.rights {
        [] => "none in the cluster".to_owned(),
        rights => rights.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
    }
}

/// With which `autonomy` a playbook may hold it.
pub(super) fn autonomy(most: Autonomy) -> &'static str {
    match most {
        Autonomy::Auto => "up to `auto`: a playbook may do it without asking",
        Autonomy::Approve => "up to `approve`: somebody is asked before it is done",
        Autonomy::Suggest => "up to `suggest`: it is shown, and people do it",
        Autonomy::Observe => "`observe` alone",
    }
}

/// Whether it must be given, and what counts where it is not.
pub(super) fn need(argument: &Argument) -> String {
    match (argument.required, argument.default) {
        (true, _) => "required".to_owned(),
        (false, Some(default)) => format!("default {default}"),
        (false, None) => "optional".to_owned(),
    }
}

fn argument(argument: &Argument) -> [String; 3] {
    [argument.name.to_owned(), format!("{}, {}", argument.of_type, need(argument)), argument.doc.to_owned()]
}

/// The fields of the output, with those of entries as `items[].name`.
pub(super) fn output_rows(action: &Declaration) -> Vec<[String; 3]> {
    action.output.iter().flat_map(|field| rows(field, "")).collect()
}

fn rows(field: &Field, within: &str) -> Vec<[String; 3]> {
    let name = format!("{within}{}", field.name);
    let null = if field.nullable { " or null" } else { "" };
    let optional = if field.optional { ", optional" } else { "" };
    let of_type = format!("{}{null}{optional}", field.of_type);
    let prefix = format!("{name}[].");
    let entries = field.entries.iter().flat_map(|entry| rows(entry, &prefix)).collect::<Vec<_>>();
    std::iter::once([name, of_type, field.doc.to_owned()]).chain(entries).collect()
}

fn rows_or_none(rows: Vec<[String; 3]>) -> String {
    if rows.is_empty() { "  none\n".to_owned() } else { columns(&rows, 2) }
}

/// Rows in columns, of which the last is wrapped.
fn columns(rows: &[[String; 3]], indent: usize) -> String {
    let width =
        |column: fn(&[String; 3]) -> &String| rows.iter().map(|row| column(row).chars().count()).max().unwrap_or(0);
    let (first, second) = (width(|[first, _, _]| first), width(|[_, second, _]| second));
    let margin = indent + first + second + 4;
    let mut text = String::new();
    for [name, what, doc] in rows {
        let doc = wrapped(doc, margin);
        text.push_str(&format!("{:indent$}{name:first$}  {what:second$}  {}", "", doc.trim_start()));
    }
    text
}

/// The text in lines of at most [`WIDTH`], each after `indent` spaces and with a line end.
fn wrapped(text: &str, indent: usize) -> String {
    let room = WIDTH.saturating_sub(indent);
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let Some(line) = lines.last_mut() else { continue };
        if line.is_empty() {
            line.push_str(word);
        } else if line.chars().count() + 1 + word.chars().count() <= room {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines.iter().map(|line| format!("{:indent$}{line}\n", "")).collect()
}
