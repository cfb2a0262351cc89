//! The body of a request: JSON, or a form with `payload_json` and files.

use axum::extract::{FromRequest, Request};
use axum::http::header::CONTENT_TYPE;
use serde_json::Value;

use super::message::File;
use super::refusal::Refusal;

/// Discord takes 25 MiB in one request.
const LIMIT_BYTES: usize = 25 * 1024 * 1024;

pub struct Body {
    pub json: Value,
    pub files: Vec<File>,
}

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = Refusal;

    async fn from_request(request: Request, _: &S) -> Result<Self, Refusal> {
        let (parts, body) = request.into_parts();
        let content_type =
            parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        let bytes = axum::body::to_bytes(body, LIMIT_BYTES)
            .await
            .map_err(|_| Refusal::new(413, 40005, "Request entity too large"))?;
        if content_type.starts_with("application/json") {
            Ok(Self { json: parse(&bytes)?, files: Vec::new() })
        } else if let Some((_, boundary)) = content_type.split_once("multipart/form-data; boundary=") {
            form(&bytes, boundary.trim_matches('"'))
        } else {
            let message = "Expected \"Content-Type\" header to be one of {'application/json', 'multipart/form-data'}.";
            Err(Refusal::form("", "CONTENT_TYPE_INVALID", message))
        }
    }
}

fn parse(bytes: &[u8]) -> Result<Value, Refusal> {
    serde_json::from_slice(bytes).map_err(|_| Refusal::new(400, 50109, "The request body contains invalid JSON."))
}

fn form(bytes: &[u8], boundary: &str) -> Result<Body, Refusal> {
    let mut read = Body { json: Value::Null, files: Vec::new() };
    let delimiter = format!("--{boundary}");
    for part in split(bytes, delimiter.as_bytes()) {
        // A part is: line break, headers, empty line, content, line break. What follows the last boundary is `--`.
        let Some(head_end) = find(part, b"\r\n\r\n") else {
            continue;
        };
        let head = String::from_utf8_lossy(&part[..head_end]);
        let content = &part[head_end + 4..part.len().saturating_sub(2).max(head_end + 4)];
        match (quoted(&head, "; name=\""), quoted(&head, "; filename=\"")) {
            (Some("payload_json"), _) => read.json = parse(content)?,
            (Some(_), Some(name)) => read.files.push(File { name: name.to_owned(), bytes: content.to_vec() }),
            _ => {}
        }
    }
    Ok(read)
}

fn quoted<'a>(head: &'a str, before: &str) -> Option<&'a str> {
    head.split_once(before)?.1.split_once('"').map(|(value, _)| value)
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

fn split<'a>(mut bytes: &'a [u8], delimiter: &[u8]) -> Vec<&'a [u8]> {
    let mut parts = Vec::new();
    while let Some(at) = find(bytes, delimiter) {
        parts.push(&bytes[..at]);
        bytes = &bytes[at + delimiter.len()..];
    }
    parts.push(bytes);
    parts
}
