//! Label and field selectors, as the API server reads them.
//!
//! <https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors>

/// One condition on labels. All of a selector must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Requirement {
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Exists(String),
    Absent(String),
}

impl Requirement {
    /// `label` gives the value of a label, if it is there.
    pub fn holds<'l>(&self, label: impl Fn(&str) -> Option<&'l str>) -> bool {
        match self {
            Requirement::In(name, values) => label(name).is_some_and(|value| values.iter().any(|it| it == value)),
            // A label that is not there has none of the values.
            Requirement::NotIn(name, values) => label(name).is_none_or(|value| !values.iter().any(|it| it == value)),
            Requirement::Exists(name) => label(name).is_some(),
            Requirement::Absent(name) => label(name).is_none(),
        }
    }
}

/// Reads `app=pg,tier!=test,env in (a,b),zone notin (c),!canary,track`.
///
/// # Errors
/// What is wrong with it.
pub(super) fn parse_labels(selector: &str) -> Result<Vec<Requirement>, String> {
    let mut requirements = Vec::new();
    let mut rest = selector.trim();
    while !rest.is_empty() {
        let end =
            end_of_requirement(rest).ok_or_else(|| format!("unable to parse requirement: `{rest}` lacks a `)`"))?;
        requirements.push(parse_requirement(rest[..end].trim())?);
        match rest[end..].strip_prefix(',') {
            Some(more) if more.trim().is_empty() => return Err("nothing follows the last comma".into()),
            Some(more) => rest = more.trim(),
            None => break,
        }
    }
    Ok(requirements)
}

/// Where the next comma outside of parentheses is, or the end.
fn end_of_requirement(text: &str) -> Option<usize> {
    match (text.find(','), text.find('(')) {
        (comma, Some(open)) if comma.is_none_or(|comma| open < comma) => {
            let close = text[open..].find(')')? + open + 1;
            Some(text[close..].find(',').map_or(text.len(), |comma| close + comma))
        }
        (comma, _) => Some(comma.unwrap_or(text.len())),
    }
}

fn parse_requirement(text: &str) -> Result<Requirement, String> {
    if let Some(name) = text.strip_prefix('!') {
        return Ok(Requirement::Absent(valid(name, "label")?));
    }
    if let Some((before, values)) = text.split_once('(') {
        let values = values.strip_suffix(')').ok_or_else(|| format!("`{text}` goes on after its `)`"))?;
        let values = values.split(',').map(|value| valid(value, "value")).collect::<Result<_, _>>()?;
        return match before.split_whitespace().collect::<Vec<_>>()[..] {
            [name, "in"] => Ok(Requirement::In(valid(name, "label")?, values)),
            [name, "notin"] => Ok(Requirement::NotIn(valid(name, "label")?, values)),
            _ => Err(format!("`{text}` is no requirement; write `label in (a,b)` or `label notin (a,b)`")),
        };
    }
    if let Some((name, value)) = text.split_once("!=") {
        return Ok(Requirement::NotIn(valid(name, "label")?, vec![valid(value, "value")?]));
    }
    if let Some((name, value)) = text.split_once("==").or_else(|| text.split_once('=')) {
        return Ok(Requirement::In(valid(name, "label")?, vec![valid(value, "value")?]));
    }
    Ok(Requirement::Exists(valid(text, "label")?))
}

fn valid(text: &str, what: &str) -> Result<String, String> {
    let text = text.trim();
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    // A value may be empty, and has no slash; both have at most 63 characters after the prefix.
    if !text.chars().all(fits) || (text.is_empty() && what == "label") || text.len() > 253 {
        return Err(format!("`{text}` is no {what}"));
    }
    Ok(text.to_owned())
}

/// One condition on a field: path, wanted value, and whether it must be equal (else: must differ).
pub(super) type FieldRequirement = (String, String, bool);

/// Reads `involvedObject.name=data-pg-1,type!=Normal` for objects of that kind.
///
/// # Errors
/// What is wrong with it; above all a field by which the API server does not select.
pub(super) fn parse_fields(selector: &str, kind: &str) -> Result<Vec<FieldRequirement>, String> {
    let terms = selector.split(',').map(str::trim).filter(|term| !term.is_empty());
    let requirements = terms.map(|term| {
        let (field, value, equal) =
            match (term.split_once("!="), term.split_once("==").or_else(|| term.split_once('='))) {
                (Some((field, value)), _) => (field, value, false),
                (None, Some((field, value))) => (field, value, true),
                (None, None) => return Err(format!("invalid selector: `{term}`; write `field=value`")),
            };
        let field = field.trim();
        if !selectable(kind).contains(&field) && !matches!(field, "metadata.name" | "metadata.namespace") {
            return Err(format!("field label not supported: {field}"));
        }
        Ok((field.to_owned(), value.trim().to_owned(), equal))
    });
    requirements.collect()
}

/// By which fields the server selects, besides name and namespace.
fn selectable(kind: &str) -> &'static [&'static str] {
    match kind {
        "Pod" => &[
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "status.phase",
            "status.podIP",
            "status.nominatedNodeName",
        ],
        "Event" => &[
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "reason",
            "reportingComponent",
            "source",
            "type",
        ],
        "Job" => &["status.successful"],
        "ReplicaSet" => &["status.replicas"],
        "Node" => &["spec.unschedulable"],
        "Namespace" => &["status.phase"],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selects(selector: &str, labels: &[(&str, &str)]) -> bool {
        let requirements = parse_labels(selector).unwrap();
        let label = |name: &str| labels.iter().find(|(other, _)| *other == name).map(|(_, value)| *value);
        requirements.iter().all(|requirement| requirement.holds(label))
    }

    #[test]
    fn labels_are_selected_as_kubectl_says() {
        let pg = [("app", "pg"), ("tier", "gold"), ("track", "")];
        for yes in [
            "",
            "app=pg",
            "app==pg, tier!=silver",
            "app in (pg,my),tier notin (a)",
            "track",
            "!canary",
            "zone!=a",
            "track=",
        ] {
            assert!(selects(yes, &pg), "{yes}");
        }
        for no in
            ["app=my", "app=pg,tier!=gold", "app in (my, other)", "tier notin (gold)", "!app", "zone", "zone in (a)"]
        {
            assert!(!selects(no, &pg), "{no}");
        }
    }

    #[test]
    fn what_is_no_label_selector_is_refused() {
        for wrong in ["a=b=c", "a in (b", "a in b", "=b", "!", "a,", "a near (b)", "a in (b) c", "a b"] {
            assert!(parse_labels(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn only_some_fields_can_be_selected_by() {
        let event = parse_fields("involvedObject.name=data-pg-1,type!=Normal", "Event").unwrap();
        assert_eq!(event[0], ("involvedObject.name".into(), "data-pg-1".into(), true));
        assert_eq!(event[1], ("type".into(), "Normal".into(), false));
        assert!(parse_fields("metadata.name=x", "ConfigMap").is_ok());
        assert_eq!(parse_fields("spec.x=3", "Pod").unwrap_err(), "field label not supported: spec.x");
        assert!(parse_fields("metadata.name", "Pod").is_err());
    }
}
