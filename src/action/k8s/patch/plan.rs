//! What the field should be: a pure decision over what was read.

use serde::Serialize;
use serde_json::{Number as JsonNumber, Value, json};

use super::allowed::known;
use crate::action::amounts::MoreOf;
use crate::action::k8s::field_owner;
use crate::action::k8s::field_path::FieldPath;
use crate::action::typed::Typed;
use crate::action::{ActionError, Kind, Output, Plan};
use crate::cluster::Object;
use crate::model::{Intent, ObjectKey, Quantity};

/// What the playbook wants.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wish {
    pub amount: Amount,
    pub max: Quantity,
    pub min: Option<Quantity>,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Amount {
    By(MoreOf),
    To(Quantity),
}

/// A number as the field has it: a whole number, or the text of a quantity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Whole,
    /// Digits alone: `64`.
    Digits,
    /// With a unit: `10Gi`, `500m`.
    Quantity,
}

/// The number that a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Held {
    pub number: Quantity,
    form: Form,
}

impl Held {
    /// `None`: it is no number, or one with a fraction, which not every program writes alike.
    pub fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Number(number) => Some(Self { number: Quantity::of(number.as_i64()?), form: Form::Whole }),
            Value::String(text) => {
                let form = if text.chars().all(|c| c.is_ascii_digit()) { Form::Digits } else { Form::Quantity };
                Some(Self { number: text.parse().ok()?, form })
            }
            _ => None,
        }
    }

    /// The least number that the field can hold and that is not less. `None`: too large.
    fn at_least(self, number: Quantity) -> Option<Quantity> {
        let is_whole = |step: i128| self.number.round_up(step) == Some(self.number);
        match self.form {
            Form::Whole | Form::Digits => number.round_up(1),
            Form::Quantity if is_whole(Quantity::MI) => number.round_up(Quantity::MI),
            Form::Quantity if is_whole(1) => number.round_up(1),
            Form::Quantity => number.round_up_to(Quantity::of_milli(1)),
        }
    }

    /// The largest number that the field can hold and that is not more.
    fn at_most(self, number: Quantity) -> Quantity {
        match self.form {
            Form::Whole | Form::Digits => number.floor(),
            Form::Quantity => number,
        }
    }

    /// For people: the number as the field would have it.
    fn shown(self, number: Quantity) -> String {
        self.write(number).map_or_else(|| number.to_string(), |value| text(&value))
    }

    /// The number as the field has it. `None`: too large.
    fn write(self, number: Quantity) -> Option<Value> {
        Some(match self.form {
            Form::Whole => json!(i64::try_from(number.ceil()).ok()?),
            Form::Digits => json!(number.ceil().to_string()),
            Form::Quantity => json!(number.to_string()),
        })
    }
}

/// As conditions see it: whole, where it is.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub(in crate::action) struct PlainNumber(JsonNumber);

impl PlainNumber {
    pub fn of(value: &Value) -> Self {
        let number = Held::of(value).map_or(Quantity::of(0), |held| held.number);
        let whole = i64::try_from(number.ceil()).ok().filter(|_| number.round_up(1) == Some(number));
        let fraction = || JsonNumber::from_f64(number.as_f64()).unwrap_or_else(|| 0.into());
        Self(whole.map_or_else(fraction, JsonNumber::from))
    }
}

impl Typed for PlainNumber {
    const WORDS: &'static str = "number";
}

/// Whether both are the same number: `1Gi` and `1024Mi` are.
pub(super) fn are_same(a: &Value, b: &Value) -> bool {
    a == b || Held::of(a).is_some_and(|a| Held::of(b).is_some_and(|b| a.number == b.number))
}

/// Decides the new value of a field that may be changed.
pub(super) fn plan(object: &Object, field: &FieldPath, wish: Wish, marker: String) -> Result<Plan, ActionError> {
    let (key, names) = (object.key(), field.names());
    if object.is_going() {
        return Err(ActionError::fail(format!("{key} is being deleted")));
    }
    let kept = made_by_keda(object)
        .or_else(|| field_owner::controller(object))
        .or_else(|| field_owner::keeper(object, &names));
    if let Some(who) = kept {
        return Err(ActionError::needs_human(who));
    }
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
        return Err(ActionError::fail(format!(
            "{field} of {key} is {shown}, which is neither a whole number nor a quantity"
        )));
    };
    if held.number <= Quantity::of(0) {
        return Err(ActionError::needs_human(format!(
            "{field} of {key} is {}, which may mean none or without end; look what it is meant for",
            text(before)
        )));
    }
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
    let (now, max) = (held.number, held.at_most(wish.max));
    let asked = match wish.amount {
        Amount::By(more) => more.on(now),
        Amount::To(number) => Some(number),
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
    match wish.min.and_then(|min| held.at_least(min)) {
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

/// A number as the field has it, without quotes.
pub(super) fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// For people: `raise spec.maxReplicas of horizontalpodautoscaler/web in shop 10 -> 13`.
pub(super) fn summary(key: &ObjectKey, field: &FieldPath, from: &Value, to: &Value) -> String {
    let number = |value| Held::of(value).map(|held| held.number);
    let verb = if number(to) < number(from) { "lower" } else { "raise" };
    format!("{verb} {field} of {key} {} -> {}", text(from), text(to))
}

#[cfg(test)]
mod tests;
