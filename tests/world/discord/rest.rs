//! The REST API, version 10.

use std::collections::HashMap;

use axum::extract::{Path, Query, State as With};
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, patch, post, put};
use axum::{Json, Router};
use serde_json::{Value, json};

use super::body::Body;
use super::door::at_the_door;
use super::message::Message;
use super::refusal::Refusal;
use super::shared::Shared;
use super::state::{APPLICATION, GUILD, bot_user};
use super::{commands, interactions, rules};

pub type Answer = Result<Json<Value>, Refusal>;

pub fn router(shared: Shared) -> Router {
    let commands = put(commands::set_guild).get(commands::guild);
    let original = get(interactions::original).patch(interactions::edit_original).delete(interactions::delete_original);
    let api = Router::new()
        .route("/gateway", get(gateway))
        .route("/gateway/bot", get(gateway_bot))
        .route("/users/@me", get(async || Json(bot_user())))
        .route("/applications/@me", get(application))
        .route("/oauth2/applications/@me", get(application))
        .route("/applications/{app}/commands", put(commands::set_global).get(commands::global))
        .route("/applications/{app}/guilds/{guild}/commands", commands)
        .route("/guilds/{guild}/roles", get(roles))
        .route("/channels/{channel}", get(channel))
        .route("/channels/{channel}/messages", post(create_message).get(list_messages))
        .route("/channels/{channel}/messages/{message}", patch(edit_message).get(get_message).delete(delete_message))
        .route("/interactions/{interaction}/{token}/callback", post(interactions::respond))
        .route("/webhooks/{app}/{token}", post(interactions::follow_up))
        .route("/webhooks/{app}/{token}/messages/@original", original)
        .route("/webhooks/{app}/{token}/messages/{message}", patch(interactions::edit_follow_up))
        .fallback(async || Refusal::new(404, 0, "404: Not Found"))
        .layer(from_fn_with_state(shared.clone(), at_the_door));
    Router::new().nest("/api/v10", api).fallback(async || Refusal::new(404, 0, "404: Not Found")).with_state(shared)
}

async fn gateway(With(shared): With<Shared>) -> Json<Value> {
    Json(json!({ "url": shared.lock().gateway }))
}

async fn gateway_bot(With(shared): With<Shared>) -> Json<Value> {
    let limit = json!({ "total": 1000, "remaining": 999, "reset_after": 14_400_000, "max_concurrency": 1 });
    Json(json!({ "url": shared.lock().gateway, "shards": 1, "session_start_limit": limit }))
}

async fn application() -> Json<Value> {
    Json(json!({
        "id": APPLICATION.to_string(), "name": "dogwatch", "icon": null, "description": "", "bot_public": false,
        "bot_require_code_grant": false, "verify_key": "00", "team": null, "flags": 0, "bot": bot_user(),
    }))
}

/// Refuses what is not the bot's own application.
pub fn own(app: u64) -> Result<(), Refusal> {
    if app == APPLICATION {
        Ok(())
    } else {
        Err(Refusal::new(403, 20012, "You are not authorized to perform this action on this application"))
    }
}

async fn roles(With(shared): With<Shared>, Path(guild): Path<u64>) -> Answer {
    if guild != GUILD {
        return Err(Refusal::unknown("guild"));
    }
    let role = |(id, name): (&u64, &String)| {
        json!({
            "id": id.to_string(), "name": name, "color": 0, "colors": { "primary_color": 0, "secondary_color": null, "tertiary_color": null },
            "hoist": false, "managed": false, "mentionable": true, "permissions": "0", "position": 1, "flags": 0,
        })
    };
    Ok(Json(shared.lock().roles.iter().map(role).collect()))
}

async fn channel(With(shared): With<Shared>, Path(channel): Path<u64>) -> Answer {
    let state = shared.lock();
    let name = state.channels.get(&channel).ok_or_else(|| Refusal::unknown("channel"))?;
    Ok(Json(json!({
        "id": channel.to_string(), "type": 0, "guild_id": GUILD.to_string(), "name": name, "position": 0,
        "permission_overwrites": [], "nsfw": false, "parent_id": null, "topic": null, "last_message_id": null,
    })))
}

async fn create_message(With(shared): With<Shared>, Path(channel): Path<u64>, body: Body) -> Answer {
    shared.change(|state| {
        if !state.channels.contains_key(&channel) {
            return Err(Refusal::unknown("channel"));
        }
        rules::check_message(&body.json, &body.files, "", true)?;
        let nonce = body.json.get("nonce").filter(|nonce| !nonce.is_null()).map(Value::to_string);
        let enforced = nonce.filter(|_| body.json["enforce_nonce"] == true);
        if let Some(id) = enforced.as_ref().and_then(|nonce| state.nonces.get(nonce).copied())
            && let Some(made) = state.message(id)
        {
            return Ok(Json(made.json()));
        }
        let made = state.post(channel, &body.json, body.files, None);
        if let Some(nonce) = enforced {
            state.nonces.insert(nonce, made.id);
        }
        Ok(Json(made.json()))
    })
}

async fn list_messages(
    With(shared): With<Shared>,
    Path(channel): Path<u64>,
    Query(query): Query<HashMap<String, u64>>,
) -> Answer {
    let state = shared.lock();
    if !state.channels.contains_key(&channel) {
        return Err(Refusal::unknown("channel"));
    }
    let limit = query.get("limit").copied().unwrap_or(50);
    if !(1..=100).contains(&limit) {
        return Err(Refusal::form("limit", "NUMBER_TYPE_MAX", "int value should be less than or equal to 100."));
    }
    let before = query.get("before").copied().unwrap_or(u64::MAX);
    let after = query.get("after").copied().unwrap_or(0);
    let seen = |message: &&Message| {
        message.channel == channel && !message.is_ephemeral() && message.id < before && message.id > after
    };
    let newest_first = state.messages.iter().rev().filter(seen);
    Ok(Json(newest_first.take(limit as usize).map(Message::json).collect()))
}

async fn get_message(With(shared): With<Shared>, Path((channel, message)): Path<(u64, u64)>) -> Answer {
    let mut state = shared.lock();
    let found = state.message(message).filter(|found| found.channel == channel && !found.is_ephemeral());
    found.map(|found| Json(found.json())).ok_or_else(|| Refusal::unknown("message"))
}

async fn edit_message(With(shared): With<Shared>, Path((channel, message)): Path<(u64, u64)>, body: Body) -> Answer {
    shared.change(|state| {
        let found = state.message(message).filter(|found| found.channel == channel && !found.is_ephemeral());
        found.ok_or_else(|| Refusal::unknown("message"))?;
        rules::check_message(&body.json, &body.files, "", false)?;
        let edited = state.edit(message, &body.json, body.files).ok_or_else(|| Refusal::unknown("message"))?;
        Ok(Json(edited.json()))
    })
}

async fn delete_message(
    With(shared): With<Shared>,
    Path((channel, message)): Path<(u64, u64)>,
) -> Result<StatusCode, Refusal> {
    shared.change(|state| {
        let before = state.messages.len();
        state.messages.retain(|found| found.id != message || found.channel != channel);
        if state.messages.len() == before { Err(Refusal::unknown("message")) } else { Ok(StatusCode::NO_CONTENT) }
    })
}
