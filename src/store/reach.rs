//! Whether a page has reached anybody.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Deserializer, Serialize};

use super::{Page, Standing, Told};
use crate::model::Severity;

/// How one sink stands with a page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageDelivery {
    pub sink: String,
    /// How often it was tried in vain since it last arrived.
    pub attempts: u32,
    /// What the last attempt in vain came to.
    pub error: Option<String>,
    /// When it is tried next; `None`: it is not.
    #[serde(with = "chrono::serde::ts_microseconds_option")]
    pub due_at: Option<DateTime<Utc>>,
    #[serde(with = "chrono::serde::ts_microseconds_option")]
    pub delivered_at: Option<DateTime<Utc>>,
    /// What the receiver knows of it; `None`: nothing.
    #[serde(default, skip_serializing, deserialize_with = "told")]
    pub told: Option<Told>,
}

fn told<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Told>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text.as_deref().and_then(Told::read))
}

impl PageDelivery {
    /// Whether it calls somebody who does not look. The console's line is seen by whoever happens
    /// to.
    pub fn calls(&self) -> bool {
        calls(&self.sink)
    }
}

/// Whether a sink of that name calls somebody who does not look.
pub(in crate::store) fn calls(sink: &str) -> bool {
    sink != "console"
}

/// Whom a page has reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// A sink has taken it, or somebody has acknowledged it.
    Somebody,
    /// It calls nobody: what is less than S2 is asked in chat until somebody acknowledges it.
    Chat,
    /// It is told in another page: whoever has that one knows.
    Folded,
    /// It was made just now, and nothing speaks against its arrival.
    OnItsWay,
    /// It is tried, or nothing is there to bring it to.
    Nobody { since: DateTime<Utc> },
}

/// A page that no sink has refused and none has taken is on its way for so long: one attempt takes
/// 20 s at the most, and a bot that was killed in it tries again after a minute.
const ON_ITS_WAY: TimeDelta = TimeDelta::seconds(90);

impl Page {
    /// Whether it pages nobody, and is asked in chat until somebody acknowledges it. One that an
    /// earlier version has sent is a page.
    pub fn is_call(&self) -> bool {
        !self.severity.pages() && self.deliveries.is_empty() && !self.is_folded()
    }

    /// Which of those sinks has it, if one does: it was told that it stands, nothing says that it
    /// was closed there, and nothing that it should hear fails.
    fn is_kept_by(&self, sinks: &BTreeSet<String>) -> Option<&str> {
        let has_it = |delivery: &&PageDelivery| {
            let knows_it = matches!(delivery.told, Some(Told::Of(Standing::Open | Standing::Acknowledged)));
            knows_it && delivery.attempts == 0 && sinks.contains(&delivery.sink)
        };
        self.deliveries.iter().find(has_it).map(|delivery| delivery.sink.as_str())
    }

    /// The sink that calls the next by itself and has this page, or another one of the same bad
    /// news among `all`, those of its incident: two who escalate would wake more people than
    /// either's policy says. Nobody, where a person has asked for this one, whom no receiver knows.
    pub fn watched_by<'a>(&'a self, all: &'a [Page], sinks: &BTreeSet<String>) -> Option<&'a str> {
        if self.asked {
            return None;
        }
        let is_alike = |other: &&Page| {
            let waits = other.acknowledged_at.is_none() || self.acknowledged_at.is_some();
            waits && !other.asked && !other.is_outdated() && other.severity == self.severity
        };
        let others = all.iter().filter(|other| other.id != self.id).filter(is_alike);
        let kept = std::iter::once(self).chain(others).filter(|page| !page.by_name);
        kept.filter_map(|page| page.is_kept_by(sinks)).next()
    }

    /// Whom it has reached so far. A page that stands on the console alone has reached nobody while
    /// a sink that calls is in its order, too.
    pub fn reach(&self, now: DateTime<Utc>) -> Reach {
        let calling = self.deliveries.iter().any(PageDelivery::calls);
        let has_it = |delivery: &PageDelivery| delivery.delivered_at.is_some() && (delivery.calls() || !calling);
        if self.acknowledged_at.is_some() || self.deliveries.iter().any(has_it) {
            return Reach::Somebody;
        }
        if self.is_folded() {
            return Reach::Folded;
        }
        if self.is_call() {
            return Reach::Chat;
        }
        let in_vain = self.deliveries.iter().any(|delivery| delivery.error.is_some());
        let given_up = self.deliveries.iter().all(|delivery| delivery.due_at.is_none());
        if in_vain || given_up || now - self.created_at > ON_ITS_WAY {
            return Reach::Nobody { since: self.created_at };
        }
        Reach::OnItsWay
    }

    /// What chat is told of a call, before why it is made.
    pub fn call_text(&self) -> String {
        call_text(&self.team, self.severity)
    }

    /// Since when it has reached nobody, if it has.
    pub fn reached_nobody_since(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match self.reach(now) {
            Reach::Nobody { since } => Some(since),
            Reach::Somebody | Reach::Folded | Reach::Chat | Reach::OnItsWay => None,
        }
    }
}

/// What chat is told of a page whose severity pages nobody.
pub(in crate::store) fn call_text(team: &str, severity: Severity) -> String {
    format!("a person of team {team} is needed; nobody is paged, as it is {severity}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{IncidentId, PageId};
    use crate::store::PageReason;
    use crate::store::story::morning;

    fn page(deliveries: Vec<PageDelivery>) -> Page {
        Page {
            id: PageId(1),
            incident: IncidentId(1),
            made_for: IncidentId(1),
            level: 1,
            team: "platform".into(),
            reason: PageReason::SeverityOne,
            text: None,
            severity: Severity::S1,
            created_at: morning(),
            asked: false,
            by_name: false,
            called: Vec::new(),
            arrived_at: None,
            acknowledged_at: None,
            answered: false,
            has_news: false,
            fold: None,
            key: "dogwatch-INC-1-1-1-S1".into(),
            pager_key: String::new(),
            outdone: false,
            earlier: false,
            deliveries,
        }
    }

    fn waiting(sink: &str) -> PageDelivery {
        PageDelivery {
            sink: sink.into(),
            attempts: 0,
            error: None,
            due_at: Some(morning()),
            delivered_at: None,
            told: None,
        }
    }

    fn in_vain(sink: &str) -> PageDelivery {
        PageDelivery { attempts: 1, error: Some("503".into()), ..waiting(sink) }
    }

    fn delivered(sink: &str) -> PageDelivery {
        PageDelivery { due_at: None, delivered_at: Some(morning()), ..waiting(sink) }
    }

    #[test]
    fn one_sink_that_calls_is_enough() {
        let reach = |deliveries| page(deliveries).reach(morning() + TimeDelta::seconds(5));
        let nobody = Reach::Nobody { since: morning() };
        assert_eq!(reach(vec![waiting("webhook")]), Reach::OnItsWay);
        assert_eq!(reach(vec![in_vain("webhook")]), nobody);
        assert_eq!(reach(vec![in_vain("webhook"), waiting("discord")]), nobody);
        assert_eq!(reach(vec![in_vain("webhook"), delivered("discord")]), Reach::Somebody);
        assert_eq!(reach(vec![in_vain("webhook"), delivered("console")]), nobody, "nobody looks at it at night");
        assert_eq!(reach(vec![delivered("console")]), Reach::Somebody, "nothing else is wanted");
        assert_eq!(reach(vec![]), nobody, "there is nothing to bring it to");
        let given_up = PageDelivery { due_at: None, ..in_vain("webhook") };
        assert_eq!(reach(vec![given_up]), nobody);
    }

    #[test]
    fn what_pages_nobody_stands_in_chat() {
        let mut page = Page { severity: Severity::S3, ..page(vec![]) };
        let later = morning() + TimeDelta::hours(5);
        assert_eq!((page.reach(later), page.reached_nobody_since(later)), (Reach::Chat, None));
        page.deliveries = vec![in_vain("webhook")];
        assert_eq!(page.reach(later), Reach::Nobody { since: morning() }, "as an earlier version has sent it");
        page.acknowledged_at = Some(morning());
        page.deliveries.clear();
        assert_eq!(page.reach(later), Reach::Somebody);
    }

    #[test]
    fn what_is_acknowledged_has_reached_somebody_whatever_its_deliveries_say() {
        let mut page = page(vec![in_vain("webhook")]);
        page.acknowledged_at = Some(morning());
        assert_eq!(page.reach(morning()), Reach::Somebody);
        assert_eq!(page.reached_nobody_since(morning()), None);
    }

    #[test]
    fn a_page_that_nobody_takes_up_is_not_on_its_way_for_ever() {
        let page = page(vec![waiting("webhook")]);
        assert_eq!(page.reach(morning() + TimeDelta::seconds(90)), Reach::OnItsWay);
        assert_eq!(page.reach(morning() + TimeDelta::seconds(91)), Reach::Nobody { since: morning() });
    }
}
