//! What a tracker's refusals mean: that it is asked too much, that it fails, or that it does not
//! want it.
//!
//! <https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api>
//! <https://docs.gitlab.com/security/rate_limits/>

use std::time::Duration;

use chrono::DateTime;
use reqwest::StatusCode;
use reqwest::header::HeaderMap;

use crate::notify::SinkError;
use crate::notify::http::asked_to_wait as told_to_wait;

/// How long to leave a tracker alone that says that we ask too much, and not for how long.
const LIMITED: Duration = Duration::from_secs(60);

/// Why, and for how long, a tracker is to be left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wait {
    is_limit: bool,
    lasting: Duration,
}

/// How long to leave it alone, where it says so. `x-ratelimit-reset` stands in every answer of
/// GitHub's, and means that only where the answer is a limit.
pub(super) fn asked_to_wait(status: StatusCode, headers: &HeaderMap, said: &[u8]) -> Option<Wait> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<i64>().ok();
    let left = number("x-ratelimit-remaining").or(number("ratelimit-remaining"));
    let is_spent = left == Some(0);
    let is_limit = status == StatusCode::TOO_MANY_REQUESTS
        || status == StatusCode::FORBIDDEN && (is_spent || headers.contains_key("retry-after") || says_limit(said));
    if !is_limit && !status.is_server_error() {
        return None;
    }
    let now = headers.get("date").and_then(|date| DateTime::parse_from_rfc2822(date.to_str().ok()?).ok());
    let now = now.map(|now| now.to_utc());
    // With some left, it is another limit's window.
    let until_reset = || {
        let reset = number("x-ratelimit-reset").or(number("ratelimit-reset"))?;
        Some((DateTime::from_timestamp(reset, 0)? - now?).to_std().unwrap_or_default())
    };
    let told = told_to_wait(headers, now.unwrap_or_default());
    let counts = is_limit && left.is_none_or(|left| left == 0);
    let lasting = told.or_else(|| until_reset().filter(|_| counts)).or(is_limit.then_some(LIMITED))?;
    Some(Wait { is_limit, lasting })
}

/// GitHub's secondary limits need have no header of their own.
fn says_limit(said: &[u8]) -> bool {
    let said = String::from_utf8_lossy(said).to_lowercase();
    ["rate limit", "rate-limit", "abuse detection"].iter().any(|word| said.contains(word))
}

/// Whether what was asked for may have been done all the same.
pub(super) fn may_be_done(status: StatusCode) -> bool {
    status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT
}

/// What an answer other than yes means, and what to do about it. `who` refused it, for `what`.
pub(super) fn refusal((who, what): (&str, &str), status: StatusCode, wait: Option<Wait>, said: &str) -> SinkError {
    let said = if said.is_empty() { String::new() } else { format!(": {said}") };
    let message = format!("{who} answered {status} for {what}{said}");
    if let Some(Wait { is_limit, lasting: after }) = wait {
        let message = if is_limit { format!("{who} limits how often it is asked: {message}") } else { message };
        return SinkError::Hold { message, after };
    }
    if may_be_done(status) {
        return SinkError::retry(message);
    }
    let next = match status.as_u16() {
        401 => "put a token that it takes where `token` of this sink says, and start again".to_owned(),
        403 => format!("give the token the right to write issues of {what}"),
        404 => format!("check that {what} is there and written as it is called, and that the token may see it"),
        410 => format!("issues are disabled for {what}, or this one was deleted: enable them"),
        422 | 400 => "it does not take this ticket as it is: check its `labels`".to_owned(),
        301 | 302 | 307 | 308 => format!("{what} has moved, and redirects are not followed: write its new name"),
        _ => "look at what it says".to_owned(),
    };
    SinkError::fail(format!("{message}; {next}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(status: u16, headers: &[(&'static str, &'static str)], said: &str) -> Option<(bool, u64)> {
        let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        let wait = asked_to_wait(StatusCode::from_u16(status).unwrap(), &headers, said.as_bytes());
        wait.map(|wait| (wait.is_limit, wait.lasting.as_secs()))
    }

    const DATE: (&str, &str) = ("date", "Mon, 02 Mar 2026 02:00:00 GMT");
    /// Fifteen minutes later.
    const RESET: (&str, &str) = ("x-ratelimit-reset", "1772417700");

    #[test]
    fn a_limit_says_when_it_ends() {
        let spent = ("x-ratelimit-remaining", "0");
        assert_eq!(waits(403, &[DATE, RESET, spent], ""), Some((true, 900)));
        assert_eq!(waits(429, &[DATE, RESET, spent], ""), Some((true, 900)));
        assert_eq!(
            waits(429, &[DATE, ("ratelimit-remaining", "0"), ("ratelimit-reset", "1772416920")], ""),
            Some((true, 120))
        );
        assert_eq!(waits(403, &[DATE, RESET, spent, ("retry-after", "30")], ""), Some((true, 30)));
        assert_eq!(waits(429, &[], ""), Some((true, 60)));
    }

    #[test]
    fn a_secondary_limit_is_no_missing_right() {
        let left = ("x-ratelimit-remaining", "4000");
        for said in [
            r#"{"message":"You have exceeded a secondary rate limit. Please wait a few minutes before you try again."}"#,
            r#"{"message":"You have triggered an abuse detection mechanism."}"#,
        ] {
            // The window of the primary limit has nothing to do with it.
            assert_eq!(waits(403, &[DATE, RESET, left], said), Some((true, 60)), "{said}");
        }
        assert_eq!(waits(403, &[DATE, RESET, left], "Resource not accessible by personal access token"), None);
    }

    #[test]
    fn a_failure_that_tells_its_limits_is_none() {
        assert_eq!(waits(502, &[DATE, RESET, ("x-ratelimit-remaining", "4000")], ""), None);
        assert_eq!(waits(500, &[DATE, RESET, ("x-ratelimit-remaining", "0")], "rate limit"), None);
        assert_eq!(waits(503, &[DATE, RESET, ("retry-after", "5")], ""), Some((false, 5)));
        assert_eq!(waits(404, &[("retry-after", "5")], ""), None);
    }
}
