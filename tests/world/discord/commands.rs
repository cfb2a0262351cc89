//! Slash commands: their registration and its rules.

use axum::Json;
use axum::extract::{Path, State as With};
use serde_json::{Value, json};

use super::body::Body;
use super::refusal::{Errors, Refusal};
use super::rest::{Answer, own};
use super::rules::{entries, length};
use super::shared::Shared;
use super::state::{APPLICATION, GUILD};

pub async fn set_global(With(shared): With<Shared>, Path(app): Path<u64>, body: Body) -> Answer {
    set(&shared, app, None, &body.json)
}

pub async fn set_guild(With(shared): With<Shared>, Path((app, guild)): Path<(u64, u64)>, body: Body) -> Answer {
    if guild != GUILD {
        return Err(Refusal::unknown("guild"));
    }
    set(&shared, app, Some(guild), &body.json)
}

/// Bulk overwrite: what is not in the list is gone; a command that keeps its name keeps its id.
fn set(shared: &Shared, app: u64, guild: Option<u64>, commands: &Value) -> Answer {
    own(app)?;
    let wanted = commands
        .as_array()
        .ok_or_else(|| Refusal::form("", "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType"))?;
    check(wanted)?;
    shared.change(|state| {
        let before = state.commands.remove(&guild).unwrap_or_default();
        let mut registered = Vec::new();
        for command in wanted {
            let mut command = command.clone();
            let kept =
                before.iter().find(|earlier| earlier["name"] == command["name"]).map(|earlier| earlier["id"].clone());
            let version = state.new_id().to_string();
            command["id"] = kept.unwrap_or_else(|| json!(version.clone()));
            command["version"] = json!(version);
            command["application_id"] = json!(APPLICATION.to_string());
            for (key, default) in
                [("type", json!(1)), ("default_member_permissions", Value::Null), ("integration_types", json!([0]))]
            {
                if command.get(key).is_none() {
                    command[key] = default;
                }
            }
            if let Some(guild) = guild {
                command["guild_id"] = json!(guild.to_string());
            }
            registered.push(command);
        }
        state.commands.insert(guild, registered.clone());
        Ok(Json(json!(registered)))
    })
}

pub async fn global(With(shared): With<Shared>, Path(app): Path<u64>) -> Answer {
    own(app)?;
    Ok(Json(json!(shared.lock().commands.get(&None).cloned().unwrap_or_default())))
}

pub async fn guild(With(shared): With<Shared>, Path((app, guild)): Path<(u64, u64)>) -> Answer {
    own(app)?;
    Ok(Json(json!(shared.lock().commands.get(&Some(guild)).cloned().unwrap_or_default())))
}

/// Checks a bulk overwrite of slash commands.
fn check(commands: &[Value]) -> Result<(), Refusal> {
    let mut errors = Errors::default();
    errors.at_most("", commands.len(), 100);
    for (n, command) in commands.iter().enumerate() {
        let at = n.to_string();
        check_name(&mut errors, &at, command);
        if commands[..n].iter().any(|earlier| earlier["name"] == command["name"]) {
            errors.add(&at, "APPLICATION_COMMANDS_DUPLICATE_NAME", "Application command names must be unique");
        }
        check_options(&mut errors, &format!("{at}.options"), entries(&command["options"]));
        if command.to_string().chars().count() > 8000 {
            errors.add(&at, "APPLICATION_COMMAND_TOO_LARGE", "Command exceeds maximum size (8000)");
        }
    }
    errors.check()
}

fn check_options(errors: &mut Errors, at: &str, options: &[Value]) {
    errors.at_most(at, options.len(), 25);
    for (n, option) in options.iter().enumerate() {
        let at = format!("{at}.{n}");
        check_name(errors, &at, option);
        if option["required"] == true && n > 0 && options[n - 1]["required"] != true {
            let message = "Required options must be placed before non-required options";
            errors.add(&at, "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", message);
        }
        errors.at_most(&format!("{at}.choices"), entries(&option["choices"]).len(), 25);
        check_options(errors, &format!("{at}.options"), entries(&option["options"]));
    }
}

fn check_name(errors: &mut Errors, at: &str, named: &Value) {
    let name = named["name"].as_str().unwrap_or_default();
    let is_valid = |c: char| (c.is_alphanumeric() && !c.is_uppercase()) || matches!(c, '-' | '_' | '\'');
    if name.is_empty() || name.chars().count() > 32 || !name.chars().all(is_valid) {
        errors.add(&format!("{at}.name"), "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid");
    }
    if errors.required(at, named, "description") {
        errors.between(&format!("{at}.description"), length(&named["description"]), 1, 100);
    }
}
