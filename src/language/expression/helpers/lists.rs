//! `sizes.sum()`, `ages.max()`, `names.distinct()`.

use std::cmp::Ordering;

use cel::common::types::{CelInt, CelList, LIST_TYPE};
use cel::common::value::{CowVal, Val};
use cel::{DeclarationError, Env, ExecutionError};

use super::{Answer, Set, Values, entries};
use crate::language::expression::operators::{compare, readable, sum};

pub(super) fn declare(env: &mut Env) -> Result<(), DeclarationError> {
    env.add_member_overload("sum", "list.sum()", LIST_TYPE, vec![], |args| {
        let entries = of(&args)?;
        let mut total: CowVal<'_, '_> = CowVal::owned(CelInt::from(0));
        for entry in entries {
            total = sum(total.as_ref(), entry)?;
        }
        Ok(total)
    })?;
    env.add_member_overload("min", "list.min()", LIST_TYPE, vec![], |args| most(&args, "min", Ordering::is_lt))?;
    env.add_member_overload("max", "list.max()", LIST_TYPE, vec![], |args| most(&args, "max", Ordering::is_gt))?;
    env.add_member_overload("distinct", "list.distinct()", LIST_TYPE, vec![], |args| {
        let mut known = Set::default();
        let mut distinct = Vec::new();
        for entry in of(&args)? {
            if known.insert(entry)? {
                distinct.push(entry.clone_as_boxed());
            }
        }
        Ok(CowVal::owned(CelList::from(distinct)))
    })
}

fn of<'b, 'v>(args: &'b Values<'_, 'v>) -> Result<Vec<&'b (dyn Val + 'v)>, ExecutionError> {
    entries(args.first().ok_or_else(|| ExecutionError::invalid_argument_count(1, 0))?.as_ref())
}

/// Nothing has no least and no most: whoever asks writes what counts then.
fn most<'b, 'v>(args: &Values<'b, 'v>, name: &str, is_it: fn(Ordering) -> bool) -> Answer<'b, 'v> {
    let mut most: Option<&dyn Val> = None;
    for entry in of(args)? {
        let is_more = match most {
            Some(known) => is_it(
                compare(entry, known)
                    .ok_or_else(|| readable(format!("`{name}` compares numbers with numbers, and texts with texts")))?,
            ),
            None => true,
        };
        most = if is_more { Some(entry) } else { most };
    }
    let most = most.ok_or_else(|| {
        readable(format!("an empty list has no `{name}`; ask `list.size() == 0 ? ... : list.{name}()`"))
    })?;
    Ok(CowVal::Owned(most.clone_as_boxed()))
}
