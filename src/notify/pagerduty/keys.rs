//! By which routing key an event goes.
//!
//! What was opened at one service is unknown to the others. So it is kept which key opened it, by
//! its name in the configuration and a few digits of its digest: whoever gives a team another
//! service, or a key another name, does not leave incidents open behind. The key itself is kept
//! nowhere.

use std::collections::BTreeMap;

use crate::message::clip;
use crate::model::{Digest, Secret};
use crate::notify::SinkError;

/// The routing keys of the services.
#[derive(Debug, Default)]
pub struct RoutingKeys {
    all: Vec<RoutingKey>,
}

/// One of them.
#[derive(Debug)]
pub(super) struct RoutingKey {
    /// `None`: for teams that have none of their own.
    team: Option<String>,
    /// Its field below the section: `routing_keys.databases`.
    pub name: String,
    pub secret: Secret,
}

impl RoutingKeys {
    /// `of_others`: for teams without one of their own.
    pub fn new(of_others: Option<Secret>, of_teams: BTreeMap<String, Secret>) -> Self {
        let of_others = of_others.map(|secret| RoutingKey { team: None, name: "routing_key".to_owned(), secret });
        let of_teams = of_teams.into_iter().map(|(team, secret)| {
            let name = format!("routing_keys.{team}");
            RoutingKey { team: Some(team), name, secret }
        });
        Self { all: of_others.into_iter().chain(of_teams).collect() }
    }

    /// The key that opened it, as [`RoutingKey::told`] has named that; else the one of the team.
    ///
    /// # Errors
    /// There is none; the text says what to configure.
    pub(super) fn of(&self, opened_by: Option<&str>, team: &str) -> Result<&RoutingKey, SinkError> {
        if let Some(told) = opened_by {
            let (name, digits) = told.rsplit_once('@').unwrap_or((told, ""));
            let found = self.all.iter().find(|key| key.digits() == digits);
            // A key that was made anew is one of the same service.
            let found = found.or_else(|| self.all.iter().find(|key| key.name == name));
            return found.ok_or_else(|| {
                SinkError::fail(format!(
                    "the incident at PagerDuty was opened by the key `pages.pagerduty.{name}`, which is not configured \
                     any more; write it again, or close the incident there"
                ))
            });
        }
        let own = self.all.iter().find(|key| key.team.as_deref() == Some(team));
        own.or_else(|| self.all.iter().find(|key| key.team.is_none())).ok_or_else(|| {
            SinkError::fail(format!(
                "team {} has no routing key; write `pages.pagerduty.routing_keys`, or a `routing_key` for all others",
                clip(team, 80)
            ))
        })
    }
}

impl RoutingKey {
    /// By what it is found again, and which says nothing of the key.
    pub fn told(&self) -> String {
        format!("{}@{}", self.name, self.digits())
    }

    fn digits(&self) -> String {
        Digest::of(self.secret.expose()).short().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(of_others: Option<&str>, of_teams: &[(&str, &str)]) -> RoutingKeys {
        let of_teams = of_teams.iter().map(|(team, key)| ((*team).to_owned(), Secret::new(*key))).collect();
        RoutingKeys::new(of_others.map(Secret::new), of_teams)
    }

    fn of(keys: &RoutingKeys, opened_by: Option<&str>, team: &str) -> String {
        keys.of(opened_by, team).map_or_else(|error| error.to_string(), |key| key.secret.expose().to_owned())
    }

    #[test]
    fn a_team_has_its_own_key_and_the_others_share_one() {
        let all = keys(Some("R1"), &[("databases", "R2")]);
        assert_eq!([of(&all, None, "databases"), of(&all, None, "platform")], ["R2", "R1"]);
        let one = keys(None, &[("databases", "R2")]);
        assert_eq!(
            of(&one, None, "platform"),
            "team platform has no routing key; write `pages.pagerduty.routing_keys`, or a `routing_key` for all others"
        );
    }

    #[test]
    fn what_a_key_opened_goes_by_it_whatever_the_file_says_since() {
        let before = keys(Some("R1"), &[("databases", "R2")]);
        let opened = before.of(None, "databases").unwrap().told();
        assert!(opened.starts_with("routing_keys.databases@") && !opened.contains("R2"), "{opened}");
        // The team has another service now, and its former one has another name.
        let moved = keys(Some("R2"), &[("databases", "R3")]);
        assert_eq!(of(&moved, Some(&opened), "databases"), "R2");
        assert_eq!(of(&moved, None, "databases"), "R3");
        // The key was made anew.
        assert_eq!(of(&keys(Some("R1"), &[("databases", "R4")]), Some(&opened), "databases"), "R4");
        let gone = of(&keys(Some("R1"), &[]), Some(&opened), "databases");
        assert!(gone.contains("`pages.pagerduty.routing_keys.databases`, which is not configured any more"), "{gone}");
    }
}
