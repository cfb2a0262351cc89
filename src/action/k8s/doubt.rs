//! After a crash: was the change of a field made, or not?

use serde_json::Value;

use crate::action::{ActionError, Doubt, Output};
use crate::cluster::Object;
use crate::model::{FailureClass, Intent};

/// What of an object an intent changes, as it is now.
pub(super) struct Seen {
    /// Its path, for people.
    pub what: String,
    pub value: Value,
    /// Who wrote it last.
    pub manager: Option<String>,
}

impl Seen {
    /// One field.
    pub fn field(object: &Object, path: &[&str]) -> Self {
        Self {
            what: path.join("."),
            value: object.at(&format!("/{}", path.join("/"))).cloned().unwrap_or(Value::Null),
            manager: object.field_manager(path).map(|manager| manager.name),
        }
    }

    /// For people: what it is now, and who set it.
    pub fn told(&self, intent: &Intent) -> String {
        let by = by_whom(self.manager.as_deref());
        let shown: String = self.value.to_string().chars().take(80).collect();
        format!("{} of {} is {shown} now, set by {by}", self.what, intent.object)
    }
}

/// A deletion leaves no mark. But an object of that UID that isn't going was not deleted, and one
/// that is gone or going is what was wanted, whoever did it.
pub(super) fn about_deletion(live: Option<&Object>, intent: &Intent, done: impl FnOnce() -> Output) -> Doubt {
    match live {
        Some(live) if live.uid() == intent.uid && !live.is_going() => not_done(live, intent),
        _ => Doubt::Done(done()),
    }
}

/// Compares the live object with the intent. `path` is the field that the intent changes, and `same` compares its values.
pub(super) fn about_field(
    live: Option<&Object>,
    intent: &Intent,
    path: &[&str],
    same: impl Fn(&Value, &Value) -> bool,
    done: impl FnOnce() -> Output,
) -> Doubt {
    about(live, intent, |live| Seen::field(live, path), same, done)
}

/// The same of whatever `look` sees.
///
/// Done only when the wanted value is there with our mark: the same value by somebody else is for a human, since what
/// else they did is not known.
pub(super) fn about(
    live: Option<&Object>,
    intent: &Intent,
    look: impl Fn(&Object) -> Seen,
    same: impl Fn(&Value, &Value) -> bool,
    done: impl FnOnce() -> Output,
) -> Doubt {
    let live = match still_there(live, intent) {
        Ok(live) => live,
        Err(why) => return Doubt::Unclear(why),
    };
    let seen = look(live);
    if same(&seen.value, &intent.after) && seen.manager.as_ref() == Some(&intent.marker) {
        return Doubt::Done(done());
    }
    if same(&seen.value, &intent.before) {
        return not_done(live, intent);
    }
    Doubt::Unclear(format!(
        "{}, while this was under way: {}; look whether more is needed",
        seen.told(intent),
        intent.summary
    ))
}

/// What was not done is for a human where it would not be decided so any more: `still` is that
/// decision, made anew.
///
/// # Errors
/// It could not be decided for now.
pub(super) fn unless_refused<T>(
    doubt: Doubt,
    still: Result<T, ActionError>,
    intent: &Intent,
) -> Result<Doubt, ActionError> {
    match still {
        Ok(_) => Ok(doubt),
        Err(error) if error.class == FailureClass::Retry => Err(error),
        Err(error) => Ok(Doubt::Unclear(format!("{error}; was: {}", intent.summary))),
    }
}

/// It is as before: to be made on a fresh precondition.
pub(in crate::action) fn not_done(live: &Object, intent: &Intent) -> Doubt {
    Doubt::NotDone(Intent { resource_version: live.resource_version().to_owned(), ..intent.clone() })
}

/// For people: who wrote something last.
pub(in crate::action) fn by_whom(manager: Option<&str>) -> String {
    manager.map_or_else(|| "somebody".to_owned(), |manager| format!("`{manager}`"))
}

/// The object that the intent is about.
///
/// # Errors
/// Why it is not that one any more, for people.
pub(in crate::action) fn still_there<'o>(live: Option<&'o Object>, intent: &Intent) -> Result<&'o Object, String> {
    let Some(live) = live else {
        return Err(format!("{} is not there any more; was: {}", intent.object, intent.summary));
    };
    if live.uid() != intent.uid {
        return Err(format!("{} was replaced by another of the same name; was: {}", intent.object, intent.summary));
    }
    Ok(live)
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, json};

    use super::*;
    use crate::model::ObjectKey;

    fn intent() -> Intent {
        Intent {
            summary: "scale deployment/coredns in kube-system 4 -> 6".into(),
            object: ObjectKey::new("Deployment", "kube-system", "coredns"),
            uid: "u1".into(),
            resource_version: "10".into(),
            before: json!(4),
            after: json!(6),
            marker: "dogwatch-run-7-scale".into(),
        }
    }

    fn live(uid: &str, replicas: u32, manager: &str) -> Object {
        Object(json!({
            "kind": "Deployment",
            "metadata": {
                "name": "coredns", "namespace": "kube-system", "uid": uid, "resourceVersion": "12",
                "managedFields": [{
                    "manager": manager, "time": "2026-05-01T12:00:00Z",
                    "fieldsV1": { "f:spec": { "f:replicas": {} } },
                }],
            },
            "spec": { "replicas": replicas },
        }))
    }

    fn done() -> Output {
        Output { value: Map::new(), summary: "done".into() }
    }

    fn ask(live: Option<&Object>) -> Doubt {
        about_field(live, &intent(), &["spec", "replicas"], |a, b| a == b, done)
    }

    #[test]
    fn our_own_change_is_found_by_its_mark() {
        assert_eq!(ask(Some(&live("u1", 6, "dogwatch-run-7-scale"))), Doubt::Done(done()));
    }

    #[test]
    fn what_is_as_before_is_made_on_a_fresh_precondition() {
        let Doubt::NotDone(fresh) = ask(Some(&live("u1", 4, "kubectl"))) else { panic!() };
        assert_eq!(fresh.resource_version, "12");
        assert_eq!(Intent { resource_version: "10".into(), ..fresh }, intent());
    }

    #[test]
    fn anything_else_is_for_a_human() {
        let unclear = |live: Option<&Object>| match ask(live) {
            Doubt::Unclear(why) => why,
            other => panic!("{other:?}"),
        };
        assert!(unclear(Some(&live("u1", 6, "kubectl-scale"))).contains("is 6 now, set by `kubectl-scale`"));
        assert!(unclear(Some(&live("u1", 5, "dogwatch-run-7-scale"))).contains("is 5 now"));
        assert!(unclear(Some(&live("u2", 4, "kubectl"))).contains("was replaced by another of the same name"));
        assert!(unclear(None).contains("is not there any more"));
    }
}
