//! `people`: what single people may run and approve.

use serde::Deserialize;

use crate::model::{LimitFor, PeopleLimits, PersonLimit, Role};

/// What somebody may run, and approve, at the most: what their role allows, and of that what fits
/// both lists. A person's own entry goes before that of their role. Whoever has none is not
/// limited.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PersonConfig {
    /// A member of `oncall.yaml`, or the name of an API token.
    pub name: Option<String>,
    /// In the stead of a name: all who have this role.
    pub role: Option<Role>,
    /// The teams whose playbooks they may run and approve. Left out: all.
    pub teams: Option<Vec<String>>,
    /// Where these may change something; `*` stands for any text. Left out: everywhere.
    pub namespaces: Option<Vec<String>>,
}

impl PersonConfig {
    /// `None`: it says not whom it is for, which the check refuses.
    fn limit(&self) -> Option<PersonLimit> {
        let whose = match (&self.name, self.role) {
            (Some(name), _) => LimitFor::Person(name.clone()),
            (None, role) => LimitFor::Role(role?),
        };
        Some(PersonLimit { whose, teams: self.teams.clone(), namespaces: self.namespaces.clone() })
    }
}

pub(super) fn limits(people: &[PersonConfig]) -> PeopleLimits {
    PeopleLimits(people.iter().filter_map(PersonConfig::limit).collect())
}
