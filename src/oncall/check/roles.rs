//! Which team can act on which causes.

use std::collections::{BTreeMap, BTreeSet};

use super::Check;
use crate::diagnostics::{Code, Diagnostic};
use crate::model::{ActingRole, GivenTo};
use crate::oncall::document::Text;
use crate::oncall::error::shortened;
use crate::oncall::nearest;

impl Check<'_> {
    pub(super) fn roles(&self, entries: &BTreeMap<ActingRole, Text>, teams: &[&str]) -> BTreeMap<ActingRole, GivenTo> {
        let given = entries.iter().filter_map(|(role, text)| Some((*role, self.kept(self.given_to(text, teams))?)));
        let given: BTreeMap<ActingRole, GivenTo> = given.collect();
        for (role, text) in entries {
            if is_in_circle(*role, &given) {
                let message = format!("role `{role}` leads back to itself, and to no team");
                let remedy = "give one of them to a team";
                self.kept::<()>(Err(self.wrong(Code::Contradiction, text, message, remedy)));
            }
        }
        given
    }

    /// A team, where there is one of that name; else the other role.
    fn given_to(&self, text: &Text, teams: &[&str]) -> Result<GivenTo, Diagnostic> {
        let name = text.value.as_str();
        if teams.contains(&name) {
            return Ok(GivenTo::Team(name.to_owned()));
        }
        ActingRole::of_word(name).map(GivenTo::Role).ok_or_else(|| {
            let message = format!("there is no team or role `{}`", shortened(name));
            let known = teams.iter().copied().chain(ActingRole::ALL.map(ActingRole::word));
            self.wrong(Code::UnknownValue, text, message, nearest::instead(name, known))
        })
    }
}

fn is_in_circle(role: ActingRole, given: &BTreeMap<ActingRole, GivenTo>) -> bool {
    let mut passed = BTreeSet::new();
    let mut at = role;
    while let Some(GivenTo::Role(next)) = given.get(&at) {
        if *next == role {
            return true;
        }
        if !passed.insert(*next) {
            return false;
        }
        at = *next;
    }
    false
}
