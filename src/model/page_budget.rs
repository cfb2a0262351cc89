//! How many incidents a team is paged for before pages of one shape are folded together.

use std::collections::BTreeMap;
use std::time::Duration;

/// So many incidents within a time: more of them nobody takes care of with a clear head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageBudget {
    pub pages: u32,
    pub within: Duration,
}

impl PageBudget {
    /// Two incidents in a shift of 12 hours.
    pub const USUAL: Self = Self { pages: 2, within: Duration::from_secs(12 * 3_600) };

    /// What it comes to in a shift of that length; at least one.
    pub fn of_shift(self, length: Duration) -> usize {
        let within = self.within.as_secs().max(1);
        let share = (length.as_secs() * u64::from(self.pages) + within / 2) / within;
        usize::try_from(share).unwrap_or(usize::MAX).max(1)
    }
}

/// The budgets of all teams. The default is that nobody has one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PageBudgets {
    /// `None`: nothing is folded.
    pub usual: Option<PageBudget>,
    /// Of those that have another one.
    pub by_team: BTreeMap<String, Option<PageBudget>>,
}

impl PageBudgets {
    /// What teams have where nothing else is said.
    pub fn usual() -> Self {
        Self { usual: Some(PageBudget::USUAL), by_team: BTreeMap::new() }
    }

    pub fn of(&self, team: &str) -> Option<PageBudget> {
        self.by_team.get(team).copied().unwrap_or(self.usual)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budget_follows_the_length_of_the_shift() {
        let of = |hours: u64| PageBudget::USUAL.of_shift(Duration::from_secs(hours * 3_600));
        assert_eq!(of(12), 2);
        assert_eq!(of(11), 2, "one night a year is an hour shorter");
        assert_eq!(of(24), 4);
        assert_eq!(of(168), 28);
        assert_eq!(of(1), 1);
    }

    #[test]
    fn a_team_may_have_a_budget_of_its_own_or_none() {
        let four = PageBudget { pages: 4, ..PageBudget::USUAL };
        let by_team = BTreeMap::from([("db".to_owned(), Some(four)), ("test".to_owned(), None)]);
        let budgets = PageBudgets { usual: Some(PageBudget::USUAL), by_team };
        assert_eq!(budgets.of("platform"), Some(PageBudget::USUAL));
        assert_eq!(budgets.of("db"), Some(four));
        assert_eq!(budgets.of("test"), None);
    }
}
