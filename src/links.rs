//! Links by which somebody acknowledges a page without a login.
//!
//! A link is of one page and one person, and ends a day after the page was made. Whoever has it may
//! acknowledge in that person's name, and nothing else. `GET` shows what it is about, and only
//! `POST` acknowledges, as programs follow the links in mails.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};

use crate::model::{PageId, Secret};
use crate::signature::{is_signed, sign};

/// How long after its page a link lasts.
const LASTS: TimeDelta = TimeDelta::hours(24);

/// What a link's signature begins with, so that it is none of anything else.
const PURPOSE: &str = "acknowledge a page";

/// Makes links, and reads them.
#[derive(Debug, Clone)]
pub struct AckLinks {
    /// Where the bot is reached from outside, without a slash at the end.
    public_url: String,
    secret: Secret,
}

/// What a link is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AckLink {
    pub page: PageId,
    pub person: String,
}

/// Why a link does not work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    #[error("this is no link of this bot, or only a part of one")]
    Wrong,
    #[error("this link has expired")]
    Expired(AckLink),
}

impl AckLinks {
    pub fn new(public_url: &str, secret: Secret) -> Self {
        Self { public_url: public_url.trim_end_matches('/').to_owned(), secret }
    }

    /// The URL by which `person` acknowledges the page that was made at `made_at`.
    pub fn url(&self, page: PageId, person: &str, made_at: DateTime<Utc>) -> String {
        let expires = (made_at + LASTS).timestamp();
        let said = format!("{}.{expires}.{}", page.0, BASE64_URL_SAFE_NO_PAD.encode(person));
        let signature = sign(&self.secret, signed(&said).as_bytes());
        format!("{}/ack/{said}.{signature}", self.public_url)
    }

    /// Reads the part of a URL that follows `/ack/`.
    ///
    /// # Errors
    /// When it was not made here, or has expired.
    pub fn read(&self, token: &str, now: DateTime<Utc>) -> Result<AckLink, LinkError> {
        let (said, signature) = token.rsplit_once('.').ok_or(LinkError::Wrong)?;
        if !is_signed(&self.secret, signed(said).as_bytes(), signature) {
            return Err(LinkError::Wrong);
        }
        let mut parts = said.splitn(3, '.');
        let mut number = || parts.next()?.parse::<i64>().ok();
        let (page, expires) = number().zip(number()).ok_or(LinkError::Wrong)?;
        let person = parts.next().and_then(|person| BASE64_URL_SAFE_NO_PAD.decode(person).ok());
        let person = person.and_then(|person| String::from_utf8(person).ok()).ok_or(LinkError::Wrong)?;
        let link = AckLink { page: PageId(page), person };
        if expires <= now.timestamp() { Err(LinkError::Expired(link)) } else { Ok(link) }
    }
}

fn signed(said: &str) -> String {
    format!("{PURPOSE}\n{said}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn token(url: &str) -> &str {
        url.strip_prefix("https://bot.example/dogwatch/ack/").unwrap()
    }

    proptest! {
        #[test]
        fn a_link_is_read_as_it_was_made_and_by_nobody_else(page in 1..1_000_000_i64, person in ".{1,64}", bit in 0..400_usize) {
            let links = AckLinks::new("https://bot.example/dogwatch/", Secret::new("a secret"));
            let made_at = at("2026-03-02T02:00:00Z");
            let url = links.url(PageId(page), &person, made_at);
            prop_assert!(url.is_ascii() && !url.contains([' ', '?', '#', '%']));
            let link = AckLink { page: PageId(page), person };
            prop_assert_eq!(links.read(token(&url), made_at), Ok(link.clone()));
            prop_assert_eq!(links.read(token(&url), at("2026-03-03T01:59:59Z")), Ok(link.clone()));
            prop_assert_eq!(links.read(token(&url), at("2026-03-03T02:00:00Z")), Err(LinkError::Expired(link)));
            let other = AckLinks::new("https://bot.example", Secret::new("another secret"));
            prop_assert_eq!(other.read(token(&url), made_at), Err(LinkError::Wrong));
            let mut changed = token(&url).as_bytes().to_vec();
            let place = bit % changed.len();
            changed[place] = if changed[place] == b'7' { b'8' } else { b'7' };
            let changed = String::from_utf8(changed).unwrap();
            prop_assert_eq!(links.read(&changed, made_at), Err(LinkError::Wrong));
        }

        #[test]
        fn nothing_else_is_a_link(text in ".{0,200}") {
            let links = AckLinks::new("https://bot.example", Secret::new("a secret"));
            prop_assert_eq!(links.read(&text, at("2026-03-02T02:00:00Z")), Err(LinkError::Wrong));
        }
    }
}
