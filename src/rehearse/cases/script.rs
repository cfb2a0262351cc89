//! What Prometheus answers in a case: in turn, or as far as the simulated cluster has come. And
//! what other services do.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use super::document::{Answers, WebFault, WebReply};
use crate::cluster::sim::SimCluster;
use crate::language::parse_quantity;
use crate::prometheus::{Scripted, ScriptedPrometheus};
use crate::web::{self, WebAnswer};

/// Adds a rule to the script; earlier ones come first.
///
/// # Errors
/// When `once` waits for what is no number.
pub fn answer(prometheus: &ScriptedPrometheus, cluster: &SimCluster, rule: &Answers) -> anyhow::Result<()> {
    let Answers { query, answers, age, warning, once } = rule.clone();
    let flaws = Scripted { age: age.unwrap_or_default().0, warning };
    let Some(once) = once else {
        prometheus.answers_series_in_turn(&query, answers.into_iter().map(|series| series.0).collect());
        prometheus.with_flaws(flaws);
        return Ok(());
    };
    let Some(reaches) = amount(&once.reaches) else {
        anyhow::bail!("`once` of the query `{query}` waits for {}; write a number or a quantity", once.reaches);
    };
    let (cluster, asked) = (cluster.clone(), AtomicUsize::new(0));
    prometheus.follows_all(&query, move || {
        let object = cluster.object(&once.object);
        let has = object.as_ref().and_then(|object| object.at(&once.field)).and_then(amount);
        if has.is_some_and(|has| has >= reaches) {
            return once.then.0.clone();
        }
        let turn = asked.fetch_add(1, Ordering::Relaxed);
        answers.get(turn).or(answers.last()).map(|series| series.0.clone()).unwrap_or_default()
    });
    prometheus.with_flaws(flaws);
    Ok(())
}

/// What a service answers, as a real one would.
pub(super) fn reply(reply: &WebReply) -> web::Scripted {
    let WebReply { status, json, text, location, truncated, fails } = reply.clone();
    match fails {
        Some(WebFault::NoAnswer) => return web::Scripted::Away("operation timed out".into()),
        Some(WebFault::Refused) => return web::Scripted::Away("tcp connect error: Connection refused".into()),
        None => {}
    }
    let (body, content_type) = match (json, text) {
        (Some(json), _) => (json.to_string(), "application/json"),
        (None, text) => (text.unwrap_or_default(), "text/plain"),
    };
    web::Scripted::Answers(WebAnswer {
        status: status.unwrap_or(200),
        location,
        content_type: content_type.into(),
        body: body.into_bytes(),
        is_cut: truncated,
    })
}

/// What a number or a quantity is worth.
pub(super) fn amount(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => parse_quantity(text).ok(),
        _ => None,
    }
}
