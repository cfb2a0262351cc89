//! The list of a loop: made once, and held to what it must be before anything is done.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::GUARD;
use crate::action::{ActionError, World};
use crate::cluster::ClusterError;
use crate::engine::read::read_object;
use crate::engine::scope::Frame;
use crate::engine::state::RunState;
use crate::engine::walk::LoopAt;
use crate::language::Scope;
use crate::model::{FailureClass, Item, ItemKey, ObjectKey, RunEvent, StepAddress, redact, redact_value};
use crate::playbook::{ForEach, ItemTarget};

/// What the loop is about now: what goes on the log.
pub fn list(frame: &Frame, state: &RunState, at: &LoopAt<'_>, now: DateTime<Utc>) -> RunEvent {
    let step = at.address.clone();
    match items(frame, state, at.foreach, now) {
        Ok(items) => RunEvent::Listed { step, item: at.foreach.item.clone(), items },
        Err(error) => RunEvent::Failed { step, attempt: 1, class: FailureClass::Fail, error, held: false },
    }
}

fn items(frame: &Frame, state: &RunState, each: &ForEach, now: DateTime<Utc>) -> Result<Vec<Item>, String> {
    let scope = frame.scope(state, &each.address);
    let found = each.list.evaluate(&scope, now).map_err(|error| error.to_string())?;
    let Value::Array(values) = found else {
        return Err(format!("`{}` is no list", each.list.source()));
    };
    if values.len() > each.max {
        let (count, max) = (values.len(), each.max);
        return Err(format!("there are {count}, and {max} is the most that is agreed to (`max`): nothing was done"));
    }
    let (mut keys, mut targets) = (BTreeSet::new(), BTreeSet::new());
    let mut items = Vec::new();
    for (number, value) in values.into_iter().enumerate() {
        let item = item(frame, each, &scope, value, now).map_err(|why| format!("item {}: {why}", number + 1))?;
        if !keys.insert(item.key.clone()) {
            return Err(format!("two items have the key `{}`: nothing was done", item.key));
        }
        if let Some(target) = &item.target
            && !targets.insert(target.key())
        {
            return Err(format!("two items are about {target}, as `{}` is: nothing was done", item.key));
        }
        items.push(item);
    }
    let recorded = serde_json::to_value(&items).map_err(|error| error.to_string())?;
    let mut masked = recorded.clone();
    redact_value(&mut masked);
    if masked != recorded || items.iter().any(|item| redact(item.key.as_str()) != item.key.as_str()) {
        return Err("an item holds what looks like a secret, which is not kept".into());
    }
    let (size, most) = (recorded.to_string().len(), frame.output_limit);
    if size > most {
        return Err(format!(
            "the list has {size} bytes, and {most} is the most that is kept; name less, as in \
             `failed.map(j, {{'metadata': {{'name': j.metadata.name, 'namespace': j.metadata.namespace, \
             'uid': j.metadata.uid}}}})`"
        ));
    }
    Ok(items)
}

fn item(frame: &Frame, each: &ForEach, scope: &Scope, value: Value, now: DateTime<Utc>) -> Result<Item, String> {
    let mut scope = scope.clone();
    scope.insert(each.item.clone(), value.clone());
    let target = each.target.as_ref().map(|target| object_of(frame, target, &scope)).transpose()?;
    let found_in = value.pointer("/metadata/namespace").and_then(Value::as_str);
    if let (Some(target), Some(namespace)) = (target.as_ref().filter(|target| !target.namespace.is_empty()), found_in)
        && namespace != target.namespace
    {
        return Err(format!(
            "it is in the namespace `{}`, and would be {target}: say `namespace:` in `target:`; nothing was done",
            redact(namespace)
        ));
    }
    let key = match (&each.key, &each.target, &target) {
        (Some(key), _, _) => match key.evaluate(&scope, now).map_err(|error| error.to_string())? {
            Value::String(text) => text,
            Value::Number(number) => number.to_string(),
            _ => return Err(format!("its key `{}` is no text", key.source())),
        },
        (None, Some(ItemTarget { namespace: Some(_), .. }), Some(target)) if !target.namespace.is_empty() => {
            format!("{}/{}", target.namespace, target.name)
        }
        (None, _, Some(target)) => target.name.clone(),
        (None, _, None) => return Err("it has no key".into()),
    };
    if key.trim().is_empty() {
        return Err("its key is empty: nothing was done".into());
    }
    if key.starts_with(GUARD) {
        return Err(format!("its key `{}` begins with `{GUARD}`", redact(&key)));
    }
    Ok(Item { key: ItemKey::new(key).map_err(|error| error.to_string())?, value, target })
}

fn object_of(frame: &Frame, target: &ItemTarget, scope: &Scope) -> Result<ObjectKey, String> {
    let unknown = || ClusterError::UnknownKind(target.kind.clone()).to_string();
    let kind = frame.kinds.find_text(&target.kind).ok_or_else(unknown)?;
    let name = target.name.resolve(scope).map_err(|error| error.to_string())?;
    let run = &frame.run.target;
    let namespace = match &target.namespace {
        _ if !kind.namespaced => String::new(),
        Some(given) => given.resolve(scope).map_err(|error| error.to_string())?,
        None if run.kind == "Namespace" => run.name.clone(),
        None => run.namespace.clone(),
    };
    let key = ObjectKey::new(kind.id, namespace, name);
    kind.check_key(&key).map_err(|why| format!("`{}`: {why}", redact(&key.name)))?;
    Ok(key)
}

/// Reads what an item is about, until then at most.
pub async fn item_read(
    world: &World,
    target: &ObjectKey,
    step: StepAddress,
    until: DateTime<Utc>,
) -> Result<RunEvent, ActionError> {
    let object = read_object(world, target, until).await?;
    Ok(RunEvent::ItemRead { step, object })
}
