//! <https://docs.gitlab.com/api/issues/> and <https://docs.gitlab.com/api/notes/>

use std::collections::BTreeMap;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, put};
use axum::{Json, Router};
use chrono::DateTime;
use serde_json::{Value, json};

use super::{Comment, Issue, Shared, answer, invalid, lock, text, told};

/// The project's path is one part of the address, in which its `/` is `%2F`.
pub fn routes() -> Router<Shared> {
    Router::new()
        .route("/projects/{project}/issues", get(list).post(create))
        .route("/projects/{project}/issues/{iid}", get(issue).put(change))
        .route("/projects/{project}/issues/{iid}/notes", get(notes).post(note))
        .route("/projects/{project}/issues/{iid}/notes/{id}", put(edit))
        .route("/user", get(async || Json(json!({ "id": 7, "username": super::BOT }))))
        .fallback(async || gone())
}

const TITLE: usize = 255;

type Asked = Query<BTreeMap<String, String>>;

async fn list(State(shared): State<Shared>, Path(project): Path<String>, Query(query): Asked) -> Response {
    if project != "acme/db" {
        return gone();
    }
    let number = |name: &str, usual| query.get(name).map_or(usual, |text| text.parse::<usize>().unwrap());
    let since = query.get("created_after").map(|since| DateTime::parse_from_rfc3339(since).unwrap().to_utc());
    let author = query.get("author_username").map(String::as_str);
    let page = lock(&shared).page(since, author, number("page", 1), number("per_page", 20).min(100));
    Json(page.iter().map(shown).collect::<Vec<_>>()).into_response()
}

async fn create(State(shared): State<Shared>, Path(project): Path<String>, Json(body): Json<Value>) -> Response {
    if project != "acme/db" {
        return gone();
    }
    let Some(title) = text(&body, "title").filter(|title| !title.is_empty() && title.chars().count() <= TITLE) else {
        return invalid("title");
    };
    let labels = text(&body, "labels").unwrap_or_default();
    let labels = labels.split(',').filter(|label| !label.is_empty()).map(str::to_owned).collect();
    let issue = lock(&shared).create(super::BOT, &title, &text(&body, "description").unwrap_or_default(), labels);
    (StatusCode::CREATED, Json(shown(&issue))).into_response()
}

async fn issue(State(shared): State<Shared>, Path((_, iid)): Path<(String, u64)>) -> Response {
    match lock(&shared).issue(iid) {
        Some(issue) => Json(shown(issue)).into_response(),
        None => gone(),
    }
}

async fn change(
    State(shared): State<Shared>,
    Path((_, iid)): Path<(String, u64)>,
    Json(body): Json<Value>,
) -> Response {
    let mut tracker = lock(&shared);
    let Some(issue) = tracker.issue(iid) else { return gone() };
    if let Some(title) = body["title"].as_str() {
        if title.is_empty() || title.chars().count() > TITLE {
            return invalid("title");
        }
        issue.title = title.to_owned();
    }
    match body["state_event"].as_str() {
        Some("close") => issue.open = false,
        Some("reopen") => issue.open = true,
        None if body["title"].is_string() => {}
        _ => return answer(400, &[], r#"{"error":"state_event does not have a valid value"}"#.to_owned()),
    }
    Json(shown(issue)).into_response()
}

async fn notes(State(shared): State<Shared>, Path((_, iid)): Path<(String, u64)>) -> Response {
    let Some(comments) = lock(&shared).comments(iid) else { return gone() };
    Json(comments.iter().rev().map(shown_note).collect::<Vec<_>>()).into_response()
}

async fn note(State(shared): State<Shared>, Path((_, iid)): Path<(String, u64)>, Json(body): Json<Value>) -> Response {
    let Some(text) = text(&body, "body").filter(|body| !body.is_empty()) else { return invalid("body") };
    match lock(&shared).comment(iid, &text) {
        Some(comment) => (StatusCode::CREATED, Json(shown_note(&comment))).into_response(),
        None => gone(),
    }
}

async fn edit(
    State(shared): State<Shared>,
    Path((_, iid, id)): Path<(String, u64, u64)>,
    Json(body): Json<Value>,
) -> Response {
    let mut tracker = lock(&shared);
    let found = tracker.issue(iid).and_then(|issue| issue.comments.iter_mut().find(|comment| comment.id == id));
    let Some(comment) = found else { return gone() };
    comment.body = text(&body, "body").unwrap();
    Json(shown_note(comment)).into_response()
}

fn gone() -> Response {
    answer(404, &[], r#"{"message":"404 Project Not Found"}"#.to_owned())
}

fn shown(issue: &Issue) -> Value {
    json!({
        "iid": issue.number,
        "web_url": format!("https://gitlab.example/acme/db/-/issues/{}", issue.number),
        "state": if issue.open { "opened" } else { "closed" },
        "title": issue.title,
        "description": issue.body,
        "created_at": told(issue.created_at),
    })
}

fn shown_note(comment: &Comment) -> Value {
    json!({ "id": comment.id, "body": comment.body, "created_at": told(comment.created_at) })
}
