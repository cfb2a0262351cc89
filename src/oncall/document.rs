//! The shape of `oncall.yaml`, before its texts are checked.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Location, Spanned};

use crate::model::Severity;

/// A text, and where it stands.
pub(super) type Text = Spanned<String>;

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Document {
    #[serde(rename = "apiVersion")]
    pub api_version: Text,
    pub kind: Text,
    pub members: Spanned<Vec<MemberEntry>>,
    pub teams: Spanned<Vec<TeamEntry>>,
    /// Of teams that have none of their own.
    pub escalation: Option<EscalationEntry>,
    #[serde(default)]
    pub experts: Vec<AreaEntry>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AreaEntry {
    pub area: Text,
    pub people: Spanned<Vec<Text>>,
    #[serde(default)]
    pub alerts: Vec<Text>,
    #[serde(default)]
    pub playbooks: Vec<Text>,
    #[serde(default)]
    pub namespaces: Vec<Text>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MemberEntry {
    pub name: Text,
    pub discord: Option<Text>,
    pub email: Option<Text>,
    pub slack: Option<Text>,
    pub mattermost: Option<Text>,
    pub teams: Option<Text>,
    pub ntfy: Option<Text>,
    pub time_zone: Option<Text>,
    /// The sinks at which they are called, all at once.
    #[serde(default)]
    pub contacts: BTreeMap<SeverityEntry, Spanned<Vec<Text>>>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TeamEntry {
    pub name: Text,
    /// Of Discord.
    pub channel: Option<Text>,
    #[serde(default)]
    pub channels: ChannelsEntry,
    pub rotation: Spanned<RotationsEntry>,
    pub secondary: Option<Spanned<RotationsEntry>>,
    pub page_for: Option<PageForEntry>,
    pub manager: Option<Text>,
    pub escalation: Option<EscalationEntry>,
}

/// Where a team is paged, by sink.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ChannelsEntry {
    pub slack: Option<Text>,
    pub mattermost: Option<Text>,
    pub ntfy: Option<Text>,
    pub email: Option<Text>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EscalationEntry {
    /// `None`: as where nothing is said.
    pub steps: Option<Spanned<Vec<StepEntry>>>,
    pub repeat: Option<Spanned<u32>>,
    #[serde(default)]
    pub ack_within: BTreeMap<SeverityEntry, Text>,
    #[serde(default)]
    pub touch_within: BTreeMap<SeverityEntry, Text>,
}

/// The severities that call somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize)]
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

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StepEntry {
    pub call: Spanned<Vec<Spanned<CalleeEntry>>>,
    pub within: Option<Text>,
}

/// `on-call`, or `{ person: erin }`.
#[derive(Debug)]
pub(super) struct CalleeEntry {
    pub kind: String,
    pub name: Option<String>,
}

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
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PageForEntry {
    #[serde(rename = "S3")]
    pub s3: HoursEntry,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HoursEntry {
    pub days: Text,
    pub from: Text,
    pub to: Text,
    /// `None`: that of the rotation.
    pub time_zone: Option<Text>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RotationEntry {
    #[serde(default, deserialize_with = "given")]
    pub time_zone: Option<Text>,
    #[serde(default, deserialize_with = "given")]
    pub start: Option<Text>,
    #[serde(default, deserialize_with = "given")]
    pub handoff: Option<HandoffEntry>,
    #[serde(default, deserialize_with = "given")]
    pub members: Option<Spanned<Vec<Text>>>,
    #[serde(default, deserialize_with = "given")]
    pub only: Option<HoursEntry>,
    /// A calendar's file; then none of the others but `time_zone` is there.
    #[serde(default, deserialize_with = "given")]
    pub ical: Option<Text>,
}

/// A field may be left out, but not be there without a value.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// One rotation, or a list of them: each with its place, if it has one of its own.
#[derive(Debug)]
pub(super) struct RotationsEntry(pub Vec<(Option<Location>, RotationEntry)>);

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

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HandoffEntry {
    pub at: Spanned<Times>,
    pub every: Text,
}

/// `"09:00"`, or `["08:00", "20:00"]`.
#[derive(Debug)]
pub(super) enum Times {
    One(String),
    Several(Vec<Text>),
}

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
