//! The errors of the API, and the shape in which it names what is wrong with a form (code 50035).

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// An error as the API answers it: status, code, message, and for forms the tree of errors.
pub struct Refusal {
    pub status: u16,
    pub code: u32,
    pub message: &'static str,
    pub errors: Option<Value>,
}

impl Refusal {
    pub fn new(status: u16, code: u32, message: &'static str) -> Self {
        Self { status, code, message, errors: None }
    }

    pub fn form(path: &str, code: &str, message: &str) -> Self {
        let mut errors = Errors::default();
        errors.add(path, code, message);
        errors.refusal()
    }

    pub fn unknown(what: &'static str) -> Self {
        match what {
            "channel" => Self::new(404, 10003, "Unknown Channel"),
            "interaction" => Self::new(404, 10062, "Unknown interaction"),
            "webhook" => Self::new(404, 10015, "Unknown Webhook"),
            "guild" => Self::new(404, 10004, "Unknown Guild"),
            _ => Self::new(404, 10008, "Unknown Message"),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut body = json!({ "message": self.message, "code": self.code });
        if let Some(errors) = self.errors {
            body["errors"] = errors;
        }
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, Json(body)).into_response()
    }
}

/// The tree of errors of a form: `embeds.0.title` becomes nested objects that end in `_errors`.
#[derive(Default)]
pub struct Errors(Option<Value>);

impl Errors {
    pub fn add(&mut self, path: &str, code: &str, message: &str) {
        let mut node = self.0.get_or_insert_with(|| json!({}));
        for part in path.split('.').filter(|part| !part.is_empty()) {
            if node.get(part).is_none() {
                node[part] = json!({});
            }
            node = &mut node[part];
        }
        if node.get("_errors").is_none() {
            node["_errors"] = json!([]);
        }
        if let Some(errors) = node["_errors"].as_array_mut() {
            errors.push(json!({ "code": code, "message": message }));
        }
    }

    pub fn at_most(&mut self, path: &str, length: usize, limit: usize) {
        if length > limit {
            self.add(path, "BASE_TYPE_MAX_LENGTH", &format!("Must be {limit} or fewer in length."));
        }
    }

    pub fn between(&mut self, path: &str, length: usize, least: usize, most: usize) {
        if length < least || length > most {
            self.add(path, "BASE_TYPE_BAD_LENGTH", &format!("Must be between {least} and {most} in length."));
        }
    }

    pub fn required(&mut self, path: &str, object: &Value, key: &str) -> bool {
        let is_there = object[key].as_str().is_some_and(|text| !text.is_empty());
        if !is_there {
            self.add(&format!("{path}.{key}"), "BASE_TYPE_REQUIRED", "This field is required");
        }
        is_there
    }

    fn refusal(self) -> Refusal {
        Refusal { errors: self.0, ..Refusal::new(400, 50035, "Invalid Form Body") }
    }

    pub fn check(self) -> Result<(), Refusal> {
        if self.0.is_some() { Err(self.refusal()) } else { Ok(()) }
    }
}
