//! How bad what an alert tells of is: its own word or its playbook's, and the tier of what it is
//! about.

use super::opening::severity_of;
use super::{Coverage, IncidentRules};
use crate::model::{Alert, NAMESPACE, ObjectKey, Severity, TierRule};
use crate::surroundings::Marks;

/// How bad it is, and what whoever reads the timeline must know of why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rating {
    pub severity: Severity,
    pub remark: Option<String>,
}

/// What is asked for an alert's tier: its object, else its namespace. `object`: of the cluster that
/// the bot works on, where the source may speak of it.
pub(super) fn tier_subject(rules: &IncidentRules, alert: &Alert, object: Option<&ObjectKey>) -> Option<ObjectKey> {
    if !rules.tiers.is_on() {
        return None;
    }
    object.cloned().or_else(|| {
        let namespace = rules.labels.find(alert, NAMESPACE)?.value;
        Some(ObjectKey::new("Namespace", "", namespace))
    })
}

/// Rates an alert. `marks`: what the cluster says of the tier; `None`: it is not asked.
pub(super) fn rate(rules: &IncidentRules, coverage: &Coverage, alert: &Alert, marks: Option<&Marks>) -> Rating {
    let said = severity_of(rules, coverage, alert);
    let tiers = &rules.tiers;
    if !tiers.is_on() {
        return Rating { severity: said, remark: None };
    }
    let by_cluster = marks.into_iter().flat_map(|marks| &marks.found).find_map(|mark| {
        let (tier, rule) = tiers.rule(&mark.value)?;
        Some((tier, rule, format!("of {}", mark.of)))
    });
    let by_label = || {
        let (tier, rule) = tiers.rule(alert.label(&tiers.alert_label)?)?;
        Some((tier, rule, format!("by its label {}", tiers.alert_label)))
    };
    match by_cluster.or_else(by_label) {
        Some((tier, rule, whence)) => by_tier(coverage, alert, said, (tier, rule, &whence)),
        None if marks.is_some_and(|marks| !marks.is_settled) => {
            let name = alert.name();
            let remark = format!(
                "the cluster did not say in time what tier what {name} is about has: {said}, as {} says, counts without it",
                who(coverage, alert)
            );
            Rating { severity: said, remark: Some(remark) }
        }
        None => Rating { severity: said, remark: None },
    }
}

fn by_tier(coverage: &Coverage, alert: &Alert, said: Severity, (tier, rule, whence): (&str, TierRule, &str)) -> Rating {
    let (severity, changed) = rule.apply(said);
    let remark = changed.map(|changed| {
        let who = who(coverage, alert);
        format!("{severity}: {who} says {said}, and tier {tier} {whence} is {changed} (severities.tiers)")
    });
    Rating { severity, remark }
}

fn who(coverage: &Coverage, alert: &Alert) -> String {
    match coverage.playbook() {
        Some(playbook) => format!("playbook {}", playbook.name),
        None => alert.name().to_owned(),
    }
}
