//! The shape of `oncall.yaml`, before its texts are checked.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Location, Spanned};

use crate::model::{ActingRole, Severity, schema};

/// A text, and where it stands.
pub(super) type Text = Spanned<String>;

/// The schema (draft 2020-12) of an on-call file.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Document).to_value()
}

/// Who is on call: members, teams with their rotations, and who is called next.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "OnCall")]
pub(super) struct Document {
    #[serde(rename = "apiVersion")]
    #[schemars(with = "String", extend("const" = "dogwatch/v1"))]
    pub api_version: Text,
    #[schemars(with = "String", extend("const" = "OnCall"))]
    pub kind: Text,
    /// The people.
    #[schemars(with = "Vec<MemberEntry>")]
    pub members: Spanned<Vec<MemberEntry>>,
    /// The teams, each with its rotation.
    #[schemars(with = "Vec<TeamEntry>")]
    pub teams: Spanned<Vec<TeamEntry>>,
    /// Of teams that have none of their own.
    pub escalation: Option<EscalationEntry>,
    /// Which team can act on which causes: a team, or another role. A role that is not written is that of the team of its
    /// name, or else the platform's.
    #[serde(default)]
    #[schemars(with = "BTreeMap<ActingRole, String>")]
    pub roles: BTreeMap<ActingRole, Text>,
    /// Who knows an area best.
    #[serde(default)]
    pub experts: Vec<AreaEntry>,
}

#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AreaEntry {
    /// What it is called.
    #[schemars(with = "String")]
    pub area: Text,
    /// Members, the best first.
    #[schemars(with = "Vec<String>")]
    pub people: Spanned<Vec<Text>>,
    /// Names of alerts that belong to it; `*` stands for any text.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub alerts: Vec<Text>,
    /// Playbooks that belong to it; `*` stands for any text.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub playbooks: Vec<Text>,
    /// Namespaces that belong to it; `*` stands for any text.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub namespaces: Vec<Text>,
}

#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MemberEntry {
    /// By which others name them, here and in chat.
    #[schemars(with = "String")]
    pub name: Text,
    /// Their id of Discord.
    #[schemars(with = "Option<String>")]
    pub discord: Option<Text>,
    /// Where mails reach them.
    #[schemars(with = "Option<String>")]
    pub email: Option<Text>,
    /// Their id of Slack: `U012AB3CD`.
    #[schemars(with = "Option<String>")]
    pub slack: Option<Text>,
    /// Their user name of Mattermost.
    #[schemars(with = "Option<String>")]
    pub mattermost: Option<Text>,
    /// Their sign-in name of Microsoft Teams.
    #[schemars(with = "Option<String>")]
    pub teams: Option<Text>,
    /// Their topic of ntfy.
    #[schemars(with = "Option<String>")]
    pub ntfy: Option<Text>,
    /// Where they live: `Europe/Berlin`.
    #[schemars(with = "Option<String>")]
    pub time_zone: Option<Text>,
    /// The sinks at which they are called, all at once.
    #[serde(default)]
    #[schemars(with = "BTreeMap<SeverityEntry, Vec<String>>")]
    pub contacts: BTreeMap<SeverityEntry, Spanned<Vec<Text>>>,
}

#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TeamEntry {
    /// By which playbooks name it as their `owner`.
    #[schemars(with = "String")]
    pub name: Text,
    /// Of Discord.
    #[schemars(with = "Option<String>")]
    pub channel: Option<Text>,
    /// Where it is paged, by sink.
    #[serde(default)]
    pub channels: ChannelsEntry,
    /// Who is on call: one rotation, or a list of which the first counts that covers the instant.
    #[schemars(with = "RotationsEntry")]
    pub rotation: Spanned<RotationsEntry>,
    /// Who stands behind them.
    #[schemars(with = "Option<RotationsEntry>")]
    pub secondary: Option<Spanned<RotationsEntry>>,
    /// When less than S2 pages too.
    pub page_for: Option<PageForEntry>,
    /// Who manages it.
    #[schemars(with = "Option<String>")]
    pub manager: Option<Text>,
    /// Who is called next while nobody acknowledges.
    pub escalation: Option<EscalationEntry>,
}

/// Where a team is paged, by sink.
#[derive(Debug, Default, serde::Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ChannelsEntry {
    #[schemars(with = "Option<String>")]
    pub slack: Option<Text>,
    #[schemars(with = "Option<String>")]
    pub mattermost: Option<Text>,
    #[schemars(with = "Option<String>")]
    pub ntfy: Option<Text>,
    #[schemars(with = "Option<String>")]
    pub email: Option<Text>,
}

#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EscalationEntry {
    /// Left out: as where nothing is said.
    #[schemars(with = "Option<Vec<StepEntry>>")]
    pub steps: Option<Spanned<Vec<StepEntry>>>,
    /// How often all steps are gone through.
    #[schemars(with = "Option<u32>")]
    pub repeat: Option<Spanned<u32>>,
    /// By severity, the time in which a page must be acknowledged.
    #[serde(default)]
    #[schemars(with = "BTreeMap<SeverityEntry, String>")]
    pub ack_within: BTreeMap<SeverityEntry, Text>,
    /// By severity, the time in which whoever has it must touch it.
    #[serde(default)]
    #[schemars(with = "BTreeMap<SeverityEntry, String>")]
    pub touch_within: BTreeMap<SeverityEntry, Text>,
}

/// The severities that call somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize, JsonSchema)]
pub(super) enum SeverityEntry {
    S1,
    S2,
    S3,
}

impl SeverityEntry {
    pub(super) fn severity(self) -> Severity {
        match self {
            SeverityEntry::S1 => Severity::S1,
            SeverityEntry::S2 => Severity::S2,
            SeverityEntry::S3 => Severity::S3,
        }
    }
}

#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct StepEntry {
    /// Who is called.
    #[schemars(with = "Vec<CalleeEntry>")]
    pub call: Spanned<Vec<Spanned<CalleeEntry>>>,
    /// The time until the next step.
    #[schemars(with = "Option<String>")]
    pub within: Option<Text>,
}

/// `on-call`, or `{ person: erin }`.
#[derive(Debug)]
pub(super) struct CalleeEntry {
    pub kind: String,
    pub name: Option<String>,
}

schema!(CalleeEntry, { "anyOf": [
    { "enum": ["on-call", "secondary", "next", "everybody", "manager", "default-team", "experts"] },
    {
        "type": "object",
        "additionalProperties": { "type": "string" },
        "propertyNames": { "enum": ["person", "team", "rotation", "experts"] },
        "minProperties": 1,
        "maxProperties": 1,
    },
] });

// By hand, as an untagged enum would lose the places.
impl<'de> Deserialize<'de> for CalleeEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct CalleeVisitor;

        impl<'de> Visitor<'de> for CalleeVisitor {
            type Value = CalleeEntry;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "`on-call`, `secondary`, `next`, `everybody`, `manager` or `experts`, or a name such as `{ person: erin }`",
                )
            }

            fn visit_str<E: Error>(self, kind: &str) -> Result<CalleeEntry, E> {
                Ok(CalleeEntry { kind: kind.to_owned(), name: None })
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<CalleeEntry, A::Error> {
                let Some((kind, name)) = map.next_entry()? else {
                    return Err(A::Error::custom("it names nobody; write such as `{ person: erin }`"));
                };
                if map.next_key::<String>()?.is_some() {
                    return Err(A::Error::custom("it names two; write each as an entry of its own: `- person: erin`"));
                }
                Ok(CalleeEntry { kind, name: Some(name) })
            }
        }

        deserializer.deserialize_any(CalleeVisitor)
    }
}

/// S1 and S2 page always, and S4 never.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PageForEntry {
    #[serde(rename = "S3")]
    pub s3: HoursEntry,
}

#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct HoursEntry {
    /// Such as `mon-fri`.
    #[schemars(with = "String")]
    pub days: Text,
    /// The time of day when they begin: `"09:00"`.
    #[schemars(with = "String")]
    pub from: Text,
    /// The time of day when they end.
    #[schemars(with = "String")]
    pub to: Text,
    /// Left out: that of the rotation.
    #[schemars(with = "Option<String>")]
    pub time_zone: Option<Text>,
}

#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RotationEntry {
    /// The zone of its times of day: `Europe/Berlin`.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Option<String>")]
    pub time_zone: Option<Text>,
    /// The day of the first shift: `2026-01-05`.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Option<String>")]
    pub start: Option<Text>,
    /// When shifts change.
    #[serde(default, deserialize_with = "given")]
    pub handoff: Option<HandoffEntry>,
    /// Who takes turns, in order.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Option<Vec<String>>")]
    pub members: Option<Spanned<Vec<Text>>>,
    /// The hours that it covers. Left out: all.
    #[serde(default, deserialize_with = "given")]
    pub only: Option<HoursEntry>,
    /// A calendar's file; then none of the others but `time_zone` is there.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Option<String>")]
    pub ical: Option<Text>,
}

/// A field may be left out, but not be there without a value.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// One rotation, or a list of them: each with its place, if it has one of its own.
#[derive(Debug)]
pub(super) struct RotationsEntry(pub Vec<(Option<Location>, RotationEntry)>);

impl JsonSchema for RotationsEntry {
    fn schema_name() -> Cow<'static, str> {
        "Rotations".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<RotationEntry>();
        json_schema!({ "anyOf": [one, { "type": "array", "items": one }] })
    }
}

// By hand, as an untagged enum would lose the places.
impl<'de> Deserialize<'de> for RotationsEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct RotationsVisitor;

        impl<'de> Visitor<'de> for RotationsVisitor {
            type Value = RotationsEntry;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a rotation: `time_zone`, `start`, `handoff`, `members`; or a list of such")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RotationsEntry, A::Error> {
                let rotation = RotationEntry::deserialize(MapAccessDeserializer::new(map))?;
                Ok(RotationsEntry(vec![(None, rotation)]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<RotationsEntry, A::Error> {
                let mut rotations = Vec::new();
                while let Some(rotation) = list.next_element::<Spanned<RotationEntry>>()? {
                    rotations.push((Some(rotation.referenced), rotation.value));
                }
                Ok(RotationsEntry(rotations))
            }
        }

        deserializer.deserialize_any(RotationsVisitor)
    }
}

#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct HandoffEntry {
    /// The time of day, or several.
    #[schemars(with = "Times")]
    pub at: Spanned<Times>,
    /// How long a shift is: `1d`, `1w`, `2w`.
    #[schemars(with = "String")]
    pub every: Text,
}

/// `"09:00"`, or `["08:00", "20:00"]`.
#[derive(Debug)]
pub(super) enum Times {
    One(String),
    Several(Vec<Text>),
}

schema!(Times, { "anyOf": [
    { "type": "string", "pattern": "^[0-9]{2}:[0-9]{2}$" },
    { "type": "array", "items": { "type": "string", "pattern": "^[0-9]{2}:[0-9]{2}$" } },
] });

// By hand, as an untagged enum would lose the places.
impl<'de> Deserialize<'de> for Times {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TimesVisitor;

        impl<'de> Visitor<'de> for TimesVisitor {
            type Value = Times;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a time of day such as \"09:00\", or a list such as [\"08:00\", \"20:00\"]")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Times, E> {
                Ok(Times::One(text.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Times, A::Error> {
                let mut times = Vec::new();
                while let Some(time) = list.next_element()? {
                    times.push(time);
                }
                Ok(Times::Several(times))
            }
        }

        deserializer.deserialize_any(TimesVisitor)
    }
}
