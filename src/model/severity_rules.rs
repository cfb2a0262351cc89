//! What makes an incident better or worse than its alerts say: the tier of what they are about, and
//! how much is affected.

use std::collections::BTreeMap;

use super::Severity;

/// What the tiers of objects mean.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tiers {
    /// The labels and annotations that say an object's tier: of itself, else its owner's, else its
    /// namespace's.
    pub names: Vec<String>,
    /// The label by which alerts say it, where the cluster does not.
    pub alert_label: String,
    pub rules: BTreeMap<String, TierRule>,
}

/// What a tier obliges to. At least one of the two is there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TierRule {
    pub at_least: Option<Severity>,
    pub at_most: Option<Severity>,
}

impl Tiers {
    /// Whether any tier means anything.
    pub fn is_on(&self) -> bool {
        !self.rules.is_empty()
    }

    /// The rule of a tier; `None`: the word means nothing here.
    pub fn rule(&self, tier: &str) -> Option<(&str, TierRule)> {
        self.rules.get_key_value(tier.trim()).map(|(tier, rule)| (tier.as_str(), *rule))
    }
}

impl TierRule {
    /// The severity by the rule, and what of it changes something.
    pub fn apply(&self, said: Severity) -> (Severity, Option<String>) {
        let (least, most) = (self.at_least.unwrap_or(Severity::S4), self.at_most.unwrap_or(Severity::S1));
        if least < said {
            return (least, Some(format!("at_least {least}")));
        }
        if most > said {
            return (most, Some(format!("at_most {most}")));
        }
        (said, None)
    }
}

/// From how many objects on an incident is one step worse. `None`: however many there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlastRadius {
    /// From S2 to S1.
    pub s1: Option<u64>,
    pub s2: Option<u64>,
    pub s3: Option<u64>,
}

impl BlastRadius {
    pub const OFF: Self = Self { s1: None, s2: None, s3: None };

    /// From what steps are taken.
    pub const BASES: [Severity; 3] = [Severity::S2, Severity::S3, Severity::S4];

    /// What that severity becomes with so many objects, and from how many on: the last step, where
    /// it takes more than one.
    pub fn raise(&self, from: Severity, objects: u64) -> Option<(Severity, u64)> {
        let mut raised = None;
        let mut now = from;
        loop {
            let (next, least) = match now {
                Severity::S1 => return raised,
                Severity::S2 => (Severity::S1, self.s1),
                Severity::S3 => (Severity::S2, self.s2),
                Severity::S4 => (Severity::S3, self.s3),
            };
            match least {
                Some(least) if objects >= least => raised = Some((next, least)),
                _ => return raised,
            }
            now = next;
        }
    }

    /// Fewer objects make nothing worse than that severity. `None`: however many there are.
    pub fn least(&self, from: Severity) -> Option<u64> {
        let steps = [self.s1, self.s2, self.s3].into_iter().flatten();
        let is_worse = |base, objects| self.raise(base, objects).is_some_and(|(to, _)| to < from);
        steps.filter(|objects| Self::BASES.into_iter().any(|base| is_worse(base, *objects))).min()
    }

    /// What is as bad as that is made no worse by any number of objects.
    pub fn worst(&self) -> Severity {
        match self {
            Self { s1: Some(_), .. } => Severity::S1,
            Self { s2: Some(_), .. } => Severity::S2,
            Self { s3: Some(_), .. } => Severity::S3,
            Self { .. } => Severity::S4,
        }
    }

    /// Objects of which less is told are no part of any step.
    pub fn mildest(&self) -> Severity {
        match self {
            Self { s3: Some(_), .. } => Severity::S4,
            Self { s2: Some(_), .. } => Severity::S3,
            Self { .. } => Severity::S2,
        }
    }
}

impl Default for BlastRadius {
    /// More than what one workload usually has: somebody should look before the morning.
    fn default() -> Self {
        Self { s2: Some(25), ..Self::OFF }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Severity::{S1, S2, S3, S4};

    #[test]
    fn a_tier_raises_to_at_least_and_lowers_to_at_most() {
        let rule = |at_least, at_most| TierRule { at_least, at_most };
        let by = |rule: TierRule| [S1, S2, S3, S4].map(|said| rule.apply(said).0);
        assert_eq!(by(rule(Some(S2), None)), [S1, S2, S2, S2]);
        assert_eq!(by(rule(None, Some(S3))), [S3, S3, S3, S4]);
        assert_eq!(by(rule(Some(S3), Some(S2))), [S2, S2, S3, S3]);
        assert_eq!(rule(Some(S2), None).apply(S1), (S1, None), "what it is already is no change");
    }

    #[test]
    fn so_many_objects_are_one_step_worse() {
        let radius = BlastRadius::default();
        assert_eq!(radius.raise(S3, 24), None);
        assert_eq!(radius.raise(S3, 25), Some((S2, 25)));
        for (from, objects) in [(S2, 10_000), (S1, 10_000), (S4, 10_000)] {
            assert_eq!(radius.raise(from, objects), None, "{from}");
        }
        assert_eq!(BlastRadius::OFF.raise(S3, 10_000), None);
        let all = BlastRadius { s1: Some(100), s2: Some(25), s3: Some(5) };
        assert_eq!(
            (all.raise(S4, 6), all.raise(S4, 30), all.raise(S3, 200)),
            (Some((S3, 5)), Some((S2, 25)), Some((S1, 100)))
        );
        assert_eq!([S1, S2, S3, S4].map(|from| all.least(from)), [None, Some(100), Some(25), Some(5)]);
        let gap = BlastRadius { s1: Some(40), s2: None, s3: Some(5) };
        assert_eq!([S1, S2, S3, S4].map(|from| gap.least(from)), [None, Some(40), Some(40), Some(5)]);
        let odd = BlastRadius { s1: Some(10), s2: Some(25), s3: None };
        assert_eq!([S1, S2, S3, S4].map(|from| odd.least(from)), [None, Some(10), Some(10), Some(10)]);
        assert_eq!([S1, S2, S3, S4].map(|from| BlastRadius::OFF.least(from)), [None; 4]);
    }
}
