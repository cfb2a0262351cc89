//! What the log says of a loop.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use super::{GUARD, guard_key};
use crate::cluster::Object;
use crate::language::Scope;
use crate::model::{Item, ItemKey, ItemOutcome, KindText, ObjectKey, Remedy, StepAddress, Target};

/// A loop whose list was made.
#[derive(Debug, Clone, PartialEq)]
pub struct Loop {
    pub address: StepAddress,
    /// What one of them is called.
    pub item: String,
    /// In the order of the list.
    pub items: Vec<ItemState>,
    /// How many waves have begun.
    pub waves: usize,
    /// What was found out before the wave that comes next.
    pub guard: Scope,
    /// Why no further wave begins.
    pub stopped: Option<String>,
    /// When its first wave began, and when its first change.
    pub waved_at: Option<DateTime<Utc>>,
    pub touched_at: Option<DateTime<Utc>>,
    /// When something was found out last about one of those that are under way.
    pub looked_at: Option<DateTime<Utc>>,
}

/// How far one item is.
#[derive(Debug, Clone, PartialEq)]
pub struct ItemState {
    pub key: ItemKey,
    pub value: Value,
    /// `None`: it is about the run's target.
    pub target: Option<ObjectKey>,
    /// Its wave has begun, the one of that number.
    pub wave: Option<usize>,
    /// What it is about was read, and `object` is what was there when it was last there.
    pub is_read: bool,
    pub object: Option<Object>,
    pub is_gone: bool,
    /// Why it is not the one that was listed.
    pub is_other: Option<String>,
    pub outputs: Scope,
    /// Why nothing is left to do.
    pub done: Option<String>,
    /// Why it is left alone, as its playbook says.
    pub left: Option<String>,
    /// Why it cannot go on.
    pub trouble: Option<String>,
    /// A change of it was begun, whatever came of that.
    pub is_touched: bool,
    /// A change of it was made: it is finished, whatever happens.
    pub is_begun: bool,
    /// The changes that were begun, and what each of them was to help.
    pub remedies: Vec<Remedy>,
    /// What its last change came to.
    pub last: Option<String>,
    pub ended: Option<(ItemOutcome, String)>,
    /// It was left alone, and is to be done all the same.
    pub is_held_up: bool,
}

impl Loop {
    pub fn new(address: StepAddress, item: String, items: Vec<Item>) -> Self {
        let items = items.into_iter().map(ItemState::new).collect();
        Self {
            address,
            item,
            items,
            waves: 0,
            guard: Scope::new(),
            stopped: None,
            waved_at: None,
            touched_at: None,
            looked_at: None,
        }
    }

    pub fn item(&self, key: &ItemKey) -> Option<&ItemState> {
        self.items.iter().find(|item| item.key == *key)
    }

    pub fn item_mut(&mut self, key: &ItemKey) -> Option<&mut ItemState> {
        self.items.iter_mut().find(|item| item.key == *key)
    }

    /// Those that are under way.
    pub fn at_work(&self) -> impl Iterator<Item = &ItemState> {
        self.items.iter().filter(|item| item.wave.is_some() && item.ended.is_none())
    }

    /// So many came to that.
    pub fn count(&self, outcome: ItemOutcome) -> usize {
        self.items.iter().filter(|item| item.outcome() == Some(outcome)).count()
    }

    /// How many have come to a bad end.
    pub fn failures(&self) -> usize {
        self.items.iter().filter(|item| matches!(item.ended, Some((ItemOutcome::Failed, _)))).count()
    }

    /// In how many waves a change was made, and helped.
    pub fn proven_waves(&self) -> usize {
        let is_proven = |item: &&ItemState| item.is_begun && matches!(item.ended, Some((ItemOutcome::Done, _)));
        self.items.iter().filter(is_proven).filter_map(|item| item.wave).collect::<BTreeSet<_>>().len()
    }

    /// Nothing is left to do, and nothing of it is for a human.
    pub fn is_over(&self) -> bool {
        let is_helped = |item: &ItemState| match item.ended {
            Some((ItemOutcome::Done | ItemOutcome::Unneeded, _)) => true,
            // As its playbook says: what is behind the loop decides.
            Some((ItemOutcome::LeftAlone, _)) => item.left.is_some(),
            Some((ItemOutcome::Failed, _)) | None => false,
        };
        self.items.iter().all(|item| item.ended.is_some() && !item.is_held_up)
            && self.failures() == 0
            && (self.items.is_empty() || self.items.iter().any(is_helped))
    }

    /// Whether somebody has to look at one of them, whatever becomes of the alert.
    pub fn is_for_a_human(&self) -> bool {
        self.items.iter().any(|item| item.outcome() == Some(ItemOutcome::Failed))
    }

    /// Whether a record about a step with these keys may follow.
    pub fn takes(&self, keys: &[ItemKey]) -> Result<(), &'static str> {
        let [key] = keys else { return Err("its log names one item of more loops than there are") };
        if key.as_str().starts_with(GUARD) {
            let is_next = self.at_work().next().is_none() && guard_key(self.waves).as_ref() == Some(key);
            return if is_next { Ok(()) } else { Err("its log asks the guard of another wave than the next") };
        }
        match self.item(key) {
            None => Err("its log names an item that is not on the list"),
            Some(item) if item.wave.is_none() => Err("its log speaks of it before its turn"),
            Some(item) if item.ended.is_some() => Err("its log speaks of it after its end"),
            Some(_) => Ok(()),
        }
    }

    /// These begin.
    ///
    /// # Errors
    /// One is not on the list, or had its turn.
    pub fn begin(&mut self, at: DateTime<Utc>, keys: &[ItemKey]) -> Result<(), &'static str> {
        if self.at_work().next().is_some() {
            return Err("its log begins a wave before the one before it is over");
        }
        let number = self.waves;
        for key in keys {
            match self.item_mut(key) {
                Some(item) if item.wave.is_none() => item.wave = Some(number),
                Some(_) => return Err("its log begins an item twice"),
                None => return Err("its log begins an item that is not on the list"),
            }
        }
        self.waves += 1;
        self.waved_at = self.waved_at.or(Some(at));
        self.guard = Scope::new();
        Ok(())
    }

    /// All of its times are that much later.
    pub fn move_times(&mut self, by: TimeDelta) {
        let times = [&mut self.waved_at, &mut self.touched_at, &mut self.looked_at];
        times.into_iter().flatten().for_each(|at| *at += by);
    }

    /// Those of the last wave that are under way, where none of that wave was touched.
    pub fn untouched_wave(&self) -> Option<Vec<ItemKey>> {
        let last = self.waves.checked_sub(1)?;
        let of_wave = || self.items.iter().filter(|item| item.wave == Some(last));
        let is_untouched = of_wave().next().is_some() && of_wave().all(|item| !item.is_touched);
        let under_way = || of_wave().filter(|item| item.ended.is_none()).map(|item| item.key.clone());
        is_untouched.then(|| under_way().collect())
    }

    /// The last wave begins again; those of it that are under way.
    ///
    /// # Errors
    /// One of it was touched.
    pub fn begin_again(&mut self) -> Result<Vec<ItemKey>, &'static str> {
        let keys = self.untouched_wave().ok_or("its log begins a wave again in which something was changed")?;
        for item in self.items.iter_mut().filter(|item| keys.contains(&item.key)) {
            let (value, target) = (std::mem::take(&mut item.value), item.target.take());
            *item = ItemState::new(Item { key: item.key.clone(), value, target });
        }
        self.waves = self.waves.saturating_sub(1);
        self.guard = Scope::new();
        Ok(keys)
    }
}

impl ItemState {
    fn new(Item { key, value, target }: Item) -> Self {
        Self {
            key,
            value,
            target,
            wave: None,
            is_read: false,
            object: None,
            is_gone: false,
            is_other: None,
            outputs: Scope::new(),
            done: None,
            left: None,
            trouble: None,
            is_touched: false,
            is_begun: false,
            remedies: Vec::new(),
            last: None,
            ended: None,
            is_held_up: false,
        }
    }

    /// Takes in what it is about. The first time, it must be what was listed.
    pub fn read(&mut self, object: Option<&Value>) {
        if !self.is_read {
            self.is_other = match (object, self.listed_uid()) {
                (None, _) => Some("it is not there any more".into()),
                (Some(object), Some(uid)) if object.pointer("/metadata/uid").and_then(Value::as_str) != Some(uid) => {
                    Some("it was replaced by another of the same name".into())
                }
                _ => None,
            };
        }
        self.is_read = true;
        self.is_gone = object.is_none();
        if let Some(object) = object {
            self.object = Some(Object(object.clone()));
        }
    }

    /// The UID of what it is about, where the list has that object itself.
    fn listed_uid(&self) -> Option<&str> {
        let target = self.target.as_ref()?;
        let text = |pointer| self.value.pointer(pointer).and_then(Value::as_str);
        // A list may leave out the namespace and the kind of what is in it.
        let is_it = text("/metadata/name") == Some(target.name.as_str())
            && text("/metadata/namespace").is_none_or(|namespace| namespace == target.namespace)
            && text("/kind").is_none_or(|kind| kind == KindText::of(&target.kind).word);
        text("/metadata/uid").filter(|_| is_it)
    }

    /// What it came to. One that is touched and has no end has failed: nobody knows that it helped.
    pub fn outcome(&self) -> Option<ItemOutcome> {
        match &self.ended {
            Some((outcome, _)) => Some(*outcome),
            None => self.is_touched.then_some(ItemOutcome::Failed),
        }
    }

    pub fn because(&self) -> &str {
        match (&self.ended, &self.trouble) {
            (Some((_, because)), _) => because,
            (None, Some(trouble)) => trouble,
            (None, None) if self.is_touched => "it was begun, and is not over",
            (None, None) => "it did not begin",
        }
    }

    pub fn live_object(&self) -> Option<&Object> {
        self.object.as_ref().filter(|_| !self.is_gone)
    }

    /// The object that it is about.
    pub fn target_or<'s>(&'s self, run: &'s Target) -> &'s Target {
        self.target.as_ref().unwrap_or(run)
    }
}
