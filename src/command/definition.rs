//! What a command is, as all ways to ask it know it.

use super::{Given, ParseError, Value};
use crate::model::{Command, Role};

/// A command.
#[derive(Debug)]
pub struct Definition {
    /// What is typed: `ack`.
    pub word: &'static str,
    /// What it is for, in at most 100 letters (Discord's limit): `/help` and Discord say it.
    pub help: &'static str,
    /// As it is typed in chat. An error shows it, too.
    pub example: &'static str,
    pub arguments: &'static [Argument],
    /// The least role that may ask it.
    pub needs: Role,
    /// Whether it changes nothing.
    pub only_looks: bool,
    /// How the command line has it; `None`: it does not ask a server for this.
    pub shell: Option<Shell>,
    /// What is asked for, by arguments that are each as they should be.
    pub read: fn(&Given) -> Result<Command, ParseError>,
}

/// A command as a subcommand of `dogwatch`.
#[derive(Debug)]
pub struct Shell {
    /// What it does, in a line.
    pub about: &'static str,
    /// Examples, and what else is good to know.
    pub more: &'static str,
}

/// One argument of a command.
#[derive(Debug, Clone, Copy)]
pub struct Argument {
    /// In lower case, with dashes: of the option `--all-of`, and of Discord's `all_of`.
    pub name: &'static str,
    /// On the command line and in text, `-o`.
    pub short: Option<char>,
    pub shape: Shape,
    pub value: Value,
    /// What stands for its value in help: `TEAM`.
    pub stands_for: &'static str,
    /// What it is for, in at most 100 letters.
    pub help: &'static str,
    pub need: Need,
}

/// Where an argument stands, and how often. An option stands anywhere before a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// One word, at its place.
    Word,
    /// One word or several, at their place; commas may part them, unless they may stand in one.
    Words,
    /// Several `name=value`, at their place or each after its option.
    Pairs,
    /// After its option: `--team databases`.
    Option,
    /// After its option, parted by commas: `--severity S1,S2`.
    List,
    /// An option without a value.
    Flag,
    /// A flag that people may write without its dashes, too.
    BareFlag,
    /// All the rest of the line, as it is written; an option on the command line. It comes last.
    Text,
}

/// Whether an argument must be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    Required,
    Optional,
    /// This one or that one, and not both.
    Or(&'static str),
}

impl Definition {
    /// The argument of that name.
    pub fn argument(&self, name: &str) -> Option<&'static Argument> {
        self.arguments.iter().find(|argument| argument.name == name)
    }

    /// Those that stand at a place.
    pub(super) fn places(&self) -> impl Iterator<Item = &'static Argument> {
        self.arguments.iter().filter(|argument| argument.shape.has_a_place())
    }

    /// The text that the line ends with.
    pub(super) fn text(&self) -> Option<&'static Argument> {
        self.arguments.iter().find(|argument| argument.shape == Shape::Text)
    }
}

impl Shape {
    pub fn has_a_place(&self) -> bool {
        matches!(self, Shape::Word | Shape::Words | Shape::Pairs)
    }

    pub fn is_flag(&self) -> bool {
        matches!(self, Shape::Flag | Shape::BareFlag)
    }
}

impl Argument {
    const fn new(shape: Shape, name: &'static str, value: Value, stands_for: &'static str, help: &'static str) -> Self {
        Self { name, short: None, shape, value, stands_for, help, need: Need::Optional }
    }

    /// One word that must be there.
    pub(super) const fn word(name: &'static str, value: Value, stands_for: &'static str, help: &'static str) -> Self {
        Self { need: Need::Required, ..Self::new(Shape::Word, name, value, stands_for, help) }
    }

    /// Words of which at least one must be there.
    pub(super) const fn words(name: &'static str, value: Value, stands_for: &'static str, help: &'static str) -> Self {
        Self { need: Need::Required, ..Self::new(Shape::Words, name, value, stands_for, help) }
    }

    pub(super) const fn option(name: &'static str, value: Value, stands_for: &'static str, help: &'static str) -> Self {
        Self::new(Shape::Option, name, value, stands_for, help)
    }

    pub(super) const fn list(name: &'static str, value: Value, stands_for: &'static str, help: &'static str) -> Self {
        Self::new(Shape::List, name, value, stands_for, help)
    }

    pub(super) const fn pairs(name: &'static str, help: &'static str) -> Self {
        Self::new(Shape::Pairs, name, Value::Pair, "NAME=VALUE", help)
    }

    pub(super) const fn text(name: &'static str, stands_for: &'static str, help: &'static str) -> Self {
        Self::new(Shape::Text, name, Value::Text, stands_for, help)
    }

    pub(super) const fn flag(name: &'static str, help: &'static str) -> Self {
        Self::new(Shape::Flag, name, Value::Text, "", help)
    }

    pub(super) const fn bare_flag(name: &'static str, help: &'static str) -> Self {
        Self::new(Shape::BareFlag, name, Value::Text, "", help)
    }

    pub(super) const fn short(self, short: char) -> Self {
        Self { short: Some(short), ..self }
    }

    /// Whether `--team` or `-t` names it in a line of text.
    pub(super) fn is_called(&self, dashed: &str) -> bool {
        let has_option = !matches!(self.shape, Shape::Word | Shape::Words | Shape::Text);
        let is_name = dashed.strip_prefix("--") == Some(self.name);
        let is_short = self.short.is_some_and(|short| dashed.strip_prefix('-') == Some(short.to_string().as_str()));
        has_option && (is_name || is_short)
    }

    pub(super) const fn optional(self) -> Self {
        Self { need: Need::Optional, ..self }
    }

    pub(super) const fn required(self) -> Self {
        Self { need: Need::Required, ..self }
    }

    /// Either this one or the other is given.
    pub(super) const fn or(self, other: &'static str) -> Self {
        Self { need: Need::Or(other), ..self }
    }
}
