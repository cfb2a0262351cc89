//! `sets.contains(wanted, found)`: lists, in whatever order, and however often each entry is there.

use cel::common::types::{CelBool, LIST_TYPE};
use cel::common::value::{CowVal, Val};
use cel::{DeclarationError, Env, ExecutionError};

use super::{Answer, Set, Values, entries};

pub(super) fn declare(env: &mut Env) -> Result<(), DeclarationError> {
    let lists = || vec![LIST_TYPE, LIST_TYPE];
    env.add_overload("sets.contains", "sets.contains(list, list)", lists(), |args| {
        ask(&args, |(a, _), (_, b)| b.iter().all(|entry| a.has(*entry)))
    })?;
    env.add_overload("sets.intersects", "sets.intersects(list, list)", lists(), |args| {
        ask(&args, |(a, _), (_, b)| b.iter().any(|entry| a.has(*entry)))
    })?;
    env.add_overload("sets.equivalent", "sets.equivalent(list, list)", lists(), |args| {
        ask(&args, |(a, of_a), (b, of_b)| {
            of_b.iter().all(|entry| a.has(*entry)) && of_a.iter().all(|entry| b.has(*entry))
        })
    })
}

type Side<'s, 'b, 'v> = (&'s Set<'b, 'v>, &'s [&'b (dyn Val + 'v)]);

fn ask<'b, 'v>(args: &Values<'b, 'v>, holds: for<'s> fn(Side<'s, '_, '_>, Side<'s, '_, '_>) -> bool) -> Answer<'b, 'v> {
    let [a, b] = args.as_slice() else { return Err(ExecutionError::invalid_argument_count(2, args.len())) };
    let (a, b) = (entries(a.as_ref())?, entries(b.as_ref())?);
    let (set_a, set_b) = (Set::of(&a)?, Set::of(&b)?);
    Ok(CowVal::owned(CelBool::from(holds((&set_a, &a), (&set_b, &b)))))
}
