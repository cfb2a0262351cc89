//! A ConfigMap in the cluster that freezes: it is read before each mutation, and needs nothing of
//! the bot but that. Absent is not frozen; unreadable is.

use super::drive::Driver;
use super::read::within;
use super::timing::FREEZE_WITHIN;
use crate::action::ActionError;
use crate::cluster::{Access, Kind, Object};
use crate::model::{FreezeScope, ObjectKey, redact};

/// Which ConfigMap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FreezeMap {
    pub namespace: String,
    pub name: String,
}

impl FreezeMap {
    pub fn key(&self) -> ObjectKey {
        ObjectKey::new("ConfigMap", &self.namespace, &self.name)
    }

    /// The right to read it, and nothing else.
    pub fn access(&self) -> Vec<Access> {
        let Ok(kind) = Kind::find("ConfigMap") else { return Vec::new() };
        vec![Access { name: self.name.clone(), ..kind.access("get", "", &self.namespace) }]
    }
}

/// What it says of a mutation.
pub(super) enum MapSays {
    NotFrozen,
    /// By what it is, as people are told.
    Frozen(String),
    /// It is not known, which holds it up as well.
    Unknown(ActionError),
}

/// What the ConfigMap says now of what this run does in those namespaces.
pub(super) async fn freeze_map_says(driver: &Driver<'_>, namespaces: &[&str]) -> MapSays {
    let Some(map) = &driver.options.freeze_map else { return MapSays::NotFrozen };
    let key = map.key();
    let until = driver.until().min(driver.now() + FREEZE_WITHIN);
    let read = async { driver.world.cluster.get(&key).await.map_err(|error| ActionError::retry(error.to_string())) };
    let says = match within(driver.world, until, read).await {
        Ok(None) => MapSays::NotFrozen,
        Ok(Some(object)) => match covers(&object, &driver.frame.run.playbook.name, namespaces) {
            Some(why) => MapSays::Frozen(format!("the {key} ({why})")),
            None => MapSays::NotFrozen,
        },
        Err(error) => MapSays::Unknown(ActionError::retry(format!(
            "nothing is changed while it is not known whether the {key} freezes it: {}",
            error.message
        ))),
    };
    driver.metrics.freeze_map(!matches!(says, MapSays::NotFrozen));
    says
}

/// Which key of it covers that, with its reason. A key that is none of those known covers everything:
/// somebody meant to stop something, and nobody can say what.
fn covers(map: &Object, playbook: &str, namespaces: &[&str]) -> Option<String> {
    let data = map.0.get("data").and_then(serde_json::Value::as_object)?;
    data.iter().find_map(|(key, reason)| {
        let reason = reason.as_str().map(str::trim).filter(|reason| !reason.is_empty());
        let reason: String = redact(reason.unwrap_or("without a reason")).chars().take(200).collect();
        match scope(key) {
            Some(scope) => scope.covers(playbook, namespaces).then(|| format!("{key}: {reason}")),
            None => Some(format!(
                "its key `{}` is none of all, namespace.NAME and playbook.NAME, and so freezes everything: {reason}",
                redact(key)
            )),
        }
    })
}

fn scope(key: &str) -> Option<FreezeScope> {
    match key.split_once('.') {
        None if key == "all" => Some(FreezeScope::All),
        Some(("namespace", name)) if !name.is_empty() => Some(FreezeScope::Namespace(name.to_owned())),
        Some(("playbook", name)) if !name.is_empty() => Some(FreezeScope::Playbook(name.to_owned())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_say_what_is_frozen_and_an_odd_one_freezes_everything() {
        let frozen = |data| covers(&Object(json!({ "data": data })), "shop-slow", &["shop", "db"]);
        assert_eq!(covers(&Object(json!({})), "shop-slow", &["shop"]), None);
        assert_eq!(frozen(json!({})), None);
        assert_eq!(frozen(json!({ "all": "a storm" })).as_deref(), Some("all: a storm"));
        assert_eq!(frozen(json!({ "namespace.db": " " })).as_deref(), Some("namespace.db: without a reason"));
        assert_eq!(frozen(json!({ "playbook.shop-slow": "x" })).as_deref(), Some("playbook.shop-slow: x"));
        assert_eq!(frozen(json!({ "namespace.web": "x", "playbook.dns": "y" })), None);
        assert!(
            frozen(json!({ "namespaces.web": "x" })).unwrap().starts_with("its key `namespaces.web` is none of all")
        );
        assert!(frozen(json!({ "namespace.": "x" })).is_some());
    }
}
