//! What Discord's own client does with the keyboard: a line such as `/ack incident:INC-1` becomes the data of an interaction. Like the
//! client it lets nobody send a command that is not registered, without a required option, or with a value that an option refuses.

use serde_json::{Value, json};

const SUBCOMMAND: u64 = 1;
const GROUP: u64 = 2;

/// The command's name in a line that starts with `/`.
pub fn name(line: &str) -> Result<&str, String> {
    let name = line.strip_prefix('/').and_then(|rest| rest.split_whitespace().next());
    name.ok_or_else(|| format!("{line:?} is no slash command"))
}

/// `data` of the interaction that typing `line` sends, for the command as it was registered.
pub fn data(line: &str, command: &Value) -> Result<Value, String> {
    let rest = line.trim_start_matches('/').trim_start_matches(name(line)?);
    let options = options(rest.trim(), entries(&command["options"]), name(line)?)?;
    let mut data = json!({ "id": command["id"], "name": command["name"], "type": 1, "options": options });
    if let Some(guild) = command.get("guild_id") {
        data["guild_id"] = guild.clone();
    }
    Ok(data)
}

fn options(text: &str, known: &[Value], within: &str) -> Result<Vec<Value>, String> {
    if known.iter().any(|option| matches!(option["type"].as_u64(), Some(SUBCOMMAND | GROUP))) {
        let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
        let Some(sub) = known.iter().find(|option| option["name"] == word) else {
            return Err(format!("/{within} has no subcommand {word:?}; it has {}", names(known)));
        };
        let inner = options(rest.trim(), entries(&sub["options"]), &format!("{within} {word}"))?;
        return Ok(vec![json!({ "name": word, "type": sub["type"], "options": inner })]);
    }
    let mut sent = Vec::new();
    let starts = starts(text, known);
    if starts.first().map_or(!text.is_empty(), |(at, _)| *at != 0) {
        return Err(format!("{text:?} does not start with an option of /{within}; it has {}", names(known)));
    }
    for (n, (at, option)) in starts.iter().enumerate() {
        let end = starts.get(n + 1).map_or(text.len(), |(next, _)| *next);
        let name = option["name"].as_str().unwrap_or_default();
        let written = text[at + name.len() + 1..end].trim();
        let value =
            value(written.trim_matches('"'), option).map_err(|why| format!("option {name} of /{within}: {why}"))?;
        sent.push(json!({ "name": name, "type": option["type"], "value": value }));
    }
    let is_missing =
        |option: &&Value| option["required"] == true && !sent.iter().any(|sent| sent["name"] == option["name"]);
    match known.iter().find(is_missing) {
        Some(option) => Err(format!("option {} of /{within} is required", option["name"])),
        None => Ok(sent),
    }
}

/// Where in the text each known option begins: `name:` at the start of a word.
fn starts<'a>(text: &str, known: &'a [Value]) -> Vec<(usize, &'a Value)> {
    let mut starts = Vec::new();
    for option in known {
        let key = format!("{}:", option["name"].as_str().unwrap_or_default());
        let mut found = text.match_indices(&key).map(|(at, _)| at);
        if let Some(at) = found.find(|at| *at == 0 || text[..*at].ends_with(' ')) {
            starts.push((at, option));
        }
    }
    starts.sort_by_key(|(at, _)| *at);
    starts
}

fn value(written: &str, option: &Value) -> Result<Value, String> {
    let value = match option["type"].as_u64().unwrap_or_default() {
        3 => json!(written),
        4 => json!(written.parse::<i64>().map_err(|_| format!("{written:?} is no integer"))?),
        5 => json!(written.parse::<bool>().map_err(|_| format!("{written:?} is neither true nor false"))?),
        10 => json!(written.parse::<f64>().map_err(|_| format!("{written:?} is no number"))?),
        other => return Err(format!("the stand-in cannot type options of type {other}")),
    };
    let number = value.as_f64().unwrap_or(written.chars().count() as f64);
    let (least, most) = if value.is_string() { ("min_length", "max_length") } else { ("min_value", "max_value") };
    if option[least].as_f64().is_some_and(|least| number < least)
        || option[most].as_f64().is_some_and(|most| number > most)
    {
        return Err(format!("{written:?} is outside {least} {} and {most} {}", option[least], option[most]));
    }
    let choices = entries(&option["choices"]);
    match choices.iter().find(|choice| choice["name"] == written || choice["value"] == value) {
        Some(choice) => Ok(choice["value"].clone()),
        None if choices.is_empty() => Ok(value),
        None => Err(format!("{written:?} is none of the choices {}", names(choices))),
    }
}

fn names(named: &[Value]) -> String {
    named.iter().filter_map(|one| one["name"].as_str()).collect::<Vec<_>>().join(", ")
}

fn entries(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}
