//! Whether the teams that would be paged can be.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::action::Action;
use crate::config::Config;
use crate::diagnostics::{Code, Diagnostic};
use crate::model::{Approvers, PageBudgets, Phase};
use crate::oncall::OnCall;
use crate::playbook::{ApprovalRule, Catalog, Playbook, StepKind};

/// What works although a file names a team that nobody knows, each with what follows from that.
pub(super) fn unknown_to(oncall: &OnCall, catalog: &Catalog, config: &Config) -> Vec<String> {
    let instead = |team: String| format!("{team}. Pages go to team {} instead", config.oncall.default_team);
    let no_ticket = |team: String| format!("{team}. No ticket is made there for it");
    let named = unknown_teams(oncall, catalog.iter().map(Arc::as_ref)).into_iter().map(instead);
    let named = named.chain(unknown_budgets(oncall, &config.pages.budgets())).chain(unknown_page_teams(oncall, config));
    let named = named.chain(unknown_ticket_teams(oncall, config).into_iter().map(no_ticket));
    let named = named.chain(unknown_contacts(oncall, config)).chain(unknown_ceilings(oncall, catalog, config));
    let named = named.chain(unfit_approvers(oncall, config, catalog.iter().map(Arc::as_ref)));
    let set = unknown_set_teams(oncall, config).into_iter().map(|wrong| wrong.in_file()).map(instead);
    named.chain(unknown_people(oncall, config)).chain(unknown_watch_teams(oncall, config)).chain(set).collect()
}

/// Teams whose the alerts of what the bot looks at should be, and that nobody knows.
pub fn unknown_watch_teams(oncall: &OnCall, config: &Config) -> Vec<String> {
    let sources = config.cluster_sources();
    let named: BTreeSet<(&str, &str)> = sources
        .iter()
        .flat_map(|source| source.watches.iter().filter_map(|watch| Some((&*source.name, watch.team.as_deref()?))))
        .collect();
    let told = |(source, team): (&str, &str)| {
        let default = &config.oncall.default_team;
        Some(format!("source {source}: {}. Its alerts go to team {default} instead", oncall.team(team).err()?))
    };
    named.into_iter().filter_map(told).collect()
}

/// Ceilings of teams and playbooks that nobody knows: they hold nothing back. Which namespaces there
/// are, only the cluster knows.
pub fn unknown_ceilings(oncall: &OnCall, catalog: &Catalog, config: &Config) -> Vec<String> {
    let ceilings = &config.engine.autonomy_ceilings;
    let told = |field: &str, why: String| format!("`engine.autonomy_ceilings.{field}`: {why}. It holds nothing back");
    let teams = ceilings.teams.keys().filter_map(|team| Some(told("teams", oncall.team(team).err()?.to_string())));
    let playbooks = ceilings.playbooks.keys().filter(|name| !catalog.knows(name));
    teams.chain(playbooks.map(|name| told("playbooks", format!("there is no playbook `{name}`")))).collect()
}

/// What is wrong with the teams that playbooks name, their owners and those that they page: nobody knows them. A team that
/// only a template names is known when it is paged.
pub fn unknown_teams<'p>(oncall: &OnCall, playbooks: impl Iterator<Item = &'p Playbook>) -> Vec<String> {
    let mut named: BTreeMap<(&str, String), Vec<&str>> = BTreeMap::new();
    for playbook in playbooks {
        // What the configuration says, it is told of.
        if playbook.site.owner.is_none() {
            named.entry(("owner of", playbook.owner.clone())).or_default().push(&playbook.name);
        }
        for team in paged(playbook).filter(|team| *team != playbook.owner) {
            named.entry(("paged by", team)).or_default().push(&playbook.name);
        }
    }
    let wrong = |((what, team), playbooks): ((&str, String), Vec<&str>)| {
        let error = oncall.team(&team).err()?;
        Some(format!("{what} {}: {error}", playbooks.join(", ")))
    };
    named.into_iter().filter_map(wrong).collect()
}

/// What is wrong with the teams that the configuration gives playbooks to, each where it stands:
/// nobody knows them.
pub fn unknown_set_teams(oncall: &OnCall, config: &Config) -> Vec<Diagnostic> {
    let set = config.playbooks.settings.iter().filter_map(|(name, set)| Some((name, set.team.as_ref()?)));
    let wrong = |(name, team): (&String, &String)| {
        let error = oncall.team(team).err()?;
        let field = format!("playbooks.settings.{name}.team");
        // What to write instead, the error says.
        Some(config.problem(&field, Code::UnknownTeam, error.to_string(), String::new()))
    };
    set.filter_map(wrong).collect()
}

/// Sinks for tickets that name a team which nobody knows: its tickets go where those of other teams
/// go, or nowhere.
pub fn unknown_ticket_teams(oncall: &OnCall, config: &Config) -> Vec<String> {
    let named = config.tickets.iter().flat_map(|sink| sink.teams.iter().map(move |team| (sink, team)));
    named.filter_map(|(sink, team)| Some(format!("tickets of {}: {}", sink.name, oncall.team(team).err()?))).collect()
}

/// Channels and keys of a sink for a team that nobody knows: what is meant for it goes to that of
/// all others.
pub fn unknown_page_teams(oncall: &OnCall, config: &Config) -> Vec<String> {
    let channels = config.pages.teams.iter().flat_map(|teams| teams.team_urls.keys());
    let keys = config.pages.pagerduty.iter().flat_map(|pagerduty| pagerduty.routing_keys.keys());
    let named = channels.map(|team| ("pages.teams.team_urls", team));
    let named = named.chain(keys.map(|team| ("pages.pagerduty.routing_keys", team)));
    named.filter_map(|(field, team)| Some(format!("`{field}`: {}", oncall.team(team).err()?))).collect()
}

/// Contacts of members that name a sink which is not configured: those are called as if they named
/// none.
pub fn unknown_contacts(oncall: &OnCall, config: &Config) -> Vec<String> {
    let there = config.pages.there(&config.chat);
    let mut missing: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for member in oncall.members() {
        for (_, sink) in member.all_contacts().filter(|(_, sink)| there.iter().all(|known| known.name() != *sink)) {
            missing.entry(sink).or_default().insert(&member.name);
        }
    }
    let said = |(sink, members): (&str, BTreeSet<&str>)| {
        let members = members.into_iter().collect::<Vec<_>>().join(", ");
        let section = if sink == "discord" { "chat.discord".to_owned() } else { format!("pages.{sink}") };
        format!(
            "contacts of {members} name `{sink}`, which is not configured: write the section `{section}`, or take it out of \
             oncall.yaml; it is passed over"
        )
    };
    missing.into_iter().map(said).collect()
}

/// Questions that cannot be answered with yes: nobody knows the team or the people whose yes
/// counts, or there are fewer than are asked.
pub fn unfit_approvers<'p>(
    oncall: &OnCall,
    config: &Config,
    playbooks: impl Iterator<Item = &'p Playbook>,
) -> Vec<String> {
    let wrong = |(name, owner, rule): (&str, &str, &ApprovalRule)| {
        let of = rule.of.clone().unwrap_or_else(|| Approvers::Team(owner.to_owned()));
        let why = match &of {
            Approvers::Anybody => return None,
            Approvers::Named(names) => {
                let is_token = |name: &str| config.server.api_tokens.iter().any(|token| token.person() == name);
                names.iter().filter(|name| !is_token(name)).find_map(|name| oncall.knows_member(name).err())?
            }
            Approvers::Team(team) => match oncall.team(team) {
                Err(error) => error.to_string(),
                Ok(known) => {
                    let manager = known.manager.iter().map(|manager| manager.name.as_str());
                    let members = known.members();
                    let all: BTreeSet<&str> =
                        members.iter().map(|member| member.name.as_str()).chain(manager).collect();
                    let needed = usize::try_from(rule.people).unwrap_or(usize::MAX);
                    if all.len() >= needed {
                        return None;
                    }
                    format!("{} must say yes, and team {team} has {}", rule.people, all.len())
                }
            },
        };
        Some(format!("`approval` of {name}: {why}. Where it asks, nobody can say yes"))
    };
    let mut found: Vec<String> = playbooks
        .flat_map(|playbook| {
            playbook.approvals().into_iter().map(|rule| (playbook.name.as_str(), playbook.owner.as_str(), rule))
        })
        .filter_map(wrong)
        .collect();
    found.dedup();
    found
}

/// Limits of people and teams that nobody knows. Which namespaces there are, only the cluster
/// knows.
pub fn unknown_people(oncall: &OnCall, config: &Config) -> Vec<String> {
    let is_token = |name: &str| config.server.api_tokens.iter().any(|token| token.person() == name);
    let named = config.people.iter().filter_map(|entry| entry.name.as_ref()).filter(|name| !is_token(name));
    let people = named.filter_map(|name| Some(format!("{}. It limits nobody", oncall.knows_member(name).err()?)));
    let teams = config.people.iter().flat_map(|entry| entry.teams.iter().flatten());
    let teams = teams.filter_map(|team| Some(format!("{}. It allows nothing", oncall.team(team).err()?)));
    let holders = config.server.api_tokens.iter().filter_map(|token| token.person.as_ref());
    let holders = holders.filter_map(|name| oncall.knows_member(name).err());
    let holders = holders.map(|why| format!("`server.api_tokens`: {why}"));
    people.chain(teams).map(|why| format!("`people`: {why}")).chain(holders).collect()
}

fn paged(playbook: &Playbook) -> impl Iterator<Item = String> {
    let steps = playbook.steps(Phase::Escalate);
    steps.filter_map(|step| match &step.kind {
        StepKind::Action(Action::Tell(tell)) => tell.team.as_ref()?.literal().cloned(),
        _ => None,
    })
}

/// What is wrong with the teams that have a page budget of their own: nobody knows them.
pub fn unknown_budgets(oncall: &OnCall, budgets: &PageBudgets) -> Vec<String> {
    let wrong = |team: &String| oncall.team(team).err().map(|error| format!("`pages.team_budgets`: {error}"));
    budgets.by_team.keys().filter_map(wrong).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn a_contact_at_a_sink_that_is_not_configured_is_told_of() {
        let oncall = "
apiVersion: dogwatch/v1
kind: OnCall
members:
  - { name: ada, slack: U012AB3CD, contacts: { S1: [pagerduty, slack], S2: [slack] } }
  - { name: bo, slack: U012AB3CE, contacts: { S1: [slack] } }
teams:
  - name: databases
    rotation: { time_zone: UTC, start: 2026-01-05, handoff: { at: \"09:00\", every: 1w }, members: [ada] }
";
        let oncall = OnCall::parse("oncall.yaml", oncall).unwrap();
        let config = Config::parse("pages: { pagerduty: { routing_key: { env: A } } }", Path::new("dogwatch.yaml"));
        let [wrong] = &unknown_contacts(&oncall, &config.unwrap())[..] else { panic!("one is wrong") };
        assert!(wrong.contains("contacts of ada, bo name `slack`") && wrong.contains("`pages.slack`"), "{wrong}");
    }

    #[test]
    fn contacts_are_all_sinks_that_call() {
        let named: BTreeSet<&str> = crate::oncall::CONTACT_SINKS.into_iter().chain(["console"]).collect();
        assert_eq!(named, crate::config::PageSink::ALL.iter().copied().collect());
    }

    #[test]
    fn a_key_of_a_team_that_is_none_is_told_of() {
        let oncall = "
apiVersion: dogwatch/v1
kind: OnCall
members: [{ name: ada }]
teams:
  - name: databases
    rotation: { time_zone: UTC, start: 2026-01-05, handoff: { at: \"09:00\", every: 1w }, members: [ada] }
";
        let oncall = OnCall::parse("oncall.yaml", oncall).unwrap();
        let text = "pages: { pagerduty: { routing_keys: { databases: { env: A }, database: { env: B } } } }";
        let config = Config::parse(text, Path::new("dogwatch.yaml")).unwrap();
        let [wrong] = &unknown_page_teams(&oncall, &config)[..] else { panic!("one is wrong") };
        assert!(wrong.contains("`pages.pagerduty.routing_keys`") && wrong.contains("databases"), "{wrong}");
    }
}
