//! Who can act on a cause: roles, and the teams that have them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Who can act on a cause, whoever's the object is. What people may do is [`Role`](super::Role).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ActingRole {
    /// The cluster: nodes, control plane, add-ons.
    Platform,
    /// PostgreSQL, Patroni, pgBackRest, pgbouncer.
    Databases,
    /// Volumes, their classes and drivers, repositories of backups.
    Storage,
    /// Name servers upstream, load balancers, policies, certificates at the edge.
    Network,
    /// Whoever has written what runs there: the team that the object names.
    Applications,
    /// Prometheus, Alertmanager, exporters, logs.
    Observability,
}

impl ActingRole {
    /// All of them, in the order of the words.
    pub const ALL: [Self; 6] =
        [Self::Applications, Self::Databases, Self::Network, Self::Observability, Self::Platform, Self::Storage];

    /// As it is written.
    pub fn word(self) -> &'static str {
        match self {
            Self::Platform => "platform",
            Self::Databases => "databases",
            Self::Storage => "storage",
            Self::Network => "network",
            Self::Applications => "applications",
            Self::Observability => "observability",
        }
    }

    /// The role of that word.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.word() == word)
    }
}

impl fmt::Display for ActingRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// To whom a role is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GivenTo {
    Team(String),
    /// Whoever has that one.
    Role(ActingRole),
}

/// Which team has which role.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ActingTeams {
    /// All that there are; `None`: nobody knows, and each role is a team of its name.
    teams: Option<BTreeSet<String>>,
    given: BTreeMap<ActingRole, GivenTo>,
}

impl ActingTeams {
    /// These teams, where roles are given as `given` says. A role of which it says nothing is that
    /// of the team of its name, or else the platform's.
    pub fn new(teams: impl IntoIterator<Item = String>, given: BTreeMap<ActingRole, GivenTo>) -> Self {
        Self { teams: Some(teams.into_iter().collect()), given }
    }

    /// The team that can act. `owners`: what the object says of whose it is, the surest first;
    /// what is an application's own goes to the first that is a team. `None`: no team has the role.
    pub fn team<'o>(&self, role: ActingRole, owners: impl IntoIterator<Item = &'o str>) -> Option<String> {
        if role == ActingRole::Applications
            && let Some(owner) = owners.into_iter().find(|owner| !owner.trim().is_empty() && self.has(owner))
        {
            return Some(owner.to_owned());
        }
        let mut role = role;
        let mut passed = BTreeSet::new();
        // A circle is refused where the file is read; here it ends.
        while passed.insert(role) {
            role = match self.given.get(&role) {
                Some(GivenTo::Team(team)) => return Some(team.clone()),
                Some(GivenTo::Role(other)) => *other,
                None if self.has(role.word()) => return Some(role.word().to_owned()),
                None => ActingRole::Platform,
            };
        }
        None
    }

    fn has(&self, team: &str) -> bool {
        self.teams.as_ref().is_none_or(|teams| teams.contains(team))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ActingRole::{Applications, Databases, Network, Platform, Storage};

    fn teams(given: &[(ActingRole, GivenTo)]) -> ActingTeams {
        let names = ["infra", "dba", "shop", "storage"].map(str::to_owned);
        ActingTeams::new(names, given.iter().cloned().collect())
    }

    fn team_of(teams: &ActingTeams, role: ActingRole) -> Option<String> {
        teams.team(role, [])
    }

    #[test]
    fn a_role_is_a_teams_by_the_map_by_its_name_or_along_the_map() {
        let given = [
            (Platform, GivenTo::Team("infra".into())),
            (Databases, GivenTo::Team("dba".into())),
            (Network, GivenTo::Role(Databases)),
        ];
        let teams = teams(&given);
        assert_eq!(team_of(&teams, Databases).as_deref(), Some("dba"));
        assert_eq!(team_of(&teams, Network).as_deref(), Some("dba"), "as the map says");
        assert_eq!(team_of(&teams, Storage).as_deref(), Some("storage"), "the team of that name");
        assert_eq!(team_of(&teams, Applications).as_deref(), Some("infra"), "the platform's, as nobody has it");
    }

    #[test]
    fn what_nobody_has_is_nobodys() {
        assert_eq!(team_of(&teams(&[]), Platform), None);
        let circle = [(Platform, GivenTo::Role(Databases)), (Databases, GivenTo::Role(Platform))];
        assert_eq!(team_of(&teams(&circle), Databases), None);
    }

    #[test]
    fn an_applications_own_goes_to_its_owner() {
        let given = [(Applications, GivenTo::Team("infra".into()))];
        let teams = teams(&given);
        assert_eq!(teams.team(Applications, ["", "shop"]).as_deref(), Some("shop"));
        assert_eq!(teams.team(Applications, ["gone"]).as_deref(), Some("infra"), "no such team");
        assert_eq!(teams.team(Databases, ["shop"]), None, "only what is an application's own");
    }

    #[test]
    fn without_an_on_call_file_a_role_is_a_team() {
        assert_eq!(team_of(&ActingTeams::default(), Storage).as_deref(), Some("storage"));
    }
}
