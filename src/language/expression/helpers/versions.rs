//! `semver(image).isLessThan(semver('15.4'))`. A version is a map of its parts, and so may be given
//! a name by `set`.

use std::cmp::Ordering;
use std::collections::HashMap;

use cel::common::types::{CelBool, CelInt, CelMap, CelMapKey, CelString, MAP_TYPE, STRING_TYPE};
use cel::common::value::{CowVal, Val};
use cel::{DeclarationError, Env, ExecutionError};
use semver::{Prerelease, Version};

use super::{Answer, Values, text};
use crate::language::expression::operators::readable;

pub(super) fn declare(env: &mut Env) -> Result<(), DeclarationError> {
    env.add_overload("isSemver", "isSemver(text)", vec![STRING_TYPE], |args| {
        Ok(truth(parse(text(&args, 0)?).is_some()))
    })?;
    env.add_overload("semver", "semver(text)", vec![STRING_TYPE], |args| {
        let written = text(&args, 0)?;
        let shown = || written.chars().take(40).collect::<String>();
        let version = parse(written).ok_or_else(|| readable(format!("`{}` is no version such as `1.2.3`", shown())))?;
        Ok(value(&version))
    })?;
    env.add_member_overload("isLessThan", "version.isLessThan(version)", MAP_TYPE, vec![MAP_TYPE], |args| {
        Ok(truth(order(&args)?.is_lt()))
    })?;
    env.add_member_overload("isGreaterThan", "version.isGreaterThan(version)", MAP_TYPE, vec![MAP_TYPE], |args| {
        Ok(truth(order(&args)?.is_gt()))
    })?;
    env.add_member_overload("compareTo", "version.compareTo(version)", MAP_TYPE, vec![MAP_TYPE], |args| {
        Ok(CowVal::owned(CelInt::from(order(&args)? as i64)))
    })?;
    for part in ["major", "minor", "patch"] {
        let function: cel::common::functions::Function = match part {
            "major" => |args| number(&args, "major"),
            "minor" => |args| number(&args, "minor"),
            _ => |args| number(&args, "patch"),
        };
        env.add_member_overload(part, part, MAP_TYPE, vec![], function)?;
    }
    Ok(())
}

/// As people write it: `v1.29.0`, `15.4`, `1.2.3-rc.1+build`.
fn parse(text: &str) -> Option<Version> {
    let text = text.trim().trim_start_matches(['v', 'V']);
    let end = text.find(['-', '+']).unwrap_or(text.len());
    let (numbers, rest) = text.split_at(end);
    let parts = numbers.split('.').count();
    let padded = match parts {
        1 => format!("{numbers}.0.0{rest}"),
        2 => format!("{numbers}.0{rest}"),
        _ => text.to_owned(),
    };
    Version::parse(&padded).ok()
}

fn value<'b, 'v>(version: &Version) -> CowVal<'b, 'v> {
    let number = |n: u64| Box::new(CelInt::from(i64::try_from(n).unwrap_or(i64::MAX))) as Box<dyn Val + 'v>;
    let fields: HashMap<CelMapKey<'v>, Box<dyn Val + 'v>> = HashMap::from([
        (CelMapKey::from("major"), number(version.major)),
        (CelMapKey::from("minor"), number(version.minor)),
        (CelMapKey::from("patch"), number(version.patch)),
        (CelMapKey::from("pre"), Box::new(CelString::from(version.pre.to_string())) as Box<dyn Val + 'v>),
    ]);
    CowVal::owned(CelMap::from(fields))
}

fn order(args: &Values<'_, '_>) -> Result<Ordering, ExecutionError> {
    let [a, b] = args.as_slice() else { return Err(ExecutionError::invalid_argument_count(2, args.len())) };
    Ok(version(a.as_ref())?.cmp_precedence(&version(b.as_ref())?))
}

fn version(value: &dyn Val) -> Result<Version, ExecutionError> {
    let part = |name: &str| field(value, name).and_then(|part| u64::try_from(part).ok());
    let (Some(major), Some(minor), Some(patch)) = (part("major"), part("minor"), part("patch")) else {
        return Err(readable("a version is needed: `semver('1.2.3')`".to_owned()));
    };
    let pre = CelString::from("pre");
    let pre = value.as_indexer().and_then(|map| map.get(&pre).ok());
    let pre = pre.and_then(|pre| pre.downcast_ref::<CelString>().map(|text| text.inner().to_owned()));
    let pre = Prerelease::new(pre.as_deref().unwrap_or_default()).unwrap_or_default();
    Ok(Version { pre, ..Version::new(major, minor, patch) })
}

fn field(value: &dyn Val, name: &str) -> Option<i64> {
    let key = CelString::from(name);
    let found = value.as_indexer()?.get(&key).ok()?;
    found.downcast_ref::<CelInt>().map(|int| *int.inner())
}

fn number<'b, 'v>(args: &Values<'b, 'v>, part: &str) -> Answer<'b, 'v> {
    let found = args.first().and_then(|value| field(value.as_ref(), part));
    let found = found.ok_or_else(|| readable("a version is needed: `semver('1.2.3')`".to_owned()))?;
    Ok(CowVal::owned(CelInt::from(found)))
}

fn truth<'b, 'v>(is: bool) -> CowVal<'b, 'v> {
    CowVal::owned(CelBool::from(is))
}
