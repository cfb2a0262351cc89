//! `chat.discord`: which application the bot is, and where it works.

use std::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};

use crate::secret::SecretSource;

/// A Discord application and the channel that it works in.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DiscordConfig {
    pub token: SecretSource,
    #[serde(deserialize_with = "snowflake")]
    #[schemars(with = "Snowflake")]
    pub application_id: u64,
    #[serde(deserialize_with = "snowflake")]
    #[schemars(with = "Snowflake")]
    pub guild: u64,
    /// Where incidents are told.
    #[serde(deserialize_with = "snowflake")]
    #[schemars(with = "Snowflake")]
    pub channel: u64,
    /// Who may do what, by the roles of the guild. Everybody else in the channel may look.
    #[serde(default)]
    pub roles: DiscordRoles,
    /// A server that talks as Discord does, or an HTTP proxy in front of Discord that limits the
    /// rate for several bots: where its REST API begins, without `/api`. The gateway is the one
    /// that it names. It was called `api_base` before.
    #[serde(default, alias = "api_base")]
    pub api_url: Option<String>,
}

/// Ids of Discord roles.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DiscordRoles {
    #[serde(deserialize_with = "snowflakes")]
    #[schemars(with = "Vec<Snowflake>")]
    pub responder: Vec<u64>,
    #[serde(deserialize_with = "snowflakes")]
    #[schemars(with = "Vec<Snowflake>")]
    pub admin: Vec<u64>,
}

/// An id of Discord, with or without quotes: JSON tools like to write them as text.
struct Snowflake(u64);

crate::model::schema!(Snowflake, {
    "anyOf": [{ "type": "integer", "minimum": 1 }, { "type": "string", "pattern": "^[0-9]+$" }]
});

impl<'de> Deserialize<'de> for Snowflake {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct SnowflakeVisitor;

        impl Visitor<'_> for SnowflakeVisitor {
            type Value = Snowflake;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("an id of Discord, such as `1187654321098765432`")
            }

            fn visit_u64<E: Error>(self, id: u64) -> Result<Snowflake, E> {
                if id == 0 { Err(E::custom("0 is no id of Discord")) } else { Ok(Snowflake(id)) }
            }

            fn visit_i64<E: Error>(self, id: i64) -> Result<Snowflake, E> {
                self.visit_u64(u64::try_from(id).map_err(|_| E::custom(format!("{id} is no id of Discord")))?)
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Snowflake, E> {
                let shown: String = text.chars().take(40).collect();
                self.visit_u64(text.parse().map_err(|_| E::custom(format!("`{shown}` is no id of Discord")))?)
            }
        }

        deserializer.deserialize_any(SnowflakeVisitor)
    }
}

fn snowflake<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    Ok(Snowflake::deserialize(deserializer)?.0)
}

fn snowflakes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u64>, D::Error> {
    Ok(Vec::<Snowflake>::deserialize(deserializer)?.into_iter().map(|id| id.0).collect())
}
