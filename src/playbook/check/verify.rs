//! How it is proved that a mutation helped.

use std::time::Duration;

use super::Checker;
use super::durations::OF_A_RUN;
use super::names::{Found, Output};
use super::steps::Spot;
use super::visible::{Sees, Visible};
use crate::diagnostics::Code;
use crate::language::{Expression, closest, list};
use crate::model::{HumanDuration, parse_duration};
use crate::playbook::Verify;
use crate::playbook::load::{RawVerify, Text, place};

/// Often enough for a person who watches, and seldom enough for Prometheus.
pub(super) const EVERY: Duration = Duration::from_secs(30);

pub(super) fn check(checker: &mut Checker<'_>, spot: Spot<'_>, raw: RawVerify) -> Option<Verify> {
    const WHAT: &str = "`verify`";
    let query = raw.query.as_ref().map(|query| repeated(checker, spot, query));
    let query = query.unwrap_or(Output::None);
    let asked = raw.query.as_ref().and_then(|query| spot.names.step(&query.value));
    let visible = Visible { sees: Sees::UpTo(spot.order), query, asked, ..spot.visible() };
    let asked = raw.query.as_ref().map(|query| query.value.as_str());
    let until = checker
        .required(raw.until.as_ref(), &raw.seen, WHAT, "until", "value < 0.1")
        .and_then(|text| decided(checker, text, visible, "until", asked));
    let fail_if = raw.fail_if.as_ref().map(|text| decided(checker, text, visible, "fail_if", asked));
    let settle = raw.settle.as_ref().map(|text| checker.duration(text, OF_A_RUN));
    let every = raw.every.as_ref().map(|text| checker.duration(text, OF_A_RUN));
    let within = checker
        .required(raw.within.as_ref(), &raw.seen, WHAT, "within", "10m")
        .and_then(|text| checker.duration(text, OF_A_RUN).map(|within| (within, text)));
    let settle = settle.map_or(Some(Duration::ZERO), |settle| settle)?;
    let (within, within_at) = within?;
    if within <= settle {
        let message = format!(
            "nothing is looked at for {} (`settle`), and patience ends after {} (`within`)",
            HumanDuration(settle),
            HumanDuration(within)
        );
        if checker.rule(
            Code::OutOfRange,
            place(within_at),
            message,
            format!("write more than {}", HumanDuration(settle)),
        ) {
            return None;
        }
    }
    if let (Some(Some(every)), Some(at)) = (every, raw.every.as_ref().map(place))
        && every >= within
    {
        let message = format!(
            "it is looked at every {}, and patience ends after {} (`within`): nobody looks twice",
            HumanDuration(every),
            HumanDuration(within)
        );
        let remedy = format!("write less than {}", HumanDuration(within));
        if checker.rule(Code::OutOfRange, at, message, remedy) {
            return None;
        }
    }
    let window = raw.query.as_ref().and_then(|query| spot.names.step(&query.value)).and_then(|step| step.window);
    if let Some(window) = window.filter(|window| *window > within) {
        let message = format!(
            "the query looks back {}, and patience ends after {}: all that it ever sees is mixed with what was before",
            HumanDuration(window),
            HumanDuration(within)
        );
        let remedy = format!("write `settle: {}`, and more than that for `within`", HumanDuration(window));
        checker.warning(Code::StaleVerify, place(within_at), message, remedy);
    } else if let Some(window) = window.filter(|window| *window > settle) {
        let message = format!(
            "the query looks back {}, and is asked {} after the change: it still sees what was before",
            HumanDuration(window),
            HumanDuration(settle)
        );
        let at = raw.settle.as_ref().map_or(raw.seen.at, place);
        checker.warning(Code::StaleVerify, at, message, format!("write `settle: {}` or more", HumanDuration(window)));
    }
    let lasting = raw.lasting.as_ref().map(|text| checker.duration(text, OF_A_RUN));
    let lasting = lasting.map_or(Some(None), |lasting| lasting.map(Some))?;
    if !lasts_within(checker, raw.lasting.as_ref().zip(lasting), within.saturating_sub(settle)) {
        return None;
    }
    Some(Verify {
        query: raw.query.map(|query| query.value),
        until: until?,
        fail_if: fail_if.map_or(Some(None), |fail_if| fail_if.map(Some))?,
        settle,
        every: every.map_or(Some(EVERY), |every| every)?,
        within,
        lasting,
    })
}

/// Whether what has to hold for so long can, within this time.
pub(super) fn lasts_within(checker: &mut Checker<'_>, lasting: Option<(&Text, Duration)>, within: Duration) -> bool {
    let Some((text, lasting)) = lasting.filter(|(_, lasting)| *lasting >= within) else { return true };
    let (lasting, within) = (HumanDuration(lasting), HumanDuration(within));
    let message = format!("it has to hold for {lasting} (`for`), and patience ends after {within}");
    checker.error(Code::OutOfRange, place(text), message, Some(format!("write less than {within}")));
    false
}

/// A condition whose answer is not known in advance, on what is measured after the change. `asked`: the step that is asked again.
fn decided(
    checker: &mut Checker<'_>,
    text: &Text,
    visible: Visible<'_>,
    field: &str,
    asked: Option<&str>,
) -> Option<Expression> {
    let expression = checker.condition(text, visible)?;
    if let Some(answer) = expression.constant() {
        let message = format!("`{field}` is always {answer}, and proves nothing");
        if checker.rule(
            Code::ConstantCondition,
            place(text),
            message,
            Some("write a condition on what was measured".into()),
        ) {
            return None;
        }
    }
    let is_fresh = |name: &str| match (visible.query, asked) {
        (Output::Fields(fields), _) => fields.iter().any(|field| field.name == name),
        // What it gives is not known here, so that each name may be a part of it.
        (Output::Unknown | Output::None, Some(_)) => true,
        (_, None) => name == "target",
    };
    if !expression.references().iter().any(|reference| is_fresh(reference.name())) {
        let (message, remedy) = measures_nothing(field, &expression, visible, asked);
        if checker.rule(Code::StaleVerify, place(text), message, remedy) {
            return None;
        }
    }
    Some(expression)
}

fn measures_nothing(
    field: &str,
    expression: &Expression,
    visible: Visible<'_>,
    asked: Option<&str>,
) -> (String, String) {
    let message = format!("`{field}` looks at nothing that is measured after the change");
    let (Some(id), Output::Fields(fields)) = (asked, visible.query) else {
        let remedy = "name `target`, which is read again, or the step that is to be asked again with `query: ...`";
        return (message, remedy.into());
    };
    let own = expression.references().iter().find(|reference| reference.name() == id);
    match own.and_then(|own| own.field()).filter(|own| fields.iter().any(|field| field.name == *own)) {
        Some(fresh) => (
            format!("{message}: `{id}.{fresh}` is what was seen before it"),
            format!("write `{fresh}`, which is what `{id}` answers when it is asked again"),
        ),
        None => {
            let fields = list(fields.iter().map(|field| field.name));
            (message, format!("name what `{id}` answers when it is asked again: {fields}"))
        }
    }
}

/// The output of the step that is asked again.
fn repeated(checker: &mut Checker<'_>, spot: Spot<'_>, query: &Text) -> Output {
    let Spot { names, order, region, .. } = spot;
    let id = query.value.as_str();
    let at = place(query);
    let reads = || names.steps.iter().filter(|step| step.reads && step.order < order).map(|step| step.id.as_str());
    match names.find(id, |step| step.order < order, region) {
        Found::Later(_) => {
            checker.error(
                Code::NotYetKnown,
                at,
                format!("the step `{id}` does not run before this one"),
                Some("name an earlier step that reads".into()),
            );
            Output::Unknown
        }
        Found::OtherBranch(_) | Found::SomeBranches(_) => {
            let message = format!("the step `{id}` lies in a branch that not each way to here comes through");
            checker.error(Code::NotYetKnown, at, message, Some("name a step that reads before the `choose`".into()));
            Output::Unknown
        }
        Found::InLoop(_) => {
            let message = format!("the step `{id}` belongs to the items of a `foreach`, or to its guard");
            checker.error(Code::NotYetKnown, at, message, Some("name a step that reads beside it".into()));
            Output::Unknown
        }
        Found::Yes(step) if step.reads => step.output,
        Found::Yes(_) => {
            let message = format!("the step `{id}` cannot be repeated by a verify: it is no action that only reads");
            checker.error(Code::StaleVerify, at, message, format!("the steps that read are {}", list(reads())));
            Output::Unknown
        }
        Found::Nowhere if names.incomplete => Output::Unknown,
        Found::Nowhere => {
            let remedy = match closest(id, reads()) {
                Some(meant) => format!("write `{meant}` instead"),
                None => format!("the steps that read are {}", list(reads())),
            };
            checker.error(Code::UnknownName, at, format!("there is no step `{id}`"), remedy);
            Output::Unknown
        }
    }
}

/// The longest range window of a PromQL expression: 5 min for `rate(x[5m])`.
pub(super) fn window(promql: &str) -> Option<Duration> {
    let mut longest = None;
    let mut quote = None;
    for (index, c) in promql.char_indices() {
        match (quote, c) {
            (None, '"' | '\'' | '`') => quote = Some(c),
            (Some(open), _) if open == c => quote = None,
            (None, '[') => {
                let inside = promql[index + 1..].split([']', ':']).next().unwrap_or("");
                longest = longest.max(parse_duration(inside.trim()).ok());
            }
            _ => {}
        }
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_found() {
        let minutes = |minutes: u64| Some(Duration::from_secs(minutes * 60));
        assert_eq!(window("sum(rate(x_total[5m]))"), minutes(5));
        assert_eq!(window("rate(a[5m]) / rate(b[1h30m])"), minutes(90));
        assert_eq!(window("max_over_time(x[30m:1m])"), minutes(30));
        assert_eq!(window("x{pod=~\"a[5m]\"}"), None);
        assert_eq!(window("up == 0"), None);
        assert_eq!(window("x["), None);
        assert_eq!(window("x[{{inputs.window}}]"), None);
    }
}
