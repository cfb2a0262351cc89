//! A ConfigMap in the cluster that freezes: it is read before each mutation, and needs nothing of
//! the bot but that. Absent is not frozen; unreadable is.

use std::collections::BTreeSet;

use serde_json::Value;

use super::drive::Driver;
use super::read::within;
use super::timing::FREEZE_WITHIN;
use crate::action::ActionError;
use crate::cluster::{Access, Cluster, ClusterError, Kind, Object};
use crate::model::{FreezeScope, ObjectKey, is_dns_label, redact};
use crate::playbook::Catalog;
use crate::store::{Store, StoreError};

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
    let read = async { Ok(read_keys(&*driver.world.cluster, &**driver.store, driver.catalog, &key).await) };
    let unknown = |why: &str| {
        MapSays::Unknown(ActionError::retry(format!(
            "nothing is changed while it is not known whether the {key} freezes it: {why}"
        )))
    };
    match within(driver.world, until, read).await {
        Err(error) => unknown(&error.message),
        Ok(Err(Unreadable::Forbidden(why))) => MapSays::Frozen(format!("the {key} ({why})")),
        Ok(Err(Unreadable::Passing(why))) => unknown(&why),
        Ok(Ok(keys)) => {
            let playbook = &driver.frame.run.playbook.name;
            match keys.into_iter().find(|key| key.covers.covers(playbook, namespaces)) {
                Some(Key { said, .. }) => MapSays::Frozen(format!("the {key} ({said})")),
                None => MapSays::NotFrozen,
            }
        }
    }
}

/// A key of the ConfigMap.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Key {
    pub covers: FreezeScope,
    /// With its reason: `namespace.db: an upgrade`.
    pub said: String,
}

/// Why it was not read.
pub(super) enum Unreadable {
    /// Lasting: somebody has to give the right.
    Forbidden(String),
    Passing(String),
}

/// Reads what it freezes; nothing where it is not there.
pub(super) async fn read_keys(
    cluster: &dyn Cluster,
    store: &dyn Store,
    catalog: &Catalog,
    map: &ObjectKey,
) -> Result<Vec<Key>, Unreadable> {
    let found = cluster.get(map).await.map_err(|error| match error {
        ClusterError::Forbidden { .. } => {
            Unreadable::Forbidden("the bot may not read it: apply what `dogwatch rbac` prints once more".into())
        }
        error => Unreadable::Passing(error.to_string()),
    })?;
    let Some(object) = found else { return Ok(Vec::new()) };
    let mut known: BTreeSet<String> =
        catalog.iter().chain(catalog.disabled()).map(|playbook| playbook.name.clone()).collect();
    if playbooks(&object).any(|name| !known.contains(name)) {
        let gone = under_way(store).await.map_err(|error| Unreadable::Passing(error.to_string()))?;
        known.extend(gone);
    }
    Ok(keys(&object, &known))
}

/// The playbooks of the runs under way: some may be in the catalog no more.
pub(super) async fn under_way(store: &dyn Store) -> Result<Vec<String>, StoreError> {
    Ok(store.runs_under_way().await?.into_iter().map(|run| run.playbook.name).collect())
}

fn playbooks(map: &Object) -> impl Iterator<Item = &str> {
    let data = map.0.get("data").and_then(Value::as_object);
    data.into_iter().flatten().filter_map(|(key, _)| key.strip_prefix("playbook."))
}

/// What its keys freeze. One that would freeze nothing freezes everything: somebody meant to stop
/// something, and nobody can say what.
fn keys(map: &Object, known: &BTreeSet<String>) -> Vec<Key> {
    let of = |field: &str| map.0.get(field).and_then(Value::as_object).into_iter().flatten();
    let texts = of("data").map(|(key, reason)| {
        let reason = reason.as_str().map(str::trim).filter(|reason| !reason.is_empty());
        let reason: String = redact(reason.unwrap_or("without a reason")).chars().take(200).collect();
        match scope(key, known) {
            Ok(covers) => Key { covers, said: format!("{key}: {reason}") },
            Err(why) => Key {
                covers: FreezeScope::All,
                said: format!("its key `{}` {why}, and so freezes everything: {reason}", redact(key)),
            },
        }
    });
    let binary = of("binaryData").map(|(key, _)| Key {
        covers: FreezeScope::All,
        said: format!("its key `{}` stands in `binaryData`, and so freezes everything", redact(key)),
    });
    texts.chain(binary).collect()
}

fn scope(key: &str, known: &BTreeSet<String>) -> Result<FreezeScope, &'static str> {
    match key.split_once('.') {
        None if key == "all" => Ok(FreezeScope::All),
        Some(("namespace", name)) if is_dns_label(name) => Ok(FreezeScope::Namespace(name.to_owned())),
        Some(("namespace", _)) => Err("names no namespace that there can be"),
        Some(("playbook", name)) if known.contains(name) => Ok(FreezeScope::Playbook(name.to_owned())),
        Some(("playbook", _)) => Err("names no playbook that there is"),
        _ => Err("is none of all, namespace.NAME and playbook.NAME"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_say_what_is_frozen_and_what_would_freeze_nothing_freezes_everything() {
        let known = BTreeSet::from(["shop-slow".to_owned(), "dns".to_owned()]);
        let frozen = |object: Value| {
            let found = keys(&Object(object), &known);
            found.into_iter().find(|key| key.covers.covers("shop-slow", &["shop", "db"])).map(|key| key.said)
        };
        let data = |data: Value| frozen(json!({ "data": data }));
        assert_eq!(frozen(json!({})), None);
        assert_eq!(frozen(json!({ "data": null, "binaryData": {} })), None);
        assert_eq!(data(json!({})), None);
        assert_eq!(data(json!({ "all": "a storm" })).as_deref(), Some("all: a storm"));
        assert_eq!(data(json!({ "namespace.db": " " })).as_deref(), Some("namespace.db: without a reason"));
        assert_eq!(data(json!({ "playbook.shop-slow": "x" })).as_deref(), Some("playbook.shop-slow: x"));
        assert_eq!(data(json!({ "namespace.web": "x", "playbook.dns": "y" })), None);
        for (key, why) in [
            ("namespaces.web", "is none of all"),
            ("ALL", "is none of all"),
            ("namespace.", "names no namespace"),
            ("namespace.WEB", "names no namespace"),
            ("namespace.web.shop", "names no namespace"),
            ("namespace.-web", "names no namespace"),
            ("playbook.dns-slow", "names no playbook"),
            ("playbook.", "names no playbook"),
        ] {
            let said = data(json!({ key: "a storm" })).unwrap_or_else(|| panic!("{key} freezes nothing"));
            assert!(said.contains(why) && said.ends_with("and so freezes everything: a storm"), "{said}");
        }
        let said = frozen(json!({ "binaryData": { "namespace.web": "YQ==" } })).unwrap();
        assert!(said.contains("`binaryData`"), "{said}");
    }
}
