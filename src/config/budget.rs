//! `pages.budget`: how many incidents a team is paged for before pages are folded together.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Visitor, value::MapAccessDeserializer};

use crate::model::{HumanDuration, PageBudget, PageBudgets};

/// `off`, or so many incidents within a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BudgetConfig {
    Off,
    On(PageBudget),
}

#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Written {
    /// For so many incidents.
    pages: u32,
    #[serde(default = "usual_time")]
    within: HumanDuration,
}

fn usual_time() -> HumanDuration {
    HumanDuration(PageBudget::USUAL.within)
}

impl Default for BudgetConfig {
    fn default() -> Self {
        Self::On(PageBudget::USUAL)
    }
}

impl BudgetConfig {
    /// What is wrong with it: the field within it, what, and what to write instead.
    pub(super) fn problem(self) -> Option<(&'static str, String, &'static str)> {
        const MOST: u32 = 1_000;
        let Self::On(PageBudget { pages, within }) = self else { return None };
        if pages == 0 {
            return Some((
                "pages",
                "a budget of 0 is spent before anybody is paged".to_owned(),
                "write 1 or more, or `off` for no budget at all",
            ));
        }
        if pages > MOST {
            return Some((
                "pages",
                format!("nobody is woken for {pages} incidents"),
                "write `off` for no budget at all",
            ));
        }
        let range = Duration::from_secs(600)..=Duration::from_secs(7 * 86_400);
        let within = HumanDuration(within);
        (!range.contains(&within.0)).then(|| {
            (
                "within",
                format!("{within} is no time to count incidents in"),
                "write `10m` to `7d`; `12h`, a shift, is usual",
            )
        })
    }

    fn budget(self) -> Option<PageBudget> {
        match self {
            Self::Off => None,
            Self::On(budget) => Some(budget),
        }
    }
}

/// The budgets of all teams.
pub(super) fn budgets(usual: BudgetConfig, by_team: &BTreeMap<String, BudgetConfig>) -> PageBudgets {
    let by_team = by_team.iter().map(|(team, budget)| (team.clone(), budget.budget())).collect();
    PageBudgets { usual: usual.budget(), by_team }
}

impl schemars::JsonSchema for BudgetConfig {
    fn schema_name() -> Cow<'static, str> {
        "PageBudget".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "anyOf": [{ "enum": ["off", false] }, Written::json_schema(generator)] })
    }
}

// By hand, as an untagged enum would lose the places.
impl<'de> Deserialize<'de> for BudgetConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct BudgetVisitor;

        impl<'de> Visitor<'de> for BudgetVisitor {
            type Value = BudgetConfig;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`off`, or a budget such as { pages: 2, within: 12h }")
            }

            // Older YAML takes `off` for this.
            fn visit_bool<E: Error>(self, on: bool) -> Result<BudgetConfig, E> {
                if on { Ok(BudgetConfig::default()) } else { Ok(BudgetConfig::Off) }
            }

            fn visit_str<E: Error>(self, word: &str) -> Result<BudgetConfig, E> {
                match word {
                    "off" => Ok(BudgetConfig::Off),
                    _ => Err(E::invalid_value(serde::de::Unexpected::Str(word), &self)),
                }
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<BudgetConfig, A::Error> {
                let Written { pages, within } = Written::deserialize(MapAccessDeserializer::new(map))?;
                Ok(BudgetConfig::On(PageBudget { pages, within: within.0 }))
            }
        }

        deserializer.deserialize_any(BudgetVisitor)
    }
}
