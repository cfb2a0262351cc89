//! What one body may hold. A sender's mistake must not cost more than what it sends.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::fingerprint::Fnv;

/// Alerts of a body that are taken. A body of 32 MiB, which is the limit, holds 58,000 of the usual
/// 570 bytes: only one of alerts that say next to nothing has more.
pub const MOST_ALERTS: usize = 60_000;

/// Labels, and annotations, of an alert that are kept. Real ones have up to 30; people read them in
/// a message.
const MOST_LABELS: usize = 128;

/// The longest name of a label, in bytes. Real ones are a word or two.
const LONGEST_NAME: usize = 256;

/// The longest value of a label or annotation that is kept, in bytes. A summary is one line; who
/// puts logs into an annotation would have every page and timeline carry them.
pub(super) const LONGEST_TEXT: usize = 4 * 1024;

/// What decides who is called: kept also where an alert has too many labels before them.
const ALWAYS_KEPT: [&str; 3] = ["alertname", "severity", "team"];

/// The labels of an alert, within the bounds.
#[derive(Debug, Default)]
pub(super) struct Labels {
    pub kept: BTreeMap<String, String>,
    pub left_out: u64,
    /// Of all of them, as they were sent.
    pub hash: u64,
}

impl<'de> Deserialize<'de> for Labels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Labels;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map")
            }

            /// Go writes `null` for an empty map.
            fn visit_unit<E>(self) -> Result<Labels, E> {
                Ok(Labels { hash: Fnv::default().end(), ..Labels::default() })
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Labels, A::Error> {
                let mut labels = Labels::default();
                // Values that are kept but shortened are part of the hash as they were.
                let mut long: BTreeMap<String, u64> = BTreeMap::new();
                let mut rest = Fnv::default();
                while let Some(name) = map.next_key::<String>()? {
                    let has_room = labels.kept.len() < MOST_LABELS || ALWAYS_KEPT.contains(&name.as_str());
                    let mut value: String = map.next_value()?;
                    if name.len() > LONGEST_NAME || !has_room {
                        rest.pair(&name, &value);
                        labels.left_out += 1;
                        continue;
                    }
                    if value.len() > LONGEST_TEXT {
                        long.insert(name.clone(), Fnv::of(&value));
                        shorten(&mut value);
                    }
                    labels.kept.insert(name, value);
                }
                let mut hash = Fnv::default();
                for (name, value) in &labels.kept {
                    hash.pair(name, value);
                    if let Some(whole) = long.get(name) {
                        hash.number(*whole);
                    }
                }
                if labels.left_out > 0 {
                    hash.number(rest.end());
                }
                labels.hash = hash.end();
                Ok(labels)
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

/// Cuts a text, and says so in it.
pub(super) fn shorten(text: &mut String) {
    if text.len() <= LONGEST_TEXT {
        return;
    }
    let left_out = text.len() - text.floor_char_boundary(LONGEST_TEXT);
    text.truncate(text.floor_char_boundary(LONGEST_TEXT));
    text.push_str(&format!("… ({left_out} bytes left out)"));
}

/// Counts what follows in a list without keeping it.
pub(super) fn count_rest<'de, A: serde::de::SeqAccess<'de>>(list: &mut A) -> Result<u64, A::Error> {
    let mut rest = 0;
    while list.next_element::<IgnoredAny>()?.is_some() {
        rest += 1;
    }
    Ok(rest)
}
