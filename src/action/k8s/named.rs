//! The object, or the objects, that arguments name by `kind` and `namespace`.

use crate::action::Named;
use crate::cluster::KindName;
use crate::language::Arg;

/// Kind and namespace must stand in the playbook as they are: `dogwatch rbac` must know which
/// rights to ask for.
pub(super) fn written_out(kind: &Arg<KindName>, namespace: Option<&Arg<String>>) -> Result<(), String> {
    let why = "must be written out, as the rights that the playbook needs follow from it";
    if kind.literal().is_none() {
        return Err(format!("`kind` {why}"));
    }
    match namespace.map(Arg::literal) {
        Some(None) => Err(format!("`namespace` {why}; leave it out for the target's")),
        None | Some(Some(_)) => Ok(()),
    }
}

pub(super) fn named(kind: Option<&Arg<KindName>>, namespace: Option<&Arg<String>>) -> Named {
    Named { kind: kind.and_then(Arg::literal).cloned(), namespace: namespace.and_then(Arg::literal).cloned() }
}
