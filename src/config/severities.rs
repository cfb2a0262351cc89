//! `severities`: what words for severity mean, and what makes an incident better or worse than its
//! alerts say.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::json;

use crate::model::{BlastRadius, Severities, Severity, TierRule, Tiers};

/// Words, in the place of what they mean by themselves. Case, blanks and punctuation do not count.
#[derive(Debug, Clone, Default, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SeveritiesConfig {
    #[serde(rename = "S1")]
    pub s1: Vec<String>,
    #[serde(rename = "S2")]
    pub s2: Vec<String>,
    #[serde(rename = "S3")]
    pub s3: Vec<String>,
    #[serde(rename = "S4")]
    pub s4: Vec<String>,
    pub tiers: TiersConfig,
    pub blast_radius: BlastRadiusConfig,
}

/// What the tiers of objects mean.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TiersConfig {
    /// The labels and annotations that say it, of an object, its owner or its namespace.
    pub names: Vec<String>,
    /// The label by which alerts say it.
    pub alert_label: String,
    pub rules: BTreeMap<String, TierRuleConfig>,
}

#[derive(Debug, Clone, Copy, Default, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TierRuleConfig {
    pub at_least: Option<Severity>,
    pub at_most: Option<Severity>,
}

/// From how many objects on an incident is one step worse; each may be `off`, and so may all.
#[derive(Debug, Clone, Copy, Default)]
pub struct BlastRadiusConfig(pub BlastRadius);

impl Default for TiersConfig {
    fn default() -> Self {
        let names = vec!["dogwatch/tier".to_owned(), "tier".to_owned()];
        Self { names, alert_label: "tier".to_owned(), rules: BTreeMap::new() }
    }
}

impl TiersConfig {
    pub fn tiers(&self) -> Tiers {
        let rule = |rule: &TierRuleConfig| TierRule { at_least: rule.at_least, at_most: rule.at_most };
        Tiers {
            names: self.names.clone(),
            alert_label: self.alert_label.clone(),
            rules: self.rules.iter().map(|(tier, of)| (tier.trim().to_owned(), rule(of))).collect(),
        }
    }
}

impl SeveritiesConfig {
    /// All words, each with the field that it stands in.
    pub(super) fn words(&self) -> impl Iterator<Item = (String, String, Severity)> {
        let lists =
            [(&self.s1, Severity::S1), (&self.s2, Severity::S2), (&self.s3, Severity::S3), (&self.s4, Severity::S4)];
        lists.into_iter().flat_map(|(words, severity)| {
            let word =
                move |(n, word): (usize, &'_ String)| (format!("severities.{severity}.{n}"), word.clone(), severity);
            words.iter().enumerate().map(word).collect::<Vec<_>>()
        })
    }

    /// The whole mapping.
    pub fn mapping(&self) -> Severities {
        Severities::with(self.words().map(|(_, word, severity)| (word, severity)))
    }
}

/// A number of objects, or `off`.
struct Threshold(Option<u64>);

impl<'de> Deserialize<'de> for Threshold {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ThresholdVisitor)
    }
}

struct ThresholdVisitor;

impl Visitor<'_> for ThresholdVisitor {
    type Value = Threshold;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a number of objects, such as `25`, or `off`")
    }

    fn visit_u64<E: Error>(self, objects: u64) -> Result<Threshold, E> {
        // One object is what every incident is about.
        if objects < 2 {
            Err(E::custom(format!("{objects} objects are not many")))
        } else {
            Ok(Threshold(Some(objects)))
        }
    }

    fn visit_i64<E: Error>(self, objects: i64) -> Result<Threshold, E> {
        self.visit_u64(u64::try_from(objects).unwrap_or_default())
    }

    fn visit_bool<E: Error>(self, on: bool) -> Result<Threshold, E> {
        if on { Err(E::custom("`on` says no number of objects")) } else { Ok(Threshold(None)) }
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Threshold, E> {
        if text == "off" {
            Ok(Threshold(None))
        } else {
            Err(E::custom("this is neither a number of objects nor `off`"))
        }
    }
}

impl schemars::JsonSchema for BlastRadiusConfig {
    fn schema_name() -> Cow<'static, str> {
        "BlastRadius".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let threshold = json!({ "anyOf": [{ "type": "integer", "minimum": 2 }, { "enum": ["off", false] }] });
        let properties = json!({ "S1": threshold, "S2": threshold, "S3": threshold });
        schemars::json_schema!({ "anyOf": [
            { "enum": ["off", false] },
            { "type": "object", "properties": properties, "additionalProperties": false },
        ] })
    }
}

impl<'de> Deserialize<'de> for BlastRadiusConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RadiusVisitor)
    }
}

struct RadiusVisitor;

impl<'de> Visitor<'de> for RadiusVisitor {
    type Value = BlastRadiusConfig;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("`off`, or numbers of objects such as `{ S2: 25 }`")
    }

    fn visit_bool<E: Error>(self, on: bool) -> Result<BlastRadiusConfig, E> {
        ThresholdVisitor.visit_bool(on).map(|_| BlastRadiusConfig(BlastRadius::OFF))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<BlastRadiusConfig, E> {
        ThresholdVisitor.visit_str(text).map(|_| BlastRadiusConfig(BlastRadius::OFF))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<BlastRadiusConfig, A::Error> {
        const FIELDS: &[&str] = &["S1", "S2", "S3"];
        let mut radius = BlastRadius::default();
        while let Some(severity) = map.next_key::<String>()? {
            let place = match severity.as_str() {
                "S1" => &mut radius.s1,
                "S2" => &mut radius.s2,
                "S3" => &mut radius.s3,
                other => return Err(A::Error::unknown_field(other, FIELDS)),
            };
            *place = map.next_value::<Threshold>()?.0;
        }
        Ok(BlastRadiusConfig(radius))
    }
}
