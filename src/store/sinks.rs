//! Where the outbox brings things.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::reach::calls;
use super::{PageOrder, TicketSinks};
use crate::model::{AckTimesOf, KnowsContacts, PageBudgets, PageFor};

/// Which sinks the outbox brings things to.
#[derive(Debug, Clone, Default)]
pub struct Sinks {
    /// Incidents' messages, notices and questions.
    pub chat: Vec<String>,
    /// Pages: all of the first entry get each page.
    pub pages: PageOrder,
    /// All that pages can go to and that call somebody, whether or not the order names them.
    pub there: BTreeSet<String>,
    /// Where those who are called want to be. `None`: nobody says.
    pub contacts: Option<Arc<dyn KnowsContacts>>,
    /// Those that hear, too, that somebody has a page and that it is over.
    pub hear_ends: BTreeSet<String>,
    /// Those that call the next by themselves.
    pub escalate: BTreeSet<String>,
    /// The first in the order, else the first of `there`, that calls whom it is told to, and not
    /// the next of its own.
    pub calls_by_name: Option<String>,
    /// How many pages go out before those of one shape are folded together.
    pub budgets: PageBudgets,
    /// What pages nobody becomes a ticket there.
    pub tickets: TicketSinks,
    /// When teams are paged for what else pages nobody.
    pub page_for: Arc<PageFor>,
    /// How long somebody who was called has, before others are called.
    pub ack_times: Arc<AckTimesOf>,
}

impl Sinks {
    /// Whether a sink of that name calls whom a page names, and no other.
    pub(in crate::store) fn knows_names(&self, sink: &str) -> bool {
        calls(sink) && !self.escalate.contains(sink)
    }

    /// The order for a page whose people want to be called there: all of these at once, and then as
    /// usual. `contacts`: of each of them. What is configured no more is passed over, and whoever
    /// wants to be called only there is called as usual.
    pub(in crate::store) fn order_for(&self, contacts: &[BTreeSet<String>]) -> PageOrder {
        let mut wanted = Vec::new();
        for own in contacts {
            let there: Vec<String> = own.intersection(&self.there).cloned().collect();
            wanted.extend(if there.is_empty() { self.pages.first().to_vec() } else { there });
        }
        PageOrder::new(std::iter::once(wanted).chain(self.pages.entries().map(<[String]>::to_vec)))
    }
}
