//! How the bot answers an interaction: the first response, its edits, and follow-ups.

use axum::Json;
use axum::extract::{Path, State as With};
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::body::Body;
use super::message::{EPHEMERAL, LOADING};
use super::refusal::Refusal;
use super::rest::{Answer, own};
use super::rules;
use super::shared::Shared;
use super::state::{Interaction, State};

const MESSAGE: u64 = 4;
const DEFERRED_MESSAGE: u64 = 5;
const DEFERRED_UPDATE: u64 = 6;
const UPDATE: u64 = 7;

pub async fn respond(
    With(shared): With<Shared>,
    Path((id, token)): Path<(u64, String)>,
    body: Body,
) -> Result<StatusCode, Refusal> {
    shared.change(|state| {
        let kind = body.json["type"].as_u64().unwrap_or(0);
        let asked = state.interaction(id).filter(|asked| asked.token == token && !asked.expired);
        let asked = asked.ok_or_else(|| Refusal::unknown("interaction"))?;
        if asked.answer.is_some() {
            return Err(Refusal::new(400, 40060, "Interaction has already been acknowledged."));
        }
        let pressed = asked.pressed.map(|(message, _)| message);
        let is_known = matches!(kind, MESSAGE | DEFERRED_MESSAGE)
            || (pressed.is_some() && matches!(kind, DEFERRED_UPDATE | UPDATE));
        if !is_known {
            let message = "Value must be one of (4, 5), or of (4, 5, 6, 7) for a component.";
            return Err(Refusal::form("type", "BASE_TYPE_CHOICES", message));
        }
        let (channel, asked_by, after) = (asked.channel, (id, asked.kind, asked.user.clone()), asked.sent.elapsed());
        let data = &body.json["data"];
        let original = match (kind, pressed) {
            (MESSAGE, _) => {
                rules::check_message(data, &body.files, "data.", true)?;
                state.post(channel, &settable(data, 0), body.files, Some(asked_by)).id
            }
            (DEFERRED_MESSAGE, _) => {
                let flags = json!({ "flags": data["flags"] });
                state.post(channel, &settable(&flags, LOADING), Vec::new(), Some(asked_by)).id
            }
            (UPDATE, Some(message)) => {
                rules::check_message(data, &body.files, "data.", false)?;
                state.edit(message, data, body.files).ok_or_else(|| Refusal::unknown("message"))?.id
            }
            (_, Some(message)) => message,
            (_, None) => return Err(Refusal::unknown("message")),
        };
        if let Some(asked) = state.interaction(id) {
            asked.answer = Some((kind as u8, after));
            asked.original = Some(original);
        }
        Ok(StatusCode::NO_CONTENT)
    })
}

pub async fn original(With(shared): With<Shared>, Path((app, token)): Path<(u64, String)>) -> Answer {
    own(app)?;
    let mut state = shared.lock();
    let id = original_of(by_token(&mut state, &token)?)?;
    state.message(id).map(|message| Json(message.json())).ok_or_else(|| Refusal::unknown("message"))
}

pub async fn edit_original(With(shared): With<Shared>, Path((app, token)): Path<(u64, String)>, body: Body) -> Answer {
    own(app)?;
    shared.change(|state| {
        let id = original_of(by_token(state, &token)?)?;
        edit(state, id, body)
    })
}

pub async fn delete_original(
    With(shared): With<Shared>,
    Path((app, token)): Path<(u64, String)>,
) -> Result<StatusCode, Refusal> {
    own(app)?;
    shared.change(|state| {
        let id = original_of(by_token(state, &token)?)?;
        state.messages.retain(|message| message.id != id);
        Ok(StatusCode::NO_CONTENT)
    })
}

/// A follow-up. Straight after a deferred response it fills that instead, as Discord still does.
pub async fn follow_up(With(shared): With<Shared>, Path((app, token)): Path<(u64, String)>, body: Body) -> Answer {
    own(app)?;
    shared.change(|state| {
        let asked = by_token(state, &token)?;
        let (id, channel, asked_by) = (asked.id, asked.channel, (asked.id, asked.kind, asked.user.clone()));
        let original = original_of(asked)?;
        if state.message(original).is_some_and(|message| message.is_loading()) {
            return edit(state, original, body);
        }
        rules::check_message(&body.json, &body.files, "", true)?;
        let made = state.post(channel, &settable(&body.json, 0), body.files, Some(asked_by));
        if let Some(asked) = state.interaction(id) {
            asked.followups.push(made.id);
        }
        Ok(Json(made.json()))
    })
}

pub async fn edit_follow_up(
    With(shared): With<Shared>,
    Path((app, token, message)): Path<(u64, String, u64)>,
    body: Body,
) -> Answer {
    own(app)?;
    shared.change(|state| {
        let asked = by_token(state, &token)?;
        if !asked.followups.contains(&message) && asked.original != Some(message) {
            return Err(Refusal::unknown("message"));
        }
        edit(state, message, body)
    })
}

fn edit(state: &mut State, id: u64, body: Body) -> Answer {
    // A deferred response that is filled must have something to show.
    let is_new = state.message(id).is_some_and(|message| message.is_loading());
    rules::check_message(&body.json, &body.files, "", is_new)?;
    let edited = state.edit(id, &body.json, body.files).ok_or_else(|| Refusal::unknown("message"))?;
    Ok(Json(edited.json()))
}

fn by_token<'a>(state: &'a mut State, token: &str) -> Result<&'a Interaction, Refusal> {
    let asked = state.interactions.iter().find(|asked| asked.token == token && !asked.expired);
    asked.ok_or_else(|| Refusal::unknown("webhook"))
}

/// Before the first response there is nothing to edit.
fn original_of(asked: &Interaction) -> Result<u64, Refusal> {
    asked.original.ok_or_else(|| Refusal::unknown("message"))
}

/// Of the flags that a response may set, the stand-in knows one.
fn settable(body: &Value, more: u64) -> Value {
    let mut body = body.clone();
    body["flags"] = json!((body["flags"].as_u64().unwrap_or(0) & EPHEMERAL) | more);
    body
}
