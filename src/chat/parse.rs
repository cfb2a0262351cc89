//! A line of text as a command.

use std::collections::BTreeMap;

use crate::model::{Command, IdError, IncidentId, Verdict};

/// A text that is no command: what is wrong, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}; {instead}")]
pub struct ParseError {
    pub what: String,
    pub instead: String,
}

/// The longest command, in bytes: a note or an input is a line, not a document.
const LONGEST: usize = 4_000;

/// Reads `/ack INC-7` or `ack INC-7`, and all the other commands that `/help` lists. Values may be quoted: `note="two words"`.
///
/// # Errors
/// When it is no command, or one with something missing or too much.
pub fn parse_command(text: &str) -> Result<Command, ParseError> {
    if text.len() > LONGEST {
        return Err(error(format!("this is longer than {LONGEST} bytes"), "write a shorter command"));
    }
    let text = text.trim();
    let (name, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let name = name.strip_prefix('/').unwrap_or(name).to_ascii_lowercase();
    let rest = rest.trim();
    match name.as_str() {
        "" => Err(error("there is no command", "/help lists them")),
        "incidents" => match words(rest)?.as_slice() {
            [] => Ok(Command::Incidents { all: false }),
            [all] if all == "all" => Ok(Command::Incidents { all: true }),
            other => Err(too_much(&other[0], "/incidents or /incidents all")),
        },
        "run" => parse_run(words(rest)?),
        "ack" => parse_id(rest, "/ack INC-7").map(|incident| Command::Ack { incident }),
        "why" => parse_id(rest, "/why INC-7").map(|incident| Command::Why { incident }),
        "resolve" => parse_resolve(rest),
        "approve" => parse_answer(rest, Verdict::Approve),
        "deny" => parse_answer(rest, Verdict::Deny),
        "handoff" => nothing_more(rest, "/handoff").map(|()| Command::Handoff),
        "help" => nothing_more(rest, "/help").map(|()| Command::Help),
        _ => Err(unknown(&name)),
    }
}

/// The command's name, without its arguments: for logs.
pub fn command_name(command: &Command) -> &'static str {
    match command {
        Command::Incidents { .. } => "incidents",
        Command::Run { .. } => "run",
        Command::Ack { .. } => "ack",
        Command::Resolve { .. } => "resolve",
        Command::Why { .. } => "why",
        Command::Approve { verdict: Verdict::Approve, .. } => "approve",
        Command::Approve { verdict: Verdict::Deny, .. } => "deny",
        Command::Handoff => "handoff",
        Command::Help => "help",
    }
}

const NAMES: &[&str] = &["incidents", "run", "ack", "why", "resolve", "approve", "deny", "handoff", "help"];

fn parse_run(words: Vec<String>) -> Result<Command, ParseError> {
    const LIKE: &str = "/run coredns-saturated max_replicas=8 --dry-run";
    let (mut playbook, mut set, mut dry_run) = (None, BTreeMap::new(), false);
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--dry-run" => dry_run = true,
            // As the command line writes it.
            "--set" => {
                let pair =
                    words.next().ok_or_else(|| error("nothing follows `--set`", format!("write it like {LIKE}")))?;
                insert(&mut set, &pair, LIKE)?;
            }
            flag if flag.starts_with("--") => {
                return Err(error(format!("`{}` is no option of /run", shown(flag)), "there is only --dry-run"));
            }
            _ if playbook.is_none() => playbook = Some(word),
            pair => insert(&mut set, pair, LIKE)?,
        }
    }
    let playbook = playbook.ok_or_else(|| error("it does not say which playbook", format!("write it like {LIKE}")))?;
    if playbook.contains('=') {
        return Err(error(
            format!("the playbook must stand before `{}`", shown(&playbook)),
            format!("write it like {LIKE}"),
        ));
    }
    Ok(Command::Run { playbook, set, dry_run })
}

fn insert(set: &mut BTreeMap<String, String>, pair: &str, like: &str) -> Result<(), ParseError> {
    let Some((name, value)) = pair.split_once('=').filter(|(name, _)| !name.is_empty()) else {
        return Err(error(format!("`{}` is no input", shown(pair)), format!("write name=value, as in {like}")));
    };
    if set.insert(name.to_owned(), value.to_owned()).is_some() {
        return Err(error(format!("`{}` is given twice", shown(name)), "say once what it is to be"));
    }
    Ok(())
}

fn parse_resolve(rest: &str) -> Result<Command, ParseError> {
    let (id, note) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let incident = parse_id(id, "/resolve INC-7 it was the disk")?;
    let note = note.trim();
    Ok(Command::Resolve { incident, note: (!note.is_empty()).then(|| note.to_owned()) })
}

fn parse_answer(rest: &str, verdict: Verdict) -> Result<Command, ParseError> {
    let like = match verdict {
        Verdict::Approve => "/approve APR-7",
        Verdict::Deny => "/deny APR-7",
    };
    let approval =
        one_word(rest, like)?.parse().map_err(|wrong: IdError| error(wrong.to_string(), "the question says which"))?;
    Ok(Command::Approve { approval, verdict, digest: None })
}

fn parse_id(rest: &str, like: &str) -> Result<IncidentId, ParseError> {
    one_word(rest, like)?.parse().map_err(|wrong: IdError| error(wrong.to_string(), "/incidents lists them"))
}

fn one_word<'a>(rest: &'a str, like: &str) -> Result<&'a str, ParseError> {
    let mut words = rest.split_whitespace();
    match (words.next(), words.next()) {
        (None, _) => Err(error("it does not say which one", format!("write it like {like}"))),
        (Some(word), None) => Ok(word),
        (Some(_), Some(more)) => Err(too_much(more, like)),
    }
}

fn nothing_more(rest: &str, like: &str) -> Result<(), ParseError> {
    if rest.is_empty() { Ok(()) } else { Err(too_much(rest, like)) }
}

/// Words, of which quotes may hold several together: `"two words"`, `note='two words'`.
fn words(text: &str) -> Result<Vec<String>, ParseError> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for letter in text.chars() {
        match (quote, letter) {
            (Some(open), letter) if letter == open => quote = None,
            (None, '"' | '\'') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (None, letter) if letter.is_whitespace() => words.extend(word.take()),
            (_, letter) => word.get_or_insert_default().push(letter),
        }
    }
    if let Some(quote) = quote {
        return Err(error(format!("a quote {quote} is not closed"), format!("close it with another {quote}")));
    }
    words.extend(word);
    Ok(words)
}

fn unknown(name: &str) -> ParseError {
    let instead = match NAMES.iter().map(|known| (slips(name, known), known)).min() {
        // A slip for each three letters.
        Some((slips, known)) if slips <= known.len() / 3 => format!("did you mean /{known}?"),
        _ => "/help lists the commands".to_owned(),
    };
    error(format!("`{}` is no command", shown(name)), instead)
}

fn too_much(word: &str, like: &str) -> ParseError {
    error(format!("`{}` is too much here", shown(word)), format!("write it like {like}"))
}

fn error(what: impl Into<String>, instead: impl Into<String>) -> ParseError {
    ParseError { what: what.into(), instead: instead.into() }
}

fn shown(text: &str) -> String {
    crate::message::clip(text, 40)
}

/// How many letters were added, left out, mistaken, or swapped with their neighbour.
fn slips(a: &str, b: &str) -> usize {
    // A command's name is short; nothing longer is a misspelt one.
    let a: Vec<char> = a.chars().take(20).collect();
    let b: Vec<char> = b.chars().collect();
    let mut rows = vec![(0..=b.len()).collect::<Vec<usize>>()];
    for i in 1..=a.len() {
        let (above, mut row) = (&rows[i - 1], vec![i]);
        for j in 1..=b.len() {
            let mistaken = above[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = mistaken.min(above[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests;
