//! Playbooks that somebody was to look at again by now.

use chrono::NaiveDate;

use super::summary::ReviewDue;
use crate::playbook::Catalog;
use crate::store::Teams;

/// Those of the teams, by the day that has passed.
pub(super) fn due(catalog: &Catalog, teams: &Teams, today: NaiveDate) -> Vec<ReviewDue> {
    let is_theirs = |owner: &String| match teams {
        Teams::One(team) => owner == team,
        Teams::AllBut(others) => !others.contains(owner),
    };
    let of_them = catalog.iter().filter(|playbook| is_theirs(&playbook.owner));
    let due = of_them.filter_map(|playbook| Some((playbook.review_by.filter(|by| *by <= today)?, playbook)));
    let mut due: Vec<_> = due.collect();
    due.sort_by(|(by, a), (other, b)| (by, &a.name).cmp(&(other, &b.name)));
    due.into_iter().map(|(by, playbook)| ReviewDue { name: playbook.name.clone(), by: by.to_string() }).collect()
}
