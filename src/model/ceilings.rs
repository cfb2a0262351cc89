//! How far the bot may go at the most, whatever a playbook says of itself.

use std::collections::BTreeMap;

use super::Autonomy;

/// The ceilings on autonomy. Of those that concern a run, the least counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ceilings {
    /// Of all runs.
    pub all: Autonomy,
    pub namespaces: BTreeMap<String, Autonomy>,
    /// By the team that owns the playbook.
    pub teams: BTreeMap<String, Autonomy>,
    pub playbooks: BTreeMap<String, Autonomy>,
}

/// What ceilings ask about a run.
#[derive(Debug, Clone, Copy)]
pub struct Under<'a> {
    pub playbook: &'a str,
    pub team: &'a str,
    pub namespaces: &'a [&'a str],
}

impl Default for Ceilings {
    fn default() -> Self {
        let none = BTreeMap::new;
        Self { all: Autonomy::Auto, namespaces: none(), teams: none(), playbooks: none() }
    }
}

impl Ceilings {
    /// How far it may go and why, where it wants to go further. What is kept from acting still shows
    /// what it would do: so nobody is lowered below `suggest`.
    pub fn lower(&self, wanted: Autonomy, run: Under<'_>) -> Option<(Autonomy, String)> {
        let named = |field: &str, of: &BTreeMap<String, Autonomy>, name: &str| {
            of.get(name).map(|ceiling| (*ceiling, format!("engine.autonomy_ceilings.{field}.{name}")))
        };
        let (ceiling, field) = std::iter::once((self.all, "engine.autonomy_ceiling".to_owned()))
            .chain(run.namespaces.iter().filter_map(|name| named("namespaces", &self.namespaces, name)))
            .chain(named("teams", &self.teams, run.team))
            .chain(named("playbooks", &self.playbooks, run.playbook))
            .min_by_key(|(ceiling, _)| *ceiling)?;
        let lowered = ceiling.max(Autonomy::Suggest);
        (lowered < wanted).then(|| (lowered, format!("`{field}` is {ceiling}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_counts_and_what_may_not_act_shows_what_it_would_do() {
        let one = |name: &str, ceiling| BTreeMap::from([(name.to_owned(), ceiling)]);
        let ceilings = Ceilings {
            all: Autonomy::Approve,
            namespaces: one("db", Autonomy::Observe),
            teams: one("web", Autonomy::Suggest),
            playbooks: one("dns", Autonomy::Auto),
        };
        let lower =
            |wanted, playbook, team, namespaces: &[&str]| ceilings.lower(wanted, Under { playbook, team, namespaces });
        let said = |lowered, text: &str| Some((lowered, text.to_owned()));
        assert_eq!(
            lower(Autonomy::Auto, "dns", "platform", &["shop"]),
            said(Autonomy::Approve, "`engine.autonomy_ceiling` is approve")
        );
        assert_eq!(
            lower(Autonomy::Auto, "dns", "web", &["shop", "db"]),
            said(Autonomy::Suggest, "`engine.autonomy_ceilings.namespaces.db` is observe")
        );
        assert_eq!(
            lower(Autonomy::Approve, "dns", "web", &["shop"]),
            said(Autonomy::Suggest, "`engine.autonomy_ceilings.teams.web` is suggest")
        );
        assert_eq!(lower(Autonomy::Approve, "dns", "platform", &[]), None);
        assert_eq!(lower(Autonomy::Observe, "dns", "web", &["db"]), None);
        assert_eq!(Ceilings::default().lower(Autonomy::Auto, Under { playbook: "", team: "", namespaces: &[] }), None);
    }
}
