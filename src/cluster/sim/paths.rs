//! The paths of objects' fields, and which of them a write changed.
//!
//! A path is kept as a number: ten thousand objects of one kind have the same few hundred paths.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

/// A field, by its path from the root of the object.
pub(super) type PathId = u32;

/// All paths that were ever seen.
#[derive(Debug)]
pub(super) struct Paths {
    nodes: Vec<Node>,
}

#[derive(Debug)]
struct Node {
    parent: PathId,
    /// The field's name; for an item of a list as in `fieldsV1`: `k:{"name":"main"}`, `v:"finalizer"`.
    segment: Box<str>,
    children: HashMap<Box<str>, PathId>,
}

/// What a write did to the fields of an object. Each list is in order, and has each path once.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    /// Leaves that are new or have another value.
    pub set: Vec<PathId>,
    /// Leaves that are no longer there.
    pub gone: Vec<PathId>,
}

const ROOT: PathId = 0;
const METADATA: PathId = 1;

/// Metadata that the server sets: nobody manages it.
const UNMANAGED: &[&str] = &[
    "name",
    "namespace",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "managedFields",
    "selfLink",
];

impl Paths {
    pub fn new() -> Self {
        let root = Node { parent: ROOT, segment: "".into(), children: HashMap::new() };
        let mut paths = Self { nodes: vec![root] };
        paths.child(ROOT, "metadata");
        paths
    }

    /// What the step from `old` to `new` changed. `old` is null for an object that was not there.
    pub fn changes(&mut self, old: &Value, new: &Value) -> Changes {
        let mut changes = Changes::default();
        self.compare(ROOT, "", old, new, &mut changes);
        changes.set.sort_unstable();
        changes.gone.sort_unstable();
        changes.gone.retain(|path| changes.set.binary_search(path).is_err());
        changes
    }

    /// The fields as `fieldsV1` writes them. Real servers write entries named `.` for some objects and list items
    /// besides; nobody here asks for those.
    pub fn render(&self, fields: &[PathId]) -> Value {
        let mut tree = Map::new();
        for field in fields {
            self.place(&mut tree, *field);
        }
        for field in fields {
            if let Some(place) = self.place(&mut tree, *field).filter(|place| !place.is_empty()) {
                place.insert(".".into(), json!({}));
            }
        }
        Value::Object(tree)
    }

    /// Reads `fieldsV1`, in order and each path once.
    pub fn read(&mut self, fields_v1: &Value) -> Vec<PathId> {
        let mut fields = Vec::new();
        self.read_below(ROOT, fields_v1, &mut fields);
        fields.sort_unstable();
        fields.dedup();
        fields
    }

    fn child(&mut self, parent: PathId, segment: &str) -> PathId {
        if let Some(child) = self.nodes[parent as usize].children.get(segment) {
            return *child;
        }
        // As many paths as fit into memory fit into 32 bits.
        let child = self.nodes.len() as PathId;
        self.nodes.push(Node { parent, segment: segment.into(), children: HashMap::new() });
        self.nodes[parent as usize].children.insert(segment.into(), child);
        child
    }

    /// `name` is the name of the field; for an item of a list that of the list.
    fn compare(&mut self, at: PathId, name: &str, old: &Value, new: &Value, changes: &mut Changes) {
        if old == new {
            return;
        }
        if let (Some(old), Some(new)) = (fields(name, old), fields(name, new)) {
            for (name, value) in new.iter().filter(|(name, _)| is_managed(at, name)) {
                let at = self.child(at, name);
                match old.get(name) {
                    Some(old) => self.compare(at, name, old, value, changes),
                    None => self.leaves(at, name, value, &mut changes.set),
                }
            }
            for (name, value) in old.iter().filter(|(name, _)| is_managed(at, name) && !new.contains_key(*name)) {
                let at = self.child(at, name);
                self.leaves(at, name, value, &mut changes.gone);
            }
            return;
        }
        if let (Some(old), Some(new)) = (items(name, old), items(name, new)) {
            for (key, value) in &new {
                let at = self.child(at, key);
                match old.iter().find(|(other, _)| other == key) {
                    Some((_, old)) => self.compare(at, name, old, value, changes),
                    None => self.leaves(at, name, value, &mut changes.set),
                }
            }
            for (key, value) in old.iter().filter(|(key, _)| !new.iter().any(|(other, _)| other == key)) {
                let at = self.child(at, key);
                self.leaves(at, name, value, &mut changes.gone);
            }
            return;
        }
        if at != ROOT || !old.is_null() {
            self.leaves(at, name, old, &mut changes.gone);
        }
        self.leaves(at, name, new, &mut changes.set);
    }

    fn leaves(&mut self, at: PathId, name: &str, value: &Value, into: &mut Vec<PathId>) {
        if let Some(fields) = fields(name, value) {
            for (name, value) in fields.iter().filter(|(name, _)| is_managed(at, name)) {
                let at = self.child(at, name);
                self.leaves(at, name, value, into);
            }
        } else if let Some(items) = items(name, value) {
            for (key, value) in items {
                let at = self.child(at, &key);
                self.leaves(at, name, value, into);
            }
        } else {
            into.push(at);
        }
    }

    /// Where a field is in the tree, made on the way. Never `None`: the tree is of objects alone.
    fn place<'t>(&self, tree: &'t mut Map<String, Value>, field: PathId) -> Option<&'t mut Map<String, Value>> {
        let mut way = Vec::new();
        let mut at = field;
        while at != ROOT {
            way.push(at);
            at = self.nodes[at as usize].parent;
        }
        let mut place = tree;
        for step in way.into_iter().rev() {
            let segment = &self.nodes[step as usize].segment;
            let is_item = segment.starts_with("k:{") || segment.starts_with("v:\"");
            let key = if is_item { segment.to_string() } else { format!("f:{segment}") };
            place = place.entry(key).or_insert_with(|| json!({})).as_object_mut()?;
        }
        Some(place)
    }

    fn read_below(&mut self, at: PathId, tree: &Value, into: &mut Vec<PathId>) {
        let Some(tree) = tree.as_object() else { return };
        for (key, inner) in tree {
            if key == "." {
                continue;
            }
            let at = self.child(at, key.strip_prefix("f:").unwrap_or(key));
            let inside = inner.as_object().is_some_and(|inner| inner.keys().any(|key| key != "."));
            if inside {
                self.read_below(at, inner, into);
            } else {
                into.push(at);
            }
        }
    }
}

fn is_managed(parent: PathId, name: &str) -> bool {
    match parent {
        ROOT => name != "apiVersion" && name != "kind",
        METADATA => !UNMANAGED.contains(&name),
        _ => true,
    }
}

/// The fields of an object that is more than one value. Selectors and references are one: who changes a part of them
/// changes all.
fn fields<'v>(name: &str, value: &'v Value) -> Option<&'v Map<String, Value>> {
    let atomic = matches!(name, "selector" | "nodeSelector" | "involvedObject" | "claimRef" | "fieldRef");
    value.as_object().filter(|fields| !fields.is_empty() && !atomic)
}

/// The items of a list that is more than one value, each with what tells it from the others.
fn items<'v>(name: &str, value: &'v Value) -> Option<Vec<(String, &'v Value)>> {
    let items = value.as_array().filter(|items| !items.is_empty())?;
    items.iter().map(|item| Some((item_key(name, item)?, item))).collect()
}

fn item_key(list: &str, item: &Value) -> Option<String> {
    let key: &[&str] = match list {
        "containers" | "initContainers" | "volumes" | "env" | "imagePullSecrets" => &["name"],
        "conditions" => &["type"],
        "ownerReferences" => &["uid"],
        "volumeMounts" => &["mountPath"],
        "podIPs" | "hostAliases" => &["ip"],
        "ports" if item.get("containerPort").is_some() => &["containerPort", "protocol"],
        "ports" => &["port", "protocol"],
        "finalizers" => return item.as_str().map(|_| format!("v:{item}")),
        _ => return None,
    };
    let mut parts = Map::new();
    for name in key {
        let value = match item.get(*name) {
            Some(value) => value.clone(),
            None if *name == "protocol" => json!("TCP"),
            None => return None,
        };
        parts.insert((*name).to_owned(), value);
    }
    Some(format!("k:{}", Value::Object(parts)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(old: Value, new: Value) -> Value {
        let mut paths = Paths::new();
        let changes = paths.changes(&old, &new);
        paths.render(&changes.set)
    }

    fn gone(old: Value, new: Value) -> Value {
        let mut paths = Paths::new();
        let changes = paths.changes(&old, &new);
        paths.render(&changes.gone)
    }

    #[test]
    fn a_new_object_is_all_its_leaves_but_what_the_server_sets() {
        let new = json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": { "name": "a", "uid": "1", "labels": { "app": "x" }, "finalizers": ["f/a"] },
            "spec": {
                "containers": [{ "name": "main", "ports": [{ "containerPort": 80 }], "resources": {} }],
                "selector": { "matchLabels": { "a": "b" } },
                "list": [1, 2],
            },
        });
        let expected = json!({
            "f:metadata": { "f:labels": { "f:app": {} }, "f:finalizers": { "v:\"f/a\"": {} } },
            "f:spec": {
                "f:containers": { "k:{\"name\":\"main\"}": {
                    "f:name": {},
                    "f:ports": { "k:{\"containerPort\":80,\"protocol\":\"TCP\"}": { "f:containerPort": {} } },
                    "f:resources": {},
                } },
                "f:selector": {},
                "f:list": {},
            },
        });
        assert_eq!(set(Value::Null, new), expected);
    }

    #[test]
    fn only_what_differs_is_changed() {
        let old =
            json!({ "metadata": { "resourceVersion": "1" }, "spec": { "replicas": 1, "paused": true, "same": [1] } });
        let new = json!({ "metadata": { "resourceVersion": "2" }, "spec": { "replicas": 2, "same": [1] } });
        assert_eq!(set(old.clone(), new.clone()), json!({ "f:spec": { "f:replicas": {} } }));
        assert_eq!(gone(old, new), json!({ "f:spec": { "f:paused": {} } }));
    }

    #[test]
    fn an_item_of_a_keyed_list_is_compared_with_itself() {
        let conditions = |ready: &str, more: bool| {
            let mut list = vec![json!({ "type": "Ready", "status": ready })];
            if more {
                list.insert(0, json!({ "type": "Scheduled", "status": "True" }));
            }
            json!({ "status": { "conditions": list } })
        };
        let ready = json!({ "f:status": { "f:conditions": { "k:{\"type\":\"Ready\"}": { "f:status": {} } } } });
        let scheduled = json!({ "f:status": { "f:conditions": { "k:{\"type\":\"Scheduled\"}": { "f:status": {}, "f:type": {} } } } });
        assert_eq!(set(conditions("False", false), conditions("True", false)), ready);
        assert_eq!(set(conditions("True", false), conditions("True", true)), scheduled);
        assert_eq!(gone(conditions("True", true), conditions("True", false)), scheduled);
    }

    #[test]
    fn a_value_that_becomes_an_object_is_replaced() {
        let old = json!({ "spec": { "x": 1, "y": { "a": 1 } } });
        let new = json!({ "spec": { "x": { "a": 1 }, "y": {} } });
        assert_eq!(set(old.clone(), new.clone()), json!({ "f:spec": { "f:x": { "f:a": {} }, "f:y": {} } }));
        assert_eq!(gone(old, new), json!({ "f:spec": { "f:x": {}, "f:y": { "f:a": {} } } }));
    }

    #[test]
    fn what_a_server_wrote_is_read_back() {
        let written = json!({
            "f:metadata": { "f:labels": { ".": {}, "f:app": {} } },
            "f:spec": { "f:resources": { "f:requests": {} }, "f:containers": { "k:{\"name\":\"m\"}": { ".": {}, "f:image": {} } } },
        });
        let mut paths = Paths::new();
        let fields = paths.read(&written);
        let without_dots = json!({
            "f:metadata": { "f:labels": { "f:app": {} } },
            "f:spec": { "f:resources": { "f:requests": {} }, "f:containers": { "k:{\"name\":\"m\"}": { "f:image": {} } } },
        });
        assert_eq!(paths.render(&fields), without_dots);
    }
}
