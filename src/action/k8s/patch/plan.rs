//! What the field should be: a pure decision over what was read.

use serde_json::Value;

use super::allowed::{is_count, known};
use super::held::{self, Held, are_same, text};
use crate::action::amounts::{Amount as Number, MoreOf, Unit};
use crate::action::k8s::field_owner;
use crate::action::k8s::field_path::FieldPath;
use crate::action::{ActionError, Kind, Output, Plan};
use crate::cluster::Object;
use crate::model::{Intent, ObjectKey, Quantity};

/// What the playbook wants.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wish {
    pub amount: Amount,
    pub max: Number,
    pub min: Option<Number>,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Amount {
    By(MoreOf),
    To(Number),
}

/// The numbers of a step, as far as they are known.
#[derive(Debug, Clone, Copy)]
pub(super) struct Amounts {
    pub by: Option<Number>,
    pub to: Option<Number>,
    pub max: Option<Number>,
    pub min: Option<Number>,
}

impl Amounts {
    fn of(wish: Wish) -> Self {
        let (by, to) = match wish.amount {
            Amount::By(more) => (more.amount(), None),
            Amount::To(number) => (None, Some(number)),
        };
        Self { by, to, max: Some(wish.max), min: wish.min }
    }

    fn named(self) -> impl Iterator<Item = (&'static str, Number)> {
        let all = [("by", self.by), ("to", self.to), ("max", self.max), ("min", self.min)];
        all.into_iter().filter_map(|(name, number)| Some((name, number?)))
    }
}

/// Of a field that counts things, each number is a count.
///
/// # Errors
/// One is not, and how to write it.
pub(super) fn check_counts(field: &FieldPath, amounts: Amounts) -> Result<(), String> {
    match amounts.named().find(|(_, number)| is_count(field) && !number.is_count()) {
        Some((name, _)) => Err(format!(
            "`{name}` is no plain whole number, and `{field}` is a count; write a whole number up to 100000 without a unit"
        )),
        None => Ok(()),
    }
}

/// A number with a unit and one without mean different things, and so do `5m` and `5Mi`.
fn check_units(key: &ObjectKey, field: &FieldPath, before: &Value, held: Held, wish: Wish) -> Result<(), ActionError> {
    let of = held.unit();
    let Some((name, _)) = Amounts::of(wish).named().find(|(_, number)| number.unit != of) else { return Ok(()) };
    let how = match of {
        Unit::None => "without a unit",
        Unit::Small => "with such a unit, as `500m`",
        Unit::Large | Unit::Exponent => "with such a unit, as `10Gi`",
    };
    Err(ActionError::fail(format!("{field} of {key} is {}: `{name}` must be written {how}, too", text(before))))
}

/// Decides the new value of a field that may be changed.
pub(super) fn plan(object: &Object, field: &FieldPath, wish: Wish, marker: String) -> Result<Plan, ActionError> {
    let (key, names) = (object.key(), field.names());
    if object.is_going() {
        return Err(ActionError::fail(format!("{key} is being deleted")));
    }
    not_kept(object, field)?;
    check_counts(field, Amounts::of(wish)).map_err(ActionError::fail)?;
    not_within_list(object, field)?;
    let before = match object.at(&pointer(&names)) {
        None | Some(Value::Null) => {
            return Err(ActionError::fail(format!(
                "{key} has no {field}: what counts without it is for its controller to say; write the number there once by hand"
            )));
        }
        Some(value) => value,
    };
    let Some(held) = Held::of(before) else {
        let shown: String = before.to_string().chars().take(60).collect();
        let what = if held::is_octal(before) {
            "whose leading zero may mean that it is octal: what more of it is, is not known"
        } else {
            "which is neither a whole number nor a quantity"
        };
        return Err(ActionError::fail(format!("{field} of {key} is {shown}, {what}")));
    };
    if held.number <= Quantity::of(0) {
        return Err(ActionError::needs_human(format!(
            "{field} of {key} is {}, which may mean none or without end; look what it is meant for",
            text(before)
        )));
    }
    check_units(&key, field, before, held, wish)?;
    let wanted = wanted(&key, field, held, before, wish)?;
    let too_large = || ActionError::fail(format!("{field} of {key} cannot hold so large a number as {wanted}"));
    let after = held.write(wanted).ok_or_else(too_large)?;
    let intent = Intent {
        summary: summary(&key, field, before, &after),
        object: key,
        uid: object.uid().to_owned(),
        resource_version: object.resource_version().to_owned(),
        before: before.clone(),
        after,
        marker,
    };
    if are_same(&intent.before, &intent.after) {
        let summary = format!("{field} of {} is {} already", intent.object, text(&intent.before));
        return Ok(Plan::Unneeded(Output { summary, ..super::output(&intent, field) }));
    }
    not_below(object, field, &intent.after)?;
    Ok(Plan::Do(intent))
}

fn wanted(key: &ObjectKey, field: &FieldPath, held: Held, before: &Value, wish: Wish) -> Result<Quantity, ActionError> {
    let (now, max) = (held.number, held.at_most(wish.max.quantity));
    let asked = match wish.amount {
        Amount::By(more) => more.on(now),
        Amount::To(number) => Some(number.quantity),
    };
    let asked = asked
        .and_then(|asked| held.at_least(asked))
        .ok_or_else(|| ActionError::fail(format!("{field} of {key} cannot grow from {} by that much", text(before))))?;
    if asked == now {
        return Ok(now);
    }
    if asked > max && now >= max {
        return Err(ActionError::fail(format!(
            "{field} of {key} is {}, and the cap is {}: more must come from elsewhere, or the cap be raised by a human",
            text(before),
            held.shown(max)
        )));
    }
    if asked > now {
        return Ok(asked.min(max));
    }
    match wish.min.and_then(|min| held.at_least(min.quantity)) {
        Some(min) if min > max => Err(ActionError::fail(format!(
            "`min` is {} and beyond `max`, which is {}",
            held.shown(min),
            held.shown(max)
        ))),
        Some(min) => Ok(asked.max(min).min(now)),
        None => Err(ActionError::fail(format!(
            "{field} of {key} would be lowered from {} to {}, and the playbook names no `min`",
            text(before),
            held.shown(asked)
        ))),
    }
}

/// Whoever keeps the field would put it back.
///
/// # Errors
/// Somebody keeps it.
pub(super) fn not_kept(object: &Object, field: &FieldPath) -> Result<(), ActionError> {
    let kept = made_by_keda(object)
        .or_else(|| field_owner::controller(object))
        .or_else(|| field_owner::keeper(object, &field.names()));
    kept.map_or(Ok(()), |who| Err(ActionError::needs_human(who)))
}

/// A merge patch makes mappings of all that is on the way, whatever was there.
fn not_within_list(object: &Object, field: &FieldPath) -> Result<(), ActionError> {
    let names = field.names();
    for depth in 1..names.len() {
        let way = names.get(..depth).unwrap_or_default();
        if object.at(&pointer(way)).is_some_and(|value| !value.is_null() && !value.is_object()) {
            let (key, way) = (object.key(), way.join("."));
            return Err(ActionError::fail(format!("{key} has no {field}: its {way} is no mapping of names")));
        }
    }
    Ok(())
}

/// What it must not be less than, by another field of the object.
///
/// # Errors
/// It would be.
pub(super) fn not_below(object: &Object, field: &FieldPath, after: &Value) -> Result<(), ActionError> {
    let Some(least_field) = known(&object.key().kind, field).map(|known| known.least) else { return Ok(()) };
    let least = object.at(&pointer(least_field)).and_then(Held::of);
    match (least, Held::of(after)) {
        (Some(least), Some(after)) if after.number < least.number => Err(ActionError::needs_human(format!(
            "{field} of {} would be {}, and {} is {}",
            object.key(),
            after.shown(after.number),
            least_field.join("."),
            least.shown(least.number)
        ))),
        _ => Ok(()),
    }
}

/// KEDA makes its autoscalers anew from what its own object says, and older ones of it are owned
/// by nobody.
fn made_by_keda(object: &Object) -> Option<String> {
    let name = object.label("scaledobject.keda.sh/name")?;
    let key = object.key();
    (key.kind == Kind::AUTOSCALER.as_str())
        .then(|| format!("{key} is made by ScaledObject `{name}`: change its spec.maxReplicaCount"))
}

pub(super) fn pointer(names: &[&str]) -> String {
    format!("/{}", names.join("/"))
}

/// For people: `raise spec.maxReplicas of horizontalpodautoscaler/web in shop 10 -> 13`.
pub(super) fn summary(key: &ObjectKey, field: &FieldPath, from: &Value, to: &Value) -> String {
    let number = |value| Held::of(value).map(|held| held.number);
    let verb = if number(to) < number(from) { "lower" } else { "raise" };
    format!("{verb} {field} of {key} {} -> {}", text(from), text(to))
}

#[cfg(test)]
mod tests;
