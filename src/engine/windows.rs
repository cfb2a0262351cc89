//! Runs and maintenance windows: what one covers is not changed.

use std::collections::BTreeMap;

use serde_json::Value;

use super::drive::Driver;
use crate::model::{ObjectKey, to_the_minute};
use crate::store::StoreError;

/// The window that covers the run, as people are told.
pub(super) async fn window_over(driver: &Driver<'_>) -> Result<Option<String>, StoreError> {
    found(driver, labels(&driver.frame.run.alert), &driver.frame.run.target).await
}

/// The same of another object than the run's target: it may be in another namespace than what its
/// alert is about.
pub(super) async fn window_over_object(driver: &Driver<'_>, object: &ObjectKey) -> Result<Option<String>, StoreError> {
    let mut labels = labels(&driver.frame.run.alert);
    labels.insert("namespace".into(), object.place().to_owned());
    found(driver, labels, object).await
}

async fn found(
    driver: &Driver<'_>,
    labels: BTreeMap<String, String>,
    target: &ObjectKey,
) -> Result<Option<String>, StoreError> {
    let windows = driver.store.windows_at(driver.now()).await?;
    if windows.is_empty() {
        return Ok(None);
    }
    let source = driver.frame.run.alert.get("source").and_then(Value::as_str);
    let window = windows.iter().find(|window| window.scope.covers_run(source, &labels, target));
    Ok(window.map(|window| format!("{} (until {})", window.id, to_the_minute(window.ends_at))))
}

/// Of the alert that has started the run.
fn labels(alert: &Value) -> BTreeMap<String, String> {
    let labels = alert.get("labels").and_then(Value::as_object).into_iter().flatten();
    labels.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
}
