//! What Prometheus answered, by query.

use serde_json::{Value, json};

use super::{Asked, Recorded, RecordedRun};
use crate::language::{Scope, Template};
use crate::model::{RunEvent, StepAddress};
use crate::playbook::{Playbook, Step, StepKind};

/// One entry for each expression, with its answers in order.
pub(super) fn of(recorded: &RecordedRun, playbook: &Playbook, notes: &mut Vec<String>) -> Vec<Value> {
    let mut asked = Asked(Vec::new());
    let mut scope = Scope::new();
    scope.insert("inputs".into(), Value::Object(recorded.run.inputs.clone()));
    scope.insert("alert".into(), playbook.sees(recorded.run.alert.clone()));
    for Recorded { event, .. } in &recorded.log {
        match event {
            RunEvent::TargetRead { object: Some(object) } => drop(scope.insert("target".into(), object.clone())),
            RunEvent::Read { step, output, .. } => {
                scope.extend(step.id().map(|id| (id.to_owned(), output.clone())));
            }
            _ => {}
        }
        let (Some(step), Some(answer)) = (asking(event, playbook), answered(event)) else { continue };
        let Some(source) = expression(step) else { continue };
        let (expr, is_whole) = filled(source, &scope);
        if !is_whole {
            notes
                .push(format!("the query of {} has a hole that is not told on the log: look at `query`", step.address));
        }
        if matches!(event, RunEvent::Read { output, .. } if output.get("sparkline").is_some()) {
            notes.push(format!("how the series of {} ran is drawn from its blocks, and not exact", step.address));
        }
        asked.add(expr, answer);
    }
    asked.0.into_iter().map(|(query, answers)| json!({ "query": query, "answers": shortened(answers) })).collect()
}

/// The step whose query it is: a verify asks that of another one.
fn asking<'p>(event: &RunEvent, playbook: &'p Playbook) -> Option<&'p Step> {
    let at: &StepAddress = event.step()?;
    let step = playbook.all_steps().find(|step| step.address == at.for_all())?;
    match event {
        RunEvent::Looked { .. } => playbook.step_by_id(step.verify.as_ref()?.query.as_deref()?),
        _ => Some(step),
    }
}

fn expression(step: &Step) -> Option<&str> {
    let StepKind::Action(action) = &step.kind else { return None };
    action.describe().query()?;
    let arguments = action.describe().args();
    let (_, expr) = arguments.into_iter().find(|(name, _)| *name == "expr")?;
    expr.text().map(|(source, _)| source)
}

/// As a case writes it: nothing, a number, or all series.
fn answered(event: &RunEvent) -> Option<Value> {
    match event {
        RunEvent::Read { output, .. } => Some(said(output)),
        RunEvent::Looked { summary, .. } | RunEvent::Failed { error: summary, .. } if has_none(summary) => {
            Some(Value::Null)
        }
        // ``0.4 for `max(x)`: not yet `value < 0.1` ``
        RunEvent::Looked { summary, .. } => {
            let (number, _) = summary.split_once(" for `")?;
            Some(json!(number.parse::<f64>().ok()?))
        }
        _ => None,
    }
}

/// The number of the only sample, where that has no labels; else each with its own. Of what was
/// asked about a stretch of time, how each series ran.
fn said(output: &Value) -> Value {
    if let Some(series) = output.get("series").and_then(Value::as_array) {
        return series.iter().map(|ran| json!({ "labels": ran["labels"], "points": points(ran) })).collect();
    }
    let samples = output.get("samples").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let has_labels = |sample: &Value| sample["labels"].as_object().is_some_and(|labels| !labels.is_empty());
    match (samples, output.get("value")) {
        ([_], Some(value)) if !samples.iter().any(has_labels) => value.clone(),
        ([], Some(value)) => value.clone(),
        (samples, _) => Value::Array(samples.to_vec()),
    }
}

/// What a line of blocks shows, between the least and the greatest value; the first and the newest
/// value are known.
fn points(ran: &Value) -> Vec<Option<f64>> {
    const BLOCKS: &str = "▁▂▃▄▅▆▇█";
    let number = |name: &str| ran[name].as_f64().unwrap_or_default();
    let (least, greatest) = (number("min"), number("max"));
    let shown = ran["sparkline"].as_str().unwrap_or_default().chars();
    let value = |block: char| {
        let level = BLOCKS.chars().position(|one| one == block)? as f64 / 7.0;
        // No more digits than it says.
        Some(((least + level * (greatest - least)) * 1e3).round() / 1e3)
    };
    let mut points: Vec<Option<f64>> = shown.map(value).collect();
    if let Some(first) = points.iter_mut().find(|point| point.is_some()) {
        *first = Some(number("first"));
    }
    if let Some(last) = points.iter_mut().rfind(|point| point.is_some()) {
        *last = Some(number("last"));
    }
    points
}

fn has_none(error: &str) -> bool {
    error.contains("` has no samples")
}

/// With its holes filled, and whether that was possible. Else, the longest of what stands between
/// them.
fn filled(source: &str, scope: &Scope) -> (String, bool) {
    if !Template::is_template(source) {
        return (source.to_owned(), true);
    }
    if let Ok(text) = Template::parse(source).and_then(|template| template.render(scope)) {
        return (text, true);
    }
    let parts = source.split("{{").map(|part| part.split_once("}}").map_or(part, |(_, rest)| rest));
    (parts.max_by_key(|part| part.len()).unwrap_or_default().to_owned(), false)
}

/// The last answer stays: it need not be said again.
fn shortened(mut answers: Vec<Value>) -> Vec<Value> {
    while let [.., before, last] = answers.as_slice()
        && before == last
    {
        answers.pop();
    }
    answers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_a_series_ran_is_drawn_from_its_blocks() {
        let ran = json!({
            "labels": { "pod": "db-0" }, "first": 1.05, "last": 7.9, "min": 1.0, "max": 8.0, "sparkline": "▁·▄█",
        });
        let output = json!({ "series": [ran], "count": 1 });
        assert_eq!(said(&output), json!([{ "labels": { "pod": "db-0" }, "points": [1.05, null, 4.0, 7.9] }]));
    }
}
