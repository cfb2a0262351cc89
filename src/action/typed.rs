//! Arguments and outputs whose fields are their declaration: what a struct holds is what playbooks
//! may write or see.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;

use serde::{Serialize, Serializer};
use serde_json::Value;

use super::amounts::{Amount, Count, Flag, MoreOf, MoreReplicas, MoreResource, MoreStorage, Most, Resource, Size};
use super::declaration::{Argument, Field};
use super::k8s::field_path::FieldPath;
use super::k8s::set_image::Image;
use crate::cluster::KindName;
use crate::language::{AnyArg, Arg, ArgError, Scope};
use crate::model::HumanDuration;

/// A value of an argument or of an output.
pub trait Typed {
    /// What it is, in a word or two.
    const WORDS: &'static str;
    /// Whether it may be left out.
    const OPTIONAL: bool = false;
    /// Whether it may be null.
    const NULLABLE: bool = false;
    /// Its fields, where they are known.
    const FIELDS: &'static [Field] = &[];
    /// The fields of its entries, where it is a list and they are known.
    const ENTRIES: &'static [Field] = &[];

    /// Whether it is left out.
    fn is_absent(&self) -> bool {
        false
    }
}

macro_rules! words {
    ($($of:ty => $words:literal),* $(,)?) => {
        $(impl Typed for $of {
            const WORDS: &'static str = $words;
        })*
    };
}

words! {
    bool => "boolean",
    String => "string",
    &'static str => "string",
    i64 => "integer",
    u64 => "integer",
    usize => "integer",
    f64 => "number",
    BTreeMap<String, String> => "mapping",
    Value => "mapping",
    Count => "integer",
    Flag => "boolean",
    MoreReplicas => "percentage or integer",
    Most => "percentage or integer",
    MoreStorage => "percentage or size",
    Size => "size",
    MoreResource => "percentage or quantity",
    Resource => "quantity",
    MoreOf => "percentage or number",
    Amount => "number or quantity",
    FieldPath => "path",
    Image => "image",
    KindName => "kind",
    HumanDuration => "duration",
}

impl<T: Typed> Typed for Arg<T> {
    const WORDS: &'static str = T::WORDS;
}

impl<T: Typed> Typed for Option<T> {
    const WORDS: &'static str = T::WORDS;
    const OPTIONAL: bool = true;
    const ENTRIES: &'static [Field] = T::ENTRIES;

    fn is_absent(&self) -> bool {
        self.is_none()
    }
}

impl<T: Typed> Typed for Vec<T> {
    const WORDS: &'static str = "list";
    const ENTRIES: &'static [Field] = T::FIELDS;
}

/// A value that is always there, and may be null.
#[derive(Debug, Clone, PartialEq)]
pub struct OrNull<T>(pub Option<T>);

impl<T: Typed> Typed for OrNull<T> {
    const WORDS: &'static str = T::WORDS;
    const NULLABLE: bool = true;
}

impl<T: Serialize> Serialize for OrNull<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

/// The arguments of an action. Made by `arguments!`.
pub trait Arguments {
    const ARGUMENTS: &'static [Argument];

    /// All of them by their names, so that `dogwatch check` can look at their templates.
    fn args(&self) -> Vec<(&'static str, &dyn AnyArg)>;
}

/// The fields that an action leaves for conditions and texts. Made by `output!`.
pub trait Fields: Serialize + Typed {}

/// An argument that has a default.
pub(super) trait HasDefault {
    type Value;

    /// The value for the names in `scope`: that of `default` where the argument was left out.
    fn value_or(&self, default: &str, scope: &Scope) -> Result<Self::Value, ArgError>;
}

impl<T> HasDefault for Option<Arg<T>>
where
    T: FromStr + Clone,
    T::Err: Display,
{
    type Value = T;

    fn value_or(&self, default: &str, scope: &Scope) -> Result<T, ArgError> {
        match self {
            Some(arg) => arg.resolve(scope),
            None => default.parse().map_err(|error: T::Err| ArgError::Unusable {
                template: default.to_owned(),
                message: error.to_string(),
            }),
        }
    }
}

/// The struct of an action's arguments: each an `Arg`, in an `Option` where it may be left out. Its
/// documentation is for people who write playbooks. `limit: Option<Arg<Count>> = "20"` has a
/// default, and the method `limit` gives its value.
macro_rules! arguments {
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident {
            $(
                $(#[doc = $doc:literal])+
                $field:ident: $of:ty $(= $default:literal)?
            ),* $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        $vis struct $name {
            $($(#[doc = $doc])+ $field: $of,)*
        }

        impl $crate::action::typed::Arguments for $name {
            const ARGUMENTS: &'static [$crate::action::declaration::Argument] = &[
                $($crate::action::declaration::Argument {
                    name: $crate::action::typed::plain_name(stringify!($field)),
                    of_type: <$of as $crate::action::typed::Typed>::WORDS,
                    required: !<$of as $crate::action::typed::Typed>::OPTIONAL,
                    default: $crate::action::typed::default!($($default)?),
                    doc: concat!($($doc),+).trim_ascii(),
                },)*
            ];

            fn args(&self) -> Vec<(&'static str, &dyn $crate::language::AnyArg)> {
                vec![$((
                    $crate::action::typed::plain_name(stringify!($field)),
                    &self.$field as &dyn $crate::language::AnyArg,
                )),*]
            }
        }

        $($(
            impl $name {
                fn $field(
                    &self,
                    scope: &$crate::language::Scope,
                ) -> Result<<$of as $crate::action::typed::HasDefault>::Value, $crate::language::ArgError> {
                    $crate::action::typed::HasDefault::value_or(&self.$field, $default, scope)
                }
            }
        )?)*
    };
}

macro_rules! default {
    () => {
        None
    };
    ($default:literal) => {
        Some($default)
    };
}

/// The struct of an action's output. Its documentation is for people who write playbooks. An
/// `Option` that is `None` is left out.
macro_rules! output {
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident {
            $(
                $(#[doc = $doc:literal])+
                $field:ident: $of:ty
            ),* $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, serde::Serialize)]
        $vis struct $name {
            $(
                $(#[doc = $doc])+
                #[serde(skip_serializing_if = "crate::action::typed::Typed::is_absent")]
                pub $field: $of,
            )*
        }

        impl $crate::action::typed::Typed for $name {
            const WORDS: &'static str = "mapping";
            const FIELDS: &'static [$crate::action::declaration::Field] = &[
                $($crate::action::declaration::Field {
                    name: $crate::action::typed::plain_name(stringify!($field)),
                    of_type: <$of as $crate::action::typed::Typed>::WORDS,
                    optional: <$of as $crate::action::typed::Typed>::OPTIONAL,
                    nullable: <$of as $crate::action::typed::Typed>::NULLABLE,
                    entries: <$of as $crate::action::typed::Typed>::ENTRIES,
                    doc: concat!($($doc),+).trim_ascii(),
                },)*
            ];
        }

        impl $crate::action::typed::Fields for $name {}
    };
}

/// `type` for the field `r#type`.
pub(super) const fn plain_name(name: &'static str) -> &'static str {
    match name.as_bytes() {
        [b'r', b'#', ..] => name.split_at(2).1,
        _ => name,
    }
}

pub(super) use {arguments, default, output};
