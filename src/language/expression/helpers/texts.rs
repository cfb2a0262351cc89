//! `'  A '.trim().lowerAscii()`, `'a,b'.split(',')`, `name.find('[0-9]+')`.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use cel::common::types::{CelInt, CelString, INT_TYPE, LIST_TYPE, STRING_TYPE};
use cel::common::value::CowVal;
use cel::{DeclarationError, Env, ExecutionError};
use regex::{Regex, RegexBuilder};

use super::{Answer, Values, answer, entries, list_of, text};
use crate::language::expression::operators::readable;

/// So many parts a text is split into, or found in, at the most.
const MOST_PARTS: usize = 1_000;
/// So many regular expressions are kept compiled.
const MOST_KEPT: usize = 200;

pub(super) fn declare(env: &mut Env) -> Result<(), DeclarationError> {
    env.add_member_overload("trim", "text.trim()", STRING_TYPE, vec![], |args| {
        answer("trim", text(&args, 0)?.trim().to_owned())
    })?;
    env.add_member_overload("lowerAscii", "text.lowerAscii()", STRING_TYPE, vec![], |args| {
        answer("lowerAscii", text(&args, 0)?.to_ascii_lowercase())
    })?;
    env.add_member_overload("upperAscii", "text.upperAscii()", STRING_TYPE, vec![], |args| {
        answer("upperAscii", text(&args, 0)?.to_ascii_uppercase())
    })?;
    env.add_member_overload("split", "text.split(text)", STRING_TYPE, vec![STRING_TYPE], |args| {
        let (all, by) = (text(&args, 0)?, text(&args, 1)?);
        if by.is_empty() {
            return Err(readable("`split` needs a text to split by".to_owned()));
        }
        parts("split", all.split(by).map(str::to_owned))
    })?;
    env.add_member_overload("join", "list.join()", LIST_TYPE, vec![], |args| join(&args, ""))?;
    env.add_member_overload("join", "list.join(text)", LIST_TYPE, vec![STRING_TYPE], |args| {
        let by = text(&args, 1)?.to_owned();
        join(&args, &by)
    })?;
    env.add_member_overload(
        "replace",
        "text.replace(text, text)",
        STRING_TYPE,
        vec![STRING_TYPE, STRING_TYPE],
        replace,
    )?;
    env.add_member_overload("substring", "text.substring(int)", STRING_TYPE, vec![INT_TYPE], substring)?;
    env.add_member_overload("substring", "text.substring(int, int)", STRING_TYPE, vec![INT_TYPE, INT_TYPE], substring)?;
    env.add_member_overload("indexOf", "text.indexOf(text)", STRING_TYPE, vec![STRING_TYPE], |args| {
        position(&args, |all, it| all.find(it))
    })?;
    env.add_member_overload("lastIndexOf", "text.lastIndexOf(text)", STRING_TYPE, vec![STRING_TYPE], |args| {
        position(&args, |all, it| all.rfind(it))
    })?;
    env.add_member_overload("find", "text.find(text)", STRING_TYPE, vec![STRING_TYPE], |args| {
        let found = regex(text(&args, 1)?)?.find(text(&args, 0)?).map(|found| found.as_str().to_owned());
        answer("find", found.unwrap_or_default())
    })?;
    env.add_member_overload("findAll", "text.findAll(text)", STRING_TYPE, vec![STRING_TYPE], |args| {
        let regex = regex(text(&args, 1)?)?;
        parts("findAll", regex.find_iter(text(&args, 0)?).map(|found| found.as_str().to_owned()))
    })
}

fn parts<'b, 'v>(function: &str, parts: impl Iterator<Item = String>) -> Answer<'b, 'v> {
    let parts: Vec<String> = parts.take(MOST_PARTS + 1).collect();
    if parts.len() > MOST_PARTS {
        return Err(readable(format!("`{function}` gives more than {MOST_PARTS} parts")));
    }
    Ok(list_of(parts))
}

fn join<'b, 'v>(args: &Values<'b, 'v>, by: &str) -> Answer<'b, 'v> {
    let list = args.first().ok_or_else(|| ExecutionError::invalid_argument_count(1, 0))?;
    let mut joined = String::new();
    for (n, entry) in entries(list.as_ref())?.into_iter().enumerate() {
        let part = entry.downcast_ref::<CelString>();
        let part = part.ok_or_else(|| readable("`join` puts texts together, and the list has another value".into()))?;
        joined.push_str(if n == 0 { "" } else { by });
        joined.push_str(part.inner());
        if joined.len() > super::LONGEST_TEXT {
            break;
        }
    }
    answer("join", joined)
}

fn replace<'b, 'v>(args: Values<'b, 'v>) -> Answer<'b, 'v> {
    let (all, old, new) = (text(&args, 0)?, text(&args, 1)?, text(&args, 2)?);
    // Of a long text with a long one in the place of each letter there would be too much.
    let longest = all.len().saturating_add(all.matches(old).count().saturating_mul(new.len()));
    if longest > super::LONGEST_TEXT * 2 {
        return Err(readable(format!("`replace` gives more than {} KiB", super::LONGEST_TEXT / 1024)));
    }
    answer("replace", all.replace(old, new))
}

/// From one letter to before another one, both counted from 0.
fn substring<'b, 'v>(args: Values<'b, 'v>) -> Answer<'b, 'v> {
    let all = text(&args, 0)?;
    let number = |n: usize| args.get(n).and_then(|arg| arg.downcast_ref::<CelInt>()).map(|int| *int.inner());
    let letters = i64::try_from(all.chars().count()).unwrap_or(i64::MAX);
    let (from, to) = (number(1).unwrap_or_default(), number(2).unwrap_or(letters));
    if from < 0 || to < from || to > letters {
        return Err(readable(format!("`substring` from {from} to {to} is not within a text of {letters} letters")));
    }
    let (from, to) = (usize::try_from(from).unwrap_or_default(), usize::try_from(to).unwrap_or_default());
    answer("substring", all.chars().skip(from).take(to - from).collect())
}

/// At which letter it stands, counted from 0; -1: nowhere.
fn position<'b, 'v>(args: &Values<'b, 'v>, find: for<'t> fn(&'t str, &'t str) -> Option<usize>) -> Answer<'b, 'v> {
    let all = text(args, 0)?;
    let letters = |at: usize| all.get(..at).map_or(0, |before| before.chars().count());
    let at = find(all, text(args, 1)?).map_or(-1, |at| i64::try_from(letters(at)).unwrap_or(i64::MAX));
    Ok(CowVal::owned(CelInt::from(at)))
}

/// A loop asks the same for each entry.
fn regex(pattern: &str) -> Result<Regex, ExecutionError> {
    static KEPT: LazyLock<Mutex<HashMap<String, Regex>>> = LazyLock::new(Mutex::default);
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(regex) = kept.get(pattern) {
        return Ok(regex.clone());
    }
    let regex = RegexBuilder::new(pattern).size_limit(1 << 20).build();
    let regex = regex.map_err(|error| {
        let said = error.to_string();
        readable(format!("no regular expression: {}", said.rsplit("error: ").next().unwrap_or_default().trim()))
    })?;
    if kept.len() >= MOST_KEPT {
        kept.clear();
    }
    kept.insert(pattern.to_owned(), regex.clone());
    Ok(regex)
}
