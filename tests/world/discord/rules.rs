//! Discord's limits for a message, and whom it notifies.

use serde_json::Value;

use super::message::{File, Mention};
use super::refusal::{Errors, Refusal};

/// Checks the body of a message. `at` is where it lies in the request: `data.` in an interaction's response, else empty.
pub fn check_message(body: &Value, files: &[File], at: &str, is_new: bool) -> Result<(), Refusal> {
    let mut errors = Errors::default();
    errors.at_most(&format!("{at}content"), length(&body["content"]), 2000);
    match &body["nonce"] {
        Value::Null | Value::Number(_) => {}
        nonce => errors.at_most(&format!("{at}nonce"), length(nonce), 25),
    }
    check_embeds(&mut errors, &format!("{at}embeds"), entries(&body["embeds"]));
    check_components(&mut errors, &format!("{at}components"), entries(&body["components"]));
    let allowed = &body["allowed_mentions"];
    for kind in ["users", "roles"] {
        let named = entries(&allowed[kind]);
        let is_parsed = entries(&allowed["parse"]).iter().any(|parsed| parsed == kind);
        if is_parsed && !named.is_empty() {
            let message = format!("parse:[\"{kind}\"] and {kind}: [ids...] are mutually exclusive.");
            errors.add(&format!("{at}allowed_mentions"), "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE", &message);
        }
        errors.at_most(&format!("{at}allowed_mentions.{kind}"), named.len(), 100);
    }
    errors.check()?;
    let is_empty = ["content", "embeds", "components"].iter().all(|key| match &body[*key] {
        Value::String(text) => text.trim().is_empty(),
        Value::Array(list) => list.is_empty(),
        _ => true,
    });
    if is_new && is_empty && files.is_empty() {
        return Err(Refusal::new(400, 50006, "Cannot send an empty message"));
    }
    Ok(())
}

fn check_embeds(errors: &mut Errors, at: &str, embeds: &[Value]) {
    errors.at_most(at, embeds.len(), 10);
    let mut total = 0;
    for (n, embed) in embeds.iter().enumerate() {
        let at = format!("{at}.{n}");
        for (path, limit) in [("/title", 256), ("/description", 4096), ("/footer/text", 2048), ("/author/name", 256)] {
            let length = embed.pointer(path).map_or(0, length);
            errors.at_most(&format!("{at}{}", path.replace('/', ".")), length, limit);
            total += length;
        }
        let fields = entries(&embed["fields"]);
        errors.at_most(&format!("{at}.fields"), fields.len(), 25);
        for (m, field) in fields.iter().enumerate() {
            let at = format!("{at}.fields.{m}");
            for (key, limit) in [("name", 256), ("value", 1024)] {
                if errors.required(&at, field, key) {
                    errors.at_most(&format!("{at}.{key}"), length(&field[key]), limit);
                }
                total += length(&field[key]);
            }
        }
    }
    if total > 6000 {
        errors.add(at, "MAX_EMBED_SIZE_EXCEEDED", "Embed size exceeds maximum size of 6000");
    }
}

fn check_components(errors: &mut Errors, at: &str, rows: &[Value]) {
    errors.at_most(at, rows.len(), 5);
    let mut seen: Vec<&str> = Vec::new();
    for (n, row) in rows.iter().enumerate() {
        if row["type"] != 1 {
            errors.add(&format!("{at}.{n}.type"), "UNION_TYPE_CHOICES", "Value of field \"type\" must be one of (1,).");
            continue;
        }
        let at = format!("{at}.{n}.components");
        let components = entries(&row["components"]);
        errors.between(&at, components.len(), 1, 5);
        for (m, component) in components.iter().enumerate() {
            let at = format!("{at}.{m}");
            let is_link = component["type"] == 2 && component["style"] == 5;
            errors.at_most(&format!("{at}.label"), length(&component["label"]), 80);
            if is_link {
                errors.required(&at, component, "url");
            } else if errors.required(&at, component, "custom_id") {
                let id = component["custom_id"].as_str().unwrap_or_default();
                errors.between(&format!("{at}.custom_id"), id.chars().count(), 1, 100);
                if seen.contains(&id) {
                    let message = "Component custom id cannot be duplicated";
                    errors.add(&format!("{at}.custom_id"), "COMPONENT_CUSTOM_ID_DUPLICATED", message);
                }
                seen.push(id);
            }
        }
    }
}

/// Whom a message notifies: what its content names, as far as `allowed_mentions` lets it. Without that field a regular message
/// may notify anybody and an interaction's response only users.
pub fn mentions(body: &Value, is_response: bool) -> Vec<Mention> {
    let allowed = &body["allowed_mentions"];
    let may = |kind: &str, id: Option<u64>| match allowed {
        Value::Null => kind == "users" || !is_response,
        _ => {
            let is_named = |named: &Value| id.is_some() && named.as_str().and_then(|named| named.parse().ok()) == id;
            entries(&allowed["parse"]).iter().any(|parsed| parsed == kind)
                || entries(&allowed[kind]).iter().any(is_named)
        }
    };
    let content = body["content"].as_str().unwrap_or_default();
    let mut found = Vec::new();
    for (start, _) in content.match_indices("<@") {
        let Some((inner, _)) = content[start + 2..].split_once('>') else {
            continue;
        };
        let (kind, digits) = match inner.strip_prefix('&') {
            Some(role) => ("roles", role),
            None => ("users", inner.trim_start_matches('!')),
        };
        let Ok(id) = digits.parse::<u64>() else {
            continue;
        };
        let mention = if kind == "roles" { Mention::Role(id) } else { Mention::User(id) };
        if may(kind, Some(id)) && !found.contains(&mention) {
            found.push(mention);
        }
    }
    if (content.contains("@everyone") || content.contains("@here")) && may("everyone", None) {
        found.push(Mention::Everyone);
    }
    found
}

pub fn length(value: &Value) -> usize {
    value.as_str().map_or(0, |text| text.chars().count())
}

pub fn entries(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}
