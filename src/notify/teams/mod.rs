//! Microsoft Teams: an Adaptive Card by a webhook of the app Workflows ("When a Teams webhook
//! request is received"). It cannot be edited, so that what becomes of a page is a short card
//! without mentions. A webhook writes to one channel: a team that has another one has a URL of its
//! own.
//!
//! | event | what is sent |
//! | --- | --- |
//! | trigger | a card with the page, and a mention for each who is called |
//! | update, acknowledge, resolve | a card of two lines |
//!
//! The yes is 202: the workflow has begun, and says no more to whoever asked. Whether its card then
//! came is seen in its run history alone, so that a second sink for pages should stand behind.
//!
//! <https://learn.microsoft.com/en-us/connectors/teams/#microsoft-teams-webhook>
//! <https://learn.microsoft.com/en-us/azure/connectors/connectors-native-reqres>

mod card;
mod settings;

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use reqwest::StatusCode;
use serde_json::Value;

use super::answer::Answer;
use super::chat::calls;
use super::hook::Hook;
use super::{BuildError, Parcel, ParcelKind, Sink, SinkError};
use crate::message::Room;
use crate::model::Secret;
use card::Card;
pub use settings::TeamsSettings;

/// Writes to the channels of its webhooks.
pub struct TeamsSink {
    hook: Hook,
    /// Of teams that have a channel of their own.
    of_teams: BTreeMap<String, Hook>,
}

impl TeamsSink {
    /// `url`: of the workflow that tells of all teams but those of `of_teams`, which have their
    /// own.
    ///
    /// # Errors
    /// When one is no URL that may be sent to.
    pub fn new(url: &Secret, of_teams: &BTreeMap<String, Secret>, timeout: Duration) -> Result<Self, BuildError> {
        let of_team = |(team, url): (&String, &Secret)| {
            Ok((team.clone(), Hook::new(url, &format!("pages.teams.team_urls.{team}"), timeout)?))
        };
        let of_teams = of_teams.iter().map(of_team).collect::<Result<_, BuildError>>()?;
        Ok(Self { hook: Hook::new(url, "pages.teams.url", timeout)?, of_teams })
    }
}

#[async_trait]
impl Sink for TeamsSink {
    fn name(&self) -> &str {
        "teams"
    }

    fn room(&self) -> Room {
        Room::Units(card::ROOM)
    }

    fn hears_ends(&self) -> bool {
        true
    }

    async fn send(&self, parcel: &Parcel) -> Result<Option<String>, SinkError> {
        let is_page = parcel.kind == ParcelKind::Page && !calls(parcel);
        let remark = match self.of_teams.get(&parcel.team) {
            None => None,
            Some(own) => match post(own, &card(parcel, is_page, None), parcel.at).await {
                // Better in another channel than nowhere: somebody is to be woken.
                Err(SinkError::Fail { message }) if parcel.kind == ParcelKind::Page => {
                    tracing::error!(
                        team = parcel.team,
                        message,
                        "the team's workflow takes no page; the page goes to that of `pages.teams.url`"
                    );
                    Some(format!("the workflow of `pages.teams.team_urls.{}` takes no page: {message}", parcel.team))
                }
                posted => return posted.map(|()| None),
            },
        };
        post(&self.hook, &card(parcel, is_page, remark.as_deref()), parcel.at).await.map(|()| None)
    }
}

fn card(parcel: &Parcel, is_news: bool, remark: Option<&str>) -> Value {
    let mut card = if is_news { Card::of_news(parcel) } else { Card::new(parcel) };
    if let Some(remark) = remark {
        card.add_remark(remark);
    }
    card.message()
}

async fn post(hook: &Hook, message: &Value, now: DateTime<Utc>) -> Result<(), SinkError> {
    let answer = hook.post(message, now).await?;
    if answer.status == StatusCode::ACCEPTED && is_yes(&answer) {
        return Ok(());
    }
    Err(refusal(&answer))
}

/// A workflow that has no answer of its own says nothing; what a workflow says besides must not be
/// an error, nor a page of whoever stands on the way.
fn is_yes(answer: &Answer) -> bool {
    match answer.text().as_str() {
        "" => true,
        _ => answer.json().is_some_and(|told| told.get("error").is_none()),
    }
}

/// What an answer means that is no yes: of Workflows it is JSON with an `error`, and its `code`.
fn refusal(answer: &Answer) -> SinkError {
    if let Some(trouble) = answer.trouble("Teams") {
        return trouble;
    }
    if answer.status.is_success() {
        return answer.no_yes("Teams", "202 without a text");
    }
    let told = answer.json().unwrap_or_default();
    let code = told.pointer("/error/code").and_then(Value::as_str).unwrap_or_default();
    let next = match (answer.status.as_u16(), code) {
        (_, "WorkflowTriggerIsNotEnabled" | "WorkflowDisabled") => "switch the workflow on again",
        (_, "TriggerInputSchemaMismatch" | "InvalidRequestContent") => {
            "its trigger must be \"When a Teams webhook request is received\": make it from the template \"Post to a channel \
             when a webhook request is received\""
        }
        (401 | 403, _) => {
            "put the whole URL where `pages.teams` says, with `sig=` at its end, let anyone trigger the workflow, and start \
             again"
        }
        (404 | 410, _) => {
            "the workflow is there no more: make a new one, put its URL where `pages.teams` says, and start again"
        }
        (413, _) => "this is a fault of dogwatch: please report it",
        _ => "look at the workflow's run history",
    };
    SinkError::fail(format!("{}; {next}", answer.told("Teams")))
}
