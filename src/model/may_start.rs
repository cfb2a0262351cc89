//! What a source of alerts may start.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::{MapAccess, Visitor, value::MapAccessDeserializer};
use serde::{Deserialize, Deserializer};

use super::Target;

/// Which runs the alerts of a source may start. What it may not start is paged all the same.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum MayStart {
    #[default]
    Everything,
    Nothing,
    /// What fits all of these.
    Only(Allowed),
}

/// Lists of names, in which `*` stands for any text. `None`: whatever it is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Allowed {
    /// Of the target.
    pub namespaces: Option<Vec<String>>,
    pub alerts: Option<Vec<String>>,
    pub playbooks: Option<Vec<String>>,
}

impl MayStart {
    /// Why the source may not run the playbook on the target for that alert; `None`: it may.
    pub fn why_not(&self, alert: &str, playbook: &str, target: &Target) -> Option<String> {
        let allowed = match self {
            MayStart::Everything => return None,
            MayStart::Nothing => return Some("its source may start nothing (`may_start`)".to_owned()),
            MayStart::Only(allowed) => allowed,
        };
        let asked = [
            ("namespaces", &allowed.namespaces, target.namespace.as_str()),
            ("alerts", &allowed.alerts, alert),
            ("playbooks", &allowed.playbooks, playbook),
        ];
        let refused = asked.into_iter().find_map(|(what, list, name)| {
            let list = list.as_ref()?;
            (!list.iter().any(|pattern| fits(pattern, name))).then_some((what, name))
        });
        refused.map(|(what, name)| match name {
            "" => format!("its source may start nothing on {target}, which is in no namespace (`may_start.{what}`)"),
            name => format!("its source may start nothing for `{name}`, which is not in `may_start.{what}`"),
        })
    }
}

/// What each source may start.
#[derive(Debug, Clone, Default)]
pub struct SourceRights {
    pub by_source: BTreeMap<String, MayStart>,
    /// A source that is configured no more, and of which something waited.
    pub others: MayStart,
}

impl SourceRights {
    /// What alerts of that source may start.
    pub fn of(&self, source: &str) -> &MayStart {
        self.by_source.get(source).unwrap_or(&self.others)
    }
}

impl schemars::JsonSchema for MayStart {
    fn schema_name() -> Cow<'static, str> {
        "MayStart".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let lists = Allowed::json_schema(generator);
        schemars::json_schema!({ "anyOf": [{ "enum": ["everything", "nothing"] }, lists] })
    }
}

impl<'de> Deserialize<'de> for MayStart {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = MayStart;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`everything`, `nothing`, or lists of `namespaces`, `alerts` and `playbooks`")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<MayStart, E> {
                match text {
                    "everything" => Ok(MayStart::Everything),
                    "nothing" => Ok(MayStart::Nothing),
                    other => Err(E::unknown_variant(other, &["everything", "nothing"])),
                }
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<MayStart, A::Error> {
                Allowed::deserialize(MapAccessDeserializer::new(map)).map(MayStart::Only)
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

/// Whether a name is what the pattern says, in which `*` stands for any text.
pub(super) fn fits(pattern: &str, name: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(mut left) = name.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        let Some(at) = left.find(part) else { return false };
        left = &left[at + part.len()..];
    }
    left.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only(yaml: &str) -> MayStart {
        serde_saphyr::from_str(yaml).unwrap()
    }

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, name, does) in [
            ("team-a", "team-a", true),
            ("team-a", "team-ab", false),
            ("team-*", "team-a", true),
            ("team-*", "tea", false),
            ("*", "", true),
            ("*-a", "team-a", true),
            ("*-a", "a", false),
            ("t*m*a", "team-a", true),
            ("t*m*a", "tea", false),
            ("a*a", "a", false),
            ("**", "x", true),
        ] {
            assert_eq!(fits(pattern, name), does, "{pattern} {name}");
        }
    }

    #[test]
    fn all_lists_must_allow_it() {
        let may = only("{ namespaces: [team-a-*], playbooks: [pvc-filling] }");
        let target = |namespace: &str| Target::new("PersistentVolumeClaim", namespace, "data-0");
        assert_eq!(may.why_not("KubeVolumeFilling", "pvc-filling", &target("team-a-prod")), None);
        let other = may.why_not("KubeVolumeFilling", "pvc-filling", &target("team-b")).unwrap();
        assert!(other.contains("`team-b`") && other.contains("may_start.namespaces"), "{other}");
        let playbook = may.why_not("X", "coredns-saturated", &target("team-a-prod")).unwrap();
        assert!(playbook.contains("may_start.playbooks"), "{playbook}");
        let node = may.why_not("X", "pvc-filling", &Target::new("Node", "", "n1")).unwrap();
        assert!(node.contains("in no namespace"), "{node}");
        assert!(only("nothing").why_not("X", "p", &target("a")).is_some());
        assert_eq!(only("everything").why_not("X", "p", &target("a")), None);
        assert_eq!(only("{}").why_not("X", "p", &target("a")), None);
    }

    #[test]
    fn a_word_that_is_none_is_refused() {
        let error = serde_saphyr::from_str::<MayStart>("all").unwrap_err().to_string();
        assert!(error.contains("everything"), "{error}");
    }
}
