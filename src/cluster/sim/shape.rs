//! The rough shape of objects: what the controllers write into must be an object. Objects that are loaded are not held
//! to their whole schema, which would take longer than all the rest.

use serde_json::Value;

/// A field that is an object, or a list of objects, if it is there at all.
enum Shape {
    Object(&'static str, &'static [Shape]),
    Objects(&'static str, &'static [Shape]),
}

use Shape::{Object, Objects};

const METADATA: Shape = Object(
    "metadata",
    &[
        Object("labels", &[]),
        Object("annotations", &[]),
        Objects("ownerReferences", &[]),
        Objects("managedFields", &[]),
    ],
);

const POD_SPEC: Shape = Object("spec", &[Objects("containers", &[]), Objects("volumes", &[])]);

const TEMPLATE: Shape = Object("template", &[METADATA, POD_SPEC]);

const CLAIM_SPEC: Shape = Object("spec", &[Object("resources", &[Object("requests", &[])])]);

const OBJECT: &[Shape] = &[
    METADATA,
    Object(
        "spec",
        &[
            TEMPLATE,
            Object("jobTemplate", &[Object("spec", &[TEMPLATE])]),
            Objects("volumeClaimTemplates", &[METADATA, CLAIM_SPEC]),
            Object("strategy", &[]),
            Object("updateStrategy", &[]),
            Object("capacity", &[]),
            Object("claimRef", &[]),
            Object("resources", &[Object("requests", &[])]),
            Objects("containers", &[]),
            Objects("volumes", &[]),
        ],
    ),
    Object(
        "status",
        &[
            Objects("conditions", &[]),
            Objects("containerStatuses", &[]),
            Object("capacity", &[]),
            Object("allocatedResources", &[]),
            Object("allocatedResourceStatuses", &[]),
        ],
    ),
    Object("involvedObject", &[]),
];

/// The first field that has another shape than it must have, and which that is.
pub(super) fn misshapen(object: &Value) -> Option<String> {
    first(object, OBJECT).map(|(path, wanted)| format!("{path} must be {wanted}"))
}

fn first(value: &Value, shapes: &[Shape]) -> Option<(String, &'static str)> {
    shapes.iter().find_map(|shape| {
        let (Object(name, _) | Objects(name, _)) = shape;
        let field = value.get(name).filter(|field| !field.is_null())?;
        let below = |(path, wanted): (String, _)| {
            (if path.is_empty() { (*name).to_owned() } else { format!("{name}.{path}") }, wanted)
        };
        match shape {
            Object(_, inner) if field.is_object() => first(field, inner).map(below),
            Object(..) => Some(((*name).to_owned(), "an object")),
            Objects(_, inner) => {
                let wrong = Some(((*name).to_owned(), "a list of objects"));
                let Some(items) = field.as_array() else { return wrong };
                if items.iter().any(|item| !item.is_object()) {
                    return wrong;
                }
                items.iter().find_map(|item| first(item, inner)).map(below)
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_has_the_wrong_shape_is_named() {
        assert_eq!(
            misshapen(&json!({ "metadata": { "labels": null }, "spec": {}, "status": { "conditions": [{}] } })),
            None
        );
        for (object, wrong) in [
            (json!({ "spec": "x" }), "spec must be an object"),
            (
                json!({ "spec": { "template": { "metadata": { "labels": [] } } } }),
                "spec.template.metadata.labels must be an object",
            ),
            (json!({ "status": { "conditions": ["x"] } }), "status.conditions must be a list of objects"),
            (
                json!({ "spec": { "volumeClaimTemplates": [{ "metadata": 1 }] } }),
                "spec.volumeClaimTemplates.metadata must be an object",
            ),
        ] {
            assert_eq!(misshapen(&object).as_deref(), Some(wrong));
        }
    }
}
