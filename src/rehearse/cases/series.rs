//! What Prometheus answers once.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::value::SeqAccessDeserializer;
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::json;

use crate::prometheus::Sample;

/// Nothing (`null`), a number without labels, or a list of series.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Series(pub Vec<Sample>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct One {
    #[serde(default)]
    labels: BTreeMap<String, String>,
    value: f64,
}

impl Series {
    fn number(value: f64) -> Self {
        Self(vec![Sample { labels: BTreeMap::new(), value }])
    }
}

impl schemars::JsonSchema for Series {
    fn schema_name() -> Cow<'static, str> {
        "Series".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let one = json!({
            "type": "object",
            "additionalProperties": false,
            "required": ["value"],
            "properties": {
                "labels": { "type": "object", "additionalProperties": { "type": "string" } },
                "value": { "type": "number" },
            },
        });
        schemars::json_schema!({ "anyOf": [{ "type": ["number", "null"] }, { "type": "array", "items": one }] })
    }
}

impl<'de> Deserialize<'de> for Series {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Series;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "a number, `null` for no samples, or a list such as `[{ labels: { pod: db-0 }, value: 1 }]`",
                )
            }

            fn visit_unit<E: serde::de::Error>(self) -> Result<Series, E> {
                Ok(Series::default())
            }

            fn visit_none<E: serde::de::Error>(self) -> Result<Series, E> {
                Ok(Series::default())
            }

            fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Series, E> {
                Ok(Series::number(value))
            }

            fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Series, E> {
                Ok(Series::number(value as f64))
            }

            fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Series, E> {
                Ok(Series::number(value as f64))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, series: A) -> Result<Series, A::Error> {
                let series: Vec<One> = Vec::deserialize(SeqAccessDeserializer::new(series))?;
                Ok(Series(series.into_iter().map(|One { labels, value }| Sample { labels, value }).collect()))
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Series>, String> {
        serde_saphyr::from_str(text).map_err(|error| error.to_string())
    }

    #[test]
    fn nothing_a_number_and_series_with_labels_are_answers() {
        let said = read("[null, 5, -0.5, 7.5, [], [{ labels: { pod: db-0 }, value: 1 }, { value: 2e3 }]]").unwrap();
        assert_eq!((said[0].0.len(), said[4].0.len()), (0, 0));
        let number = |n: usize| said[n].0[0].value;
        assert_eq!((number(1), number(2), number(3)), (5.0, -0.5, 7.5));
        assert_eq!(said[5].0[0].labels["pod"], "db-0");
        assert_eq!((said[5].0[1].labels.len(), said[5].0[1].value), (0, 2000.0));
    }

    #[test]
    fn what_is_none_says_what_one_is() {
        assert!(read("[many]").unwrap_err().contains("a number, `null` for no samples, or a list"));
        assert!(read("[[{ label: { pod: db-0 }, value: 1 }]]").unwrap_err().contains("label"));
    }
}
