//! Whether an address can be one of its receiver.

use super::Check;
use crate::diagnostics::{Code, Diagnostic};
use crate::oncall::Addresses;
use crate::oncall::document::{ChannelsEntry, MemberEntry, TeamEntry, Text};
use crate::oncall::error::shortened;

/// Of a receiver, and of whom: what its addresses look like.
#[derive(Debug, Clone, Copy)]
enum Form {
    /// See <https://discord.com/developers/docs/reference#snowflakes>.
    Discord {
        menu: &'static str,
    },
    Email,
    SlackMember,
    SlackChannel,
    Mattermost,
    Topic,
}

impl Form {
    fn fits(self, text: &str) -> bool {
        let all = |is: fn(char) -> bool| text.chars().all(is);
        match self {
            Form::Discord { .. } => {
                (15..=20).contains(&text.len())
                    && all(|c| c.is_ascii_digit())
                    && text.parse().is_ok_and(|id: u64| id > 0)
            }
            Form::Email => {
                let parts = text.split_once('@').filter(|(name, host)| !name.is_empty() && !host.is_empty());
                parts.is_some() && !text.chars().any(|c| c.is_whitespace() || c.is_control() || "<>,;\"".contains(c))
            }
            Form::SlackMember => text.starts_with(['U', 'W']) && is_slack_id(text),
            Form::SlackChannel => text.starts_with(['C', 'G']) && is_slack_id(text),
            Form::Mattermost => {
                (1..=64).contains(&text.len())
                    && all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.'))
            }
            Form::Topic => {
                (1..=64).contains(&text.len()) && all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
            }
        }
    }

    /// What it is not, and what to write instead.
    fn said(self) -> (&'static str, String) {
        match self {
            Form::Discord { menu } => (
                "Discord id, which has 15 to 20 digits",
                format!("in Discord, switch on developer mode, right-click, \"{menu}\""),
            ),
            Form::Email => ("e-mail address", "write one such as `alice@example.org`".to_owned()),
            Form::SlackMember => (
                "id of a member of Slack, which begins with `U` or `W`",
                "in Slack, open the profile, \"More\", \"Copy member ID\": `U012AB3CD`".to_owned(),
            ),
            Form::SlackChannel => (
                "id of a channel of Slack, which begins with `C` or `G`",
                "in Slack, open the channel's details; it stands at their end: `C012AB3CD`".to_owned(),
            ),
            Form::Mattermost => (
                "name at Mattermost",
                "write lower-case letters, digits, `.`, `-` and `_`, without `@` or `~`, such as `alice`".to_owned(),
            ),
            Form::Topic => (
                "topic of ntfy",
                "write up to 64 letters, digits, `-` and `_`; whoever knows it may read it".to_owned(),
            ),
        }
    }
}

fn is_slack_id(text: &str) -> bool {
    (9..=21).contains(&text.len()) && text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
}

impl Check<'_> {
    pub(super) fn of_member(&self, entry: &MemberEntry) -> Result<Addresses, Diagnostic> {
        self.addresses([
            ("discord", &entry.discord, Form::Discord { menu: "Copy User ID" }),
            ("email", &entry.email, Form::Email),
            ("slack", &entry.slack, Form::SlackMember),
            ("mattermost", &entry.mattermost, Form::Mattermost),
            ("teams", &entry.teams, Form::Email),
            ("ntfy", &entry.ntfy, Form::Topic),
        ])
    }

    pub(super) fn of_team(&self, entry: &TeamEntry) -> Result<Addresses, Diagnostic> {
        let ChannelsEntry { slack, mattermost, ntfy, email } = &entry.channels;
        self.addresses([
            ("discord", &entry.channel, Form::Discord { menu: "Copy Channel ID" }),
            ("slack", slack, Form::SlackChannel),
            ("mattermost", mattermost, Form::Mattermost),
            ("ntfy", ntfy, Form::Topic),
            ("email", email, Form::Email),
        ])
    }

    fn addresses<const N: usize>(
        &self,
        said: [(&'static str, &Option<Text>, Form); N],
    ) -> Result<Addresses, Diagnostic> {
        let given = said.into_iter().filter_map(|(sink, text, form)| Some((sink, text.as_ref()?, form)));
        given.map(|(sink, text, form)| Ok((sink, self.address(text, form)?))).collect()
    }

    fn address(&self, text: &Text, form: Form) -> Result<String, Diagnostic> {
        if form.fits(&text.value) {
            return Ok(text.value.clone());
        }
        let (what, remedy) = form.said();
        // Whoever knows a topic may read it: it is told nobody.
        let shown =
            if matches!(form, Form::Topic) { "this".to_owned() } else { format!("`{}`", shortened(&text.value)) };
        Err(self.wrong(Code::InvalidAddress, text, format!("{shown} is no {what}"), remedy))
    }
}
