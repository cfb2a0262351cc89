//! All that something fires about in an incident.

use super::text::{clip, moment, thousands};
use crate::model::Incident;
use crate::store::ObjectRow;

/// A line for each object, the oldest first; as long as it takes. `all`: how many there are.
pub fn objects_table(incident: &Incident, objects: &[ObjectRow], all: u64) -> String {
    let places = if all == 1 { "one object".to_owned() } else { format!("{} objects", thousands(all)) };
    let mut lines = vec![format!("{}: something fires about {places}", incident.id)];
    for row in objects {
        let more = if row.open > 1 { format!(" and {} more", row.open - 1) } else { String::new() };
        lines.push(format!(
            "  {}  {}{more}, since {}",
            clip(row.shown(), 300),
            clip(&row.alert, 100),
            moment(row.since)
        ));
    }
    let left = all.saturating_sub(objects.len() as u64);
    lines.extend((left > 0).then(|| format!("  … {} more", thousands(left))));
    lines.join("\n")
}
