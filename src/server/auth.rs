//! Who may come in.

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConstantTimeEq as _};

use super::Source;
use super::answer::Refusal;
use crate::intake::Form;
use crate::model::{Person, Role, Secret, Via};

/// What one who delivers alerts must show.
#[derive(Debug, Clone)]
pub enum Credential {
    Bearer(Secret),
    Basic { username: String, password: Secret },
}

/// A token for commands.
#[derive(Debug, Clone)]
pub struct ApiToken {
    pub name: String,
    /// Who holds it: this name stands on the timeline.
    pub person: String,
    pub role: Role,
    pub token: Secret,
}

/// What a request shows.
enum Shown {
    Nothing,
    Bearer(String),
    Basic { username: String, password: String },
}

/// Lets a delivery in.
pub(super) fn check_source(source: &Source, headers: &HeaderMap) -> Result<(), Refusal> {
    let wanted = source.credential.as_ref();
    let is_right = match (wanted, shown(headers)) {
        (None, _) => true,
        (Some(Credential::Bearer(token)), Shown::Bearer(given)) => same(token, &given).into(),
        (Some(Credential::Basic { username, password }), Shown::Basic { username: user, password: pass }) => {
            (same(&Secret::new(username), &user) & same(password, &pass)).into()
        }
        (Some(_), _) => false,
    };
    if is_right {
        return Ok(());
    }
    let (way, scheme) = match wanted {
        Some(Credential::Basic { .. }) => ("http_config.basic_auth", "Basic"),
        _ => ("http_config.authorization", "Bearer"),
    };
    Err(refusal(
        headers,
        match source.form {
            Form::Alertmanager => format!("set {way} of alertmanager's webhook_config to what {} says", source.field),
            Form::Generic(_) | Form::Heartbeat => {
                format!("send `Authorization: {scheme}` with what {} says", source.field)
            }
        },
    ))
}

/// The person whose token it is.
pub(super) fn check_token(tokens: &[ApiToken], headers: &HeaderMap) -> Result<Person, Refusal> {
    let mut found = None;
    if let Shown::Bearer(given) = shown(headers) {
        // All of them, so that the time says nothing about which one it was.
        for token in tokens {
            if same(&token.token, &given).into() {
                found = Some(token);
            }
        }
    }
    let hint = if tokens.is_empty() {
        "no token is configured: set server.api_tokens"
    } else {
        "send `Authorization: Bearer` with one of the tokens of server.api_tokens"
    };
    let token = found.ok_or_else(|| refusal(headers, hint.to_owned()))?;
    Ok(Person { name: token.person.clone(), via: Via::Api, id: token.name.clone(), role: Some(token.role) })
}

fn refusal(headers: &HeaderMap, hint: String) -> Refusal {
    let error = match shown(headers) {
        Shown::Nothing => "nothing says who you are",
        _ => "this is not the right secret",
    };
    Refusal::new(StatusCode::UNAUTHORIZED, error, "Authorization", hint)
}

fn shown(headers: &HeaderMap) -> Shown {
    let header = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let Some((scheme, rest)) = header.split_once(' ') else { return Shown::Nothing };
    let rest = rest.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        return Shown::Bearer(rest.to_owned());
    }
    if scheme.eq_ignore_ascii_case("basic")
        && let Ok(bytes) = BASE64_STANDARD.decode(rest)
        && let Ok(text) = String::from_utf8(bytes)
        && let Some((username, password)) = text.split_once(':')
    {
        return Shown::Basic { username: username.to_owned(), password: password.to_owned() };
    }
    Shown::Nothing
}

/// Compares digests, in a time that depends neither on where they differ nor on the length of the secret. An empty secret opens
/// no door.
fn same(secret: &Secret, given: &str) -> Choice {
    let is_set = Choice::from(u8::from(!secret.expose().is_empty()));
    Sha256::digest(secret.expose()).ct_eq(&Sha256::digest(given)) & is_set
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asks(credential: Option<Credential>) -> Source {
        Source { credential, ..Source::default() }
    }

    fn headers(value: &str) -> HeaderMap {
        HeaderMap::from_iter([(AUTHORIZATION, value.parse().unwrap())])
    }

    #[test]
    fn only_the_right_credential_opens() {
        let bearer = Credential::Bearer(Secret::new("tok"));
        let basic = Credential::Basic { username: "am".into(), password: Secret::new("p:w") };
        let empty = Credential::Bearer(Secret::new(""));
        let right = BASE64_STANDARD.encode("am:p:w");
        let is_let_in =
            |wanted: &Credential, value: &str| check_source(&asks(Some(wanted.clone())), &headers(value)).is_ok();
        assert!(is_let_in(&bearer, "Bearer tok"));
        assert!(is_let_in(&bearer, "bearer   tok"));
        assert!(is_let_in(&basic, &format!("Basic {right}")));
        for wrong in ["Bearer to", "Bearer token", "Bearer ", "tok", "Basic tok", "", &format!("Basic {right}")] {
            assert!(!is_let_in(&bearer, wrong), "{wrong}");
        }
        for wrong in ["am:", "am:x", "x:p:w", ":", "am"] {
            assert!(!is_let_in(&basic, &format!("Basic {}", BASE64_STANDARD.encode(wrong))), "{wrong}");
        }
        assert!(!is_let_in(&empty, "Bearer "));
        assert!(check_source(&asks(Some(bearer)), &HeaderMap::new()).is_err());
        assert!(check_source(&asks(None), &HeaderMap::new()).is_ok());
    }

    #[test]
    fn a_token_says_who_it_is() {
        let token = |name: &str, role, token: &str| ApiToken {
            name: name.into(),
            person: name.into(),
            role,
            token: Secret::new(token),
        };
        let tokens = [token("alice", Role::Responder, "a"), token("ci", Role::Viewer, "b")];
        let person = check_token(&tokens, &headers("Bearer b")).unwrap();
        assert_eq!((person.name.as_str(), person.role), ("ci", Some(Role::Viewer)));
        assert!(check_token(&tokens, &headers("Bearer c")).is_err());
        assert!(check_token(&[], &headers("Bearer ")).is_err());
    }
}
