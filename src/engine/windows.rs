//! Runs and maintenance windows: what one covers is not changed.

use std::collections::BTreeMap;

use serde_json::Value;

use super::drive::Driver;
use super::plan::Next;
use crate::model::RunEvent;
use crate::store::{Append, StoreError};

/// Whether a window stops the run, which is asked before each change, and before somebody is
/// asked about one. It is stopped as a person stops it: a group that was begun is finished, and
/// nothing else is changed.
pub(super) async fn is_stopped_by_a_window(driver: &mut Driver<'_>, next: &Next<'_>) -> Result<bool, StoreError> {
    let would_change =
        matches!(next, Next::Act { .. } | Next::Doubt { .. } | Next::Ask { .. } | Next::AskSource { .. });
    if !would_change || driver.state.cancelled_by.is_some() {
        return Ok(false);
    }
    let windows = driver.store.windows_at(driver.now()).await?;
    if windows.is_empty() {
        return Ok(false);
    }
    let run = &driver.frame.run;
    let (labels, source) = (labels(&run.alert), run.alert.get("source").and_then(Value::as_str));
    let window = windows.iter().find(|window| window.scope.covers_run(source, &labels, &run.target));
    let Some(window) = window else { return Ok(false) };
    let by = format!("{} (until {})", window.id, window.ends_at.format("%Y-%m-%d %H:%M UTC"));
    driver.append(Append { events: vec![RunEvent::CancelAsked { by }], ..Append::default() }).await?;
    Ok(true)
}

/// Of the alert that has started the run.
fn labels(alert: &Value) -> BTreeMap<String, String> {
    let labels = alert.get("labels").and_then(Value::as_object).into_iter().flatten();
    labels.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
}
