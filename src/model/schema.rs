//! Schemas of values that are read by hand. What reads a value decides; a schema only tells editors.

/// Gives a type the JSON Schema that stands there.
macro_rules! schema {
    ($type:ty, $($json:tt)+) => {
        impl schemars::JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!($($json)+)
            }
        }
    };
}
pub(crate) use schema;
