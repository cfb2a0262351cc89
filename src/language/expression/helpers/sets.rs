//! `sets.contains(wanted, found)`: lists, in whatever order, and however often each entry is there.

use cel::common::types::{CelBool, LIST_TYPE};
use cel::common::value::{CowVal, Val};
use cel::{DeclarationError, Env, ExecutionError};

use super::{Answer, Values, entries};
use crate::language::expression::operators::{readable, same};

/// Each of one is compared with each of the other.
const MOST: usize = 1_000;

pub(super) fn declare(env: &mut Env) -> Result<(), DeclarationError> {
    let lists = || vec![LIST_TYPE, LIST_TYPE];
    env.add_overload("sets.contains", "sets.contains(list, list)", lists(), |args| {
        ask(&args, |a, b| b.iter().all(|entry| has(a, *entry)))
    })?;
    env.add_overload("sets.intersects", "sets.intersects(list, list)", lists(), |args| {
        ask(&args, |a, b| b.iter().any(|entry| has(a, *entry)))
    })?;
    env.add_overload("sets.equivalent", "sets.equivalent(list, list)", lists(), |args| {
        ask(&args, |a, b| b.iter().all(|entry| has(a, *entry)) && a.iter().all(|entry| has(b, *entry)))
    })
}

fn has(set: &[&dyn Val], entry: &dyn Val) -> bool {
    set.iter().any(|known| same(*known, entry))
}

fn ask<'b, 'v>(args: &Values<'b, 'v>, holds: fn(&[&dyn Val], &[&dyn Val]) -> bool) -> Answer<'b, 'v> {
    let [a, b] = args.as_slice() else { return Err(ExecutionError::invalid_argument_count(2, args.len())) };
    let (a, b) = (entries(a.as_ref())?, entries(b.as_ref())?);
    if a.len().max(b.len()) > MOST {
        return Err(readable(format!("a set of more than {MOST} entries is not compared")));
    }
    Ok(CowVal::owned(CelBool::from(holds(&a, &b))))
}
