//! Which fields differ between two versions of the file.

use std::collections::BTreeMap;

use serde_json::Value;

use super::says_nothing;

/// The fields that differ between two texts, by their paths: `server.api_tokens.1.role`. Only what
/// is written is compared: a default that is written out differs from none. Values are never told,
/// as they may be secret.
pub fn changed_keys(before: &str, after: &str) -> Vec<String> {
    let (Some(before), Some(after)) = (leaves(before), leaves(after)) else {
        // It is read otherwise, and only its fields cannot be told apart.
        return vec!["(something)".to_owned()];
    };
    let mut changed: Vec<String> = Vec::new();
    changed.extend(after.iter().filter(|(key, value)| before.get(*key) != Some(value)).map(|(key, _)| key.clone()));
    changed.extend(before.keys().filter(|key| !after.contains_key(*key)).cloned());
    changed.sort();
    changed
}

fn leaves(text: &str) -> Option<BTreeMap<String, Value>> {
    let mut found = BTreeMap::new();
    if !says_nothing(text) {
        collect(String::new(), serde_saphyr::from_str(text).ok()?, &mut found);
    }
    Some(found)
}

fn collect(path: String, value: Value, found: &mut BTreeMap<String, Value>) {
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            fields.into_iter().for_each(|(name, value)| collect(below(&name), value, found))
        }
        Value::Array(items) if !items.is_empty() => {
            items.into_iter().enumerate().for_each(|(n, value)| collect(below(&n.to_string()), value, found));
        }
        // An empty list is something else than none.
        leaf => drop(found.insert(path, leaf)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_named_by_their_paths_and_without_values() {
        let before =
            "server: { listen: 127.0.0.1:80, api_tokens: [{ name: a }, { name: hunter2 }] }\nlog: { format: json }\n";
        let after = "# other words\nserver:\n  listen: 127.0.0.1:80\n  api_tokens: [{ name: a }, { name: c }]\nincidents: { runs: 4 }\n";
        assert_eq!(changed_keys(before, after), ["incidents.runs", "log.format", "server.api_tokens.1.name"]);
        assert_eq!(changed_keys(before, before), [] as [String; 0]);
        assert_eq!(changed_keys("# nothing\n", "incidents: { runs: 4 }"), ["incidents.runs"]);
        assert_eq!(
            changed_keys("server: { heartbeats: [] }", "server: { listen: x }"),
            ["server.heartbeats", "server.listen"]
        );
        assert_eq!(changed_keys(before, "a: ["), ["(something)"]);
    }
}
