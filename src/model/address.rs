//! Where a step stands in its playbook's tree, and for which items of the loops around it.

use std::fmt::{self, Write as _};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Digest, Phase};

/// The address of a step within its pinned playbook: `mitigate.scale`, `diagnose.2` for the second
/// step of its phase when it has no id, `mitigate.restart[db-17]` for one item of a loop around it,
/// the outermost first, `mitigate.scale.undo` for what takes the step's change back.
///
/// Run logs and approvals hold its text, and marks on objects of the cluster derive from it
/// ([`mark`](Self::mark)): both outlive the process and the version that wrote them.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StepAddress {
    phase: Phase,
    name: StepName,
    is_undo: bool,
    items: Vec<ItemKey>,
}

/// What stands behind the name of a step whose change is taken back. No id holds a dot.
const UNDO: &str = ".undo";

/// What a step is called within its playbook. Ids are unique over all phases, numbers within one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StepName {
    Id(String),
    /// Its number among the steps of its phase, from 1 on.
    Number(u32),
}

/// What tells one item of a loop from the others: 1 to 317 bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ItemKey(String);

/// The longest key of an item, in bytes: the longest name of a namespace, a slash, and the longest
/// name of an object.
const LONGEST_KEY: usize = 63 + 1 + 253;
/// No loop stands in more than one other: eight is more than any version will allow.
const MOST_ITEMS: usize = 8;
/// So many digits of a digest tell the items of a run apart.
const TAG: usize = 10;

/// Why a text is no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no address of a step: {why}")]
pub struct AddressError {
    text: String,
    why: &'static str,
}

/// Why a text cannot tell an item from others.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ItemKeyError {
    #[error("the key of an item is empty")]
    Empty,
    #[error("the key of an item has {0} bytes, and {LONGEST_KEY} is the most")]
    TooLong(usize),
}

impl ItemKey {
    /// # Errors
    /// It is empty, or longer than 317 bytes.
    pub fn new(text: impl Into<String>) -> Result<Self, ItemKeyError> {
        let text = text.into();
        match text.len() {
            0 => Err(ItemKeyError::Empty),
            long if long > LONGEST_KEY => Err(ItemKeyError::TooLong(long)),
            _ => Ok(Self(text)),
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl StepAddress {
    /// A step that no loop is around, or has yet to be told for which items.
    pub fn new(phase: Phase, name: StepName) -> Self {
        Self { phase, name, is_undo: false, items: Vec::new() }
    }

    /// The same step for these items of the loops around it.
    pub fn for_items(&self, items: &[ItemKey]) -> Self {
        Self { items: items.to_vec(), ..self.clone() }
    }

    /// The step itself, for whatever items.
    pub fn for_all(&self) -> Self {
        self.for_items(&[])
    }

    /// What takes the change of this step back.
    pub fn undo(&self) -> Self {
        Self { is_undo: true, ..self.clone() }
    }

    /// Whether it takes the change of a step back.
    pub fn is_undo(&self) -> bool {
        self.is_undo
    }

    /// The step whose change it takes back, or it itself.
    pub fn of_step(&self) -> Self {
        Self { is_undo: false, ..self.clone() }
    }

    pub fn phase(&self) -> Phase {
        self.phase
    }

    pub fn name(&self) -> &StepName {
        &self.name
    }

    /// The step's id; `None`: it has a number only.
    pub fn id(&self) -> Option<&str> {
        match &self.name {
            StepName::Id(id) => Some(id),
            StepName::Number(_) => None,
        }
    }

    /// The items of the loops around it, the outermost first.
    pub fn items(&self) -> &[ItemKey] {
        &self.items
    }

    /// The end of the mark that the step leaves on what it changes: unique within a run, at most 74
    /// bytes that field managers and annotations may hold. Without a loop it is the id or the
    /// number alone, as versions before loops had it.
    pub fn mark(&self) -> String {
        match (self.items.as_slice(), self.is_undo) {
            ([], false) => self.name.to_string(),
            ([], true) => format!("{}-undo", self.name),
            _ => format!("{}-{}", self.name, self.tag()),
        }
    }

    /// Ten hex digits of the whole address, for names that have no room for it.
    pub fn tag(&self) -> String {
        Digest::of(self.to_string()).as_str().chars().take(TAG).collect()
    }
}

impl fmt::Display for StepName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StepName::Id(id) => f.write_str(id),
            StepName::Number(number) => write!(f, "{number}"),
        }
    }
}

impl fmt::Display for ItemKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for StepAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.phase, self.name)?;
        if self.is_undo {
            f.write_str(UNDO)?;
        }
        for ItemKey(key) in &self.items {
            f.write_char('[')?;
            for c in key.chars() {
                match c {
                    '%' | '[' | ']' => write!(f, "%{:02x}", u32::from(c))?,
                    c if c.is_control() => write!(f, "%u{:x};", u32::from(c))?,
                    c => f.write_char(c)?,
                }
            }
            f.write_char(']')?;
        }
        Ok(())
    }
}

impl fmt::Debug for StepAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for StepAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        parse(text).map_err(|why| AddressError { text: text.chars().take(80).collect(), why })
    }
}

fn parse(text: &str) -> Result<StepAddress, &'static str> {
    let (phase, rest) = text.split_once('.').ok_or("it does not say its phase, as in `mitigate.scale`")?;
    let phase = match phase {
        "diagnose" => Phase::Diagnose,
        "mitigate" => Phase::Mitigate,
        "escalate" => Phase::Escalate,
        _ => return Err("its phase is none of `diagnose`, `mitigate` and `escalate`"),
    };
    let (name, items) = match rest.find('[') {
        Some(at) => rest.split_at(at),
        None => (rest, ""),
    };
    let (name, is_undo) = match name.strip_suffix(UNDO) {
        Some(name) => (name, true),
        None => (name, false),
    };
    Ok(StepAddress { phase, name: step_name(name)?, is_undo, items: item_keys(items)? })
}

fn step_name(text: &str) -> Result<StepName, &'static str> {
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        let number = text.parse().ok().filter(|number| *number > 0 && !text.starts_with('0'));
        return number.map(StepName::Number).ok_or("its number is none");
    }
    let is_id = text.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        && text.len() <= 63;
    is_id.then(|| StepName::Id(text.to_owned())).ok_or("its step is neither an id nor a number")
}

fn item_keys(mut text: &str) -> Result<Vec<ItemKey>, &'static str> {
    const UNCLOSED: &str = "the key of an item has no end";
    let mut keys = Vec::new();
    while !text.is_empty() {
        let inside = text.strip_prefix('[').ok_or("something follows the key of an item")?;
        let (key, rest) = inside.split_once(']').ok_or(UNCLOSED)?;
        keys.push(ItemKey::new(unescaped(key)?).map_err(|_| "the key of an item is empty or too long")?);
        if keys.len() > MOST_ITEMS {
            return Err("it stands in too many loops");
        }
        text = rest;
    }
    Ok(keys)
}

fn unescaped(text: &str) -> Result<String, &'static str> {
    const WRONG: &str = "the key of an item has a `%` that stands for nothing";
    let mut key = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        key.push_str(before);
        let (digits, after) = match after.strip_prefix('u') {
            Some(after) => after.split_once(';').ok_or(WRONG)?,
            None => after.split_at_checked(2).ok_or(WRONG)?,
        };
        let code = u32::from_str_radix(digits, 16).ok().and_then(char::from_u32).ok_or(WRONG)?;
        key.push(code);
        rest = after;
    }
    key.push_str(rest);
    Ok(key)
}

impl Serialize for StepAddress {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for StepAddress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl Serialize for ItemKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ItemKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn address(text: &str) -> StepAddress {
        text.parse().unwrap()
    }

    #[test]
    fn what_versions_before_loops_wrote_keeps_its_text_and_its_mark() {
        for (text, mark) in [("mitigate.scale", "scale"), ("diagnose.2", "2"), ("escalate.12", "12")] {
            let address = address(text);
            assert_eq!((address.to_string(), address.mark()), (text.to_owned(), mark.to_owned()));
        }
    }

    #[test]
    fn one_step_of_a_loop_has_a_mark_for_each_item() {
        let step = StepAddress::new(Phase::Mitigate, StepName::Id("restart".into()));
        let key = |text: &str| ItemKey::new(text).unwrap();
        let of = |keys: &[&str]| step.for_items(&keys.iter().map(|text| key(text)).collect::<Vec<_>>());
        assert_eq!(of(&["db-17", "a[0]"]).to_string(), "mitigate.restart[db-17][a%5b0%5d]");
        let marks = [of(&["a", "b"]).mark(), of(&["ab"]).mark(), of(&["a][b"]).mark(), of(&["b", "a"]).mark()];
        assert_eq!(marks.iter().collect::<std::collections::BTreeSet<_>>().len(), marks.len());
    }

    #[test]
    fn what_is_none_says_why() {
        for (text, why) in [
            ("", "does not say its phase"),
            ("scale", "does not say its phase"),
            ("cure.scale", "its phase is none"),
            ("mitigate.", "neither an id nor a number"),
            ("mitigate.Scale", "neither an id nor a number"),
            ("mitigate.0", "its number is none"),
            ("mitigate.007", "its number is none"),
            ("mitigate.99999999999", "its number is none"),
            ("mitigate.a.b", "neither an id nor a number"),
            ("mitigate.scale[", "has no end"),
            ("mitigate.scale[]", "empty or too long"),
            ("mitigate.scale[a]b", "something follows"),
            ("mitigate.scale[%]", "stands for nothing"),
            ("mitigate.scale[%zz]", "stands for nothing"),
            ("mitigate.scale[a][a][a][a][a][a][a][a][a]", "too many loops"),
        ] {
            let error = text.parse::<StepAddress>().unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
    }

    #[test]
    fn what_takes_a_change_back_has_an_address_of_its_own() {
        for text in ["mitigate.scale.undo", "mitigate.2.undo", "mitigate.scale.undo[db-17]"] {
            let undo = address(text);
            let step = undo.of_step();
            assert_eq!((undo.to_string(), undo.is_undo(), step.is_undo()), (text.to_owned(), true, false));
            assert_eq!(step.undo(), undo);
            assert_ne!(step.mark(), undo.mark());
        }
    }

    proptest! {
        /// What is printed is read back as the same, whatever the keys are.
        #[test]
        fn it_is_read_back(
            id in "[a-z_][a-z0-9_]{0,62}", undo: bool,
            keys in prop::collection::vec("\\PC{1,60}|[\\x00-\\x7f]{1,60}", 0..4),
        ) {
            let keys: Vec<ItemKey> = keys.into_iter().map(|key| ItemKey::new(key).unwrap()).collect();
            let step = StepAddress::new(Phase::Mitigate, StepName::Id(id)).for_items(&keys);
            let address = if undo { step.undo() } else { step };
            prop_assert_eq!(address.to_string().parse::<StepAddress>(), Ok(address.clone()));
            prop_assert!(address.mark().len() <= 74);
            prop_assert!(address.to_string().chars().all(|c| !c.is_control()));
        }

        #[test]
        fn no_text_makes_it_panic(text in "(mitigate|diagnose)?\\.?\\PC{0,20}(\\[\\PC{0,9}\\]?)*") {
            let _ = text.parse::<StepAddress>();
        }
    }
}
