//! Reading mappings and lists key by key, so that every error has its place and one error does not hide the others.
//!
//! A streaming reader cannot go on after an error. So the file is read again without the value that was wrong, until all
//! that is left is right: files are small, and every pass either finds another error or is the last.

use std::cell::{Cell, RefCell};
use std::marker::PhantomData;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;

use crate::diagnostics::{Code, Diagnostic, SourceText};
use crate::language::{Location, closest, list};

/// A text of the document with its place. Scalars are always read as their text, so that `no` is a name and `010` is no 8.
pub(in crate::playbook) type Text = Spanned<String>;

/// Where a text stands.
pub(in crate::playbook) fn place(text: &Text) -> Location {
    text.referenced.into()
}

/// What every mapping remembers of how it was read.
#[derive(Debug, Default)]
pub(in crate::playbook) struct Seen {
    /// Where it starts.
    pub at: Location,
    /// The keys whose values could not be read; that was reported, and they are not missing.
    pub broken: Vec<String>,
}

impl Seen {
    /// Nothing can be said about what is missing here.
    pub fn is_broken(&self, key: &str) -> bool {
        self.broken.iter().any(|broken| broken == key || broken == "*")
    }
}

/// A mapping of the language.
pub(super) trait Fields: Default {
    /// As in "unknown field `x` in {WHAT}".
    const WHAT: &'static str;
    const NAMES: &'static [&'static str];

    fn seen(&mut self) -> &mut Seen;

    /// Reads the value of `key` from `map`; `false`, with the value still to be read, when there is no such field.
    fn field<'de, A: MapAccess<'de>>(&mut self, key: &Text, map: &mut A, reader: &Reader<'_>)
    -> Result<bool, A::Error>;

    /// The problem of a key that `field` does not know.
    fn unknown(key: &Text, reader: &Reader<'_>) -> Diagnostic {
        let mut problem = reader.source.error(
            Code::UnknownField,
            place(key),
            format!("unknown field `{}` in {}", key.value, Self::WHAT),
        );
        problem.remedy = Some(instead(&key.value, Self::NAMES.iter().copied(), "the fields are"));
        problem
    }
}

/// A mapping each of whose values is one typed value, a mapping (behind `maps`), or a list of
/// mappings.
macro_rules! plain_fields {
    (
        $type:ident, $what:literal, $($key:literal => $slot:ident),+
        $(; maps $($map:literal => $mapped:ident),+)? $(; $list:literal => [$entries:ident])?
    ) => {
        impl $crate::playbook::load::reader::Fields for $type {
            const WHAT: &'static str = $what;
            const NAMES: &'static [&'static str] = &[$($key,)+ $($($map,)+)? $($list)?];

            fn seen(&mut self) -> &mut $crate::playbook::load::reader::Seen {
                &mut self.seen
            }

            // Not each has a mapping or a list.
            #[allow(unused_variables)]
            fn field<'de, A: serde::de::MapAccess<'de>>(
                &mut self,
                key: &$crate::playbook::load::reader::Text,
                map: &mut A,
                reader: &$crate::playbook::load::reader::Reader<'_>,
            ) -> Result<bool, A::Error> {
                match key.value.as_str() {
                    $($key => self.$slot = Some(map.next_value()?),)+
                    $($($map => self.$mapped = Some(reader.map(key, map)?),)+)?
                    $($list => self.$entries = Some(reader.list(map)?),)?
                    _ => return Ok(false),
                }
                Ok(true)
            }
        }
    };
}
pub(super) use plain_fields;

/// `write x instead`, or all there are.
pub(in crate::playbook) fn instead<'a>(
    word: &str,
    names: impl IntoIterator<Item = &'a str> + Clone,
    all: &str,
) -> String {
    // What other tools call it.
    let elsewhere = ELSEWHERE.iter().filter(|(other, _)| other.eq_ignore_ascii_case(word));
    let elsewhere = elsewhere.map(|(_, ours)| *ours).find(|ours| names.clone().into_iter().any(|name| name == *ours));
    match elsewhere.or_else(|| closest(word, names.clone())) {
        Some(meant) => format!("write `{meant}` instead"),
        None => format!("{all} {}", list(names)),
    }
}

/// Words of other tools, and what they are called here.
const ELSEWHERE: [(&str, &str); 21] = [
    ("if", "when"),
    ("if", "where"),
    ("when", "where"),
    ("condition", "when"),
    ("else", "otherwise"),
    ("default", "otherwise"),
    ("then", "do"),
    ("steps", "do"),
    ("name", "id"),
    ("name", "branch"),
    ("sleep", "wait"),
    ("pause", "wait"),
    ("switch", "choose"),
    ("vars", "set"),
    ("group", "atomic"),
    ("reason", "because"),
    ("retries", "retry"),
    ("interval", "every"),
    ("timeout", "within"),
    ("for", "within"),
    ("alertname", "alert"),
];

/// More unknown keys are not told one by one: each is looked for in the whole file.
const MOST_UNKNOWN: usize = 200;

/// The keys under which names are given that the rest of the document uses.
const NAMING: [&str; 11] =
    ["diagnose", "mitigate", "escalate", "atomic", "choose", "foreach", "guard", "do", "set", "id", "inputs"];

/// Where in the document the reader is: the value of a key, or an entry of the list that is its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub key: String,
    pub at: Location,
    pub item: Option<usize>,
}

/// One pass over the document.
pub(super) struct Reader<'a> {
    pub source: &'a SourceText<'a>,
    /// The values that are left out, as they are known to be wrong.
    left_out: &'a [Place],
    /// The way from the top to what is read now. After an error it ends where the error is.
    way: RefCell<Vec<Place>>,
    problems: RefCell<Vec<Diagnostic>>,
    /// Something was left out that gives names, so that not all names are known.
    pub incomplete: Cell<bool>,
}

impl<'a> Reader<'a> {
    pub fn new(source: &'a SourceText<'a>, left_out: &'a [Place]) -> Self {
        let (way, problems) = (RefCell::default(), RefCell::default());
        Self { source, left_out, way, problems, incomplete: Cell::new(false) }
    }

    /// What was wrong with keys, and where the reader was at the end.
    pub fn into_findings(self) -> (Vec<Diagnostic>, Option<Place>) {
        (self.problems.into_inner(), self.way.into_inner().pop())
    }

    pub fn report(&self, problem: Diagnostic) {
        self.problems.borrow_mut().push(problem);
    }

    /// Reads the mapping that is the value of the key that comes next.
    pub fn map<'de, A: MapAccess<'de>, T: Fields>(&self, key: &Text, map: &mut A) -> Result<T, A::Error> {
        let mut value: T = map.next_value_seed(MapOf(self, PhantomData))?;
        if value.seen().at == Location::default() {
            value.seen().at = place(key);
        }
        Ok(value)
    }

    /// Reads the list that is the value of the key that comes next.
    pub fn list<'de, A: MapAccess<'de>, T: Fields>(&self, map: &mut A) -> Result<Vec<T>, A::Error> {
        map.next_value_seed(ListOf(self, PhantomData))
    }

    fn enter(&self, place: Place) -> bool {
        let is_left_out = self.left_out.contains(&place);
        self.way.borrow_mut().push(place);
        is_left_out
    }

    fn leave(&self) {
        self.way.borrow_mut().pop();
    }

    fn item(&self, index: usize) -> Place {
        let way = self.way.borrow();
        let (key, at) = way.last().map(|place| (place.key.clone(), place.at)).unwrap_or_default();
        Place { key, at, item: Some(index) }
    }
}

/// Reads a mapping.
pub(super) struct MapOf<'r, 'a, T>(pub &'r Reader<'a>, pub PhantomData<T>);

impl<'de, T: Fields> DeserializeSeed<'de> for MapOf<'_, '_, T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, T: Fields> Visitor<'de> for MapOf<'_, '_, T> {
    type Value = T;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(T::WHAT)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
        let reader = self.0;
        let mut value = T::default();
        while let Some(key) = map.next_key::<Text>()? {
            let at = place(&key);
            if value.seen().at == Location::default() {
                value.seen().at = at;
            }
            if reader.enter(Place { key: key.value.clone(), at, item: None }) {
                map.next_value::<IgnoredAny>()?;
                if NAMING.contains(&key.value.as_str()) {
                    reader.incomplete.set(true);
                }
                value.seen().broken.push(key.value);
            } else if !value.field(&key, &mut map, reader)? {
                if reader.problems.borrow().len() < MOST_UNKNOWN {
                    reader.report(T::unknown(&key, reader));
                }
                map.next_value::<IgnoredAny>()?;
                value.seen().broken.push(key.value);
            }
            reader.leave();
        }
        Ok(value)
    }
}

/// Reads a list of mappings.
struct ListOf<'r, 'a, T>(&'r Reader<'a>, PhantomData<T>);

impl<'de, T: Fields> DeserializeSeed<'de> for ListOf<'_, '_, T> {
    type Value = Vec<T>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Vec<T>, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, T: Fields> Visitor<'de> for ListOf<'_, '_, T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "a list, each entry {}", T::WHAT)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Vec<T>, A::Error> {
        /// More than any playbook has; a longer list is a mistake, or an attempt to make us work.
        const MOST: usize = 200;
        let reader = self.0;
        let mut values = Vec::new();
        loop {
            if values.len() > MOST {
                return Err(A::Error::custom(format!("the list has more than {MOST} entries")));
            }
            let entry = if reader.enter(reader.item(values.len())) {
                entries.next_element::<IgnoredAny>()?.map(|_| {
                    reader.incomplete.set(true);
                    let mut broken = T::default();
                    broken.seen().broken.push("*".into());
                    broken
                })
            } else {
                entries.next_element_seed(MapOf(reader, PhantomData))?
            };
            reader.leave();
            match entry {
                Some(entry) => values.push(entry),
                None => return Ok(values),
            }
        }
    }
}
