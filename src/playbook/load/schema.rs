//! The JSON Schema of playbooks, for editors. It says less than the check: form and types, and of a step
//! what its phase allows.

mod approval;
mod arguments;
mod branch;
mod each;
mod looks;
mod subject;

use serde_json::{Map, Value, json};

use crate::action::{Effect, declarations};
use crate::model::{Phase, Undo};
use crate::playbook::InputKind;
use approval::approval;
use arguments::arguments;
use branch::{branch, retry, role};
use each::each;
use looks::{verify, watch};
use subject::{target, trigger};

/// The schema (draft 2020-12) of a file of `playbooks/`.
pub fn schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Playbook",
        "description": "A playbook of Dogwatch: what is asked, changed and told when an alert fires",
        "type": "object",
        "additionalProperties": false,
        "required": ["apiVersion", "kind", "metadata", "summary", "severity", "autonomy", "target", "escalate"],
        "properties": top(),
        "$defs": definitions(),
    })
}

fn top() -> Value {
    json!({
        "apiVersion": { "description": "The version of the language", "const": "dogwatch/v1" },
        "kind": { "const": "Playbook" },
        "metadata": {
            "description": "By what it is known",
            "type": "object",
            "additionalProperties": false,
            "required": ["name", "version", "owner"],
            "properties": metadata(),
        },
        "summary": text("What is wrong when it runs, in a line"),
        "severity": {
            "description": "S1: users are down or data is at risk. S2: redundancy is lost. S3: one pod, one replica, one job. S4: a trend",
            "enum": ["S1", "S2", "S3", "S4"],
        },
        "autonomy": {
            "description": "How far it may go alone: `observe` diagnoses, `suggest` shows what it would do, `approve` asks before the first change, `auto` acts",
            "enum": ["observe", "suggest", "approve", "auto"],
        },
        "approval": { "description": "Who is asked before the first change, where the run asks. Left out: one person, whoever may answer", "$ref": "#/$defs/approval" },
        "page_by": duration("Whatever the run is doing then, somebody is paged with the evidence so far"),
        "triggers": {
            "description": "The alerts, and the times, that start it",
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": false,
                "anyOf": [{ "required": ["alert"] }, { "required": ["schedule"] }],
                "properties": trigger(),
            },
        },
        "target": {
            "description": "The object that a run is about. Locks, limits and history hang on it",
            "type": "object",
            "additionalProperties": false,
            "required": ["kind"],
            "properties": target(),
        },
        "inputs": {
            "description": "What people may set, by name. Conditions and texts see it as `inputs.NAME`",
            "type": "object",
            "propertyNames": { "pattern": "^[a-z][a-z0-9_]*$" },
            "additionalProperties": {
                "type": "object",
                "additionalProperties": false,
                "required": ["type"],
                "properties": input(),
            },
        },
        "limits": {
            "description": "How often it may run on one target",
            "type": "object",
            "additionalProperties": false,
            "properties": limits(),
        },
        "diagnose": steps(Phase::Diagnose, "What is asked first. Nothing is changed here"),
        "mitigate": steps(Phase::Mitigate, "What is changed, each change with its `verify`"),
        "escalate": steps(Phase::Escalate, "Whom to tell when the run cannot go on: a failure, an unmet `require`, a denied approval"),
    })
}

fn metadata() -> Value {
    json!({
        "name": text_like("Its name, by which people and cases call it", "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"),
        "review_by": text_like("The day by which somebody is to look at it again", "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"),
        "version": text_like("Three numbers. Changed content has a new one", "^[0-9]+\\.[0-9]+\\.[0-9]+(-[0-9A-Za-z.-]+)?$"),
        "owner": text("The team of `oncall.yaml` that owns it and is paged by it"),
    })
}

fn input() -> Value {
    let bound = json!({ "type": ["number", "string"] });
    json!({
        "type": { "description": "What its values are", "enum": InputKind::ALL.map(|(name, _)| name) },
        "default": described("Where nobody sets it. Left out: it must be given", json!({ "type": ["string", "number", "boolean"] })),
        "minimum": described("The least value", bound.clone()),
        "maximum": described("The greatest value", bound),
        "label": text("The alert's label that gives it, where no person does"),
        "description": text("What it is for"),
    })
}

fn limits() -> Value {
    json!({
        "runs": rate("At most so many runs on one target in a time: `3 per 1h`"),
        "runs_per_target": rate("The same as `runs`"),
        "runs_per_playbook": rate("At most so many runs that begin to change something, on whatever target"),
        "runs_per_namespace": rate("At most so many of them in one namespace"),
        "ramp": text("`none`, or a time: the first run in this time is alone until its verify held, then two, then four: in the stead of `engine.limits.ramp`"),
        "cooldown": duration("At least so long after the end of the last run"),
    })
}

fn rate(doc: &str) -> Value {
    text_like(doc, "^[0-9]+ +per +[0-9].*$")
}

fn steps(phase: Phase, doc: &str) -> Value {
    json!({ "description": doc, "type": "array", "items": { "$ref": format!("#/$defs/{phase}Step") } })
}

fn definitions() -> Value {
    let mut all = Map::new();
    for phase in [Phase::Diagnose, Phase::Mitigate, Phase::Escalate] {
        all.insert(format!("{phase}Step"), step(Place { phase, in_group: false }));
        all.insert(format!("{phase}Branch"), branch(phase));
    }
    all.insert("groupStep".into(), step(Place { phase: Phase::Mitigate, in_group: true }));
    all.insert("approval".into(), approval());
    all.insert("verify".into(), verify());
    all.insert("watch".into(), watch());
    all.insert("template".into(), json!({ "type": "string", "pattern": "\\{\\{" }));
    for action in declarations() {
        all.insert(action.name.into(), arguments(action));
    }
    Value::Object(all)
}

/// Where a step stands.
#[derive(Clone, Copy)]
struct Place {
    phase: Phase,
    in_group: bool,
}

fn step(place: Place) -> Value {
    let mut does = does(place);
    for action in declarations() {
        if place.phase == Phase::Mitigate || !matches!(action.effect, Effect::Mutates(_)) {
            let doc = format!("{} ({})", action.summary, action.effect);
            does.insert(action.name.into(), json!({ "description": doc, "$ref": format!("#/$defs/{}", action.name) }));
        }
    }
    let one = does.keys().map(|name| json!({ "required": [name] })).collect::<Vec<_>>();
    let mut properties = keys(place.phase);
    let mut schema = json!({ "type": "object", "additionalProperties": false, "oneOf": one });
    if does.contains_key("foreach") {
        let each = each(place.phase);
        let with = each.keys().map(|key| (key.clone(), json!(["foreach"]))).collect::<Map<_, _>>();
        schema["dependentRequired"] = Value::Object(with);
        properties.extend(each);
    }
    properties.extend(does);
    schema["properties"] = Value::Object(properties);
    schema
}

/// What a step can do, beside the actions.
fn does(Place { phase, in_group }: Place) -> Map<String, Value> {
    let mut does = Map::new();
    let mut can = |name: &str, schema: Value| drop(does.insert(name.into(), schema));
    if phase != Phase::Escalate {
        can("require", condition("The run escalates unless this holds"));
        can("escalate_if", condition("The run escalates if this holds. Needs `because`"));
        if !in_group {
            can("done_if", condition("The run ends with nothing to do if this holds"));
            can("leave_if", condition("In a `foreach`, the item is left alone if this holds. Needs `because`"));
        }
    }
    can(
        "set",
        json!({
            "description": "Names for values, each a CEL expression",
            "type": "object",
            "minProperties": 1,
            "additionalProperties": { "type": ["string", "number", "boolean"] },
        }),
    );
    can("wait", duration("A timer that survives a restart"));
    if !in_group {
        if phase != Phase::Escalate {
            can("foreach", text("One thing for each of a list: `job in failed`"));
        }
        let branches = json!({ "$ref": format!("#/$defs/{phase}Branch") });
        can(
            "choose",
            json!({
                "description": "One of several ways: the first branch whose condition holds",
                "type": "array",
                "minItems": 2,
                "items": branches,
            }),
        );
    }
    if phase == Phase::Mitigate && !in_group {
        can(
            "atomic",
            json!({
                "description": "Steps that belong together: once the first was made, the others follow",
                "type": "array",
                "items": { "$ref": "#/$defs/groupStep" },
            }),
        );
    }
    does
}

/// The keys of a step beside what it does.
fn keys(phase: Phase) -> Map<String, Value> {
    let keys = json!({
        "id": text_like("The name of what it finds, for conditions and texts after it", "^[a-z_][a-z0-9_]*$"),
        "when": condition("The step is left out unless this holds"),
        "because": text("The reason that people are told of the condition"),
        "role": role(),
        "timeout": duration("How long one attempt may take"),
        "retry": {
            "description": "For how long failures that may pass are tried again",
            "type": "object",
            "additionalProperties": false,
            "required": ["for"],
            "properties": retry(),
        },
        "on_error": {
            "description": "Of a read that fails: the run goes on without its answer, with `error` and `summary` under its id",
            "const": "go_on",
        },
        "watch": { "description": "The read is repeated until something holds", "$ref": "#/$defs/watch" },
        "verify": { "description": "How it is proved that the change helped", "$ref": "#/$defs/verify" },
        "undo": {
            "description": "When the change is taken back: `never` (the default), `unless_verified` where its verify has found that it did not help, `at_end` however the run ends",
            "enum": Undo::WORDS,
        },
        "at_most": rate("How often this is done for one object, by whatever playbook's runs, where no person asks for more. Left out: as `engine.fix_holds_for` says"),
        "approval": { "description": "Who is asked before this change or loop, whatever the autonomy", "$ref": "#/$defs/approval" },
    });
    let Value::Object(mut keys) = keys else { return Map::new() };
    if phase == Phase::Escalate {
        keys.remove("watch");
    }
    if phase != Phase::Mitigate {
        keys.remove("verify");
        keys.remove("undo");
        keys.remove("at_most");
        keys.remove("approval");
    }
    keys
}

/// CEL. A bare `true` is one too.
fn condition(doc: &str) -> Value {
    described(doc, json!({ "type": ["string", "boolean"] }))
}

fn text(doc: &str) -> Value {
    described(doc, json!({ "type": "string" }))
}

fn text_like(doc: &str, pattern: &str) -> Value {
    described(doc, json!({ "type": "string", "pattern": pattern }))
}

fn duration(doc: &str) -> Value {
    described(doc, duration_form())
}

fn duration_form() -> Value {
    json!({ "type": "string", "pattern": "^\\s*([0-9]+\\s*(ms|s|m|h|d|w)\\s*)+$" })
}

fn described(doc: &str, schema: Value) -> Value {
    with(schema, "description", doc.into())
}

fn with(mut schema: Value, name: &str, value: Value) -> Value {
    if let Some(object) = schema.as_object_mut() {
        object.insert(name.into(), value);
    }
    schema
}

#[cfg(test)]
mod tests {
    use super::super::raw::{RawApproval, RawInput, RawLimits, RawMetadata, RawSchedule, RawTarget, RawTrigger};
    use super::super::reader::Fields;
    use super::super::step::{RawBranch, RawRetry, RawVerify, RawWatch};
    use super::super::{RawEach, RawPlaybook, RawStep};
    use super::arguments::of_argument;
    use super::subject::schedule;
    use super::*;

    fn names<T: Fields>() -> Vec<&'static str> {
        let mut names = T::NAMES.to_vec();
        names.sort_unstable();
        names
    }

    fn keys_of(value: &Value) -> Vec<&str> {
        let mut keys: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
        keys.sort_unstable();
        keys
    }

    #[test]
    fn the_fields_are_those_that_are_read() {
        assert_eq!(keys_of(&top()), names::<RawPlaybook>());
        assert_eq!(keys_of(&metadata()), names::<RawMetadata>());
        assert_eq!(keys_of(&trigger()), names::<RawTrigger>());
        assert_eq!(keys_of(&schedule()), names::<RawSchedule>());
        assert_eq!(keys_of(&target()), names::<RawTarget>());
        assert_eq!(keys_of(&approval()["properties"]), names::<RawApproval>());
        assert_eq!(keys_of(&input()), names::<RawInput>());
        assert_eq!(keys_of(&limits()), names::<RawLimits>());
        assert_eq!(keys_of(&retry()), names::<RawRetry>());
        assert_eq!(keys_of(&verify()["properties"]), names::<RawVerify>());
        assert_eq!(keys_of(&watch()["properties"]), names::<RawWatch>());
        assert_eq!(keys_of(&branch(Phase::Diagnose)["properties"]), names::<RawBranch>());
        assert_eq!(keys_of(&Value::Object(keys(Phase::Mitigate))), names::<RawStep>());
        let mut loops = RawEach::NAMES.to_vec();
        loops.sort_unstable();
        assert_eq!(keys_of(&Value::Object(each(Phase::Mitigate))), loops);
        let mut does = super::super::step::DOES.to_vec();
        does.sort_unstable();
        assert_eq!(keys_of(&Value::Object(super::does(Place { phase: Phase::Mitigate, in_group: false }))), does);
    }

    #[test]
    fn each_type_of_an_argument_has_a_form() {
        for argument in declarations().iter().flat_map(|action| action.arguments) {
            if argument.of_type == "growth" {
                assert_eq!(keys_of(&of_argument(argument)["properties"]), ["by", "max"]);
                continue;
            }
            if argument.of_type == "matchers" {
                assert_eq!(of_argument(argument)["items"]["type"], "string");
                continue;
            }
            if argument.of_type == "command" {
                assert_eq!(of_argument(argument)["type"], "array");
                continue;
            }
            let forms = of_argument(argument)["anyOf"].as_array().unwrap().len();
            assert!(forms >= 2, "{}", argument.name);
            if argument.of_type.starts_with('`') {
                continue;
            }
            let known = [
                "string",
                "integer",
                "number",
                "boolean",
                "size",
                "kind",
                "duration",
                "Job",
                "path",
                "number or quantity",
                "image",
                "type of record",
                "statement",
            ];
            assert!(argument.of_type.starts_with("percentage or") || known.contains(&argument.of_type), "{argument:?}");
        }
    }
}
