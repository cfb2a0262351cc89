//! Whose request it is, and whether it is let in.

use std::sync::MutexGuard;

use super::state::State;
use super::{SimCluster, Verb};
use crate::cluster::{Access, ClusterError, Kind};
use crate::model::ObjectKey;

impl SimCluster {
    /// Lets a request in: the kind is known, the user may, and nothing goes wrong.
    pub(super) fn admit(
        &self,
        verb: Verb,
        subresource: &str,
        key: &ObjectKey,
        dry_run: bool,
    ) -> Result<(MutexGuard<'_, State>, &'static Kind), ClusterError> {
        let kind = self.enter().kind(&key.kind)?;
        let what = match verb {
            Verb::List if key.namespace.is_empty() => kind.plural.to_owned(),
            Verb::List => format!("{} in {}", kind.plural, key.namespace),
            _ => key.to_string(),
        };
        let phrase = format!("{} {what}", verb.as_str());
        if verb != Verb::List {
            kind.check_key(key).map_err(|message| ClusterError::Refused { what: phrase.clone(), message })?;
        }
        let namespace = if kind.namespaced { key.namespace.as_str() } else { "" };
        let access = Access { name: key.name.clone(), ..kind.access(verb.as_str(), subresource, namespace) };
        if !self.may(&access) {
            let of = if subresource.is_empty() { kind.plural.into() } else { format!("{}/{subresource}", kind.plural) };
            let place = if key.namespace.is_empty() {
                String::new()
            } else {
                format!(" in the namespace \"{}\"", key.namespace)
            };
            let message = format!("cannot {} resource \"{of}\" in API group \"{}\"{place}", verb.as_str(), kind.group);
            return Err(ClusterError::Forbidden { what: phrase, message });
        }
        let mut state = self.enter();
        state.faults.before(verb, kind.id, &phrase, &what, dry_run)?;
        Ok((state, kind))
    }

    pub(super) fn may(&self, access: &Access) -> bool {
        let Some(granted) = &self.granted else { return true };
        granted.iter().any(|right| {
            let given = |own: &str, asked: &str| if own.is_empty() { asked.to_owned() } else { own.to_owned() };
            let namespace = given(&right.namespace, &access.namespace);
            Access { namespace, name: given(&right.name, &access.name), ..right.clone() } == *access
        })
    }
}
