//! JSON merge patches, <https://www.rfc-editor.org/rfc/rfc7386>.

use serde_json::{Map, Value};

/// Changes `target` as `patch` says: null removes, objects are merged, everything else replaces.
pub(super) fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(changes) = patch else {
        target.clone_from(patch);
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Some(fields) = target.as_object_mut() else {
        return; // It was made one just above.
    };
    for (name, change) in changes {
        if change.is_null() {
            fields.remove(name);
        } else {
            merge(fields.entry(name.clone()).or_insert(Value::Null), change);
        }
    }
}

/// The merge patch that makes `to` of `from`: what `to` lacks is null in it, and a list is given as
/// a whole. `to` has no nulls in its objects: a patch cannot set one.
pub fn difference(from: &Value, to: &Value) -> Value {
    let (Value::Object(old), Value::Object(new)) = (from, to) else { return to.clone() };
    let gone = old.keys().filter(|name| !new.contains_key(*name)).map(|name| (name.clone(), Value::Null));
    let changed = new.iter().filter_map(|(name, value)| match old.get(name) {
        None => Some((name.clone(), value.clone())),
        Some(before) if before == value => None,
        Some(before) => Some((name.clone(), difference(before, value))),
    });
    Value::Object(gone.chain(changed).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn merged(mut target: Value, patch: &Value) -> Value {
        merge(&mut target, patch);
        target
    }

    #[test]
    fn the_examples_of_the_rfc() {
        for (target, patch, result) in [
            (json!({"a":"b"}), json!({"a":"c"}), json!({"a":"c"})),
            (json!({"a":"b"}), json!({"b":"c"}), json!({"a":"b","b":"c"})),
            (json!({"a":"b"}), json!({"a":null}), json!({})),
            (json!({"a":"b","b":"c"}), json!({"a":null}), json!({"b":"c"})),
            (json!({"a":["b"]}), json!({"a":"c"}), json!({"a":"c"})),
            (json!({"a":"c"}), json!({"a":["b"]}), json!({"a":["b"]})),
            (json!({"a":{"b":"c"}}), json!({"a":{"b":"d","c":null}}), json!({"a":{"b":"d"}})),
            (json!({"a":[{"b":"c"}]}), json!({"a":[1]}), json!({"a":[1]})),
            (json!(["a", "b"]), json!(["c", "d"]), json!(["c", "d"])),
            (json!({"a":"b"}), json!(["c"]), json!(["c"])),
            (json!({"a":"foo"}), json!(null), json!(null)),
            (json!({"a":"foo"}), json!("bar"), json!("bar")),
            (json!({"e":null}), json!({"a":1}), json!({"e":null,"a":1})),
            (json!([1, 2]), json!({"a":"b","c":null}), json!({"a":"b"})),
            (json!({}), json!({"a":{"bb":{"ccc":null}}}), json!({"a":{"bb":{}}})),
        ] {
            assert_eq!(merged(target.clone(), &patch), result, "{target} with {patch}");
        }
    }

    fn documents() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![Just(Value::Null), (0..4).prop_map(|n| json!(n)), "[ab]{0,2}".prop_map(|s| json!(s))];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::Array),
                prop::collection::btree_map("[abc]", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn the_same_patch_twice_is_the_same_as_once(target in documents(), patch in documents()) {
            let once = merged(target, &patch);
            prop_assert_eq!(merged(once.clone(), &patch), once);
        }

        #[test]
        fn an_object_without_nulls_is_a_patch_to_itself(target in documents(), patch in documents()) {
            prop_assume!(patch.is_object() && !has_null(&patch));
            prop_assert_eq!(merged(Value::Null, &patch), patch.clone());
            prop_assert!(contains(&merged(target, &patch), &patch));
        }
    }

    /// Without the nulls that are members of objects.
    fn settled(value: Value) -> Value {
        match value {
            Value::Object(fields) => {
                let fields = fields.into_iter().filter(|(_, value)| !value.is_null());
                Value::Object(fields.map(|(name, value)| (name, settled(value))).collect())
            }
            other => other,
        }
    }

    proptest! {
        /// What is there is replaced, whatever was there: nothing of it is left behind.
        #[test]
        fn a_difference_is_the_way_from_one_to_the_other(from in documents(), to in documents()) {
            let to = settled(to);
            prop_assert_eq!(merged(from.clone(), &difference(&from, &to)), to);
        }

        #[test]
        fn a_difference_says_no_more_than_what_differs(same in documents()) {
            prop_assume!(same.is_object());
            let same = settled(same);
            prop_assert_eq!(difference(&same, &same), json!({}));
        }
    }

    #[test]
    fn what_is_no_longer_wanted_is_null_in_a_difference() {
        let from = json!({ "a": { "b": 1, "c": [1] }, "d": 1, "e": { "f": 1 } });
        let to = json!({ "a": { "b": 1, "c": [2] }, "e": 3 });
        assert_eq!(difference(&from, &to), json!({ "a": { "c": [2] }, "d": null, "e": 3 }));
    }

    fn has_null(value: &Value) -> bool {
        match value {
            Value::Null => true,
            Value::Object(fields) => fields.values().any(has_null),
            _ => false,
        }
    }

    fn contains(whole: &Value, part: &Value) -> bool {
        match (whole, part) {
            (Value::Object(whole), Value::Object(part)) => {
                part.iter().all(|(name, value)| whole.get(name).is_some_and(|inner| contains(inner, value)))
            }
            _ => whole == part,
        }
    }
}
