//! <https://docs.github.com/en/rest/issues/issues?apiVersion=2022-11-28>

use std::collections::BTreeMap;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, patch};
use axum::{Json, Router};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::{Comment, Issue, Shared, answer, invalid, lock, text, told};

pub fn routes() -> Router<Shared> {
    Router::new()
        .route("/repos/acme/db/issues", get(list).post(create))
        .route("/repos/acme/db/issues/{number}", get(issue).patch(change))
        .route("/repos/acme/db/issues/{number}/comments", get(comments).post(comment))
        .route("/repos/acme/db/issues/comments/{id}", patch(edit))
        .route("/user", get(async || Json(json!({ "login": super::BOT }))))
        .fallback(async || answer(404, &[], r#"{"message":"Not Found","status":"404"}"#.to_owned()))
}

/// Its longest body and title.
const BODY: usize = 65_536;
const TITLE: usize = 256;

async fn list(State(shared): State<Shared>, Query(query): Query<BTreeMap<String, String>>) -> Response {
    let number = |name: &str, usual| query.get(name).map_or(usual, |text| text.parse::<usize>().unwrap());
    let since = query.get("since").map(|since| DateTime::parse_from_rfc3339(since).unwrap().to_utc());
    let is_all = query.get("state").is_some_and(|state| state == "all");
    let creator = query.get("creator").map(String::as_str);
    let page = lock(&shared).page(since, creator, number("page", 1), number("per_page", 30).min(100));
    let shown: Vec<Value> = page.iter().filter(|issue| is_all || issue.open).map(shown).collect();
    Json(shown).into_response()
}

async fn create(State(shared): State<Shared>, Json(body): Json<Value>) -> Response {
    let Some(title) = text(&body, "title").filter(|title| !title.trim().is_empty()) else {
        return invalid("title is missing");
    };
    let text = text(&body, "body").unwrap_or_default();
    if title.chars().count() > TITLE || text.chars().count() > BODY {
        return invalid("is too long");
    }
    let labels = body["labels"].as_array().cloned().unwrap_or_default();
    let labels = labels.iter().map(|label| label.as_str().unwrap().to_owned()).collect();
    let issue = lock(&shared).create(super::BOT, &title, &text, labels);
    (StatusCode::CREATED, Json(shown(&issue))).into_response()
}

async fn issue(State(shared): State<Shared>, Path(number): Path<u64>) -> Response {
    match lock(&shared).issue(number) {
        Some(issue) => Json(shown(issue)).into_response(),
        None => gone(),
    }
}

async fn change(State(shared): State<Shared>, Path(number): Path<u64>, Json(body): Json<Value>) -> Response {
    let mut tracker = lock(&shared);
    let Some(issue) = tracker.issue(number) else { return gone() };
    if let Some(title) = body["title"].as_str() {
        if title.trim().is_empty() || title.chars().count() > TITLE {
            return invalid("title");
        }
        issue.title = title.to_owned();
    }
    match body["state"].as_str() {
        Some("open") => issue.open = true,
        Some("closed") => issue.open = false,
        Some(_) => return invalid("state"),
        None => {}
    }
    Json(shown(issue)).into_response()
}

async fn comments(
    State(shared): State<Shared>,
    Path(number): Path<u64>,
    Query(query): Query<BTreeMap<String, String>>,
) -> Response {
    let since: Option<DateTime<Utc>> =
        query.get("since").map(|since| DateTime::parse_from_rfc3339(since).unwrap().to_utc());
    let Some(comments) = lock(&shared).comments(number) else { return gone() };
    let since = |comment: &&Comment| since.is_none_or(|since| told(comment.created_at) >= told(since));
    Json(comments.iter().filter(since).map(shown_comment).collect::<Vec<_>>()).into_response()
}

async fn comment(State(shared): State<Shared>, Path(number): Path<u64>, Json(body): Json<Value>) -> Response {
    let Some(text) = text(&body, "body").filter(|body| !body.is_empty() && body.chars().count() <= BODY) else {
        return invalid("body");
    };
    match lock(&shared).comment(number, &text) {
        Some(comment) => (StatusCode::CREATED, Json(shown_comment(&comment))).into_response(),
        None => gone(),
    }
}

async fn edit(State(shared): State<Shared>, Path(id): Path<u64>, Json(body): Json<Value>) -> Response {
    let mut tracker = lock(&shared);
    let found = tracker.issues.iter_mut().flat_map(|issue| &mut issue.comments).find(|comment| comment.id == id);
    let Some(comment) = found else { return gone() };
    comment.body = text(&body, "body").unwrap();
    Json(shown_comment(comment)).into_response()
}

fn gone() -> Response {
    answer(404, &[], r#"{"message":"Not Found","status":"404"}"#.to_owned())
}

fn shown(issue: &Issue) -> Value {
    json!({
        "number": issue.number,
        "html_url": format!("https://github.example/acme/db/issues/{}", issue.number),
        "state": if issue.open { "open" } else { "closed" },
        "title": issue.title,
        "body": issue.body,
        "created_at": told(issue.created_at),
    })
}

fn shown_comment(comment: &Comment) -> Value {
    json!({ "id": comment.id, "body": comment.body, "created_at": told(comment.created_at) })
}
