//! A read that is repeated until something holds.

use std::time::Duration;

use super::Checker;
use super::durations::OF_A_RUN;
use super::names::Output;
use super::steps::Spot;
use super::verify::{self, EVERY};
use super::visible::Visible;
use crate::action::Action;
use crate::diagnostics::Code;
use crate::language::{Expression, Location};
use crate::model::{HumanDuration, Phase};
use crate::playbook::Watch;
use crate::playbook::load::{RawStep, RawWatch, Text, What, place};

/// What such a read has besides: whether it held.
pub(super) const HELD: &str = "held";

/// More often, it would be a load of its own.
const LEAST_EVERY: Duration = Duration::from_secs(5);

/// Whether a step that does this, in this phase, can be repeated.
pub(super) fn fits(checker: &mut Checker<'_>, phase: Phase, raw: &RawStep, what: &What) {
    let Some(watch) = &raw.watch else { return };
    let at = watch.seen.at;
    if !matches!(what, What::Action(Action::Read(_))) {
        let remedy = match what {
            What::Action(Action::Mutate(_)) => "write `verify`, which looks whether a change helped",
            _ => "leave it out",
        };
        checker.error(Code::Misplaced, at, "`watch` belongs to a step that reads", Some(remedy.into()));
        return;
    }
    if phase == Phase::Escalate {
        let message = "`watch` has no place in `escalate`: whoever is called would wait for it";
        checker.error(Code::Misplaced, at, message, Some("leave it out".into()));
    }
    if let Some(retry) = &raw.retry {
        let message = "`retry` has no place beside `watch`, which looks again also when a look fails";
        checker.error(Code::Misplaced, retry.seen.at, message, Some("leave it out".into()));
    }
    let is_asked = raw.id.as_ref().is_some_and(|id| {
        let forms = [format!("{}.{HELD}", id.value), format!("{}.?{HELD}", id.value)];
        forms.iter().any(|form| checker.source.text.contains(form))
    });
    if !is_asked {
        let id = raw.id.as_ref().map_or("its id", |id| &id.value);
        let message = "nobody asks behind it whether it held: that the time is over is no failure";
        let remedy = format!("ask for `{id}.{HELD}`, as in `require: {id}.{HELD}`");
        checker.warning(Code::NotHeeded, at, message, remedy);
    }
}

pub(super) fn check(checker: &mut Checker<'_>, spot: Spot<'_>, raw: &RawWatch, what: Option<&What>) -> Option<Watch> {
    const WHAT: &str = "`watch`";
    let query = match what {
        Some(What::Action(action)) => Output::Fields(action.describe().declaration().output),
        _ => Output::Unknown,
    };
    let asked = spot.names.steps.iter().find(|step| step.order == spot.order);
    let visible = Visible { query, asked, ..spot.visible() };
    let until = checker
        .required(raw.until.as_ref(), &raw.seen, WHAT, "until", "value < 0.1")
        .and_then(|text| seen(checker, text, visible, "until"));
    let fail_if = raw.fail_if.as_ref().map(|text| seen(checker, text, visible, "fail_if"));
    let every = raw.every.as_ref().map(|text| checker.duration(text, OF_A_RUN));
    let within = checker
        .required(raw.within.as_ref(), &raw.seen, WHAT, "within", "10m")
        .and_then(|text| checker.duration(text, OF_A_RUN).map(|within| (within, place(text))));
    let lasting = raw.lasting.as_ref().map(|text| checker.duration(text, OF_A_RUN));
    let every = every.map_or(Some(EVERY), |every| every)?;
    let (within, within_at) = within?;
    let lasting = lasting.map_or(Some(None), |lasting| lasting.map(Some))?;
    let is_right = is_within(checker, raw, (every, within, within_at))
        && verify::lasts_within(checker, raw.lasting.as_ref().zip(lasting), within);
    if !is_right {
        return None;
    }
    let (until, fail_if) = (until?, fail_if.map_or(Some(None), |fail_if| fail_if.map(Some))?);
    Some(Watch { until, fail_if, every, within, lasting })
}

fn is_within(
    checker: &mut Checker<'_>,
    raw: &RawWatch,
    (every, within, within_at): (Duration, Duration, Location),
) -> bool {
    let every_at = raw.every.as_ref().map_or(within_at, place);
    let mut out_of_range = |at: Location, message: String, remedy: String| {
        checker.error(Code::OutOfRange, at, message, Some(remedy));
        false
    };
    if every < LEAST_EVERY {
        let message =
            format!("it is looked at every {}, and more often than every 5 s is too much", HumanDuration(every));
        return out_of_range(every_at, message, "write `every: 5s` or more".into());
    }
    if every >= within {
        let (every, within) = (HumanDuration(every), HumanDuration(within));
        let message = format!("it is looked at every {every}, and watched for {within}: nobody looks twice");
        return out_of_range(every_at, message, format!("write less than {within} for `every`"));
    }
    true
}

/// A condition on what each look finds.
fn seen(checker: &mut Checker<'_>, text: &Text, visible: Visible<'_>, field: &str) -> Option<Expression> {
    let expression = checker.condition(text, visible)?;
    if let Some(answer) = expression.constant() {
        let message = format!("`{field}` is always {answer}, and waits for nothing");
        let remedy = "write a condition on what is read";
        checker.error(Code::ConstantCondition, place(text), message, Some(remedy.into()));
        return None;
    }
    let is_fresh = |name: &str| match visible.query {
        Output::Fields(fields) => fields.iter().any(|field| field.name == name),
        Output::Unknown | Output::None => true,
    };
    if !expression.references().iter().any(|reference| is_fresh(reference.name())) {
        let message = format!("`{field}` asks for nothing that is read here, and would never change");
        let remedy = match visible.query {
            Output::Fields(fields) => {
                format!("name what it finds: {}", crate::language::list(fields.iter().map(|field| field.name)))
            }
            Output::Unknown | Output::None => "name what it finds".to_owned(),
        };
        checker.error(Code::StaleVerify, place(text), message, Some(remedy));
        return None;
    }
    Some(expression)
}
