//! What follows from a person's word about maintenance windows.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::commands::{decline, is_so};
use crate::model::{
    HumanDuration, LONGEST_WINDOW, Person, Role, Start, Target, Window, WindowId, WindowScope, redact, to_the_minute,
};
use crate::store::{Change, CommandReply, Decision, NewWindow};

/// A window that a person asks for.
pub(super) struct Silence<'a> {
    pub scope: &'a WindowScope,
    pub lasting_secs: u64,
    pub from: Option<Start>,
    pub reason: &'a str,
}

/// `id`: the number that it is given.
pub(super) fn decide_silence(wish: Silence<'_>, id: WindowId, person: &Person, now: DateTime<Utc>) -> Decision {
    let Silence { scope, lasting_secs, from, reason } = wish;
    if scope.is_empty() {
        return decline("a window must name what it covers: matchers such as namespace=db, or Kind/namespace/name");
    }
    let written = scope.to_string();
    if redact(&written) != written {
        return decline(
            "what it covers holds what looks like a secret, which would have to stand where people read it",
        );
    }
    if scope.is_broad() && person.role < Some(Role::Admin) {
        return decline(format!(
            "{written} covers nearly everything, which needs the role {}; name an alert, a namespace or a target",
            Role::Admin
        ));
    }
    let lasting = Duration::from_secs(lasting_secs);
    if lasting.is_zero() || lasting > LONGEST_WINDOW {
        return decline(format!("a window lasts up to {}", HumanDuration(LONGEST_WINDOW)));
    }
    let starts_at = from.map_or(Some(now), |from| from.counted_from(now));
    let latest = now + FURTHEST;
    let Some(starts_at) = starts_at.filter(|at| *at <= latest) else {
        return decline(format!("a window begins within {} from now", HumanDuration(FURTHEST)));
    };
    let ends_at = starts_at + lasting;
    if ends_at <= now {
        return decline(format!("that would be over already, at {}", to_the_minute(ends_at)));
    }
    // What was is not changed by what is said now.
    let starts_at = starts_at.max(now);
    let window = NewWindow {
        key: id.to_string(),
        scope: scope.clone(),
        reason: reason.to_owned(),
        owner: person.name.clone(),
        via: person.via.to_string(),
        starts_at,
        ends_at,
    };
    let from = if starts_at > now { format!("from {} ", to_the_minute(starts_at)) } else { String::new() };
    let reply = format!(
        "{id}: {from}until {} nobody is paged about {written}, and no run changes it; /unsilence {id} ends it before",
        to_the_minute(ends_at)
    );
    let changes = vec![Change::KeepWindow { id, window: Box::new(window) }];
    Decision { changes, reply: Some(CommandReply::granted(reply)) }
}

/// Nobody plans further ahead.
const FURTHEST: Duration = Duration::from_secs(366 * 24 * 3_600);

pub(super) fn decide_unsilence(id: WindowId, known: Option<&Window>, person: &Person, now: DateTime<Utc>) -> Decision {
    let Some(window) = known else { return decline(format!("there is no {id}; /windows lists those that there are")) };
    if window.ends_at <= now {
        return is_so(format!("{id} has ended already, at {}", to_the_minute(window.ends_at)));
    }
    let what = if window.starts_at > now { "is taken back before it began" } else { "has ended" };
    let reply = format!("{id} {what}; what it covered and still fires pages now");
    let changes = vec![Change::EndWindow { window: id, by: person.name.clone() }];
    Decision { changes, reply: Some(CommandReply::granted(reply)) }
}

/// What a window covers is not changed, whoever asks for it.
pub(super) fn decline_covered(window: &Window, target: &Target) -> Decision {
    let (id, until) = (window.id, to_the_minute(window.ends_at));
    decline(format!(
        "{id} covers {target} until {until} ({}, {}): no run changes it; /unsilence {id} ends it",
        window.owner, window.reason
    ))
}
