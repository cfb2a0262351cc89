//! The kinds of Kubernetes itself, as the API server describes them. Which they are, `model` says:
//! by them keys of objects are compared.
//!
//! Group, version, plural and scope are those of the types of `k8s-openapi`, which are made from
//! the API server's own description of itself.

use k8s_openapi::{ClusterResourceScope, NamespaceResourceScope, Resource};

use super::Kind;
pub(super) use crate::model::built_in_kinds;

/// Whether the objects of a scope belong to namespaces.
pub(super) trait Reach {
    const IS_NAMESPACED: bool;
}

impl Reach for NamespaceResourceScope {
    const IS_NAMESPACED: bool = true;
}

impl Reach for ClusterResourceScope {
    const IS_NAMESPACED: bool = false;
}

/// The kind of that type.
pub(super) const fn kind_of<T>() -> Kind
where
    T: Resource,
    T::Scope: Reach,
{
    Kind {
        id: T::KIND,
        name: T::KIND,
        group: T::GROUP,
        version: T::VERSION,
        plural: T::URL_PATH_SEGMENT,
        namespaced: T::Scope::IS_NAMESPACED,
    }
}

macro_rules! table {
    ($($of:ty $(as $id:literal)?),* $(,)?) => {
        &[$(Kind { $(id: $id,)? ..kind_of::<$of>() }),*]
    };
}

/// All of them.
pub(super) static KINDS: &[Kind] = built_in_kinds!(table);
