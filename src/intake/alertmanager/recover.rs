//! Bodies that are not sound in all their parts: what can be read is taken, and the rest is told.
//!
//! Alertmanager never repeats what was refused (4xx), so that one odd alert would take all others
//! of its group with it.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeOwned, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::refusal::{RESEND, locate, wrong_alert, wrong_version};
use super::scan;
use super::wire::{GRAFANA, Taken, Wire, WireAlert};
use crate::intake::bounds::count_rest;
use crate::intake::damage::{Damage, NotificationError};

/// Takes what can be taken of a body that is known not to be sound.
///
/// # Errors
/// When that is nothing.
pub(super) fn recover(body: &[u8]) -> Result<(Wire, Damage), NotificationError> {
    let (header, taken, mut damage) = match serde_json::from_slice::<Loose<Each>>(body) {
        Ok(Loose { header, alerts: Each { taken, damage } }) => (header, taken, damage),
        Err(_) => {
            let mut found = scan::alerts(body);
            found.damage.at_least(1);
            (found.header, found.taken, found.damage)
        }
    };
    if let Said::Here(version) = &header.version
        && !matches!(version.as_str(), "4" | GRAFANA)
    {
        return Err(wrong_version(version));
    }
    if taken.kept.is_empty() {
        return Err(damage.first().cloned().unwrap_or_else(|| locate(body)));
    }
    if !matches!(header.version, Said::Here(_)) {
        damage.remark(|| NotificationError::new("version", "it is not there, or no text", RESEND));
    }
    let wire = Wire {
        version: header.version.here().unwrap_or_else(|| "4".to_owned()),
        group_key: header.group_key.here(),
        group_labels: header.group_labels.here(),
        org_id: header.org_id.here(),
        receiver: header.receiver.here().unwrap_or_default(),
        alerts: taken,
        truncated_alerts: header.truncated_alerts.here().unwrap_or_default(),
    };
    Ok((wire, damage))
}

/// What a body says beside its alerts, as far as it can be read.
#[derive(Default)]
pub(super) struct Header {
    pub version: Said<String>,
    pub group_key: Said<String>,
    pub group_labels: Said<BTreeMap<String, String>>,
    pub org_id: Said<i64>,
    pub receiver: Said<String>,
    pub truncated_alerts: Said<u64>,
}

/// A field that may be anything.
#[derive(Debug, Default)]
pub(super) enum Said<T> {
    Here(T),
    #[default]
    Nothing,
    Wrong,
}

impl<T> Said<T> {
    fn here(self) -> Option<T> {
        match self {
            Said::Here(value) => Some(value),
            Said::Nothing | Said::Wrong => None,
        }
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Said<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Its text is within the body: a value that is none costs nothing more.
        let raw = <&RawValue>::deserialize(deserializer)?.get();
        Ok(match serde_json::from_str(raw) {
            Ok(value) => Said::Here(value),
            Err(_) if raw == "null" => Said::Nothing,
            Err(_) => Said::Wrong,
        })
    }
}

/// A body whose JSON is sound. Known fields are read by hand: `flatten` would keep all others in
/// memory.
struct Loose<A> {
    header: Header,
    alerts: A,
}

impl<'de, A: Deserialize<'de> + Default> Deserialize<'de> for Loose<A> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader<A>(PhantomData<A>);
        impl<'de, A: Deserialize<'de> + Default> Visitor<'de> for Reader<A> {
            type Value = Loose<A>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a notification of alertmanager")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Loose<A>, M::Error> {
                let mut read = Loose { header: Header::default(), alerts: A::default() };
                let mut has_alerts = false;
                while let Some(name) = map.next_key::<String>()? {
                    match name.as_str() {
                        "version" => read.header.version = map.next_value()?,
                        "groupKey" => read.header.group_key = map.next_value()?,
                        "groupLabels" => read.header.group_labels = map.next_value()?,
                        "orgId" => read.header.org_id = map.next_value()?,
                        "receiver" => read.header.receiver = map.next_value()?,
                        "truncatedAlerts" => read.header.truncated_alerts = map.next_value()?,
                        // The last of two would hide the first.
                        "alerts" if has_alerts => return Err(M::Error::duplicate_field("alerts")),
                        "alerts" => {
                            has_alerts = true;
                            read.alerts = map.next_value()?;
                        }
                        _ => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                Ok(read)
            }
        }
        deserializer.deserialize_map(Reader(PhantomData))
    }
}

/// The header of a body whose alerts are looked for elsewhere, whatever follows it.
pub(super) fn header(text: &[u8]) -> Option<Header> {
    let loose = Loose::<IgnoredAny>::deserialize(&mut serde_json::Deserializer::from_slice(text));
    loose.ok().map(|loose| loose.header)
}

/// The alerts of a body, each read by itself.
#[derive(Default)]
struct Each {
    taken: Taken,
    damage: Damage,
}

impl<'de> Deserialize<'de> for Each {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Each;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a sequence")
            }

            fn visit_unit<E>(self) -> Result<Each, E> {
                Ok(Each::default())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Each, A::Error> {
                let mut each = Each::default();
                let mut n = 0;
                while !each.taken.is_full() {
                    let Some(raw) = list.next_element::<&RawValue>()? else { return Ok(each) };
                    let raw = raw.get().as_bytes();
                    let read = serde_json::from_slice::<WireAlert>(raw).and_then(WireAlert::read);
                    if each.taken.take(read).is_err() {
                        each.damage.alert(|| wrong_alert(&format!("alerts[{n}]"), raw));
                    }
                    n += 1;
                }
                each.taken.left_out.alerts = count_rest(&mut list)?;
                Ok(each)
            }
        }
        deserializer.deserialize_any(Reader)
    }
}
