//! Who manages which field of an object: `metadata.managedFields`,
//! <https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management>.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::paths::{Changes, PathId, Paths};
use super::time::{rfc3339, seconds};

/// Who writes, and by which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Writer<'a> {
    pub manager: &'a str,
    /// `scale` or `status`; empty for the object itself.
    pub subresource: &'a str,
}

/// The fields of one manager. As on the server, one program has an entry for each way in which it writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Manager {
    name: Box<str>,
    operation: Box<str>,
    api_version: Box<str>,
    subresource: Box<str>,
    time: Option<DateTime<Utc>>,
    /// In order, each once.
    fields: Vec<PathId>,
}

/// Notes a write: what it set is the writer's alone, what is gone is nobody's.
pub(super) fn note(
    managers: &mut Vec<Manager>,
    changes: &Changes,
    writer: Writer<'_>,
    api_version: &str,
    now: DateTime<Utc>,
) {
    let is_changed =
        |path: &PathId| changes.set.binary_search(path).is_ok() || changes.gone.binary_search(path).is_ok();
    for manager in managers.iter_mut() {
        manager.fields.retain(|path| !is_changed(path));
    }
    if !changes.set.is_empty() {
        // The server keeps no time for a write through `scale`.
        let time = (writer.subresource != "scale").then(|| seconds(now));
        let own = managers.iter_mut().find(|it| {
            *it.name == *writer.manager && *it.subresource == *writer.subresource && &*it.operation == "Update"
        });
        match own {
            Some(own) => {
                own.fields.extend(&changes.set);
                own.fields.sort_unstable();
                own.time = time;
            }
            None => managers.push(Manager {
                name: writer.manager.into(),
                operation: "Update".into(),
                api_version: api_version.into(),
                subresource: writer.subresource.into(),
                time,
                fields: changes.set.clone(),
            }),
        }
    }
    managers.retain(|manager| !manager.fields.is_empty());
}

/// As in `metadata.managedFields`.
pub(super) fn render(managers: &[Manager], paths: &Paths) -> Value {
    let entries = managers.iter().map(|manager| {
        let mut entry = json!({
            "manager": &*manager.name,
            "operation": &*manager.operation,
            "apiVersion": &*manager.api_version,
            "fieldsType": "FieldsV1",
            "fieldsV1": paths.render(&manager.fields),
        });
        if let Some(time) = manager.time {
            entry["time"] = rfc3339(time).into();
        }
        if !manager.subresource.is_empty() {
            entry["subresource"] = (*manager.subresource).into();
        }
        entry
    });
    Value::Array(entries.collect())
}

/// Reads `metadata.managedFields`. What is no entry is left out.
pub(super) fn read(entries: &Value, paths: &mut Paths) -> Vec<Manager> {
    let entries = entries.as_array().map(Vec::as_slice).unwrap_or_default();
    let text = |entry: &Value, name: &str| -> Box<str> { entry[name].as_str().unwrap_or_default().into() };
    let managers = entries.iter().map(|entry| Manager {
        name: text(entry, "manager"),
        operation: text(entry, "operation"),
        api_version: text(entry, "apiVersion"),
        subresource: text(entry, "subresource"),
        time: entry["time"].as_str().and_then(super::time::parse),
        fields: paths.read(&entry["fieldsV1"]),
    });
    managers.filter(|manager| !manager.fields.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;
    use proptest::prelude::*;

    use super::*;
    use crate::cluster::Object;

    fn at(second: u32) -> DateTime<Utc> {
        Utc.with_ymd_and_hms(2026, 3, 2, 12, 0, second).unwrap()
    }

    fn writer(manager: &str) -> Writer<'_> {
        Writer { manager, subresource: "" }
    }

    /// An object's life: each step is a writer and what the object is after it.
    fn life(steps: &[(Writer<'_>, Value)]) -> Object {
        let mut paths = Paths::new();
        let mut managers = Vec::new();
        let mut object = Value::Null;
        for (second, (writer, next)) in (0..).zip(steps) {
            let changes = paths.changes(&object, next);
            note(&mut managers, &changes, *writer, "v1", at(second));
            object = next.clone();
        }
        if object.is_object() {
            object["metadata"]["managedFields"] = render(&managers, &paths);
        }
        Object(object)
    }

    fn manager(object: &Object, path: &[&str]) -> Option<String> {
        object.field_manager(path).map(|manager| manager.name)
    }

    #[test]
    fn who_changes_a_field_takes_it_over() {
        let object = life(&[
            (writer("helm"), json!({ "spec": { "replicas": 1, "image": "a" } })),
            (writer("kubectl"), json!({ "spec": { "replicas": 2, "image": "a" } })),
        ]);
        assert_eq!(manager(&object, &["spec", "replicas"]), Some("kubectl".into()));
        assert_eq!(manager(&object, &["spec", "image"]), Some("helm".into()));
        assert_eq!(object.field_manager(&["spec", "replicas"]).unwrap().at, Some(at(1)));
    }

    #[test]
    fn who_writes_the_value_that_is_there_takes_nothing() {
        let same = json!({ "spec": { "replicas": 1 } });
        let object = life(&[(writer("helm"), same.clone()), (writer("kubectl"), same)]);
        assert_eq!(manager(&object, &["spec", "replicas"]), Some("helm".into()));
        assert_eq!(object.at("/metadata/managedFields").unwrap().as_array().unwrap().len(), 1);
    }

    #[test]
    fn a_write_through_scale_has_no_time() {
        let scale = Writer { manager: "dogwatch", subresource: "scale" };
        let object = life(&[
            (writer("helm"), json!({ "spec": { "replicas": 1, "image": "a" } })),
            (scale, json!({ "spec": { "replicas": 2, "image": "a" } })),
        ]);
        let manager = object.field_manager(&["spec", "replicas"]).unwrap();
        assert_eq!((manager.name.as_str(), manager.at), ("dogwatch", None));
        assert_eq!(object.text("/metadata/managedFields/1/subresource"), "scale");
    }

    #[test]
    fn what_is_written_is_read_back() {
        let object = life(&[
            (writer("helm"), json!({ "spec": { "replicas": 1, "image": "a" } })),
            (
                Writer { manager: "kubelet", subresource: "status" },
                json!({ "spec": { "replicas": 1, "image": "a" }, "status": { "x": 1 } }),
            ),
        ]);
        let entries = object.at("/metadata/managedFields").unwrap();
        let mut paths = Paths::new();
        let managers = read(entries, &mut paths);
        assert_eq!(render(&managers, &paths), *entries);
    }

    proptest! {
        /// Whatever is written by whom: a leaf belongs to the one who gave it the value that it has, and to nobody else.
        #[test]
        fn the_last_writer_of_a_leaf_owns_it(steps in prop::collection::vec((0..3_usize, [0..3_u8, 0..3, 0..3, 0..3]), 1..12)) {
            const NAMES: [&str; 3] = ["helm", "kubectl", "dogwatch"];
            const FIELDS: [&[&str]; 4] = [&["spec", "a"], &["spec", "b"], &["spec", "deep", "c"], &["data"]];
            // 0 is for absent.
            let document = |values: &[u8; 4]| {
                let mut document = json!({ "metadata": { "name": "x" } });
                for (field, value) in FIELDS.iter().zip(values).filter(|(_, value)| **value > 0) {
                    *field.iter().fold(&mut document, |at, name| &mut at[*name]) = json!(value);
                }
                document
            };
            let mut owners = [None; 4];
            let mut before = [0; 4];
            for (who, values) in &steps {
                for field in 0..4 {
                    if values[field] != before[field] {
                        owners[field] = (values[field] > 0).then_some(NAMES[*who]);
                    }
                }
                before = *values;
            }
            let steps: Vec<_> = steps.iter().map(|(who, values)| (writer(NAMES[*who]), document(values))).collect();
            let object = life(&steps);
            for (field, owner) in FIELDS.iter().zip(owners) {
                prop_assert_eq!(manager(&object, field), owner.map(str::to_owned), "{:?} of {:?}", field, &object);
            }
            let entries = object.at("/metadata/managedFields").and_then(Value::as_array).cloned().unwrap_or_default();
            let leaves: usize = entries.iter().map(|entry| Paths::new().read(&entry["fieldsV1"]).len()).sum();
            prop_assert_eq!(leaves, owners.iter().flatten().count());
        }
    }
}
