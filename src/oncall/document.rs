//! The shape of `oncall.yaml`, before its texts are checked.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};
use serde_saphyr::Spanned;

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
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MemberEntry {
    pub name: Text,
    pub discord: Option<Text>,
    pub email: Option<Text>,
    pub time_zone: Option<Text>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TeamEntry {
    pub name: Text,
    pub channel: Option<Text>,
    pub rotation: RotationEntry,
    pub page_for: Option<PageForEntry>,
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
    pub time_zone: Text,
    pub start: Text,
    pub handoff: HandoffEntry,
    pub members: Spanned<Vec<Text>>,
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
