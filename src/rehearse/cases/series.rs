//! What Prometheus answers once.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::json;

use crate::prometheus::Drawn;

/// Nothing (`null`), a number without labels, how one ran (`{ points: [40, 71] }`), or a list of
/// series.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Series(pub Vec<Drawn>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct One {
    #[serde(default)]
    labels: BTreeMap<String, String>,
    value: Option<f64>,
    points: Option<Vec<Option<f64>>>,
}

/// Points beyond these would be between those that are asked about.
const MOST_POINTS: usize = 500;

impl One {
    fn drawn<E: Error>(self) -> Result<Drawn, E> {
        let points = match (self.value, self.points) {
            (Some(value), None) => vec![Some(value)],
            (None, Some(points)) if points.iter().any(Option::is_some) && points.len() <= MOST_POINTS => points,
            (None, Some(_)) => {
                return Err(E::custom(format!("`points` takes 1 to {MOST_POINTS} numbers, and `null` for gaps")));
            }
            _ => return Err(E::custom("a series has either a `value`, or `points` for how it ran")),
        };
        Ok(Drawn { labels: self.labels, points })
    }
}

impl Series {
    fn number(value: f64) -> Self {
        Self(vec![Drawn { labels: BTreeMap::new(), points: vec![Some(value)] }])
    }
}

impl schemars::JsonSchema for Series {
    fn schema_name() -> Cow<'static, str> {
        "Series".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let points = json!({
            "description": "How it ran, for `prometheus.range`: evenly apart over what is asked about, the last one now, on \
                straight lines from one to the next; `null` where there was no sample.",
            "type": "array",
            "minItems": 1,
            "maxItems": MOST_POINTS,
            "items": { "type": ["number", "null"] },
        });
        let one = json!({
            "type": "object",
            "additionalProperties": false,
            "oneOf": [{ "required": ["value"] }, { "required": ["points"] }],
            "properties": {
                "labels": { "type": "object", "additionalProperties": { "type": "string" } },
                "value": { "type": "number" },
                "points": points,
            },
        });
        schemars::json_schema!({
            "anyOf": [{ "type": ["number", "null"] }, one, { "type": "array", "items": one }],
        })
    }
}

impl<'de> Deserialize<'de> for Series {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Series;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "a number, `null` for no samples, how it ran as `{ points: [40, 71] }`, or a list such as `[{ labels: { pod: \
                     db-0 }, value: 1 }]`",
                )
            }

            fn visit_unit<E: Error>(self) -> Result<Series, E> {
                Ok(Series::default())
            }

            fn visit_none<E: Error>(self) -> Result<Series, E> {
                Ok(Series::default())
            }

            fn visit_f64<E: Error>(self, value: f64) -> Result<Series, E> {
                Ok(Series::number(value))
            }

            fn visit_i64<E: Error>(self, value: i64) -> Result<Series, E> {
                Ok(Series::number(value as f64))
            }

            fn visit_u64<E: Error>(self, value: u64) -> Result<Series, E> {
                Ok(Series::number(value as f64))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, series: A) -> Result<Series, A::Error> {
                let series: Vec<One> = Vec::deserialize(SeqAccessDeserializer::new(series))?;
                Ok(Series(series.into_iter().map(One::drawn).collect::<Result<_, _>>()?))
            }

            fn visit_map<A: MapAccess<'de>>(self, one: A) -> Result<Series, A::Error> {
                Ok(Series(vec![One::deserialize(MapAccessDeserializer::new(one))?.drawn()?]))
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
        let number = |n: usize| said[n].0[0].points.clone();
        assert_eq!((number(1), number(2), number(3)), (vec![Some(5.0)], vec![Some(-0.5)], vec![Some(7.5)]));
        assert_eq!(said[5].0[0].labels["pod"], "db-0");
        assert_eq!((said[5].0[1].labels.len(), said[5].0[1].points[0]), (0, Some(2000.0)));
    }

    #[test]
    fn how_a_series_ran_is_an_answer() {
        let said = read("[{ points: [40, null, 71.5] }, [{ labels: { pod: db-0 }, points: [1] }]]").unwrap();
        assert_eq!(said[0].0[0].points, [Some(40.0), None, Some(71.5)]);
        assert_eq!((said[1].0[0].labels["pod"].as_str(), &said[1].0[0].points), ("db-0", &vec![Some(1.0)]));
        for (wrong, told) in [
            ("{ points: [] }", "`points` takes 1 to 500 numbers"),
            ("{ points: [null] }", "`points` takes 1 to 500 numbers"),
            ("{ value: 1, points: [1] }", "either a `value`, or `points`"),
            ("[{ labels: { pod: db-0 } }]", "either a `value`, or `points`"),
        ] {
            let error = read(&format!("[{wrong}]")).unwrap_err();
            assert!(error.contains(told), "{wrong}: {error}");
        }
    }

    #[test]
    fn what_is_none_says_what_one_is() {
        assert!(read("[many]").unwrap_err().contains("a number, `null` for no samples"));
        assert!(read("[[{ label: { pod: db-0 }, value: 1 }]]").unwrap_err().contains("label"));
    }
}
