//! A command as a line of text: how people type it, and how the command line sends it.

use super::value::Reading;
use super::{Argument, COMMANDS, Definition, Given, Need, ParseError, Shape, command_called, shown};
use crate::language::closest;
use crate::model::Command;

/// The longest command, in bytes: a note or an input is a line, not a document.
const LONGEST: usize = 4_000;

/// Reads `/ack INC-7` or `ack INC-7`, and all the other commands that `/help` lists. Values may be
/// quoted: `note="two words"`.
///
/// # Errors When it is no command, or one with something missing or too much.
pub fn parse_command(text: &str) -> Result<Command, ParseError> {
    if text.len() > LONGEST {
        return Err(ParseError::new(format!("this is longer than {LONGEST} bytes"), "write a shorter command"));
    }
    let text = text.trim();
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let word = word.strip_prefix('/').unwrap_or(word).to_ascii_lowercase();
    if word.is_empty() {
        return Err(ParseError::new("there is no command", "/help lists them"));
    }
    let definition = command_called(&word).ok_or_else(|| unknown(&word))?;
    Reader::read(definition, rest)?.command()
}

fn unknown(word: &str) -> ParseError {
    let instead = match closest(word, COMMANDS.iter().map(|command| command.word)) {
        Some(known) => format!("did you mean /{known}?"),
        None => "/help lists the commands".to_owned(),
    };
    ParseError::new(format!("`{}` is no command", shown(word)), instead)
}

/// What is left of a line.
pub(super) struct Reader<'a> {
    definition: &'static Definition,
    rest: &'a str,
    given: Given,
    /// How many places are filled or passed by.
    place: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn read(definition: &'static Definition, arguments: &'a str) -> Result<Given, ParseError> {
        let mut reader = Self { definition, rest: arguments, given: Given::new(definition), place: 0 };
        loop {
            reader.rest = reader.rest.trim();
            if reader.rest.is_empty() {
                return Ok(reader.given);
            }
            if !reader.take_option()? && !reader.take_word()? {
                reader.take_text()?;
                return Ok(reader.given);
            }
        }
    }

    /// The first word as it stands there, quotes and all.
    fn raw_word(&self) -> &'a str {
        self.rest.split(char::is_whitespace).next().unwrap_or_default()
    }

    /// Takes an option with its value. `false`: something else comes.
    fn take_option(&mut self) -> Result<bool, ParseError> {
        let raw = self.raw_word();
        let (dashed, value) = raw.split_once('=').map_or((raw, None), |(option, value)| (option, Some(value)));
        let arguments = self.definition.arguments;
        let is_bare = |it: &&Argument| it.shape == Shape::BareFlag && raw.eq_ignore_ascii_case(it.name);
        let Some(argument) = arguments.iter().find(|it| is_bare(it) || it.is_called(dashed)) else {
            // A note may begin with a dash, but an option that is mistaken for a note is not done.
            let is_option = raw.strip_prefix("--").is_some_and(|name| name.starts_with(char::is_alphabetic));
            return if is_option { Err(no_option(self.definition, dashed)) } else { Ok(false) };
        };
        if argument.shape.is_flag() {
            self.next_word()?;
            if value.is_some() {
                return Err(ParseError::new(format!("`{dashed}` takes no value"), format!("write just {dashed}")));
            }
            self.given.put(argument, "")?;
            return Ok(true);
        }
        let written = self.next_word()?.unwrap_or_default();
        let value = match value {
            Some(_) => written.split_once('=').map(|(_, value)| value.to_owned()),
            None => self.next_word()?,
        };
        let example = self.definition.example;
        let Some(value) = value else {
            return Err(ParseError::new(format!("nothing follows `{dashed}`"), format!("write it like {example}")));
        };
        self.given.put(argument, &value)?;
        Ok(true)
    }

    /// Takes a word at the next place that it may have. `false`: the text begins here.
    fn take_word(&mut self) -> Result<bool, ParseError> {
        let before_text = self.definition.text().is_some();
        let raw = self.raw_word();
        if before_text && raw == "--" {
            return Ok(false);
        }
        let places: Vec<&'static Argument> = self.definition.places().collect();
        while let Some(argument) = places.get(self.place) {
            let is_first = !self.given.has(argument.name);
            let other = match argument.need {
                Need::Or(other) => self.given.has(other),
                Need::Required | Need::Optional => false,
            };
            let must = is_first && argument.need != Need::Optional && !other;
            let is_last = self.place + 1 == places.len() && !before_text;
            if !(must || is_last || is_list(argument, raw)) {
                match argument.value.reading(raw) {
                    Reading::Is => {}
                    Reading::IsNot => {
                        self.place += 1;
                        continue;
                    }
                    Reading::Nearly(error) => return Err(error),
                }
            }
            let Some(word) = self.next_word()? else { return Ok(true) };
            self.given.put(argument, &word)?;
            if argument.shape == Shape::Word {
                self.place += 1;
            }
            return Ok(true);
        }
        Ok(false)
    }

    /// Takes all that is left as the text.
    fn take_text(&mut self) -> Result<(), ParseError> {
        let Some(argument) = self.definition.text() else {
            return Err(too_much(self.raw_word(), self.definition.example));
        };
        let text = match self.rest.strip_prefix("--") {
            Some(text) if text.is_empty() || text.starts_with(char::is_whitespace) => text,
            _ if self.rest.chars().all(|c| c.is_ascii_digit() || c == ',' || c.is_whitespace()) => {
                return Err(ParseError::new(
                    format!("`{}` may be a note or more incidents", shown(self.rest)),
                    "write incidents as INC-7, and -- before such a note",
                ));
            }
            _ if let Some(option) = self.option_within() => {
                return Err(ParseError::new(
                    format!("`{}` stands within the {}, where it counts for nothing", shown(option), argument.name),
                    format!("write it before the {0}, or -- before such a {0}", argument.name),
                ));
            }
            _ => self.rest,
        };
        self.given.put(argument, text)
    }

    /// An option of the command within what is left: whoever wrote it means it.
    fn option_within(&self) -> Option<&'a str> {
        let is_option = |word: &&str| {
            let dashed = word.split('=').next().unwrap_or(word);
            dashed.starts_with("--") && self.definition.arguments.iter().any(|it| it.is_called(dashed))
        };
        self.rest.split_whitespace().find(is_option)
    }

    /// The next word, of which quotes may hold several together: `"two words"`, `note='two words'`.
    fn next_word(&mut self) -> Result<Option<String>, ParseError> {
        let (word, rest) = split_word(self.rest)?;
        self.rest = rest;
        Ok(word)
    }
}

/// Whether all of `INC-3,INC-4` are what the argument takes.
fn is_list(argument: &Argument, raw: &str) -> bool {
    let mut parts = raw.split(',').filter(|part| !part.is_empty()).peekable();
    argument.shape == Shape::Words
        && argument.value.parts_at_commas()
        && parts.peek().is_some()
        && parts.all(|part| matches!(argument.value.reading(part), Reading::Is))
}

fn split_word(text: &str) -> Result<(Option<String>, &str), ParseError> {
    let (mut word, mut quote) = (None::<String>, None);
    let text = text.trim_start();
    for (at, letter) in text.char_indices() {
        match (quote, letter) {
            (Some(open), letter) if letter == open => quote = None,
            (None, '"' | '\'') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (None, letter) if letter.is_whitespace() => return Ok((word, &text[at..])),
            (_, letter) => word.get_or_insert_default().push(letter),
        }
    }
    if let Some(quote) = quote {
        return Err(ParseError::new(
            format!("a quote {quote} is not closed"),
            format!("close it with another {quote}"),
        ));
    }
    Ok((word, ""))
}

impl Given {
    /// Takes several values of an argument that are written one after the other: `max=8
    /// name=coredns`.
    ///
    /// # Errors As [`Given::put`].
    pub fn put_words(&mut self, argument: &'static Argument, text: &str) -> Result<(), ParseError> {
        let mut rest = text;
        while let (Some(word), after) = split_word(rest)? {
            self.put(argument, &word)?;
            rest = after;
        }
        Ok(())
    }

    /// As a line that reads as what was given: `/ack INC-7`.
    pub fn line(&self) -> String {
        let mut line = format!("/{}", self.definition.word);
        let mut add = |word: &str| {
            line.push(' ');
            line.push_str(word);
        };
        for argument in self.definition.arguments {
            let option = format!("--{}", argument.name);
            let values = self.all(argument.name);
            match argument.shape {
                Shape::Flag if self.has(argument.name) => add(&option),
                Shape::BareFlag if self.has(argument.name) => add(argument.name),
                Shape::Word | Shape::Words => values.iter().for_each(|value| add(&quoted(value))),
                Shape::List if !values.is_empty() => add(&format!("{option} {}", values.join(","))),
                Shape::Pairs | Shape::Option => {
                    values.iter().for_each(|value| add(&format!("{option} {}", quoted(value))));
                }
                Shape::Flag | Shape::BareFlag | Shape::List | Shape::Text => {}
            }
        }
        let Some(text) = self.definition.text().and_then(|argument| self.one(argument.name)) else { return line };
        // It goes to the end of the line and needs no quotes; where it begins like something else,
        // dashes stand before it.
        let bare = format!("{line} {text}");
        match parse_command(&bare) {
            Ok(command) if self.command().as_ref() == Ok(&command) => bare,
            _ => format!("{line} -- {text}"),
        }
    }
}

/// As one word, whatever is in it. A quote cannot be escaped, but stand in quotes of the other
/// sort.
pub fn quoted(word: &str) -> String {
    let plain = |c: char| !c.is_whitespace() && !matches!(c, '"' | '\'');
    if !word.is_empty() && !word.starts_with('-') && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("\"{}\"", word.replace('"', "\"'\"'\""))
}

fn no_option(definition: &Definition, dashed: &str) -> ParseError {
    let options = definition.arguments.iter().filter(|it| !it.shape.has_a_place() && it.shape != Shape::Text);
    let options: Vec<&str> = options.map(|argument| argument.name).collect();
    let near = closest(dashed.trim_start_matches('-'), options.iter().copied());
    let instead = match (near, options.as_slice()) {
        (None, _) if definition.text().is_some() => "write -- before a note that begins like that".to_owned(),
        (Some(near), _) => format!("did you mean --{near}?"),
        (None, []) => "it has none".to_owned(),
        (None, [only]) => format!("there is only --{only}"),
        (None, [first @ .., last]) => format!("there are --{} and --{last}", first.join(", --")),
    };
    ParseError::new(format!("`{}` is no option of /{}", shown(dashed), definition.word), instead)
}

fn too_much(word: &str, example: &str) -> ParseError {
    ParseError::new(format!("`{}` is too much here", shown(word)), format!("write it like {example}"))
}

#[cfg(test)]
mod tests;
