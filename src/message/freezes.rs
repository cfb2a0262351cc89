//! What no run may change.

use std::collections::{BTreeMap, HashMap};

use super::text::{clip, moment};
use crate::model::{Freeze, FreezeMapNow, FreezeMapSays, IncidentId};

/// The freezes that hold, a line for each, and what the ConfigMap says.
pub fn freezes_text(freezes: &[Freeze], map: &FreezeMapNow) -> String {
    let here = freezes.iter().map(line);
    let nothing = freezes.is_empty().then(|| "nothing is frozen here".to_owned());
    here.chain(nothing).chain([freeze_map_text(map)]).collect::<Vec<_>>().join("\n")
}

/// The same, where anything is frozen.
pub fn frozen_text(freezes: &[Freeze], map: &FreezeMapNow) -> String {
    let map = map.holds().then(|| freeze_map_text(map));
    freezes.iter().map(line).chain(map).collect::<Vec<_>>().join("\n")
}

/// `FRZ-3 freezes namespace db since 2026-03-02 02:00 UTC, until somebody ends it (anna: an upgrade); /unfreeze FRZ-3`.
fn line(freeze: &Freeze) -> String {
    let until = match freeze.until {
        Some(until) => format!("until {}", moment(until)),
        None => "until somebody ends it".to_owned(),
    };
    format!(
        "{id} freezes {} since {}, {until} ({}: {}); /unfreeze {id}",
        freeze.scope,
        moment(freeze.made_at),
        clip(&freeze.by, 80),
        clip(&freeze.reason, 300),
        id = freeze.id,
    )
}

/// What the ConfigMap said when it was read last.
pub fn freeze_map_text(now: &FreezeMapNow) -> String {
    let Some(map) = &now.map else {
        return "no ConfigMap is asked: this is no pod, and `engine.freeze.namespace` names none".to_owned();
    };
    match &now.says {
        FreezeMapSays::Unread => format!("the {map} was not read yet"),
        FreezeMapSays::Nothing => format!("the {map} freezes nothing"),
        FreezeMapSays::NoNamespace => {
            format!(
                "the {map} freezes nothing: there is no namespace {}; `engine.freeze.namespace` names it",
                map.namespace
            )
        }
        FreezeMapSays::Freezes(keys) => {
            let keys: Vec<String> = keys.iter().map(|key| clip(key, 300)).collect();
            format!(
                "the {map} freezes: {}; kubectl delete configmap {} -n {}",
                keys.join("; "),
                map.name,
                map.namespace
            )
        }
        FreezeMapSays::Unreadable(why) => {
            format!("the {map} cannot be read, so nothing is changed: {}", clip(why, 300))
        }
    }
}

/// Who keeps runs from which incidents, a line for each.
pub fn taken_text(taken: &HashMap<IncidentId, String>) -> String {
    let taken: BTreeMap<_, _> = taken.iter().collect();
    let line = |(id, by): (&IncidentId, &String)| {
        format!("{id} is worked on by hand by {}: no run begins for it until /release {id}", clip(by, 80))
    };
    taken.into_iter().map(line).collect::<Vec<_>>().join("\n")
}
