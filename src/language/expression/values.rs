//! JSON into CEL values and back.

use std::collections::HashMap;

use cel::common::types::{CelBool, CelDouble, CelInt, CelList, CelMap, CelMapKey, CelNull, CelString};
use cel::common::value::Val;
use serde_json::Value;

/// What one evaluation may look at. CEL has no limits of its own, and a condition holds up a worker while it is decided.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    /// The longest list or object.
    pub longest: usize,
    /// All values together.
    pub values: usize,
}

impl Room {
    /// For a condition whose macros go through lists within lists `nested` deep.
    pub fn for_nesting(nested: usize) -> Self {
        // 10,000 looks in one loop, or 1,000 times 1,000 in two, take about a second at worst.
        Self { longest: if nested > 1 { 1_000 } else { 10_000 }, values: 1_000_000 }
    }
}

/// The value as CEL sees it. Whole numbers are `int`; a field that is null is not there, as Kubernetes means it.
///
/// # Errors
/// A message, when there is more of it than `room` allows.
pub(super) fn to_cel<'v>(json: &'v Value, room: &mut Room) -> Result<Box<dyn Val + 'v>, String> {
    room.values = room.values.checked_sub(1).ok_or("there is too much to look at")?;
    Ok(match json {
        Value::Null => Box::new(CelNull),
        Value::Bool(value) => Box::new(CelBool::from(*value)),
        Value::Number(number) => match number.as_i64() {
            Some(int) => Box::new(CelInt::from(int)),
            None => Box::new(CelDouble::from(number.as_f64().unwrap_or(f64::NAN))),
        },
        Value::String(text) => Box::new(CelString::from(text.as_str())),
        Value::Array(items) => {
            fits(items.len(), "a list", room)?;
            let items: Result<Vec<_>, String> = items.iter().map(|item| to_cel(item, room)).collect();
            Box::new(CelList::from(items?))
        }
        Value::Object(fields) => {
            fits(fields.len(), "an object", room)?;
            let mut map: HashMap<CelMapKey<'v>, Box<dyn Val + 'v>> = HashMap::with_capacity(fields.len());
            for (name, value) in fields.iter().filter(|(_, value)| !value.is_null()) {
                map.insert(CelMapKey::from(name.as_str()), to_cel(value, room)?);
            }
            Box::new(CelMap::from(map))
        }
    })
}

fn fits(length: usize, what: &str, room: &Room) -> Result<(), String> {
    if length > room.longest {
        return Err(format!("{what} has {length} entries, and a condition may look at {}", room.longest));
    }
    Ok(())
}

/// The JSON form of what an expression gave.
///
/// # Errors
/// A message, when it has none.
pub(super) fn to_json(value: &cel::Value) -> Result<Value, String> {
    match value {
        cel::Value::Opaque(_) => Err("it gives a value that may be absent; add `.orValue(...)`".into()),
        cel::Value::Float(number) if !number.is_finite() => Err("it gives no number".into()),
        cel::Value::Duration(duration) => {
            Ok(Value::String(format!("{}s", duration.num_milliseconds() as f64 / 1_000.0)))
        }
        other => other.json().map_err(|_| format!("it gives {}, which has no JSON form", other.type_of())),
    }
}
