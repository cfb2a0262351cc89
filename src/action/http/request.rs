//! `http.request`: what a service answers.

use std::fmt;
use std::str::FromStr;

use async_trait::async_trait;
use reqwest::StatusCode;

use super::url;
use crate::action::body::{Json, first, json, text};
use crate::action::masked::masked_text;
use crate::action::patience::check_timeout;
use crate::action::typed::{Arguments as _, Typed, arguments, output};
use crate::action::{
    AT_WILL, Action, ActionError, Declaration, Declared, Effect, Output, Read, StepContext, World, holes,
};
use crate::language::{AnyArg as _, Arg, Location};
use crate::model::{Autonomy, HumanDuration};
use crate::web::{LARGEST, Method, Origin, WebAnswer, WebRequest};

arguments! {
    pub(in crate::action) struct HttpRequest {
        /// Scheme, host and port written out, one of `http.hosts` in dogwatch.yaml; path and query
        /// may have plain holes such as `{{inputs.x}}`, whose values are percent-encoded. In a path
        /// no value holds `/`, `\`, `%` or a control character, or is `.` or `..`
        url: Arg<String>,
        /// `GET` or `HEAD`: what only looks
        method: Option<Arg<Method>> = "GET",
        /// From the look-up of the name to the last byte; `1s` to `25s`
        timeout: Option<Arg<HumanDuration>> = "10s",
        /// The only status with which the step does not fail, such as `200`. Left out: an answer of
        /// any status is an answer
        expect: Option<Arg<Status>>,
    }
}

output! {
    #[derive(Default)]
    struct Answer {
        /// The status, such as 200
        status: u64,
        /// The body's first 16 KiB as text
        text: String,
        /// The body, where it is JSON: a mapping, a list, a text, a number or a truth value
        json: Option<Json>,
        /// Where a redirect would lead, without its query; it is not followed
        location: Option<String>,
        /// How long the answer took
        seconds: f64,
        /// Whether `text` is not the whole body
        truncated: bool,
    }
}

impl Typed for Method {
    const WORDS: &'static str = "`GET` or `HEAD`";
}

/// A status of HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Status(u16);

impl Typed for Status {
    const WORDS: &'static str = "integer";
}

impl FromStr for Status {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let status = text.trim().parse().ok().filter(|status| (100..=599).contains(status));
        status.map(Self).ok_or_else(|| "this is no status; write `200`, or another one from 100 to 599".to_owned())
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match StatusCode::from_u16(self.0).ok().and_then(|status| status.canonical_reason()) {
            Some(reason) => write!(f, "{} {reason}", self.0),
            None => self.0.fmt(f),
        }
    }
}

/// As text and JSON stand on the log both, well within what an output may have.
const LONGEST_TEXT: usize = 16 * 1024;
const LONGEST_LOCATION: usize = 500;

impl Declared for HttpRequest {
    const DECLARATION: Declaration = Declaration {
        name: "http.request",
        summary: "Reads what a service answers over HTTP",
        effect: Effect::Reads,
        about: "Only services are asked that `http.hosts` of dogwatch.yaml names, by scheme, host and port; by default it names \
            none. Loopback, link-local and metadata addresses and the cluster's API server are never asked, whatever it names: the \
            name is looked up once, and the connection goes to what was looked at. No redirect is followed, no proxy of the \
            environment used, no cookie kept and nothing unpacked. At most 256 KiB are read; 16 KiB of text are kept, and JSON of up \
            to 96 KiB. What looks like a secret is masked in both. A credential is sent where `http.hosts` says, and to that service \
            alone. What JSON holds is whatever the service says: ask `x.?json.?field` in conditions.",
        errors: "A service that `http.hosts` does not name, or that is never asked; one that does not answer in time, whose name leads \
            nowhere, or that answers packed. With `expect`, any other status. Without it, no status is an error: look at `status`.",
        repeated: AT_WILL,
        way_back: None,
        arguments: Self::ARGUMENTS,
        output: Answer::FIELDS,
        rights: &[],
        most_autonomy: Autonomy::Auto,
        example: "\
- id: tsdb
  http.request: { url: http://prometheus-operated.monitoring.svc:9090/api/v1/status/tsdb, expect: 200 }
  on_error: go_on
",
    };

    fn into_action(self) -> Action {
        Action::Read(Box::new(self))
    }

    fn check(&self) -> Result<(), String> {
        holes::check_plain("url", &self.url)?;
        url::check(self.source()).map(drop)?;
        match self.timeout.as_ref().and_then(Arg::literal) {
            Some(timeout) => check_timeout(*timeout),
            None => Ok(()),
        }
    }

    fn origin(&self) -> Option<(Origin, Location)> {
        Some((url::check(self.source()).ok()?, self.url.at))
    }
}

impl HttpRequest {
    /// The URL with its holes.
    fn source(&self) -> &str {
        self.url.text().map(|(source, _)| source).unwrap_or_default()
    }
}

#[async_trait]
impl Read for HttpRequest {
    async fn read(&self, world: &World, step: StepContext<'_>) -> Result<Output, ActionError> {
        let (origin, url) = url::fill(self.source(), step.scope)?;
        let timeout = self.timeout(step.scope)?;
        check_timeout(timeout).map_err(ActionError::fail)?;
        let expect = self.expect.as_ref().map(|expect| expect.resolve(step.scope)).transpose()?;
        let request = WebRequest { method: self.method(step.scope)?, origin, url, timeout: timeout.0 };
        let asked_at = world.clock.now();
        let answer = world.web.ask(&request).await?;
        let seconds = (world.clock.now() - asked_at).as_seconds_f64();
        let status = Status(answer.status);
        // The query may hold a secret.
        let what = masked_text(&format!("{} {}{}", request.method, request.origin, request.url.path()));
        if let Some(expect) = expect.filter(|expect| *expect != status) {
            let told = format!("{what} answered {status}, and not {expect}");
            let may_pass = status.0 >= 500 || matches!(status.0, 408 | 425 | 429);
            return Err(if may_pass { ActionError::retry(told) } else { ActionError::fail(told) });
        }
        Ok(output(&what, answer, seconds))
    }
}

fn output(what: &str, answer: WebAnswer, seconds: f64) -> Output {
    let WebAnswer { status, location, content_type, body, is_cut } = answer;
    let size = body.len();
    let (text, is_whole) = first(text(&body), LONGEST_TEXT);
    let json = if is_cut { None } else { json(&body, &content_type) };
    let location = location.map(|location| {
        let place = location.split(['?', '#']).next().unwrap_or_default();
        first(masked_text(place), LONGEST_LOCATION).0
    });
    let mut summary = format!("{what}: {}, ", Status(status));
    summary.push_str(&match (size, is_cut) {
        (0, _) => "no body".to_owned(),
        (_, true) => format!("more than {LARGEST} bytes"),
        (size, false) => format!("{size} bytes"),
    });
    if let Some(location) = &location {
        summary.push_str(&format!("; it points to {location}, which is not followed"));
    }
    let truncated = is_cut || !is_whole;
    Output::new(&Answer { status: status.into(), text, json, location, seconds, truncated }, summary)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn told(answer: WebAnswer) -> Output {
        output("GET http://a/b", answer, 0.0)
    }

    fn body(body: &str, content_type: &str) -> WebAnswer {
        WebAnswer { status: 200, body: body.into(), content_type: content_type.into(), ..WebAnswer::default() }
    }

    #[test]
    fn json_is_told_as_what_it_is() {
        for (text, content_type, json) in [
            (r#"{"a": [1, 2.5]}"#, "application/json", json!({ "a": [1, 2.5] })),
            (r#"[{"a": null}]"#, "text/plain", json!([{ "a": null }])),
            ("42", "application/json; charset=utf-8", json!(42)),
            ("true", "application/vnd.api+json", json!(true)),
        ] {
            let output = told(body(text, content_type));
            assert_eq!(output.value.get("json"), Some(&json), "{text}");
            assert_eq!(output.value.get("text"), Some(&json!(text)));
            assert_eq!(output.value.get("truncated"), Some(&json!(false)));
        }
        for (text, content_type) in
            [("42", "text/plain"), ("{\"a\":", "application/json"), ("<html>", ""), ("", "application/json")]
        {
            assert_eq!(told(body(text, content_type)).value.get("json"), None, "{text}");
        }
        assert_eq!(told(body("{}", "")).summary, "GET http://a/b: 200 OK, 2 bytes");
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let long = told(body(&format!("ä{}", "x".repeat(20_000)), "text/plain"));
        assert_eq!(long.value.get("text").and_then(Value::as_str).map(str::len), Some(LONGEST_TEXT));
        assert_eq!(long.value.get("truncated"), Some(&json!(true)));
        // Whole JSON is there though its text is not.
        let list = told(body(&json!(vec!["x".repeat(1_000); 50]).to_string(), ""));
        assert_eq!(list.value.get("json").and_then(Value::as_array).map(Vec::len), Some(50));
        assert_eq!(told(body(&json!(vec!["x".repeat(1_000); 200]).to_string(), "")).value.get("json"), None);
        let cut = told(WebAnswer { is_cut: true, ..body("[1, 2]", "application/json") });
        assert_eq!((cut.value.get("json"), cut.value.get("truncated")), (None, Some(&json!(true))));
        assert_eq!(cut.summary, "GET http://a/b: 200 OK, more than 262144 bytes");
        // Deeper than anybody looks.
        assert_eq!(told(body(&"[".repeat(100_000), "application/json")).value.get("json"), None);
    }

    #[test]
    fn secrets_and_what_steers_a_terminal_are_left_out() {
        let said =
            told(body("{\"client_secret\": \"hunter2hunter2\", \"a\": \"PGPASSWORD=hunter2hunter2\"}\u{1b}[2J", ""));
        assert!(!said.value.get("text").unwrap().to_string().contains("hunter2"), "{said:?}");
        let said = told(body("{\"client_secret\": \"hunter2hunter2\", \"a\": \"PGPASSWORD=hunter2hunter2\"}", ""));
        assert!(!json!(said.value).to_string().contains("hunter2"), "{said:?}");
        for settings in [
            r#"[{"key": "DB_PASSWORD", "value": "hunter2hunter2"}]"#,
            r#"{"DB_PASSWORD": {"source": "env", "current": "hunter2hunter2"}}"#,
            r#"{"a": [{"token": {"plain": "hunter2hunter2"}}]}"#,
        ] {
            let said = told(body(settings, "application/json"));
            assert!(!json!(said.value).to_string().contains("hunter2"), "{said:?}");
            assert!(said.value.get("text").unwrap().as_str().unwrap().contains("***"), "{said:?}");
        }
        let said = told(body(r#"{"password": 271828}"#, "application/json"));
        assert!(!json!(said.value).to_string().contains("271828"), "{said:?}");
        let redirect = WebAnswer {
            status: 302,
            location: Some("https://u:hunter2hunter2@b.example/c?code=hunter2hunter2#d\u{7}".into()),
            ..WebAnswer::default()
        };
        let said = told(redirect);
        assert!(!json!(said.value).to_string().contains("hunter2") && !said.summary.contains("hunter2"), "{said:?}");
        assert!(
            said.summary.contains("302 Found, no body; it points to https://")
                && said.summary.ends_with("which is not followed")
        );
    }
}
