//! What one person may run and approve, beside what their role allows.

use super::may_start::fits;
use super::{Person, Role, Via};

/// Limits by person and by role. Nobody is limited by none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PeopleLimits(pub Vec<PersonLimit>);

/// For which playbooks somebody may run and approve. `None`: for all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonLimit {
    pub whose: LimitFor,
    /// The teams that own the playbooks.
    pub teams: Option<Vec<String>>,
    /// Where something may be changed; `*` stands for any text.
    pub namespaces: Option<Vec<String>>,
}

/// Whom a limit is for. That of a person goes before that of their role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LimitFor {
    Person(String),
    Role(Role),
}

impl PeopleLimits {
    /// Why the person may not have a playbook of that team change something in those places;
    /// `None`: they may. `is_known`: the name is theirs for certain, and not one that a chat lets
    /// them choose.
    pub fn why_not(&self, person: &Person, is_known: bool, team: Option<&str>, namespaces: &[&str]) -> Option<String> {
        let limit = self.of(person, is_known)?;
        let whose = match &limit.whose {
            LimitFor::Person(name) => format!("`people` in dogwatch.yaml lets {name} run and approve"),
            LimitFor::Role(role) => {
                format!("`people` in dogwatch.yaml lets those with the role {role} run and approve")
            }
        };
        if let (Some(team), Some(teams)) = (team, &limit.teams)
            && !teams.iter().any(|known| known == team)
        {
            return Some(format!("{whose} what belongs to {}, and this is of team {team}", told(teams)));
        }
        let allowed = limit.namespaces.as_ref()?;
        let is_in = |namespace: &str| allowed.iter().any(|pattern| fits(pattern, namespace));
        let place = namespaces.iter().find(|namespace| !is_in(namespace))?;
        let place = if place.is_empty() { "of the whole cluster".to_owned() } else { format!("in `{place}`") };
        Some(format!("{whose} in the namespaces {}, and this is {place}", told(allowed)))
    }

    /// The same for what covers a playbook or a namespace as a whole: `None` for the team or the
    /// namespace is each of them, and whoever may not have each may not have that.
    pub fn why_not_as_a_whole(
        &self,
        person: &Person,
        is_known: bool,
        team: Option<&str>,
        namespace: Option<&str>,
    ) -> Option<String> {
        let limit = self.of(person, is_known)?;
        let (each_team, each_namespace) = (team.is_none(), namespace.is_none());
        let beyond =
            |what: &str| format!("`people` in dogwatch.yaml limits what you may run, and this is about each {what}");
        match (&limit.teams, &limit.namespaces) {
            (Some(_), _) if each_team => Some(beyond("team")),
            (_, Some(_)) if each_namespace => Some(beyond("namespace")),
            _ => self.why_not(person, is_known, team, namespace.as_slice()),
        }
    }

    /// Whether there is anything that the person may not.
    pub fn limits(&self, person: &Person, is_known: bool) -> bool {
        self.of(person, is_known).is_some_and(|limit| limit.teams.is_some() || limit.namespaces.is_some())
    }

    fn of(&self, person: &Person, is_known: bool) -> Option<&PersonLimit> {
        let of_person = |limit: &&PersonLimit| matches!(&limit.whose, LimitFor::Person(name) if *name == person.name);
        let of_role = |limit: &&PersonLimit| matches!(&limit.whose, LimitFor::Role(role) if Some(*role) == person.role);
        let own = self.0.iter().find(of_person).filter(|_| is_known);
        own.or_else(|| self.0.iter().find(of_role))
    }
}

fn told(names: &[String]) -> String {
    if names.is_empty() { "(none)".to_owned() } else { names.join(", ") }
}

impl Person {
    /// Whether nobody else can have come by that name: a token is held by one, and whoever sits at
    /// the console by that. In a chat only those are known whom `oncall.yaml` names.
    pub fn is_named_here(&self) -> bool {
        matches!(self.via, Via::Api | Via::Console)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(name: &str, role: Role) -> Person {
        Person { name: name.into(), via: Via::Discord, id: "7".into(), role: Some(role) }
    }

    fn limit(whose: LimitFor, teams: Option<&[&str]>, namespaces: Option<&[&str]>) -> PersonLimit {
        let owned = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect();
        PersonLimit { whose, teams: teams.map(owned), namespaces: namespaces.map(owned) }
    }

    #[test]
    fn a_persons_own_limit_goes_before_that_of_their_role() {
        let limits = PeopleLimits(vec![
            limit(LimitFor::Role(Role::Responder), Some(&["web"]), None),
            limit(LimitFor::Person("ada".into()), None, Some(&["db-*"])),
        ]);
        let (ada, bob) = (person("ada", Role::Responder), person("bob", Role::Responder));
        let admin = person("grace", Role::Admin);
        assert_eq!(limits.why_not(&ada, true, Some("databases"), &["db-1"]), None);
        assert_eq!(
            limits.why_not(&ada, true, Some("databases"), &["db-1", "shop"]).unwrap(),
            "`people` in dogwatch.yaml lets ada run and approve in the namespaces db-*, and this is in `shop`"
        );
        assert!(
            limits.why_not(&ada, true, Some("databases"), &[""]).unwrap().ends_with("this is of the whole cluster")
        );
        assert_eq!(
            limits.why_not(&bob, true, Some("databases"), &["db-1"]).unwrap(),
            "`people` in dogwatch.yaml lets those with the role responder run and approve what belongs to web, and this \
             is of team databases"
        );
        assert_eq!(limits.why_not(&admin, true, Some("databases"), &["shop"]), None);
        assert_eq!(PeopleLimits::default().why_not(&bob, true, Some("databases"), &["shop"]), None);
    }

    #[test]
    fn a_name_that_a_chat_lets_one_choose_gives_no_rights() {
        let limits = PeopleLimits(vec![
            limit(LimitFor::Role(Role::Responder), Some(&["web"]), None),
            limit(LimitFor::Person("ci".into()), None, None),
        ]);
        let passes_for_ci = person("ci", Role::Responder);
        assert!(limits.why_not(&passes_for_ci, false, Some("databases"), &["db"]).is_some());
        assert_eq!(limits.why_not(&passes_for_ci, true, Some("databases"), &["db"]), None);
    }
}
