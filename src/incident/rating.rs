//! How bad what an alert tells of is: its own word or its playbook's, and the tier of what it is
//! about.
//!
//! The first of the object, its owner, its namespace and the alert's own label counts whose word
//! has a rule. While one before it is not known (it was not asked, did not answer in time, is not
//! there, or may not be read), it could be overruled: then it only makes worse, and never better.

use super::opening::severity_of;
use super::{Coverage, IncidentRules};
use crate::model::{Alert, ObjectKey, Severity, TierRule};
use crate::surroundings::{Mark, Marks, Missing};

/// How bad it is, and what whoever reads the timeline must know of why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rating {
    pub severity: Severity,
    pub because: Option<String>,
    /// That is so for whatever else joins, too: it is told where an incident begins.
    pub is_lasting: bool,
}

impl Rating {
    fn plain(severity: Severity) -> Self {
        Self { severity, because: None, is_lasting: false }
    }

    fn because(severity: Severity, because: String) -> Self {
        Self { severity, because: Some(because), is_lasting: false }
    }
}

/// What is asked for an alert's tier: its object, else its namespace. `object`: of the cluster that
/// the bot works on, where the source may speak of it.
pub(super) fn tier_subject(rules: &IncidentRules, alert: &Alert, object: Option<&ObjectKey>) -> Option<ObjectKey> {
    if !rules.tiers.is_on() {
        return None;
    }
    object.cloned().or_else(|| {
        // Of two namespaces nobody knows which is meant.
        let namespace = rules.labels.namespace(alert, None).ok()??;
        Some(ObjectKey::new("Namespace", "", namespace.value))
    })
}

/// A tier with a rule, and who says it.
struct Tier<'a> {
    name: &'a str,
    rule: TierRule,
    whence: String,
}

/// Rates an alert. `marks`: what the cluster says of the tier; `None`: it is not asked.
pub(super) fn rate(rules: &IncidentRules, coverage: &Coverage, alert: &Alert, marks: Option<&Marks>) -> Rating {
    let said = severity_of(rules, coverage, alert);
    let tiers = &rules.tiers;
    if !tiers.is_on() {
        return Rating::plain(said);
    }
    let first = |marks: &[Mark]| {
        marks.iter().find_map(|mark| {
            let (name, rule) = tiers.rule(&mark.value)?;
            Some(Tier { name, rule, whence: format!("of {}", mark.of) })
        })
    };
    let by_label = || {
        let (name, rule) = tiers.rule(alert.label(&tiers.alert_label)?)?;
        Some(Tier { name, rule, whence: format!("by its label {}", tiers.alert_label) })
    };
    let who = match coverage.playbook() {
        Some(playbook) => format!("playbook {}", playbook.name),
        None => alert.name().to_owned(),
    };
    let certain = marks.map_or(&[][..], Marks::certain);
    if let Some(tier) = first(certain) {
        return by_tier(&who, said, &tier);
    }
    let tier = first(marks.map_or(&[][..], Marks::uncertain)).or_else(by_label);
    match (marks.and_then(Marks::missing), tier) {
        (None, None) => Rating::plain(said),
        (None, Some(tier)) => by_tier(&who, said, &tier),
        (Some(missing), tier) => uncertain(&who, said, tier.as_ref(), missing),
    }
}

fn by_tier(who: &str, said: Severity, tier: &Tier<'_>) -> Rating {
    let (severity, changed) = tier.rule.apply(said);
    let Some(changed) = changed else { return Rating::plain(severity) };
    Rating::because(severity, told(who, said, tier, &changed))
}

fn told(who: &str, said: Severity, tier: &Tier<'_>, changed: &str) -> String {
    format!("{who} says {said}, and tier {} {} is {changed} (severities.tiers)", tier.name, tier.whence)
}

/// Who is missing could overrule the tier: it only raises.
fn uncertain(who: &str, said: Severity, tier: Option<&Tier<'_>>, missing: &Missing) -> Rating {
    let changes = tier.and_then(|tier| {
        let (severity, changed) = tier.rule.apply(said);
        Some((tier, severity, changed?))
    });
    match changes {
        Some((tier, severity, changed)) if severity < said => {
            Rating::because(severity, format!("{}; {missing}", told(who, said, tier, &changed)))
        }
        Some((tier, _, changed)) => Rating::because(
            said,
            format!(
                "{who} says so, and tier {} {} is {changed}, which counts not, as {missing} (severities.tiers)",
                tier.name, tier.whence
            ),
        ),
        // That it is not there is no news: an alert may be about that.
        None if matches!(missing, Missing::Gone(_)) => Rating::plain(said),
        None => Rating {
            is_lasting: matches!(missing, Missing::Forbidden(_)),
            ..Rating::because(said, format!("{who} says so; {missing} (severities.tiers)"))
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tier(rule: TierRule) -> Tier<'static> {
        Tier { name: "x", rule, whence: "of namespace/db".into() }
    }

    /// Whatever it says, and whatever is missing.
    #[test]
    fn what_is_uncertain_makes_nothing_less_bad() {
        use Severity::{S1, S2, S3, S4};
        let all = [None, Some(S1), Some(S2), Some(S3), Some(S4)];
        let key = ObjectKey::new("Pod", "db", "p");
        for missing in [Missing::Unanswered, Missing::Forbidden(key.clone()), Missing::Gone(key.clone())] {
            for (at_least, at_most) in all.iter().flat_map(|least| all.map(|most| (*least, most))) {
                for said in [S1, S2, S3, S4] {
                    let tier = tier(TierRule { at_least, at_most });
                    let rated = uncertain("A", said, Some(&tier), &missing);
                    let wanted = said.worst(at_least.unwrap_or(S4));
                    assert_eq!(rated.severity, wanted, "{said} {at_least:?} {at_most:?} {missing}");
                }
            }
        }
    }
}
