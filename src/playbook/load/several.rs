//! Values that stand alone or with others of their sort.

use std::fmt;

use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_saphyr::Spanned;

use super::reader::{Text, place};
use crate::language::Location;

/// One text, or a list of them.
#[derive(Debug, Clone)]
pub(in crate::playbook) enum OneOrMore {
    One(Text),
    More(Vec<Text>),
}

/// One text, or a text for each name.
#[derive(Debug, Clone)]
pub(in crate::playbook) enum OneOrEach {
    One(Text),
    Each(Vec<(Text, Text)>),
}

impl OneOrMore {
    pub fn texts(&self) -> &[Text] {
        match self {
            OneOrMore::One(text) => std::slice::from_ref(text),
            OneOrMore::More(texts) => texts,
        }
    }

    /// Where the first one stands; an empty list stands where `or` is.
    pub fn at(&self, or: Location) -> Location {
        self.texts().first().map_or(or, place)
    }
}

impl OneOrEach {
    /// As [`OneOrMore::at`].
    pub fn at(&self, or: Location) -> Location {
        match self {
            OneOrEach::One(text) => place(text),
            OneOrEach::Each(pairs) => pairs.first().map_or(or, |(name, _)| place(name)),
        }
    }
}

/// As it is read: only the whole of it has a place.
enum Value {
    One(String),
    More(Vec<Text>),
    Each(Vec<(Text, Text)>),
}

impl<'de> Deserialize<'de> for OneOrMore {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = Spanned::<Value>::deserialize(deserializer)?;
        match read.value {
            Value::One(text) => Ok(Self::One(Spanned::new(text, read.referenced, read.defined))),
            Value::More(texts) => Ok(Self::More(texts)),
            Value::Each(_) => Err(D::Error::custom("it is a text, or a list of texts")),
        }
    }
}

impl<'de> Deserialize<'de> for OneOrEach {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = Spanned::<Value>::deserialize(deserializer)?;
        match read.value {
            Value::One(text) => Ok(Self::One(Spanned::new(text, read.referenced, read.defined))),
            Value::Each(pairs) => Ok(Self::Each(pairs)),
            Value::More(_) => Err(D::Error::custom("it is a text, or a text for each name")),
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        Ok(Value::One(text.to_owned()))
    }

    // What is no name is told with its place by whoever asks for one.
    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::One(value.to_string()))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::One(value.to_string()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::One(value.to_string()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(Value::One(value.to_string()))
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Err(E::custom("it has no value; write one, or leave the key out"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut texts = Vec::new();
        while let Some(text) = list.next_element()? {
            texts.push(text);
        }
        Ok(Value::More(texts))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = map.next_entry()? {
            pairs.push(pair);
        }
        Ok(Value::Each(pairs))
    }
}
