//! How long somebody who was called has, before others are called.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Severity;

/// The times of one team, by severity. What is not there is called for once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AckTimes {
    /// From a page to its acknowledgement.
    pub acknowledge: BTreeMap<Severity, Duration>,
    /// What whoever is called first has instead, where the team says so.
    pub first: Option<Duration>,
    /// From the last thing that somebody did about an incident that is acknowledged to the next.
    pub touch: BTreeMap<Severity, Duration>,
}

/// The times of all teams. The default is that nobody is called again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AckTimesOf {
    pub usual: AckTimes,
    /// Of those that have others.
    pub by_team: BTreeMap<String, AckTimes>,
}

impl AckTimes {
    /// What a severity obliges to.
    pub fn usual() -> Self {
        let all = [Severity::S1, Severity::S2, Severity::S3, Severity::S4];
        let times = |of: fn(Severity) -> Option<Duration>| {
            all.into_iter().filter_map(|severity| Some((severity, of(severity)?))).collect()
        };
        Self { acknowledge: times(Severity::ack_within), first: None, touch: times(Severity::mitigate_within) }
    }
}

impl AckTimesOf {
    pub fn of(&self, team: &str) -> &AckTimes {
        self.by_team.get(team).unwrap_or(&self.usual)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s1_and_s2_are_called_for_again_and_a_team_may_take_longer() {
        let slow = AckTimes { acknowledge: [(Severity::S2, Duration::from_secs(3_600))].into(), ..AckTimes::default() };
        let all = AckTimesOf { usual: AckTimes::usual(), by_team: [("slow".to_owned(), slow)].into() };
        let of = |team: &str, severity| all.of(team).acknowledge.get(&severity).map(Duration::as_secs);
        assert_eq!(
            [Severity::S1, Severity::S2, Severity::S3].map(|severity| of("any", severity)),
            [Some(300), Some(900), None]
        );
        assert_eq!((of("slow", Severity::S1), of("slow", Severity::S2)), (None, Some(3_600)));
        assert!(AckTimesOf::default().of("any").acknowledge.is_empty());
    }
}
