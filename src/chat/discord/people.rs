//! Who asks, and what they may do.

use crate::discord::DiscordOptions;
use crate::message::clip;
use crate::model::{Person, Role, Via};
use crate::oncall::Roster;

/// Knows the people of one server.
pub(super) struct People {
    oncall: Roster,
    guild: u64,
    /// Where incidents are told, besides the channels of teams: whoever is there sees them anyway.
    channel: u64,
    responders: Vec<u64>,
    admins: Vec<u64>,
}

/// What Discord says of somebody who asks.
#[derive(Debug, Clone)]
pub(super) struct Asker {
    pub user: u64,
    /// The user name, which is unique on Discord; never the one that somebody gives to himself on the server.
    pub name: String,
    /// Their roles on the server; empty in a direct message.
    pub roles: Vec<u64>,
    /// `None` in a direct message.
    pub guild: Option<u64>,
    /// The channel, and the one that it is a thread of.
    pub channels: Vec<u64>,
}

impl People {
    pub fn new(options: &DiscordOptions, oncall: Roster) -> Self {
        let (responders, admins) = (options.responders.clone(), options.admins.clone());
        Self { oncall, guild: options.guild, channel: options.channel, responders, admins }
    }

    /// The person with the highest of their roles.
    pub fn person(&self, asker: &Asker) -> Person {
        Person { name: self.name(asker), via: Via::Discord, id: asker.user.to_string(), role: self.role(asker) }
    }

    fn name(&self, asker: &Asker) -> String {
        let oncall = self.oncall.get();
        if let Some(member) = oncall.member_at("discord", &asker.user.to_string()) {
            return member.name.clone();
        }
        let name = clip(&asker.name, 80);
        // Nobody passes for a member by taking the name.
        if oncall.member(&name).is_some() { format!("{name} (discord {})", asker.user) } else { name }
    }

    fn role(&self, asker: &Asker) -> Option<Role> {
        if asker.guild != Some(self.guild) {
            return None;
        }
        let has = |roles: &[u64]| asker.roles.iter().any(|role| roles.contains(role));
        if has(&self.admins) {
            Some(Role::Admin)
        } else if has(&self.responders) {
            Some(Role::Responder)
        } else {
            let oncall = self.oncall.get();
            let is_told = |channel: &u64| {
                *channel == self.channel
                    || oncall
                        .teams()
                        .iter()
                        .any(|team| team.channels.at("discord") == Some(channel.to_string().as_str()))
            };
            asker.channels.iter().any(is_told).then_some(Role::Viewer)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::Secret;
    use crate::oncall::OnCall;

    fn people() -> People {
        let oncall = OnCall::parse(
            "oncall.yaml",
            r#"
apiVersion: dogwatch/v1
kind: OnCall
members: [{ name: ada, discord: "123456789012345678" }, { name: grace }]
teams:
  - name: platform
    channel: "223456789012345678"
    rotation: { time_zone: UTC, start: 2026-01-05, handoff: { at: "09:00", every: 1w }, members: [ada] }
"#,
        );
        let options = DiscordOptions {
            token: Secret::new("t"),
            application: 1,
            guild: 2,
            channel: 3,
            responders: vec![10, 11],
            admins: vec![20],
            api_url: None,
            timeout: Duration::from_secs(1),
        };
        People::new(&options, oncall.unwrap().into())
    }

    fn asker(name: &str, roles: &[u64]) -> Asker {
        Asker { user: 7, name: name.into(), roles: roles.to_vec(), guild: Some(2), channels: vec![3] }
    }

    #[test]
    fn the_highest_role_counts_and_without_one_the_channel_does() {
        let people = people();
        let role = |asker: Asker| people.person(&asker).role;
        assert_eq!(role(asker("bob", &[5, 11])), Some(Role::Responder));
        assert_eq!(role(asker("bob", &[11, 20])), Some(Role::Admin));
        assert_eq!(role(asker("bob", &[5])), Some(Role::Viewer));
        assert_eq!(role(Asker { channels: vec![223_456_789_012_345_678], ..asker("bob", &[]) }), Some(Role::Viewer));
        assert_eq!(role(Asker { channels: vec![99, 3], ..asker("bob", &[]) }), Some(Role::Viewer), "a thread of it");
        assert_eq!(role(Asker { channels: vec![99], ..asker("bob", &[]) }), None);
        assert_eq!(role(Asker { channels: vec![99], ..asker("bob", &[10]) }), Some(Role::Responder));
    }

    #[test]
    fn roles_of_another_server_count_nothing() {
        let people = people();
        assert_eq!(people.person(&Asker { guild: Some(9), ..asker("bob", &[20]) }).role, None);
        assert_eq!(people.person(&Asker { guild: None, ..asker("bob", &[20]) }).role, None);
    }

    #[test]
    fn a_member_is_known_by_the_id_and_never_by_the_name() {
        let people = people();
        let ada = Asker { user: 123_456_789_012_345_678, ..asker("lovelace", &[]) };
        assert_eq!(people.person(&ada).name, "ada");
        assert_eq!(people.person(&asker("ada", &[])).name, "ada (discord 7)");
        assert_eq!(people.person(&asker("grace", &[])).name, "grace (discord 7)");
        assert_eq!(people.person(&asker("bob\n@everyone", &[])).name, "bob @everyone");
        assert_eq!(people.person(&asker("bob", &[])).id, "7");
    }
}
